"""What a bundle says was measured, and from which lines: the same functions make it and count it again.

A bundle measures each month of its window on the morning of the first of the next, as Intake does, and everything once
more at its own moment (`now`). The month before the first is measured too: a level is held for two months.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from intake.evidence.form import MONTHS_AT_MOST
from intake.evidence.lines import Exclusion, Line
from intake.measuring.days import Calendars, Closed, is_business_day, month_start
from intake.measuring.facts import CaseFacts, Merge
from intake.measuring.figures import MERGED, Window, figures_value, measure
from intake.measuring.guarantees import Guarantee
from intake.measuring.levels import Rating, computed_at, held, rate
from intake.measuring.rows import Row, recounted

NOW = "now"
RowsAt = Callable[[datetime], Sequence[Row]]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measuring: of a month (its first day), or None at the moment of the bundle."""

    month: date | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Frame:
    """What a bundle looks at: a window, at a moment (aware), in the shop's zone, by these guarantees."""

    window: Window
    as_of: datetime
    zone: ZoneInfo
    guarantees: tuple[Guarantee, ...]

    @property
    def today(self) -> date:
        """The local day of the bundle."""
        return self.as_of.astimezone(self.zone).date()

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """The month before the window, the months of the window that were measured by now, and now."""
        month = month_start(self.window.first, 1)
        found = []
        while month <= self.window.last and computed_at(month, self.zone) <= self.as_of:
            found.append(Measurement(month, computed_at(month, self.zone)))
            month = month_start(month, -1)
        return (*found, Measurement(None, self.as_of))


def window_of(first: date, last: date) -> Window:
    """A window from a day to another one."""
    return Window(first, last, (last.year * 12 + last.month) - (first.year * 12 + first.month) + 1)


def lines_of(frame: Frame, rows_at: RowsAt, closed: Calendars) -> list[Line]:
    """The promises that the measurements of a bundle look at: due in one of their windows, or past due without an
    answer. A promise that looks the same to several measurements in a row is one line."""
    lines: list[Line] = []
    open_lines: dict[Row, Line] = {}
    for measurement in frame.measurements:
        seen: dict[Row, Line] = {}
        for row in _looked_at(frame, measurement, rows_at(measurement.as_of)):
            before = open_lines.pop(row, None)
            start = before.measured_from if before is not None else measurement.as_of
            seen[row] = Line(start, measurement.as_of, row, _other_due(row, closed[row.calendar]))
        lines += open_lines.values()
        open_lines = seen
    lines += open_lines.values()
    return sorted(lines, key=lambda one: (one.row.due_on, one.row.member, one.row.sequence, one.measured_from))


def rows_seen(lines: Iterable[Line], measurement: Measurement, frame: Frame, closed: Calendars) -> list[Row]:
    """The rows that a measurement looks at, in the order of the lines, with their days counted."""
    today = measurement.as_of.astimezone(frame.zone).date()
    return [
        recounted(line.row, closed, today)
        for line in lines
        if line.measured_from <= measurement.as_of <= line.measured_to
    ]


def figures_of(frame: Frame, rows_at: RowsAt) -> dict[str, Any]:
    """What `figures.json` holds, but for what Intake kept. `rows_at` gives at least the rows that are looked at."""
    *months, now = [(one, rows_at(one.as_of)) for one in frame.measurements]
    rows = now[1]
    return {
        "guarantees": [
            {
                "id": guarantee.id,
                "window": figures_value(
                    measure(guarantee.measure, rows, frame.window, frame.today, guarantee.number),
                ),
                "months": _months(guarantee, frame, months),
            }
            for guarantee in frame.guarantees
        ]
    }


def _months(guarantee: Guarantee, frame: Frame, measured: Iterable[tuple[Measurement, Sequence[Row]]]) -> list[Any]:
    found: list[dict[str, Any]] = []
    before: Rating | None = None
    for one, rows in measured:
        rating = rate(guarantee, rows, one.as_of.astimezone(frame.zone).date())
        found.append(
            {
                "month": str(one.month),
                "as_of": one.as_of.isoformat(),
                "figures": figures_value(rating.figures),
                "verdict": rating.verdict.value,
                "reached": rating.reached,
                # Of the first one nobody can tell without the month before it.
                "held": held(guarantee, rating, before.reached) if before is not None else None,
            }
        )
        before = rating
    return found


def exclusions_of(frame: Frame, rows: Iterable[Row], cases: Iterable[CaseFacts]) -> list[Exclusion]:
    """What does not count, of the promises that were due in the bundle's window, as it is now."""
    merges = {case.reference: case.merges for case in cases}
    found: list[Exclusion] = []
    for row in rows:
        if not frame.window.first <= row.due_on <= min(frame.window.last, frame.today - _ONE_DAY):
            continue
        if row.member != row.case:
            merge = _merge_of(row, merges.get(row.member, ()))
            found.append(Exclusion(row, MERGED, merge.actor if merge else "", merge.at if merge else None))
        if row.excluded:
            found.append(Exclusion(row, row.excluded, row.excluded_by, row.excluded_at))
    return found


def promises_of(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """What was promised and how it was counted, with the days of arrival from which and until which."""
    found: dict[tuple[int, str, str], list[date]] = {}
    for row in rows:
        found.setdefault((row.business_days, row.counting, row.calendar), []).append(row.received_on)
    return [
        {
            "business_days": days,
            "counting": counting,
            "calendar": calendar,
            "first_received_on": min(received).isoformat(),
            "last_received_on": max(received).isoformat(),
        }
        for (days, counting, calendar), received in sorted(found.items(), key=lambda one: (min(one[1]), one[0]))
    ]


def possible_dues(row: Row, closed: Closed) -> set[date]:
    """The dates that a promise may have, counted from the local day of arrival. Counting with a cut-off has two where
    nobody wrote down the hour."""
    if row.counting == "cut-off" and row.cut_off:
        late = row.received_at.astimezone(ZoneInfo(row.time_zone)).time() > time.fromisoformat(row.cut_off)
        starts = {_nearest(row.received_on + _ONE_DAY if late else row.received_on, closed)}
    elif row.counting == "cut-off":
        starts = {_nearest(row.received_on, closed), _nearest(row.received_on + _ONE_DAY, closed)}
    else:
        starts = {row.received_on if row.business_days else _nearest(row.received_on, closed)}
    return {_after(start, row.business_days, closed) for start in starts}


def _looked_at(frame: Frame, measurement: Measurement, rows: Iterable[Row]) -> list[Row]:
    today = measurement.as_of.astimezone(frame.zone).date()
    longest = max(max(one.window_months, one.longer_window_months) for one in frame.guarantees)
    first = month_start(today, longest)
    first = min(first, frame.window.first) if measurement.month is None else first
    return [
        # How long somebody waits by now is told by the day of measuring.
        replace(row, days_waited=None, category="", template="")
        for row in rows
        if row.due_on < today and (row.due_on >= first or row.waits)
    ]


def _merge_of(row: Row, merges: Sequence[Merge]) -> Merge | None:
    """The merge by which a promise counts for another case: the latest by its due date."""
    zone = ZoneInfo(row.time_zone)
    in_time = [one for one in merges if one.at.astimezone(zone).date() <= row.due_on]
    return in_time[-1] if in_time else None


def _other_due(row: Row, closed: Closed) -> date | None:
    dues = possible_dues(row, closed)
    return None if row.due_on in dues else min(dues)


def _nearest(day: date, closed: Closed) -> date:
    while not is_business_day(day, closed):
        day += _ONE_DAY
    return day


def _after(day: date, business_days: int, closed: Closed) -> date:
    for _ in range(business_days):
        day = _nearest(day + _ONE_DAY, closed)
    return day


def too_long(window: Window) -> bool:
    """Whether a window is longer than a bundle may be."""
    return window.months > MONTHS_AT_MOST
