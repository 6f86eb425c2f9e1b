"""How a promised date was counted, day by day, to be told in any language: counted anew by the promise and the calendar
that are kept with it. Where that does not come to the same day, nothing is told: then the trace as it was written down
is what counts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from intake import deadlines
from intake.errors import ConfigError
from intake.types import Calendar, Counting
from storage.models import Deadline, DeadlineKind

MOST_DAYS = 120


class Day(StrEnum):
    """What a day is in the count."""

    ZERO = "day_zero"
    COUNTED = "counted"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Counted:
    """One day of the count: its number where it counts, the public day's name where it is one."""

    day: date
    what: Day
    number: int = 0
    name: str = ""


def counted_days(deadline: Deadline, zone: ZoneInfo) -> tuple[Counted, ...]:
    """The days from the arrival to the promised day; none where they cannot be told for sure."""
    promise, calendar = deadline.promise, _calendar(deadline.promise.get("calendar"))
    first = deadline.received_at.astimezone(zone).date()
    plain = deadline.kind is DeadlineKind.PROMISE and not deadline.because
    by_day = promise.get("counting") == Counting.EVENT_DAY and promise.get("business_days", 0) > 0
    if calendar is None or not (plain and by_day) or not 0 < (deadline.due_on - first).days <= MOST_DAYS:
        return ()
    try:
        days = _days(first, deadline.due_on, calendar)
    except ConfigError:  # a country that this version does not know any more
        return ()
    last = days[-1]
    return days if last.what is Day.COUNTED and last.number == promise["business_days"] else ()


def _days(first: date, last: date, calendar: Calendar) -> tuple[Counted, ...]:
    days, number = [Counted(first, Day.ZERO)], 0
    for offset in range(1, (last - first).days + 1):
        day = first + timedelta(days=offset)
        name = deadlines.public_days(calendar, day.year).get(day, "")
        if deadlines.is_business_day(day, calendar):
            number += 1
            days.append(Counted(day, Day.COUNTED, number))
        elif day.weekday() >= 5:
            days.append(Counted(day, Day.WEEKEND))
        else:
            days.append(Counted(day, Day.HOLIDAY if name else Day.CLOSED, name=name))
    return tuple(days)


def _calendar(value: Mapping[str, Any] | None) -> Calendar | None:
    if value is None:
        return None
    closed = tuple(date.fromisoformat(day) for day in value["closed"])
    return Calendar(value["country"], value["subdivision"], tuple(value["open"]), closed)
