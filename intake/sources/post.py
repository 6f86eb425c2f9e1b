"""The post folder as a source: what has come to rest is claimed by rename, with its record.

    incoming/scan.pdf, scan.json ─ equal over several looks, and whole ─► processing/<claim>/scan.pdf, scan.json
                                   ─ unchanged since ─► handed out ─ stored and processed ─► done/… or failed/…

Each look lists the whole folder and compares (`resting`). The claim by rename is no receipt: what lies in `processing/`
is resumed at start, and it is watched for a moment before it is handed out, since a writer may still hold it
(`settling`). Nothing is deleted, parsed or stored here, and no file keeps the next one waiting.
"""

import contextlib
import secrets
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from intake.config import PostFolder
from intake.errors import ConfigError
from intake.post_folder import FOLDERS, INCOMING, MARK, PROCESSING, write_durably
from intake.sources.claims import (
    RECORDS,
    TYPE,
    Claim,
    Kind,
    Mark,
    claim_ids,
    kind_of,
    main_of,
    pages_of,
    problem_of,
    read_claim,
    read_mark,
    write_mark,
)
from intake.sources.completeness import NO_PERMISSION, SCANS, record_has_its_end
from intake.sources.open_batches import FoundRow, OpenBatches
from intake.sources.resting import Dropped, Sights, look_into, state_of
from intake.sources.settling import PATIENT, Patience, Settling

__all__ = ["PATIENT", "SCANS", "Claim", "Kind", "LateRecord", "Patience", "PostSource", "Waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What lies in `incoming/`, or is claimed and still watched: how many letters, mails and batches, for how many
    seconds the oldest has been seen, and the names that cannot be read yet. False where nothing waits."""

    count: int
    oldest_seconds: float
    busy: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.count > 0


@dataclass(frozen=True, slots=True)
class LateRecord:
    """A record whose scan is not in `incoming/`. `stem` is the scan's name without its end."""

    name: str
    stem: str
    path: Path
    age_seconds: float


class PostSource:
    """One shop's post folder. Belongs to the one job that looks into it."""

    def __init__(self, settings: PostFolder, patience: Patience = PATIENT) -> None:
        self.settings = settings
        self.path = settings.path
        self._patience = patience
        self._incoming, self._processing = self.path / INCOMING, self.path / PROCESSING
        self._sights = Sights()
        self._settling = Settling(self._processing, patience, settings.stable_seconds)
        self._batches = OpenBatches(self._processing)
        self._found: dict[str, Dropped] = {}
        self._records: dict[str, str] = {}
        self._busy: set[str] = set()
        self._batch_is_coming = False
        self._now = 0.0

    def prepare(self) -> None:
        """Make the folders. Raises `ConfigError` where they lie in the program itself, or not on one file system: a
        rename must be atomic."""
        if any(self.path.resolve().is_relative_to(code) for code in _code()):
            raise ConfigError(f"The post folder {self.path} lies inside the program.", next_step="Put it elsewhere.")
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
        return claim_ids(self._processing)

    def resume(self, claim_id: str) -> Claim | None:
        """A claim that was never stored; None while it is watched (a later look hands it out) and where nothing was
        claimed but a record, which goes back to `incoming/`. Raises `OSError`."""
        folder = self._processing / claim_id
        if claim_id in self._settling:
            return None
        if self._settling.is_settled(claim_id):
            return read_claim(folder)
        if claim_id in self._settling or not self._mend(folder):
            return None
        if min(self._patience.settle, self.settings.stable_seconds) > 0:
            main = main_of(folder)
            self._settling.watch(claim_id, state_of(main) if main else (), None)
            return None
        self._settling.accept(claim_id)
        return read_claim(folder)

    def look(self, now: float) -> list[Claim]:
        """One look at `incoming/` at `now` (monotonic seconds): claims what has come to rest, and hands out the claims
        that are settled. Raises `OSError` where the folder cannot be listed, or has no room for a claim."""
        self._now = now
        self._settling.keep(self.claims())
        self._found, busy = look_into(self._incoming)
        self._busy = set(busy)
        self._sights.take(self._found, now)
        self._records = {
            name.lower(): name for name, item in self._found.items() if kind_of(name, folder=item.folder) is Kind.RECORD
        }
        handed = self._claim_batches()
        for item in self._in_order(Kind.SCAN, Kind.FOLDER, Kind.MAIL):
            row = self._batches.row_for(item.name)
            if self._is_ready(item, row):
                self._claim(item, row)
        handed += self._settling.settle(now)
        return [claim for claim_id in handed if (claim := self._handed(claim_id)) is not None]

    def batches(self) -> list[Claim]:
        """The CSV batches that lie in `processing/`; when one is finished the caller decides."""
        self._read_batches()
        return [claim for claim_id in self._batches.ids if (claim := self._handed(claim_id)) is not None]

    def late_records(self) -> list[LateRecord]:
        """The records at rest without a scan in `incoming/`, as of the last look. They stay there."""
        owners = {name.lower() for name in self._found if kind_of(name) not in (Kind.RECORD, Kind.BATCH)}
        owners |= {Path(name).stem for name in owners}
        wait = self.settings.stable_seconds + self.settings.record_wait_seconds
        found = []
        for lower, name in sorted(self._records.items()):
            sight = self._sights[name]
            own = lower.removesuffix(RECORDS)
            if own not in owners and self._now - sight.since >= wait and self._record_is_settled(name):
                stem = Path(name).stem
                stem = Path(stem).stem if Path(stem).suffix.lower() in SCANS else stem
                found.append(LateRecord(name, stem, self._incoming / name, self._now - sight.since))
        return found

    def claim_record(self, name: str) -> Claim:
        """Claim one of the late records. Raises `OSError` where it is gone or busy."""
        folder = self._new_claim()
        try:
            write_mark(folder, Mark(late=True))
            (self._incoming / name).rename(folder / name)
        except OSError:
            _undo(folder)
            raise
        self._forget(name)
        self._settling.accept(folder.name)
        claim = read_claim(folder)
        if claim is None:
            raise FileNotFoundError(f"{name} is gone")
        return claim

    def waiting(self) -> Waiting:
        """What waits now."""
        found, busy = look_into(self._incoming)
        names = [name for name, item in found.items() if _counts(item)]
        oldest = max((self._sights.age(name, self._now) for name in names), default=0.0)
        return Waiting(len(names) + len(self._settling), oldest, tuple(sorted({*busy, *self._busy & found.keys()})))

    def _in_order(self, *kinds: Kind) -> list[Dropped]:
        items = (self._found[name] for name in sorted(self._found))
        return [item for item in items if not item.nothing_inside and kind_of(item.name, folder=item.folder) in kinds]

    def _claim_batches(self) -> list[str]:
        """Batches come first: their rows are the records of the scans beside them. The claims settled by now."""
        for item in self._in_order(Kind.BATCH):
            if self._is_ready(item, None):
                self._claim(item, None)
        settled = self._settling.settle(self._now)
        self._read_batches()
        self._batch_is_coming = bool(self._in_order(Kind.BATCH)) or any(
            _is_batch(self._processing / claim_id) for claim_id in self._settling.ids
        )
        return settled

    def _read_batches(self) -> None:
        self._batches.refresh(claim_id for claim_id in self.claims() if claim_id not in self._settling)

    def _is_ready(self, item: Dropped, row: FoundRow | None) -> bool:
        sight = self._sights[item.name]
        if not sight.is_stable(self._now, self.settings.stable_seconds, self.settings.stable_looks):
            return False
        if not self._needs_no_record(item, row):
            return False
        fault = self._fault(item)
        if fault == NO_PERMISSION:
            self._busy.add(item.name)
        needed = {"": 0.0, TYPE: self._patience.unknown_type}.get(fault, self._patience.incomplete)
        return self._now - sight.since >= needed

    def _needs_no_record(self, item: Dropped, row: FoundRow | None) -> bool:
        """Its record has come to rest, or it has another one, or none has come for long enough."""
        kind = kind_of(item.name, folder=item.folder)
        record = self._record_of(item)
        age = self._now - self._sights[item.name].since
        if record is not None:
            return self._record_is_settled(record)
        if kind in (Kind.MAIL, Kind.BATCH) or row is not None or _holds_record(item):
            return True
        if self._batch_is_coming and age < self._patience.incomplete:
            return False  # it may be one of the batch's rows
        return age >= self.settings.stable_seconds + self.settings.record_wait_seconds

    def _record_is_settled(self, name: str) -> bool:
        sight = self._sights[name]
        stable = sight.is_stable(self._now, self.settings.stable_seconds, self.settings.stable_looks)
        late = self._now - sight.since >= self._patience.incomplete
        return late or (stable and record_has_its_end(self._incoming / name))

    def _record_of(self, item: Dropped) -> str | None:
        """`scan.json` or `scan.pdf.json`, in any letter case; of a folder only `folder.json`."""
        if not item.folder and kind_of(item.name) is Kind.BATCH:
            return None
        stems = (item.name,) if item.folder else (Path(item.name).stem, item.name)
        return next(filter(None, (self._records.get(f"{stem}{RECORDS}".lower()) for stem in stems)), None)

    def _fault(self, item: Dropped) -> str:
        path = self._incoming / item.name
        kind = kind_of(item.name, folder=item.folder)
        try:
            pages = pages_of(path)[0] if kind is Kind.FOLDER else (path,)
        except OSError:
            return NO_PERMISSION
        return problem_of(kind, path, pages)

    def _claim(self, item: Dropped, row: FoundRow | None) -> None:
        """Move something and then its record into a folder of their own. Where another was faster, or its writer
        does not let go, it is left. A crash in between is mended by `resume`."""
        folder = self._new_claim()
        record = self._record_of(item)
        try:
            if row is not None:
                self._lay_row(folder, item, row, made=record is None and not _holds_record(item))
            (self._incoming / item.name).rename(folder / item.name)
        except OSError as error:
            _undo(folder)
            if not isinstance(error, FileNotFoundError):
                self._busy.add(item.name)
            return
        if record is not None:
            with contextlib.suppress(OSError):
                # It stays, and is taken for a late one.
                (self._incoming / record).rename(folder / record)
                self._forget(record)
        if row is not None:
            self._batches.use(row.batch, row.number)
        self._settling.watch(folder.name, item.state, self._now)
        self._forget(item.name)

    def _new_claim(self) -> Path:
        folder = self._processing / secrets.token_hex(8)
        folder.mkdir()
        return folder

    def _lay_row(self, folder: Path, item: Dropped, row: FoundRow, *, made: bool) -> None:
        """Put a row's record where its scan is about to come. A record of the clerk's own counts for more."""
        write_mark(folder, Mark(row.batch, row.number, made))
        if made:
            stem = item.name if item.folder else Path(item.name).stem
            write_durably(folder / f"{stem}{RECORDS}", row.record)

    def _forget(self, name: str) -> None:
        self._sights.forget(name)
        self._found.pop(name, None)
        self._records.pop(name.lower(), None)

    def _handed(self, claim_id: str) -> Claim | None:
        # One that cannot be read now is found, and told of, by `resume`.
        with contextlib.suppress(OSError):
            return read_claim(self._processing / claim_id)
        return None

    def _mend(self, folder: Path) -> bool:
        """Finish a claim that a dead run began; whether there is one."""
        main, mark = main_of(folder), read_mark(folder)
        if main is None:
            self._give_back(folder, mark)
            return False
        if mark.batch:
            self._batches.use(mark.batch, mark.row)
        claim = read_claim(folder)
        if claim is not None and claim.record is None and claim.kind not in (Kind.BATCH, Kind.RECORD):
            self._fetch_record(folder, main)
        return True

    def _give_back(self, folder: Path, mark: Mark) -> None:
        """A record without its scan: a clerk's own goes back, one that was made from a row can be made again."""
        for path in sorted(folder.glob(f"*{RECORDS}")):
            if path.name == MARK or mark.made:
                path.unlink()
            elif path.is_file() and not path.is_symlink():
                path.rename(_unused(self._incoming / path.name))
        folder.rmdir()

    def _fetch_record(self, folder: Path, main: Path) -> None:
        """Take the record that a claim died before taking, unless a scan of the same name has come since."""
        names = {path.name.lower(): path for path in self._incoming.iterdir()}
        stem = main.name if main.is_dir() else main.stem
        others = {Path(name).stem for name in names if kind_of(name) is not Kind.RECORD} | names.keys()
        left = names.get(f"{stem}{RECORDS}".lower()) or names.get(f"{main.name}{RECORDS}".lower())
        if stem.lower() in others or left is None or left.is_symlink() or not record_has_its_end(left):
            return
        left.rename(folder / left.name)


def _counts(item: Dropped) -> bool:
    kind = kind_of(item.name, folder=item.folder)
    known = kind is not Kind.SCAN or Path(item.name).suffix.lower() in SCANS
    return known and kind is not Kind.RECORD and not item.nothing_inside


def _holds_record(item: Dropped) -> bool:
    return item.folder and any(kind_of(line[0]) is Kind.RECORD for line in item.state)


def _is_batch(folder: Path) -> bool:
    main = main_of(folder)
    return main is not None and kind_of(main.name) is Kind.BATCH


def _undo(folder: Path) -> None:
    """Take back a claim that got nothing. A share can report an error for a rename that it has done: then it stays."""
    with contextlib.suppress(OSError):
        if main_of(folder) is None:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


def _unused(path: Path) -> Path:
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return free


def _code() -> set[Path]:
    """Where Python imports from, and where templates lie."""
    package = Path(__file__).resolve().parents[1]
    libraries = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")}
    return {package, package.parent / "storage", package.parent / "templates", *libraries}
