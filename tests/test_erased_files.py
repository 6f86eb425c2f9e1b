"""What leaves a post folder when somebody is erased, and what does not."""

import csv
import hashlib
import io
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from intake.outlets.erased import Erased, ErasedScan, drop_failed, erase
from intake.outlets.outgoing_post import file_scan, filed_as_failed
from intake.pipeline.erased_files import packed
from intake.reading.batch import RowOutcome, result_csv
from intake.reading.folder import pack

HERS, OTHER = "SIS-2026-0004", "SIS-2026-00042"
BATCH = b"file;received_on;sender_name\r\na.pdf;2026-11-20;Wilhelmina\r\nb.pdf;2026-11-20;Piet\r\nc.pdf;;Els\r\n"
OUTCOMES = {
    1: RowOutcome("opened", HERS, date(2026, 11, 26)),
    2: RowOutcome("opened", OTHER, date(2026, 11, 26)),
    3: RowOutcome("failed", "", None, "received_on: is missing"),
}


def put(post: Path, *names: str, content: bytes = b"scan") -> None:
    for name in names:
        path = post / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def a_scan(content: bytes = b"scan", **changes: Any) -> ErasedScan:
    digest = hashlib.sha256(content).hexdigest()
    values = {"arrival": 7, "sha256": digest, "size": len(content), "name": "a.pdf", "claim": "0" * 16}
    return ErasedScan(**{**values, **changes})


def left(post: Path) -> list[str]:
    return sorted(str(path.relative_to(post)) for path in post.rglob("*") if path.is_file())


def test_letters_go_by_their_reference_whatever_people_made_of_their_names(tmp_path: Path) -> None:
    gone = (
        f"drafts/{HERS}.pdf",
        f"outgoing/2026-11-20__{HERS}__received.pdf",
        f"posted/jan/Kopie {HERS.lower()} (2).pdf",
    )
    kept = (f"drafts/{OTHER}.pdf", f"posted/2026-11-20__{OTHER}.pdf", "posted/PRINT-RUN__2.pdf", "incoming/x.pdf")
    put(tmp_path, *gone, *kept, "posted/PRINT-RUN__1.pdf")
    erase(tmp_path, Erased(frozenset({HERS}), runs=frozenset({"PRINT-RUN__1.pdf"})), packed)
    assert left(tmp_path) == sorted(kept)


def test_a_scan_goes_by_its_bytes_with_note_and_record(tmp_path: Path) -> None:
    put(tmp_path, *(f"done/2026-11-20/{HERS}__a.{end}" for end in ("pdf", "txt")), "done/2026-11-20/renamed by me.pdf")
    put(tmp_path, f"done/2026-11-20/{HERS}__a.json", content=b"{}")
    put(tmp_path, f"processing/{'0' * 16}/a.pdf", f"processing/{'1' * 16}/b.pdf")
    put(tmp_path, f"done/2026-11-20/{OTHER}__b.pdf", content=b"sc4n")
    erase(tmp_path, Erased(frozenset({HERS}), (a_scan(),)), packed)
    assert left(tmp_path) == [f"done/2026-11-20/{OTHER}__b.pdf", f"processing/{'1' * 16}/b.pdf"]


@pytest.mark.parametrize(
    ("scan", "gone"),
    [
        ({"shared": True}, f"done/2026-11-20/{HERS}__a.pdf"),
        ({"shared": True, "duplicate": True}, "done/duplicates/a.pdf"),
    ],
)
def test_of_equal_scans_only_its_own_goes_while_the_other_is_somebodys(
    scan: dict[str, Any], gone: str, tmp_path: Path
) -> None:
    names = (f"done/2026-11-20/{HERS}__a.pdf", "done/duplicates/a.pdf", f"done/2026-11-20/{OTHER}__a.pdf")
    put(tmp_path, *names)
    references = frozenset() if scan.get("duplicate") else frozenset({HERS})
    erase(tmp_path, Erased(references, (a_scan(**scan),)), packed)
    assert left(tmp_path) == sorted(set(names) - {gone})


def test_what_failed_goes_by_the_arrival_in_its_note(tmp_path: Path) -> None:
    put(tmp_path, "failed/a.pdf", "failed/b.pdf", content=b"was never read")
    put(tmp_path, "failed/a.pdf - TYPE.txt", content=b"What happened   x\nArrival         7\n")
    put(tmp_path, "failed/b.pdf - TYPE.txt", content=b"What happened   x\nArrival         77\n")
    erase(tmp_path, Erased(scans=(a_scan(b"", sha256="0" * 64),)), packed)
    assert left(tmp_path) == ["failed/b.pdf", "failed/b.pdf - TYPE.txt"]


def test_a_folder_of_pages_goes_whole(tmp_path: Path) -> None:
    for name in (f"{HERS}__brief", f"{OTHER}__brief"):
        put(tmp_path, f"done/2026-11-20/{name}/1.jpg", f"done/2026-11-20/{name}.txt", content=name.encode())
    raw = pack([("1.jpg", f"{HERS}__brief".encode())])
    erase(tmp_path, Erased(scans=(a_scan(raw, name="brief/"),)), packed)
    assert left(tmp_path) == [f"done/2026-11-20/{OTHER}__brief.txt", f"done/2026-11-20/{OTHER}__brief/1.jpg"]


def test_a_folder_without_pages_is_no_reason_to_drop_others_without_pages(tmp_path: Path) -> None:
    kept = (
        f"done/2026-11-20/{OTHER}__brief/page 1.jpg",
        f"done/2026-11-20/{OTHER}__klacht.eml",
        "done/duplicates/x.eml",
        "failed/other/only copy.docx",
        "failed/other - TYPE.txt",
    )
    put(tmp_path, *kept, "failed/brief nr. 5/only copy.docx")
    put(tmp_path, "failed/brief nr. 5 - TYPE.txt", content=b"What happened   x\nArrival         7\n")
    raw = pack([])
    erase(tmp_path, Erased(scans=(a_scan(raw, name="brief nr. 5/"),)), packed)
    assert left(tmp_path) == sorted(kept)


def test_a_days_folder_stays_where_pages_lie_loose_in_it(tmp_path: Path) -> None:
    names = ("done/2026-11-20/1.jpg", f"done/2026-11-20/{OTHER}__brief/1.jpg")
    put(tmp_path, *names)
    put(tmp_path, f"done/2026-11-20/{OTHER}__brief/1.jpg", content=b"another")
    raw = pack([("1.jpg", b"scan")])
    erase(tmp_path, Erased(frozenset({HERS}), (a_scan(raw, name="brief/"),)), packed)
    assert left(tmp_path) == sorted(names)


@pytest.mark.parametrize(
    ("scan", "gone"),
    [
        ({"shared": True}, f"done/2026-11-20/{HERS}__brief/1.jpg"),
        ({"shared": True, "duplicate": True}, "done/duplicates/brief/1.jpg"),
    ],
)
def test_of_equal_folders_only_its_own_goes_while_the_other_is_somebodys(
    scan: dict[str, Any], gone: str, tmp_path: Path
) -> None:
    names = (
        f"done/2026-11-20/{HERS}__brief/1.jpg",
        f"done/2026-11-20/{OTHER}__brief/1.jpg",
        "done/duplicates/brief/1.jpg",
    )
    put(tmp_path, *names)
    references = frozenset() if scan.get("duplicate") else frozenset({HERS})
    erase(tmp_path, Erased(references, (a_scan(pack([("1.jpg", b"scan")]), name="brief/", **scan),)), packed)
    assert left(tmp_path) == sorted(set(names) - {gone})


def test_a_page_of_another_letter_stays_though_it_was_scanned_alone_too(tmp_path: Path) -> None:
    page, note = (f"done/2026-11-20/{OTHER}__brief{end}" for end in ("/1.pdf", ".txt"))
    put(tmp_path, page, f"done/2026-11-20/{HERS}__a.pdf")
    put(tmp_path, note, content=b"its case")
    erase(tmp_path, Erased(frozenset({HERS}), (a_scan(),)), packed)
    assert left(tmp_path) == [note, page]


def test_of_equal_scans_that_failed_one_stays_whose_note_names_another_arrival(tmp_path: Path) -> None:
    put(tmp_path, "failed/b.pdf")
    put(tmp_path, "failed/b.pdf - PASSWORD.txt", content=b"Arrival         8\n")
    erase(tmp_path, Erased(frozenset({HERS}), (a_scan(shared=True),)), packed)
    assert left(tmp_path) == ["failed/b.pdf", "failed/b.pdf - PASSWORD.txt"]


def test_rows_leave_a_batch_and_its_answer_once_even_when_it_is_repeated(tmp_path: Path) -> None:
    batch, answer = "done/2026-11-20/week.csv", "done/2026-11-20/week.result.csv"
    put(tmp_path, batch, content=BATCH)
    put(tmp_path, answer, content=result_csv(BATCH, OUTCOMES))
    hers = Erased(frozenset({HERS}), (a_scan(row=1),))
    erase(tmp_path, hers, packed)
    told = result_csv(BATCH, OUTCOMES)
    put(tmp_path, answer, content=told)  # as a kill between the two files would leave it
    erase(tmp_path, hers, packed)
    assert [row[2] for row in rows(tmp_path / batch)] == ["sender_name", "Piet", "Els"]
    assert [row[4] for row in rows(tmp_path / answer)] == ["case_id", OTHER, ""]
    erase(tmp_path, Erased(scans=(a_scan(b"c", name="C.PDF", row=2),)), packed)
    erase(tmp_path, Erased(frozenset({OTHER})), packed)
    assert left(tmp_path) == []


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside" / f"{HERS}.pdf"
    put(tmp_path, f"outside/{HERS}.pdf", f"post/drafts/{OTHER}.pdf")
    (tmp_path / "post" / "drafts" / f"{HERS}.pdf").symlink_to(outside)
    (tmp_path / "post" / "done").mkdir()
    (tmp_path / "post" / "done" / "2026-11-20").symlink_to(tmp_path / "outside")
    erase(tmp_path / "post", Erased(frozenset({HERS}), (a_scan(),)), packed)
    assert outside.read_bytes() == b"scan"


def test_what_lies_in_failed_for_too_long_goes(tmp_path: Path) -> None:
    put(tmp_path, "failed/record.json", "failed/record.json - ORPHAN.txt", "done/2026-11-20/x.pdf")
    put(tmp_path, "failed/letter/1.jpg", "failed/letter/more/2.jpg")
    now = datetime.now(UTC)
    assert drop_failed(tmp_path, now - timedelta(days=1)) == 0
    assert drop_failed(tmp_path, now + timedelta(minutes=1)) == 3
    assert left(tmp_path) == ["done/2026-11-20/x.pdf"]
    assert drop_failed(tmp_path / "none", now) == 0


def test_what_failed_today_is_kept_however_old_its_pages_are(tmp_path: Path) -> None:
    put(tmp_path, *(f"processing/{'0' * 16}/letter/{name}" for name in ("1.pdf", "only copy.docx", "letter.json")))
    put(tmp_path, *(f"processing/{'1' * 16}/{name}" for name in ("a.pdf", "a.json")))
    for path in (tmp_path / "processing").rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    for claim in ("0" * 16, "1" * 16):
        file_scan(tmp_path, claim, filed_as_failed("PASSWORD", "What happened\n"))
    failed = left(tmp_path)
    assert drop_failed(tmp_path, datetime.now(UTC) - timedelta(days=90)) == 0
    assert left(tmp_path) == failed
    assert len(failed) == 7
