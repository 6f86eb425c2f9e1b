"""What the database knows that bears on a batch of messages, read together, and kept true while the batch goes on.

One mail of a batch may answer another of the same batch, or be its duplicate. So what the batch itself stores is told
here at once, before it is written, and taken back where its item fails. Nothing is decided here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TypeVar

from sqlalchemy import Connection, select

from storage.models import Case, Channel, Fate, Message
from storage.rows import fetch
from storage.tables import ANSWERED, ARRIVALS, CASES, CLUES, DRAFTS, MESSAGES, PARTICIPANTS, TOMBSTONES

MERGES_AT_MOST = 20
LIKENESS = "like:"  # the clues that are compared by nearness, not by equality
VALUES_AT_MOST = 500  # in one statement: SQLite takes 32,766 parameters, and its planner likes fewer
T = TypeVar("T")
GOOD = (Fate.OPENED, Fate.JOINED)


@dataclass(frozen=True, slots=True)
class Question:
    """What one message asks: its ids, those that it answers, the case references in it; for a scan its hash. `clues`
    are asked for among cases of which one was noted at or after `clues_since`; a likeness asks for all likenesses.
    `tombstones` are the keys that it would have if it had been erased before."""

    shop: str
    arrival_id: int
    message_id: str = ""
    thread_ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sha256: str = ""
    part: int = 0
    clues: tuple[str, ...] = ()
    clues_since: datetime | None = None
    tombstones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What the database knows that bears on one message.

    `same_id` are the stored messages of the shop with the same Message-ID (id, content hash), oldest first;
    `sent_before` those of them that were taken from Sent for a case.
    `by_message_id` and `by_reference` lead to cases, merges already followed; `participants` are their keys.
    `twin_scan` is an earlier scan with the same bytes that met a good fate, as (message id, case id). `answered_at`
    is when the message was answered before Intake came, by the Sent folder. `forward_of_it` is the case of a
    colleague's forward of the message. `by_clue` are the cases with a clue that was asked for, as (clue, case id).
    `erased`: it was erased before, and is not to come back.
    """

    same_id: tuple[tuple[int, str], ...] = ()
    sent_before: tuple[tuple[int, str], ...] = ()
    by_message_id: dict[str, Case] = field(default_factory=dict)
    by_reference: dict[str, Case] = field(default_factory=dict)
    participants: dict[int, frozenset[str]] = field(default_factory=dict)
    twin_scan: tuple[int, int | None] | None = None
    answered_at: datetime | None = None
    forward_of_it: Case | None = None
    by_clue: tuple[tuple[str, int], ...] = ()
    erased: bool = False


@dataclass(frozen=True, slots=True)
class _Held:
    """A stored message, as far as others ask for it."""

    id: int
    arrival_id: int
    content_hash: str
    case_id: int | None
    sent: bool = False


class Knowledge:
    """The rows that a batch asks about. `undo` goes back to where `mark` was."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: dict[tuple[str, str], list[_Held]] = {}
        self._numbers: dict[tuple[int, int], int | None] = {}
        self._tokens: dict[tuple[str, str], int] = {}
        self._cases: dict[int, Case] = {}
        self._references: dict[tuple[str, str], int] = {}
        self._participants: dict[int, set[str]] = {}
        self._scans: dict[tuple[str, str], list[_Held]] = {}
        self._answered: dict[tuple[str, str], datetime] = {}
        self._forwards: dict[tuple[str, str], list[int]] = {}
        self._clues: dict[tuple[str, str], dict[int, datetime]] = {}
        self._tombstones: set[tuple[str, str]] = set()
        self._undo: list[Callable[[], object]] = []

    def look_up(self, questions: Sequence[Question]) -> None:
        """Read what these messages ask about, in a few statements for all of them."""
        for shop in dict.fromkeys(question.shop for question in questions):
            asked = [question for question in questions if question.shop == shop]
            threads = _flat(question.thread_ids for question in asked)
            self._read_messages(shop, [*_flat((question.message_id,) for question in asked), *threads])
            self._read_tokens(shop, threads)
            self._read_references(shop, _flat(question.references for question in asked))
            self._read_scans(shop, _flat((question.sha256,) for question in asked))
            self._read_answered(shop, _flat((question.message_id,) for question in asked))
            self._read_forwards(shop, _flat((question.message_id,) for question in asked))
            self._read_clues(shop, asked)
            self._read_tombstones(shop, _flat(question.tombstones for question in asked))
        self._read_numbers(sorted({question.arrival_id for question in questions}))
        self._read_cases()

    def answer(self, question: Question) -> Known:
        """What is known for one message; what was not looked up is not known."""
        shop = question.shop
        by_message_id: dict[str, Case] = {}
        for found in question.thread_ids:
            case_id = self._tokens.get((shop, found)) or self._case_of(shop, found)
            case = self.follow(case_id)
            if case is not None:
                by_message_id[found] = case
        led = {reference: self.follow(self._references.get((shop, reference))) for reference in question.references}
        by_reference = {reference: case for reference, case in led.items() if case is not None}
        forwards = self._forwards.get((shop, question.message_id), ())
        forward_of_it = self.follow(forwards[-1]) if forwards else None
        led_to = (*by_message_id.values(), *by_reference.values(), *filter(None, (forward_of_it,)))
        cases = {case.id or 0 for case in led_to}
        same = self._messages.get((shop, question.message_id), ()) if question.message_id else ()
        twins = [
            held for held in self._scans.get((shop, question.sha256), ()) if held.arrival_id != question.arrival_id
        ]
        return Known(
            same_id=tuple((held.id, held.content_hash) for held in same),
            sent_before=tuple((held.id, held.content_hash) for held in same if held.sent),
            by_message_id=by_message_id,
            by_reference=by_reference,
            participants={case_id: frozenset(self._participants.get(case_id, ())) for case_id in cases},
            twin_scan=(twins[0].id, twins[0].case_id) if twins else None,
            answered_at=self._answered.get((shop, question.message_id)),
            forward_of_it=forward_of_it,
            by_clue=tuple(self._by_clue(question)),
            erased=any((shop, key) in self._tombstones for key in question.tombstones),
        )

    def message_of(self, arrival_id: int, part: int) -> int | None:
        """The id of the message that a part of an arrival has already, None where it has none."""
        if (arrival_id, 0) not in self._numbers:
            self._read_numbers([arrival_id])
        return self._numbers.get((arrival_id, part))

    def participants(self, case_id: int) -> frozenset[str]:
        """Who takes part in a case."""
        if case_id not in self._participants:
            self._read_participants([case_id])
        return frozenset(self._participants[case_id])

    def follow(self, case_id: int | None) -> Case | None:
        """The case that a merged case ended up in. Bounded, should the links ever form a ring."""
        for _ in range(MERGES_AT_MOST):
            case = self.case(case_id) if case_id is not None else None
            if case is None or case.merged_into_id is None:
                return case
            case_id = case.merged_into_id
        return None

    def case(self, case_id: int) -> Case | None:
        """A case, merges not followed."""
        if case_id not in self._cases:
            self._fetch_cases([case_id])
        return self._cases.get(case_id)

    # What the batch itself adds

    def mark(self) -> int:
        """A place to go back to."""
        return len(self._undo)

    def undo(self, mark: int) -> None:
        """Forget what was added since `mark`."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def add_message(self, message: Message, message_id: int, sha256: str) -> None:
        """A message that will be stored under this id; `sha256` of its scan, empty for mail."""
        sent = message.outgoing and message.fate is Fate.JOINED
        held = _Held(message_id, message.arrival_id, message.content_hash, message.case_id, sent)
        places = [self._messages.setdefault((message.shop, message.message_id), [])] if message.message_id else []
        if sha256 and message.fate in GOOD:
            places.append(self._scans.setdefault((message.shop, sha256), []))
        for place in places:
            place.append(held)
            self._undo.append(place.pop)
        if message.forwarded_id and message.case_id is not None:
            forwards = self._forwards.setdefault((message.shop, message.forwarded_id), [])
            forwards.append(message.case_id)
            self._undo.append(forwards.pop)
        number = (message.arrival_id, message.part)
        before = self._numbers.get(number)
        self._numbers[number] = message_id
        self._undo.append(lambda: self._numbers.update({number: before}))

    def add_case(self, case: Case, case_id: int) -> None:
        """A case that will be stored under this id."""
        self.change_case(case_id, case.model_copy(update={"id": case_id}))
        self._references[(case.shop, case.reference)] = case_id
        self._undo.append(lambda: self._references.pop((case.shop, case.reference)))

    def change_case(self, case_id: int, case: Case) -> None:
        """A case as it will be."""
        before = self._cases.get(case_id)
        self._cases[case_id] = case
        self._undo.append(lambda: self._put_back(case_id, before))

    def add_participants(self, case_id: int, keys: Iterable[str]) -> list[str]:
        """Let these people join the case; those that could not before."""
        held = self._participants.setdefault(case_id, set())
        fresh = [key for key in dict.fromkeys(keys) if key not in held]
        held.update(fresh)
        self._undo.append(lambda: held.difference_update(fresh))
        return fresh

    def add_clues(self, shop: str, keys: Iterable[str], case_id: int, at: datetime) -> list[str]:
        """Clues that lead to a case; those that did not before."""
        fresh = [key for key in dict.fromkeys(keys) if case_id not in self._clues.get((shop, key), {})]
        for key in fresh:
            held = self._clues.setdefault((shop, key), {})
            held[case_id] = at
            self._undo.append(partial(held.pop, case_id))
        return fresh

    def _put_back(self, case_id: int, before: Case | None) -> None:
        if before is None:
            self._cases.pop(case_id, None)
        else:
            self._cases[case_id] = before

    # What is read

    def _case_of(self, shop: str, message_id: str) -> int | None:
        """The case of the last stored message with this id that has one."""
        cases = [held.case_id for held in self._messages.get((shop, message_id), ()) if held.case_id is not None]
        return cases[-1] if cases else None

    def _read_messages(self, shop: str, ids: Sequence[str]) -> None:
        wanted = [found for found in dict.fromkeys(ids) if (shop, found) not in self._messages]
        columns = (MESSAGES.c.message_id, MESSAGES.c.id, MESSAGES.c.arrival_id, MESSAGES.c.content_hash)
        for part in _parts(wanted):
            sent = MESSAGES.c.outgoing & (MESSAGES.c.fate == Fate.JOINED)
            statement = select(*columns, MESSAGES.c.case_id, sent).where(
                MESSAGES.c.shop == shop, MESSAGES.c.message_id.in_(part)
            )
            for name, *values in self._connection.execute(statement.order_by(MESSAGES.c.id)):
                self._messages.setdefault((shop, name), []).append(_Held(*values))

    def _read_tokens(self, shop: str, ids: Sequence[str]) -> None:
        for part in _parts(ids):
            statement = (
                select(DRAFTS.c.token, DRAFTS.c.case_id)
                .join(CASES, CASES.c.id == DRAFTS.c.case_id)
                .where(CASES.c.shop == shop, DRAFTS.c.token.in_(part))
            )
            self._tokens.update({(shop, token): case_id for token, case_id in self._connection.execute(statement)})

    def _read_references(self, shop: str, references: Sequence[str]) -> None:
        for part in _parts(references):
            statement = select(CASES).where(CASES.c.shop == shop, CASES.c.reference.in_(part))
            for case in fetch(self._connection, Case, statement):
                self._references[(shop, case.reference)] = case.id or 0
                self._cases[case.id or 0] = case

    def _read_scans(self, shop: str, digests: Sequence[str]) -> None:
        for part in _parts(digests):
            columns = (ARRIVALS.c.sha256, MESSAGES.c.id, MESSAGES.c.arrival_id, MESSAGES.c.content_hash)
            statement = (
                select(*columns, MESSAGES.c.case_id)
                .join(ARRIVALS, ARRIVALS.c.id == MESSAGES.c.arrival_id)
                .where(ARRIVALS.c.shop == shop, ARRIVALS.c.sha256.in_(part), ARRIVALS.c.channel == Channel.LETTER)
                .where(MESSAGES.c.fate.in_(GOOD))
                .order_by(MESSAGES.c.id)
            )
            for digest, *values in self._connection.execute(statement):
                self._scans.setdefault((shop, digest), []).append(_Held(*values))

    def _read_answered(self, shop: str, ids: Sequence[str]) -> None:
        for part in _parts(ids):
            statement = select(ANSWERED.c.message_id, ANSWERED.c.answered_at).where(
                ANSWERED.c.shop == shop, ANSWERED.c.message_id.in_(part)
            )
            self._answered.update({(shop, found): moment for found, moment in self._connection.execute(statement)})

    def _read_forwards(self, shop: str, ids: Sequence[str]) -> None:
        for part in _parts([found for found in ids if (shop, found) not in self._forwards]):
            statement = select(MESSAGES.c.forwarded_id, MESSAGES.c.case_id).where(
                MESSAGES.c.shop == shop, MESSAGES.c.forwarded_id.in_(part), MESSAGES.c.case_id.is_not(None)
            )
            for found, case_id in self._connection.execute(statement.order_by(MESSAGES.c.id)):
                self._forwards.setdefault((shop, found), []).append(case_id)

    def _by_clue(self, question: Question) -> Iterator[tuple[str, int]]:
        since = question.clues_since
        asked = [key for key in question.clues if not key.startswith(LIKENESS)]
        if len(asked) < len(question.clues):
            asked += [key for shop, key in self._clues if shop == question.shop and key.startswith(LIKENESS)]
        for key in asked:
            for case_id, at in self._clues.get((question.shop, key), {}).items():
                if since is None or at >= since:
                    yield key, case_id

    def _read_clues(self, shop: str, questions: Sequence[Question]) -> None:
        """Those of all the questions, from the earliest moment that any of them asks for."""
        keys = _flat(question.clues for question in questions)
        since = min((question.clues_since for question in questions if question.clues_since), default=None)
        if not keys or since is None:
            return
        plain = [key for key in keys if not key.startswith(LIKENESS)]
        wanted = [CLUES.c.key.in_(part) for part in _parts(plain)]
        if len(plain) < len(keys):
            wanted.append(CLUES.c.key.between(LIKENESS, f"{LIKENESS}~"))
        for condition in wanted:
            statement = select(CLUES.c.key, CLUES.c.case_id, CLUES.c.at).where(
                CLUES.c.shop == shop, CLUES.c.at >= since, condition
            )
            for key, case_id, at in self._connection.execute(statement.order_by(CLUES.c.case_id)):
                self._clues.setdefault((shop, key), {})[case_id] = at

    def _read_tombstones(self, shop: str, keys: Sequence[str]) -> None:
        for part in _parts(keys):
            statement = select(TOMBSTONES.c.key).where(TOMBSTONES.c.shop == shop, TOMBSTONES.c.key.in_(part))
            self._tombstones.update((shop, key) for key in self._connection.execute(statement).scalars())

    def _read_numbers(self, arrival_ids: Sequence[int]) -> None:
        for part in _parts(arrival_ids):
            columns = (MESSAGES.c.arrival_id, MESSAGES.c.part, MESSAGES.c.id)
            statement = select(*columns).where(MESSAGES.c.arrival_id.in_(part))
            self._numbers |= {(arrival_id, 0): None for arrival_id in part}
            self._numbers |= {(row[0], row[1]): row[2] for row in self._connection.execute(statement)}

    def _read_cases(self) -> None:
        """The cases that the ids lead to, those that they were merged into, and who takes part in them."""
        wanted = {*self._tokens.values(), *self._references.values(), *chain(*self._forwards.values())}
        wanted |= {held.case_id for line in self._messages.values() for held in line if held.case_id is not None}
        for _ in range(MERGES_AT_MOST):
            wanted |= {case.merged_into_id for case in self._cases.values() if case.merged_into_id is not None}
            missing = sorted(wanted - self._cases.keys())
            self._fetch_cases(missing)
            if not missing:
                break
        self._read_participants([case_id for case_id in self._cases if case_id not in self._participants])

    def _fetch_cases(self, case_ids: Sequence[int]) -> None:
        for part in _parts(case_ids):
            for case in fetch(self._connection, Case, select(CASES).where(CASES.c.id.in_(part))):
                self._cases[case.id or 0] = case

    def _read_participants(self, case_ids: Sequence[int]) -> None:
        for part in _parts(case_ids):
            statement = select(PARTICIPANTS.c.case_id, PARTICIPANTS.c.key).where(PARTICIPANTS.c.case_id.in_(part))
            for case_id in part:
                self._participants.setdefault(case_id, set())
            for case_id, key in self._connection.execute(statement):
                self._participants[case_id].add(key)


def _flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(item for group in groups for item in group if item))


def _parts(values: Sequence[T]) -> list[Sequence[T]]:
    return [values[start : start + VALUES_AT_MOST] for start in range(0, len(values), VALUES_AT_MOST)]
