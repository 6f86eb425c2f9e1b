"""Mails in files as a source: `.eml` files, mbox files, Maildirs, and folders of these.

Files are read, never changed, and nothing that is not a plain file is opened: a pipe would never end, a folder that
links to itself would not either. One file after another is held in memory, and no more of it than a mail may have.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from intake.imap import FETCH_AT_MOST

MAILS = frozenset({".eml", ".mbox", ".mbx"})
CHUNK = 1024 * 1024
# What begins a mail in an mbox: at the start of the file or below a blank line, "From ", an address and a date
# (RFC 4155 appendix A). A sentence of a body that begins with "From " is none.
ENVELOPE = re.compile(rb"From \S{1,320} +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,40}\d\d:\d\d.{0,200}\r?\n?")


@dataclass(frozen=True, slots=True)
class FoundMail:
    """One mail: where it was found (`box.mbox [3]`), its bytes, and why they are not the whole of it, if so."""

    name: str
    raw: bytes
    problem: str = ""


def find_mails(path: Path, failures: list[str]) -> Iterator[FoundMail]:
    """The mails in a file, or in a folder and the folders in it, by name. What cannot be read is named in `failures`,
    and the rest goes on."""
    try:
        if path.is_dir():
            yield from _in_folder(path, failures)
        else:
            yield from _in_file(path)
    except OSError as error:
        failures.append(f"{shown_name(str(path))} cannot be read: {error.strerror or error}.")


def _in_folder(folder: Path, failures: list[str]) -> Iterator[FoundMail]:
    is_maildir = (folder / "cur").is_dir() and (folder / "new").is_dir()
    for child in sorted(folder.iterdir()):
        if child.is_dir():
            # A link to a folder may lead back here; a Maildir's `tmp` holds what was never finished.
            if not child.is_symlink() and not (is_maildir and child.name == "tmp"):
                yield from find_mails(child, failures)
        elif child.suffix.lower() in MAILS or (folder.name in ("cur", "new") and not child.name.startswith(".")):
            yield from find_mails(child, failures)
        elif not child.suffix and _begins_as_mbox(child):
            # Thunderbird's and Apple's folders: `Inbox`, `Sent`.
            yield from find_mails(child, failures)


def open_plain(path: Path) -> BinaryIO:
    """A file for reading. Raises `OSError`, also for what is no plain file; not blocking, because opening a pipe waits
    for whoever writes into it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no plain file")
    return os.fdopen(descriptor, "rb")


def _begins_as_mbox(path: Path) -> bool:
    try:
        with open_plain(path) as file:
            return ENVELOPE.match(file.readline(1000)) is not None
    except OSError:
        return False


def _in_file(path: Path) -> Iterator[FoundMail]:
    with open_plain(path) as file:
        first = file.read(5)
        if not first:
            raise OSError(0, "it is empty")
        if first != b"From ":
            rest = file.read(FETCH_AT_MOST - 4)
            yield _mail(str(path), [first, rest[: FETCH_AT_MOST - 5]], cut=len(rest) > FETCH_AT_MOST - 5)
            return
        file.seek(0)
        for number, (lines, cut) in enumerate(_split_mbox(iter(lambda: file.readline(CHUNK), b"")), 1):
            yield _mail(f"{path} [{number}]", lines, cut=cut)


def _mail(name: str, pieces: list[bytes], *, cut: bool) -> FoundMail:
    problem = f"only the first {FETCH_AT_MOST // 1024 // 1024} MB were brought in" if cut else ""
    return FoundMail(name, b"".join(pieces), problem)


def _split_mbox(lines: Iterator[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """The mails of an mbox, each as its lines without the envelope line, and whether it was cut. The first line is an
    envelope, whatever it looks like; a line that is too long comes in pieces."""
    mail: list[bytes] = []
    size, may_begin, before = 0, False, b"\n"
    next(lines, b"")
    for line in lines:
        if may_begin and ENVELOPE.fullmatch(line):
            yield _without_last_blank(mail), size > FETCH_AT_MOST
            mail, size = [], 0
        else:
            size += len(line)
            if size <= FETCH_AT_MOST:
                mail.append(line)
        may_begin = before.endswith(b"\n") and not line.strip()
        before = line
    yield _without_last_blank(mail), size > FETCH_AT_MOST


def _without_last_blank(mail: list[bytes]) -> list[bytes]:
    """The blank line before the next envelope is the mbox's, not the mail's."""
    return mail[:-1] if mail and mail[-1] in (b"\n", b"\r\n") else mail


def shown_name(name: str) -> str:
    """A file's name as text that every database and program takes: its bytes may be in any encoding."""
    return os.fsencode(name).decode("utf-8", "replace")
