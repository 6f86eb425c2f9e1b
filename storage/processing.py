"""The one transaction of the step *process*: what is known about a message, and what became of it.

A `Processing` unit lives inside `Store.processing()`. Every item runs in a savepoint of its own, so that one that
fails leaves the others in peace. Nothing is decided here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from storage import models
from storage.models import (
    ArrivalState,
    Case,
    CaseState,
    Channel,
    Deadline,
    Document,
    Draft,
    Effect,
    Event,
    Fate,
    Message,
    Participant,
    table,
)
from storage.rows import change, fetch, fetch_one, insert_many, insert_new, insert_one, insert_or_replace, upsert

ARRIVALS = table(models.ArrivalRow)
MESSAGES = table(models.MessageRow)
DOCUMENTS = table(models.DocumentRow)
CASES = table(models.CaseRow)
PARTICIPANTS = table(models.ParticipantRow)
DEADLINES = table(models.DeadlineRow)
DRAFTS = table(models.DraftRow)
EFFECTS = table(models.EffectRow)
EVENTS = table(models.EventRow)
COUNTERS = table(models.CounterRow)
MERGES_AT_MOST = 20
DROP_DOCUMENTS = delete(DOCUMENTS).where(DOCUMENTS.c.message_id == bindparam("message"))


@lru_cache(maxsize=2)
def _next_number(dialect: str) -> Any:  # noqa: ANN401 - a statement
    statement = upsert(dialect, COUNTERS)
    counted = statement.on_conflict_do_update(index_elements=["shop", "year"], set_={"last": COUNTERS.c.last + 1})
    return counted.returning(COUNTERS.c.last)


@dataclass(frozen=True)
class Known:
    """What the database knows that bears on one message.

    `same_id` are the stored messages of the shop with the same Message-ID (id, content hash), oldest first.
    `by_message_id` and `by_reference` lead to cases, merges already followed; `participants` are their keys.
    """

    same_id: tuple[tuple[int, str], ...] = ()
    by_message_id: dict[str, Case] = field(default_factory=dict)
    by_reference: dict[str, Case] = field(default_factory=dict)
    participants: dict[int, frozenset[str]] = field(default_factory=dict)


class Processing:
    """What the pipeline does inside its transaction, one method per need."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def item(self) -> Iterator[None]:
        """A savepoint: an error inside undoes this item alone."""
        with self._connection.begin_nested():
            yield

    def known(self, shop: str, message_id: str, thread_ids: Sequence[str], references: Sequence[str]) -> Known:
        """Everything that `thread_ids` (In-Reply-To and References) and case `references` lead to in this shop."""
        by_message_id = self._cases_of_ids(shop, thread_ids)
        by_reference = self._cases_of_references(shop, references)
        cases = {case.id for case in (*by_message_id.values(), *by_reference.values()) if case.id is not None}
        return Known(
            same_id=self._same_id(shop, message_id),
            by_message_id=by_message_id,
            by_reference=by_reference,
            participants={case_id: self._participants(case_id) for case_id in cases},
        )

    def next_reference(self, shop: str, prefix: str, year: int) -> str:
        """The next case reference of the shop and year: `SIS-2026-0042`. Numbers have no holes: the counter moves
        in the same transaction."""
        number = self._connection.execute(
            _next_number(self._connection.dialect.name), {"shop": shop, "year": year, "last": 1}
        ).scalar_one()
        return f"{prefix}-{year}-{number:04d}"

    def add_message(self, message: Message, documents: Sequence[Document] = ()) -> int:
        """Store a message with its documents (their `message_id` is set here); its id. Where this part of the
        arrival has a message already, because a person decides anew, that one is replaced and keeps its id."""
        message_id = insert_or_replace(self._connection, MESSAGES, message, ("arrival_id", "part"))
        self._connection.execute(DROP_DOCUMENTS, {"message": message_id})
        filed = [document.model_copy(update={"message_id": message_id}) for document in documents]
        insert_many(self._connection, DOCUMENTS, filed)
        return message_id

    def open_case(self, case: Case, participants: Sequence[str]) -> int:
        """Store a new case; its id."""
        case_id = insert_one(self._connection, CASES, case)
        self.add_participants(case_id, participants)
        return case_id

    def add_participants(self, case_id: int, keys: Sequence[str]) -> None:
        """Let these people's messages join the case; those who may already are left."""
        for key in dict.fromkeys(keys):
            insert_new(self._connection, PARTICIPANTS, Participant(case_id=case_id, key=key), ("case_id", "key"))

    def reopen_case(self, case_id: int) -> None:
        """Set an answered or closed case open again; its new deadline is added by the caller."""
        change(self._connection, CASES, case_id, state=CaseState.OPEN, answered_at=None)

    def add_deadline(self, deadline: Deadline) -> None:
        """Store the deadline that a new case was opened with."""
        insert_one(self._connection, DEADLINES, deadline)

    def move_due(self, deadline: Deadline) -> None:
        """Store a deadline and make it the case's current one."""
        self.add_deadline(deadline)
        change(
            self._connection,
            CASES,
            deadline.case_id,
            due_on=deadline.due_on,
            post_by=deadline.post_by,
            target_at=deadline.target_at,
        )

    def add_draft(self, draft: Draft) -> int:
        """Store a draft; its id."""
        return insert_one(self._connection, DRAFTS, draft)

    def add_effect(self, effect: Effect) -> None:
        """Ask for an effect, once: a second one with the same key changes nothing."""
        insert_new(self._connection, EFFECTS, effect, ("key",))

    def add_event(self, event: Event) -> None:
        """Append one line to the history."""
        insert_one(self._connection, EVENTS, event)

    def finish_arrival(self, arrival_id: int) -> None:
        """Mark an arrival as processed: its messages have their fates."""
        change(self._connection, ARRIVALS, arrival_id, state=ArrivalState.PROCESSED)

    def twin_of_scan(self, shop: str, sha256: str, arrival_id: int) -> tuple[int, int | None] | None:
        """An earlier scan of the shop with the same bytes that met a good fate: (message id, case id)."""
        statement = (
            select(MESSAGES.c.id, MESSAGES.c.case_id)
            .join(ARRIVALS, ARRIVALS.c.id == MESSAGES.c.arrival_id)
            .where(ARRIVALS.c.shop == shop, ARRIVALS.c.sha256 == sha256, ARRIVALS.c.channel == Channel.LETTER)
            .where(ARRIVALS.c.id != arrival_id, MESSAGES.c.fate.in_(("opened", "joined")))
            .order_by(MESSAGES.c.id)
        )
        row = self._connection.execute(statement).first()
        return None if row is None else (int(row[0]), row[1])

    def fate_of(self, arrival_id: int) -> Fate | None:
        """The fate of an arrival's first message, held against others until the transaction ends."""
        statement = select(MESSAGES.c.fate).where(MESSAGES.c.arrival_id == arrival_id, MESSAGES.c.part == 0)
        return self._connection.execute(statement.with_for_update()).scalar()

    def case_by_id(self, case_id: int) -> Case | None:
        """A case, merges not followed."""
        return fetch_one(self._connection, Case, select(CASES).where(CASES.c.id == case_id))

    def latest_draft(self, case_id: int) -> Draft | None:
        """The newest draft of a case."""
        statement = select(DRAFTS).where(DRAFTS.c.case_id == case_id).order_by(DRAFTS.c.id.desc())
        return fetch_one(self._connection, Draft, statement)

    def replace_draft(self, draft_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
        """Set columns of a stored draft."""
        change(self._connection, DRAFTS, draft_id, **values)

    def _same_id(self, shop: str, message_id: str) -> tuple[tuple[int, str], ...]:
        if not message_id:
            return ()
        statement = (
            select(MESSAGES.c.id, MESSAGES.c.content_hash)
            .where(MESSAGES.c.shop == shop, MESSAGES.c.message_id == message_id)
            .order_by(MESSAGES.c.id)
        )
        return tuple((int(row[0]), str(row[1])) for row in self._connection.execute(statement))

    def _cases_of_ids(self, shop: str, ids: Sequence[str]) -> dict[str, Case]:
        if not ids:
            return {}
        found: dict[str, Case] = {}
        held = select(MESSAGES.c.message_id, MESSAGES.c.case_id).where(
            MESSAGES.c.shop == shop, MESSAGES.c.message_id.in_(ids), MESSAGES.c.case_id.is_not(None)
        )
        ours = (
            select(DRAFTS.c.token, DRAFTS.c.case_id)
            .join(CASES, CASES.c.id == DRAFTS.c.case_id)
            .where(CASES.c.shop == shop, DRAFTS.c.token.in_(ids))
        )
        for message_id, case_id in (*self._connection.execute(held), *self._connection.execute(ours)):
            case = self._follow(case_id)
            if case is not None:
                found[message_id] = case
        return found

    def _cases_of_references(self, shop: str, references: Sequence[str]) -> dict[str, Case]:
        if not references:
            return {}
        statement = select(CASES).where(CASES.c.shop == shop, CASES.c.reference.in_(references))
        found = {}
        for case in fetch(self._connection, Case, statement):
            followed = self._follow(case.id)
            if followed is not None:
                found[case.reference] = followed
        return found

    def _follow(self, case_id: int | None) -> Case | None:
        """The case that a merged case ended up in. Bounded, should the links ever form a ring."""
        for _ in range(MERGES_AT_MOST):
            if case_id is None:
                return None
            case = self.case_by_id(case_id)
            if case is None or case.merged_into_id is None:
                return case
            case_id = case.merged_into_id
        return None

    def _participants(self, case_id: int) -> frozenset[str]:
        statement = select(PARTICIPANTS.c.key).where(PARTICIPANTS.c.case_id == case_id)
        return frozenset(self._connection.execute(statement).scalars())
