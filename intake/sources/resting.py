"""What lies in a folder and whether it has come to rest, by looking again and again.

A close event proves nothing (scanners close and reopen between pages) and shares have no events, so each look lists the
whole folder and compares. The time between looks is counted by a monotonic clock: the clock that stamps the files may
jump, be coarse, or be another machine's. Links and pipes are never followed; nothing here opens a file.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from intake.post_folder import IGNORED

# What tells that something changed: name, size, mtime in ns and inode, of a file, or of a folder and what lies in it.
State = tuple[tuple[str, int, int, int], ...]
MAX_INSIDE = 2000


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file, or a folder, as it looks now."""

    name: str
    state: State
    folder: bool = False

    @property
    def nothing_inside(self) -> bool:
        """Whether this is a folder without anything that people mean."""
        return self.folder and len(self.state) == 1


@dataclass(slots=True)
class Sight:
    """What was seen of something, at first, since when it has not changed (monotonic seconds), and over how many
    looks."""

    state: State
    first: float
    since: float
    looks: int = 1

    def is_stable(self, now: float, seconds: float, looks: int) -> bool:
        """Whether it has looked the same for so long and so often."""
        return now - self.since >= seconds and self.looks >= looks


class Sights:
    """What each name looked like, look after look. A name that is new, or was away, counts anew."""

    def __init__(self) -> None:
        self._sights: dict[str, Sight] = {}

    def take(self, found: dict[str, Dropped], now: float) -> None:
        """Compare with the last look, and keep this one in its place."""
        self._sights = {name: self._seen(item, now) for name, item in found.items()}

    def __getitem__(self, name: str) -> Sight:
        return self._sights[name]

    def age(self, name: str, now: float) -> float:
        """For how many seconds a name has been seen, 0 where it is new."""
        return now - self._sights[name].first if name in self._sights else 0.0

    def forget(self, name: str) -> None:
        """It is ours now."""
        self._sights.pop(name, None)

    def _seen(self, item: Dropped, now: float) -> Sight:
        before = self._sights.get(item.name)
        if before is None:
            return Sight(item.state, now, now)
        if before.state != item.state:
            return Sight(item.state, before.first, now)
        before.looks += 1
        return before


def look_into(folder: Path) -> tuple[dict[str, Dropped], list[str]]:
    """What lies in a folder, by name, and the names that cannot be looked at now (a share that stalls)."""
    found, busy = {}, []
    with os.scandir(folder) as entries:
        for entry in entries:
            if IGNORED.match(entry.name):
                continue
            try:
                state, is_folder = _state(entry)
            except FileNotFoundError:
                continue
            except OSError:
                busy.append(entry.name)
                continue
            if state:
                found[entry.name] = Dropped(entry.name, state, is_folder)
    return found, busy


def state_of(path: Path) -> State:
    """The state of one file or folder. Raises `OSError`."""
    with os.scandir(path.parent) as entries:
        return next((_state(entry)[0] for entry in entries if entry.name == path.name), ())


def files_in(folder: Path, most: int | None = MAX_INSIDE) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder and is meant by people, in no order; `most` is a count that no letter has."""
    with os.scandir(folder) as entries:
        yield from islice((entry for entry in entries if not IGNORED.match(entry.name)), most)


def _state(entry: os.DirEntry[str]) -> tuple[State, bool]:
    """A state, empty for what is neither a file nor a folder, and whether it is a folder."""
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        return (("", status.st_size, status.st_mtime_ns, status.st_ino),), False
    if not stat.S_ISDIR(status.st_mode):
        return (), False
    inside = (_line(inner) for inner in files_in(Path(entry.path)))
    return (("", 0, 0, status.st_ino), *sorted(inside)), True


def _line(entry: os.DirEntry[str]) -> tuple[str, int, int, int]:
    status = entry.stat(follow_symlinks=False)
    return entry.name, status.st_size, status.st_mtime_ns, status.st_ino
