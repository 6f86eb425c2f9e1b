"""Facts about cases as a test says them: days of September 2026, in Amsterdam. Monday the 7th is due on Friday the
11th."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from intake.measuring.facts import Answer, CaseFacts, Closing, Merge, Promised, Reopening

ZONE = ZoneInfo("Europe/Amsterdam")
CALENDARS = {"nl": frozenset({date(2026, 9, 16)})}
CAME, DUE = "07 10:00", 11


def at(moment: str) -> datetime:
    """`07 10:00` of September; `10-03 10:00` of another month."""
    day, clock = moment.split()
    month, _, number = f"09-{day}".rpartition("-") if "-" not in day else day.rpartition("-")
    return datetime.fromisoformat(f"2026-{month}-{number}T{clock}").replace(tzinfo=ZONE)


def day(number: int) -> date:
    return date(2026, 9, number)


def promised(came: str = CAME, due: int = DUE, message: int = 1, made: str = "", **more: Any) -> Promised:
    """A date that was promised when its message came, unless `made` says when."""
    values = {
        "message": message,
        "received_at": at(came),
        "due_on": day(due),
        "business_days": 4,
        "counting": "event-day",
        "calendar": "nl",
        "channel": "mail",
        "dated": True,
        "made_at": at(made or came),
    }
    return Promised(**{**values, **more})


def answer(when: str, told: str = "", how: str = "mail", on: int = 0, **more: Any) -> Answer:
    """An answer, seen in Sent at once unless it says otherwise; a letter comes `on` a day."""
    moment = at(when)
    values = {"seen": True, "actor": "mirjam", "template": "nl/answer.j2", **more}
    return Answer(at(told or when), moment, day(on) if on else moment.date(), how, **values)


def word(when: str, told: str = "", how: str = "phone", on: int = 0) -> Answer:
    """Somebody says that it was answered."""
    return answer(when, told, how, on, seen=False, word=True)


def closed(when: str, why: str) -> Closing:
    return Closing(at(when), why, "mirjam")


def reopened(when: str, *, by_person: bool = True) -> Reopening:
    return Reopening(at(when), by_person)


def merged(when: str, into: str) -> Merge:
    return Merge(at(when), into, "mirjam")


def case(reference: str = "A", *promises: Promised, **more: Any) -> CaseFacts:
    """A case, with one promise unless others are given; opened when the first was made."""
    found = promises or (promised(),)
    values = {
        "reference": reference,
        "shop": "sis",
        "category": "del_none",
        "opened_at": min(one.made_at for one in found),
        "promised": found,
    }
    return CaseFacts(**{**values, **more})
