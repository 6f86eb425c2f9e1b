"""The Sent folder as a source: which mails were answered, by whatever program the answer was written with.

Only a few header fields are read, never a body and never a flag. It decides nothing: whether an answer went to the
customer, and what that means for a case, is for its reader.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from intake import fetched
from intake.imap import Session

BYTES_EACH = 2048
NAMES = "MESSAGE-ID IN-REPLY-TO REFERENCES AUTO-SUBMITTED X-FORWARDED-MESSAGE-ID TO CC"
ADDRESSES_AT_MOST = 100
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
    if fields.get("auto-submitted", "no").strip().lower() != "no" or "x-forwarded-message-id" in fields:
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
