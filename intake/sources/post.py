"""The post folder as a source: scans that have come to rest are claimed by rename, with their record.

    incoming/scan.pdf, scan.json ─ equal over several looks ─► processing/<claim>/scan.pdf, scan.json
                                                                 ─ stored and processed ─► done/… or failed/…

A close event proves nothing (scanners close and reopen between pages), and shares have no events, so each look lists
the whole folder and compares. The claim by rename is no receipt: what lies in `processing/` is resumed at start.
"""

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from intake.config import PostFolder
from intake.errors import ConfigError
from intake.post_folder import FOLDERS, IGNORED, INCOMING, PROCESSING

SCANS = frozenset({".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png"})
CLAIM = re.compile(r"[0-9a-f]{16}")
UNKNOWN_TYPE_SECONDS = 600
INCOMPLETE_SECONDS = 900
TAIL = 2048


@dataclass(frozen=True, slots=True)
class Claim:
    """A scan that is ours: its folder in `processing/`, the scan and its record (None where there is none).
    `modified_at` is the scan file's own moment, aware."""

    id: str
    scan: Path
    record: Path | None
    modified_at: datetime


@dataclass(slots=True)
class _Sight:
    """What a file looked like, since when (monotonic seconds), and over how many looks."""

    state: tuple[int, int, int]
    since: float
    looks: int = 1


class PostSource:
    """One shop's post folder. Belongs to the one job that looks into it."""

    def __init__(self, settings: PostFolder) -> None:
        self.settings = settings
        self.path = settings.path
        self._sights: dict[str, _Sight] = {}

    def prepare(self) -> None:
        """Make the folders. Raises `ConfigError` where they are not on one file system: a rename must be atomic."""
        try:
            for name in FOLDERS:
                (self.path / name).mkdir(parents=True, exist_ok=True)
            devices = {(self.path / name).stat().st_dev for name in FOLDERS}
        except OSError as error:
            raise ConfigError(f"The post folder {self.path} cannot be used: {error.strerror}.") from error
        if len(devices) > 1:
            raise ConfigError(
                f"The folders in {self.path} are not on one file system.", next_step="Move them onto one."
            )

    def claims(self) -> list[str]:
        """The ids of what lies in `processing/`, of this run or of one that died."""
        folders = (self.path / PROCESSING).iterdir()
        # A share may make folders of its own here (@eaDir).
        return sorted(folder.name for folder in folders if CLAIM.fullmatch(folder.name) and folder.is_dir())

    def resume(self, claim_id: str) -> Claim | None:
        """A claim that was never stored. One that got only its record goes back to `incoming/`: None."""
        return self._resume(self.path / PROCESSING / claim_id)

    def look(self, now: float) -> list[Claim]:
        """One look at `incoming/` at `now` (monotonic seconds): claims what has come to rest, oldest name first."""
        files = self._files()
        self._sights = {name: self._seen(name, state, now) for name, state in files.items()}
        # A claim takes its record along, so what is ready is settled before the first claim.
        ready = [name for name in sorted(files) if self._is_ready(name, now)]
        return [self._claim(name) for name in ready]

    def waiting(self) -> int:
        """How many scans lie in `incoming/`."""
        return sum(1 for name in self._files() if Path(name).suffix.lower() in SCANS)

    def _files(self) -> dict[str, tuple[int, int, int]]:
        """Regular files by name with what tells that they changed. Links and pipes are not files."""
        found = {}
        with os.scandir(self.path / INCOMING) as entries:
            for entry in entries:
                if IGNORED.match(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                found[entry.name] = (status.st_size, status.st_mtime_ns, status.st_ino)
        return found

    def _seen(self, name: str, state: tuple[int, int, int], now: float) -> _Sight:
        before = self._sights.get(name)
        if before is None or before.state != state:
            return _Sight(state, now)
        before.looks += 1
        return before

    def _is_ready(self, name: str, now: float) -> bool:
        suffix = Path(name).suffix.lower()
        sight = self._sights[name]
        age = now - sight.since
        if suffix == ".json" or not self._is_stable(sight, now):
            return False
        if suffix not in SCANS:
            return age >= UNKNOWN_TYPE_SECONDS
        record = self._record_of(name)
        if record is not None:
            settled = self._is_stable(self._sights[record], now)
        else:
            settled = age >= self.settings.stable_seconds + self.settings.record_wait_seconds
        return settled and (self._is_complete(name) or age >= INCOMPLETE_SECONDS)

    def _is_stable(self, sight: _Sight, now: float) -> bool:
        quiet = now - sight.since >= self.settings.stable_seconds
        return quiet and sight.looks >= self.settings.stable_looks and sight.state[0] > 0

    def _record_of(self, name: str) -> str | None:
        """`scan.json` or `scan.pdf.json`, in any letter case."""
        wanted = {f"{Path(name).stem}.json".lower(), f"{name}.json".lower()}
        return next((other for other in self._sights if other.lower() in wanted), None)

    def _is_complete(self, name: str) -> bool:
        """Whether the file ends as its format says: a file that is still being copied does not."""
        path = self.path / INCOMING / name
        endings = {".pdf": b"%%EOF", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".png": b"IEND"}
        ending = endings.get(path.suffix.lower())
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL))
                return ending is None or ending in file.read()
        except OSError:
            # Busy (SMB), no permission yet, or gone: look again.
            return False

    def _claim(self, name: str) -> Claim:
        """Move a scan and then its record into a folder of their own. A crash in between is mended by `_resume`."""
        folder = self.path / PROCESSING / secrets.token_hex(8)
        folder.mkdir()
        record = self._record_of(name)
        (self.path / INCOMING / name).rename(folder / name)
        if record is not None:
            (self.path / INCOMING / record).rename(folder / record)
        for part in filter(None, (name, record)):
            self._sights.pop(part, None)
        return _as_claim(folder, folder / name, folder / record if record else None)

    def _resume(self, folder: Path) -> Claim | None:
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and not IGNORED.match(path.name)]
        scans = [path for path in files if path.suffix.lower() != ".json"]
        records = [path for path in files if path.suffix.lower() == ".json"]
        if not scans:
            for record in records:
                record.rename(self.path / INCOMING / record.name)
            folder.rmdir()
            return None
        return _as_claim(folder, scans[0], records[0] if records else self._fetch_record(folder, scans[0]))

    def _fetch_record(self, folder: Path, scan: Path) -> Path | None:
        """The record that a claim died before taking."""
        for name in (f"{scan.stem}.json", f"{scan.name}.json"):
            left = self.path / INCOMING / name
            if left.is_file() and not left.is_symlink():
                return left.rename(folder / name)
        return None


def _as_claim(folder: Path, scan: Path, record: Path | None) -> Claim:
    return Claim(folder.name, scan, record, datetime.fromtimestamp(scan.stat().st_mtime, UTC))
