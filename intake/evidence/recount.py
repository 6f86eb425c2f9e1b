"""Each line of a bundle by itself: do its cells follow from each other, and from the bundle's calendar? Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from intake.evidence.form import EXCLUSIONS, ROWS, CalendarPart, Finding
from intake.evidence.lines import NO, YES, Line
from intake.evidence.measured import Frame, Measurement, possible_dues
from intake.measuring.days import Calendars, business_days_after
from intake.measuring.figures import MERGED
from intake.measuring.rows import BEFORE, LETTER, NEVER_A_COMPLAINT, NOT_WAITED_FOR, Row, recounted

WAYS = ("mail", "letter", "phone", "counter")
DAYS_MOVED_AT_MOST = 2
REASONS = NEVER_A_COMPLAINT | NOT_WAITED_FOR | {BEFORE}
Cells = Mapping[str, str]
Wrong = tuple[str, str, str, str]  # column, what, stated, found


def check_lines(
    lines: Sequence[tuple[int, Line, Cells]], frame: Frame, shop: str, calendars: Mapping[str, CalendarPart]
) -> Iterator[Finding]:
    """What does not follow, by line number and column."""
    moments = {one.as_of for one in frame.measurements}
    closed = {name: frozenset(one.closed_days) for name, one in calendars.items()}
    for number, line, cells in lines:
        wrong = [*_measured(line, moments, shop), *_outside(line.row, calendars)]
        if not wrong:
            wrong = [
                *_counted(line, cells, closed, calendars[line.row.calendar].holidays_release),
                *_dates(line, ZoneInfo(line.row.time_zone)),
                *_known(line, frame.zone),
                *_excluded(line, ZoneInfo(line.row.time_zone)),
            ]
        for column, what, stated, found in wrong:
            yield Finding(ROWS, f"line {number}, {column}", what, stated, found)


def check_once(lines: Sequence[tuple[int, Line, Cells]], measurements: Iterable[Measurement]) -> Iterator[Finding]:
    """A promise that one measurement would count twice."""
    told: set[int] = set()
    for measurement in measurements:
        seen: dict[tuple[str, int], int] = {}
        for number, line, _ in lines:
            if not line.measured_from <= measurement.as_of <= line.measured_to:
                continue
            first = seen.setdefault((line.row.member, line.row.sequence), number)
            if first != number and number not in told:
                told.add(number)
                yield Finding(ROWS, f"line {number}", f"it is the promise of line {first}, measured at the same time")


def check_exclusions(stated: Sequence[tuple[int, Cells]], wanted: Sequence[Cells]) -> Iterator[Finding]:
    """`exclusions.csv` against what `rows.csv` excludes. Of what was merged, `rows.csv` does not know who and when."""
    missing = [_compared(cells) for cells in wanted]
    for number, cells in stated:
        one = _compared(cells)
        if one in missing:
            missing.remove(one)
        else:
            yield Finding(EXCLUSIONS, f"line {number}", "no line of rows.csv is excluded like that")
    for one in missing:
        case = dict(one)["member"]
        yield Finding(EXCLUSIONS, "", f"the promise of {case} due on {dict(one)['due_on']} is missing")


def _compared(cells: Cells) -> tuple[tuple[str, str], ...]:
    merged = cells["reason"] == MERGED
    left_out = {"check", "by", "at"} if merged else {"check"}
    return tuple(sorted((name, cell) for name, cell in cells.items() if name not in left_out))


def _measured(line: Line, moments: set[datetime], shop: str) -> Iterator[Wrong]:
    for column in ("measured_from", "measured_to"):
        if getattr(line, column) not in moments:
            yield column, "nothing was measured at that moment", "", ""
    if line.row.shop != shop:
        yield "shop", "it is another shop than that of the manifest", line.row.shop, shop
    try:
        ZoneInfo(line.row.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield "time_zone", "there is no such time zone", line.row.time_zone, ""
    try:
        time.fromisoformat(line.row.cut_off or "17:00")
    except ValueError:
        yield "cut_off", "it is no time of day", line.row.cut_off, ""


def _outside(row: Row, calendars: Mapping[str, CalendarPart]) -> Iterator[Wrong]:
    calendar = calendars.get(row.calendar)
    if calendar is None:
        yield "calendar", f"{row.calendar} is not in calendar.json", "", ""
        return
    for column in ("received_on", "due_on", "answered_on", "closed_on"):
        day: date | None = getattr(row, column)
        if day is not None and not calendar.first <= day <= calendar.last:
            yield column, f"it is outside of the calendar, which goes from {calendar.first} to {calendar.last}", "", ""


def _counted(line: Line, cells: Cells, closed: Calendars, release: str) -> Iterator[Wrong]:
    """What is counted from other cells."""
    row = line.row
    dues = possible_dues(row, closed[row.calendar])
    if line.due_recounted is not None:
        yield from _recounted(row, line.due_recounted, closed, release)
    expected = {row.due_on} if line.due_recounted is None else {line.due_recounted}
    if dues.isdisjoint(expected) or (line.due_recounted is not None and row.due_on in dues):
        column = "due_on" if line.due_recounted is None else "due_recounted"
        yield column, "it does not follow from the arrival", cells[column], " or ".join(sorted(map(str, dues)))
    if cells["due_month"] != cells["due_on"][:7]:
        yield "due_month", "it is not the month of due_on", cells["due_month"], cells["due_on"][:7]
    again = recounted(row, closed, line.measured_from.date()).days_taken
    if row.days_taken != again:
        yield "days_taken", "it differs", cells["days_taken"], "" if again is None else str(again)
    in_time = YES if row.in_time else NO
    if cells["in_time"] != in_time:
        yield "in_time", "it differs", cells["in_time"], in_time


def _recounted(row: Row, again: date, closed: Calendars, release: str) -> Iterator[Wrong]:
    """Another date than the calendar gives: only where another release of the holidays knew other closed days, and by
    a day or two."""
    if row.holidays == release:
        what = f"release {release} of the holidays, by which it was promised, gives no other date"
        yield "due_recounted", what, str(row.due_on), str(again)
    first, last = sorted((row.due_on, again))
    if business_days_after(first, last, closed[row.calendar]) > DAYS_MOVED_AT_MOST:
        what = f"a release of the holidays moves no date by more than {DAYS_MOVED_AT_MOST} business days"
        yield "due_recounted", what, str(row.due_on), str(again)


def _dates(line: Line, zone: ZoneInfo) -> Iterator[Wrong]:
    """Days and moments that belong together."""
    row = line.row
    if row.received_on != _day(row.received_at, zone):
        yield "received_on", "it is not the day of received_at", str(row.received_on), str(_day(row.received_at, zone))
    told = [row.answered_at, row.answered_on, row.told_on, row.answered_how or None]
    if any(one is None for one in told) and any(one is not None for one in told):
        yield "answered_at, answered_on, answered_how, told_on", "they are there all together, or none is", "", ""
    elif row.answered_at is not None and row.answered_on is not None:
        yield from _answer(row, row.answered_at, row.answered_on, zone)
    if row.answered_on is None and (row.seen or row.reopened_on is not None):
        yield "seen, reopened_on", "there is no answer", "", ""
    if row.closed_on is not None and (row.answered_on is not None or row.closed_on < row.received_on):
        yield "closed_on", "it was answered, or closed before it came", "", ""
    if row.acknowledged_at is not None and row.acknowledged_at < row.received_at:
        yield "acknowledged_at", "it is before the arrival", "", ""


def _known(line: Line, shop: ZoneInfo) -> Iterator[Wrong]:
    """What nobody could have known when it was measured. `shop` is the zone in which it was."""
    row, zone = line.row, ZoneInfo(line.row.time_zone)
    measured_on = _day(line.measured_from, zone)
    days: dict[str, date | None] = {
        "received_at": _day(row.received_at, zone),
        "told_on": row.told_on,
        "acknowledged_at": _day(row.acknowledged_at, zone) if row.acknowledged_at else None,
        "excluded_at": _day(row.excluded_at, zone) if row.excluded_at else None,
        "closed_on": row.closed_on,
        "reopened_on": row.reopened_on,
    }
    for column, day in days.items():
        if day is not None and day > measured_on:
            yield column, f"nobody could know it on {measured_on}, when it was measured", "", ""
    if line.measured_from > line.measured_to:
        yield "measured_to", "it is before measured_from", "", ""
    if row.due_on >= _day(line.measured_from, shop):
        yield "due_on", f"it was not past on {_day(line.measured_from, shop)}, when it was measured", "", ""


def _answer(row: Row, answered_at: datetime, answered_on: date, zone: ZoneInfo) -> Iterator[Wrong]:
    if row.answered_how not in WAYS:
        yield "answered_how", f"there is no such way; there are {', '.join(WAYS)}", "", ""
    day = _day(answered_at, zone)
    # A letter counts on the day of its expected delivery, which is later.
    if (answered_on != day) if row.answered_how != LETTER else (answered_on < day):
        yield "answered_on", "it is not the day of answered_at", str(answered_on), str(day)
    # Of a letter the day is known, and no hour.
    by_day = LETTER in (row.channel, row.answered_how)
    if day < row.received_on if by_day else answered_at < row.received_at:
        yield "answered_at", "it is before the arrival", "", ""


def _excluded(line: Line, zone: ZoneInfo) -> Iterator[Wrong]:
    row = line.row
    if bool(row.excluded) != (row.excluded_at is not None) or bool(row.excluded) != bool(row.excluded_by):
        yield "excluded, excluded_by, excluded_at", "they are there all together, or none is", "", ""
    elif row.excluded and row.excluded not in REASONS:
        yield "excluded", f"{row.excluded} excludes nothing", "", ""
    elif row.excluded in NOT_WAITED_FOR and row.excluded_at and _day(row.excluded_at, zone) > row.due_on:
        yield "excluded_at", f"it is after the due date: {row.excluded} excludes nothing then", "", ""


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
