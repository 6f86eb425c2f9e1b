"""From rows to figures: which cases a measure looks at, how many of them are good, and how sure that is.

A case counts once, by its worst promise in the window. A cohort is made by due date, never by the day of closing, and
holds only dates that are past; who was not answered is a miss, and waits longer than everybody else.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, sqrt
from types import MappingProxyType
from typing import Any

from intake.measuring.rows import BEFORE, LETTER, THANKS, Row

Z = 1.96  # two-sided 95 %
MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case adds to a measure: whether it is good, after how many business days (None: never)."""

    case: str
    channel: str
    good: bool
    days: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """From the first day to the last, both included; `months` long."""

    first: date
    last: date
    months: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. `good` of `count` cases; `lower` and `upper` are the 95 % Wilson interval of the share (0 to
    1).

    `median` is in business days, None where half wait or more (or none was measured). `channels` has (count, good) by
    channel, `excluded` how many cases do not count, by reason, or have a promise that does not; `excluded_share` is
    their share of all. Those that were answered before Intake came are told, and have no part in it. `unanswered` are
    the promises past due that somebody waits for still, in the window or before, and `longest_wait` the business days
    of the longest.
    """

    window: Window
    count: int
    good: int
    share: float
    lower: float
    upper: float
    median: float | None
    channels: Mapping[str, tuple[int, int]]
    excluded: Mapping[str, int]
    excluded_share: float
    unanswered: int
    longest_wait: int


def wilson(good: int, count: int, z: float = Z) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927); (0, 0) where there is nothing to share."""
    if count == 0:
        return 0.0, 0.0
    share, square = good / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    margin = z / (1 + square / count) * sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, middle - margin), min(1.0, middle + margin)


def percentile(days: Iterable[int | None], share: float) -> float | None:
    """The value below which a share of the waits lie, with those that never end (None) last: of an even number the mean
    of the two in the middle for a half, else the nearest rank. None where it never ends, or there is nothing."""
    known = sorted((day is None, day or 0) for day in days)
    if not known:
        return None
    # Exact: 0.9 of 10 as binary fractions may be a little more than 9.
    place = Fraction(str(share)) * len(known)
    rank = max(0, ceil(place) - 1)
    chosen = [known[rank]]
    if share == 0.5 and place.denominator == 1:
        chosen.append(known[rank + 1])
    return None if any(never for never, _ in chosen) else sum(day for _, day in chosen) / len(chosen)


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured. `applies` says which rows are looked at, as of a local day; `good`, whether a case is, by its
    rows of these that are not excluded. The number is the measure's own: hours, days or business days."""

    applies: Callable[[Row, date, int], bool]
    good: Callable[[Sequence[Row], int], bool]


def _any(_row: Row, _today: date, _number: int) -> bool:
    return True


def _is_first(row: Row, _today: date, _number: int) -> bool:
    return row.sequence == 1


def _is_letter(row: Row, _today: date, _number: int) -> bool:
    return row.channel == LETTER


def _has_rested(row: Row, today: date, days: int) -> bool:
    """What was answered so many days ago: it is known whether the customer let it rest."""
    return row.answered_on is not None and (today - row.answered_on).days > days


def _in_time(rows: Sequence[Row], most: int) -> bool:
    """Whether each promise was kept, and took at most so many business days (0: as many as were promised)."""
    return all(row.in_time and (not most or (row.days_taken is not None and row.days_taken <= most)) for row in rows)


def _answered(rows: Sequence[Row], _number: int) -> bool:
    return all(row.answered_on is not None for row in rows)


def _acknowledged(rows: Sequence[Row], hours: int) -> bool:
    """Whether the customer was told within so many hours that it came."""
    within = timedelta(hours=hours)
    return all(row.acknowledged_at is not None and row.acknowledged_at - row.received_at <= within for row in rows)


def _let_rest(rows: Sequence[Row], days: int) -> bool:
    return not any(
        row.reopened_on is not None and row.answered_on is not None and (row.reopened_on - row.answered_on).days <= days
        for row in rows
    )


def _dated(rows: Sequence[Row], _number: int) -> bool:
    return all(row.dated for row in rows)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "answered-in-time": Measure(_any, _in_time),
        "acknowledged-within": Measure(_is_first, _acknowledged),
        "median-days": Measure(_any, _answered),
        "not-reopened-within": Measure(_has_rested, _let_rest),
        "letters-dated": Measure(_is_letter, _dated),
    }
)
WITH_DAYS = frozenset({"answered-in-time", "median-days", "not-reopened-within"})  # those that have a median
WITH_NUMBER = frozenset({"acknowledged-within", "not-reopened-within"})  # hours; days


def measure(name: str, rows: Sequence[Row], window: Window, today: date, number: int = 0) -> Figures:
    """The figures of a measure (a key of `MEASURES`) over a shop's rows, as of a local day."""
    past = sorted((row for row in rows if row.due_on < today), key=_order)
    inside = [row for row in past if _is_looked_at(row, MEASURES[name], window, (today, number))]
    found = outcomes(name, inside, window, today, number)
    good, count = sum(one.good for one in found), len(found)
    lower, upper = wilson(good, count)
    excluded = _excluded(inside)
    out = sum(cases for reason, cases in excluded.items() if reason != BEFORE)
    waiting = [row for row in past if row.waits]
    channels = {one.channel for one in found}
    return Figures(
        window=window,
        count=count,
        good=good,
        share=good / count if count else 0.0,
        lower=lower,
        upper=upper,
        median=percentile((one.days for one in found), 0.5) if name in WITH_DAYS else None,
        channels={name: _split(found, name) for name in sorted(channels)},
        excluded=excluded,
        excluded_share=out / (count + out) if out else 0.0,
        unanswered=len(waiting),
        longest_wait=max((row.days_waited or 0 for row in waiting), default=0),
    )


def outcomes(name: str, rows: Iterable[Row], window: Window, today: date, number: int = 0) -> list[Outcome]:
    """What each case adds to a measure (a key of `MEASURES`), as of a local day."""
    chosen = MEASURES[name]
    looked_at = (row for row in rows if not row.excluded and _is_looked_at(row, chosen, window, (today, number)))
    return [
        Outcome(case, found[0].channel, chosen.good(found, number), _slowest(found))
        for case, found in _by_case(sorted(looked_at, key=_order))
    ]


def _is_looked_at(row: Row, chosen: Measure, window: Window, as_of: tuple[date, int]) -> bool:
    return window.first <= row.due_on <= window.last and row.due_on < as_of[0] and chosen.applies(row, *as_of)


def figures_value(figures: Figures) -> dict[str, Any]:
    """Figures as plain values: days as ISO text, shares with six digits."""
    return {
        "window": {
            "first": figures.window.first.isoformat(),
            "last": figures.window.last.isoformat(),
            "months": figures.window.months,
        },
        "count": figures.count,
        "good": figures.good,
        "share": round(figures.share, 6),
        "lower": round(figures.lower, 6),
        "upper": round(figures.upper, 6),
        "median": figures.median,
        "channels": {name: list(pair) for name, pair in figures.channels.items()},
        "excluded": dict(figures.excluded),
        "excluded_share": round(figures.excluded_share, 6),
        "unanswered": figures.unanswered,
        "longest_wait": figures.longest_wait,
    }


def read_figures(value: Mapping[str, Any]) -> Figures:
    """Figures from the plain values of `figures_value`."""
    window = value["window"]
    first, last = (date.fromisoformat(window[name]) for name in ("first", "last"))
    channels = {name: (pair[0], pair[1]) for name, pair in value["channels"].items()}
    return Figures(**{**value, "window": Window(first, last, window["months"]), "channels": channels})


def _by_case(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.case, []).append(row)
    return list(found.items())


def _order(row: Row) -> tuple[date, datetime, str, int, str]:
    """By nothing that names a case: the figures are the same over rows with other names."""
    return row.due_on, row.received_at, row.channel, row.sequence, row.excluded


def _slowest(rows: Iterable[Row]) -> int | None:
    days = [row.days_taken for row in rows]
    return None if None in days else max(day for day in days if day is not None)


def _split(found: Iterable[Outcome], channel: str) -> tuple[int, int]:
    of_it = [one.good for one in found if one.channel == channel]
    return len(of_it), sum(of_it)


def _excluded(rows: Sequence[Row]) -> dict[str, int]:
    """How many cases do not count, by reason: those with a promise that is excluded, and those that were merged into
    another one, as which they count. Who only thanks for an answer leaves nothing out of a case that counts."""
    reasons: Counter[str] = Counter()
    for _, found in _by_case(rows):
        counts = any(not row.excluded for row in found)
        left_out = [row.excluded for row in found if row.excluded and not (counts and row.excluded == THANKS)]
        reasons.update(left_out[-1:])
    # One that counts by itself, too, by another of its promises, is counted there.
    merged = {row.member for row in rows if row.member != row.case} - {row.case for row in rows}
    if merged:
        reasons[MERGED] = len(merged)
    return dict(sorted(reasons.items()))
