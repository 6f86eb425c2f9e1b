"""A CSV batch: the records of many scans in one table, each row by itself.

    file;received_on;sender_name;sender_postal_code
    scan0001.pdf;20-11-2026;A. de Boer;1017 GA

The columns are the record's fields, `sender.` written as `sender_`. What a field may hold is checked where records are
(`intake.reading.batch`, `intake.reading.record`); here a row only becomes a record. A row with a mistake of its own
carries it into its record, so that its scan fails with these words and no other row does.
"""

import csv
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from intake.errors import RecordError

SCHEMA = "letter-intake/1"
MAX_BATCH = 1024 * 1024
MAX_ROWS = 2000
MAX_COLUMNS = 60
FILE, RECEIVED_ON, SENDER = "file", "received_on", "sender_"
DATES = (RECEIVED_ON, "letter_date")
COUNTS = ("pages_expected", "letters_expected")
YES_OR_NO = {
    **dict.fromkeys(("ja", "yes", "true", "waar", "oui", "1", "x"), True),
    **dict.fromkeys(("nee", "no", "nein", "false", "onwaar", "non", "0"), False),
}
# What we put behind the rows in the answer. A clerk may mend that file and drop it again.
OUTCOME = ("status", "case_id", "answer_by", "reason")
# Where a record carries the mistakes of its row.
MISTAKES = "row_mistakes"
DUTCH_DATE = re.compile(r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{4})")
ENDS = (".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png", ".eml", ".msg")
# The five bytes that Python's codec refuses stay what they are (WHATWG windows-1252).
WINDOWS_1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number from 1 (the header is none), the scan that it names, its record as JSON would hold it, and
    the mistakes that are the row's own, in words."""

    number: int
    file: str
    record: dict[str, Any]
    mistakes: tuple[str, ...] = ()

    @property
    def error(self) -> str:
        """The mistakes as one text, "" where there are none."""
        return "; ".join(self.mistakes)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as read. `warnings` are about the file as a whole."""

    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()
    places: dict[str, list[int]] = field(default_factory=dict, repr=False, compare=False)

    def record_for(self, name: str) -> tuple[int, bytes] | None:
        """The number of the row that names this scan, in any letter case, with or without its end, and the row's
        record as a JSON file. A row with mistakes gives a record that says so and is refused for it."""
        found = self.places.get(_key(name)) or self.places.get(_stem(_key(name)))
        if not found:
            return None
        row = self.rows[found[0]]
        told = [f"row {row.number} of the batch: {mistake}" for mistake in row.mistakes]
        record = {**row.record, MISTAKES: told} if told else row.record
        return row.number, json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a CSV file, without blank rows and without an outcome of ours; the delimiter and the encoding."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str
    warnings: tuple[str, ...]


def read_rows(raw: bytes) -> Batch:
    """The rows of a batch. Raises `RecordError` where the file as a whole is none: too large, no header, a column that
    stands twice, no column for the file or the date."""
    table = read_table(raw)
    columns = tuple(_column(cell) for cell in table.header)
    _require_columns(columns)
    rows = [_row(number, columns, cells) for number, cells in enumerate(table.rows, 1)]
    places = defaultdict(list)
    for place, row in enumerate(rows):
        if row.file:
            places[_key(row.file)].append(place)
    rows = [_told_apart(row, rows, places) for row in rows]
    return Batch(tuple(rows), table.warnings, dict(places))


def read_table(raw: bytes) -> Table:
    """The cells. UTF-8 with or without a mark, else windows-1252; the delimiter is what the header uses most."""
    if len(raw) > MAX_BATCH:
        raise RecordError("The batch is larger than 1 MB.", "Split it into smaller ones.")
    _, warnings = _text(raw)
    text, delimiter = _body(raw)
    rows = list(_cells(text, delimiter))
    if not rows:
        raise RecordError("The batch is empty.", "Its first row names the columns: file, received_on, …")
    if len(rows) - 1 > MAX_ROWS:
        raise RecordError(f"The batch has more than {MAX_ROWS} rows.", "Split it into smaller ones.")
    header = rows[0]
    while header and not header[-1].strip():
        header = header[:-1]
    if len(header) > MAX_COLUMNS:
        raise RecordError(f"The batch has more than {MAX_COLUMNS} columns.", "Check that it is the right file.")
    kept = len(header) - (len(OUTCOME) if tuple(map(_column, header[-len(OUTCOME) :])) == OUTCOME else 0)
    body = (row[:kept] if kept < len(header) else row for row in rows[1:])
    return Table(header[:kept], tuple(body), delimiter, warnings)


def is_answer(raw: bytes) -> bool:
    """Whether a file is the answer to a batch: its last columns are ours."""
    try:
        header = _all_cells(raw)[0]
    except (RecordError, IndexError):
        return False
    return tuple(map(_column, header[-len(OUTCOME) :])) == OUTCOME


def count_rows(raw: bytes) -> int:
    """How many rows a batch or an answer has below its header. Raises `RecordError`."""
    return len(_all_cells(raw)) - 1


def rows_of(raw: bytes, references: Collection[str], files: Collection[tuple[int, str]]) -> set[int]:
    """Which rows of an answer are of these cases, or of these scans that opened none: (number, file)."""
    cells = _all_cells(raw)
    columns = [_column(cell) for cell in cells[0]]
    case, file = columns.index(OUTCOME[1]), columns.index(FILE)
    wanted = {(number, _stem(_key(name))) for number, name in files}
    found = set()
    for number, row in enumerate(cells[1:], 1):
        padded = (*row, *[""] * len(columns))
        named = (number, _stem(_key(padded[file].strip())))
        if padded[case] in references or (not padded[case] and named in wanted):
            found.add(number)
    return found


def without_rows(raw: bytes, numbers: Collection[int]) -> bytes:
    """The table without these rows, in UTF-8 with a mark; b"" where no row is left. Raises `RecordError`."""
    cells = _all_cells(raw)
    left = [row for number, row in enumerate(cells[1:], 1) if number not in numbers]
    if not left:
        return b""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=_body(raw)[1], lineterminator="\r\n").writerows([cells[0], *left])
    return out.getvalue().encode("utf-8-sig", "replace")


def _all_cells(raw: bytes) -> list[tuple[str, ...]]:
    text, delimiter = _body(raw)
    return list(_cells(text, delimiter))


def _body(raw: bytes) -> tuple[str, str]:
    """The text below the line that Excel hides, and the delimiter."""
    text, _ = _text(raw)
    first, _, rest = text.partition("\n")
    named = re.fullmatch(r"sep=([;,\t])\r*", first, re.IGNORECASE)
    return (rest, named[1]) if named else (text, _delimiter(text))


def _text(raw: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        words = "the batch is not UTF-8 and was read as windows-1252: check names with accents"
        return raw.decode("latin-1").translate(WINDOWS_1252), (words,)


def _delimiter(text: str) -> str:
    """What stands most often between the names in the header. Names hold no line end, so its first line is enough."""
    header = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    outside = "".join(header.split('"')[::2])
    return max(";,\t", key=outside.count)


def _cells(text: str, delimiter: str) -> Iterator[tuple[str, ...]]:
    """The rows that hold anything. Line ends of every kind: CR alone too."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield tuple(cells)
    except csv.Error as error:
        raise RecordError(f"The batch is no table at line {reader.line_num}.", "Save it as CSV again.") from error


def _require_columns(columns: tuple[str, ...]) -> None:
    missing = [name for name in (FILE, RECEIVED_ON) if name not in columns]
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if missing:
        raise RecordError(
            f"The batch has no column {' and none '.join(missing)}.", "Its first row names the columns of the record."
        )
    if twice:
        raise RecordError(f"The column {', '.join(twice)} stands twice in the batch.", "Remove one.")


def _row(number: int, columns: tuple[str, ...], cells: tuple[str, ...]) -> Row:
    record: dict[str, Any] = {"schema": SCHEMA}
    sender: dict[str, str] = {}
    mistakes = []
    for column, cell in zip(columns, cells, strict=False):
        value = cell.strip()
        if not value or not column or column == FILE:
            continue
        if column.startswith(SENDER) and column != "sender_reference":
            sender[column.removeprefix(SENDER)] = value
        elif column in DATES:
            day = _date(value)
            record[column] = day.isoformat() if day else value
            mistakes += [] if day else [f"{column}: {value[:40]!r} is no date like 2026-11-20 or 20-11-2026"]
        else:
            record[column] = _value(column, value)
    if any(cell.strip() for cell in cells[len(columns) :]):
        mistakes.append("it has more cells than the header: put text that holds the delimiter in double quotes")
    name = dict(zip(columns, cells, strict=False)).get(FILE, "").strip().replace("\\", "/").rpartition("/")[2]
    if not name:
        mistakes.append("it names no file")
    if RECEIVED_ON not in record:
        mistakes.append("received_on: is missing")
    return Row(number, name, {**record, **({"sender": sender} if sender else {})}, tuple(mistakes))


def _value(column: str, value: str) -> str | int | bool:
    if column in COUNTS and value.isascii() and value.isdigit() and len(value) < 9:
        return int(value)
    return YES_OR_NO.get(value.lower(), value) if column == "confidential" else value


def _date(value: str) -> date | None:
    dutch = DUTCH_DATE.fullmatch(value)
    try:
        if dutch:
            return date(int(dutch[3]), int(dutch[2]), int(dutch[1]))
        return date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        return None


def _told_apart(row: Row, rows: list[Row], places: dict[str, list[int]]) -> Row:
    """A scan that two rows name has no record: nobody can say whose it is. Both rows say so."""
    if not row.file:
        return row
    key = _key(row.file)
    # A row for "scan1" means the same scan as one for "scan1.pdf".
    same = {*places[key], *(places.get(_stem(key), ()) if _stem(key) != key else ())}
    if _stem(key) == key:
        same |= {place for end in ENDS for place in places.get(key + end, ())}
    if len(same) == 1:
        return row
    numbers = ", ".join(str(rows[place].number) for place in sorted(same)[:10])
    return replace(row, mistakes=(*row.mistakes, f"rows {numbers} name the same file"))


def _column(cell: str) -> str:
    """A column's name as the record writes it: `Received on` is `received_on`."""
    name = re.sub(r"[\s-]+", "_", cell.strip().lower())
    return {"files": FILE, "sender": "sender_name"}.get(name, name)


def _key(name: str) -> str:
    """A name for comparing: some systems write accents as two signs."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(key: str) -> str:
    return next((key.removesuffix(end) for end in ENDS if key.endswith(end)), key)
