"""What is claimed together, in what order, and what becomes of it when a run dies: real folders, a clock by hand."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

import intake
from intake.config import PostFolder
from intake.errors import ConfigError
from intake.sources.claims import natural
from intake.sources.post import Claim, Kind, Patience, PostSource
from tests.dropped import PDF, QUICK, RECORD, Folder, picture

RULES: dict[str, Any] = {"stable_seconds": 15, "stable_looks": 3, "record_wait_seconds": 60}
CLAIM = "0123456789abcdef"
BATCH = b"file;received_on;sender_name\r\nscan1.pdf;20-11-2026;A. de Boer\r\nscan2;2026-11-19;B. Visser\r\n"


def only(claims: list[Claim]) -> Claim:
    (claim,) = claims
    return claim


def record_of(claim: Claim) -> dict[str, object]:
    assert claim.record is not None
    return dict(json.loads(claim.record.read_bytes()))


@pytest.mark.parametrize("name", ["scan.json", "scan.pdf.json", "SCAN.JSON", "Scan.Pdf.json"])
def test_a_scan_takes_its_record_along_by_stem_or_name_in_any_case(name: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("scan.pdf")
    folder.drop(name, b"{}")
    folder.drop("scanner.json", b"{}")
    folder.source.look(0)
    claim = only(folder.source.look(1))
    assert (claim.kind, claim.name, claim.problem) == (Kind.SCAN, "scan.pdf", "")
    assert claim.record == tmp_path / "processing" / claim.id / name
    assert folder.names() == ["scanner.json"]


def test_a_scan_waits_for_a_record_that_is_being_written_and_a_minute_for_one_that_is_not_there(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path, **RULES)
    folder.drop("with.pdf")
    folder.drop("without.pdf")
    folder.look(0, 8, 15)
    folder.drop("with.json", b'{"schema": ')
    assert folder.look(16, 24, 40, 74) == []
    folder.drop("with.json", b"{}")
    assert folder.look(75, 77) == ["without.pdf"]
    assert folder.look(85, 90, 92) == ["with.pdf"]


def test_a_record_that_is_never_finished_does_not_hold_its_scan_for_ever(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    folder.drop("scan.pdf")
    folder.drop("scan.json", b'{"schema": ')
    assert folder.look(0, 8, 16, 899) == []
    assert folder.look(900, 902) == ["scan.pdf"]
    assert folder.names() == []


def test_saved_mails_are_taken_without_waiting_for_a_record(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    folder.drop("klacht.EML", b"Subject: x\n\n%PDF-")
    folder.drop("klacht.msg", b"\xd0\xcf\x11\xe0", RECORD)
    claims = [claim for moment in (0, 8, 15, 17) for claim in folder.source.look(moment)]
    assert [(claim.kind, claim.name, claim.record is not None) for claim in claims] == [
        # The record is called klacht.json, so the first of the two has it.
        (Kind.MAIL, "klacht.EML", True),
        (Kind.MAIL, "klacht.msg", False),
    ]


def test_a_folder_is_one_letter_with_its_pages_in_the_order_that_people_count(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    for name in ("page 10.jpg", "page 2.JPG", "page 1.jpg"):
        folder.drop(f"brief/{name}", picture("JPEG"))
    folder.drop("brief/letter.json", json.dumps(RECORD).encode())
    folder.drop("brief/Thumbs.db", b"x")
    folder.drop("brief/notes.txt", b"x")
    assert folder.look(0, 8, 15) == []
    claim = only(folder.source.look(17))
    assert (claim.kind, claim.name, claim.problem, claim.others) == (Kind.FOLDER, "brief", "", ("notes.txt",))
    assert [page.name for page in claim.files] == ["page 1.jpg", "page 2.JPG", "page 10.jpg"]
    assert claim.files[0].parent == tmp_path / "processing" / claim.id / "brief"
    assert claim.record is not None
    assert claim.record.name == "letter.json"
    assert claim.modified_at.timestamp() == pytest.approx(max(page.stat().st_mtime for page in claim.files))
    assert folder.names() == []


def test_a_folder_is_at_rest_when_all_that_is_in_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **{**RULES, "record_wait_seconds": 0})
    folder.drop("brief/1.pdf")
    assert folder.look(0, 8) == []
    folder.drop("brief/2.pdf", PDF[:-9])
    assert folder.look(15, 25, 40) == []
    folder.drop("brief/2.pdf")
    assert folder.look(41, 48, 56, 58) == ["brief"]


FOLDERS = {
    "nothing but a text": ({"notes.txt": b"x"}, "TYPE", 600),
    "nothing but a record": ({"letter.json": b"{}"}, "TYPE", 600),
    "a page that is cut off": ({"1.pdf": PDF, "2.pdf": PDF[:-9]}, "INCOMPLETE", 900),
    "an empty page": ({"1.pdf": PDF, "2.pdf": b""}, "EMPTY", 900),
    "a folder in it": ({"deeper/1.pdf": PDF}, "TYPE", 600),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_is_no_letter_waits_and_is_told_apart(case: str, tmp_path: Path) -> None:
    files, code, patience = FOLDERS[case]
    folder = Folder(tmp_path, **RULES)
    for name, content in files.items():
        (tmp_path / "incoming" / "brief" / name).parent.mkdir(parents=True, exist_ok=True)
        folder.drop(f"brief/{name}", content)
    assert folder.look(0, 8, 80, patience - 0.1) == []
    assert folder.look(patience, patience + 2) == [f"brief {code}"]
    assert folder.names() == []


def test_empty_folders_links_pipes_and_temporary_files_are_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    incoming = tmp_path / "incoming"
    (incoming / "empty").mkdir()
    (incoming / "only junk").mkdir()
    (incoming / "only junk" / ".DS_Store").write_bytes(b"x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.pdf").write_bytes(PDF)
    (incoming / "link").symlink_to(outside)
    (incoming / "link.pdf").symlink_to(outside / "secret.pdf")
    os.mkfifo(incoming / "pipe.pdf")
    folder.drop("scan.pdf.part")
    folder.drop(".hidden.pdf")
    assert folder.look(0, 1, 1000, 2000) == []
    assert (folder.source.waiting().count, len(folder.names())) == (0, 6)


def test_links_in_a_letters_folder_are_no_pages(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "secret.pdf").write_bytes(PDF)
    folder.drop("brief/1.pdf")
    (tmp_path / "incoming" / "brief" / "2.pdf").symlink_to(tmp_path / "secret.pdf")
    folder.source.look(0)
    claim = only(folder.source.look(1))
    assert ([page.name for page in claim.files], claim.others) == (["1.pdf"], ("2.pdf",))


@pytest.mark.parametrize("seed", range(5))
def test_pages_are_ordered_as_people_count(seed: int) -> None:
    names = ["1", "2", "10", "010a", "Page 2", "page 10", "page 10b", "page 100", "②", "9" * 250]
    shuffled = random.Random(seed).sample(names, len(names))
    ordered = sorted(shuffled, key=natural)
    assert [name for name in ordered if name in ("1", "2", "10")] == ["1", "2", "10"]
    assert [name for name in ordered if "age" in name] == ["Page 2", "page 10", "page 10b", "page 100"]


# --- dead runs


def dead(folder: Folder, **files: bytes) -> Path:
    """A claim in `processing/` as a run that died left it; `scan_pdf=` is the file scan.pdf."""
    claim = folder.path / "processing" / CLAIM
    claim.mkdir()
    for name, content in files.items():
        (claim / name.replace("_", ".")).write_bytes(content)
    return claim


def test_a_claim_that_died_with_its_record_alone_gives_it_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    dead(folder, scan_json=b"{}")
    folder.drop("scan.json", b'{"newer": true}')
    assert folder.source.resume(CLAIM) is None
    assert folder.names() == ["scan (2).json", "scan.json"]
    assert folder.source.claims() == []


def test_a_claim_that_died_before_its_record_takes_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    dead(folder, scan_pdf=PDF)
    folder.drop("SCAN.json", b"{}")
    claim = folder.source.resume(CLAIM)
    assert claim is not None
    assert claim.record == tmp_path / "processing" / CLAIM / "SCAN.json"


def test_a_claim_that_died_does_not_take_the_record_of_the_next_scan_of_its_name(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    dead(folder, scan_pdf=PDF)
    folder.drop("scan.pdf", record=RECORD)
    claim = folder.source.resume(CLAIM)
    assert claim is not None
    assert claim.record is None
    assert folder.names() == ["scan.json", "scan.pdf"]


def test_a_claim_of_a_dead_run_is_watched_before_it_is_handed_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    dead(folder, scan_pdf=PDF)
    assert folder.source.resume(CLAIM) is None
    assert folder.look(100, 101) == []
    assert folder.source.waiting().count == 1
    assert folder.look(102) == ["scan.pdf"]
    claim = folder.source.resume(CLAIM)
    assert claim is not None
    assert claim == folder.source.resume(CLAIM)


def test_a_claim_that_changes_after_it_was_handed_out_is_watched_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    scan = dead(folder, scan_pdf=PDF) / "scan.pdf"
    folder.source.resume(CLAIM)
    assert folder.look(0, 2) == ["scan.pdf"]
    scan.write_bytes(PDF + PDF)
    assert folder.source.resume(CLAIM) is None
    assert folder.look(3, 17) == []
    assert folder.look(18) == ["scan.pdf"]


def test_what_a_share_leaves_in_processing_does_no_harm(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "processing" / "@eaDir").mkdir()
    claim = dead(folder, scan_pdf=PDF)
    (claim / "@eaDir").mkdir()
    (claim / ".DS_Store").write_bytes(b"x")
    assert folder.source.claims() == [CLAIM]
    resumed = folder.source.resume(CLAIM)
    assert resumed is not None
    assert resumed.name == "scan.pdf"


# --- batches


def test_a_scan_in_a_batch_is_claimed_with_its_row_and_waits_for_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    for name in ("scan1.pdf", "SCAN2.PDF", "scan3.pdf"):
        folder.drop(name)
    folder.drop("post.csv", BATCH)
    claims = {claim.name: claim for moment in (0, 8, 15, 17, 19) for claim in folder.source.look(moment)}
    assert sorted(claims) == ["SCAN2.PDF", "post.csv", "scan1.pdf"]
    batch = claims["post.csv"]
    assert (batch.kind, batch.record, batch.files[0].read_bytes()) == (Kind.BATCH, None, BATCH)
    assert folder.source.batches() == [batch]
    assert [(claims[name].batch, claims[name].row) for name in ("scan1.pdf", "SCAN2.PDF")] == [
        (batch.id, 1),
        (batch.id, 2),
    ]
    assert record_of(claims["scan1.pdf"]) == {**RECORD, "received_on": "2026-11-20", "sender": {"name": "A. de Boer"}}
    assert folder.look(74, 75, 77) == ["scan3.pdf"]


def test_a_batch_that_comes_with_its_scans_is_read_first_though_nobody_waits_for_records(tmp_path: Path) -> None:
    folder = Folder(tmp_path, stable_seconds=3)
    folder.drop("a.pdf")
    folder.drop("scan1.pdf")
    folder.drop("post.csv", BATCH)
    assert folder.look(0, 3) == []
    assert folder.names() == ["a.pdf", "scan1.pdf"]
    assert folder.look(5) == ["post.csv"]
    assert folder.look(7) == ["a.pdf", "scan1.pdf"]


def test_a_row_serves_one_scan_and_this_is_known_after_a_restart(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH)
    folder.drop("scan1.pdf")
    assert folder.look(0, 1) == ["post.csv", "scan1.pdf"]
    for source in (folder.source, folder.again()):
        folder.drop("scan1.pdf")
        source.look(10)
        claim = only(source.look(11))
        assert (claim.batch, claim.row, claim.record) == ("", 0, None)


def test_of_two_batches_the_newer_counts(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH)
    folder.look(0, 1)
    folder.drop("mended.csv", BATCH.replace(b"A. de Boer", b"A. den Boer"))
    folder.look(2, 3)
    folder.drop("scan1.pdf")
    folder.source.look(4)
    assert record_of(only(folder.source.look(5)))["sender"] == {"name": "A. den Boer"}


def test_a_clerks_own_record_counts_for_more_than_a_row_which_is_told_all_the_same(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH)
    folder.drop("scan1.pdf", record={**RECORD, "note": "mine"})
    folder.source.look(0)
    _, claim = folder.source.look(1)
    assert (record_of(claim)["note"], claim.row) == ("mine", 1)


def test_a_folder_can_be_named_in_a_batch(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH.replace(b"scan2", b"brief 2.0"))
    folder.drop("brief 2.0/1.pdf")
    folder.source.look(0)
    _, claim = folder.source.look(1)
    assert (claim.kind, claim.row, record_of(claim)["received_on"]) == (Kind.FOLDER, 2, "2026-11-19")


@pytest.mark.parametrize("row", [b"scan1.pdf;31-02-2026;x\r\n", b"scan1;2026-11-20;y\r\n"])
def test_the_mistakes_of_a_row_come_with_its_scan(row: bytes, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH.replace(b"scan2;2026-11-19;B. Visser\r\n", row))
    folder.drop("scan1.pdf")
    folder.source.look(0)
    _, claim = folder.source.look(1)
    assert "rows 1, 2 name the same file" in str(record_of(claim)["row_mistakes"])


def test_a_made_record_without_its_scan_is_dropped_and_made_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH)
    folder.look(0, 1)
    (batch,) = folder.source.batches()
    claim = dead(folder, scan1_json=b"{}")
    (claim / ".claim.json").write_text(json.dumps({"batch": batch.id, "row": 1, "made": True}))
    folder.drop("scan1.pdf")
    source = folder.again()
    assert source.resume(CLAIM) is None
    assert folder.names() == ["scan1.pdf"]
    source.look(2)
    assert only(source.look(3)).row == 1


def test_a_row_whose_claim_died_is_used(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", BATCH)
    folder.look(0, 1)
    (batch,) = folder.source.batches()
    claim = dead(folder, scan1_json=b"{}", scan1_pdf=PDF)
    (claim / ".claim.json").write_text(json.dumps({"batch": batch.id, "row": 1, "made": True}))
    source = folder.again()
    resumed = source.resume(CLAIM)
    assert resumed is not None
    assert (resumed.batch, resumed.row) == (batch.id, 1)
    folder.drop("scan1.pdf")
    source.look(2)
    assert only(source.look(3)).record is None


def test_a_batch_that_is_no_table_has_no_rows_and_stops_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("post.csv", b"\0\xff" * 1000)
    folder.drop("scan1.pdf")
    assert folder.look(0, 1) == ["post.csv", "scan1.pdf"]


# --- late records, what waits, and where a post folder may lie


def test_a_record_without_a_scan_is_late_after_its_time_and_claimed_only_when_asked(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    for name in ("scan.pdf.json", "letter.json"):
        folder.drop(name, b"{}")
    folder.drop("batch.json", b"{}")
    folder.drop("batch.pdf", PDF[:-9])
    folder.look(0, 8, 74)
    assert folder.source.late_records() == []
    folder.look(75)
    late = folder.source.late_records()
    assert [(one.name, one.stem, one.age_seconds) for one in late] == [
        ("letter.json", "letter", 75),
        ("scan.pdf.json", "scan", 75),
    ]
    claim = folder.source.claim_record("scan.pdf.json")
    assert (claim.kind, claim.files[0].name, claim.record) == (Kind.RECORD, "scan.pdf.json", None)
    assert [one.name for one in folder.source.late_records()] == ["letter.json"]
    assert folder.source.resume(claim.id) == claim
    # Another run knows it for what it is.
    source = folder.again()
    assert source.resume(claim.id) is None
    assert source.look(100) == []
    assert [(one.kind, one.name) for one in source.look(102)] == [(Kind.RECORD, "scan.pdf.json")]


def test_a_late_record_that_is_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop("scan.json", b"{}")
    folder.look(0, 1)
    assert [late.name for late in folder.source.late_records()] == ["scan.json"]
    (tmp_path / "incoming" / "scan.json").unlink()
    with pytest.raises(FileNotFoundError):
        folder.source.claim_record("scan.json")
    assert folder.source.claims() == []


def test_what_waits_is_counted_with_the_age_of_the_oldest(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    assert not folder.source.waiting()
    first = folder.drop("scan.pdf")
    for name in ("brief/1.pdf", "mail.eml", "post.csv", "scan.json", "what.doc"):
        folder.drop(name)
    assert folder.source.waiting().count == 4
    for moment in (0, 100):
        folder.source.look(moment)
        first.write_bytes(PDF * (2 + moment))
    waiting = folder.source.waiting()
    assert (waiting.count, waiting.oldest_seconds, waiting.busy) == (4, 100, ())


def test_a_claim_that_is_watched_still_waits(tmp_path: Path) -> None:
    folder = Folder(tmp_path, Patience(settle=2), stable_seconds=3)
    folder.drop("scan.pdf")
    folder.source.look(0)
    folder.source.look(3)
    assert (folder.names(), folder.source.waiting().count) == ([], 1)
    folder.source.look(5)
    assert folder.source.waiting().count == 0


@pytest.mark.parametrize("inside", ["", "post", "sources/post"])
def test_a_post_folder_inside_the_program_is_refused(inside: str) -> None:
    place = Path(intake.__file__).parent / inside
    source = PostSource(PostFolder.model_validate({**QUICK, "path": place}))
    with pytest.raises(ConfigError, match="inside the program"):
        source.prepare()
    assert not (place / "incoming").exists()


def test_a_name_that_is_no_text_is_claimed_like_any_other(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop(os.fsdecode(b"M\xfcller.pdf"))
    folder.drop("post.csv", b"file;received_on\nM\xfcller.pdf;2026-11-20\n")
    assert folder.look(0, 1) == ["post.csv", os.fsdecode(b"M\xfcller.pdf")]
