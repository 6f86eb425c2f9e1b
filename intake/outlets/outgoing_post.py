"""The outgoing half of the post folder: scans moved on with a note, previews and letters to print.

Each function may be repeated: a file that has been moved is not missed, a file that is there is written again. The
note is written before the scan is moved, so that a clerk never sees a scan whose fate is not told.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from intake.post_folder import DONE, DRAFTS, DUPLICATES, FAILED, IGNORED, OUTGOING, PROCESSING

UNSAFE = re.compile(r"[^\w.()+ -]+")


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a claimed scan goes: `folder` below the post folder, the `name` in front of its own, and the note."""

    folder: str
    prefix: str
    note: str
    note_suffix: str = ".txt"


def filed_as_done(reference: str, day: date, note: str) -> Filing:
    """A scan that has its case: done/2026-11-20/SIS-2026-0042__scan.pdf with a note of the same name."""
    return Filing(f"{DONE}/{day.isoformat()}", f"{reference}__", note)


def filed_as_duplicate(note: str) -> Filing:
    """A scan that came before."""
    return Filing(DUPLICATES, "", note)


def filed_as_failed(code: str, note: str) -> Filing:
    """A scan that cannot be read: failed/scan.pdf with `scan.pdf - PASSWORD.txt`."""
    return Filing(FAILED, "", note, f" - {code}.txt")


def file_scan(post: Path, claim: str, filing: Filing) -> None:
    """Move everything of a claim where it belongs, its note first."""
    folder = post / PROCESSING / claim
    if not folder.is_dir():
        return
    target = post / filing.folder
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not IGNORED.match(path.name))
    for scan in (path for path in files if path.suffix.lower() != ".json"):
        place = _free(target, filing.prefix + safe_name(scan.name))
        note = f"{place.stem}.txt" if filing.note_suffix == ".txt" else place.name + filing.note_suffix
        write_durably(target / note, filing.note.encode())
        scan.rename(place)
        os.utime(place)
    for record in (path for path in files if path.suffix.lower() == ".json"):
        record.rename(_free(target, filing.prefix + safe_name(record.name)))
    for rest in folder.iterdir():
        if rest.is_file():
            rest.unlink()
    with contextlib.suppress(OSError):
        # A share's own folder may be left in it; an empty claim is not looked at again.
        folder.rmdir()


def put_preview(post: Path, reference: str, pdf: bytes) -> Path:
    """Write `drafts/REF.pdf`, in place of an earlier one."""
    return write_durably(post / DRAFTS / f"{reference}.pdf", pdf)


def put_letter(post: Path, reference: str, post_by: date | None, pdf: bytes) -> Path:
    """Write a letter to print, named so that a folder sorts by the day it must be posted, and drop its preview."""
    day = post_by.isoformat() if post_by else "undated"
    place = write_durably(post / OUTGOING / f"{day}__{reference}.pdf", pdf)
    (post / DRAFTS / f"{reference}.pdf").unlink(missing_ok=True)
    return place


def write_durably(path: Path, content: bytes) -> Path:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:200]}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


def safe_name(name: str) -> str:
    """A scan's own name as far as it is harmless on any file system."""
    plain = UNSAFE.sub("_", name).strip(" .") or "scan"
    stem, dot, suffix = plain.rpartition(".")
    return f"{stem[:100]}.{suffix[:10]}" if dot else plain[:100]


def _free(folder: Path, name: str) -> Path:
    """A name that is not taken: `scan (2).pdf`."""
    path = folder / name
    number = 2
    while path.exists():
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
        number += 1
    return path
