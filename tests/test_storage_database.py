"""Engines, transactions and the schema, on both databases."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

import storage
from storage.database import current_revision, migrate, newest_revision, open_engine, reading, schema_differences
from storage.database import writing as writing_on
from storage.errors import SchemaTooNew, Unavailable
from storage.store import Store
from tests.builders import MONDAY
from tests.records import a_message, an_event, fill

LATER_SCHEMA = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0099", "0005"
branch_labels = depends_on = None


def upgrade():
    with op.batch_alter_table("complaint_case") as batch:
        batch.add_column(sa.Column("rank", sa.Integer(), nullable=False, server_default="0"))
"""
MIGRATE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from storage.database import migrate, open_engine
engine = open_engine(sys.argv[1])
print(migrate(engine, Path(sys.argv[2]), datetime(2026, 9, 7, 10, 0, tzinfo=UTC)))
"""


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    opened = open_engine(empty_database)
    migrate(opened, None, MONDAY)
    yield opened
    opened.dispose()


def migrate_with_later_code(database: str, tmp_path: Path) -> str:
    """Migrate with a copy of the package that knows one revision more; what it says it copied."""
    package = tmp_path / "later" / "storage"
    shutil.copytree(Path(storage.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "migrations" / "versions" / "0099_later.py").write_text(LATER_SCHEMA)
    command = [sys.executable, "-c", MIGRATE, database, str(tmp_path / "copies")]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sqlite_runs_durably_and_with_foreign_keys(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new folder' / 'intake.db'}")
    with writing_on(engine) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}


def test_a_row_that_points_nowhere_is_refused(engine: Engine) -> None:
    store = Store(engine)
    with pytest.raises(IntegrityError), store.processing() as unit:
        unit.add_message(a_message(arrival_id=99))


def test_numbers_counted_by_four_threads_at_once_have_no_holes_and_no_twins(engine: Engine) -> None:
    store, given = Store(engine), []

    def count() -> None:
        for _ in range(50):
            with store.processing() as unit:
                given.append(unit.next_reference("sis", "SIS", 2026))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == [f"SIS-2026-{number:04d}" for number in range(1, 201)]


def test_read_modify_write_in_python_loses_nothing_on_sqlite(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'n.db'}")
    with writing_on(engine) as connection:
        connection.execute(text("CREATE TABLE n (v INTEGER)"))
        connection.execute(text("INSERT INTO n VALUES (0)"))

    def count() -> None:
        for _ in range(50):
            with writing_on(engine) as connection:
                value = connection.execute(text("SELECT v FROM n")).scalar_one()
                connection.execute(text("UPDATE n SET v = :v"), {"v": value + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT v FROM n")).scalar_one() == 200
    engine.dispose()


def test_a_reader_is_not_held_up_by_a_writer(engine: Engine) -> None:
    with writing_on(engine) as writer:
        writer.execute(text("INSERT INTO counter VALUES ('sis', 2026, 1)"))
        with reading(engine) as reader:
            assert reader.execute(text("SELECT count(*) FROM counter")).scalar_one() == 0


def test_what_is_read_together_is_of_one_moment(engine: Engine) -> None:
    count = text("SELECT count(*) FROM counter")
    with reading(engine) as reader:
        assert reader.execute(count).scalar_one() == 0
        with writing_on(engine) as writer:
            writer.execute(text("INSERT INTO counter VALUES ('sis', 2026, 1)"))
        assert reader.execute(count).scalar_one() == 0
    with reading(engine) as reader:
        assert reader.execute(count).scalar_one() == 1


def test_the_migrated_schema_is_that_of_the_models(engine: Engine) -> None:
    assert schema_differences(engine) == []
    assert current_revision(engine) == newest_revision()


def test_a_second_migration_changes_nothing_and_copies_nothing(engine: Engine, tmp_path: Path) -> None:
    assert migrate(engine, tmp_path / "copies", MONDAY) is None
    assert not (tmp_path / "copies").exists()


def test_a_schema_of_a_newer_version_is_refused_and_left_alone(engine: Engine) -> None:
    with writing_on(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="9999") as error:
        migrate(engine, None, MONDAY)
    assert "newer version" in error.value.next_step
    assert current_revision(engine) == "9999"


def test_rows_outlive_a_migration_and_this_code_then_refuses_the_schema(engine: Engine, tmp_path: Path) -> None:
    fill(Store(engine))
    database = engine.url.render_as_string(hide_password=False)
    copy = migrate_with_later_code(database, tmp_path)
    with reading(engine) as connection:
        tables = ("complaint_case", "message", "deadline", "draft", "participant", "event")
        counts = [connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables]
    assert counts == [3] * 6
    with pytest.raises(SchemaTooNew, match="0099"):
        migrate(engine, None, MONDAY)
    if engine.dialect.name == "postgresql":
        assert copy == "None"
        return
    assert Path(copy).name == "intake-before-migration-20260907T100000Z.db"
    before = sqlite3.connect(copy)
    assert before.execute("SELECT version_num FROM alembic_version").fetchone() == ("0005",)
    assert before.execute("SELECT count(*) FROM complaint_case").fetchone() == (3,)
    before.close()


OLD_ROWS = """
INSERT INTO arrival (id, shop, channel, account, folder, uidvalidity, uid, sha256, size, name, received_at,
    received_basis, assumed, imported, problem, state, attempts, stored_at)
VALUES (1, 'sis', 'mail', 'a', 'INBOX', 7, 1, '0', 9, '', '2026-09-07 10:00:00', 'internaldate', {no}, {no}, '',
    'processed', 0, '2026-09-07 10:00:00');
INSERT INTO message (id, arrival_id, part, shop, channel, fate, reason_kind, reason, message_id, content_hash,
    in_reply_to, reference_ids, from_name, from_address, reply_to, recipients, subject, text, quoted, received_at,
    language, category, labels, matched, facts, readable, problems, stored_at)
VALUES (1, 1, 0, 'sis', 'mail', 'set aside', '', '', '<a@example.com>', '', '[]', '[]', '', '', '[]', '[]', '', 'Oud',
    '', '2026-09-07 10:00:00', 'nl', '', '[]', '{{}}', '{{}}', {yes}, '[]', '2026-09-07 10:00:00');
INSERT INTO document (id, message_id, kind, part, name, media_type, size, sha256, inline)
VALUES (1, 1, 'attachment', 1, 'f.jpg', 'image/jpeg', 9, '0', {no})
"""


def test_rows_of_the_first_schema_live_on_in_the_newest(empty_database: str) -> None:
    opened = open_engine(empty_database)
    migrate(opened, None, MONDAY, "0001")
    words = {"no": "false", "yes": "true"} if opened.dialect.name == "postgresql" else {"no": "0", "yes": "1"}
    with writing_on(opened) as connection:
        for statement in OLD_ROWS.format(**words).split(";"):
            connection.execute(text(statement))
    migrate(opened, None, MONDAY)
    (line,) = Store(opened).list_arrivals()
    with reading(opened) as connection:
        documents = connection.execute(text("SELECT count(*) FROM document")).scalar_one()
    opened.dispose()
    assert line.message is not None
    assert (line.message.text, line.message.verified, line.arrival.answered) == ("Oud", "unknown", False)
    assert documents == 1


@pytest.mark.parametrize(
    ("column", "known"), [("draft.state", "deleted"), ("effect.state", "uncertain"), ("deadline.kind", "holding")]
)
def test_the_database_itself_holds_a_column_to_its_values(engine: Engine, column: str, known: str) -> None:
    fill(Store(engine))
    table, name = column.split(".")
    with writing_on(engine) as connection:
        connection.execute(text(f"UPDATE {table} SET {name} = '{known}'"))
    with pytest.raises(IntegrityError), writing_on(engine) as connection:
        connection.execute(text(f"UPDATE {table} SET {name} = 'nonsense'"))


@pytest.mark.parametrize("statement", ["UPDATE event SET actor = 'nobody'", "DELETE FROM event"])
def test_the_history_is_append_only(engine: Engine, statement: str) -> None:
    store = Store(engine)
    with store.processing() as unit:
        unit.add_event(an_event())
    with pytest.raises(DBAPIError, match="append-only"), writing_on(engine) as connection:
        connection.execute(text(statement))
    with store.processing() as unit:
        unit.add_event(an_event(kind="drafted"))
    with reading(engine) as connection:
        assert list(connection.execute(text("SELECT actor FROM event")).scalars()) == ["intake", "intake"]


def test_the_history_cannot_be_emptied_on_postgresql(postgresql_server: str, engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="append-only"), writing_on(engine) as connection:
            connection.execute(text("TRUNCATE event"))


def test_a_file_that_is_no_database_is_told_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "intake.db").write_bytes(b"This is no database. " * 500)
    engine = open_engine(f"sqlite:///{tmp_path / 'intake.db'}")
    with pytest.raises(Unavailable, match="not a database") as error:
        current_revision(engine)
    assert error.value.next_step
    engine.dispose()


def test_a_database_server_that_is_away_is_unavailable() -> None:
    engine = open_engine("postgresql+psycopg://app@127.0.0.1:1/intake")
    with pytest.raises(Unavailable):
        current_revision(engine)
    engine.dispose()
