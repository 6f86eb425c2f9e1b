"""STATUS.txt: what a clerk reads there, and that writing it never gets in the way."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intake.outlets.status_file import Status, status_text, write_status

MOMENT = datetime(2026, 11, 20, 14, 3, 25, tzinfo=ZoneInfo("Europe/Amsterdam"))
BUSY = Status(MOMENT, waiting=3, oldest_minutes=4, working=2, done_today=17, failed=1, to_post=4, overdue_to_post=1)


def test_the_page_of_a_busy_day() -> None:
    assert status_text(BUSY) == (
        "Last check 14:03:25 on Friday 20 November 2026."
        " If this time is more than 5 minutes old, Intake does not run.\n"
        "\n"
        "Waiting        3 in incoming, the oldest for 4 minutes\n"
        "Being read     2\n"
        "Done today     17, in done\n"
        "Failed         1, in failed: each has a note that says what to do\n"
        "To post        4, in outgoing, 1 of them too late: post them today\n"
    )


@pytest.mark.parametrize(
    ("minutes", "warned"), [(0, ""), (15, ""), (16, "16 minutes"), (61, "61 minutes"), (150, "2 hours")]
)
def test_a_file_that_lies_in_incoming_for_long_is_warned_of(minutes: int, warned: str) -> None:
    text = status_text(replace(BUSY, oldest_minutes=minutes))
    assert ("Look at        a file has been in incoming for" in text) == bool(warned)
    assert warned in text
    assert "Look at" not in status_text(replace(BUSY, waiting=0, oldest_minutes=minutes))


def test_a_pause_and_warnings_stand_above_the_counts_each_on_one_line() -> None:
    status = replace(BUSY, paused="the disk is\nalmost full.", warnings=("scan.pdf cannot be read\r\nyet",))
    lines = status_text(status).splitlines()
    assert lines[2] == "Paused         the disk is almost full. Scans wait safely in incoming."
    assert lines[3] == "Look at        scan.pdf cannot be read yet"
    assert lines[5].startswith("Waiting")


def test_it_is_written_anew_at_each_look(tmp_path: Path) -> None:
    for second in (25, 26):
        assert write_status(tmp_path, replace(BUSY, checked_at=MOMENT.replace(second=second)))
        assert f"14:03:{second}" in (tmp_path / "STATUS.txt").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["STATUS.txt"]


def test_where_it_cannot_be_written_nothing_else_stops(tmp_path: Path) -> None:
    (tmp_path / "STATUS.txt").mkdir()
    assert not write_status(tmp_path, BUSY)
    assert not write_status(tmp_path / "gone", BUSY)
    assert [path.name for path in tmp_path.iterdir()] == ["STATUS.txt"]


def test_a_name_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    assert write_status(tmp_path, replace(BUSY, warnings=("M\udcfcller.pdf",)))
