"""The calendar feed: what a calendar program reads, and that it is written only when something has changed."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from intake.outlets.calendar_feed import Entry, feed, keep_fresh
from tests.builders import mail
from tests.commands import Installation

MONDAY = datetime(2026, 9, 7, 10, tzinfo=UTC)
ENTRIES = [
    Entry("SIS-2026-0002@example.nl", date(2026, 9, 18), "SIS-2026-0002: post the letter", MONDAY),
    Entry("SIS-2026-0001@example.nl", date(2026, 9, 11), "SIS-2026-0001: answer; by mail, ü", MONDAY),
]


def test_the_feed_is_read_back_as_all_day_events_in_the_order_of_their_days() -> None:
    content = feed("Complaints Café", ENTRIES)
    calendar = Calendar.from_ical(content)
    assert (calendar["VERSION"], calendar["X-WR-CALNAME"]) == ("2.0", "Complaints Café")
    events = calendar.walk("VEVENT")
    assert [(str(event["UID"]), event.decoded("DTSTART"), str(event["SUMMARY"])) for event in events] == [
        (one.uid, one.day, one.title) for one in reversed(ENTRIES)
    ]
    assert b"DTSTART;VALUE=DATE:20260911\r\n" in content
    assert b"DTEND;VALUE=DATE:20260912\r\n" in content
    assert max(map(len, content.split(b"\r\n"))) <= 75


def test_the_file_is_written_only_when_it_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "calendar" / "sis.ics"
    assert keep_fresh(path, feed("A", ENTRIES))
    assert not keep_fresh(path, feed("A", list(reversed(ENTRIES))))
    assert keep_fresh(path, feed("A", ENTRIES[:1]))
    assert path.read_bytes() == feed("A", ENTRIES[:1])
    assert [file.name for file in path.parent.iterdir()] == ["sis.ics"]


def test_the_command_prints_open_cases_without_personal_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Installation(tmp_path, capsys)
    here.take_in(mail(), mail("Danke", message_id="<2@example.com>", sender="Ute <ute@example.de>"))
    said = here.intake("calendar")
    events = Calendar.from_ical(said.out).walk("VEVENT")
    assert [str(event["UID"]) for event in events] == ["SIS-2026-0001@example.nl", "SIS-2026-0002@example.nl"]
    assert str(events[0]["SUMMARY"]) == "SIS-2026-0001: antwoord per mail"
    assert not any(secret in said.out for secret in ("Jan", "example.com", "Ute", "geleverd"))
    to = tmp_path / "out" / "sis.ics"
    assert "2 dates" in here.intake("calendar", "--shop", "sis", "--to", to).out
    assert to.read_bytes() == said.out.replace("\r\n", "\n").replace("\n", "\r\n").encode()
