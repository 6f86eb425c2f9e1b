"""What has been claimed: a folder of its own in `processing/` with one letter, mail or batch, as it lies on disk.

    processing/0123456789abcdef/scan.pdf      the scan, mail, batch or late record; or a folder with its pages
                                scan.json     its record
                                .claim.json   what the file names cannot tell: whose row made the record

Everything is told from the disk, so that a run that died is no different from this one.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from intake.post_folder import MARK, write_durably
from intake.sources.completeness import SCANS, fault_of
from intake.sources.resting import files_in

TYPE = "TYPE"
MAILS = frozenset({".eml", ".msg"})
BATCHES, RECORDS = ".csv", ".json"
FOLDERS_RECORD = "letter.json"
CLAIM = re.compile(r"[0-9a-f]{16}")
NUMBERS = re.compile(r"([0-9]+)")
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


class Kind(StrEnum):
    """What a claim holds."""

    SCAN = "scan"
    FOLDER = "folder"
    MAIL = "mail"
    BATCH = "batch"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is ours. `id` names its folder in `processing/`.

    `name` is the name as dropped; `files` the scan, a folder's pages in natural order (1, 2, 10), the mail, the CSV or
    the lone record. `record` is the record taken along, or made from a CSV row: then `batch` is the batch's claim and
    `row` the number of its row, from 1. `modified_at` is the scan's own moment (the newest page's), aware, UTC.
    `problem` is the reason code where this cannot be a letter (TYPE, INCOMPLETE, EMPTY, NO-PERMISSION), else "".
    `others` are the names of a folder's files that are no pages.
    """

    id: str
    kind: Kind
    name: str
    files: tuple[Path, ...]
    record: Path | None
    batch: str
    row: int
    modified_at: datetime
    problem: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """What a claim's own names cannot tell. `made` says that its record was made from a row; `late` that it is a
    record which came after its scan."""

    batch: str = ""
    row: int = 0
    made: bool = False
    late: bool = False


def claim_ids(processing: Path) -> list[str]:
    """What lies in `processing/`, of this run or of one that died. A share may make folders of its own there."""
    with os.scandir(processing) as entries:
        return sorted(entry.name for entry in entries if CLAIM.fullmatch(entry.name) and _is_folder(entry))


def write_mark(folder: Path, mark: Mark) -> None:
    """Write a claim's mark, before anything is moved in."""
    write_durably(folder / MARK, json.dumps(asdict(mark)).encode())


def read_mark(folder: Path) -> Mark:
    """A claim's mark; the plain one where there is none."""
    try:
        return Mark(**json.loads((folder / MARK).read_bytes()))
    except (OSError, ValueError, TypeError):
        return Mark()


def kind_of(name: str, *, folder: bool = False) -> Kind:
    """What a name is, by its end. What has an unknown end is a scan of the wrong type."""
    if folder:
        return Kind.FOLDER
    suffix = Path(name).suffix.lower()
    kinds = {BATCHES: Kind.BATCH, RECORDS: Kind.RECORD, **dict.fromkeys(MAILS, Kind.MAIL)}
    return kinds.get(suffix, Kind.SCAN)


def main_of(folder: Path) -> Path | None:
    """What was claimed: the one thing in a claim's folder that is no record, else its late record, else None."""
    found = [entry for entry in files_in(folder) if entry.is_file(follow_symlinks=False) or _is_folder(entry)]
    names = sorted((entry.name for entry in found), key=natural)
    mains = [entry.name for entry in found if _is_folder(entry) or kind_of(entry.name) is not Kind.RECORD]
    if not mains and not read_mark(folder).late:
        return None
    return folder / min(mains or names, key=natural) if names else None


def read_claim(folder: Path) -> Claim | None:
    """A claim as it lies there; None where it holds nothing but, perhaps, a record. Raises `OSError`."""
    main = main_of(folder)
    if main is None:
        return None
    kind = kind_of(main.name, folder=main.is_dir())
    mark = read_mark(folder)
    pages, others, inner = pages_of(main) if kind is Kind.FOLDER else ((main,), (), None)
    record = None if kind in (Kind.RECORD, Kind.BATCH) else inner or _record_beside(folder, main)
    return Claim(
        id=folder.name,
        kind=kind,
        name=main.name,
        files=pages,
        record=record,
        batch=mark.batch,
        row=mark.row,
        modified_at=_moment(pages or (main,)),
        problem=problem_of(kind, main, pages),
        others=others,
    )


def pages_of(folder: Path) -> tuple[tuple[Path, ...], tuple[str, ...], Path | None]:
    """A letter's folder: its pages in natural order, the names of what is no page, and its record."""
    entries = sorted(files_in(folder), key=lambda entry: natural(entry.name))
    files = [folder / entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    pages = tuple(path for path in files if path.suffix.lower() in SCANS)
    records = [path for path in files if path.suffix.lower() == RECORDS]
    named = [path for path in records if path.name.lower() == FOLDERS_RECORD]
    record = named[0] if named else records[0] if len(records) == 1 else None
    others = (folder / entry.name for entry in entries)
    return pages, tuple(path.name for path in others if path not in pages and path != record), record


def problem_of(kind: Kind, main: Path, pages: tuple[Path, ...]) -> str:
    """Why this cannot be taken as it is now; "" where it can."""
    if kind is Kind.RECORD:
        return ""
    if not pages or (kind is Kind.SCAN and main.suffix.lower() not in SCANS):
        fault = fault_of(main) if pages else ""
        return fault or TYPE
    return next(filter(None, map(fault_of, pages)), "")


def natural(name: str) -> list[tuple[int, str]]:
    """The order in which people count: page 2 before page 10. Numbers of any length compare by their digits."""
    parts = NUMBERS.split(name.casefold())
    return [(len(part.lstrip("0")), part.lstrip("0")) if place % 2 else (0, part) for place, part in enumerate(parts)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # A share's own folder (@eaDir) is ignored by name before this.
    return entry.is_dir(follow_symlinks=False)


def _record_beside(folder: Path, main: Path) -> Path | None:
    records = [entry.name for entry in files_in(folder) if entry.is_file(follow_symlinks=False)]
    records = [name for name in records if kind_of(name) is Kind.RECORD and name != main.name]
    return folder / min(records) if records else None


def _moment(files: tuple[Path, ...]) -> datetime:
    """The newest file's moment. A share can claim years that no calendar has."""
    newest = max(path.lstat().st_mtime for path in files)
    return datetime.fromtimestamp(min(max(newest, 0.0), LATEST), UTC)
