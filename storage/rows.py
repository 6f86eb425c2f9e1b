"""From records to rows and back: the few statements that every part of the store is made of.

Statements are built once for each table and dialect and run with plain parameters: building one from a record's
values each time costs more than the database takes to carry it out.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.models import Record

R = TypeVar("R", bound=Record)


def values_of(record: Record, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - columns
    """The columns of a record, with `more` in place of its own; an unset id is left to the database."""
    values = {name: getattr(record, name) for name in type(record).model_fields} | more
    if values.get("id", 0) is None:
        del values["id"]
    return values


def insert_all(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], unique: tuple[str, ...] = ()
) -> None:
    """Insert rows, as `values_of` makes them, in one statement. Where `unique` names columns, one that agrees in them
    with a row that is there changes nothing."""
    if rows:
        statement = _insert_new(connection.dialect.name, table, unique) if unique else _insert(table)
        connection.execute(statement, rows)


def insert_new(connection: Connection, table: Table, records: Sequence[Record], unique: tuple[str, ...]) -> list[int]:
    """Insert those that agree in the `unique` columns with no row that is there, in one statement; their new ids."""
    if not records:
        return []
    statement = _insert_new_returning(connection.dialect.name, table, unique)
    return sorted(connection.execute(statement, [values_of(record) for record in records]).scalars())


def put(connection: Connection, table: Table, record: Record) -> None:
    """Insert a record without an id of its own, or replace the row with the same primary key."""
    keys = tuple(column.name for column in table.primary_key)
    names = tuple(type(record).model_fields)
    connection.execute(_put(connection.dialect.name, table, keys, names), values_of(record))


def change(connection: Connection, table: Table, row_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
    """Set columns of one row."""
    parameters = {f"new_{name}": value for name, value in values.items()}
    connection.execute(_change(table, tuple(values)), {"row_id": row_id, **parameters})


def fetch(connection: Connection, record: type[R], statement: Select[Any]) -> list[R]:
    """The rows of a SELECT over all columns of the record's table, as records."""
    return [record.model_validate(dict(row._mapping)) for row in connection.execute(statement)]


def fetch_one(connection: Connection, record: type[R], statement: Select[Any]) -> R | None:
    """The first row as a record, None where there is none."""
    rows = fetch(connection, record, statement.limit(1))
    return rows[0] if rows else None


def upsert(dialect: str, table: Table) -> Any:  # noqa: ANN401 - either dialect's Insert
    """An INSERT that can say ON CONFLICT, in the dialect of the connection."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@lru_cache(maxsize=64)
def _insert(table: Table) -> Any:  # noqa: ANN401 - a statement
    return insert(table)


@lru_cache(maxsize=64)
def _insert_new(dialect: str, table: Table, unique: tuple[str, ...]) -> Any:  # noqa: ANN401 - a statement
    return upsert(dialect, table).on_conflict_do_nothing(index_elements=list(unique))


@lru_cache(maxsize=64)
def _insert_new_returning(dialect: str, table: Table, unique: tuple[str, ...]) -> Any:  # noqa: ANN401 - a statement
    return _insert_new(dialect, table, unique).returning(table.c.id)


@lru_cache(maxsize=64)
def _put(dialect: str, table: Table, keys: tuple[str, ...], names: tuple[str, ...]) -> Any:  # noqa: ANN401
    statement = upsert(dialect, table)
    replaced = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=replaced)


@lru_cache(maxsize=128)
def _change(table: Table, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - a statement
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)
