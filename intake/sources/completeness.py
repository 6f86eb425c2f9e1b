"""Whether a file has its end, by the structure of its format: a file that is still being copied has not.

Small, bounded looks at the ends of PDF, TIFF, JPEG and PNG; nothing is unpacked or parsed here. Whether the file is any
good is found out later, in a child process with limits.
"""

import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO

SCANS = frozenset({".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png"})
EMPTY, INCOMPLETE, NO_PERMISSION = "EMPTY", "INCOMPLETE", "NO-PERMISSION"
TAIL = 2048
HEAD = 1024
CHUNK = 1024 * 1024
# A file that is larger is refused for its size, with or without its end.
MAX_SEARCH = 64 * 1024 * 1024
MAX_STEPS = 1_000_000
MAX_SEGMENTS = 2_000
STRIPS = {273: 279, 324: 325}  # where the strips or tiles of a TIFF lie, and how many bytes each has
STRIP_TAGS = frozenset({*STRIPS, *STRIPS.values()})
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def fault_of(path: Path) -> str:
    """Why a file cannot be taken as it is now: EMPTY, INCOMPLETE, NO-PERMISSION, or "" where nothing is wrong.

    NO-PERMISSION stands for everything that keeps us from reading: EACCES, EPERM, EBUSY, ESTALE, ETXTBSY, a sharing
    violation, a lease that its writer holds. Never waits for a writer, never follows a link.
    """
    try:
        with open_at_once(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                return EMPTY
            suffix = path.suffix.lower()
            return "" if suffix not in SCANS or _is_whole(file, size, suffix) else INCOMPLETE
    except OSError:
        return NO_PERMISSION


def record_has_its_end(path: Path) -> bool:
    """Whether a record can be read and ends as a JSON object does."""
    try:
        with open_at_once(path) as file:
            return _tail(file, os.fstat(file.fileno()).st_size).rstrip().endswith(b"}")
    except OSError:
        return False


def open_at_once(path: Path) -> BinaryIO:
    """Open a regular file to read. Raises `OSError` at once where a pipe or a writer's lease would make us wait."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is not a file")
    return os.fdopen(descriptor, "rb")


def _is_whole(file: BinaryIO, size: int, suffix: str) -> bool:
    """By the first bytes, whatever the name says; by the name where they say nothing."""
    head = file.read(HEAD)
    if not head.strip(b"\0"):
        return False  # a share that sets the size before the bytes
    if b"%PDF-" in head:
        return b"%%EOF" in _tail(file, size)
    if head.startswith((b"II*\0", b"MM\0*")):
        return _Tiff(file, size, "<" if head.startswith(b"II") else ">").is_whole()
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg_is_whole(file, size)
    if head.startswith(b"\x89PNG"):
        return b"IEND" in _tail(file, size)
    endings = {".pdf": b"%%EOF", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".png": b"IEND"}
    return endings.get(suffix, b"") in _tail(file, size)


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - TAIL))
    return file.read(TAIL)


def _jpeg_is_whole(file: BinaryIO, size: int) -> bool:
    """The end marker is the last thing, or stands somewhere after the picture's data began: scanners pad with zeros,
    telephones append a second picture. A thumbnail's end marker lies before that and does not count."""
    if size > MAX_SEARCH or _tail(file, size).endswith(b"\xff\xd9"):
        return True
    place = _picture_data(file)
    if place is None:
        return False
    file.seek(place)
    before = b""
    while chunk := file.read(CHUNK):
        if b"\xff\xd9" in before + chunk:
            return True
        before = chunk[-1:]
    return False


def _picture_data(file: BinaryIO) -> int | None:
    """Where a JPEG's start-of-scan segment begins (ITU-T T.81 annex B)."""
    place = 2
    for _ in range(MAX_SEGMENTS):
        file.seek(place)
        start = file.read(4)
        if len(start) < 4 or start[0] != 0xFF:
            return None
        if start[1] == 0xDA:
            return place
        if start[1] == 0xFF:
            place += 1  # padding before a marker
        elif start[1] == 0x01 or 0xD0 <= start[1] <= 0xD7:
            place += 2  # markers without a length
        else:
            place += 2 + int.from_bytes(start[2:4], "big")
    return None


class _Tiff:
    """The directories of a TIFF, read with a bounded number of steps (TIFF 6.0 section 2)."""

    def __init__(self, file: BinaryIO, size: int, order: str) -> None:
        self._file, self._size, self._order = file, size, order
        self._steps = MAX_STEPS

    def is_whole(self) -> bool:
        """Every directory of the chain, what it points at and its strips lie inside the file. One that would take too
        many steps counts as whole: whoever reads it has limits of his own."""
        seen: set[int] = set()
        place = self._number(self._at(4, 4))
        while place and self._steps > 0:
            count = self._number(self._at(place, 2))
            entries, following = self._at(place + 2, 12 * count), self._file.read(4)
            if place in seen or len(following) < 4 or not self._entries_are_inside(entries):
                return False
            seen.add(place)
            place = self._number(following)
        return bool(seen)

    def _entries_are_inside(self, entries: bytes) -> bool:
        found = {}
        self._steps -= len(entries) // 12
        for tag, kind, count, value in struct.iter_unpack(f"{self._order}HHI4s", entries):
            length = SIZES.get(kind, 0) * count
            place = -1 if length <= 4 else self._number(value)
            if place + length > self._size:
                return False
            if tag in STRIP_TAGS and self._steps > 0:
                found[tag] = self._values(value if place < 0 else self._at(place, length), kind, count)
        return all(
            offset + length <= self._size
            for tag, lengths in STRIPS.items()
            for offset, length in zip(found.get(tag, ()), found.get(lengths, ()), strict=False)
        )

    def _values(self, raw: bytes, kind: int, count: int) -> tuple[int, ...]:
        """The numbers of an entry: SHORT or LONG."""
        letter = {3: "H", 4: "I"}.get(kind)
        self._steps -= count
        if letter is None or len(raw) < SIZES[kind] * count:
            return ()
        return struct.unpack(f"{self._order}{count}{letter}", raw[: SIZES[kind] * count])

    def _at(self, place: int, length: int) -> bytes:
        self._file.seek(place)
        return self._file.read(length)

    def _number(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little" if self._order == "<" else "big")
