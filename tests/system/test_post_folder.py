"""A post folder under real writers: processes that write page by page, rename, hold, die, and come in bursts."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from intake.sources.post import Claim, Patience, PostSource
from tests.dropped import PDF, Folder
from tests.scanner import END, PAGE
from tests.servers import wait_until

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
LOOK_EVERY = 0.1


@contextmanager
def scanner(how: str, path: Path, count: int = 1, gap: float = 0.0) -> Iterator[subprocess.Popen[bytes]]:
    """A writer at work; ended with the block."""
    command = [sys.executable, "-m", "tests.scanner", how, str(path), str(count), str(gap)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def look_until(source: PostSource, count: int, seconds: float = 30) -> list[Claim]:
    """Look like the service does, until so many claims have been handed out."""
    claims: list[Claim] = []
    end = time.monotonic() + seconds
    while len(claims) < count:
        assert time.monotonic() < end, f"{len(claims)} of {count} claims"
        claims += source.look(time.monotonic())
        time.sleep(LOOK_EVERY)
    return claims


WRITERS = {
    # Each page ends as a whole PDF does: only the quiet tells that it is done.
    "pages": ("pages", 6, 0.4, 2, PDF + PAGE + END + 5 * (PAGE + END)),
    # Longer silences than the quiet that counts as rest: only the end tells that it is done.
    "slowly": ("slowly", 4, 1.2, 0.5, 4 * PAGE + END),
    "renamed": ("renamed", 4, 0.6, 0.5, PDF + PAGE + END + 3 * (PAGE + END)),
    "size first, and no change that shows": ("touched", 4, 0.8, 0.5, b"%PDF-1.7\n" + 4 * PAGE + END),
    "held": ("held", 1, 2.5, 0.5, PDF),
    "goes on after the claim": ("goes-on", 3, 0.3, 2, PDF + 3 * PAGE + END),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_scan_is_handed_out_when_it_is_whole_however_it_is_written(writer: str, tmp_path: Path) -> None:
    how, count, gap, quiet, whole = WRITERS[writer]
    folder = Folder(tmp_path, stable_seconds=quiet, stable_looks=3)
    with scanner(how, tmp_path / "incoming" / "scan.pdf", count, gap):
        (claim,) = look_until(folder.source, 1)
    assert (claim.name, claim.problem) == ("scan.pdf", "")
    assert claim.files[0].read_bytes() == whole
    assert folder.names() == []


def test_a_folder_that_fills_up_page_by_page_is_one_letter(tmp_path: Path) -> None:
    folder = Folder(tmp_path, Patience(settle=0.5), stable_seconds=2, stable_looks=3)
    with scanner("folder", tmp_path / "incoming" / "brief", 11, 0.2):
        (claim,) = look_until(folder.source, 1)
    assert [page.name for page in claim.files] == [f"page {number}.jpg" for number in range(1, 12)]
    assert claim.problem == ""


def test_a_scanner_that_dies_leaves_a_scan_that_is_told_apart(tmp_path: Path) -> None:
    folder = Folder(tmp_path, Patience(incomplete=2, settle=0.2), stable_seconds=0.5)
    begun = time.monotonic()
    with scanner("dies", tmp_path / "incoming" / "scan.pdf") as process:
        assert process.wait(30) == -signal.SIGKILL
    (claim,) = look_until(folder.source, 1)
    assert claim.problem == "INCOMPLETE"
    assert time.monotonic() - begun > 2
    assert folder.names() == []


def test_a_burst_of_two_hundred_is_claimed_once_each_with_its_record(tmp_path: Path) -> None:
    folder = Folder(tmp_path, Patience(settle=0.2), stable_seconds=0.5, stable_looks=3, record_wait_seconds=5)
    with scanner("burst", tmp_path / "incoming", 200):
        claims = look_until(folder.source, 200)
    assert Counter(claim.name for claim in claims) == Counter(f"scan{number:04d}.pdf" for number in range(200))
    assert all(claim.record is not None and claim.record.stem == claim.name[:-4] for claim in claims)
    assert folder.names() == []
    assert not folder.source.waiting()


def test_two_that_look_at_once_share_a_burst_and_lose_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path, stable_seconds=0.3, record_wait_seconds=5)
    found: dict[int, list[str]] = {0: [], 1: []}
    sources = [folder.source, PostSource(folder.settings)]
    stop = threading.Event()

    def look(number: int) -> None:
        while not stop.is_set():
            found[number] += [claim.name for claim in sources[number].look(time.monotonic())]

    lookers = [threading.Thread(target=look, args=(number,)) for number in found]
    for looker in lookers:
        looker.start()
    with scanner("burst", tmp_path / "incoming", 200) as process:
        assert process.wait(60) == 0
        wait_until(lambda: not (folder.names() or len(found[0]) + len(found[1]) < 200), "all scans claimed", 60)
    stop.set()
    for looker in lookers:
        looker.join()
    assert Counter(found[0] + found[1]) == Counter(f"scan{number:04d}.pdf" for number in range(200))
    assert len([name for name in folder.names("processing") if name.endswith(".pdf")]) == 200
    assert len([name for name in folder.names("processing") if name.endswith(".json")]) == 200


def as_nobody(job: Callable[[], bool]) -> bool:
    """Do a job as a user who may not read everything (root may); whether it said yes."""
    child = os.fork()
    if not child:
        answer = False
        try:
            if not os.getuid():
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            answer = job()
        finally:
            os._exit(0 if answer else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_scan_that_may_not_be_read_waits_is_named_and_is_told_apart() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        # The folders above pytest's own are closed to everybody else.
        path.chmod(0o777)
        folder = Folder(path, Patience(incomplete=100), stable_seconds=10)
        for place in path.rglob("*"):
            place.chmod(0o777)
        folder.drop("closed.pdf").chmod(0)
        folder.drop("open.pdf").chmod(0o644)

        def looks() -> bool:
            names = folder.look(0, 10, 12)
            busy = folder.source.waiting().busy
            return (names, busy, folder.look(100, 102)) == (["open.pdf"], ("closed.pdf",), ["closed.pdf NO-PERMISSION"])

        assert as_nobody(looks)


def test_a_scan_that_may_not_be_moved_stays_and_is_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o777)
        folder = Folder(path, stable_seconds=10)
        (path / "processing").chmod(0o777)
        (path / "incoming").chmod(0o755)
        folder.drop("scan.pdf")
        if not os.getuid():
            job = folder.look

            def looks() -> bool:
                return not job(0, 10, 12, 100) and folder.source.waiting().busy == ("scan.pdf",)

            assert as_nobody(looks)
        assert folder.names() == ["scan.pdf"]
        assert folder.names("processing") == []
