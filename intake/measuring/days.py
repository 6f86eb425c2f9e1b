"""Business days over a plain set of days that are closed, so that nobody needs a calendar library to count them again.

A calendar here is the set of its days from Monday to Friday that are no business days (`Closed`); weekends never are.
"""

from collections.abc import Mapping
from datetime import date, timedelta

Closed = frozenset[date]
Calendars = Mapping[str, Closed]
_ONE_DAY = timedelta(days=1)


def is_business_day(day: date, closed: Closed) -> bool:
    """Whether a day counts."""
    return day.weekday() < 5 and day not in closed


def business_days_after(start: date, end: date, closed: Closed) -> int:
    """How many business days lie after `start`, up to and including `end`; 0 where `end` is not later."""
    return sum(is_business_day(start + timedelta(days=n), closed) for n in range(1, (end - start).days + 1))


def day_zero(due_on: date, business_days: int, closed: Closed) -> date:
    """The day that a promise of so many business days was counted from. Any other day zero with the same due date has
    the same business days after it."""
    day = due_on
    for _ in range(business_days):
        day -= _ONE_DAY
        while not is_business_day(day, closed):
            day -= _ONE_DAY
    return day


def month_start(day: date, back: int = 0) -> date:
    """The first day of the month that lies `back` months before that of `day`."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)
