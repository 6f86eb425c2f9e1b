"""The post folder without what was erased: scans with their notes and records, letters, print runs, and rows of CSVs.

People rename, copy and number files, so a scan is known by its bytes, a record by its hash, a letter by the reference
in its name. Each function may be repeated: what is gone is not missed. Links are never followed.
"""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from intake.errors import RecordError
from intake.post_batch import count_rows, is_answer, rows_of, without_rows
from intake.post_folder import DONE, DRAFTS, DUPLICATES, FAILED, OUTGOING, POSTED, PROCESSING, write_durably

CHUNK = 1024 * 1024
LONG = 50 * CHUNK  # of a file that is larger, only the beginning was taken in
SMALL = 2 * CHUNK  # notes, records and CSVs are smaller
ANSWERS, NOTE, RECORD = ".result.csv", ".txt", ".json"
ARRIVAL = re.compile(r"^Arrival\s+([0-9]+)\s*$", re.MULTILINE)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ASIDE = "SET-ASIDE__"
Packed = Callable[[Path, int], bytes]


@dataclass(frozen=True, slots=True)
class ErasedScan:
    """A scan, mail or folder of pages that came by the post folder: its arrival's id, the hash and number of its bytes,
    its claim, and the row of a CSV that named it (0 for none). `shared`: the same bytes are somebody else's too."""

    arrival: int
    sha256: str
    size: int
    name: str
    claim: str
    row: int = 0
    shared: bool = False
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Erased:
    """What is to leave a post folder: everything of these cases and scans, records by their hashes, print runs by
    name."""

    references: frozenset[str] = frozenset()
    scans: tuple[ErasedScan, ...] = ()
    records: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.references or self.scans or self.records or self.runs)


def erase(post: Path, gone: Erased, packed: Packed) -> None:
    """Delete it. `packed` makes of a folder of pages the bytes that it was taken in as; none where it has no pages, or
    cannot come to so many bytes. Raises `OSError`."""
    for path in _files(post, DRAFTS, OUTGOING, POSTED):
        if path.name in gone.runs or _names(path.name, gone.references):
            path.unlink(missing_ok=True)
    for scan in gone.scans:
        if re.fullmatch("[0-9a-f]{16}", scan.claim):
            shutil.rmtree(post / PROCESSING / scan.claim, ignore_errors=True)
    if gone.scans or gone.records:
        _erase_filed(post, gone, packed)
    for answer in [path for path in _files(post, DONE) if path.name.lower().endswith(ANSWERS)]:
        _cut_batch(answer, gone)
    _drop_empty(post / DONE)


def drop_failed(post: Path, before: datetime) -> int:
    """Delete what was put into `failed/` before a moment (aware), each thing whole, with its notes; how many things. A
    folder counts from when it was put there: its pages keep the dates that they came with."""
    folder = post / FAILED
    things = [path for path in folder.iterdir() if not path.is_symlink()] if folder.is_dir() else []
    old = [path for path in things if path.lstat().st_mtime < before.timestamp()]
    for path in old:
        _remove(path)
    return len(old)


def leave_note(post: Path, day: str, arrival: int, note: str) -> None:
    """Tell the clerk what became of a scan that is gone."""
    write_durably(post / DONE / day / f"ERASED__{arrival}{NOTE}", note.encode())


def _erase_filed(post: Path, gone: Erased, packed: Packed) -> None:
    arrivals = {scan.arrival for scan in gone.scans}
    for note in [path for path in _files(post, FAILED) if path.name.endswith(NOTE)]:
        if _arrival_in(note) in arrivals:
            # What nobody could read may be known by its note alone, so the note goes last.
            main = note.with_name(note.name.rpartition(" - ")[0] or note.name)
            _drop_beside(main, but=note)
            _remove(main)
            note.unlink(missing_ok=True)
    files = tuple(scan for scan in gone.scans if not scan.name.endswith("/"))
    for path in [*_files(post, DONE, FAILED)]:
        if _is_record(path, gone.records) or any(_is_scan(path, scan, gone, post) for scan in files):
            _drop(path)
    folders = tuple(scan for scan in gone.scans if scan.name.endswith("/"))
    for path in [*_folders(post)] if folders else []:
        if path.is_dir() and any(_is_letter(path, scan, gone, post, packed) for scan in folders):
            _drop(path)


def _is_scan(path: Path, scan: ErasedScan, gone: Erased, post: Path) -> bool:
    size = _size(path)
    if not (size == scan.size or (size > scan.size >= LONG)) or _notes_of(path.parent):
        return False  # a page of a folder that was filed as one letter goes with that folder
    if scan.shared and not _is_its_own(path, scan, gone, post):
        return False
    return _hash(path, scan.size) == scan.sha256


def _is_letter(path: Path, scan: ErasedScan, gone: Erased, post: Path, packed: Packed) -> bool:
    """Whether a folder holds the pages of this letter. One without pages is like any other without pages: it is known
    by its note only."""
    if scan.shared and not _is_its_own(path, scan, gone, post):
        return False
    raw = packed(path, scan.size)
    return bool(raw) and hashlib.sha256(raw).hexdigest() == scan.sha256


def _is_its_own(path: Path, scan: ErasedScan, gone: Erased, post: Path) -> bool:
    """Whether something with bytes that somebody else's scan has too is this one's, by where it lies."""
    if scan.duplicate or path.is_relative_to(post / DUPLICATES):
        return scan.duplicate and path.is_relative_to(post / DUPLICATES)
    if path.is_relative_to(post / FAILED):
        return all(_arrival_in(note) == scan.arrival for note in _notes_of(path))
    return path.name.startswith(ASIDE) or _names(path.name, gone.references)


def _is_record(path: Path, records: frozenset[str]) -> bool:
    return bool(records) and path.suffix.lower() == RECORD and hashlib.sha256(_small(path)).hexdigest() in records


def _drop(main: Path) -> None:
    """A scan or folder after its note and its record: what is left of a kill is found again by its bytes."""
    _drop_beside(main)
    _remove(main)


def _drop_beside(main: Path, but: Path | None = None) -> None:
    records = {f"{name}{RECORD}" for name in _stems(main)}
    folder = main.parent
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if path.name in records and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
    for note in _notes_of(main):
        if note != but:
            note.unlink(missing_ok=True)


def _notes_of(main: Path) -> list[Path]:
    """The notes beside a scan or a folder: `scan.txt` of one that is done, `scan.pdf - CODE.txt` of one that failed."""
    names = {f"{name}{NOTE}" for name in _stems(main)}
    beside = main.parent.iterdir() if main.parent.is_dir() else ()
    return [
        path
        for path in beside
        if (path.name in names or (path.name.startswith(f"{main.name} - ") and path.name.endswith(NOTE)))
        and path.is_file()
        and not path.is_symlink()
    ]


def _stems(main: Path) -> set[str]:
    return {main.name if main.is_dir() else main.stem, main.name}


def _arrival_in(note: Path) -> int | None:
    """The arrival that a note tells of."""
    told = ARRIVAL.search(_small(note).decode("utf-8", "replace"))
    return int(told[1]) if told else None


def _remove(path: Path) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _cut_batch(answer: Path, gone: Erased) -> None:
    """Take the rows of what is gone out of a CSV and its answer; both go where nothing is left. The answer goes last:
    it tells which rows they are. A CSV with fewer rows than its answer was cut before a kill."""
    raw = _small(answer)
    if not is_answer(raw):
        return
    files = {(scan.row, scan.name) for scan in gone.scans if scan.row}
    rows = rows_of(raw, gone.references, files)
    if not rows:
        return
    batch = answer.with_name(answer.name[: -len(ANSWERS)] + answer.suffix)
    whole = count_rows(raw)
    for path in (batch, answer):
        with contextlib.suppress(RecordError):
            if path.is_symlink() or not path.is_file() or count_rows(_small(path)) != whole:
                continue
            left = without_rows(_small(path), rows)
            if left:
                write_durably(path, left)
            else:
                path.unlink()


def _drop_empty(folder: Path) -> None:
    for day in folder.glob("[0-9]*-*-*"):
        if _is_folder(day):
            with contextlib.suppress(OSError):
                day.rmdir()


def _names(name: str, references: frozenset[str]) -> bool:
    """Whether a file's name speaks of one of these cases."""
    upper = name.upper()
    return any(re.search(rf"(?<![A-Z0-9]){re.escape(one.upper())}(?![0-9])", upper) for one in references)


def _files(post: Path, *folders: str) -> Iterator[Path]:
    for name in folders:
        for top, _, names in os.walk(post / name):
            yield from (path for path in (Path(top) / one for one in sorted(names)) if not path.is_symlink())


def _folders(post: Path) -> Iterator[Path]:
    """What may be a letter's folder of pages: neither a day's, nor one of ours."""
    for name in (DONE, FAILED):
        for top, inner, _ in os.walk(post / name):
            for path in (Path(top) / one for one in sorted(inner)):
                if not path.is_symlink() and path != post / DUPLICATES and not DAY.fullmatch(path.name):
                    yield path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return -1


def _small(path: Path) -> bytes:
    with contextlib.suppress(OSError), _opened(path) as file:
        return file.read(SMALL)
    return b""


def _hash(path: Path, most: int) -> str:
    digest = hashlib.sha256()
    with contextlib.suppress(OSError), _opened(path) as file:
        while most > 0 and (chunk := file.read(min(CHUNK, most))):
            digest.update(chunk)
            most -= len(chunk)
    return digest.hexdigest()


def _opened(path: Path) -> BinaryIO:
    """A file to read. A link is not followed, and a pipe is not waited for."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
