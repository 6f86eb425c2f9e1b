"""The commands that look and tell: help, version, check, due; and how errors are told."""

import json
import os
import random
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from intake import __version__, deadlines
from intake.types import Calendar
from tests.commands import Installation, run
from tests.servers import free_port

ROOT = Path(__file__).parent.parent
COMMANDS = (
    "run",
    "demo",
    "check",
    "poll",
    "cases",
    "show",
    "arrivals",
    "open",
    "join",
    "due",
    "inspect",
    "import",
    "letters",
    "backup",
    "restore",
    "version",
)
ZONE = ZoneInfo("Europe/Amsterdam")
SERVERS = """
[shops.mailbox]
host = "127.0.0.1"
port = {port}
security = "plain"
username = "mirjam"
password_env = "HOME"
timeout_seconds = 2

[shops.outgoing]
host = "127.0.0.1"
port = {port}
security = "plain"
sender = "mirjam@example.nl"
timeout_seconds = 2
"""


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    return Installation(tmp_path, capsys)


def command(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The real command, in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "intake", *words]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=environ, check=False)


def test_the_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "--help")
    assert said.code == 0
    assert set(COMMANDS) <= set(re.findall(r"^\W*([a-z]+)\s", said.out, re.MULTILINE))
    assert "Exit codes: 0 fine, 1 something needs attention, 2 usage or configuration" in " ".join(said.out.split())


@pytest.mark.parametrize("name", [*COMMANDS, "letters approve"])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, *name.split(), "--help")
    assert said.code == 0
    assert len(said.out.strip().splitlines()) > 3


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "version")
    assert (said.code, said.out) == (0, f"{__version__}\n")


WRONG_USE = {
    "an unknown command": ("fly",),
    "an unknown option": ("cases", "--fast"),
    "a missing argument": ("show",),
    "a number that is none": ("open", "first"),
    "a state that is none": ("cases", "--state", "lost"),
    "a fate that is none": ("arrivals", "--fate", "lost"),
    "a moment that is none": ("due", "--received", "yesterday"),
    "a channel that is none": ("due", "--received", "2026-09-07T10:00", "--channel", "fax"),
    "a counting that is none": ("due", "--received", "2026-09-07T10:00", "--counting", "fast"),
    "a shop that is none": ("due", "--received", "2026-09-07T10:00", "--shop", "other"),
    "a shop that is none for cases": ("cases", "--shop", "other"),
    "a shop that is none for arrivals": ("arrivals", "--shop", "other"),
    "polling for ever": ("poll",),
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use_ends_with_2_and_says_what_to_do_on_stderr(house: Installation, case: str) -> None:
    said = house.intake(*WRONG_USE[case])
    assert said.code == 2
    assert said.out == ""
    assert said.err.strip()
    assert "Traceback" not in said.err


def test_a_missing_configuration_is_told_without_a_traceback(tmp_path: Path) -> None:
    done = command("--config", str(tmp_path / "none.toml"), "cases")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "There is no configuration at" in done.stderr
    assert "--config" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_ends_with_2_and_lists_the_mistakes(house: Installation) -> None:
    house.config.write_text(house.config.read_text().replace('"SIS"', '"s"') + "\nzebra = [1]\n")
    said = house.intake("check")
    assert said.code == 2
    assert "shops[0].prefix: found 's'" in said.err
    assert "zebra" in said.err


@pytest.mark.parametrize("words", [("cases",), ("arrivals",), ("show", "SIS-2026-0001"), ("backup", "copy")])
def test_before_the_first_start_reading_says_what_to_do(house: Installation, words: tuple[str, ...]) -> None:
    said = house.intake(*words)
    assert said.code == 2
    assert "intake run" in said.err


def test_check_is_fine_without_servers(house: Installation) -> None:
    said = house.intake("check")
    assert said.code == 0, said
    assert "FAIL" not in said.out
    assert "one shop" in said.out


def test_check_fails_with_one_line_a_server_when_they_are_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Installation(tmp_path, capsys, SERVERS.format(port=free_port())).intake("check")
    assert said.code == 1
    failed = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in failed] == ["FAIL sis mailbox", "FAIL sis outgoing mail"]
    assert all(len(line) > 30 for line in failed)


def test_check_of_the_real_command_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = Installation(tmp_path, capsys, SERVERS.format(port=free_port()))
    assert command("--config", str(house.config), "check").returncode == 1


def test_check_names_a_wrong_template_of_the_shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = Installation(tmp_path, capsys, 'templates = "own"\n')
    house.write("own/nl/answer.j2", b"A\n\nhttps://ec.europa.eu/consumers/odr\n")
    said = house.intake("check", "--json")
    assert said.code == 2
    assert "nl/answer.j2 names the EU's ODR platform, which closed on 20 July 2025" in said.err


def test_due_has_exactly_its_keys(house: Installation) -> None:
    said = house.intake("due", "--received", "2026-09-11T17:01+02:00", "--json")
    assert said.code == 0
    assert list(said.value) == ["due_on", "post_by", "target_at", "trace"]
    assert said.value["due_on"] == "2026-09-17"
    assert said.value["post_by"] is None
    assert said.value["target_at"] == "2026-09-17T17:00:00+02:00"
    assert said.value["trace"]


def test_due_of_a_letter_says_when_to_post(house: Installation) -> None:
    words = ("due", "--received", "2026-09-11T10:00", "--channel", "letter")
    assert house.intake(*words, "--json").value["post_by"] == "2026-09-15"
    said = house.intake(*words)
    assert "Answer by Thursday 17 September 2026" in said.out
    assert "Post by Tuesday 15 September 2026" in said.out


def test_due_counts_as_it_is_told(house: Installation) -> None:
    words = ("due", "--json", "--received", "2026-09-11T17:01+02:00", "--counting")
    assert house.intake(*words, "event-day").value["due_on"] == "2026-09-17"
    assert house.intake(*words, "cut-off").value["due_on"] == "2026-09-18"


def test_a_time_without_a_zone_is_the_shops_time(house: Installation) -> None:
    words = ("due", "--counting", "cut-off", "--json", "--received")
    assert house.intake(*words, "2026-09-11T17:00").value == house.intake(*words, "2026-09-11T15:00Z").value
    assert house.intake(*words, "2026-09-11T17:01").value["due_on"] == "2026-09-18"


def test_a_day_is_taken_for_a_moment_of_that_day(house: Installation) -> None:
    assert house.intake("due", "--json", "--received", "2026-09-11").value["due_on"] == "2026-09-17"


@pytest.mark.parametrize("counting", ["event-day", "cut-off"])
def test_due_agrees_with_numpy_on_random_moments(house: Installation, counting: str) -> None:
    calendar = Calendar()
    chooser = random.Random(2026)
    first = datetime(2025, 1, 1, tzinfo=UTC)
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(366 * 6)]
    closed = [day for day in days if day.weekday() < 5 and not deadlines.is_business_day(day, calendar)]
    for _ in range(20):
        moment = first + timedelta(minutes=chooser.randrange(5 * 365 * 24 * 60))
        local = moment.astimezone(ZONE)
        day: Any = np.datetime64(local.date())
        late = (local.hour, local.minute, local.second) > (17, 0, 0)
        if counting == "cut-off":
            day = np.busday_offset(day + (1 if late else 0), 0, roll="forward", holidays=closed)
            expected = np.busday_offset(day, 4, holidays=closed)
        else:
            expected = np.busday_offset(day, 4, roll="backward", holidays=closed)
        said = house.intake("due", "--json", "--received", moment.isoformat(), "--counting", counting)
        assert said.value["due_on"] == str(expected), moment


def test_due_of_the_real_command_is_that_of_this_process(house: Installation) -> None:
    words = ("due", "--received", "2027-03-27T23:30Z", "--channel", "letter", "--counting", "cut-off", "--json")
    done = command("--config", str(house.config), *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == house.intake(*words).value
