"""The Sent folder as a source: which mails were answered, by whatever program the answer was written with, and what
was sent since it was last looked at.

A few header fields are read of each mail, and never a flag; a body only of a mail that is asked for by its head, since
the rest of what a person sends is nobody's business. It decides nothing: what a sent mail means is for its reader.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from intake import fetched
from intake.imap import FETCH_AT_MOST, Session
from intake.sources.mailbox import Batch, Mail, Position

BYTES_EACH = 2048
NAMES = "MESSAGE-ID IN-REPLY-TO REFERENCES AUTO-SUBMITTED X-FORWARDED-MESSAGE-ID TO CC"
ADDRESSES_AT_MOST = 100
IDS_AT_MOST = 50
A_DAY = timedelta(days=1)
FOLD = re.compile(rb"\r?\n(?=[ \t])")
MESSAGE_ID = re.compile(r"<[^<>\s]{1,998}>")
ADDRESS = re.compile(r"[^\s<>(),;:\"@\[\]]{1,64}@[^\s<>(),;:\"@]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One sent mail that answers another: the Message-ID it answers (with its angle brackets, as written), its own
    Message-ID ("" without one), the addresses it went to (lower case), and when
    (INTERNALDATE, aware, UTC; None where the server does not tell it)."""

    answers: str
    message_id: str
    recipients: tuple[str, ...]
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class SentHead:
    """The head of a sent mail: all ids in it, its own first, then those that it answers from the nearest to the
    farthest; the addresses that it went to (lower case); and whether it says that a program sent it (RFC 3834)."""

    ids: tuple[str, ...]
    recipients: tuple[str, ...]
    automatic: bool = False

    @property
    def message_id(self) -> str:
        """Its own id."""
        return self.ids[0] if self.ids else ""


Wanted = Callable[[Mapping[int, SentHead]], Collection[int]]


def new_sent(
    session: Session, folder: str, position: Position | None, started_at: datetime, wanted: Wanted
) -> Iterator[Batch]:
    """Batches of what was sent since `position`, oldest first, with those mails that are `wanted` by the heads of the
    batch (by UID). The first look begins at the day before `started_at`, a folder whose UIDVALIDITY has changed is read
    again from there. Raises `ServerError`."""
    state = session.select(folder)
    since = None
    if position is None or position.uidvalidity != state.uidvalidity:
        start = position.since if position is not None and position.since else started_at
        since = start.date() - A_DAY  # SINCE counts the days of the server's own zone
        position = Position(state.uidvalidity, 0, state.uidnext, start)
        yield Batch((), position)
    for part in fetched.parts(session.uids(position.last_uid + 1, since=since)):
        answers = session.fetch(part, fetched.header_lines(NAMES), BYTES_EACH * len(part))
        chosen = wanted({uid: _head(answers[uid]) for uid in part if uid in answers})
        position = replace(position, last_uid=part[-1])
        yield Batch(tuple(_mails(session, sorted(chosen))), position)
    if position.last_uid < position.first_uid - 1:
        yield Batch((), replace(position, last_uid=position.first_uid - 1))


def _mails(session: Session, uids: list[int]) -> Iterator[Mail]:
    for envelope in session.envelopes(uids):
        raw = session.beginning(envelope.uid, min(envelope.size, FETCH_AT_MOST))
        dated = envelope.received_at is not None
        yield Mail(envelope.uid, raw[:FETCH_AT_MOST], envelope.received_at or datetime.now(UTC), "", dated)


def _head(told: fetched.Answer) -> SentHead:
    fields = _fields(fetched.section(told, fetched.HEADER))
    nearest = (*_ids(fields, "in-reply-to"), *reversed(_ids(fields, "references")))
    recipients = ADDRESS.findall(f"{fields.get('to', '')},{fields.get('cc', '')}".lower())
    own = (*_ids(fields, "message-id"), "")[0]
    return SentHead((own, *nearest[:IDS_AT_MOST]), tuple(recipients[:ADDRESSES_AT_MOST]), _is_automatic(fields))


def _is_automatic(fields: dict[str, str]) -> bool:
    return fields.get("auto-submitted", "no").strip().lower() not in ("no", "")


def _ids(fields: dict[str, str], name: str) -> list[str]:
    return MESSAGE_ID.findall(fields.get(name, ""))


def answered(session: Session, folder: str, since: date | None = None) -> Iterator[list[Answer]]:
    """Batches of what was answered in a Sent folder, oldest first, of mail that came there on or after the day `since`.

    A sent mail answers the one that its In-Reply-To names last; without one, the last of its References. Not all of
    References: they name every mail of the thread, also those that came after the last answer and wait for theirs.
    Automatic mail (Auto-Submitted other than `no`, RFC 3834) answers nothing, nor does a forward that says so.
    Raises `ServerError`.
    """
    session.select(folder)
    for part in fetched.parts(session.uids(1, since=since)):
        answers = session.fetch(part, f"INTERNALDATE {fetched.header_lines(NAMES)}", BYTES_EACH * len(part))
        found = [_answer(answers[uid]) for uid in part if uid in answers]
        if batch := [answer for answer in found if answer is not None]:
            yield batch


def _answer(told: fetched.Answer) -> Answer | None:
    fields = _fields(fetched.section(told, fetched.HEADER))
    if _is_automatic(fields) or "x-forwarded-message-id" in fields:
        return None
    named = MESSAGE_ID.findall(fields.get("in-reply-to", "")) or MESSAGE_ID.findall(fields.get("references", ""))
    if not named:
        return None
    own = MESSAGE_ID.search(fields.get("message-id", ""))
    recipients = ADDRESS.findall(f"{fields.get('to', '')},{fields.get('cc', '')}".lower())
    return Answer(named[-1], own[0] if own else "", tuple(recipients[:ADDRESSES_AT_MOST]), fetched.received_at(told))


def _fields(lines: bytes) -> dict[str, str]:
    """Header fields by name, lower case, unfolded. The last of two counts."""
    fields: dict[str, str] = {}
    for line in FOLD.sub(b"", lines).decode("utf-8", "replace").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value
    return fields
