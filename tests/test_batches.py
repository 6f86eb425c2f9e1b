"""CSV batches as people save them: every delimiter, encoding, line end and date; rows that fail alone; the answer."""

import csv
import io
import json
import random
import time
from datetime import date
from typing import Any

import pytest

from intake.errors import RecordError
from intake.reading.batch import Batch, RowOutcome, read_batch, result_csv
from intake.reading.record import Record, parse_record, read_record

TODAY = date(2026, 11, 22)
HEADER = "file;received_on;language;sender_name;sender_street;sender_postal_code;sender_city;sender_reference;note"
ROW = "scan0001.pdf;2026-11-20;nl;Zoë de Boer;Kerkstraat;1017 GA;Amsterdam;4711-8823;kapot"
TABLE = f"{HEADER}\r\n{ROW}\r\nscan0002.pdf;19-11-2026;;B. Visser;;;;;\r\n"


def record_for(batch: Batch, name: str) -> Record:
    found = batch.record_for(name)
    assert found is not None
    return read_record(parse_record(found[1]), TODAY)


def one_row(more: dict[str, str]) -> Batch:
    """A batch of one row with these cells besides the file and the date."""
    cells = {"file": "scan0001.pdf", "received_on": "2026-11-20", **more}
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([cells, cells.values()])
    return read_batch(out.getvalue().encode())


FORMS: dict[str, bytes] = {
    "semicolons": TABLE.encode(),
    "commas": TABLE.replace(";", ",").encode(),
    "tabs": TABLE.replace(";", "\t").encode(),
    "a byte order mark": TABLE.encode("utf-8-sig"),
    "windows-1252": TABLE.encode("cp1252"),
    "LF": TABLE.replace("\r\n", "\n").encode(),
    "CR": TABLE.replace("\r\n", "\r").encode(),
    "no line end at the end": TABLE.strip().encode(),
    "blank lines and blank rows": TABLE.replace("\r\n", "\r\n\r\n;;;;;;;;\r\n").encode(),
    "Excel's own first line": b"sep=;\r\n" + TABLE.encode(),
    "every cell quoted": "\r\n".join(
        ";".join(f'"{cell}"' for cell in line.split(";")) for line in TABLE.splitlines()
    ).encode(),
    "columns as people write them": TABLE.replace("received_on", " Received on ").replace("file", "FILES").encode(),
    "empty columns at the end": TABLE.replace("\r\n", ";;\r\n").encode(),
    "commas in text where semicolons stand between": TABLE.replace(
        "kapot", "kapot, en snel, kapot, weer, a,b,c"
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_is_read_however_it_was_saved(form: str) -> None:
    batch = read_batch(FORMS[form])
    assert [(row.number, row.file, row.error) for row in batch.rows] == [
        (1, "scan0001.pdf", ""),
        (2, "scan0002.pdf", ""),
    ]
    record = record_for(batch, "scan0001.pdf")
    assert (record.received_on, record.language, record.sender.name, record.sender.postal_code) == (
        date(2026, 11, 20),
        "nl",
        "Zoë de Boer",
        "1017 GA",
    )
    assert (record.sender_reference, record.note[:5]) == ("4711-8823", "kapot")
    assert record_for(batch, "scan0002.pdf").received_on == date(2026, 11, 19)
    assert bool(batch.warnings) == (form == "windows-1252")


@pytest.mark.parametrize("cell", ["2026-11-05", "05-11-2026", "5-11-2026", "05.11.2026", "05/11/2026", " 5/11/2026 "])
def test_dates_are_iso_or_day_first(cell: str) -> None:
    batch = one_row({"letter_date": cell})
    assert record_for(batch, "scan0001.pdf").letter_date == date(2026, 11, 5)


@pytest.mark.parametrize(
    "cell", ["31-02-2026", "2026-13-01", "11/25/2026", "5-11-26", "gisteren", "20261105", "1" * 5000]
)
def test_what_is_no_date_fails_its_row_alone_with_the_date_in_the_reason(cell: str) -> None:
    batch = read_batch(f"file;received_on\na.pdf;{cell}\nb.pdf;2026-11-20\n".encode())
    bad, good = batch.rows
    assert f"received_on: {cell[:20]!r}"[:-1] in bad.error
    assert good.error == ""
    with pytest.raises(RecordError, match=r"row 1 of the batch: received_on: .* is no date like 2026-11-20"):
        record_for(batch, "a.pdf")


@pytest.mark.parametrize("name", ["scan0001.pdf", "SCAN0001.PDF", "scan0001.tif", "Scan0001"])
def test_a_scan_is_found_by_name_or_stem_in_any_case(name: str) -> None:
    cell = "scan0001" if name.endswith(".tif") else "scan0001.pdf"
    batch = read_batch(f"file,received_on\n{cell},2026-11-20\n".encode())
    assert (batch.record_for(name) is not None) == (name != "Scan0001")
    assert batch.record_for("scan00011.pdf") is None


def test_a_path_in_the_cell_and_accents_written_as_two_signs_do_not_matter() -> None:
    batch = read_batch("file,received_on\nC:\\scans\\caf\u00e9.pdf,2026-11-20\n".encode())
    assert batch.record_for("cafe\u0301.pdf") is not None


@pytest.mark.parametrize("second", ["a.pdf", "A.PDF", "a"])
def test_a_file_that_two_rows_name_is_an_error_on_both(second: str) -> None:
    batch = read_batch(f"file;received_on\na.pdf;2026-11-20\nb.pdf;2026-11-20\n{second};2026-11-19\n".encode())
    assert ["rows 1, 3 name the same file" in row.error for row in batch.rows] == [True, False, True]
    with pytest.raises(RecordError, match="rows 1, 3 name the same file"):
        record_for(batch, "a.pdf")


ROWS: dict[str, tuple[dict[str, str], str]] = {
    "a channel that is none": ({"channel": "duif"}, "channel"),
    "a count that is none": ({"pages_expected": "drie"}, "pages_expected"),
    "a count that is too high": ({"pages_expected": "5000"}, "pages_expected"),
    "a mail address that is none": ({"sender_email": "geen adres"}, "sender.email: is not a mail address"),
    "a misspelt column": ({"langauge": "nl"}, "langauge: did you mean 'language'?"),
    "a misspelt column of the sender": ({"sender_postalcode": "1017 GA"}, "did you mean 'postal_code'"),
    "no file": ({"file": " "}, "it names no file"),
    "no date": ({"received_on": ""}, "received_on: is missing"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_tells_what_is_wrong_with_it(case: str) -> None:
    more, words = ROWS[case]
    (row,) = one_row(more).rows
    assert words in row.error
    assert row.error.count("received_on") <= 1


def test_more_cells_than_columns_are_told() -> None:
    batch = read_batch(b"file;received_on;note\na.pdf;2026-11-20;kapot; en weer kapot\nb.pdf;2026-11-20\n")
    assert ["more cells than the header" in row.error for row in batch.rows] == [True, False]


def test_words_for_yes_and_counts_become_what_a_record_wants() -> None:
    record = record_for(one_row({"confidential": "Ja", "pages_expected": "3", "letters_expected": "1"}), "scan0001.pdf")
    assert (record.confidential, record.pages_expected, record.letters_expected) == (True, 3, 1)


def test_an_unknown_column_is_warned_of_once() -> None:
    batch = read_batch(b"file;received_on;drawer;sender_shoe\na;2026-11-20;12;42\nb;2026-11-20;12;43\n")
    assert batch.warnings == tuple(
        f"the batch has a column that is not used: {name}" for name in ("drawer", "sender_shoe")
    )
    assert [row.error for row in batch.rows] == ["", ""]


NO_BATCH: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "blanks": (b"\r\n ; ;\r\n", "is empty"),
    "no header": (b"scan0001.pdf;2026-11-20\r\n", "no column file and none received_on"),
    "no date": (b"file;note\r\na;b\r\n", "no column received_on"),
    "a column twice": (b"file;received_on;Received-On\r\na;b;c\r\n", "received_on stands twice"),
    "too many rows": (b"file;received_on\n" + b"a;2026-11-20\n" * 2001, "more than 2000 rows"),
    "too large": (b"file;received_on\n" + b" " * 1024 * 1024, "larger than 1 MB"),
    "a cell without an end": (b'file;received_on\n"' + b"x" * 500_000, "no table at line"),
    "too many columns": (b"file;received_on" + b";x" * 100, "more than 60 columns"),
    "a picture": (bytes(range(256)) * 100, "no column file"),
}


@pytest.mark.parametrize("case", NO_BATCH)
def test_what_is_no_batch_is_refused_as_a_whole(case: str) -> None:
    raw, words = NO_BATCH[case]
    with pytest.raises(RecordError, match=words):
        read_batch(raw)


@pytest.mark.parametrize("seed", range(20))
def test_rubbish_is_read_or_refused_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    parts = [
        b"file",
        b"received_on",
        b";",
        b"\n",
        b'"',
        b"\r",
        b"\0",
        b"\xff",
        b"sender_",
        b"2026-11-20",
        b"a.pdf",
        b"=",
    ]
    raw = b"file;received_on\n" * (seed % 2) + b"".join(chance.choice(parts) for _ in range(400))
    try:
        batch = read_batch(raw)
    except RecordError:
        return
    assert len(result_csv(raw, {}).splitlines()) >= len(batch.rows)


def test_a_megabyte_of_hostile_columns_and_rows_takes_no_time() -> None:
    columns = "file;received_on;" + ";".join(f"recieved_o{'n' * (number % 7)}{number}" for number in range(58))
    raw = (columns + "\n" + "\n".join(f"scan{n};2026-11-20;" + "1;" * 58 for n in range(1999))).encode()
    begun = time.process_time()
    batch = read_batch(raw)
    result_csv(raw, {})
    assert time.process_time() - begun < 20
    assert all(row.error for row in batch.rows)


# --- the answer


def rows_of(raw: bytes, delimiter: str = ";") -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_the_answer_has_the_same_rows_with_what_became_of_each() -> None:
    outcomes = {
        1: RowOutcome("opened", "SIS-2026-0042", date(2026, 11, 26)),
        2: RowOutcome("failed", reason="rows 1; 2 name the same file"),
    }
    raw = result_csv(TABLE.encode(), outcomes)
    assert raw.startswith(b"\xef\xbb\xbf" + HEADER.encode() + b";status;case_id;answer_by;reason\r\n")
    first, second = rows_of(raw)
    assert (first["sender_name"], first["status"], first["case_id"], first["answer_by"], first["reason"]) == (
        "Zoë de Boer",
        "opened",
        "SIS-2026-0042",
        "2026-11-26",
        "",
    )
    assert (second["file"], second["reason"]) == ("scan0002.pdf", "rows 1; 2 name the same file")


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_keeps_rows_and_delimiter_of_every_form(form: str) -> None:
    delimiter = {"commas": ",", "tabs": "\t"}.get(form, ";")
    found = rows_of(result_csv(FORMS[form], {2: RowOutcome("opened")}), delimiter)
    assert [row["status"] for row in found] == ["no scan", "opened"]


def test_what_stands_beyond_the_columns_stands_behind_the_outcome() -> None:
    raw = result_csv(b"file;received_on\na.pdf;2026-11-20;more\n", {1: RowOutcome("failed")})
    assert raw.endswith(b"a.pdf;2026-11-20;failed;;;;more\r\n")


@pytest.mark.parametrize("cell", ["=1+1", "+31612345678", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_the_answer_is_computed(cell: str) -> None:
    raw = f'file;received_on;note\n"{cell}";2026-11-20;"{cell}"\n'.encode()
    (row,) = rows_of(result_csv(raw, {1: RowOutcome(cell, cell, None, cell)}))
    assert all(not value.startswith(("=", "+", "-", "@", "\t")) for value in row.values())
    assert row["reason"] == f"'{cell}"


def test_an_answer_that_is_mended_and_dropped_again_is_a_batch_without_its_outcome() -> None:
    answer = result_csv(TABLE.encode(), {1: RowOutcome("failed", "SIS-2026-0001", None, "x")})
    batch = read_batch(answer)
    assert batch.warnings == ()
    assert record_for(batch, "scan0001.pdf").case_id is None
    assert result_csv(answer, {}) == result_csv(TABLE.encode(), {})


def test_a_made_record_is_a_file_that_a_clerk_could_have_written() -> None:
    found = read_batch(TABLE.encode()).record_for("scan0001.pdf")
    assert found is not None
    assert json.loads(found[1])["sender"]["name"] == "Zoë de Boer"
    assert "Zoë".encode() in found[1]
