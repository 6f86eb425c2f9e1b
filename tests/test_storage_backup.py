"""Backup and restore: whole, checked, and from either database into either."""

import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select

from storage.backup import backup, restore
from storage.database import current_revision, migrate, newest_revision, open_engine, reading, schema_differences
from storage.errors import Damaged, NotStored, SchemaTooNew, StorageError
from storage.knowledge import Question
from storage.originals import Originals
from storage.store import Store
from tests.builders import MONDAY
from tests.records import a_case, an_arrival, an_event, fill
from tests.servers import create_database

KEY = "11" * 32 + "\n"


class Installation:
    """A database of a kind with its data folder."""

    def __init__(self, url: str, data: Path) -> None:
        self.engine = open_engine(url)
        self.data = data
        self.originals = Originals(data / "originals")

    def filled(self) -> "Installation":
        migrate(self.engine, None, MONDAY)
        fill(Store(self.engine))
        self.originals.add_all([b"one", b"two", b"three"])
        (self.data / "signing.key").write_text(KEY)
        (self.data / "signing.key").chmod(0o600)
        return self

    def backup(self, target: Path) -> dict[str, int]:
        return backup(self.engine, self.originals, self.data, target, MONDAY)

    def restore(self, source: Path) -> dict[str, int]:
        return restore(self.engine, self.originals, self.data, source, MONDAY)

    def rows(self) -> dict[str, list[list[str]]]:
        """Everything in every table, as plain text that is equal for equal rows of either database."""
        metadata, found = MetaData(), {}
        metadata.reflect(self.engine)
        with reading(self.engine) as connection:
            for table in metadata.sorted_tables:
                ordered = select(table).order_by(*table.primary_key)
                found[table.name] = [
                    [str(value).removesuffix("+00:00") for value in row] for row in connection.execute(ordered)
                ]
        return found


Make = Callable[[str], Installation]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path):
    """Make an installation on `sqlite` or `postgresql`."""
    made: list[Installation] = []

    def new(kind: str) -> Installation:
        data = tmp_path / f"data{len(made)}"
        data.mkdir()
        url = f"sqlite:///{data / 'intake.db'}"
        if kind == "postgresql":
            url = create_database(request.getfixturevalue("postgresql_server"), f"b{uuid.uuid4().hex[:12]}")
        made.append(Installation(url, data))
        return made[-1]

    yield new
    for installation in made:
        installation.engine.dispose()


@pytest.fixture
def taken(make: Make, tmp_path: Path) -> Path:
    """A backup of a filled SQLite installation."""
    make("sqlite").filled().backup(tmp_path / "backup")
    return tmp_path / "backup"


@pytest.mark.parametrize(
    ("source", "target"),
    [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql")],
)
def test_a_restored_backup_is_equal_row_by_row(make: Make, tmp_path: Path, source: str, target: str) -> None:
    old, new = make(source).filled(), make(target)
    told = old.backup(tmp_path / "backup")
    assert new.restore(tmp_path / "backup") == told
    assert told["originals"] == 3
    assert new.rows() == old.rows()
    assert schema_differences(new.engine) == []
    assert [new.originals.read(digest) for digest in new.originals] == [
        old.originals.read(digest) for digest in old.originals
    ]
    assert (new.data / "signing.key").read_text() == KEY
    assert (new.data / "signing.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_ids_and_numbers_go_on_after_a_restore(make: Make, taken: Path, target: str) -> None:
    new = make(target)
    new.restore(taken)
    store = Store(new.engine)
    (arrival_id,) = store.receive([an_arrival(99)])
    with store.processing() as unit:
        reference = unit.next_reference("sis", "SIS", 2026)
        case_id = unit.open_case(a_case(reference), ["jan@example.com"])
        unit.add_event(an_event(case_id=case_id, arrival_id=arrival_id))
    assert reference == "SIS-2026-0004"
    assert (arrival_id, case_id) == (4, 4)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_case_merged_into_a_later_one_stays_merged(make: Make, taken: Path, target: str) -> None:
    new = make(target)
    new.restore(taken)
    with Store(new.engine).processing() as unit:
        asked = Question("sis", 0, references=("SIS-2026-0001",))
        unit.look_up([asked])
        assert unit.known(asked).by_reference["SIS-2026-0001"].id == 3


def test_a_backup_is_taken_while_a_writer_writes(make: Make, tmp_path: Path) -> None:
    old, new = make("sqlite").filled(), make("sqlite")
    stop = threading.Event()

    def write() -> None:
        store, number = Store(old.engine), 100
        while not stop.is_set():
            number += 1
            digest = old.originals.add(b"mail %d" % number)
            store.receive([an_arrival(number, sha256=digest)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            old.backup(tmp_path / f"backup{number}")
    finally:
        stop.set()
        writer.join()
    new.restore(tmp_path / "backup4")
    lines = Store(new.engine).list_arrivals()
    assert all(new.originals.read(line.arrival.sha256) for line in lines if line.arrival.uid > 100)


def damaged_row(source: Path) -> None:
    path = source / "tables" / "message.jsonl"
    path.write_bytes(path.read_bytes().replace(b"104233", b"104234"))


def damaged_original(source: Path) -> None:
    path = next(source.glob("originals/??/*"))
    path.chmod(0o644)
    path.write_bytes(b"other")


DAMAGES = {
    "a row was changed": damaged_row,
    "a table is missing": lambda source: (source / "tables" / "event.jsonl").unlink(),
    "an original was changed": damaged_original,
    "an original is missing": lambda source: next(source.glob("originals/??/*")).unlink(),
    "the manifest is cut off": lambda source: (source / "manifest.json").write_text('{"format": "int'),
    "the manifest is of something else": lambda source: (source / "manifest.json").write_text('{"format": "x"}'),
    "the manifest is a list": lambda source: (source / "manifest.json").write_text("[]"),
    "the manifest says no more than its format": lambda source: (source / "manifest.json").write_text(
        '{"format": "intake-backup/1"}'
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_refused_and_the_target_stays_empty(make: Make, taken: Path, damage: str) -> None:
    DAMAGES[damage](taken)
    new = make("sqlite")
    with pytest.raises(Damaged) as error:
        new.restore(taken)
    assert error.value.next_step
    assert current_revision(new.engine) is None


def test_a_backup_that_was_broken_off_is_none(make: Make, taken: Path) -> None:
    (taken / "manifest.json").unlink()
    with pytest.raises(NotStored, match="no whole backup"):
        make("sqlite").restore(taken)


def test_a_backup_of_a_newer_version_is_refused(make: Make, taken: Path) -> None:
    manifest = json.loads((taken / "manifest.json").read_text())
    (taken / "manifest.json").write_text(json.dumps({**manifest, "schema": "9999"}))
    with pytest.raises(SchemaTooNew, match="9999"):
        make("sqlite").restore(taken)


def test_a_database_with_rows_is_not_restored_into(make: Make, taken: Path) -> None:
    full = make("sqlite").filled()
    before = full.rows()
    with pytest.raises(StorageError, match="not empty"):
        full.restore(taken)
    assert full.rows() == before


def test_an_empty_database_of_a_first_start_is_restored_into(make: Make, taken: Path) -> None:
    new = make("sqlite")
    migrate(new.engine, None, MONDAY)
    new.restore(taken)
    assert current_revision(new.engine) == newest_revision()


def test_a_restore_can_be_begun_again(make: Make, taken: Path) -> None:
    new = make("sqlite")
    new.originals.add(b"one")
    assert new.restore(taken)["originals"] == 3


def test_a_backup_needs_a_folder_of_its_own(make: Make, taken: Path) -> None:
    with pytest.raises(StorageError, match="not empty"):
        make("sqlite").filled().backup(taken)
