"""The outgoing half of the post folder: scans moved on with a note, previews and letters to print.

Each function may be repeated: a file that has been moved is not missed, a file that is there is written again. The note
is written before anything is moved, so that a clerk never sees a scan whose fate is not told; then the record goes, and
the scan last. Nothing that lies there is ever overwritten by a scan: the second of a name is `scan (2).pdf`, and its
note and its record have the same number.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from intake.post_folder import (
    DONE,
    DRAFTS,
    DUPLICATES,
    FAILED,
    IGNORED,
    MARK,
    OUTGOING,
    PROCESSING,
    cut,
    write_durably,
)

UNSAFE = re.compile(r"[^\w.()+ -]+")
# With a reference in front and a reason behind it, a name still has fewer than 255 bytes.
LONGEST = 150
RECORD = ".json"
# Letters that answer nothing lie beside the answer, by names of their own.
RECEIVED, HOLDING = "__received", "__holding"
BESIDE = {"acknowledgement": RECEIVED, "holding": HOLDING}  # by the kind of reply
BAD_RECORD = "SIDECAR"


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a claimed scan goes: `folder` below the post folder, the `prefix` in front of its own name, and the note.
    `code` is the reason where it failed."""

    folder: str
    prefix: str
    note: str
    code: str = ""


def filed_as_done(reference: str, day: date, note: str) -> Filing:
    """A scan that has its case: done/2026-11-20/SIS-2026-0042__scan.pdf with a note of the same name. A stack of
    letters is filed under the first one's reference; its note names them all."""
    return Filing(f"{DONE}/{day.isoformat()}", f"{reference}__", note)


def filed_as_duplicate(note: str) -> Filing:
    """A scan that came before."""
    return Filing(DUPLICATES, "", note)


def filed_as_failed(code: str, note: str) -> Filing:
    """A scan that cannot be read: failed/scan.pdf with `scan.pdf - PASSWORD.txt`."""
    return Filing(FAILED, "", note, code)


def file_scan(post: Path, claim: str, filing: Filing) -> None:
    """Move everything of a claim where it belongs, its note first: a scan, a folder of pages (as a folder), a mail, a
    CSV or a lone record. Raises `OSError`."""
    folder = post / PROCESSING / claim
    if not folder.is_dir():
        return
    target = post / filing.folder
    target.mkdir(parents=True, exist_ok=True)
    _drop_made_record(folder, filing)
    mains, records = _contents(folder)
    for number, main in enumerate(mains):
        content = filing.note.encode("utf-8", "replace")
        name = filing.prefix + (safe_folder_name(main.name) if main.is_dir() else safe_name(main.name))
        place, note = _pair(target, name, content, filing.code, folder=main.is_dir())
        write_durably(note, content)
        for record in records if not number else []:
            beside = record.rename(_free(target, _record_name(record, main, place)))
            os.utime(beside)  # what lies in failed/ goes by its date
        main.rename(place)
        os.utime(place)
    _clear(folder)


def file_batch(post: Path, claim: str, day: date, result: bytes) -> None:
    """Put the answer to a CSV batch in done/DATE/, `batch.result.csv`, and then the batch itself. Raises `OSError`."""
    folder = post / PROCESSING / claim
    if not folder.is_dir():
        return
    target = post / DONE / day.isoformat()
    target.mkdir(parents=True, exist_ok=True)
    for batch in _contents(folder)[0]:
        for place in _numbered(target, safe_name(batch.name)):
            answer = place.with_name(f"{place.stem}.result{place.suffix}")
            if not place.exists() and (not answer.exists() or answer.read_bytes() == result):
                break
        write_durably(answer, result)
        batch.rename(place)
        os.utime(place)
    _clear(folder)


def put_preview(post: Path, reference: str, pdf: bytes, beside: str = "") -> Path:
    """Write `drafts/REF.pdf`, in place of an earlier one; `beside` (of `BESIDE`) where it is not the answer's."""
    return write_durably(post / DRAFTS / f"{reference}{beside}.pdf", pdf)


def drop_preview(post: Path, reference: str, beside: str = "") -> None:
    """Remove the preview of a draft that nobody waits for any more."""
    (post / DRAFTS / f"{reference}{beside}.pdf").unlink(missing_ok=True)


def put_letter(post: Path, reference: str, post_by: date | None, pdf: bytes) -> Path:
    """Write a letter to print, named so that a folder sorts by the day it must be posted, and drop its preview."""
    place = write_durably(post / OUTGOING / letter_name(reference, post_by), pdf)
    drop_preview(post, reference)
    return place


def put_beside(post: Path, reference: str, beside: str, day: date | None, pdf: bytes) -> Path:
    """Write a letter to print that answers nothing, beside the answer: `2026-11-20__SIS-2026-0042__received.pdf`, by
    the day on which it is to be posted, in place of an earlier one of its kind."""
    place = write_durably(post / OUTGOING / letter_name(f"{reference}{beside}", day), pdf)
    for path in (post / OUTGOING).glob(f"*__{reference}{beside}.pdf"):
        if path.name != place.name:
            path.unlink(missing_ok=True)
    drop_preview(post, reference, beside)
    return place


def drop_beside(post: Path, reference: str, kinds: Sequence[str] = (RECEIVED, HOLDING)) -> None:
    """Remove letters beside an answer that were posted or taken back, or that would come after it."""
    for beside in kinds:
        for path in (post / OUTGOING).glob(f"*__{reference}{beside}.pdf"):
            path.unlink(missing_ok=True)


def letter_name(reference: str, post_by: date | None) -> str:
    """The name of a letter to print: `2026-11-20__SIS-2026-0042.pdf`."""
    return f"{post_by.isoformat() if post_by else 'undated'}__{reference}.pdf"


def safe_name(name: str) -> str:
    """A scan's own name as far as it is harmless on any file system."""
    plain = UNSAFE.sub("_", name).strip(" .") or "scan"
    stem, dot, suffix = plain.rpartition(".")
    return f"{cut(stem, LONGEST).rstrip()}.{cut(suffix, 10)}" if dot else cut(plain, LONGEST)


def safe_folder_name(name: str) -> str:
    """The same of a folder: what follows a full stop is no type."""
    return cut(UNSAFE.sub("_", name).strip(" ."), LONGEST).rstrip(" .") or "letter"


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """What was claimed, and the records that go along. A lone record is itself what was claimed."""
    files = [path for path in sorted(folder.iterdir()) if not IGNORED.match(path.name) and not path.is_symlink()]
    records = [path for path in files if path.is_file() and path.suffix.lower() == RECORD]
    mains = [path for path in files if path not in records]
    return (mains, records) if mains else (records, [])


def _drop_made_record(folder: Path, filing: Filing) -> None:
    """A refused record that was made from a row of a CSV would only stand in the way of the mended row."""
    mark = folder / MARK
    if filing.code == BAD_RECORD and mark.is_file() and json.loads(mark.read_bytes()).get("made"):
        for record in folder.glob(f"[!.]*{RECORD}"):
            record.unlink()


def _pair(target: Path, name: str, note: bytes, code: str, *, folder: bool) -> tuple[Path, Path]:
    """The first free place for a scan and its note together. A note of ours without its scan is one that we wrote
    before something stopped us, or one whose scan a clerk has put back into incoming: it is written again."""
    taken = {path.name: path for path in target.iterdir()}
    stems = {path.name if path.is_dir() else path.stem for path in taken.values() if path.suffix.lower() != ".txt"}
    for place in _numbered(target, name, folder=folder):
        stem = place.name if folder else place.stem
        told = f"{place.name} - {code}.txt" if code else f"{stem}.txt"
        ours = told in taken and taken[told].is_file() and taken[told].read_bytes() == note
        if place.name not in taken and (ours or stem not in stems):
            return place, target / told
    raise AssertionError("numbers do not end")


def _numbered(target: Path, name: str, *, folder: bool = False) -> Iterator[Path]:
    """scan.pdf, scan (2).pdf, scan (3).pdf, …"""
    stem, suffix = (name, "") if folder else (Path(name).stem, Path(name).suffix)
    yield target / name
    for number in count(2):
        yield target / f"{stem} ({number}){suffix}"


def _record_name(record: Path, main: Path, place: Path) -> str:
    """The record's name beside its scan's new one: `scan.json` or `scan.pdf.json`."""
    whole = main.is_dir() or record.stem.lower() == main.name.lower()
    return f"{place.name if whole else place.stem}{RECORD}"


def _free(target: Path, name: str) -> Path:
    return next(place for place in _numbered(target, name) if not place.exists())


def _clear(folder: Path) -> None:
    """Remove what is ours or a share's from an empty claim. A folder that a share left in it is not looked at again."""
    for rest in folder.iterdir():
        if rest.is_file() and not rest.is_symlink() and IGNORED.match(rest.name):
            rest.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
