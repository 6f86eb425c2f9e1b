"""From records to rows and back: the few statements that every part of the store is made of."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Select, Table, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.models import Record

R = TypeVar("R", bound=Record)


def values_of(record: Record) -> dict[str, Any]:
    """The columns of a record; an unset id is left to the database."""
    values = {name: getattr(record, name) for name in type(record).model_fields}
    if values.get("id", 0) is None:
        del values["id"]
    return values


def insert_one(connection: Connection, table: Table, record: Record) -> int:
    """Insert a record and return the id that the database gave it."""
    key = connection.execute(insert(table).values(values_of(record))).inserted_primary_key
    return int(key[0]) if key is not None else 0


def insert_many(connection: Connection, table: Table, records: Sequence[Record]) -> None:
    """Insert records of which nobody needs the ids."""
    if records:
        connection.execute(insert(table), [values_of(record) for record in records])


def insert_new(connection: Connection, table: Table, record: Record, unique: Iterable[str]) -> int | None:
    """Insert unless a row with the same `unique` columns is there; the new id, None where it was there."""
    statement = upsert(connection, table).values(values_of(record))
    returned = connection.execute(statement.on_conflict_do_nothing(index_elements=list(unique)).returning(table.c.id))
    row = returned.first()
    return None if row is None else int(row[0])


def upsert(connection: Connection, table: Table) -> Any:  # noqa: ANN401 - either dialect's Insert
    """An INSERT that can say ON CONFLICT, in the dialect of the connection."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def put(connection: Connection, table: Table, record: Record) -> None:
    """Insert a record, or replace the row with the same primary key."""
    values = values_of(record)
    keys = [column.name for column in table.primary_key]
    changed = {name: value for name, value in values.items() if name not in keys}
    connection.execute(
        upsert(connection, table).values(values).on_conflict_do_update(index_elements=keys, set_=changed)
    )


def change(connection: Connection, table: Table, row_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
    """Set columns of one row."""
    connection.execute(update(table).where(table.c.id == row_id).values(**values))


def fetch(connection: Connection, record: type[R], statement: Select[Any] | Insert) -> list[R]:
    """The rows of a SELECT over all columns of the record's table, as records."""
    return [record.model_validate(dict(row._mapping)) for row in connection.execute(statement)]


def fetch_one(connection: Connection, record: type[R], statement: Select[Any]) -> R | None:
    """The first row as a record, None where there is none."""
    rows = fetch(connection, record, statement.limit(1))
    return rows[0] if rows else None
