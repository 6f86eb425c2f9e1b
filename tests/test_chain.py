"""The history is a chain of hashes, on both databases: nothing is changed, taken out or put in unseen."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, column, insert, select, table, text
from sqlalchemy.exc import DBAPIError

from storage.append_only import MAY_CHANGE
from storage.backup import backup, restore
from storage.chain import START, chained, check, line_hash
from storage.database import migrate, open_engine, reading, writing
from storage.originals import Originals
from storage.store import Store
from storage.tables import EVENTS
from tests.builders import MONDAY
from tests.records import an_event
from tests.servers import create_database

# What a database could give back otherwise than it took it: microseconds, zones, other alphabets, kinds of values.
HARD: dict[str, Any] = {
    "zoë": '“é”\u2028🎁\\n"',
    "b": 1,
    "a": "1",
    "n": None,
    "t": True,
    "l": [1, "2", None],
    "z": {"y": {}},
}
HARD_AT = datetime(2026, 10, 25, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store(open_engine(database))
    yield opened
    opened.engine.dispose()


def write(store: Store, *shops: str, **changes: Any) -> None:
    """Lines of these shops' histories, in one transaction."""
    with store.processing() as unit:
        for number, shop in enumerate(shops):
            unit.add_event(an_event(shop=shop, data={"n": number}, **changes))


def lines(store: Store, shop: str = "sis") -> list[dict[str, Any]]:
    with reading(store.engine) as connection:
        found = connection.execute(select(EVENTS).where(EVENTS.c.shop == shop).order_by(EVENTS.c.number))
        return [dict(row._mapping) for row in found]


def tamper(store: Store, change: Callable[[Connection], object]) -> None:
    """Do to the history what the database forbids everybody but its owner."""
    with writing(store.engine) as connection:
        for statement in MAY_CHANGE[store.engine.dialect.name]:
            connection.execute(text(statement))
        change(connection)


def test_each_shop_has_a_chain_of_its_own(store: Store) -> None:
    write(store, "sis", "deu", "sis")
    write(store, "deu")
    write(store, "sis", "cut")
    audit = store.chain.audit()
    assert audit.breaks == ()
    assert {shop: number for shop, (number, _) in audit.heads.items()} == {"sis": 3, "deu": 2, "cut": 1}
    assert [line["number"] for line in lines(store)] == [1, 2, 3]
    assert audit.heads["sis"] == store.chain.head("sis") == (3, lines(store)[-1]["hash"])
    assert store.chain.audit("deu").heads == {"deu": audit.heads["deu"]}
    assert store.chain.head("none") == (0, START)


def test_what_comes_back_from_the_database_has_the_hash_of_what_went_in(store: Store) -> None:
    event = an_event(data=HARD, at=HARD_AT, actor="Zoë’s “desk”", kind="opened")
    with store.processing() as unit:
        unit.add_event(event)
    (line,) = lines(store)
    (wanted,) = chained([event.model_dump(exclude={"number", "hash"})], {})
    assert line["hash"] == wanted["hash"]
    assert store.chain.audit().breaks == ()


def test_an_item_that_fails_leaves_no_hole(store: Store) -> None:
    with store.processing() as unit:
        unit.add_event(an_event(kind="first"))
        with suppress(LookupError), unit.item():
            unit.add_event(an_event(kind="never"))
            raise LookupError
        unit.add_event(an_event(kind="second"))
    with suppress(LookupError), store.processing() as unit:
        unit.add_event(an_event(kind="never"))
        raise LookupError
    write(store, "sis")
    assert [line["kind"] for line in lines(store)] == ["first", "second", "opened"]
    assert store.chain.audit().breaks == ()


def test_many_who_write_at_once_make_one_chain(store: Store, database: str) -> None:
    """Threads of the service, and a command with connections of its own."""
    command = Store(open_engine(database))

    def work(mine: Store, shop: str) -> None:
        for _ in range(15):
            write(mine, "sis", shop)

    threads = [
        threading.Thread(target=work, args=told)
        for told in ((store, "deu"), (store, "sis"), (command, "deu"), (command, "sis"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    command.engine.dispose()
    audit = store.chain.audit()
    assert audit.breaks == ()
    assert (audit.heads["sis"][0], audit.heads["deu"][0]) == (90, 30)


def test_the_history_of_an_earlier_version_is_chained_as_it_is(empty_database: str) -> None:
    engine = open_engine(empty_database)
    migrate(engine, None, MONDAY, "0004")
    old = table("event", *(column(one.name, one.type) for one in EVENTS.c if one.name not in ("id", "number", "hash")))
    with writing(engine) as connection:
        for number, shop in enumerate(("sis", "deu", "sis", "sis", "deu")):
            told = {"shop": shop, "kind": f"line {number}", "data": HARD, "at": HARD_AT + timedelta(seconds=number)}
            connection.execute(insert(old).values(actor="intake", **told))
    migrate(engine, None, MONDAY)
    store = Store(engine)
    audit = store.chain.audit()
    assert audit.breaks == ()
    assert {shop: number for shop, (number, _) in audit.heads.items()} == {"sis": 3, "deu": 2}
    assert [line["kind"] for line in lines(store)] == ["line 0", "line 2", "line 3"]
    statements = ["UPDATE event SET actor = 'nobody'", "DELETE FROM event"]
    for statement in statements + ["TRUNCATE event"] * (engine.dialect.name == "postgresql"):
        with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
            connection.execute(text(statement))
    write(store, "sis")
    assert store.chain.audit().breaks == ()
    engine.dispose()


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_of_either_kind_keeps_the_chain_in_either_kind(
    request: pytest.FixtureRequest, store: Store, tmp_path: Path, target: str
) -> None:
    write(store, "sis", "deu", "sis", at=HARD_AT)
    with store.processing() as unit:
        unit.add_event(an_event(data=HARD, at=HARD_AT))
    originals = Originals(tmp_path / "originals")
    backup(store.engine, originals, tmp_path, tmp_path / "backup", MONDAY)
    url = f"sqlite:///{tmp_path / 'other' / 'intake.db'}"
    if target == "postgresql":
        url = create_database(request.getfixturevalue("postgresql_server"), f"c{uuid.uuid4().hex[:12]}")
    other = Store(open_engine(url))
    restore(other.engine, Originals(tmp_path / "other" / "originals"), tmp_path / "other", tmp_path / "backup", MONDAY)
    assert [line["hash"] for line in lines(other)] == [line["hash"] for line in lines(store)]
    write(other, "sis")
    assert other.chain.audit().breaks == ()
    other.engine.dispose()


def set_line(number: int, /, **values: Any) -> Callable[[Connection], object]:
    def change(connection: Connection) -> None:
        connection.execute(EVENTS.update().where(EVENTS.c.number == number).values(**values))

    return change


def take_out(*numbers: int) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(EVENTS.delete().where(EVENTS.c.number.in_(numbers)))


def put_in(connection: Connection) -> None:
    """A line between 2 and 3, and the numbers after it moved up."""
    for number in (5, 4, 3):
        set_line(number, number=number + 1)(connection)
    connection.execute(EVENTS.insert().values(**an_event(number=3, hash="0" * 64).model_dump(exclude={"id"})))


def swap(connection: Connection) -> None:
    for before, after in ((2, 99), (3, 2), (99, 3)):
        set_line(before, number=after)(connection)


def hash_anew(connection: Connection) -> None:
    """Change line 3, and make its own hash fit."""
    set_line(3, actor="nobody")(connection)
    rows = connection.execute(select(EVENTS).where(EVENTS.c.number.in_((2, 3))).order_by(EVENTS.c.number)).all()
    set_line(3, hash=line_hash(rows[0].hash, dict(rows[1]._mapping)))(connection)


CHANGED, REPLACED = "it is not what was written, or the line before it was replaced", "the line before it is missing"
TAMPERED: dict[str, tuple[Callable[[Connection], object], list[tuple[int, str]]]] = {
    "who": (set_line(3, actor="nobody"), [(3, CHANGED)]),
    "what": (set_line(3, kind="closed"), [(3, CHANGED)]),
    "when": (set_line(3, at=MONDAY + timedelta(microseconds=1)), [(3, CHANGED)]),
    "data": (set_line(3, data={"n": "2"}), [(3, CHANGED)]),
    "the first line": (set_line(1, data={}), [(1, CHANGED)]),
    "the last line": (set_line(5, data={}), [(5, CHANGED)]),
    "its hash": (set_line(3, hash="0" * 64), [(3, CHANGED), (4, CHANGED)]),
    "its line and its hash": (hash_anew, [(4, CHANGED)]),
    "a line taken out": (take_out(3), [(4, REPLACED)]),
    "the first taken out": (take_out(1), [(2, REPLACED)]),
    "two taken out": (take_out(2, 3), [(4, "2 lines before it are missing")]),
    "a line put in": (put_in, [(3, CHANGED), (4, CHANGED), (5, CHANGED), (6, CHANGED)]),
    "two swapped": (swap, [(2, CHANGED), (3, CHANGED), (4, CHANGED)]),
    "a line of another shop": (set_line(3, shop="deu"), [(3, "2 lines before it are missing"), (4, REPLACED)]),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_done_to_the_history_is_found_and_named(store: Store, what: str) -> None:
    write(store, *["sis"] * 5)
    change, wanted = TAMPERED[what]
    tamper(store, change)
    found = store.chain.audit().breaks
    assert [(one.number, one.what) for one in found] == wanted
    ids = {line["number"]: line["id"] for line in (*lines(store), *lines(store, "deu"))}
    assert all(one.event_id == ids[one.number] for one in found)


def test_a_tail_that_was_cut_off_shows_against_a_head_that_was_kept_only(store: Store) -> None:
    write(store, *["sis"] * 5)
    number, head = store.chain.head("sis")
    assert store.chain.has(head)
    tamper(store, take_out(4, 5))
    assert store.chain.audit().breaks == ()
    assert store.chain.hash_at("sis", number) is None
    write(store, "sis", "sis")  # others grow in its place
    assert store.chain.audit().breaks == ()
    assert store.chain.hash_at("sis", number) not in (None, head)
    assert not store.chain.has(head)


def test_a_history_that_was_written_anew_shows_against_a_head_that_was_kept_only(store: Store) -> None:
    write(store, *["sis"] * 3)
    _, head = store.chain.head("sis")

    forged = list(chained([{**line, "actor": "nobody"} for line in lines(store)], {}))

    def rewrite(connection: Connection) -> None:
        for line in forged:
            set_line(line["number"], actor="nobody", hash=line["hash"])(connection)

    tamper(store, rewrite)
    assert store.chain.audit().breaks == ()
    assert not store.chain.has(head)


def test_a_number_that_is_there_twice_is_a_line_put_in() -> None:
    told = [an_event(id=number).model_dump(exclude={"number", "hash"}) for number in (1, 2)]
    first, second = chained(told, {})
    (found,) = check([first, second, {**second, "id": 3}]).breaks
    assert (found.event_id, found.what) == (3, "its number is there twice: a line was put in")


def test_the_moment_counts_and_not_the_zone_that_it_is_told_in() -> None:
    line = an_event(number=1, at=HARD_AT).model_dump()
    assert line_hash(START, line) == line_hash(START, {**line, "at": HARD_AT.astimezone(UTC)})
