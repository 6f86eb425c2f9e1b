"""The answer dates as an iCalendar feed (RFC 5545): all-day events that a calendar program subscribes to.

It holds references and what is to be done, and no personal data: a calendar is often shared. The same dates always give
the same bytes, so that the file is written only when something has changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from icalendar import Calendar, Event

from intake.post_folder import write_durably

PRODUCT = "-//Intake//Answer dates//EN"
REFRESH = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Entry:
    """One day on which something is due. `uid` stays the same when the day moves; `changed_at` is when it was set."""

    uid: str
    day: date
    title: str
    changed_at: datetime


def feed(name: str, entries: Sequence[Entry]) -> bytes:
    """The calendar of these entries, in the order of their days."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for entry in sorted(entries, key=lambda one: (one.day, one.uid)):
        calendar.add_component(_event(entry))
    content: bytes = calendar.to_ical()
    return content


def keep_fresh(path: Path, content: bytes) -> bool:
    """Write the feed where it is not there or says something else; whether it was written. Raises `OSError`."""
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    write_durably(path, content)
    return True


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    # Without a METHOD, DTSTAMP is when the event was last changed (RFC 5545 section 3.8.7.2).
    event.add("dtstamp", entry.changed_at.astimezone(UTC))
    event.add("dtstart", entry.day)
    event.add("dtend", entry.day + timedelta(days=1))
    event.add("summary", entry.title)
    event.add("transp", "TRANSPARENT")
    return event
