"""The store: one method per need, one transaction each, frozen values in and out.

`Store.processing()` is the exception that proves it: the step *process* is one transaction of several needs, and
lives in `storage.processing`. Moments come from the caller; the store reads no clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, or_, select, update
from sqlalchemy import case as sql_case

from storage.answers import Answers
from storage.auditing import Auditing
from storage.chain import Chain
from storage.database import reading, writing, writing_alone
from storage.dossiers import Dossiers
from storage.erasing import Erasing
from storage.errors import NotStored
from storage.letters import Letters
from storage.measuring import Measuring
from storage.models import (
    SENDING_KINDS,
    SUBSTANTIVE,
    Answered,
    Arrival,
    ArrivalState,
    Case,
    CaseState,
    Channel,
    Cursor,
    Deadline,
    Document,
    Draft,
    DraftState,
    Effect,
    EffectState,
    Event,
    Heartbeat,
    Message,
    Note,
)
from storage.notices import Notices
from storage.persons import Persons
from storage.processing import Processing
from storage.rows import change, fetch, fetch_one, insert_all, insert_new, put, values_of
from storage.sending import Sending
from storage.tables import (
    ANSWERED,
    ARRIVALS,
    CASES,
    CURSORS,
    DEADLINES,
    DOCUMENTS,
    DRAFTS,
    EFFECTS,
    EVENTS,
    HEARTBEATS,
    MESSAGES,
    NOTES,
    READINGS,
)

SOURCE = ("shop", "account", "folder", "uidvalidity", "uid")
OPEN_STATES = (CaseState.OPEN,)
UNFETCHABLE = "unfetchable"  # the kind of reason of a message that its server does not deliver


@dataclass(frozen=True)
class CaseFile:
    """Everything held about one case, oldest first. `merged` are the references of the cases merged into it, and
    `merged_into` that of the case it was merged into."""

    case: Case
    messages: tuple[Message, ...]
    documents: tuple[Document, ...]
    deadlines: tuple[Deadline, ...]
    drafts: tuple[Draft, ...]
    effects: tuple[Effect, ...]
    events: tuple[Event, ...]
    notes: tuple[Note, ...] = ()
    merged: tuple[str, ...] = ()
    merged_into: str = ""


@dataclass(frozen=True)
class ArrivalLine:
    """One line of the arrivals list: what came in, and what became of it (None while it waits)."""

    arrival: Arrival
    message: Message | None
    reference: str
    suggested: str


class Store:
    """The database behind one interface. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.letters = Letters(engine)
        self.sending = Sending(engine)
        self.answers = Answers(engine)
        self.notices = Notices(engine)
        self.chain = Chain(engine)
        self.auditing = Auditing(engine)
        self.erasing = Erasing(engine)
        self.persons = Persons(engine)
        self.measuring = Measuring(engine)
        self.dossiers = Dossiers(engine)

    # Receive

    def latest_cursor(self, account: str, folder: str) -> Cursor | None:
        """The cursor of the newest epoch of a folder."""
        statement = select(CURSORS).where(CURSORS.c.account == account, CURSORS.c.folder == folder)
        with reading(self.engine) as connection:
            return fetch_one(connection, Cursor, statement.order_by(CURSORS.c.started_at.desc()))

    def last_good_poll(self, shop: str) -> datetime | None:
        """When the shop's mailbox was last read, under whatever name; None where it never was."""
        known = (
            select(CURSORS.c.started_at).where(CURSORS.c.shop == shop).order_by(CURSORS.c.started_at.desc()).limit(1)
        )
        good = select(HEARTBEATS.c.good_at).where(HEARTBEATS.c.name == f"mailbox {shop}")
        with reading(self.engine) as connection:
            started: datetime | None = connection.execute(known).scalar()
            beat: datetime | None = connection.execute(good).scalar()
        return None if started is None else beat or started

    def receive(
        self, arrivals: Sequence[Arrival], cursor: Cursor | None = None, effects: Sequence[Effect] = ()
    ) -> list[int]:
        """Commit a batch of arrivals, the moved cursor, and what is to be done at the source, together; the ids of the
        arrivals that are new."""
        with writing(self.engine) as connection:
            ids = insert_new(connection, ARRIVALS, arrivals, SOURCE)
            if cursor is not None:
                put(connection, CURSORS, cursor)
            insert_all(connection, EFFECTS, [values_of(effect) for effect in effects], ("key",))
        return ids

    def uids_held(self, account: str, folder: str, uidvalidity: int) -> set[int]:
        """The UIDs of a folder's epoch that have an arrival."""
        source = (ARRIVALS.c.account == account) & (ARRIVALS.c.folder == folder)
        statement = select(ARRIVALS.c.uid).where(source & (ARRIVALS.c.uidvalidity == uidvalidity))
        with reading(self.engine) as connection:
            return set(connection.execute(statement).scalars())

    def note_answered(self, shop: str, answered: Mapping[str, datetime]) -> None:
        """Remember that mails with these Message-IDs were answered, and when."""
        known = [Answered(shop=shop, message_id=found, answered_at=moment) for found, moment in answered.items()]
        with writing(self.engine) as connection:
            insert_all(connection, ANSWERED, [values_of(item) for item in known], ("shop", "message_id"))

    def find_claim(self, shop: str, account: str, folder: str) -> Arrival | None:
        """The arrival of a scan's claim or an import, by its source."""
        statement = select(ARRIVALS).where(
            ARRIVALS.c.shop == shop, ARRIVALS.c.account == account, ARRIVALS.c.folder == folder
        )
        with reading(self.engine) as connection:
            return fetch_one(connection, Arrival, statement)

    # Process

    def waiting_arrivals(self, limit: int, after: int = 0) -> list[Arrival]:
        """Arrivals without a fate, oldest first, with an id above `after`: mails, and letters that were recognised."""
        read = select(READINGS.c.arrival_id).where(READINGS.c.arrival_id == ARRIVALS.c.id, READINGS.c.done.is_(True))
        statement = select(ARRIVALS).where(
            ARRIVALS.c.state == ArrivalState.RECEIVED,
            ARRIVALS.c.id > after,
            or_(ARRIVALS.c.channel == Channel.MAIL, read.exists()),
        )
        with reading(self.engine) as connection:
            return fetch(connection, Arrival, statement.order_by(ARRIVALS.c.id).limit(limit))

    @contextmanager
    def processing(self) -> Iterator[Processing]:
        """The transaction of the step *process*, and of people's work on cases: one at a time."""
        with writing_alone(self.engine) as connection:
            unit = Processing(connection)
            yield unit
            unit.write()

    def note_problem(self, arrival_id: int, attempts: int, problem: str) -> None:
        """Remember that an arrival could not be processed this time."""
        with writing(self.engine) as connection:
            change(connection, ARRIVALS, arrival_id, attempts=attempts, problem=problem)

    # Deliver

    def claim_effects(self, shop: str, now: datetime, limit: int) -> list[Effect]:
        """Take effects to carry out, oldest first, and commit that a try has begun.

        They come back as they were: one that was `started` before has been tried by a process that died or failed,
        so its outcome must be looked for before it is repeated.
        """
        statement = select(EFFECTS).where(EFFECTS.c.shop == shop, _ready(now)).order_by(EFFECTS.c.id).limit(limit)
        with writing(self.engine) as connection:
            effects = fetch(connection, Effect, statement)
            begun = update(EFFECTS).where(EFFECTS.c.id.in_([effect.id for effect in effects]))
            connection.execute(begun.values(state=EffectState.STARTED, attempts=EFFECTS.c.attempts + 1))
        return effects

    def shops_with_effects(self, now: datetime) -> list[str]:
        """The shops for which something is due to be carried out."""
        with reading(self.engine) as connection:
            return list(connection.execute(select(EFFECTS.c.shop).where(_ready(now)).distinct()).scalars())

    def finish_effects(self, effect_ids: Sequence[int], now: datetime) -> None:
        """Commit that these effects have happened."""
        done = update(EFFECTS).where(EFFECTS.c.id.in_(effect_ids))
        with writing(self.engine) as connection:
            connection.execute(done.values(state=EffectState.DONE, done_at=now, problem=""))

    def postpone_effect(self, effect_id: int, problem: str, not_before: datetime) -> None:
        """Commit that an effect did not work this time, and when to try again."""
        with writing(self.engine) as connection:
            change(connection, EFFECTS, effect_id, problem=problem, not_before=not_before)

    def fail_effect(self, effect_id: int, problem: str, now: datetime) -> None:
        """Commit that an effect cannot work; a person has to look."""
        with writing(self.engine) as connection:
            change(connection, EFFECTS, effect_id, state=EffectState.FAILED, problem=problem, done_at=now)

    def drafts_with_cases(self, draft_ids: Sequence[int]) -> dict[int, tuple[Draft, Case]]:
        """These drafts, each with its case; one that is gone is missing."""
        with reading(self.engine) as connection:
            drafts = fetch(connection, Draft, select(DRAFTS).where(DRAFTS.c.id.in_(draft_ids)))
            wanted = select(CASES).where(CASES.c.id.in_({draft.case_id for draft in drafts}))
            cases = {case.id: case for case in fetch(connection, Case, wanted)}
        return {draft.id or 0: (draft, cases[draft.case_id]) for draft in drafts}

    # Read

    def find_case(self, reference: str) -> Case | None:
        """A case by its reference, in any letter case."""
        statement = select(CASES).where(func.upper(CASES.c.reference) == reference.strip().upper())
        with reading(self.engine) as connection:
            return fetch_one(connection, Case, statement)

    def list_cases(self, shop: str | None = None, states: Sequence[CaseState] = OPEN_STATES) -> list[Case]:
        """Cases in these states, sorted by the day they must be dealt with: post-by for letters, else due. Those with a
        second clock stand on top, by whichever day is the earlier."""
        day = func.coalesce(CASES.c.post_by, CASES.c.due_on)
        earlier = sql_case((CASES.c.first_clock < day, CASES.c.first_clock), else_=day)
        order = (CASES.c.first_clock.is_(None), earlier, day, CASES.c.id)
        statement = select(CASES).where(CASES.c.state.in_(states)).order_by(*order)
        if shop is not None:
            statement = statement.where(CASES.c.shop == shop)
        with reading(self.engine) as connection:
            return fetch(connection, Case, statement)

    def case_file(self, case_id: int) -> CaseFile:
        """Everything about one case. Raises `NotStored`."""
        with reading(self.engine) as connection:
            case = fetch_one(connection, Case, select(CASES).where(CASES.c.id == case_id))
            if case is None:
                raise NotStored(f"There is no case with id {case_id}.")
            messages = fetch(connection, Message, _of_case(MESSAGES, case_id))
            ids = [message.id for message in messages]
            into = select(CASES.c.reference).where(CASES.c.id == case.merged_into_id)
            merged = select(CASES.c.reference).where(CASES.c.merged_into_id == case_id).order_by(CASES.c.id)
            documents = select(DOCUMENTS).where(DOCUMENTS.c.message_id.in_(ids)).order_by(DOCUMENTS.c.id)
            return CaseFile(
                case=case,
                messages=tuple(messages),
                documents=tuple(fetch(connection, Document, documents)),
                deadlines=tuple(fetch(connection, Deadline, _of_case(DEADLINES, case_id))),
                drafts=tuple(fetch(connection, Draft, _of_case(DRAFTS, case_id))),
                effects=tuple(fetch(connection, Effect, _of_case(EFFECTS, case_id))),
                events=tuple(fetch(connection, Event, _of_case(EVENTS, case_id))),
                notes=tuple(fetch(connection, Note, _of_case(NOTES, case_id))),
                merged=tuple(connection.execute(merged).scalars()),
                merged_into=connection.execute(into).scalar() or "",
            )

    def get_arrival(self, arrival_id: int) -> ArrivalLine:
        """One arrival with its fate. Raises `NotStored`."""
        for line in self._arrival_lines(ARRIVALS.c.id == arrival_id, limit=1):
            return line
        raise NotStored(f"There is no arrival {arrival_id}.", "`intake arrivals` lists them.")

    def list_arrivals(self, fate: str | None = None, shop: str | None = None, limit: int = 10_000) -> list[ArrivalLine]:
        """What came in, newest last. `fate` may be `waiting`, for what has none yet."""
        conditions = []
        if fate is not None:
            conditions.append(MESSAGES.c.fate.is_(None) if fate == "waiting" else MESSAGES.c.fate == fate)
        if shop is not None:
            conditions.append(ARRIVALS.c.shop == shop)
        return self._arrival_lines(*conditions, limit=limit)

    def counts(self) -> dict[str, int]:
        """How many arrivals wait, how many effects wait or failed, and how many cases are open."""
        undone = (EffectState.WAITING, EffectState.STARTED, EffectState.SENDING)
        wanted = {
            "arrivals_waiting": select(func.count()).where(ARRIVALS.c.state == ArrivalState.RECEIVED),
            "effects_waiting": select(func.count()).where(EFFECTS.c.state.in_(undone)),
            "effects_failed": select(func.count()).where(EFFECTS.c.state == EffectState.FAILED),
            "cases_open": select(func.count()).where(CASES.c.state == CaseState.OPEN),
        }
        with reading(self.engine) as connection:
            return {name: int(connection.execute(statement).scalar_one()) for name, statement in wanted.items()}

    def count_unfetchable(self) -> dict[str, int]:
        """How many mails of each shop could not be had from the server, of cases that are open."""
        statement = (
            select(MESSAGES.c.shop, func.count())
            .join(CASES, CASES.c.id == MESSAGES.c.case_id)
            .where(MESSAGES.c.reason_kind == UNFETCHABLE, CASES.c.state == CaseState.OPEN)
            .group_by(MESSAGES.c.shop)
        )
        with reading(self.engine) as connection:
            return {str(shop): int(count) for shop, count in connection.execute(statement)}

    def count_stuck(self, before: datetime) -> int:
        """How many arrivals wait for a fate since `before`."""
        waiting = (ARRIVALS.c.state == ArrivalState.RECEIVED) & (ARRIVALS.c.stored_at < before)
        with reading(self.engine) as connection:
            return int(connection.execute(select(func.count()).where(waiting)).scalar_one())

    def fates(self) -> dict[str, int]:
        """How many messages met each fate."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(MESSAGES.c.fate, func.count()).group_by(MESSAGES.c.fate))
            return {str(fate.value): int(count) for fate, count in rows}

    def effects_of(self, *, draft_ids: Sequence[int]) -> dict[int, Effect]:
        """The newest effect of each of these drafts."""
        statement = select(EFFECTS).where(EFFECTS.c.draft_id.in_(draft_ids)).order_by(EFFECTS.c.id)
        with reading(self.engine) as connection:
            return {effect.draft_id or 0: effect for effect in fetch(connection, Effect, statement)}

    def drafts_of_cases(self, case_ids: Sequence[int]) -> dict[int, Draft]:
        """The newest draft that answers each of these cases; see `Processing.latest_draft`."""
        statement = select(DRAFTS).where(DRAFTS.c.case_id.in_(case_ids), DRAFTS.c.kind.in_(SUBSTANTIVE))
        statement = statement.order_by(DRAFTS.c.state != DraftState.SUPERSEDED, DRAFTS.c.id)
        with reading(self.engine) as connection:
            return {draft.case_id: draft for draft in fetch(connection, Draft, statement)}

    # Heartbeats

    def beat(self, name: str, now: datetime, trouble: str = "") -> None:
        """Remember that a part works (`trouble` empty) or what is wrong with it."""
        with writing(self.engine) as connection:
            old = fetch_one(connection, Heartbeat, select(HEARTBEATS).where(HEARTBEATS.c.name == name))
            since = None
            if trouble:
                since = old.trouble_since if old is not None and old.trouble_since else now
            good_at = now if not trouble else (old.good_at if old is not None else None)
            put(connection, HEARTBEATS, Heartbeat(name=name, good_at=good_at, trouble=trouble, trouble_since=since))

    def heartbeats(self) -> list[Heartbeat]:
        """All parts, by name."""
        with reading(self.engine) as connection:
            return fetch(connection, Heartbeat, select(HEARTBEATS).order_by(HEARTBEATS.c.name))

    def _arrival_lines(self, *conditions: Any, limit: int) -> list[ArrivalLine]:  # noqa: ANN401 - SQL expressions
        suggested = CASES.alias("suggested")
        columns = (
            *(column.label(f"a_{column.name}") for column in ARRIVALS.c),
            *(column.label(f"m_{column.name}") for column in MESSAGES.c),
            CASES.c.reference.label("reference"),
            suggested.c.reference.label("suggested"),
        )
        joined = (
            ARRIVALS.outerjoin(MESSAGES, MESSAGES.c.arrival_id == ARRIVALS.c.id)
            .outerjoin(CASES, CASES.c.id == MESSAGES.c.case_id)
            .outerjoin(suggested, suggested.c.id == MESSAGES.c.suggested_case_id)
        )
        statement = select(*columns).select_from(joined).where(*conditions)
        with reading(self.engine) as connection:
            rows = connection.execute(statement.order_by(ARRIVALS.c.id, MESSAGES.c.part).limit(limit)).all()
        return [_line(dict(row._mapping)) for row in rows]


def _ready(now: datetime) -> Any:  # noqa: ANN401 - an SQL expression
    """What *deliver* carries out; mail to send goes by `storage.sending`."""
    undone = or_(EFFECTS.c.state == EffectState.WAITING, EFFECTS.c.state == EffectState.STARTED)
    return undone & (EFFECTS.c.not_before <= now) & EFFECTS.c.kind.not_in(SENDING_KINDS)


def _of_case(rows: Any, case_id: int) -> Any:  # noqa: ANN401 - a table and a SELECT
    return select(rows).where(rows.c.case_id == case_id).order_by(rows.c.id)


def _line(row: dict[str, Any]) -> ArrivalLine:
    arrival = Arrival.model_validate({name[2:]: value for name, value in row.items() if name.startswith("a_")})
    fields = {name[2:]: value for name, value in row.items() if name.startswith("m_")}
    message = Message.model_validate(fields) if fields["id"] is not None else None
    return ArrivalLine(arrival, message, row["reference"] or "", row["suggested"] or "")
