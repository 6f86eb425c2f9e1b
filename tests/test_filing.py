"""Scans moved on with their notes: trios that stay together, nothing overwritten, and a crash anywhere mended."""

import json
import os
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from intake.outlets import outgoing_post
from intake.outlets.outgoing_post import (
    Filing,
    file_batch,
    file_scan,
    filed_as_done,
    filed_as_duplicate,
    filed_as_failed,
    safe_name,
)

DAY = date(2026, 11, 20)
DONE = filed_as_done("SIS-2026-0042", DAY, "Case        SIS-2026-0042\n")
FAILED = filed_as_failed("PASSWORD", "What happened   The PDF is locked.\n")
number = iter(range(1000))


def claim(post: Path, *names: str) -> str:
    """A claim in processing/ with these files, each with its own name as content."""
    claim_id = f"{next(number):016x}"
    for name in names:
        place = post / "processing" / claim_id / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(name.encode())
    return claim_id


def names(post: Path, folder: str = "") -> list[str]:
    base = post / folder
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


def filed(post: Path, filing: Filing, *files: str) -> None:
    file_scan(post, claim(post, *files), filing)


def test_a_scan_its_record_and_its_note_go_together(tmp_path: Path) -> None:
    filed(tmp_path, DONE, "scan.pdf", "scan.pdf.json")
    assert names(tmp_path) == [
        "done/2026-11-20/SIS-2026-0042__scan.pdf",
        "done/2026-11-20/SIS-2026-0042__scan.pdf.json",
        "done/2026-11-20/SIS-2026-0042__scan.txt",
    ]
    assert list((tmp_path / "processing").iterdir()) == []


def test_a_folder_stays_a_folder(tmp_path: Path) -> None:
    filed(tmp_path, DONE, "brief 1.2/1.jpg", "brief 1.2/letter.json", "brief 1.2/notes.txt", ".claim.json")
    filed(tmp_path, FAILED, "brief 1.2/1.jpg")
    assert names(tmp_path) == [
        "done/2026-11-20/SIS-2026-0042__brief 1.2.txt",
        "done/2026-11-20/SIS-2026-0042__brief 1.2/1.jpg",
        "done/2026-11-20/SIS-2026-0042__brief 1.2/letter.json",
        "done/2026-11-20/SIS-2026-0042__brief 1.2/notes.txt",
        "failed/brief 1.2 - PASSWORD.txt",
        "failed/brief 1.2/1.jpg",
    ]


@pytest.mark.parametrize("files", [("scan.pdf", "scan.json"), ("brief/1.pdf",)])
def test_a_second_of_a_name_gets_a_number_and_so_do_its_note_and_its_record(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    for note in ("one", "two", "two"):
        filed(tmp_path, filed_as_failed("PASSWORD", note), *files)
    failed = tmp_path / "failed"
    main = files[0].partition("/")[0]
    stem, suffix = (main.removesuffix(".pdf"), ".pdf") if main.endswith(".pdf") else (main, "")
    for place, note in ((main, "one"), (f"{stem} (2){suffix}", "two"), (f"{stem} (3){suffix}", "two")):
        assert (failed / place).exists()
        assert (failed / f"{place} - PASSWORD.txt").read_text() == note
        assert (failed / f"{Path(place).stem}.json").exists() == (len(files) == 2)


def test_a_scan_of_another_type_does_not_take_the_note_of_the_first(tmp_path: Path) -> None:
    filed(tmp_path, DONE, "scan.pdf")
    filed(tmp_path, filed_as_done("SIS-2026-0042", DAY, "another"), "scan.jpg")
    assert names(tmp_path, "done/2026-11-20") == [
        "SIS-2026-0042__scan (2).jpg",
        "SIS-2026-0042__scan (2).txt",
        "SIS-2026-0042__scan.pdf",
        "SIS-2026-0042__scan.txt",
    ]


def test_a_scan_that_failed_again_has_its_own_note_and_no_number(tmp_path: Path) -> None:
    filed(tmp_path, FAILED, "scan.pdf")
    (tmp_path / "failed" / "scan.pdf").unlink()
    filed(tmp_path, filed_as_failed("PASSWORD", "again"), "scan.pdf")
    assert names(tmp_path) == ["failed/scan.pdf", "failed/scan.pdf - PASSWORD.txt"]
    assert (tmp_path / "failed" / "scan.pdf - PASSWORD.txt").read_text() == "again"


def test_duplicates_of_a_day_never_overwrite_each_other(tmp_path: Path) -> None:
    for _ in range(3):
        filed(tmp_path, filed_as_duplicate("the same note"), "scan.pdf")
    assert len(list((tmp_path / "done/duplicates").glob("*.pdf"))) == 3
    assert len(list((tmp_path / "done/duplicates").glob("*.txt"))) == 3


def dies_before(step: int, job: Callable[[], None]) -> bool:
    """Do a job in a process that ends, without any farewell, before its nth change to a folder; whether it did."""
    child = os.fork()
    if not child:
        steps = iter(range(1, step))

        def watch(event: str, _: object) -> None:
            if event in ("os.rename", "os.remove", "os.utime", "os.rmdir") and not next(steps, 0):
                os._exit(9)

        sys.addaudithook(watch)
        job()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("files", [("scan.pdf", "scan.json"), ("brief/1.pdf", "brief.json"), ("scan.json",)])
@pytest.mark.parametrize("filing", [DONE, FAILED])
def test_a_crash_at_any_step_is_mended_by_doing_it_again(
    files: tuple[str, ...], filing: Filing, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    filed(whole, filing, *files)
    died = 0
    for step in range(1, 9):
        post = tmp_path / str(step)
        job = partial(file_scan, post, claim(post, *files), filing)
        died += dies_before(step, job)
        job()
        assert names(post) == names(whole), step
    assert died >= 4


def test_a_late_record_is_filed_as_what_was_claimed(tmp_path: Path) -> None:
    filed(tmp_path, filed_as_failed("ORPHAN", "no scan"), "scan.json", ".claim.json")
    assert names(tmp_path) == ["failed/scan.json", "failed/scan.json - ORPHAN.txt"]


def test_a_refused_record_that_was_made_from_a_row_does_not_stand_in_the_mended_rows_way(tmp_path: Path) -> None:
    for made, code, kept in ((True, "SIDECAR", False), (True, "PASSWORD", True), (False, "SIDECAR", True)):
        claim_id = claim(tmp_path, "scan.pdf", "scan.json")
        mark = {"batch": "0" * 16, "row": 1, "made": made, "late": False}
        (tmp_path / "processing" / claim_id / ".claim.json").write_text(json.dumps(mark))
        file_scan(tmp_path, claim_id, filed_as_failed(code, "note"))
        record = tmp_path / "failed" / "scan.json"
        assert record.exists() == kept, (made, code)
        for path in (tmp_path / "failed").iterdir():
            path.unlink()


def test_a_batch_is_filed_behind_its_answer(tmp_path: Path) -> None:
    for answer in (b"one", b"two"):
        file_batch(tmp_path, claim(tmp_path, "post.csv", ".row-1", ".row-2"), DAY, answer)
    assert names(tmp_path) == [
        f"done/2026-11-20/{name}" for name in ("post (2).csv", "post (2).result.csv", "post.csv", "post.result.csv")
    ]
    assert (tmp_path / "done/2026-11-20/post (2).result.csv").read_bytes() == b"two"


def test_a_batch_whose_filing_died_before_the_move_has_one_answer(tmp_path: Path) -> None:
    claim_id = claim(tmp_path, "post.csv")
    day = tmp_path / "done" / "2026-11-20"
    day.mkdir(parents=True)
    (day / "post.result.csv").write_bytes(b"one")
    file_batch(tmp_path, claim_id, DAY, b"one")
    file_batch(tmp_path, claim_id, DAY, b"one")
    assert names(day) == ["post.csv", "post.result.csv"]


def test_what_is_not_there_any_more_is_not_missed(tmp_path: Path) -> None:
    file_scan(tmp_path, "0" * 16, DONE)
    file_batch(tmp_path, "0" * 16, DAY, b"")
    assert names(tmp_path) == []


@pytest.mark.parametrize("letter", ["x", "é", "语", "𝄞"])
def test_a_name_of_any_length_in_any_script_can_be_filed(letter: str, tmp_path: Path) -> None:
    most = 250 // len(letter.encode())
    for _ in range(2):
        filed(tmp_path, DONE, f"{letter * most}.pdf", f"{letter * most}.json")
        filed(tmp_path, filed_as_failed("TOO-MANY-PAGES", "note"), f"{letter * most}.pdf")
    assert len(list((tmp_path / "done/2026-11-20").iterdir())) == 6
    assert len(list((tmp_path / "failed").iterdir())) == 4


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("scan.pdf", "scan.pdf"),
        ("a:b*c?.pdf", "a_b_c_.pdf"),
        (os.fsdecode(b"M\xfcller.pdf"), "M_ller.pdf"),
        ("...", "scan"),
        ("Brief (2) van 3-11.PDF", "Brief (2) van 3-11.PDF"),
    ],
)
def test_a_name_is_made_harmless(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_letter_takes_the_place_of_its_preview(tmp_path: Path) -> None:
    preview = outgoing_post.put_preview(tmp_path, "SIS-2026-0042", b"draft")
    assert preview == tmp_path / "drafts" / "SIS-2026-0042.pdf"
    letter = outgoing_post.put_letter(tmp_path, "SIS-2026-0042", DAY, b"letter")
    outgoing_post.put_letter(tmp_path, "SIS-2026-0043", None, b"letter")
    assert letter.read_bytes() == b"letter"
    assert names(tmp_path) == ["outgoing/2026-11-20__SIS-2026-0042.pdf", "outgoing/undated__SIS-2026-0043.pdf"]


def test_a_holding_letter_lies_beside_the_answer_and_its_preview(tmp_path: Path) -> None:
    outgoing_post.put_preview(tmp_path, "SIS-2026-0042", b"draft")
    outgoing_post.put_beside(tmp_path, "SIS-2026-0042", outgoing_post.HOLDING, None, b"an earlier one")
    outgoing_post.put_beside(tmp_path, "SIS-2026-0042", outgoing_post.HOLDING, DAY, b"holding")
    assert names(tmp_path) == ["drafts/SIS-2026-0042.pdf", "outgoing/2026-11-20__SIS-2026-0042__holding.pdf"]
    outgoing_post.drop_beside(tmp_path, "SIS-2026-0042")
    assert names(tmp_path) == ["drafts/SIS-2026-0042.pdf"]
