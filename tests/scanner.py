"""Plays a scanner, or a person with a slow share: writes into a post folder as those do.

python -m tests.scanner HOW PATH [COUNT [GAP]]

pages    opens, appends a page and closes, COUNT times; each page ends as a whole PDF does
slowly   the same, but only the last page has the end of a PDF
renamed  writes PATH.tmp page by page, and renames it at the end
touched  keeps the size from the start and fills it in (a share that allocates first)
held     writes all at once and holds a write lease for GAP seconds
dies     writes half of it and is killed
goes-on  writes all at once, and goes on with what it has open after somebody has moved the file
folder   a folder with a JPEG a page
burst    COUNT scans with a record each, as fast as it can
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.dropped import PDF, picture

PAGE = b"3 0 obj <</Type /Page>> stream\n" + bytes(range(256)) * 20 + b"\nendstream endobj\n"
END = b"%%EOF\n"


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def _pages(path: Path, count: int, gap: float) -> None:
    for number in range(count):
        _append(path, (PDF if not number else b"") + PAGE + END)
        time.sleep(gap)


def _slowly(path: Path, count: int, gap: float) -> None:
    for number in range(count):
        # More than what is looked at for the end lies between.
        _append(path, PAGE)
        time.sleep(gap if number < count - 1 else 0)
    _append(path, END)


def _renamed(path: Path, count: int, gap: float) -> None:
    hidden = path.with_name(f"{path.name}.tmp")
    _pages(hidden, count, gap)
    hidden.rename(path)


def _touched(path: Path, count: int, gap: float) -> None:
    whole = b"%PDF-1.7\n" + PAGE * count + END
    with path.open("wb") as file:
        file.truncate(len(whole))
    status = path.stat()
    step = len(whole) // count + 1
    for start in range(0, len(whole), step):
        time.sleep(gap)
        with path.open("r+b") as file:
            file.seek(start)
            file.write(whole[start : start + step])
        # Its clock is so coarse that no change shows.
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _held(path: Path, _count: int, gap: float) -> None:
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(PDF)
    descriptor = os.open(hidden, os.O_RDWR)
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    hidden.rename(path)
    time.sleep(gap)
    os.close(descriptor)


def _dies(path: Path, _count: int, _gap: float) -> None:
    _append(path, PDF[:-10])
    os.kill(os.getpid(), signal.SIGKILL)


def _goes_on(path: Path, count: int, gap: float) -> None:
    with path.open("wb", buffering=0) as file:
        file.write(PDF)
        while path.exists():
            time.sleep(0.01)
        for _ in range(count):
            file.write(PAGE)
            time.sleep(gap)
        file.write(END)


def _folder(path: Path, count: int, gap: float) -> None:
    path.mkdir()
    for number in range(1, count + 1):
        time.sleep(gap)
        (path / f"page {number}.jpg").write_bytes(picture("JPEG"))


def _burst(path: Path, count: int, _gap: float) -> None:
    for number in range(count):
        (path / f"scan{number:04d}.pdf").write_bytes(PDF)
        (path / f"scan{number:04d}.json").write_bytes(b'{"schema": "letter-intake/1"}')


WAYS: dict[str, Callable[[Path, int, float], None]] = {
    "pages": _pages,
    "slowly": _slowly,
    "renamed": _renamed,
    "touched": _touched,
    "held": _held,
    "dies": _dies,
    "goes-on": _goes_on,
    "folder": _folder,
    "burst": _burst,
}


def main() -> None:
    how, path, *more = sys.argv[1:]
    count, gap = int(more[0]) if more else 1, float(more[1]) if len(more) > 1 else 0.0
    WAYS[how](Path(path), count, gap)


if __name__ == "__main__":
    main()
