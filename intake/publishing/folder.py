"""Puts a site into a folder that a web server may be reading.

    1. the folder is ours: new, empty, or with our list of files in it; else it is refused
    2. the files that changed are written whole, in a hidden folder inside (beside it may be another disk)
    3. our list names the old files and the new ones, so that a next time knows all of them as ours
    4. each file takes its place by a rename: a reader sees the old one or the new one, never half of one
    5. our files that nobody needs any more are removed, and the list names what is there

Killed anywhere, the next time goes on: files that are not on our list are never touched.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from intake.errors import Refused, UsageError
from intake.post_folder import write_durably

LIST, WAITING = ".intake-badges.json", ".intake-badges.part"
_MADE_BY = "intake badges publish"


@dataclass(frozen=True, slots=True)
class Published:
    """How many files the site has, how many of them changed, and how many were removed."""

    files: int
    changed: int
    removed: int


def put(folder: Path, files: Mapping[str, bytes]) -> Published:
    """Make a folder hold these files (by path), in this order. Raises `Refused` where the folder or a file in it is
    somebody else's, and `UsageError` where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            return _put(folder, files)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}.", "Name another folder.") from error


def _put(folder: Path, files: Mapping[str, bytes]) -> Published:
    ours = _ours(folder)
    obsolete = sorted(ours - set(files))
    _refuse_links(folder, (*files, *obsolete))
    changed = {path: content for path, content in files.items() if not _holds(folder, path, content, ours)}
    waiting = folder / WAITING
    shutil.rmtree(waiting, ignore_errors=True)
    for path, content in changed.items():
        write_durably(waiting / path, content)
    _list(folder, ours | set(files))
    for path in changed:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (waiting / path).replace(folder / path)
    for path in obsolete:
        (folder / path).unlink(missing_ok=True)
    _remove_empty(folder, obsolete)
    _list(folder, files)
    shutil.rmtree(waiting, ignore_errors=True)
    return Published(len(files), len(changed), len(obsolete))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time: the command, and the service on the first of the month."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _ours(folder: Path) -> set[str]:
    """The paths that are ours. Raises `Refused` where the folder has other things in it and no list of ours."""
    try:
        value = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        others = sorted(path.name for path in folder.iterdir() if path.name != WAITING)
        if others:
            raise Refused(
                f"{folder} was not made by `intake badges publish`, and holds {others[0]}.", "Name an empty folder."
            ) from None
        return set()
    except ValueError as error:
        raise Refused(f"{folder / LIST} cannot be read: {error}.", "Name another folder, or empty this one.") from error
    listed = value.get("files") if isinstance(value, dict) else None
    if not isinstance(listed, list) or value.get("made_by") != _MADE_BY or not all(map(_is_plain, listed)):
        raise Refused(f"{folder / LIST} is not a list of ours.", "Name another folder, or empty this one.")
    return set(listed)


def _is_plain(path: object) -> bool:
    """Whether a path stays in its folder: the list may lie where others can write."""
    if not isinstance(path, str) or not path or "\x00" in path or "\\" in path:
        return False
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and str(parts) == path and path not in (LIST, ".")


def _refuse_links(folder: Path, paths: Iterable[str]) -> None:
    """A link would lead out of the folder. Raises `Refused`."""
    places = {place for path in paths for place in (path, *map(str, PurePosixPath(path).parents[:-1]))}
    for place in sorted(places):
        if (folder / place).is_symlink():
            raise Refused(f"{folder / place} is a link.", "Take it away, or name another folder.")


def _holds(folder: Path, path: str, content: bytes, ours: set[str]) -> bool:
    """Whether a file is there already, as it should be. Raises `Refused` for one that is somebody else's."""
    place = folder / path
    if not place.exists():
        return False
    if path not in ours or not place.is_file():
        raise Refused(f"{place} was not made by `intake badges publish`.", "Move it away, or name another folder.")
    return place.read_bytes() == content


def _list(folder: Path, files: Iterable[str]) -> None:
    text = json.dumps({"made_by": _MADE_BY, "files": sorted(files)}, indent=1)
    content = f"{text}\n".encode()
    if not (folder / LIST).exists() or (folder / LIST).read_bytes() != content:
        # By way of our hidden folder: nothing else may lie in a folder that has no list yet.
        write_durably(folder / WAITING / LIST, content).replace(folder / LIST)


def _remove_empty(folder: Path, removed: Iterable[str]) -> None:
    """Folders that held nothing but what was removed."""
    for name in {str(PurePosixPath(path).parent) for path in removed} - {"."}:
        if (folder / name).is_dir() and not any((folder / name).iterdir()):
            (folder / name).rmdir()
