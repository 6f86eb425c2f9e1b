"""What measuring needs to know of a shop's cases, in one reading transaction. Nothing is decided here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, select

from storage.chain import chained, last_lines
from storage.database import reading, writing_alone
from storage.models import Channel, DeadlineKind, Event, Fate, Standing
from storage.rows import fetch, insert_all, values_of
from storage.tables import ARRIVALS, CASES, DEADLINES, DRAFTS, EVENTS, MESSAGES, STANDINGS

ANSWERED = tuple(f"answered by {how}" for how in ("mail", "letter", "phone", "counter"))
MEASURED, SYSTEM = "measured", "intake"
KEYS = ("shop", "guarantee", "month")
TELLING = (*ANSWERED, "closed", "reopened", "merged", "holding reply", "date moved")


@dataclass(frozen=True, slots=True)
class MeasuredCase:
    """A case as far as it is measured."""

    id: int
    reference: str
    category: str
    opened_at: datetime
    assumed: bool


@dataclass(frozen=True, slots=True)
class MeasuredPromise:
    """A date that was promised for a message; `sure` says that its day of arrival is known, `answered` that it was
    brought in as answered, `opened` that it opened its case."""

    case_id: int
    message_id: int
    received_at: datetime
    due_on: date
    promise: dict[str, Any]
    made_at: datetime
    channel: Channel
    sure: bool
    answered: bool
    opened: bool


@dataclass(frozen=True, slots=True)
class MeasuredEvent:
    """A line of the history that says something of an answer or a date."""

    case_id: int
    kind: str
    actor: str
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class MeasuredDraft:
    """A reply that went out: its kind, its template, and when."""

    id: int
    case_id: int
    kind: str
    template: str
    sent_at: datetime | None
    delivery_on: date | None


@dataclass(frozen=True, slots=True)
class Measured:
    """All of a shop."""

    cases: Sequence[MeasuredCase]
    promises: Sequence[MeasuredPromise]
    events: Sequence[MeasuredEvent]
    drafts: Sequence[MeasuredDraft]


class Measuring:
    """What is measured, and the results that are kept. One of these is `Store.measuring`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_shop(self, shop: str) -> Measured:
        """Everything that a shop is measured by, in the order in which it was stored."""
        cases = select(CASES.c.id, CASES.c.reference, CASES.c.category, CASES.c.opened_at, CASES.c.assumed)
        cases = cases.where(CASES.c.shop == shop).order_by(CASES.c.id)
        events = select(EVENTS.c.case_id, EVENTS.c.kind, EVENTS.c.actor, EVENTS.c.data, EVENTS.c.at)
        events = events.where(EVENTS.c.shop == shop, EVENTS.c.kind.in_(TELLING), EVENTS.c.case_id.is_not(None))
        with reading(self._engine) as connection:
            return Measured(
                [MeasuredCase(**row._mapping) for row in connection.execute(cases)],
                [_promise(dict(row._mapping)) for row in connection.execute(_promises(shop))],
                [MeasuredEvent(**row._mapping) for row in connection.execute(events.order_by(EVENTS.c.number))],
                [MeasuredDraft(**row._mapping) for row in connection.execute(_drafts(shop))],
            )

    def set_aside(self, shop: str) -> list[tuple[str, Channel, datetime]]:
        """What was set aside in a shop, oldest first: the kind of reason, the channel, and when it came."""
        columns = (MESSAGES.c.reason_kind, MESSAGES.c.channel, MESSAGES.c.received_at)
        aside = (MESSAGES.c.fate == Fate.SET_ASIDE) & MESSAGES.c.outgoing.is_(False)
        statement = select(*columns).where(MESSAGES.c.shop == shop, aside).order_by(MESSAGES.c.id)
        with reading(self._engine) as connection:
            return [tuple(row) for row in connection.execute(statement)]

    def standings(self, shop: str | None = None) -> list[Standing]:
        """The results that were kept, of a shop or of all, oldest month first."""
        statement = select(STANDINGS).order_by(STANDINGS.c.shop, STANDINGS.c.guarantee, STANDINGS.c.month)
        if shop is not None:
            statement = statement.where(STANDINGS.c.shop == shop)
        with reading(self._engine) as connection:
            return fetch(connection, Standing, statement)

    def keep(self, standings: Sequence[Standing]) -> None:
        """Keep results, each with a line in the history that holds its hash; a month that has one keeps it."""
        with writing_alone(self._engine) as connection:
            there = {tuple(row) for row in connection.execute(select(*(STANDINGS.c[name] for name in KEYS)))}
            fresh = [one for one in standings if (one.shop, one.guarantee, one.month) not in there]
            insert_all(connection, STANDINGS, [values_of(one) for one in fresh])
            heads = last_lines(connection, {one.shop for one in fresh})
            insert_all(connection, EVENTS, list(chained([values_of(_event(one)) for one in fresh], heads)))

    def measured(self, shop: str) -> list[Event]:
        """The lines of a shop's history that say what was kept, in their order."""
        statement = select(EVENTS).where(EVENTS.c.shop == shop, EVENTS.c.kind == MEASURED).order_by(EVENTS.c.number)
        with reading(self._engine) as connection:
            return fetch(connection, Event, statement)


def standing_hash(standing: Standing) -> str:
    """The SHA-256 of a result as it is kept, as canonical JSON."""
    values = {**values_of(standing), "month": standing.month.isoformat()}
    values["computed_at"] = standing.computed_at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _event(standing: Standing) -> Event:
    data = {
        "guarantee": standing.guarantee,
        "month": standing.month.isoformat(),
        "sha256": standing_hash(standing),
    }
    return Event(shop=standing.shop, kind=MEASURED, actor=SYSTEM, data=data, at=standing.computed_at)


def _promises(shop: str) -> Any:  # noqa: ANN401 - a SELECT
    """The promises, without copies that a merge made of them: these say why."""
    joined = DEADLINES.join(MESSAGES, MESSAGES.c.id == DEADLINES.c.message_id).join(
        ARRIVALS, ARRIVALS.c.id == MESSAGES.c.arrival_id
    )
    columns = (
        *(DEADLINES.c[name] for name in ("case_id", "message_id", "received_at", "due_on", "promise", "made_at")),
        MESSAGES.c.channel,
        MESSAGES.c.fate,
        ARRIVALS.c.assumed,
        ARRIVALS.c.record,
        ARRIVALS.c.answered,
    )
    promised = (DEADLINES.c.kind == DeadlineKind.PROMISE) & (DEADLINES.c.because == "")
    return select(*columns).select_from(joined).where(MESSAGES.c.shop == shop, promised).order_by(DEADLINES.c.id)


def _promise(row: dict[str, Any]) -> MeasuredPromise:
    fate, record, assumed = row.pop("fate"), row.pop("record"), row.pop("assumed")
    return MeasuredPromise(**row, sure=not assumed or record is not None, opened=fate == "opened")


def _drafts(shop: str) -> Any:  # noqa: ANN401 - a SELECT
    columns = (DRAFTS.c.id, DRAFTS.c.case_id, DRAFTS.c.kind, DRAFTS.c.template, DRAFTS.c.sent_at, DRAFTS.c.delivery_on)
    went = DRAFTS.c.sent_at.is_not(None) | DRAFTS.c.delivery_on.is_not(None)
    mine = select(*columns).join(CASES, CASES.c.id == DRAFTS.c.case_id)
    return mine.where(CASES.c.shop == shop, went).order_by(DRAFTS.c.id)
