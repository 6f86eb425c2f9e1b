"""When the manager is reminded of a case, and how near a day is: pure functions over dates, a calendar and the present.

For a letter that is not posted yet the day to keep is its post-by date, else it is the due date. A day that is no
business day any more is kept on the business day before it. Nothing here is told outside the hours that the shop wants
mail in, so no reminder waits until it is out of date.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from intake import deadlines
from intake.config import Shop
from intake.types import Calendar


@dataclass(frozen=True, slots=True)
class Dates:
    """An open case as far as its dates go. `approved` says that its letter only has to be posted."""

    reference: str
    due_on: date
    post_by: date | None = None
    approved: bool = False

    @property
    def day(self) -> date:
        """The day that counts: a letter must be posted by then, a mail sent."""
        return self.post_by or self.due_on


class Stage(StrEnum):
    """What there is to remind of, the least severe first. `late to post`: the letter cannot come in time any more."""

    BEFORE = "before"
    TODAY = "today"
    LATE_TO_POST = "late to post"
    MISSED = "missed"


class Nearness(StrEnum):
    """Where a day lies, seen from today. `tomorrow` is the next business day and what lies before it."""

    OVERDUE = "overdue"
    TODAY = "today"
    TOMORROW = "tomorrow"
    THIS_WEEK = "this week"
    LATER = "later"


def stage_of(case: Dates, today: date, calendar: Calendar) -> tuple[Stage, date] | None:
    """The one reminder that is due today, the most severe, with the day that it is about; None where there is none."""
    if today > case.due_on:
        return Stage.MISSED, case.due_on
    if today > case.day:
        return Stage.LATE_TO_POST, case.day
    last = last_business_day(case.day, calendar)
    if today >= last:
        return Stage.TODAY, case.day
    if today >= deadlines.add_business_days(last, -1, calendar):
        return Stage.BEFORE, case.day
    return None


def nearness(day: date, today: date, calendar: Calendar) -> Nearness:
    """The group of a list that a day belongs to."""
    if day < today:
        return Nearness.OVERDUE
    if day == today:
        return Nearness.TODAY
    if day <= deadlines.add_business_days(today, 1, calendar):
        return Nearness.TOMORROW
    sunday = today + timedelta(days=6 - today.weekday())
    return Nearness.THIS_WEEK if day <= sunday else Nearness.LATER


def last_business_day(day: date, calendar: Calendar) -> date:
    """The day itself where it is a business day, else the last one before it."""
    return day if deadlines.is_business_day(day, calendar) else deadlines.add_business_days(day, -1, calendar)


def may_tell(now: datetime, shop: Shop) -> bool:
    """Whether mail to the manager that is not urgent goes out now: on a business day, within the shop's hours."""
    local = now.astimezone(shop.zone)
    hours = shop.notices
    return deadlines.is_business_day(local.date(), shop.calendar) and hours.opens <= local.time() < hours.closes


def is_digest_time(now: datetime, shop: Shop) -> bool:
    """Whether the digest of today goes out from now on: not in the evening, unless it was asked for then."""
    local = now.astimezone(shop.zone)
    hours = shop.notices
    still = local.time() < hours.closes or hours.digest >= hours.closes
    return deadlines.is_business_day(local.date(), shop.calendar) and hours.digest <= local.time() and still
