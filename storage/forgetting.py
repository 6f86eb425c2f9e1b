"""Forgetting people, inside the transaction of a unit: rows are emptied in place, or deleted where nothing but people
is in them.

What stays is when, how, about what, in which language, and what became of it: dates, outcome, channel, category,
labels, the deadlines with their working, the history. So no figure that is measured from a case changes.
`Processing.erasure` is one of these; unlike the rest of a unit it writes at once.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, or_, select, update

from storage.erasing import ENDED, VALUES_AT_MOST, Family, families
from storage.models import (
    Arrival,
    Case,
    DeadlineKind,
    Draft,
    EffectState,
    Message,
    Reading,
    Tombstone,
)
from storage.rows import change, fetch, fetch_one, insert_all, values_of
from storage.tables import (
    ANSWERED,
    ARRIVALS,
    CASES,
    CLUES,
    DEADLINES,
    DOCUMENTS,
    DRAFTS,
    EFFECTS,
    MESSAGES,
    NOTES,
    NOTICES,
    PARTICIPANTS,
    READINGS,
    TOMBSTONES,
    UNDELIVERABLE,
)

UNDONE = (EffectState.WAITING, EffectState.STARTED, EffectState.SENDING)
MOVED = "moved by a person"  # in place of the reason that the person gave
NOBODY: dict[str, Any] = {
    **dict.fromkeys(("reason", "message_id", "content_hash", "from_name", "from_address", "signed_by"), ""),
    **dict.fromkeys(("forwarded_by", "forward_note", "forwarded_id", "subject", "text", "quoted"), ""),
    **{name: [] for name in ("in_reply_to", "reference_ids", "reply_to", "recipients", "recognised", "problems")},
    **{name: {} for name in ("matched", "facts", "record")},
    "postal": None,
}
NO_CASE_OF: dict[str, Any] = {
    **dict.fromkeys(("subject", "complainant_name", "complainant_address", "legal_hold"), ""),
    "postal": None,
    "attention": [],
}
NO_DRAFT: dict[str, Any] = {
    **dict.fromkeys(("explanation", "recipient", "subject", "body", "quote", "in_reply_to", "anchor"), ""),
    **dict.fromkeys(("pdf_sha256", "run", "filed_sha256"), ""),
    "gaps": [],
    "reference_ids": [],
}
NO_WORDS = {
    name: value
    for name, value in NO_DRAFT.items()
    if name in ("explanation", "subject", "body", "quote", "in_reply_to", "reference_ids", "gaps")
}


@dataclass(frozen=True)
class Forgotten:
    """What was forgotten, as it was: the messages, the arrivals of which nothing is left, the drafts, and the hashes of
    files that may be needed no more."""

    messages: list[Message] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    hashes: set[str] = field(default_factory=set)

    def add(self, other: "Forgotten") -> None:
        """Take in what was forgotten besides."""
        self.messages.extend(other.messages)
        self.arrivals.extend(other.arrivals)
        self.drafts.extend(other.drafts)
        self.hashes.update(other.hashes)


class Erasure:
    """What is emptied in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def family(self, case_id: int) -> Family | None:
        """A case and what was merged into it, as they are now; None where it is open, merged, or forgotten already."""
        wanted = (CASES.c.id == case_id, CASES.c.state.in_(ENDED), CASES.c.anonymised_at.is_(None))
        case = fetch_one(self._connection, Case, select(CASES).where(*wanted))
        return families(self._connection, [case])[0] if case is not None else None

    def messages_of(self, case_ids: Sequence[int]) -> list[int]:
        """The messages of these cases, and those that are duplicates of one."""
        found = set(self._ids(MESSAGES, MESSAGES.c.case_id, case_ids))
        frontier = sorted(found)
        while frontier:
            copies = set(self._ids(MESSAGES, MESSAGES.c.duplicate_of_id, frontier)) - found
            found |= copies
            frontier = sorted(copies)
        return sorted(found)

    def messages_of_none(self, message_ids: Sequence[int]) -> list[int]:
        """Those of these messages that belong to no case whose people are kept."""
        kept = select(CASES.c.id).where(CASES.c.id == MESSAGES.c.case_id, CASES.c.anonymised_at.is_(None))
        return [
            int(number)
            for part in _parts(message_ids)
            for number in self._connection.execute(
                select(MESSAGES.c.id).where(MESSAGES.c.id.in_(part), ~kept.exists()).order_by(MESSAGES.c.id)
            ).scalars()
        ]

    def undone(self, case_ids: Sequence[int], message_ids: Sequence[int], since: datetime) -> int:
        """How many effects on these cases, or on the arrivals of these messages, have not happened yet and were asked
        for since a moment."""
        arrivals = self._values(MESSAGES.c.arrival_id, MESSAGES.c.id, message_ids)
        return len(
            {
                number
                for column, values in ((EFFECTS.c.case_id, case_ids), (EFFECTS.c.arrival_id, arrivals))
                for part in _parts(values)
                for number in self._connection.execute(
                    select(EFFECTS.c.id).where(
                        column.in_(part), EFFECTS.c.state.in_(UNDONE), EFFECTS.c.made_at >= since
                    )
                ).scalars()
            }
        )

    def mails_held(self, shop: str, message_ids: Sequence[str]) -> set[tuple[str, str]]:
        """The mails of a shop with these Message-IDs that are not erased, by that and by the hash of their content."""
        found: set[tuple[str, str]] = set()
        for part in _parts(sorted(filter(None, message_ids))):
            held = select(MESSAGES.c.message_id, MESSAGES.c.content_hash)
            held = held.where(MESSAGES.c.shop == shop, MESSAGES.c.erased_at.is_(None), MESSAGES.c.message_id.in_(part))
            found.update((str(message_id), str(content)) for message_id, content in self._connection.execute(held))
        return found

    def originals_held(self, shop: str, digests: Sequence[str]) -> set[str]:
        """Those of these originals of which a message of the shop is not erased; one that waits has none yet."""
        found: set[str] = set()
        for part in _parts(sorted(filter(None, digests))):
            held = select(ARRIVALS.c.sha256).join(MESSAGES, MESSAGES.c.arrival_id == ARRIVALS.c.id)
            held = held.where(ARRIVALS.c.shop == shop, MESSAGES.c.erased_at.is_(None), ARRIVALS.c.sha256.in_(part))
            found.update(self._connection.execute(held).scalars())
        return found

    def arrivals_of_others(self, arrival_ids: Sequence[int], message_ids: Sequence[int]) -> set[int]:
        """Those of these arrivals that brought other messages than these, too."""
        own = set(message_ids)
        found: set[int] = set()
        for part in _parts(arrival_ids):
            statement = select(MESSAGES.c.id, MESSAGES.c.arrival_id).where(MESSAGES.c.arrival_id.in_(part))
            found.update(int(arrival) for number, arrival in self._connection.execute(statement) if number not in own)
        return found

    def bury(self, tombstones: Iterable[Tombstone]) -> None:
        """Remember that these are not to come back."""
        insert_all(self._connection, TOMBSTONES, [values_of(one) for one in tombstones], ("shop", "key"))

    def forget_messages(self, message_ids: Sequence[int], now: datetime, blank_letter: dict[str, Any]) -> Forgotten:
        """Empty messages, and the arrivals of which all messages are empty then. `blank_letter` takes the place of what
        was recognised of a letter whose scan holds others too."""
        gone = Forgotten()
        for part in _parts(message_ids):
            fresh = select(MESSAGES).where(MESSAGES.c.id.in_(part), MESSAGES.c.erased_at.is_(None))
            messages = fetch(self._connection, Message, fresh.order_by(MESSAGES.c.id))
            gone.messages.extend(messages)
            filed = select(DOCUMENTS.c.sha256).where(DOCUMENTS.c.message_id.in_(part))
            gone.hashes.update(self._connection.execute(filed).scalars())
            self._connection.execute(delete(DOCUMENTS).where(DOCUMENTS.c.message_id.in_(part)))
            emptied = update(MESSAGES).where(MESSAGES.c.id.in_([message.id for message in messages]))
            self._connection.execute(emptied.values(**NOBODY, erased_at=now))
        for shop in {message.shop for message in gone.messages}:
            ids = [message.message_id for message in gone.messages if message.shop == shop and message.message_id]
            for part in _parts(ids):
                answered = (ANSWERED.c.shop == shop) & ANSWERED.c.message_id.in_(part)
                self._connection.execute(delete(ANSWERED).where(answered))
        for arrival_id in sorted({message.arrival_id for message in gone.messages}):
            self._forget_arrival(arrival_id, now, blank_letter, gone)
        return gone

    def forget_arrival(self, arrival_id: int, now: datetime) -> Forgotten:
        """Empty an arrival that has no message yet, or whose messages are empty already."""
        gone = Forgotten()
        self._forget_arrival(arrival_id, now, {}, gone)
        return gone

    def forget_in_cases(self, messages: Sequence[Message], keys: Collection[str]) -> None:
        """What messages that are forgotten left in the cases of others, and in those that these were merged into: that
        their writer, known by `keys`, takes part, the clues that they brought, the words of drafts that answer them;
        and that mail to him fails, where he takes part in nothing any more."""
        known = sorted(keys)
        moments = {message.received_at for message in messages}
        ids = self._with_those_above(sorted({one.case_id for one in messages if one.case_id is not None}))
        for part in _parts(ids):
            taking = PARTICIPANTS.c.case_id.in_(part) & PARTICIPANTS.c.key.in_(known)
            self._connection.execute(delete(PARTICIPANTS).where(taking))
            brought = CLUES.c.case_id.in_(part) & CLUES.c.at.in_(list(moments))
            self._connection.execute(delete(CLUES).where(brought))
        for part in _parts([message.id or 0 for message in messages]):
            answers = DRAFTS.c.message_id.in_(part)
            self._connection.execute(update(DRAFTS).where(answers).values(**NO_WORDS))
            to_them = answers & func.lower(DRAFTS.c.recipient).in_(known)
            self._connection.execute(update(DRAFTS).where(to_them).values(recipient=""))
        for shop in {message.shop for message in messages}:
            others = select(PARTICIPANTS.c.key).join(CASES, CASES.c.id == PARTICIPANTS.c.case_id)
            others = others.where(CASES.c.shop == shop, PARTICIPANTS.c.key.in_(known))
            left = sorted(set(known) - set(self._connection.execute(others).scalars()))
            gone = (UNDELIVERABLE.c.shop == shop) & UNDELIVERABLE.c.address.in_(left)
            self._connection.execute(delete(UNDELIVERABLE).where(gone))

    def _with_those_above(self, case_ids: Sequence[int]) -> list[int]:
        """These cases, and those that they were merged into."""
        found, frontier = set(case_ids), list(case_ids)
        while frontier:
            above = self._values(CASES.c.merged_into_id, CASES.c.id, frontier)
            frontier = sorted({int(number) for number in above if number is not None} - found)
            found.update(frontier)
        return sorted(found)

    def forget_cases(self, cases: Sequence[Case], now: datetime) -> Forgotten:
        """Empty cases and everything that belongs to them but their messages."""
        ids = [case.id or 0 for case in cases]
        gone = Forgotten()
        self._forget_addresses(cases, ids)
        for part in _parts(ids):
            for table in (PARTICIPANTS, CLUES, NOTES):
                self._connection.execute(delete(table).where(table.c.case_id.in_(part)))
            told = update(NOTICES).where(NOTICES.c.case_id.in_(part))
            self._connection.execute(told.values(text="", told_at=func.coalesce(NOTICES.c.told_at, now)))
            moved = (DEADLINES.c.kind == DeadlineKind.MOVED) & (DEADLINES.c.because != "")
            self._connection.execute(
                update(DEADLINES).where(DEADLINES.c.case_id.in_(part), moved).values(because=MOVED)
            )
            self._end_effects(EFFECTS.c.case_id.in_(part), now)
            drafts = fetch(self._connection, Draft, select(DRAFTS).where(DRAFTS.c.case_id.in_(part)))
            gone.drafts.extend(drafts)
            for draft in drafts:
                change(self._connection, DRAFTS, draft.id or 0, **NO_DRAFT, token=f"erased:{draft.id}")
        gone.hashes.update(draft.pdf_sha256 for draft in gone.drafts if draft.pdf_sha256)
        for case in cases:
            clocks = [{**clock, "words": ""} for clock in case.clocks]
            change(self._connection, CASES, case.id or 0, **NO_CASE_OF, clocks=clocks, anonymised_at=now)
        return gone

    def _forget_arrival(self, arrival_id: int, now: datetime, blank: dict[str, Any], gone: Forgotten) -> None:
        kept = select(MESSAGES.c.id).where(MESSAGES.c.arrival_id == arrival_id, MESSAGES.c.erased_at.is_(None))
        arrival = fetch_one(self._connection, Arrival, select(ARRIVALS).where(ARRIVALS.c.id == arrival_id))
        if arrival is None:
            return
        found = fetch_one(self._connection, Reading, select(READINGS).where(READINGS.c.arrival_id == arrival_id))
        letters = found.letters if found is not None else []
        gone.hashes.update(str(letter.get("copy", "")) for letter in letters)
        if self._connection.execute(kept.limit(1)).first() is not None:
            self._blank_letters(arrival_id, letters, blank)
            return
        gone.arrivals.append(arrival)
        gone.hashes.update({arrival.sha256, str((arrival.record or {}).get("sha256", ""))})
        self._connection.execute(delete(READINGS).where(READINGS.c.arrival_id == arrival_id))
        self._end_effects(EFFECTS.c.arrival_id == arrival_id, now)
        cleared: dict[str, Any] = {"sha256": "", "name": "", "record": None, "problem": "", "erased_at": now}
        if arrival.imported and arrival.folder == arrival.sha256:
            # An import's source is the hash of its bytes: the tombstone keeps it away from now on.
            cleared["folder"] = f"erased:{arrival_id}"
        change(self._connection, ARRIVALS, arrival_id, **cleared)

    def _blank_letters(self, arrival_id: int, letters: list[dict[str, Any]], blank: dict[str, Any]) -> None:
        """Of a scan that holds letters of others too, what was recognised of those that are forgotten."""
        parts = select(MESSAGES.c.part).where(MESSAGES.c.arrival_id == arrival_id, MESSAGES.c.erased_at.is_not(None))
        erased = set(self._connection.execute(parts).scalars())
        left = [blank if part in erased else letter for part, letter in enumerate(letters)]
        if letters:
            held = update(READINGS).where(READINGS.c.arrival_id == arrival_id)
            self._connection.execute(held.values(letters=left, problems=[]))

    def _forget_addresses(self, cases: Sequence[Case], ids: Sequence[int]) -> None:
        """Which addresses mail did not arrive at, where they belong to no other case."""
        for case in cases:
            keys = self._values(PARTICIPANTS.c.key, PARTICIPANTS.c.case_id, [case.id or 0])
            sent = self._values(DRAFTS.c.recipient, DRAFTS.c.case_id, [case.id or 0])
            own = {str(key).strip().lower() for key in (*keys, *sent, case.complainant_address)}
            for part in _parts(sorted(own - {""})):
                others = select(PARTICIPANTS.c.key).join(CASES, CASES.c.id == PARTICIPANTS.c.case_id)
                others = others.where(CASES.c.shop == case.shop, CASES.c.id.not_in(ids), PARTICIPANTS.c.key.in_(part))
                left = sorted(set(part) - set(self._connection.execute(others).scalars()))
                gone = (UNDELIVERABLE.c.shop == case.shop) & UNDELIVERABLE.c.address.in_(left)
                self._connection.execute(delete(UNDELIVERABLE).where(gone))

    def _end_effects(self, condition: Any, now: datetime) -> None:  # noqa: ANN401 - an SQL expression
        """What an effect named is forgotten; one that waits in vain is over."""
        over = or_(EFFECTS.c.state.in_(UNDONE), EFFECTS.c.state == EffectState.FAILED)
        self._connection.execute(update(EFFECTS).where(condition, over).values(state=EffectState.DONE, done_at=now))
        self._connection.execute(update(EFFECTS).where(condition).values(payload={}, problem=""))

    def _ids(self, table: Table, column: Any, values: Sequence[int]) -> list[int]:  # noqa: ANN401 - a column
        return [int(number) for number in self._values(table.c.id, column, values)]

    def _values(self, wanted: Any, column: Any, values: Sequence[int]) -> list[Any]:  # noqa: ANN401 - columns
        found: list[Any] = []
        for part in _parts(values):
            found += self._connection.execute(select(wanted).where(column.in_(part))).scalars()
        return found


def _parts(values: Sequence[Any]) -> list[list[Any]]:
    return [list(values[start : start + VALUES_AT_MOST]) for start in range(0, len(values), VALUES_AT_MOST)]
