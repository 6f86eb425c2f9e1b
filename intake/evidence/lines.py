"""The lines of `rows.csv` and `exclusions.csv`: from measured rows to cells and back.

A line of `rows.csv` is a promise as it was seen by every measurement from `measured_from` to `measured_to`; what
changed between two measurements has a line for each. Cells hold words of Intake's own, numbers, days, moments and
pseudonyms, and nothing that people wrote.
"""

import csv
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from intake.evidence.form import EXCLUSIONS, ROWS, Finding, TablePart, shown
from intake.measuring.rows import Row

COLUMNS = (
    *("measured_from", "measured_to", "case", "member", "sequence", "shop", "channel", "received_at", "received_on"),
    *("due_on", "due_month", "business_days", "counting", "cut_off", "time_zone", "calendar", "holidays_release"),
    *("due_recounted", "arrival_known"),
    *("acknowledged_at", "answered_at", "answered_on", "answered_how", "told_on", "seen", "in_time", "days_taken"),
    *("closed_on", "reopened_on", "excluded", "excluded_by", "excluded_at", "check"),
)
EXCLUSION_COLUMNS = ("case", "member", "sequence", "channel", "received_at", "due_on", "reason", "by", "at", "check")
TABLES: Mapping[str, tuple[str, ...]] = {ROWS: COLUMNS, EXCLUSIONS: EXCLUSION_COLUMNS}
YES, NO = "yes", "no"
CHECK_DIGITS = 16
ROLES: Mapping[str, str] = {"intake": "intake", "import": "import", "manager, by mail": "manager"}

_PSEUDONYM, _WORD = "(case|person)-[0-9a-f]{16}", "[a-z][a-z0-9_-]{0,60}"
_DAY = "2[01][0-9]{2}-[0-9]{2}-[0-9]{2}"
_MOMENT = f"{_DAY}T[0-9:.]{{8,15}}[+-][0-9]{{2}}:[0-9]{{2}}"
FORMS: Mapping[str, str] = {
    **dict.fromkeys(("measured_from", "measured_to", "received_at"), _MOMENT),
    **dict.fromkeys(("acknowledged_at", "answered_at", "excluded_at", "at"), f"({_MOMENT})?"),
    **dict.fromkeys(("case", "member"), _PSEUDONYM),
    **dict.fromkeys(("received_on", "due_on"), _DAY),
    **dict.fromkeys(("answered_on", "told_on", "closed_on", "reopened_on", "due_recounted"), f"({_DAY})?"),
    **dict.fromkeys(("arrival_known", "seen", "in_time"), "yes|no"),
    **dict.fromkeys(("excluded", "answered_how"), f"({_WORD})?"),
    **dict.fromkeys(("excluded_by", "by"), f"({_PSEUDONYM}|{_WORD})?"),
    "sequence": "[0-9]{1,5}",
    "business_days": "[0-9]{1,2}",
    "due_month": "[0-9]{4}-[0-9]{2}",
    "shop": "[A-Za-z0-9][A-Za-z0-9._-]{0,79}",
    "channel": "mail|letter",
    "counting": "event-day|cut-off",
    "cut_off": "([0-9]{2}:[0-9]{2}[0-9:.]{0,10})?",
    "time_zone": "[A-Za-z][A-Za-z0-9_+/-]{0,60}",
    "calendar": "[a-z]{2}-[0-9a-f]{10}",
    "holidays_release": "[0-9A-Za-z.+-]{0,40}",
    "days_taken": "([0-9]{1,5})?",
    "reason": _WORD,
    "check": "[0-9a-f]{16}",
}
Pseudonym = Callable[[str, str], str]
"""From a kind (`case` or `person`) and a name to what stands in its place."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of `rows.csv`: a row and the measurements that it holds for. `due_recounted` is the due date that the
    calendar in the bundle gives, where that is another one (a release of the holidays changed a day), else None."""

    measured_from: datetime
    measured_to: datetime
    row: Row
    due_recounted: date | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A promise that does not count for itself: `reason` is why, or `merged`, for it counts for the other case."""

    row: Row
    reason: str
    by: str
    at: datetime | None


def pseudonyms(key: bytes, shop: str) -> Pseudonym:
    """Names that nobody can turn back without the key, the same in every bundle of the shop. Roles keep theirs."""

    def of(kind: str, name: str) -> str:
        if not name or (kind == "person" and name in ROLES):
            return ROLES.get(name, "")
        told = f"evidence\n{shop}\n{kind}\n{name}".encode()
        return f"{kind}-{hmac.new(key, told, hashlib.sha256).hexdigest()[:16]}"

    return of


def row_cells(line: Line, zone: ZoneInfo, pseudonym: Pseudonym) -> dict[str, str]:
    """A line as it is written, without its check. `zone` is the shop's, in which it is measured."""
    row = line.row
    measured = (_moment(moment, zone) for moment in (line.measured_from, line.measured_to))
    zone = ZoneInfo(row.time_zone)
    return {
        **dict(zip(("measured_from", "measured_to"), measured, strict=True)),
        "case": pseudonym("case", row.case),
        "member": pseudonym("case", row.member),
        "sequence": str(row.sequence),
        "shop": row.shop,
        "channel": row.channel,
        "received_at": _moment(row.received_at, zone),
        "received_on": row.received_on.isoformat(),
        "due_on": row.due_on.isoformat(),
        "due_month": row.due_on.isoformat()[:7],
        "business_days": str(row.business_days),
        "counting": row.counting,
        "cut_off": row.cut_off,
        "time_zone": row.time_zone,
        "calendar": row.calendar,
        "holidays_release": row.holidays,
        "due_recounted": _day(line.due_recounted),
        "arrival_known": YES if row.dated else NO,
        "acknowledged_at": _moment(row.acknowledged_at, zone),
        "answered_at": _moment(row.answered_at, zone),
        "answered_on": _day(row.answered_on),
        "answered_how": row.answered_how,
        "told_on": _day(row.told_on),
        "seen": YES if row.seen else NO,
        "in_time": YES if row.in_time else NO,
        "days_taken": "" if row.days_taken is None else str(row.days_taken),
        "closed_on": _day(row.closed_on),
        "reopened_on": _day(row.reopened_on),
        "excluded": row.excluded,
        "excluded_by": pseudonym("person", row.excluded_by),
        "excluded_at": _moment(row.excluded_at, zone),
    }


def exclusion_cells(one: Exclusion, pseudonym: Pseudonym) -> dict[str, str]:
    """A line of `exclusions.csv`, without its check."""
    zone = ZoneInfo(one.row.time_zone)
    return {
        "case": pseudonym("case", one.row.case),
        "member": pseudonym("case", one.row.member),
        "sequence": str(one.row.sequence),
        "channel": one.row.channel,
        "received_at": _moment(one.row.received_at, zone),
        "due_on": one.row.due_on.isoformat(),
        "reason": one.reason,
        "by": pseudonym("person", one.by),
        "at": _moment(one.at, zone),
    }


def line_of(cells: Mapping[str, str]) -> Line:
    """A line of `rows.csv`, of cells whose form is right. Raises `ValueError` for a day that there is none."""
    row = Row(
        case=cells["case"],
        member=cells["member"],
        sequence=int(cells["sequence"]),
        shop=cells["shop"],
        channel=cells["channel"],
        category="",
        received_at=datetime.fromisoformat(cells["received_at"]),
        received_on=date.fromisoformat(cells["received_on"]),
        due_on=date.fromisoformat(cells["due_on"]),
        business_days=int(cells["business_days"]),
        counting=cells["counting"],
        cut_off=cells["cut_off"],
        time_zone=cells["time_zone"],
        calendar=cells["calendar"],
        holidays=cells["holidays_release"],
        dated=cells["arrival_known"] == YES,
        acknowledged_at=_read_moment(cells["acknowledged_at"]),
        answered_at=_read_moment(cells["answered_at"]),
        answered_on=_read_day(cells["answered_on"]),
        answered_how=cells["answered_how"],
        told_on=_read_day(cells["told_on"]),
        seen=cells["seen"] == YES,
        days_taken=int(cells["days_taken"]) if cells["days_taken"] else None,
        closed_on=_read_day(cells["closed_on"]),
        reopened_on=_read_day(cells["reopened_on"]),
        excluded=cells["excluded"],
        excluded_by=cells["excluded_by"],
        excluded_at=_read_moment(cells["excluded_at"]),
    )
    first, last = (datetime.fromisoformat(cells[name]) for name in ("measured_from", "measured_to"))
    return Line(first, last, row, _read_day(cells["due_recounted"]))


def check_of(cells: Iterable[str]) -> str:
    """What the last cell of a line says of the others."""
    return hashlib.sha256("\x1f".join(cells).encode("utf-8", "surrogatepass")).hexdigest()[:CHECK_DIGITS]


def as_csv(file: str, lines: Iterable[Mapping[str, str]]) -> tuple[bytes, TablePart]:
    """Lines as CSV, each with its check, and what the manifest says of them. Raises `ValueError` where a cell could be
    taken for something else than it is."""
    columns = TABLES[file]
    written: list[list[str]] = []
    for cells in lines:
        line = [cells[name] for name in columns[:-1]]
        written.append([*line, check_of(line)])
        for name, cell in zip(columns, written[-1], strict=True):
            if not re.fullmatch(FORMS[name], cell):
                raise ValueError(f"{name} cannot be {cell!r}")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *written])
    return text.getvalue().encode(), table_part(columns, written)


def table_part(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> TablePart:
    """What the manifest says of a table."""
    digests = {}
    for place, name in enumerate(columns):
        joined = "\n".join(line[place] for line in lines)
        digests[name] = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
    return TablePart(lines=len(lines), columns=digests)


def read_csv(file: str, content: bytes) -> tuple[list[list[str]], list[Finding]]:
    """The lines of a table below its head, as cells; and what is wrong with its form. Where a finding has no place, the
    table cannot be used."""
    columns = TABLES[file]
    try:
        read = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (csv.Error, ValueError) as error:
        return [], [Finding(file, "", f"it cannot be read as CSV: {error}")]
    if not read or tuple(read[0]) != columns:
        return [], [Finding(file, "", f"its head should be {','.join(columns)}")]
    short = [number for number, cells in enumerate(read[1:], 2) if len(cells) != len(columns)]
    if short:
        return [], [Finding(file, "", f"line {short[0]} has {len(read[short[0] - 1])} cells, not {len(columns)}")]
    found = [
        Finding(file, f"line {number}, {name}", f"{shown(cell)!r} cannot stand there")
        for number, cells in enumerate(read[1:], 2)
        for name, cell in zip(columns, cells, strict=True)
        if not re.fullmatch(FORMS[name], cell)
    ]
    return read[1:], found


def changed_cells(file: str, lines: Sequence[Sequence[str]], stated: TablePart) -> list[Finding]:
    """What was changed in a table since it was made: the lines whose check does not hold, and the columns whose digest
    is another one."""
    columns = TABLES[file]
    now = table_part(columns, lines)
    wrong = [number for number, cells in enumerate(lines, 2) if check_of(cells[:-1]) != cells[-1]]
    altered = [name for name in columns if now.columns[name] != stated.columns.get(name)]
    found = []
    if now.lines != stated.lines:
        found.append(Finding(file, "", "the number of its lines differs", str(now.lines), str(stated.lines)))
    where = ", ".join(altered) if len(altered) < len(columns) else ""
    found += [Finding(file, f"line {number}" + (f", {where}" if where else ""), "it was changed") for number in wrong]
    if altered and not wrong:
        found.append(
            Finding(file, where, "lines were taken out, put in, swapped, or changed together with their check")
        )
    return found


def _moment(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else moment.astimezone(zone).isoformat()


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _read_moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _read_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
