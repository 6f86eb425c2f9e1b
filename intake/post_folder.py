"""The folders of a shop's post folder: what a clerk sees, and how a file is put there. Sources and outlets stand on
this."""

import os
import re
from pathlib import Path

INCOMING, PROCESSING, DONE, FAILED = "incoming", "processing", "done", "failed"
DUPLICATES = f"{DONE}/duplicates"
DRAFTS, OUTGOING, POSTED = "drafts", "outgoing", "posted"
FOLDERS = (INCOMING, PROCESSING, DONE, DUPLICATES, FAILED, DRAFTS, OUTGOING, POSTED)
STATUS = "STATUS.txt"
# What a claim in processing/ tells of itself, beside its files.
MARK = ".claim.json"
# What shares, scanners and desktops leave beside the files that people mean.
IGNORED = re.compile(
    r"^(\..*|~\$.*|.*\.(tmp|part|partial|crdownload|filepart)|thumbs\.db|desktop\.ini|@eadir|__macosx)$",
    re.IGNORECASE,
)
LONGEST_NAME = 255  # bytes, on every file system that people share


def write_durably(path: Path, content: bytes) -> Path:
    """Write a file so that it is there whole or not at all, also after a power cut. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
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


def temporary_beside(path: Path) -> Path:
    """The name under which a file is written before it has its own: one that nobody takes for a file."""
    return path.with_name(f".{cut(path.name, LONGEST_NAME - 6)}.part")


def cut(name: str, most: int) -> str:
    """The beginning of a name that takes `most` bytes or fewer: file systems count bytes, not letters."""
    return os.fsencode(name)[:most].decode("utf-8", "ignore") if len(os.fsencode(name)) > most else name
