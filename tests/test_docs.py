"""Promises are tests: what the README names is there, and what is there the README names."""

import dataclasses
import re
from pathlib import Path

import pytest
import typer

from intake.cli.app import app
from intake.config import Config

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REGISTRIES = re.compile(r"py[p]i\.org|python[h]osted\.org|registry\.n[p]mjs|deb\.d[e]bian\.org|crates\.i[o]")


def commands() -> list[str]:
    """Every command as a person types it: `intake letters approve`."""
    group = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        found += [f"intake {name} {part}" for part in inner]
        if not inner or command.invoke_without_command:
            found.append(f"intake {name}")
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert f"`{command}" in README


def test_every_command_of_the_readme_is_there() -> None:
    named = set(re.findall(r"\| `(intake (?:(?:badges|evidence|letters|schema|templates) )?[a-z-]+)", README))
    assert named == set(commands())


def settings_of(model: type, prefix: str = "") -> list[str]:
    """Every setting's own name, with its section: `mailbox.start`, `promise.cut_off`."""
    found = []
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        inner = [part for part in (field.annotation, *getattr(field.annotation, "__args__", ())) if part is not None]
        section = next((part for part in inner if hasattr(part, "model_fields")), None)
        if section is not None:
            found += settings_of(section, "" if name == "shops" else f"{prefix}{name}.")
        elif dataclasses.is_dataclass(field.annotation):
            found += [f"{name}.{part.name}" for part in dataclasses.fields(field.annotation)]
        elif field.repr and name != "protocol":
            found.append(f"{prefix}{name}")
    return found


@pytest.mark.parametrize("setting", sorted(settings_of(Config)))
def test_every_setting_stands_in_the_readme(setting: str) -> None:
    section, _, name = setting.rpartition(".")
    rows = [row for row in README.splitlines() if row.startswith("| ")]
    assert any(
        (f"`{section}.{name}`" if section else f"`{name}`") in row
        or (section and f"`{section}." in row and f"`.{name}`" in row)
        for row in rows
    ), setting


def test_exit_codes_and_fates_stand_in_the_readme() -> None:
    assert "0 fine, 1 something needs attention, 2 usage or configuration" in README
    for fate in ("opened", "joined", "duplicate", "set aside", "failed"):
        assert f"**{fate}**" in README


def test_the_files_that_the_readme_names_are_there() -> None:
    for name in re.findall(r"!?\[[^]]*\]\(([^)h][^)]*)\)", README):
        assert (ROOT / name).exists(), name


def test_the_lock_files_hold_hashes_and_name_no_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text


def test_no_file_names_a_package_registry() -> None:
    folders = ("intake", "storage", "templates", "tests", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.suffix != ".egg-info"]
    named = [path.name for path in files if REGISTRIES.search(path.read_bytes().decode("utf-8", "replace"))]
    assert named == []
