"""The one transaction of the step *process*: what is known about a batch of messages, and what became of them.

A `Processing` unit lives inside `Store.processing()`. What it is given it collects, under ids that it reserves, and
writes at the end with one statement a table: a dozen statements for a batch instead of a dozen for each mail. An item
that fails inside `item()` is forgotten alone; rows that the database refuses undo the whole transaction, and the caller
then goes item by item. Nothing is decided here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, select, text, update

from storage.casework import Casework
from storage.chain import chained, last_lines
from storage.forgetting import Erasure
from storage.knowledge import Knowledge, Known, Question
from storage.models import (
    SUBSTANTIVE,
    ArrivalState,
    Case,
    CaseState,
    Clue,
    Deadline,
    Document,
    Draft,
    DraftState,
    Effect,
    Event,
    Fate,
    Message,
    Note,
    Notice,
)
from storage.rows import change, fetch, fetch_one, insert_all, upsert, values_of
from storage.sending import Recipients
from storage.tables import (
    ARRIVALS,
    CASES,
    CLUES,
    COUNTERS,
    DEADLINES,
    DOCUMENTS,
    DRAFTS,
    EFFECTS,
    EVENTS,
    MESSAGES,
    NOTES,
    NOTICES,
    PARTICIPANTS,
)

# Rows are written in this order, so that a row's parents are there before it. The columns are what is unique besides
# the id: a second row with the same changes nothing.
WRITTEN: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (CASES, ()),
    (PARTICIPANTS, ("case_id", "key")),
    (CLUES, ("shop", "key", "case_id")),
    (MESSAGES, ()),
    (DOCUMENTS, ()),
    (DEADLINES, ()),
    (DRAFTS, ()),
    (EFFECTS, ("key",)),
    (EVENTS, ()),
    (NOTICES, ("key",)),
    (NOTES, ()),
)
DROP_DOCUMENTS = delete(DOCUMENTS).where(DOCUMENTS.c.message_id == bindparam("message"))
IDS_RESERVED = 64  # at a time, where a sequence gives them out


@lru_cache(maxsize=2)
def _current_number(dialect: str) -> Any:  # noqa: ANN401 - a statement
    """The last number given out; the row is made where it is missing, and held until the transaction ends."""
    statement = upsert(dialect, COUNTERS)
    held = statement.on_conflict_do_update(index_elements=["shop", "year"], set_={"last": COUNTERS.c.last})
    return held.returning(COUNTERS.c.last)


class Processing:
    """What the pipeline does inside its transaction, one method per need."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._knowledge = Knowledge(connection)
        self.cases = Casework(connection)
        self.recipients = Recipients(connection)
        self.erasure = Erasure(connection)
        self._rows: dict[Table, list[dict[str, Any]]] = {target: [] for target, _ in WRITTEN}
        self._changes: list[Callable[[], object]] = []
        self._draft_changes: dict[int, dict[str, Any]] = {}
        self._finished: list[int] = []
        self._counters: dict[tuple[str, int], int] = {}
        self._ids: dict[Table, Iterator[int]] = {}

    @contextmanager
    def item(self) -> Iterator[None]:
        """One item of the batch: an error inside leaves nothing of it, and the others in peace."""
        before = {target: len(rows) for target, rows in self._rows.items()}
        changes, finished, counters = len(self._changes), len(self._finished), dict(self._counters)
        draft_changes = dict(self._draft_changes)
        mark, recipients = self._knowledge.mark(), self.recipients.mark()
        try:
            yield
        except BaseException:
            for target, length in before.items():
                del self._rows[target][length:]
            del self._changes[changes:], self._finished[finished:]
            self._counters, self._draft_changes = counters, draft_changes
            self._knowledge.undo(mark)
            self.recipients.undo(recipients)
            raise

    def look_up(self, questions: Sequence[Question]) -> None:
        """Read what is known about these messages, together."""
        self._knowledge.look_up(questions)

    def known(self, question: Question) -> Known:
        """What is known about one message that was looked up, including what this batch has added since."""
        return self._knowledge.answer(question)

    def next_reference(self, shop: str, prefix: str, year: int) -> str:
        """The next case reference of the shop and year: `SIS-2026-0042`. Numbers have no holes: the counter moves
        in the same transaction."""
        if (shop, year) not in self._counters:
            statement = _current_number(self._connection.dialect.name)
            last = self._connection.execute(statement, {"shop": shop, "year": year, "last": 0}).scalar_one()
            self._counters[(shop, year)] = int(last)
        self._counters[(shop, year)] += 1
        return f"{prefix}-{year}-{self._counters[(shop, year)]:04d}"

    def add_message(self, message: Message, documents: Sequence[Document] = (), sha256: str = "") -> int:
        """Store a message with its documents (their `message_id` is set here); its id. `sha256` is its scan's, empty
        for mail. Where this part of its arrival has a message already, because a person decides anew, that one is
        replaced and keeps its id."""
        held = self._knowledge.message_of(message.arrival_id, message.part)
        message_id = held or self._next_id(MESSAGES)
        filed = [values_of(document, message_id=message_id) for document in documents]
        if held is not None:
            self._changes.append(lambda: self._replace_message(message, held, filed))
        else:
            self._rows[MESSAGES].append(values_of(message, id=message_id))
            self._rows[DOCUMENTS] += filed
        self._knowledge.add_message(message, message_id, sha256)
        return message_id

    def open_case(self, case: Case, participants: Sequence[str]) -> int:
        """Store a new case; its id."""
        case_id = self._next_id(CASES)
        self._rows[CASES].append(values_of(case, id=case_id))
        self._knowledge.add_case(case, case_id)
        self.add_participants(case_id, participants)
        return case_id

    def add_participants(self, case_id: int, keys: Sequence[str]) -> None:
        """Let these people's messages join the case; those who may already are left."""
        fresh = self._knowledge.add_participants(case_id, keys)
        self._rows[PARTICIPANTS] += [{"case_id": case_id, "key": key} for key in fresh]

    def add_clues(self, shop: str, case_id: int, keys: Sequence[str], at: datetime) -> None:
        """Note by what a case may be known as the same complaint."""
        fresh = self._knowledge.add_clues(shop, keys, case_id, at)
        self._rows[CLUES] += [values_of(Clue(shop=shop, key=key, case_id=case_id, at=at)) for key in fresh]

    def participants(self, case_id: int) -> frozenset[str]:
        """Who may join a case without being asked."""
        return self._knowledge.participants(case_id)

    def reopen_case(self, case_id: int) -> None:
        """Set an answered or closed case open again; its new deadline is added by the caller."""
        cleared = {"answered_at": None, "answered_how": "", "closed_at": None, "closed_as": ""}
        self.change_case(case_id, state=CaseState.OPEN, **cleared)

    def change_case(self, case_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
        """Set columns of a case."""
        case = self.case_by_id(case_id)
        if case is not None:
            self._knowledge.change_case(case_id, case.model_copy(update=values))
        self._changes.append(lambda: change(self._connection, CASES, case_id, **values))

    def add_attention(self, case_id: int, mark: str) -> None:
        """Put a mark on a case that a person has to look at, once."""
        case = self.case_by_id(case_id)
        if case is not None and mark not in case.attention:
            self.change_case(case_id, attention=[*case.attention, mark])

    def add_deadline(self, deadline: Deadline) -> None:
        """Store the deadline that a new case was opened with."""
        self._rows[DEADLINES].append(values_of(deadline))

    def move_due(self, deadline: Deadline) -> None:
        """Store a deadline and make it the case's current one."""
        self.add_deadline(deadline)
        self.change_case(
            deadline.case_id, due_on=deadline.due_on, post_by=deadline.post_by, target_at=deadline.target_at
        )

    def add_draft(self, draft: Draft) -> int:
        """Store a draft; its id."""
        draft_id = self._next_id(DRAFTS)
        self._rows[DRAFTS].append(values_of(draft, id=draft_id))
        return draft_id

    def add_effect(self, effect: Effect) -> None:
        """Ask for an effect, once: a second one with the same key changes nothing."""
        self._rows[EFFECTS].append(values_of(effect))

    def is_asked_for(self, key: str) -> bool:
        """Whether there is an effect with this key."""
        if any(row["key"] == key for row in self._rows[EFFECTS]):
            return True
        return self._connection.execute(select(EFFECTS.c.id).where(EFFECTS.c.key == key)).first() is not None

    def add_event(self, event: Event) -> None:
        """Append one line to the history."""
        self._rows[EVENTS].append(values_of(event))

    def add_notice(self, notice: Notice) -> None:
        """Have the manager told something, once: a second notice with the same key changes nothing."""
        self._rows[NOTICES].append(values_of(notice))

    def add_note(self, note: Note) -> None:
        """Store what somebody wrote down about a case."""
        self._rows[NOTES].append(values_of(note))

    def finish_arrival(self, arrival_id: int) -> None:
        """Mark an arrival as processed: its messages have their fates."""
        self._finished.append(arrival_id)

    def fate_of(self, arrival_id: int) -> Fate | None:
        """The fate of an arrival's first message, held against others until the transaction ends."""
        statement = select(MESSAGES.c.fate).where(MESSAGES.c.arrival_id == arrival_id, MESSAGES.c.part == 0)
        return self._connection.execute(statement.with_for_update()).scalar()

    def case_by_id(self, case_id: int) -> Case | None:
        """A case, merges not followed."""
        return self._knowledge.case(case_id)

    def case_followed(self, case_id: int | None) -> Case | None:
        """A case, or the one that it was merged into."""
        case = self._knowledge.case(case_id) if case_id is not None else None
        if case is not None and case.merged_into_id is not None:
            return self._knowledge.follow(case.merged_into_id) or self._knowledge.case(case.merged_into_id)
        return case

    def latest_draft(self, case_id: int, kinds: Sequence[str] = SUBSTANTIVE) -> Draft | None:
        """The newest draft of a case, of a kind that answers it; one that was superseded only where there is no other:
        a newer one gives way to one that a person has begun to edit. See `drafts_of`."""
        drafts = [one for one in self.drafts_of(case_id) if one.kind in kinds]
        counting = [one for one in drafts if one.state is not DraftState.SUPERSEDED]
        return next(reversed(counting or drafts), None)

    def drafts_of(self, case_id: int) -> list[Draft]:
        """The drafts of a case, oldest first, as this batch leaves them: with what it adds and changes."""
        stored = fetch(self._connection, Draft, select(DRAFTS).where(DRAFTS.c.case_id == case_id))
        added = [Draft.model_validate(row) for row in self._rows[DRAFTS] if row["case_id"] == case_id]
        drafts = (one.model_copy(update=self._draft_changes.get(one.id or 0)) for one in (*stored, *added))
        return sorted(drafts, key=lambda draft: draft.id or 0)

    def waiting_drafts(self, case_id: int) -> list[Draft]:
        """The drafts of a case that wait for a person, oldest first; see `drafts_of`."""
        kinds = (*SUBSTANTIVE, "holding")
        return [one for one in self.drafts_of(case_id) if one.state is DraftState.WAITING and one.kind in kinds]

    def heard_of(self, case_id: int) -> list[Message]:
        """What was written to the shop in a case, oldest first, in this batch too: what opened it and what joined."""
        statement = select(MESSAGES).where(MESSAGES.c.case_id == case_id, MESSAGES.c.outgoing.is_(False))
        stored = fetch(self._connection, Message, statement.where(MESSAGES.c.fate.in_((Fate.OPENED, Fate.JOINED))))
        added = [Message.model_validate(row) for row in self._rows[MESSAGES] if row["case_id"] == case_id]
        good = [one for one in added if not one.outgoing and one.fate in (Fate.OPENED, Fate.JOINED)]
        return sorted((*stored, *good), key=lambda message: message.id or 0)

    def deadline_of(self, case_id: int) -> Deadline | None:
        """The latest deadline of a case, of this batch too."""
        added = [row for row in self._rows[DEADLINES] if row["case_id"] == case_id]
        if added:
            return Deadline.model_validate(added[-1])
        statement = select(DEADLINES).where(DEADLINES.c.case_id == case_id).order_by(DEADLINES.c.id.desc())
        return fetch_one(self._connection, Deadline, statement)

    def change_draft(self, draft_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
        """Set columns of a draft."""
        self._draft_changes[draft_id] = {**self._draft_changes.get(draft_id, {}), **values}
        self._changes.append(lambda: change(self._connection, DRAFTS, draft_id, **values))

    def change_effect(self, effect_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
        """Set columns of a stored effect."""
        self._changes.append(lambda: change(self._connection, EFFECTS, effect_id, **values))

    def change_message(self, message_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
        """Set columns of a stored message."""
        self._changes.append(lambda: change(self._connection, MESSAGES, message_id, **values))

    def change_arrival(self, arrival_id: int, **values: Any) -> None:  # noqa: ANN401 - columns
        """Set columns of an arrival."""
        self._changes.append(lambda: change(self._connection, ARRIVALS, arrival_id, **values))

    def message_of(self, arrival_id: int, part: int = 0) -> Message | None:
        """The message of a part of an arrival, held against others until the transaction ends."""
        statement = select(MESSAGES).where(MESSAGES.c.arrival_id == arrival_id, MESSAGES.c.part == part)
        return fetch_one(self._connection, Message, statement.with_for_update())

    def write(self) -> None:
        """Write what was collected; `Store.processing` does so before it commits."""
        self._rows[EVENTS] = self._chained(self._rows[EVENTS])
        for target, unique in WRITTEN:
            insert_all(self._connection, target, self._rows[target], unique)
            self._rows[target].clear()
        for carry_out in self._changes:
            carry_out()
        self._changes.clear()
        self._draft_changes.clear()
        self.recipients.write()
        for (shop, year), last in self._counters.items():
            held = (COUNTERS.c.shop == shop) & (COUNTERS.c.year == year)
            self._connection.execute(update(COUNTERS).where(held).values(last=last))
        if self._finished:
            done = update(ARRIVALS).where(ARRIVALS.c.id.in_(self._finished))
            self._connection.execute(done.values(state=ArrivalState.PROCESSED))
            self._finished.clear()

    def _chained(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The lines of the history with their places in the chain; nobody else writes one until the transaction ends
        (`database.writing_alone`)."""
        heads = last_lines(self._connection, {event["shop"] for event in events})
        return list(chained(events, heads))

    def _replace_message(self, message: Message, message_id: int, documents: Sequence[dict[str, Any]]) -> None:
        self._connection.execute(DROP_DOCUMENTS, {"message": message_id})
        change(self._connection, MESSAGES, message_id, **message.model_dump(exclude={"id"}))
        insert_all(self._connection, DOCUMENTS, documents)

    def _next_id(self, target: Table) -> int:
        """An id that no row has. SQLite's only writer may count on from the last; PostgreSQL's sequence gives out a
        handful at a time."""
        if target not in self._ids:
            postgresql = self._connection.dialect.name == "postgresql"
            self._ids[target] = self._from_sequence(target) if postgresql else self._after_last(target)
        return next(self._ids[target])

    def _after_last(self, target: Table) -> Iterator[int]:
        return count((self._connection.execute(select(func.max(target.c.id))).scalar() or 0) + 1)

    def _from_sequence(self, target: Table) -> Iterator[int]:
        give = text(f"SELECT nextval(pg_get_serial_sequence('{target.name}', 'id')) FROM generate_series(1, :n)")  # noqa: S608 - a table of ours
        while True:
            yield from sorted(self._connection.execute(give, {"n": IDS_RESERVED}).scalars())
