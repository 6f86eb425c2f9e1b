"""The CSV batches that lie in `processing/`, and which of their rows wait for a scan.

A row serves one scan: scanners use their names again. Which rows are used is kept beside the batch, so that it is known
after a crash too. When a batch is finished is the caller's to say; nothing here moves one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from intake.errors import RecordError
from intake.post_batch import Batch, read_rows
from intake.sources.claims import Kind, kind_of, main_of
from intake.sources.completeness import open_at_once

MAX_READ = 1024 * 1024 + 1
USED = ".row-"


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row for a scan: the batch's claim, the row's number and the record that it makes."""

    batch: str
    number: int
    record: bytes


@dataclass(slots=True)
class _Open:
    path: Path
    state: tuple[int, int]
    batch: Batch
    used: set[int] = field(default_factory=set)


class OpenBatches:
    """The batches of one post folder, read once each. `processing` is where claims lie."""

    def __init__(self, processing: Path) -> None:
        self._processing = processing
        self._looked_at: set[str] = set()
        self._open: dict[str, _Open] = {}

    def refresh(self, claims: Iterable[str]) -> None:
        """Read what has come in among these claims, and forget what has gone."""
        present = set(claims)
        self._open = {name: batch for name, batch in self._open.items() if name in present}
        for name in sorted(present - self._looked_at):
            try:
                main = main_of(self._processing / name)
            except FileNotFoundError:
                continue  # it was filed just now
            if main is not None and kind_of(main.name) is Kind.BATCH and main.is_file():
                self._open[name] = _read(main)
        self._looked_at = present

    @property
    def ids(self) -> list[str]:
        """Their claims."""
        return sorted(self._open)

    def row_for(self, name: str) -> FoundRow | None:
        """An unused row that names this scan, of the batch that came last."""
        for claim_id, one in sorted(self._open.items(), key=lambda item: item[1].state, reverse=True):
            found = one.batch.record_for(name)
            if found is not None and found[0] not in one.used:
                return FoundRow(claim_id, *found)
        return None

    def use(self, claim_id: str, number: int) -> None:
        """The row has its scan. May be repeated."""
        folder = self._processing / claim_id
        if folder.is_dir():
            (folder / f"{USED}{number}").touch()
        if claim_id in self._open:
            self._open[claim_id].used.add(number)


def _read(path: Path) -> _Open:
    status = path.lstat()
    try:
        with open_at_once(path) as file:
            batch = read_rows(file.read(MAX_READ))
    except (RecordError, OSError):
        # Whoever files it says what is wrong; meanwhile it has no rows.
        batch = Batch(())
    used = {int(mark.name.removeprefix(USED)) for mark in path.parent.glob(f"{USED}*")}
    return _Open(path, (status.st_ctime_ns, status.st_ino), batch, used)
