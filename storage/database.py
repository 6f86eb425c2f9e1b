"""Engines for SQLite and PostgreSQL, the migrations, and the lock that keeps a second process out.

SQLite runs in WAL with `synchronous=FULL` and foreign keys on, and every writing transaction is `BEGIN IMMEDIATE`:
pysqlite's own transactions lose concurrent read-modify-writes silently, plain BEGIN fails with "database is locked".
Nothing else in Intake knows which database it is.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from storage.errors import DataLocked, SchemaTooNew, Unavailable
from storage.models import METADATA

MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_MS = 20_000
# Advisory locks belong to one database, so the number only has to differ from those of other programs in it. It must
# not depend on the URL: two machines may know the same server by different names.
ADVISORY_LOCK = 0x494E_5441_4B45
UNIT_LOCK = ADVISORY_LOCK + 1  # held by the one transaction that reads cases and writes back what it made of them
LIMIT_EXCEEDED = "54"  # PostgreSQL's class of errors for a value that is too large: that row's fault
READ_ONLY = {"intake_read_only": True}
# PostgreSQL's default shows each statement what was committed by then; what is read together has to be of one moment.
ONE_MOMENT = {"isolation_level": "REPEATABLE READ"}


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///PATH` or `postgresql+psycopg://…`. Nothing is connected yet."""
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url)
    # Errors are logged: what people wrote must not stand in them.
    options = {"options": f"-c timezone=UTC -c lock_timeout={BUSY_MS}"}
    return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=options)


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("intake_read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One writing transaction: committed at the end, rolled back on any error. Raises `Unavailable`."""
    with told(), engine.begin() as connection:
        yield connection


@contextmanager
def writing_alone(engine: Engine) -> Iterator[Connection]:
    """One writing transaction that no other one of its kind runs beside: what it reads stays so until it ends. SQLite
    has one writer at any time; PostgreSQL holds the next one back here."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": UNIT_LOCK})
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One reading transaction: a consistent view that holds no write lock. Raises `Unavailable`."""
    options = READ_ONLY | (ONE_MOMENT if engine.dialect.name == "postgresql" else {})
    with told(), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def told() -> Iterator[None]:
    """A database that is away, full or damaged as `Unavailable`; a row that it refuses as it is."""
    try:
        yield
    except DBAPIError as error:
        # sqlite3 has no class of its own for "file is not a database" and "disk image is malformed".
        if not isinstance(error, OperationalError | InterfaceError) and type(error.orig) is not sqlite3.DatabaseError:
            raise
        if str(getattr(error.orig, "sqlstate", "") or "").startswith(LIMIT_EXCEEDED):
            raise
        raise Unavailable(
            f"The database cannot be used: {str(error.orig).strip()}.",
            "Nothing is lost; check that it runs and that the disk has room, and it goes on by itself.",
        ) from error


def newest_revision() -> str:
    """The schema revision that this code is written for."""
    return ScriptDirectory.from_config(_alembic()).get_current_head() or ""


def knows_revision(revision: str | None) -> bool:
    """Whether this code can bring a database of that revision to the newest."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}


def current_revision(engine: Engine) -> str | None:
    """The schema revision of the database, None where there is none yet."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine, copies: Path | None, now: datetime, revision: str = "head") -> str | None:
    """Bring the schema to `revision`. A copy of an SQLite database with data is put in `copies` first.

    Returns the name of the copy, None where none was needed. Raises `SchemaTooNew` where the database is ahead.
    """
    current = current_revision(engine)
    if current is not None and not knows_revision(current):
        raise SchemaTooNew(
            f"The database has schema {current}, which this version of Intake does not know.",
            "Start the newer version that made it, or restore a backup of before.",
        )
    if current == newest_revision() and revision == "head":
        return None
    copy = _copy_sqlite(engine, copies, now) if current is not None and copies is not None else None
    _upgrade(engine, revision)
    return copy


def _upgrade(engine: Engine, revision: str) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Outside a transaction, or it does nothing: with foreign keys on, a batch operation on a parent
            # table drops it and deletes its children.
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.close()
        try:
            with connection.begin():
                config = _alembic()
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
        finally:
            connection.invalidate()


def _copy_sqlite(engine: Engine, copies: Path, now: datetime) -> str | None:
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path:
        return None
    copies.mkdir(parents=True, exist_ok=True)
    target = copies / f"{Path(path).stem}-before-migration-{now:%Y%m%dT%H%M%SZ}.db"
    source, copy = sqlite3.connect(path), sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        source.close()
        copy.close()
    return str(target)


def drop_copies(copies: Path, before: datetime) -> list[str]:
    """Delete the copies that were made before migrations earlier than a moment; their names."""
    old = [path for path in old_copies(copies) if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return [path.name for path in old]


def old_copies(copies: Path) -> list[Path]:
    """The copies that were made before migrations, and what SQLite keeps beside them."""
    return sorted(copies.glob("*-before-migration-*.db*"))


def schema_differences(engine: Engine) -> list[Any]:
    """What the tables in the database have that the models have not, and the other way round."""
    with engine.connect() as connection, connection.begin():
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


class ProcessLock:
    """One process at a time: a lock on a file of the data folder, and on PostgreSQL an advisory lock too,
    since two machines may share the database. The operating system lets both go when the process dies."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._path = folder / "lock"
        self._file: int | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> "ProcessLock":
        try:
            self._lock_file()
            if self._engine.dialect.name == "postgresql":
                self._lock_database()
        except (DataLocked, Unavailable, OSError):
            self._let_go()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            # Closed for good: a connection that goes back to the pool keeps its advisory lock.
            self._connection.invalidate()
            self._connection.close()
        if self._file is not None:
            os.close(self._file)
        self._connection = self._file = None

    def _lock_file(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataLocked(
                f"Another Intake process works on {self._path.parent}.",
                "Stop it first, or use the commands that only read.",
            ) from error

    def _lock_database(self) -> None:
        with told():
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            asked = self._connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": ADVISORY_LOCK})
            free = bool(asked.scalar())
        if not free:
            raise DataLocked(
                "Another Intake process works on this PostgreSQL database.",
                "Stop it first, or give this installation a database of its own.",
            )
