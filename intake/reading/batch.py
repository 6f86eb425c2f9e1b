"""A CSV batch checked row by row as records are, and the answer to it: the same rows with what became of each.

How a row becomes a record is told in `intake.post_batch`. A row that is wrong says so by itself; the others go on.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from intake.post_batch import OUTCOME, SENDER, Batch, Row, read_rows, read_table
from intake.reading.record import Record, Sender, key_mistakes, validated

__all__ = ["Batch", "Row", "RowOutcome", "read_batch", "result_csv"]

# A cell that begins so is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row: in a word or two, the case, the day that it is answered by, and why where it failed."""

    status: str
    case_id: str = ""
    answer_by: date | None = None
    reason: str = ""


def read_batch(raw: bytes) -> Batch:
    """The rows of a batch, each with all its mistakes, and warnings about the file. Raises `RecordError` where the file
    as a whole is no batch. A date that is yet to come is found when the row meets its scan."""
    batch = read_rows(raw)
    if not batch.rows:
        return batch
    # Each column is in every row or left empty there: names are compared once.
    columns: dict[str, object] = {}
    senders: dict[str, object] = {}
    for row in batch.rows:
        columns |= row.record
        senders |= row.record.get("sender", {})
    wrong = key_mistakes({**columns, "sender": senders})
    warnings = _unused(columns, senders) if not wrong else ()
    rows = tuple(_checked(row, wrong) for row in batch.rows)
    return replace(batch, rows=rows, warnings=(*batch.warnings, *warnings))


def result_csv(raw: bytes, outcomes: Mapping[int, RowOutcome]) -> bytes:
    """The same rows with their outcome (by the row's number, from 1) behind them, in UTF-8 with a mark so that Excel
    shows it, and with no cell that a spreadsheet would compute. Raises `RecordError` for what is no table."""
    table = read_table(raw)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=table.delimiter, lineterminator="\r\n")
    writer.writerow([*map(_harmless, table.header), *OUTCOME])
    for number, cells in enumerate(table.rows, 1):
        outcome = outcomes.get(number, RowOutcome("no scan"))
        day = outcome.answer_by.isoformat() if outcome.answer_by else ""
        told = (outcome.status, outcome.case_id, day, outcome.reason)
        width = len(table.header)
        own, beyond = (*cells, *[""] * (width - len(cells)))[:width], cells[width:]
        writer.writerow([_harmless(cell) for cell in (*own, *told, *(cell for cell in beyond if cell.strip()))])
    return out.getvalue().encode("utf-8-sig", "replace")


def _checked(row: Row, misspelt: list[str]) -> Row:
    """A row's values checked as a record's; what the row has said already is not said twice."""
    _, wrong = validated(row.record)
    told = {mistake.partition(":")[0] for mistake in row.mistakes}
    new = [mistake for mistake in wrong if mistake.partition(":")[0] not in told]
    return replace(row, mistakes=(*row.mistakes, *misspelt, *new))


def _unused(columns: Iterable[str], senders: Iterable[str]) -> tuple[str, ...]:
    """The columns that no record has, as a record tells of its own."""
    known = {info.alias or name for name, info in Record.model_fields.items()}
    names = [name for name in columns if name not in known]
    names += [f"{SENDER}{name}" for name in senders if name not in Sender.model_fields]
    return tuple(f"the batch has a column that is not used: {name}" for name in names)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
