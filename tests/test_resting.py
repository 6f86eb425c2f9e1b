"""When something dropped has come to rest and is whole: tables of named cases, with a clock that the tests set."""

import fcntl
import io
import os
import signal
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from intake.sources.completeness import fault_of, record_has_its_end
from tests.dropped import PDF, Folder, picture

RULES: dict[str, Any] = {"stable_seconds": 15, "stable_looks": 3, "record_wait_seconds": 0}
# With a settle time of 2 s a claim is handed out at the look after the one that made it.
TRUNCATED = picture("JPEG")[:-40]


def with_thumbnail(jpeg: bytes) -> bytes:
    """A JPEG whose header holds a whole small JPEG, as cameras write it."""
    small = picture("JPEG")
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(small) + 2) + small + jpeg[2:]


def tiff_with_data_last() -> bytes:
    """A TIFF whose directory lies before its picture."""
    entries = [(256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (278, 8), (279, 64)]
    packed = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    start = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + packed + b"\0\0\0\0"
    return start.ljust(200, b"\0") + bytes(range(64))


WHOLE = {
    "a pdf": ("a.pdf", PDF),
    "a pdf with a few lines after its end": ("a.pdf", PDF + b"\r\n" * 40),
    "a pdf behind rubbish of a mail gateway": ("a.pdf", b"X-Scan: 1\n\n" + PDF),
    "a jpeg": ("a.jpg", picture("JPEG")),
    "a jpeg padded with zeros": ("a.jpeg", picture("JPEG") + b"\0" * 9000),
    "a jpeg with a second picture behind it": ("a.JPG", picture("JPEG") + b"SEFT" * 4000),
    "a jpeg with a thumbnail": ("a.jpg", with_thumbnail(picture("JPEG"))),
    "a progressive jpeg": ("a.jpg", picture("JPEG", progressive=True)),
    "a png": ("a.png", picture("PNG")),
    "a tiff": ("a.tif", picture("TIFF")),
    "a tiff of three pages": ("a.tiff", picture("TIFF", 3)),
    "a fax": ("a.tif", picture("TIFF", 3, compression="group4")),
    "a tiff with its data last": ("a.tif", tiff_with_data_last()),
    "a jpeg that is called pdf": ("a.pdf", picture("JPEG")),
    "no scan at all": ("a.doc", b"anything"),
    "text that is called tif": ("a.tif", b"Beste mensen"),
}
NOT_WHOLE = {
    "nothing": ("a.pdf", b"", "EMPTY"),
    "an empty mail": ("a.eml", b"", "EMPTY"),
    "a pdf that is cut off": ("a.pdf", PDF[:-10], "INCOMPLETE"),
    "the size before the bytes": ("a.pdf", b"\0" * 5000, "INCOMPLETE"),
    "a pdf that is half there": ("a.pdf", PDF + b"\0" * 5000, "INCOMPLETE"),
    "a jpeg that is cut off": ("a.jpg", TRUNCATED, "INCOMPLETE"),
    "a jpeg that is half there": ("a.jpg", TRUNCATED + b"\0" * 5000, "INCOMPLETE"),
    "a jpeg of which only the thumbnail is there": ("a.jpg", with_thumbnail(TRUNCATED), "INCOMPLETE"),
    "a jpeg that ends in its header": ("a.jpg", picture("JPEG")[:100], "INCOMPLETE"),
    "a jpeg that is called pdf and cut off": ("a.pdf", TRUNCATED, "INCOMPLETE"),
    "a png that is cut off": ("a.png", picture("PNG")[:-20], "INCOMPLETE"),
    "a tiff without its first directory": ("a.tif", picture("TIFF")[:100], "INCOMPLETE"),
    "a fax without its last page": ("a.tif", picture("TIFF", 3, compression="group4")[:-300], "INCOMPLETE"),
    "a tiff without the end of its data": ("a.tif", tiff_with_data_last()[:-1], "INCOMPLETE"),
    "a tiff whose directories go in a ring": ("a.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "INCOMPLETE"),
    "text that is called pdf": ("a.pdf", b"Beste mensen", "INCOMPLETE"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_file_is_seen_to_be_whole(case: str, tmp_path: Path) -> None:
    name, content = WHOLE[case]
    (tmp_path / name).write_bytes(content)
    assert fault_of(tmp_path / name) == ""


@pytest.mark.parametrize("case", NOT_WHOLE)
def test_a_file_without_its_end_is_told_apart(case: str, tmp_path: Path) -> None:
    name, content, fault = NOT_WHOLE[case]
    (tmp_path / name).write_bytes(content)
    assert fault_of(tmp_path / name) == fault


def test_every_cut_of_a_small_tiff_is_noticed(tmp_path: Path) -> None:
    whole = tiff_with_data_last()
    Image.open(io.BytesIO(whole)).load()
    place = tmp_path / "a.tif"
    for length in range(1, len(whole)):
        place.write_bytes(whole[:length])
        # The first two bytes alone could be anything.
        assert fault_of(place) == "INCOMPLETE" or length < 4, length


def test_a_hostile_tiff_takes_no_time(tmp_path: Path) -> None:
    strips = struct.pack("<HHII", 273, 4, 200_000, 8) * 60_000
    chain = b"".join(struct.pack("<H", 3).ljust(42, b"\0") for _ in range(20_000))
    files = {
        "strips.tif": b"II*\0\x08\0\0\0" + struct.pack("<H", 60_000) + strips + b"\0" * 900_000,
        "chain.tif": b"II*\0\x08\0\0\0" + chain,
    }
    begun = time.process_time()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        assert fault_of(tmp_path / name) in ("", "INCOMPLETE")
    assert time.process_time() - begun < 8


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "real.pdf").write_bytes(PDF)
    (tmp_path / "link.pdf").symlink_to(tmp_path / "real.pdf")
    os.mkfifo(tmp_path / "pipe.pdf")
    assert fault_of(tmp_path / "link.pdf") == fault_of(tmp_path / "pipe.pdf") == "NO-PERMISSION"


@pytest.mark.parametrize(
    ("content", "whole"), [(b'{"a": 1}\r\n', True), (b'{"a": 1', False), (b"", False), (b"{}", True)]
)
def test_a_record_ends_as_an_object_does(content: bytes, whole: bool, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert record_has_its_end(tmp_path / "a.json") is whole


def test_three_equal_looks_over_fifteen_seconds_are_rest(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    folder.drop("scan.pdf")
    assert folder.look(0, 5, 10, 14.9) == []
    assert folder.names() == ["scan.pdf"]
    assert folder.look(15) == []
    assert folder.names("processing")[-1].endswith("scan.pdf")
    assert folder.look(16.9) == []
    assert folder.look(17) == ["scan.pdf"]


def test_fifteen_seconds_with_two_looks_are_no_rest(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    folder.drop("scan.pdf")
    assert folder.look(0, 100) == []
    assert folder.look(101, 103) == ["scan.pdf"]


def _replaced(path: Path) -> None:
    status = path.stat()
    other = path.with_name(".other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


CHANGES = {
    "it grows": lambda path: path.write_bytes(PDF + b"%%EOF\n"),
    "it is touched": lambda path: os.utime(path, ns=(1, 1)),
    "another file has its name, size and time": _replaced,
    "it goes away and comes back": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_starts_the_count_anew(change: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    path = folder.drop("scan.pdf")
    assert folder.look(0, 7, 14) == []
    CHANGES[change](path)
    assert folder.look(15) == []
    if not path.exists():
        path.write_bytes(PDF)
    assert folder.look(16, 20, 29) == []
    assert folder.look(31, 33) == ["scan.pdf"]


def test_a_rename_starts_the_count_anew_and_the_name_before_is_never_taken(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    path = folder.drop("scan.pdf.part")
    assert folder.look(0, 10, 20, 30) == []
    path.rename(path.with_name("scan.pdf"))
    assert folder.look(31, 40, 45) == []
    assert folder.look(46, 48) == ["scan.pdf"]


@pytest.mark.parametrize("stamp", [0, 1, 10**9, 4 * 10**9, 2**40])
def test_whatever_the_clock_of_the_share_says_a_scan_is_taken(stamp: int, tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    path = folder.drop("scan.pdf")
    try:
        os.utime(path, (stamp, stamp))
    except OSError:
        pytest.skip("this file system has no such date")
    folder.source.look(0)
    folder.source.look(8)
    folder.source.look(15)
    (claim,) = folder.source.look(17)
    assert claim.modified_at.utcoffset() is not None
    assert 1970 <= claim.modified_at.year <= 2100


def test_files_that_were_there_at_the_start_count_from_the_first_look(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    os.utime(folder.drop("old.pdf"), (10**9, 10**9))
    source = folder.again()
    assert source.look(1000) == source.look(1010) == source.look(1015) == []
    assert [claim.name for claim in source.look(1017)] == ["old.pdf"]


WAITS = {
    "empty": ("scan.pdf", b"", "EMPTY", 900),
    "cut off": ("scan.pdf", PDF[:-10], "INCOMPLETE", 900),
    "a type that nobody knows": ("scan.doc", b"x", "TYPE", 600),
    "an empty one of a type that nobody knows": ("scan.doc", b"", "EMPTY", 900),
    "a name without a type": ("scan", b"x", "TYPE", 600),
    "an empty mail": ("mail.eml", b"", "EMPTY", 900),
    "an empty batch": ("batch.csv", b"", "EMPTY", 900),
}


@pytest.mark.parametrize("case", WAITS)
def test_what_is_not_right_waits_and_then_is_told_apart(case: str, tmp_path: Path) -> None:
    name, content, code, patience = WAITS[case]
    folder = Folder(tmp_path, **RULES)
    folder.drop(name, content)
    assert folder.look(0, 8, 16, patience - 0.1) == []
    assert folder.names() == [name]
    assert folder.look(patience, patience + 2) == [f"{name} {code}"]


def test_a_scan_that_is_finished_late_is_taken_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    path = folder.drop("scan.pdf", PDF[:-10])
    assert folder.look(0, 100, 800) == []
    path.write_bytes(PDF)
    assert folder.look(801, 810, 816, 818) == ["scan.pdf"]


def test_a_file_that_its_writer_holds_waits_without_holding_up_the_next(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    path = folder.drop("held.pdf")
    folder.drop("other.pdf")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        assert folder.look(0, 8, 16, 18) == ["other.pdf"]
        assert folder.source.waiting().busy == ("held.pdf",)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        assert folder.look(20, 22) == ["held.pdf"]
        assert folder.source.waiting().busy == ()
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)


def test_a_writer_that_goes_on_after_the_claim_is_waited_for(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    with folder.drop("scan.pdf").open("ab") as writer:
        assert folder.look(0, 8, 15) == []
        (claim_id,) = folder.source.claims()
        writer.write(b"2 0 obj")
        writer.flush()
        assert folder.look(16, 18, 30) == []
        assert folder.source.resume(claim_id) is None
        writer.write(b"endobj\n%%EOF\n")
    assert folder.look(31, 45) == []
    assert folder.look(46) == ["scan.pdf"]
    claim = folder.source.resume(claim_id)
    assert claim is not None
    assert claim.files[0].read_bytes().startswith(PDF + b"2 0 obj")


def test_a_burst_of_two_hundred_is_taken_in_one_look_and_quickly(tmp_path: Path) -> None:
    folder = Folder(tmp_path, **RULES)
    for number in range(200):
        folder.drop(f"scan{number:04d}.pdf", record={"schema": "letter-intake/1"})
    begun = time.process_time()
    assert folder.look(0, 8, 15) == []
    assert folder.names() == []
    assert len(folder.look(17)) == 200
    assert time.process_time() - begun < 20
