"""Backup and restore of database and originals, the same way for SQLite and PostgreSQL.

    DIR/manifest.json     schema revision, when, rows and SHA-256 of each table's file, number of originals
    DIR/tables/NAME.jsonl one row a line, read in one transaction
    DIR/originals/…       every original, by its hash
    DIR/signing.key       the key that signs our Message-IDs

A backup is taken while Intake runs: rows are only ever added after their originals, so reading the rows first and
copying the originals then gives a whole. Because rows are plain JSON, a backup of SQLite can be restored into
PostgreSQL: that is how an installation moves.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Date,
    DateTime,
    Engine,
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from storage.database import current_revision, knows_revision, migrate, reading, writing
from storage.errors import Damaged, NotStored, SchemaTooNew, StorageError
from storage.originals import Originals

FORMAT = "intake-backup/1"
ROWS_AT_A_TIME = 500
KEY = "signing.key"
VERSION_TABLE = "alembic_version"


def backup(engine: Engine, originals: Originals, data: Path, target: Path, now: datetime) -> dict[str, int]:
    """Write a backup into an empty or new folder; the number of rows and originals. The manifest is written last:
    a folder without one is no backup. Raises `StorageError` where the folder is not empty."""
    if target.exists() and any(target.iterdir()):
        raise StorageError(f"{target} is not empty.", "Name a new folder for each backup.")
    tables = target / "tables"
    tables.mkdir(parents=True)
    target.chmod(0o700)
    written = {}
    with originals.held():  # what the rows name must be there still when it is copied
        with reading(engine) as connection:
            for table in _tables(connection):
                written[table.name] = _dump(connection, table, tables / f"{table.name}.jsonl")
        copied = _copy_originals(originals, Originals(target / "originals"))
    if (data / KEY).exists():
        shutil.copy2(data / KEY, target / KEY)
    manifest = {
        "format": FORMAT,
        "schema": current_revision(engine),
        "made_at": now.isoformat(),
        "tables": written,
        "originals": copied,
    }
    _write_durably(target / "manifest.json", json.dumps(manifest, indent=2).encode())
    return {"rows": sum(int(table["rows"]) for table in written.values()), "originals": copied}


def restore(engine: Engine, originals: Originals, data: Path, source: Path, now: datetime) -> dict[str, int]:
    """Put a backup into an empty database and data folder; the number of rows and originals. Everything is checked
    against the manifest first; one that was broken off can be begun again. Raises `NotStored`, `Damaged`,
    `SchemaTooNew`, `StorageError`."""
    manifest = _manifest(source)
    if not knows_revision(manifest["schema"]):
        raise SchemaTooNew(
            f"The backup {source} has schema {manifest['schema']}, which this version of Intake does not know.",
            "Restore it with the newer version that made it.",
        )
    if current_revision(engine) is not None and _has_rows(engine):
        raise StorageError("The database is not empty.", "Restore into a new one.")
    for name, table in manifest["tables"].items():
        _check(source / "tables" / f"{name}.jsonl", table["sha256"])
    data.mkdir(parents=True, exist_ok=True)
    copied = _copy_originals(Originals(source / "originals"), originals)
    if copied != manifest["originals"]:
        raise Damaged(
            f"The backup {source} has {copied} of {manifest['originals']} originals.", "Take an older backup."
        )
    if (source / KEY).exists():
        shutil.copy2(source / KEY, data / KEY)
    migrate(engine, None, now, manifest["schema"])
    with writing(engine) as connection:
        rows = sum(_load(connection, table, source / "tables") for table in _tables(connection))
    migrate(engine, None, now)
    return {"rows": rows, "originals": copied}


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, parents before children."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]


def _dump(connection: Connection, table: Table, path: Path) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    with path.open("wb") as file:
        for row in connection.execute(select(table).order_by(*table.primary_key)):
            line = json.dumps({key: _plain(value) for key, value in row._mapping.items()}).encode() + b"\n"
            file.write(line)
            digest.update(line)
            rows += 1
        file.flush()
        os.fsync(file.fileno())
    return {"rows": rows, "sha256": digest.hexdigest()}


def _plain(value: object) -> object:
    """Moments as naive UTC, which both databases take back."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _load(connection: Connection, table: Table, folder: Path) -> int:
    path = folder / f"{table.name}.jsonl"
    if not path.exists():
        return 0
    count, batch = 0, []
    left_empty: dict[str, Any] = dict.fromkeys(_own_keys(table))
    for row in _rows(path, table):
        batch.append({**row, **left_empty})
        count += 1
        if len(batch) >= ROWS_AT_A_TIME:
            connection.execute(insert(table), batch)
            batch = []
    if batch:
        connection.execute(insert(table), batch)
    _join_rows(connection, table, path)
    _set_sequence(connection, table)
    return count


def _own_keys(table: Table) -> list[str]:
    """Columns that name another row of the same table: a case that was merged into a later one."""
    return [key.parent.name for key in table.foreign_keys if key.column.table is table]


def _join_rows(connection: Connection, table: Table, path: Path) -> None:
    """Set the columns that were left empty because the row that they name had not been inserted yet."""
    for name in _own_keys(table):
        statement = update(table).where(table.c.id == bindparam("row_id")).values({name: bindparam("named_id")})
        links = [
            {"row_id": row["id"], "named_id": row[name]} for row in _rows(path, table) if row.get(name) is not None
        ]
        if links:
            connection.execute(statement, links)


def _rows(path: Path, table: Table) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield _typed(json.loads(line), table)


def _typed(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    typed = dict(row)
    for column in table.columns:
        value = typed.get(column.name)
        if isinstance(value, str) and isinstance(column.type, DateTime):
            moment = datetime.fromisoformat(value)
            typed[column.name] = moment.replace(tzinfo=UTC) if column.type.timezone else moment
        elif isinstance(value, str) and isinstance(column.type, Date):
            typed[column.name] = date.fromisoformat(value)
    return typed


def _set_sequence(connection: Connection, table: Table) -> None:
    """PostgreSQL's counters know nothing of rows that were inserted with their ids."""
    if connection.dialect.name == "postgresql" and "id" in table.c:
        highest = connection.execute(select(func.max(table.c.id))).scalar()
        if highest is not None:
            sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :highest)")
            connection.execute(sequence, {"name": table.name, "highest": highest})


def _has_rows(engine: Engine) -> bool:
    with reading(engine) as connection:
        return any(connection.execute(select(table).limit(1)).first() for table in _tables(connection))


def _copy_originals(source: Originals, target: Originals) -> int:
    """Copy every original, reading each by its hash, so that a damaged one is noticed."""
    count = 0
    batch: list[bytes] = []
    for digest in source:
        batch.append(source.read(digest))
        count += 1
        if len(batch) >= 50:
            target.add_all(batch)
            batch = []
    target.add_all(batch)
    return count


def _manifest(source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotStored(
            f"{source} is no whole backup: it has no manifest.json.", "Name a folder that `intake backup` has filled."
        ) from error
    except (OSError, ValueError) as error:
        raise Damaged(f"The manifest of {source} cannot be read: {error}.", "Take an older backup.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Damaged(
            f"{source} is not a backup of a kind that this version knows.", "Restore it with the version that made it."
        )
    if not {"schema", "tables", "originals"} <= manifest.keys():
        raise Damaged(f"The manifest of {source} is not whole.", "Take an older backup.")
    return manifest


def _check(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Damaged(f"The backup's {path} is missing.", "Take an older backup.") from error
    if found != sha256:
        raise Damaged(f"The backup's {path} has changed since it was made.", "Take an older backup.")


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
