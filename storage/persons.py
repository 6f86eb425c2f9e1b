"""What the store knows of a person: cases, messages elsewhere, and where others mention them.

One method per need, one transaction each, like the rest of the store. What was erased is not looked at.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, Engine, Table, Text, and_, cast, func, or_, select

from storage.database import reading
from storage.erasing import Family, families
from storage.models import (
    Arrival,
    Case,
    Clue,
    Document,
    Effect,
    Event,
    Fate,
    Message,
    Notice,
    Reading,
    Record,
    Undeliverable,
)
from storage.rows import fetch
from storage.tables import (
    ARRIVALS,
    CASES,
    CLUES,
    DOCUMENTS,
    DRAFTS,
    EFFECTS,
    EVENTS,
    MESSAGES,
    NOTES,
    NOTICES,
    PARTICIPANTS,
    READINGS,
    UNDELIVERABLE,
)

R = TypeVar("R", bound=Record)
VALUES_AT_MOST = 500  # in one statement
NAMED_IN: dict[str, tuple[Table, tuple[str, ...]]] = {
    "a note names them": (NOTES, ("text",)),
    "a draft of ours names them": (DRAFTS, ("recipient", "subject", "body", "quote")),
    "its subject or a mark names them": (CASES, ("subject", "attention")),
    "they take part in it": (PARTICIPANTS, ("key",)),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """By what somebody is known in a case or a message: `case_id` is None for a message of none. The address is in
    lower case, the postcode in capitals without blanks; "" for what is not known."""

    case_id: int | None
    name: str
    address: str
    postcode: str


@dataclass(frozen=True, slots=True)
class Mention:
    """Where something of others names a person, in `words`: in a case ("" for none), or a message of an arrival."""

    reference: str
    arrival_id: int | None
    words: str


class Persons:
    """People in the database. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def identities(self, shops: Sequence[str]) -> Iterator[Identity]:
        """Everybody who complains in a case or wrote a message of none."""
        cases = select(CASES.c.id, CASES.c.complainant_name, CASES.c.complainant_address, CASES.c.postal)
        cases = cases.where(CASES.c.shop.in_(shops), CASES.c.anonymised_at.is_(None)).order_by(CASES.c.id)
        alone = select(MESSAGES.c.from_name, MESSAGES.c.from_address).distinct()
        alone = alone.where(
            MESSAGES.c.shop.in_(shops),
            MESSAGES.c.case_id.is_(None),
            MESSAGES.c.erased_at.is_(None),
            MESSAGES.c.outgoing.is_(False),
        )
        with reading(self._engine) as connection:
            for number, name, address, postal in connection.execute(cases):
                place = postal or {}
                named = name or str(place.get("name") or "")
                postcode = "".join(str(place.get("postal_code") or "").split()).upper()
                yield Identity(int(number), named, address.strip().lower(), postcode)
            for name, address in connection.execute(alone):
                yield Identity(None, name, address.strip().lower(), "")

    def families(self, case_ids: Collection[int]) -> list[Family]:
        """The cases with these ids, or those that they were merged into, each with all that was merged into it."""
        with reading(self._engine) as connection:
            found = self._cases(connection, case_ids)
            while above := {case.merged_into_id for case in found.values() if case.merged_into_id} - found.keys():
                found |= self._cases(connection, above)
            roots = [case for _, case in sorted(found.items()) if case.merged_into_id is None]
            return families(connection, roots)

    def elsewhere(
        self, shops: Sequence[str], addresses: Collection[str], but: Collection[int]
    ) -> list[tuple[Message, Case | None]]:
        """Messages from these addresses, and mail of ours to them that is of no case, in no case of `but`: each with
        its case."""
        mine = and_(func.lower(MESSAGES.c.from_address).in_(list(addresses)), MESSAGES.c.outgoing.is_(False))
        ours = [
            and_(MESSAGES.c.outgoing, MESSAGES.c.case_id.is_(None), _says(MESSAGES.c.recipients, address))
            for address in addresses
        ]
        statement = select(MESSAGES).where(MESSAGES.c.shop.in_(shops), MESSAGES.c.erased_at.is_(None), or_(mine, *ours))
        with reading(self._engine) as connection:
            found = fetch(connection, Message, statement.order_by(MESSAGES.c.id))
            found = [message for message in found if message.case_id is None or message.case_id not in but]
            cases = self._cases(connection, {message.case_id for message in found if message.case_id is not None})
        return [(message, cases.get(message.case_id or 0)) for message in found]

    def mentions(self, shops: Sequence[str], words: Collection[str], but: Collection[int]) -> list[Mention]:
        """What holds one of these words (in lower case): messages but those of `but`, which are theirs; and in cases
        notes, drafts, marks, and who takes part."""
        columns = (MESSAGES.c.subject, MESSAGES.c.text, MESSAGES.c.quoted, MESSAGES.c.recipients, MESSAGES.c.reply_to)
        said = or_(*(_says(column, word) for column in columns for word in words))
        messages = (
            select(CASES.c.reference, MESSAGES.c.arrival_id, MESSAGES.c.id)
            .select_from(MESSAGES.outerjoin(CASES, CASES.c.id == MESSAGES.c.case_id))
            .where(MESSAGES.c.shop.in_(shops), MESSAGES.c.erased_at.is_(None), said)
        )
        with reading(self._engine) as connection:
            found = [
                Mention(reference or "", arrival, "a message of somebody else names them")
                for reference, arrival, number in connection.execute(messages.order_by(MESSAGES.c.id))
                if number not in but
            ]
            for told, (table, names) in NAMED_IN.items():
                held = or_(*(_says(table.c[name], word) for name in names for word in words))
                named = select(CASES.c.reference).where(CASES.c.shop.in_(shops), held).distinct()
                if table is not CASES:
                    named = named.join(table, table.c.case_id == CASES.c.id)
                references = connection.execute(named.order_by(CASES.c.reference)).scalars()
                found += [Mention(str(reference), None, told) for reference in references]
        return list(dict.fromkeys(found))

    def arrivals(self, ids: Collection[int]) -> dict[int, Arrival]:
        """The arrivals with these ids."""
        wanted = sorted(set(ids))
        found: dict[int, Arrival] = {}
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), VALUES_AT_MOST):
                part = select(ARRIVALS).where(ARRIVALS.c.id.in_(wanted[start : start + VALUES_AT_MOST]))
                found |= {one.id or 0: one for one in fetch(connection, Arrival, part)}
        return found

    def shared(self, arrival_ids: Collection[int], message_ids: Collection[int]) -> set[int]:
        """Those of these arrivals that hold messages besides these, as a stack of letters does."""
        wanted = sorted(set(arrival_ids))
        found: set[int] = set()
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), VALUES_AT_MOST):
                part = MESSAGES.c.arrival_id.in_(wanted[start : start + VALUES_AT_MOST])
                rows = connection.execute(select(MESSAGES.c.arrival_id, MESSAGES.c.id).where(part))
                found.update(int(arrival) for arrival, number in rows if number not in message_ids)
        return found

    def documents(self, message_ids: Collection[int]) -> dict[int, list[Document]]:
        """The files of these messages, by message."""
        wanted = sorted(set(message_ids))
        found: dict[int, list[Document]] = {}
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), VALUES_AT_MOST):
                part = DOCUMENTS.c.message_id.in_(wanted[start : start + VALUES_AT_MOST])
                for one in fetch(connection, Document, select(DOCUMENTS).where(part).order_by(DOCUMENTS.c.id)):
                    found.setdefault(one.message_id, []).append(one)
        return found

    def participants(self, case_ids: Collection[int]) -> list[str]:
        """Who takes part in these cases."""
        statement = select(PARTICIPANTS.c.key).where(PARTICIPANTS.c.case_id.in_(list(case_ids))).distinct()
        with reading(self._engine) as connection:
            return sorted(connection.execute(statement).scalars())

    def clues(self, case_ids: Collection[int]) -> list[Clue]:
        """By what letters and mails about these cases are known."""
        return self._of(Clue, CLUES.c.case_id, case_ids)

    def notices(self, case_ids: Collection[int]) -> list[Notice]:
        """What the manager was told about these cases."""
        return self._of(Notice, NOTICES.c.case_id, case_ids)

    def readings(self, arrival_ids: Collection[int]) -> list[Reading]:
        """What was recognised of these arrivals."""
        return self._of(Reading, READINGS.c.arrival_id, arrival_ids)

    def effects(self, arrival_ids: Collection[int]) -> list[Effect]:
        """What was to happen about these arrivals, and is of no case."""
        return [one for one in self._of(Effect, EFFECTS.c.arrival_id, arrival_ids) if one.case_id is None]

    def events(self, arrival_ids: Collection[int]) -> list[Event]:
        """The history of these arrivals that is of no case."""
        return [one for one in self._of(Event, EVENTS.c.arrival_id, arrival_ids) if one.case_id is None]

    def undeliverable(self, shops: Sequence[str], addresses: Collection[str]) -> list[Undeliverable]:
        """Those of these addresses that mail of ours did not reach."""
        statement = select(UNDELIVERABLE).where(
            UNDELIVERABLE.c.shop.in_(shops), UNDELIVERABLE.c.address.in_(list(addresses))
        )
        with reading(self._engine) as connection:
            return fetch(connection, Undeliverable, statement)

    def opened_by(self, shops: Sequence[str], addresses: Collection[str], *, alone: bool = False) -> set[int]:
        """The cases that a message from one of these addresses opened; `alone`: those that name no address to answer
        besides."""
        statement = (
            select(CASES.c.id)
            .join(MESSAGES, MESSAGES.c.case_id == CASES.c.id)
            .where(CASES.c.shop.in_(shops), CASES.c.anonymised_at.is_(None))
            .where(MESSAGES.c.fate == Fate.OPENED, func.lower(MESSAGES.c.from_address).in_(list(addresses)))
        )
        if alone:
            statement = statement.where(CASES.c.complainant_address == "")
        with reading(self._engine) as connection:
            return set(connection.execute(statement).scalars())

    def _of(self, record: type[R], column: Column[Any], ids: Collection[int]) -> list[R]:
        wanted = sorted(set(ids))
        found: list[R] = []
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), VALUES_AT_MOST):
                part = select(column.table).where(column.in_(wanted[start : start + VALUES_AT_MOST]))
                found += fetch(connection, record, part)
        return found

    @staticmethod
    def _cases(connection: Any, ids: Collection[Any]) -> dict[int, Case]:  # noqa: ANN401 - a connection
        wanted = sorted(ids)
        found: dict[int, Case] = {}
        for start in range(0, len(wanted), VALUES_AT_MOST):
            part = select(CASES).where(CASES.c.id.in_(wanted[start : start + VALUES_AT_MOST]))
            found |= {case.id or 0: case for case in fetch(connection, Case, part)}
        return found


def _says(column: Any, word: str) -> Any:  # noqa: ANN401 - SQL expressions
    return func.lower(cast(column, Text)).contains(word.lower(), autoescape=True)
