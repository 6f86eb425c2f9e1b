"""The history as a chain: each line of a shop carries its number and a hash over itself and the hash before it.

Whoever changes, takes out or puts in a line has to make every later hash anew; a hash that somebody else has kept (it
stands in each evidence bundle) then tells. What is hashed is the line without its id, as canonical JSON (sorted keys,
no blanks, UTF-8), after the hash before it in hex. Moments are ISO 8601 in UTC. Pure but for `Chain`, which reads.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from storage.database import reading
from storage.tables import EVENTS

START = ""  # the hash before the first line
HASHED = ("number", "shop", "arrival_id", "case_id", "kind", "actor", "data", "at")
Heads = dict[str, tuple[int, str]]
"""The number and hash of the last line of each shop."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain of a shop does not hold: at the line with this id and number, and what is wrong with it."""

    shop: str
    event_id: int
    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: how many lines each shop has and the hash of its last one, and every break."""

    heads: Mapping[str, tuple[int, str]]
    breaks: tuple[Break, ...]


def line_hash(previous: str, line: Mapping[str, Any]) -> str:
    """The hash of a line that follows the one with the hash `previous`."""
    told = {name: line[name] for name in HASHED if name != "at"} | {"at": _moment(line["at"])}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def chained(lines: Iterable[Mapping[str, Any]], heads: Heads) -> Iterator[dict[str, Any]]:
    """Each line with its number and hash, in order; `heads` is kept up to date."""
    for line in lines:
        number, previous = heads.get(line["shop"], (0, START))
        numbered = {**line, "number": number + 1}
        numbered["hash"] = line_hash(previous, numbered)
        heads[line["shop"]] = (number + 1, numbered["hash"])
        yield numbered


def check(lines: Iterable[Mapping[str, Any]]) -> Audit:
    """Follow the chain of each shop, given all lines in the order of shop and number. After a break it is followed on
    from the line as it stands, so that each place is named once."""
    heads: Heads = {}
    breaks: list[Break] = []
    for line in lines:
        number, previous = heads.get(line["shop"], (0, START))
        what = _wrong(line, number, previous)
        if what:
            breaks.append(Break(line["shop"], line["id"], line["number"], what))
        heads[line["shop"]] = (line["number"], line["hash"])
    return Audit(heads, tuple(breaks))


def _wrong(line: Mapping[str, Any], number: int, previous: str) -> str:
    if line["number"] == number:
        return "its number is there twice: a line was put in"
    if line["number"] != number + 1:
        missing = line["number"] - number - 1
        return f"{missing} lines before it are missing" if missing > 1 else "the line before it is missing"
    if line["hash"] != line_hash(previous, line):
        return "it is not what was written, or the line before it was replaced"
    return ""


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def last_lines(connection: Connection, shops: Iterable[str]) -> Heads:
    """The number and hash of the last line of these shops."""
    heads: Heads = {}
    for shop in shops:
        newest = select(EVENTS.c.number, EVENTS.c.hash).where(EVENTS.c.shop == shop)
        row = connection.execute(newest.order_by(EVENTS.c.number.desc()).limit(1)).first()
        if row is not None:
            heads[shop] = (row.number, row.hash)
    return heads


class Chain:
    """The history, looked at for what was changed. One of these is `Store.chain`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def audit(self, shop: str | None = None) -> Audit:
        """Follow the chain of a shop, or of all. Raises `Unavailable`."""
        statement = select(EVENTS).order_by(EVENTS.c.shop, EVENTS.c.number, EVENTS.c.id)
        if shop is not None:
            statement = statement.where(EVENTS.c.shop == shop)
        with reading(self._engine) as connection:
            rows = connection.execution_options(yield_per=1000).execute(statement)
            return check(dict(row._mapping) for row in rows)

    def head(self, shop: str) -> tuple[int, str]:
        """The number and hash of the last line of a shop; (0, "") where there is none."""
        with reading(self._engine) as connection:
            return last_lines(connection, [shop]).get(shop, (0, START))

    def hash_at(self, shop: str, number: int) -> str | None:
        """The hash of a line, by its number; None where there is no such line."""
        statement = select(EVENTS.c.hash).where(EVENTS.c.shop == shop, EVENTS.c.number == number)
        with reading(self._engine) as connection:
            found: str | None = connection.execute(statement).scalar()
        return found

    def has(self, digest: str) -> bool:
        """Whether any line of any shop has this hash."""
        with reading(self._engine) as connection:
            return connection.execute(select(EVENTS.c.id).where(EVENTS.c.hash == digest)).first() is not None
