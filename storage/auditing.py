"""What an audit compares: the history of a shop, and what its cases, dates and files say. Nothing is decided here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import aliased

from storage.database import reading
from storage.models import ArrivalState, CaseState, Channel, DeadlineKind
from storage.tables import ARRIVALS, CASES, DEADLINES, DRAFTS, EVENTS, MESSAGES

AT_A_TIME = 500
RECEIPT = "acknowledgement"  # a kind of draft


@dataclass(frozen=True, slots=True)
class AuditedCase:
    """A case as it is stored. `merged_into` is a reference, "" for none."""

    id: int
    reference: str
    state: CaseState
    answered_at: datetime | None
    answered_how: str
    closed_at: datetime | None
    closed_as: str
    due_on: date
    merged_into: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class AuditedDeadline:
    """A date of a case as it is stored, with the channel and shop of the message that it was promised for, and whether
    that was brought in as answered."""

    id: int
    case_id: int
    message_id: int
    kind: DeadlineKind
    due_on: date
    received_at: datetime
    because: str
    promise: dict[str, Any]
    made_at: datetime
    channel: Channel
    shop: str
    answered: bool


@dataclass(frozen=True, slots=True)
class AuditedReceipt:
    """An acknowledgement that went out: when it was sent, or should have come as a letter."""

    case_id: int
    sent_at: datetime | None
    delivery_on: date | None


@dataclass(frozen=True, slots=True)
class AuditedEvent:
    """A line of the history about a case. `answered` says that its arrival was brought in
    as answered."""

    number: int
    shop: str
    case_id: int
    kind: str
    data: dict[str, Any]
    at: datetime
    answered: bool


@dataclass(frozen=True, slots=True)
class Audited:
    """All of a shop, in the order of the history."""

    cases: Sequence[AuditedCase]
    deadlines: Sequence[AuditedDeadline]
    events: Sequence[AuditedEvent]
    receipts: Sequence[AuditedReceipt] = ()


class Auditing:
    """What an audit reads. One of these is `Store.auditing`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_shop(self, shop: str) -> Audited:
        """What is stored about a shop's cases, with its history, as they are at one moment."""
        into = aliased(CASES)
        own = (CASES.c[name] for name in AuditedCase.__dataclass_fields__ if name != "merged_into")
        cases = select(*own, into.c.reference.label("merged_into"))
        cases = cases.outerjoin(into, into.c.id == CASES.c.merged_into_id).where(CASES.c.shop == shop)
        told = (EVENTS.c[name] for name in AuditedEvent.__dataclass_fields__ if name != "answered")
        events = select(*told, ARRIVALS.c.answered).outerjoin(ARRIVALS, ARRIVALS.c.id == EVENTS.c.arrival_id)
        events = events.where(EVENTS.c.shop == shop, EVENTS.c.case_id.is_not(None))
        with reading(self._engine) as connection:
            return Audited(
                [AuditedCase(**_row(row, "merged_into")) for row in connection.execute(cases.order_by(CASES.c.id))],
                [AuditedDeadline(**row._mapping) for row in connection.execute(_dates(shop))],
                [
                    AuditedEvent(**{**row._mapping, "answered": bool(row.answered)})
                    for row in connection.execute(events.order_by(EVENTS.c.number))
                ],
                [AuditedReceipt(**row._mapping) for row in connection.execute(_receipts(shop))],
            )

    def files(self, shop: str) -> Iterator[tuple[int, str]]:
        """Each original that should be there, by the arrival that names it: its bytes, and the record beside it."""
        after = 0
        columns = (ARRIVALS.c.id, ARRIVALS.c.sha256, ARRIVALS.c.record)
        while True:
            statement = select(*columns).where(
                ARRIVALS.c.shop == shop, ARRIVALS.c.erased_at.is_(None), ARRIVALS.c.id > after
            )
            with reading(self._engine) as connection:
                rows = connection.execute(statement.order_by(ARRIVALS.c.id).limit(AT_A_TIME)).all()
            for row in rows:
                yield row.id, row.sha256
                if row.record and row.record.get("sha256"):
                    yield row.id, str(row.record["sha256"])
            if len(rows) < AT_A_TIME:
                return
            after = rows[-1].id

    def unheard(self, shop: str) -> list[int]:
        """Arrivals that were processed, and of which nothing is known: their messages are gone."""
        known = select(MESSAGES.c.id).where(MESSAGES.c.arrival_id == ARRIVALS.c.id)
        statement = select(ARRIVALS.c.id).where(
            ARRIVALS.c.shop == shop, ARRIVALS.c.state == ArrivalState.PROCESSED, ~known.exists()
        )
        with reading(self._engine) as connection:
            return list(connection.execute(statement.order_by(ARRIVALS.c.id)).scalars())

    def references(self, shop: str) -> list[str]:
        """The references of a shop's cases."""
        return self._names(select(CASES.c.reference).where(CASES.c.shop == shop))

    def actors(self, shop: str) -> list[str]:
        """Whoever stands in the history of a shop."""
        return self._names(select(EVENTS.c.actor).where(EVENTS.c.shop == shop).distinct())

    def _names(self, statement: Select[Any]) -> list[str]:
        with reading(self._engine) as connection:
            return sorted(connection.execute(statement).scalars())


def _dates(shop: str) -> Any:  # noqa: ANN401 - a SELECT
    of_message = {"channel": MESSAGES.c.channel, "shop": MESSAGES.c.shop, "answered": ARRIVALS.c.answered}
    own = (DEADLINES.c[name] for name in AuditedDeadline.__dataclass_fields__ if name not in of_message)
    joined = DEADLINES.join(CASES, CASES.c.id == DEADLINES.c.case_id)
    joined = joined.join(MESSAGES, MESSAGES.c.id == DEADLINES.c.message_id)
    joined = joined.join(ARRIVALS, ARRIVALS.c.id == MESSAGES.c.arrival_id)
    statement = select(*own, *of_message.values()).select_from(joined)
    return statement.where(CASES.c.shop == shop).order_by(DEADLINES.c.id)


def _receipts(shop: str) -> Any:  # noqa: ANN401 - a SELECT
    statement = select(DRAFTS.c.case_id, DRAFTS.c.sent_at, DRAFTS.c.delivery_on)
    statement = statement.join(CASES, CASES.c.id == DRAFTS.c.case_id)
    went = DRAFTS.c.sent_at.is_not(None) | DRAFTS.c.delivery_on.is_not(None)
    mine = (CASES.c.shop == shop) & (DRAFTS.c.kind == RECEIPT) & went
    return statement.where(mine).order_by(DRAFTS.c.id)


def _row(row: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - a row
    return {**row._mapping, name: row._mapping[name] or ""}
