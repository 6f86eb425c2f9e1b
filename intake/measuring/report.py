"""What came in over some time and what became of it, on the same rows as the guarantee: so the figures agree.

What is due counts in the line of its due date, what arrived in that of its arrival. A case counts once in each line,
by its worst promise there, and once in the total; a case with promises in two lines stands in both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from intake.measuring.facts import CaseFacts
from intake.measuring.figures import Figures, Outcome, Window, measure, outcomes, percentile
from intake.measuring.rows import LETTER, Row

BY = ("month", "channel", "category", "shop", "template")
IN_TIME = "answered-in-time"

# Why an answer was late; of several reasons of one case the first in this order is told.
OPENED_LATE = "opened late"  # set aside or not recognised until its due date was past
UNANSWERED = "unanswered"
CLOSED = "closed without an answer"
TOLD_LATE = "told late"
HELD = "a holding reply was sent"
MOVED = "date moved by a person"
POSTED_LATE = "letter posted too late"
LATE = "answered late"
REASONS = (OPENED_LATE, UNANSWERED, CLOSED, TOLD_LATE, HELD, MOVED, POSTED_LATE, LATE)

AGES: tuple[tuple[str, int], ...] = (("0-4", 4), ("5-10", 10), ("11-20", 20))
OLDEST = ">20"
AGE_NAMES = (*(name for name, _ in AGES), OLDEST)


@dataclass(frozen=True, slots=True)
class Aside:
    """A message that was set aside: why, in one word, and the local day on which it came."""

    reason: str
    channel: str
    on: date


@dataclass(frozen=True, slots=True)
class ShopRows:
    """A shop's rows as of a local day, the facts that they were made of by reference, and what was set aside."""

    shop: str
    rows: Sequence[Row]
    facts: Mapping[str, CaseFacts]
    aside: Sequence[Aside]
    today: date


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report. `arrived` are messages that were promised an answer, `due` the cases that count for the
    guarantee, `in_time` those of them that were answered in time; `late` has the others by reason, `excluded` the cases
    that do not count. `median` and `ninetieth` are business days, None where the answer never came. `open` are the
    promises that somebody waits for, by age in business days, `reopened` the cases whose customer wrote again, and
    `aside` the messages that were set aside, by reason."""

    key: str
    arrived: int = 0
    due: int = 0
    in_time: int = 0
    late: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    median: float | None = None
    ninetieth: float | None = None
    open: Mapping[str, int] = field(default_factory=dict)
    reopened: int = 0
    aside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The days from `first` to `last`, by one of `BY`."""

    first: date
    last: date
    by: str
    lines: tuple[Line, ...]
    total: Line


def report(shops: Sequence[ShopRows], first: date, last: date, by: str) -> Report:
    """What came in, and was due, from a first day to a last, in lines by one of `BY`."""
    window, keys = Window(first, last, 0), set()
    by_due, by_arrival = _keys(by, lambda row: row.due_on), _keys(by, lambda row: row.received_on)
    for one in shops:
        keys |= {by_due(row) for row in one.rows if _is_in(row.due_on, window) and row.due_on < one.today}
        keys |= {by_arrival(row) for row in one.rows if _is_in(row.received_on, window)}
        keys |= {key for each in one.aside if _is_in(each.on, window) and (key := _aside_key(by, one.shop, each))}
    lines = [_line(key, shops, window, _of_key(by, key)) for key in sorted(keys)]
    everything = _Chosen(due=lambda _: True, arrived=lambda _: True, aside=lambda _shop, _each: True)
    return Report(first, last, by, tuple(lines), _line("total", shops, window, everything))


def report_value(found: Report) -> dict[str, Any]:
    """A report as plain values."""
    return {
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "by": found.by,
        "lines": [_line_value(line) for line in found.lines],
        "total": _line_value(found.total),
    }


def late_because(row: Row, facts: CaseFacts) -> str:
    """Why a promise was not kept: one of `REASONS`."""
    if row.made_on is not None and row.made_on > row.due_on:
        return OPENED_LATE
    if row.answered_on is None:
        return CLOSED if row.closed_on is not None else UNANSWERED
    if row.answered_on <= row.due_on:
        return TOLD_LATE
    if _between(row, facts.held):
        return HELD
    if _between(row, facts.moved):
        return MOVED
    return POSTED_LATE if row.answered_how == LETTER else LATE


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What belongs to a line."""

    due: Callable[[Row], bool]
    arrived: Callable[[Row], bool]
    aside: Callable[[str, Aside], bool]


def _of_key(by: str, key: str) -> _Chosen:
    by_due, by_arrival = _keys(by, lambda row: row.due_on), _keys(by, lambda row: row.received_on)
    return _Chosen(
        due=lambda row: by_due(row) == key,
        arrived=lambda row: by_arrival(row) == key,
        aside=lambda shop, one: _aside_key(by, shop, one) == key,
    )


def _keys(by: str, day: Callable[[Row], date]) -> Callable[[Row], str]:
    keys: dict[str, Callable[[Row], str]] = {
        "month": lambda row: f"{day(row):%Y-%m}",
        "channel": lambda row: row.channel,
        "category": lambda row: row.category,
        "shop": lambda row: row.shop,
        "template": lambda row: row.template,
    }
    return keys[by]


def _aside_key(by: str, shop: str, one: Aside) -> str | None:
    """The line of what was set aside; None where it has none: it has no category, and no template."""
    return {"month": f"{one.on:%Y-%m}", "channel": one.channel, "shop": shop}.get(by)


def _line(key: str, shops: Sequence[ShopRows], window: Window, chosen: _Chosen) -> Line:
    figures: list[Figures] = []
    found: list[Outcome] = []
    late: Counter[str] = Counter()
    aside: Counter[str] = Counter()
    arrived: list[Row] = []
    reopened = 0
    for one in shops:
        rows = [row for row in one.rows if chosen.due(row)]
        figures.append(measure(IN_TIME, rows, window, one.today))
        here, counting = outcomes(IN_TIME, rows, window, one.today), _by_case(rows, window, one.today)
        found += here
        late.update(_first_reason(counting[case.case], one.facts) for case in here if not case.good)
        reopened += sum(any(row.reopened_on is not None for row in each) for each in counting.values())
        arrived += [row for row in one.rows if _is_in(row.received_on, window) and chosen.arrived(row)]
        aside.update(each.reason for each in one.aside if _is_in(each.on, window) and chosen.aside(one.shop, each))
    ages = Counter(_age(row.days_waited or 0) for row in arrived if row.waits)
    return Line(
        key=key,
        arrived=len(arrived),
        due=sum(one.count for one in figures),
        in_time=sum(one.good for one in figures),
        late={reason: late[reason] for reason in REASONS if late[reason]},
        excluded=_summed(one.excluded for one in figures),
        median=percentile((one.days for one in found), 0.5),
        ninetieth=percentile((one.days for one in found), 0.9),
        open={name: ages[name] for name in AGE_NAMES if ages[name]},
        reopened=reopened,
        aside=dict(sorted(aside.items())),
    )


def _is_in(day: date, window: Window) -> bool:
    return window.first <= day <= window.last


def _by_case(rows: Iterable[Row], window: Window, today: date) -> dict[str, list[Row]]:
    """The rows that count, by the case that they count for."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if not row.excluded and _is_in(row.due_on, window) and row.due_on < today:
            found.setdefault(row.case, []).append(row)
    return found


def _first_reason(rows: Iterable[Row], facts: Mapping[str, CaseFacts]) -> str:
    return min((late_because(row, facts[row.member]) for row in rows if not row.in_time), key=REASONS.index)


def _between(row: Row, moments: Iterable[datetime]) -> bool:
    """Whether one of the moments lies between the message and its answer."""
    return any(row.received_at <= at and (row.answered_at is None or at <= row.answered_at) for at in moments)


def _age(days: int) -> str:
    return next((name for name, most in AGES if days <= most), OLDEST)


def _summed(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in several:
        total.update(one)
    return dict(sorted(total.items()))


def _line_value(line: Line) -> dict[str, Any]:
    return {
        "key": line.key,
        "arrived": line.arrived,
        "due": line.due,
        "in_time": line.in_time,
        "share": round(line.in_time / line.due, 6) if line.due else None,
        "late": dict(line.late),
        "excluded": dict(line.excluded),
        "median": line.median,
        "ninetieth": line.ninetieth,
        "open": dict(line.open),
        "reopened": line.reopened,
        "aside": dict(line.aside),
    }
