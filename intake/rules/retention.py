"""How long a case is kept as people wrote it: from its end, for the months of its longest term.

Plain values in, a verdict out. What is measured from a case stays for good; only the people in it go.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from intake.config import Retention

OPEN, HELD, DISPUTED = "open", "legal hold", "with a dispute body"
NIGHT_BEGINS, NIGHT_ENDS = 2, 5  # local hours


@dataclass(frozen=True, slots=True)
class Ending:
    """What counts of a case and of those merged into it: the day on which it ended (None while it is open), their
    categories and labels, whether somebody holds it, and whether a dispute body has it."""

    ended_on: date | None
    topics: frozenset[str] = frozenset()
    held: bool = False
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Keeping:
    """Until which day a case is kept (None: without an end), and why: `open`, `legal hold`, `with a dispute body`, or
    the term in words."""

    until: date | None
    why: str

    def is_over(self, today: date) -> bool:
        """Whether its people are to be forgotten."""
        return self.until is not None and today > self.until


def keep(case: Ending, retention: Retention) -> Keeping:
    """How long a case is kept. The longest of the terms of its categories and labels holds; where none of them has one,
    the general one does."""
    if case.ended_on is None:
        return Keeping(None, OPEN)
    if case.disputed or case.held:
        return Keeping(None, DISPUTED if case.disputed else HELD)
    terms = {topic: months for topic, months in retention.categories.items() if topic in case.topics}
    if not terms:
        return Keeping(add_months(case.ended_on, retention.months), f"{retention.months} months")
    topic = max(terms, key=lambda name: (terms[name], name))
    return Keeping(add_months(case.ended_on, terms[topic]), f"{topic}: {terms[topic]} months")


def shortest_term(retention: Retention) -> int:
    """No case is due earlier, in months."""
    return min((retention.months, *retention.categories.values()))


def latest(days: Iterable[date | None]) -> date | None:
    """The last of these days, as far as they are known."""
    return max((day for day in days if day is not None), default=None)


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the month's last where it has no such day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def is_time(now: datetime, last: datetime | None) -> bool:
    """Whether the nightly run is due, by the local time: at night, once; at any hour where it was left out for a day.
    The first one ever waits for the night."""
    at_night = NIGHT_BEGINS <= now.hour < NIGHT_ENDS
    if last is None:
        return at_night
    return now - last >= timedelta(days=1) or (at_night and now - last >= timedelta(hours=NIGHT_ENDS - NIGHT_BEGINS))


def first_kept(today: date, days: int) -> date:
    """What met its fate before this day has been kept for `days`."""
    return today - timedelta(days=days)
