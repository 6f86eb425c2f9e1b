"""What lies in `posted/` and `outgoing/`: a letter that a clerk has moved to `posted/` is on its way.

A rename changes a file's ctime and nothing else, so that is when it was moved. Which case a file belongs to is read
from its name alone, since people rename, copy and number files; whether there is such a case is the caller's to say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intake.post_folder import OUTGOING, POSTED
from intake.sources.completeness import fault_of
from intake.sources.resting import files_in

REFERENCE = re.compile(r"(?<![A-Z0-9])[A-Z][A-Z0-9]{1,7}-[0-9]{4}-[0-9]{4,9}(?![0-9])")
# A year of letters lies there: only what came lately is opened to see whether it is still being copied.
AT_REST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class PostedFile:
    """A letter's PDF, and the moment (aware, UTC) when it came where it lies."""

    path: Path
    name: str
    moved_at: datetime


def posted_files(post: Path) -> list[PostedFile]:
    """The PDFs in `posted/` and in the folders in it, whole ones only. Raises `OSError` where it cannot be listed."""
    return _files(post / POSTED)


def outgoing_files(post: Path) -> list[PostedFile]:
    """The PDFs in `outgoing/` that wait for the post, and in the folders in it. Raises `OSError`."""
    return _files(post / OUTGOING)


def reference_in(name: str) -> str | None:
    """The case that a file's name speaks of: of `2026-11-20__SIS-2026-0042.pdf`, `Kopie van sis-2026-0042 (2).pdf`;
    None where it names none, or two."""
    found = set(REFERENCE.findall(name.upper()))
    return found.pop() if len(found) == 1 else None


def _files(folder: Path) -> list[PostedFile]:
    now = datetime.now(UTC)
    return sorted(_pdfs(folder, now, deeper=True), key=lambda file: (file.name, str(file.path)))


def _pdfs(folder: Path, now: datetime, *, deeper: bool) -> Iterator[PostedFile]:
    for entry in files_in(folder, None):
        path = folder / entry.name
        if deeper and entry.is_dir(follow_symlinks=False):
            yield from _pdfs(path, now, deeper=False)
        elif path.suffix.lower() == ".pdf" and entry.is_file(follow_symlinks=False):
            # A file server's clock may be ahead of ours; a letter is not posted tomorrow.
            moved_at = min(datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_ctime, UTC), now)
            if now - moved_at > AT_REST or not fault_of(path):
                yield PostedFile(path, entry.name, moved_at)
