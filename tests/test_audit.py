"""The audit: what is stored is what the history says, and what was changed behind its back is named."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holidays.version import __version__ as holidays_version
from sqlalchemy import Table, func, select, text

from intake import casework, evidence
from intake.bootstrap import TEMPLATES
from intake.evidence.history import compare
from intake.guarantee import keep_months
from intake.measuring import METHOD
from intake.measuring.guarantees import parse_guarantees
from intake.pipeline import House, process, receive_files
from intake.sources.files import FoundMail
from storage.append_only import MAY_CHANGE, NEVER_CHANGED
from storage.auditing import Audited, AuditedCase, AuditedDeadline, AuditedEvent, AuditedReceipt
from storage.database import open_engine, reading, writing
from storage.models import CaseState, Channel, DeadlineKind, DraftState, Standing
from storage.store import Store
from storage.tables import ARRIVALS, CASES, DEADLINES, DRAFTS, EVENTS, MESSAGES, STANDINGS
from tests.builders import MONDAY, mail, make_config, make_house
from tests.commands import Installation

GUARANTEES = parse_guarantees((TEMPLATES / "guarantees.toml").read_text(encoding="utf-8"), "guarantees.toml")
ANSWERED, CLOSED, REOPENED, MERGED, KEPT, IMPORTED = (f"SIS-2026-000{number}" for number in range(1, 7))
LATER = MONDAY + timedelta(days=70)
ONE_MORE = """
[[shops]]
id = "deu"
name = "Laden"
prefix = "DEU"
manager = { name = "Max", addresses = ["max@example.de"] }
address = { street = "Weg 1", postal_code = "10115", city = "Berlin", country = "DE" }
phone = { number = "030-1" }
"""


class Clock:
    now = MONDAY

    def __call__(self) -> datetime:
        return self.now


def take_in(house: House, *names: str, answered: bool = False, **headers: Any) -> None:
    """A complaint of each of these people."""
    mails = [
        mail(**{"sender": f"{name} <{name}@example.com>", "message_id": f"<{name}@example.com>", **headers})
        for name in names
    ]
    files = iter([FoundMail(f"{name}.eml", raw) for name, raw in zip(names, mails, strict=True)])
    list(receive_files(house, house.config.shops[0], files, answered=answered))
    process(house)


def fill(house: House, clock: Clock) -> None:
    """Six cases, to which about everything happens that people do; and the months in which it did."""
    take_in(house, "jan", "piet", "joris", "korneel")
    casework.close(house, CLOSED, "withdrawn", "mirjam")
    casework.close(house, REOPENED, "no-complaint", "mirjam")
    clock.now += timedelta(days=1)
    casework.answer(house, ANSWERED, casework.Answered("phone", clock.now.date()), "mirjam")
    take_in(house, "zus")
    take_in(house, "oud", answered=True)
    casework.merge(house, MERGED, KEPT, "mirjam")  # the one that goes was promised the earlier date
    casework.reopen(house, REOPENED, "mirjam")
    casework.move_due(house, REOPENED, (clock.now + timedelta(days=13)).date(), "she is away", "mirjam")
    clock.now += timedelta(days=1)
    take_in(house, "jan", message_id="<jan2@example.com>", in_reply_to="<jan@example.com>", text="En hij is stuk.")
    messages = house.store.case_file(casework.get_case(house, ANSWERED).id or 0).messages
    casework.split(house, ANSWERED, messages[-1].id or 0, "mirjam")
    clock.now += timedelta(hours=3)
    casework.answer(house, ANSWERED, casework.Answered("counter", clock.now.date()), "mirjam")
    casework.close(house, ANSWERED, "agreed", "mirjam")
    keep_months(house.store, house.config.shops, GUARANTEES, LATER)


@contextmanager
def changed(store: Store, table: Table, where: Any, **values: Any) -> Iterator[None]:
    """Rows changed by hand, and put back afterwards. The history is as the database's owner could change it."""
    dialect = store.engine.dialect.name
    with writing(store.engine) as connection:
        for statement in MAY_CHANGE[dialect] if table is EVENTS else ():
            connection.execute(text(statement))
        keys = list(table.primary_key)
        before = [dict(row._mapping) for row in connection.execute(select(table).where(where))]
        assert before, "nothing to change"
        connection.execute(table.update().where(where).values(**values))
    yield
    with writing(store.engine) as connection:
        for row in before:
            own = [key == row[key.name] for key in keys]
            connection.execute(table.update().where(*own).values(**row))
        for statement in NEVER_CHANGED[dialect] if table is EVENTS else ():
            connection.execute(text(statement))


def of(reference: str) -> Any:
    return CASES.c.reference == reference


def date_of(reference: str) -> Any:
    case = select(CASES.c.id).where(of(reference)).scalar_subquery()
    return DEADLINES.c.id.in_(select(DEADLINES.c.id).where(DEADLINES.c.case_id == case).limit(1))


def message_of(reference: str) -> Any:
    case = select(CASES.c.id).where(of(reference)).scalar_subquery()
    return MESSAGES.c.case_id == case


def arrival_of(reference: str) -> Any:
    return ARRIVALS.c.id.in_(select(MESSAGES.c.arrival_id).where(message_of(reference)))


def draft_of(reference: str) -> Any:
    """One draft, whichever: the last."""
    case = select(CASES.c.id).where(of(reference)).scalar_subquery()
    return DRAFTS.c.id.in_(select(func.max(DRAFTS.c.id)).where(DRAFTS.c.case_id == case))


# What is changed by hand, and what the audit says of it.
BY_HAND: dict[str, tuple[Table, Any, dict[str, Any], list[str]]] = {
    "answered earlier": (
        *(CASES, of(ANSWERED), {"answered_at": MONDAY}),
        [f"{ANSWERED}, answered_at: the history says otherwise: stated 2026-09-07T10"],
    ),
    "answered otherwise": (
        *(CASES, of(ANSWERED), {"answered_how": "mail"}),
        [f"{ANSWERED}, answered_how: the history says otherwise: stated mail, found counter"],
    ),
    "not closed": (
        *(CASES, of(CLOSED), {"state": CaseState.OPEN, "closed_at": None, "closed_as": ""}),
        [f"{CLOSED}, state: the history says otherwise: stated open, found closed", "closed_as", "closed_at"],
    ),
    "closed as something else": (
        *(CASES, of(CLOSED), {"closed_as": "spam"}),
        [f"{CLOSED}, closed_as: the history says otherwise: stated spam, found withdrawn"],
    ),
    "closed on another day": (
        *(CASES, of(CLOSED), {"closed_at": MONDAY + timedelta(days=1)}),
        [f"{CLOSED}, closed_at: the history says otherwise"],
    ),
    "an open case hidden": (
        *(CASES, of(REOPENED), {"state": CaseState.CLOSED}),
        [f"{REOPENED}, state: the history says otherwise: stated closed, found open"],
    ),
    "not merged": (
        *(CASES, of(MERGED), {"merged_into_id": None}),
        [f"{MERGED}, merged_into: the history says otherwise: stated nothing, found {KEPT}"],
    ),
    "due later": (
        *(CASES, of(KEPT), {"due_on": LATER.date()}),
        [f"{KEPT}, due_on: the history says otherwise: stated 2026-11-16, found 2026-09-11", "its latest date differs"],
    ),
    "a promise put off": (
        *(DEADLINES, date_of(CLOSED), {"due_on": LATER.date()}),
        [
            f"{CLOSED}, its dates: the history says 2026-09-11, and no promise of it does",
            f"{CLOSED}, its dates: the history does not know 2026-11-16",
            f"{CLOSED}, due_on: its latest date differs",
        ],
    ),
    "a promise counted from another moment": (
        *(DEADLINES, date_of(CLOSED), {"received_at": MONDAY + timedelta(hours=9)}),
        [f"{CLOSED}, the arrival of what is due on 2026-09-11: the history says otherwise"],
    ),
    "a promise said to be a copy": (
        *(DEADLINES, date_of(CLOSED), {"because": f"promised in {KEPT}"}),
        [f"{CLOSED}, its dates: the history says 2026-09-11, and no promise of it does"],
    ),
    "a promise said to be moved": (
        *(DEADLINES, date_of(CLOSED), {"kind": DeadlineKind.MOVED}),
        [f"{CLOSED}, its dates: the history says 2026-09-11, and no promise of it does"],
    ),
    "something else promised": (
        *(DEADLINES, date_of(CLOSED), {"promise": {"business_days": 1, "counting": "event-day"}}),
        [f"{CLOSED}, the promise of what is due on 2026-09-11: the history says otherwise"],
    ),
    "a promise made later": (
        *(DEADLINES, date_of(CLOSED), {"made_at": LATER}),
        [f"{CLOSED}, the making of what is due on 2026-09-11: the history says otherwise"],
    ),
    "a promise for another message": (
        *(DEADLINES, date_of(CLOSED), {"message_id": 1}),
        [f"{CLOSED}, the message of what is due on 2026-09-11: the history says otherwise"],
    ),
    "a letter": (
        *(MESSAGES, message_of(CLOSED), {"channel": Channel.LETTER}),
        [f"{CLOSED}, the channel of what is due on 2026-09-11: the history says otherwise: stated letter, found mail"],
    ),
    "a message of another shop": (
        *(MESSAGES, message_of(CLOSED), {"shop": "x"}),
        [f"{CLOSED}, the shop of what is due on 2026-09-11: the history says otherwise: stated x, found sis"],
    ),
    "answered before Intake was there": (
        *(ARRIVALS, arrival_of(CLOSED), {"answered": True}),
        [f"{CLOSED}, whether it was brought in as answered, of what is due on 2026-09-11: the history says otherwise"],
    ),
    "opened later": (
        *(CASES, of(CLOSED), {"opened_at": LATER}),
        [f"{CLOSED}, opened_at: the history says otherwise"],
    ),
    "acknowledged": (
        *(DRAFTS, draft_of(CLOSED), {"kind": "acknowledgement", "state": DraftState.SENT, "sent_at": MONDAY}),
        [f"{CLOSED}, its acknowledgement: the history does not know of it: stated 2026-09-07T10"],
    ),
    "a result made better": (
        *(STANDINGS, STANDINGS.c.month == datetime(2026, 9, 1).date(), {"held": "gold"}),
        ["result of sis, answer-in-4-days, 2026-09, held: it differs: stated gold, found nothing"],
    ),
    "a level that nothing is compared with": (
        *(STANDINGS, STANDINGS.c.month == datetime(2026, 9, 1).date(), {"held": "gold", "definition": "0" * 64}),
        ["result of sis, answer-in-4-days, 2026-09: it is not what was kept"],
    ),
    "figures made better": (
        *(STANDINGS, STANDINGS.c.month == datetime(2026, 10, 1).date(), {"figures": {"count": 5}}),
        ["2026-10, figures.good: it is missing", "2026-10, figures.count: it differs: stated 5, found"],
    ),
    "a line of the history": (
        *(EVENTS, (EVENTS.c.kind == "closed") & (EVENTS.c.number < 20), {"actor": "nobody"}),
        ["history, sis, line", "it is not what was written, or the line before it was replaced"],
    ),
}


def test_what_is_changed_by_hand_is_named_and_nothing_else(database: str, tmp_path: Path) -> None:
    clock = Clock()
    with make_house(make_config(tmp_path, database), clock) as house:
        fill(house, clock)
        store, shops = house.store, house.config.shops
        report = evidence.audit(store, shops, GUARANTEES)
        assert report.findings == ()
        assert (report.broken, report.heads) == (frozenset(), {"sis": store.chain.head("sis")})
        assert len(store.measuring.standings()) >= 2
        for name, (table, where, values, wanted) in BY_HAND.items():
            with changed(store, table, where, **values):
                found = "\n".join(map(str, evidence.audit(store, shops, GUARANTEES).findings))
            assert [one for one in wanted if one not in found] == [], (name, found)
            assert len(found.splitlines()) >= len(wanted), name
        assert evidence.audit(store, shops, GUARANTEES).findings == ()


def test_results_of_another_definition_method_or_release_are_counted_and_not_compared(
    database: str, tmp_path: Path
) -> None:
    store = Store(open_engine(database))
    shop = make_config(tmp_path).shops[0]
    told: dict[str, Any] = {
        **{"shop": "sis", "guarantee": "answer-in-4-days", "figures": {}, "computed_at": MONDAY},
        **{"definition": GUARANTEES[0].fingerprint, "method": METHOD, "holidays": holidays_version},
    }
    others = ({"definition": "0" * 64}, {"method": "0"}, {"holidays": "0.1"})
    store.measuring.keep(
        [Standing(**{**told, "month": date(2026, number, 1), **one}) for number, one in enumerate(others, 1)]
    )
    report = evidence.audit(store, [shop], GUARANTEES)
    assert (report.findings, len(report.notes)) == ((), 1)
    assert report.notes[0].startswith("sis: 3 of 3 kept months cannot be counted again")
    store.measuring.keep([Standing(**told, month=date(2026, 4, 1))])
    assert evidence.audit(store, [shop], GUARANTEES).findings
    store.engine.dispose()


def test_a_result_that_is_gone_or_put_in_is_named(database: str, tmp_path: Path) -> None:
    store = Store(open_engine(database))
    shop = make_config(tmp_path).shops[0]
    one = Standing(shop="sis", guarantee="g", month=date(2026, 1, 1), definition="x", method="0", computed_at=MONDAY)
    store.measuring.keep([one])
    store.measuring.keep([one.model_copy(update={"held": "gold"})])  # it has one, and keeps it
    assert (evidence.audit(store, [shop], GUARANTEES).findings, store.chain.head("sis")[0]) == ((), 1)
    with writing(store.engine) as connection:
        connection.execute(STANDINGS.update().values(month=date(2026, 2, 1)))
    found = [str(one) for one in evidence.audit(store, [shop], GUARANTEES).findings]
    assert found == [
        "result of sis, g, 2026-02: the history does not know of it",
        "result of g, 2026-01: the history says that it was kept, and it is gone",
    ]
    store.engine.dispose()


def a_stored(**changes: Any) -> AuditedCase:
    values = {
        **{"id": 1, "reference": "SIS-2026-0001", "state": CaseState.OPEN, "answered_at": None, "answered_how": ""},
        **{"closed_at": None, "closed_as": "", "due_on": datetime(2026, 9, 11).date(), "merged_into": ""},
        "opened_at": MONDAY,
    }
    return AuditedCase(**{**values, **changes})


def a_told(kind: str, answered: bool = False, **data: str) -> AuditedEvent:
    return AuditedEvent(1, "sis", 1, kind, data, MONDAY, answered)


def a_date(day: int = 11, **changes: Any) -> AuditedDeadline:
    values = {
        **{"id": 1, "case_id": 1, "message_id": 1, "kind": DeadlineKind.PROMISE, "received_at": MONDAY, "because": ""},
        **{"promise": {"business_days": 4}, "made_at": MONDAY, "channel": Channel.MAIL, "shop": "sis"},
        "answered": False,
    }
    return AuditedDeadline(**{**values, "due_on": datetime(2026, 9, day).date(), **changes})


@pytest.mark.parametrize(
    ("cases", "dates", "events", "named"),
    [
        ([a_stored()], [a_date()], [], "the history does not say that it was opened"),
        ([], [], [a_told("opened", due_on="2026-09-11")], "the history speaks of it, and it is not there"),
        (
            [a_stored()],
            [],
            [a_told("opened", due_on="2026-09-11")],
            "the history says 2026-09-11, and no promise of it does",
        ),
        (
            [a_stored()],
            [a_date(14), a_date()],
            [a_told("opened", due_on="2026-09-11")],
            "the history does not know 2026-09-14",
        ),
    ],
    ids=["no history", "no case", "no date", "a date too many"],
)
def test_what_is_missing_is_named(cases: Any, dates: Any, events: Any, named: str) -> None:
    assert named in "\n".join(map(str, compare(Audited(cases, dates, events))))


def test_what_earlier_versions_did_not_say_is_believed() -> None:
    """They wrote no date into the line that a case was reopened, or took in another one."""
    events = [
        a_told("opened", due_on="2026-09-11"),
        a_told("answered by mail", answered_at=MONDAY.isoformat()),
        a_told("reopened"),
    ]
    case = a_stored(due_on=datetime(2026, 9, 18).date())
    assert list(compare(Audited([case], [a_date(), a_date(18)], events))) == []
    assert list(compare(Audited([case], [a_date(), a_date(14), a_date(18)], events))) != []


@pytest.mark.parametrize(("day", "due"), [(9, 9), (14, 11)])
def test_what_joined_and_had_come_earlier_has_a_promise_of_its_own_and_the_earlier_date_stands(
    day: int, due: int
) -> None:
    events = [a_told("opened", due_on="2026-09-11"), a_told("promised", due_on=f"2026-09-{day:02}")]
    case = a_stored(due_on=datetime(2026, 9, due).date())
    assert list(compare(Audited([case], [a_date(), a_date(day)], events))) == []
    assert list(compare(Audited([a_stored(due_on=MONDAY.date())], [a_date(), a_date(day)], events))) != []


def test_an_acknowledgement_is_what_the_history_says() -> None:
    case, opened = a_stored(), a_told("opened", due_on="2026-09-11")
    mail_sent = AuditedReceipt(1, MONDAY, None)
    letter = AuditedReceipt(1, LATER, datetime(2026, 9, 9).date())
    for told, stored, holds in (
        ([a_told("acknowledged")], [mail_sent], True),
        ([a_told("acknowledged")], [AuditedReceipt(1, LATER, None)], False),
        ([a_told("acknowledged")], [], False),
        ([], [mail_sent], False),
        ([a_told("sent", sent_at=MONDAY.isoformat())], [mail_sent], True),
        ([a_told("sent", sent_at=LATER.isoformat())], [mail_sent], False),
        ([a_told("sent")], [mail_sent], True),  # earlier versions did not say when
        ([a_told("acknowledged by letter", delivery_on="2026-09-09")], [letter], True),
        ([a_told("acknowledged by letter", delivery_on="2026-09-10")], [letter], False),
        ([a_told("acknowledged by letter")], [letter], True),
    ):
        found = list(compare(Audited([case], [a_date()], [opened, *told], stored)))
        assert (not found) is holds, (told, stored, found)


def test_what_was_brought_in_as_answered_has_no_answer_in_the_history() -> None:
    events = [a_told("opened", True, due_on="2026-09-11")]
    assert list(compare(Audited([a_stored(state=CaseState.ANSWERED)], [a_date()], events))) == []
    assert list(compare(Audited([a_stored()], [a_date()], events))) != []


def test_the_bytes_of_every_arrival_are_there_and_its_own(database: str, tmp_path: Path) -> None:
    clock = Clock()
    with make_house(make_config(tmp_path, database), clock) as house:
        take_in(house, "jan", "piet", "joris", "oud")
        store, shops = house.store, house.config.shops
        assert list(evidence.audit_originals(store, house.originals, shops)) == []
        with reading(store.engine) as connection:
            digests = list(connection.execute(select(ARRIVALS.c.sha256).order_by(ARRIVALS.c.id)).scalars())
        house.originals.path(digests[0]).unlink()
        damaged = house.originals.path(digests[1])
        damaged.chmod(0o600)
        damaged.write_bytes(b"another mail")
        house.originals.path(digests[2]).unlink()
        with writing(store.engine) as connection:
            erased = ARRIVALS.update().where(ARRIVALS.c.sha256 == digests[2])
            connection.execute(erased.values(erased_at=MONDAY))
        found = [str(one) for one in evidence.audit_originals(store, house.originals, shops)]
    assert found == [
        f"arrival 1: There is no original {digests[0]}",
        f"arrival 2: The original {digests[1]} has changed on disk",
    ]


def test_the_command_line_tells_heads_and_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Installation(tmp_path, capsys)
    desk.take_in()
    (shop,) = desk.intake("audit", "--json").value["shops"]
    assert shop == {"shop": "sis", "lines": shop["lines"], "head": shop["head"]}
    assert desk.intake("audit").out.startswith(f"sis: {shop['lines']} lines, unbroken; head {shop['head']}")
    assert desk.intake("audit", "--head", shop["head"].upper(), "--originals").code == 0
    said = desk.intake("audit", "--head", "0" * 64)
    assert said.code == 1
    assert "no line has the hash" in said.out

    assert desk.intake("evidence", tmp_path / "bundle", "--months", "3").code == 0
    assert desk.intake("audit", "--against", tmp_path / "bundle").code == 0
    assert json.loads((tmp_path / "bundle" / "chain.json").read_text())["hash"] == shop["head"]
    desk.intake("note", "SIS-2026-0001", "called")
    assert desk.intake("audit", "--against", tmp_path / "bundle").code == 0

    store = Store(open_engine(f"sqlite:///{tmp_path / 'var' / 'intake.db'}"))
    with writing(store.engine) as connection:
        for statement in MAY_CHANGE["sqlite"]:
            connection.execute(text(statement))
        connection.execute(EVENTS.delete().where(EVENTS.c.number >= shop["lines"]))
    store.engine.dispose()
    said = desk.intake("audit", "--against", tmp_path / "bundle")
    assert said.code == 1
    assert "the bundle has it, and it is gone" in said.out

    (tmp_path / "bundle" / "chain.json").write_text('{"number": 1, "hash": ""}')
    said = desk.intake("audit", "--against", tmp_path / "bundle", "--json")
    assert said.code == 1
    assert {one["file"] for one in said.value["findings"]} == {"chain.json"}


def test_the_command_line_makes_and_checks_bundles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Installation(tmp_path, capsys, ONE_MORE)
    desk.take_in()
    said = desk.intake("evidence", tmp_path / "b")
    assert (said.code, "Name it with --shop: sis, deu" in said.err) == (2, True)
    said = desk.intake("evidence", "--shop", "sis", tmp_path / "b", "--json")
    assert said.code == 0
    assert said.value["folder"] == str(tmp_path / "b")
    checked = desk.intake("evidence", "verify", tmp_path / "b")
    assert said.value["seal"] in checked.out
    assert "Every hash and every figure is as stated." in checked.out
    assert desk.intake("evidence", tmp_path / "b", "--shop", "sis").code == 1  # it is there already
    for words in (
        ("--months", "0"),
        ("--months", "500"),
        ("--window", "x"),
        ("--window", "2020-01-01..2020-02-01", "--months", "3"),
        ("--guarantee", "none"),
        ("--shop", "none"),
    ):
        assert desk.intake("evidence", tmp_path / "c", "--shop", "sis", *words).code == 2, words
    assert desk.intake("evidence", "which", "case-0000000000000000", "--shop", "sis").code == 1
    assert "verify" in desk.intake("evidence").out
    assert "verify" in desk.intake("evidence", "--help").out
    assert not (tmp_path / "c").exists()
