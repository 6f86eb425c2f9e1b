"""The command line as a person uses it: an installation in a folder, and commands that run in this process."""

import json
import mailbox
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from intake.cli import main
from tests.builders import mail

CONFIG = """
data = "var"
workers = {{ processes = 1 }}

[[shops]]
id = "sis"
name = "Smart Import Solutions"
prefix = "SIS"
manager = {{ name = "Mirjam", addresses = ["mirjam@example.nl"] }}
address = {{ street = "Plattenborgstraat 20", postal_code = "8043 TT", city = "Zwolle" }}
phone = {{ number = "06-29557135" }}
{more}
"""
POST_FOLDER = """
[shops.post_folder]
path = "post"
room_address = "post@example.nl"
stable_seconds = 0
stable_looks = 2
record_wait_seconds = 0
"""
NEWSLETTER = mail(
    "Onze aanbiedingen van deze week.",
    sender="Nieuws <news@example.de>",
    subject="Aanbiedingen",
    message_id="<news@example.de>",
    list_unsubscribe="<https://example.de/uit>",
    list_id="<news.example.de>",
    precedence="bulk",
)


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        return json.loads(self.out)

    @property
    def values(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def run(capsys: pytest.CaptureFixture[str], *words: object) -> Said:
    """Run one command in this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return Said(int(ended.value.code or 0), captured.out, captured.err)


class Installation:
    """A folder with a configuration; `intake` runs a command on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], more: str = "") -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(more=more), encoding="utf-8")
        self._capsys = capsys

    def intake(self, *words: object) -> Said:
        return run(self._capsys, "--config", self.config, *words)

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def take_in(self, *mails: bytes) -> None:
        """Import mails, each from a file of its own."""
        paths = [self.write(f"in/{number}.eml", raw) for number, raw in enumerate(mails or (mail(),))]
        said = self.intake("import", "--json", *paths)
        assert said.value["new"] == len(paths), said


def make_mbox(path: Path, mails: Sequence[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    box = mailbox.mbox(path)
    for raw in mails:
        box.add(raw)
    box.close()
    return path


def make_maildir(path: Path, mails: Sequence[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    box = mailbox.Maildir(path)
    for raw in mails:
        box.add(raw)
    box.close()
    return path
