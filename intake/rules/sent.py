"""What a mail that the manager sent from her own mail program means for its case. Pure.

    automatic ─► to the post room ─► a forward ─► to the customer? ─► which draft was it, if any

Mail programs change a draft on its way: another Message-ID, a signature, only References left. So a draft is known by
any id of ours in the head, and a reply written by hand by what it answers. What somebody else got answers no complaint.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from intake.config import Shop
from intake.rules.automatic import find_automatic
from intake.rules.decision import FORWARD
from intake.types import Channel, Message

ADDRESS = re.compile(r"[^\s<>(),;:\"@\[\]]{1,64}@[^\s<>(),;:\"@]{1,255}")
QUOTED = re.compile(r"^\s*[>|].*$", re.MULTILINE)
# A day further off than this is no date by which a customer is answered.
FARTHEST = timedelta(days=92)


class Meaning(StrEnum):
    """`letter`: the text of a posted reply is approved; `elsewhere`: a draft of ours went to somebody else."""

    ANSWER = "answer"
    HOLDING = "holding"
    ACKNOWLEDGEMENT = "acknowledgement"
    LETTER = "letter"
    ELSEWHERE = "elsewhere"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A draft as it bears on a sent mail. `waiting` for a person; `gone`: it lies in Drafts no more, since it was sent
    before, or perhaps was; `letter`: to be posted."""

    id: int
    kind: str
    ids: frozenset[str]
    recipient: str
    waiting: bool
    gone: bool = False
    letter: bool = False


@dataclass(frozen=True, slots=True)
class Meant:
    """What a sent mail means, the draft that it was (None: written by hand), and why, where it means nothing."""

    meaning: Meaning
    draft: int | None = None
    why: str = ""


def meaning_of(message: Message, drafts: Sequence[Proposed], participants: Collection[str], shop: Shop) -> Meant:
    """What a sent mail means. `drafts` are the case's, oldest first; `participants` its keys and the complainant's
    address."""
    automatic = find_automatic(message)
    if automatic is not None:
        return Meant(Meaning.NOTHING, why=automatic.kind)
    ids, recipients = set(ids_of(message)), recipients_of(message)
    letters = [one for one in drafts if one.letter and one.ids & ids]
    if letters and shop.post_folder is not None and shop.post_folder.room_address.lower() in recipients:
        return Meant(Meaning.LETTER, letters[-1].id)
    if _is_forward(message):
        return Meant(Meaning.NOTHING, why="a forward")
    draft = _sent_draft(drafts, ids)
    known = {key for key in participants if "@" in key and not key.startswith("post:")}
    known |= {draft.recipient.lower()} if draft is not None and draft.recipient else set()
    if not _reaches(recipients, {address for address in known if not shop.owns(address)}, shop):
        meaning = Meaning.ELSEWHERE if draft is not None and draft.waiting else Meaning.NOTHING
        return Meant(meaning, draft.id if draft is not None else None, "sent to somebody else")
    if draft is None:
        return Meant(Meaning.ANSWER)
    known_kinds = {Meaning.HOLDING.value, Meaning.ACKNOWLEDGEMENT.value}
    return Meant(Meaning(draft.kind) if draft.kind in known_kinds else Meaning.ANSWER, draft.id)


def ids_of(message: Message) -> tuple[str, ...]:
    """The ids by which a sent mail leads to its case, nearest first: its own, which may be a draft's, those that it
    answers, and those of the thread."""
    return tuple(dict.fromkeys((message.message_id, *message.in_reply_to, *reversed(message.references))))


def recipients_of(message: Message) -> frozenset[str]:
    """Whom a mail went to, hidden copies too; in lower case."""
    hidden = " ".join(value for name, value in message.headers if name == "bcc")
    return frozenset((*(person.key for person in (*message.to, *message.cc)), *ADDRESS.findall(hidden.lower())))


def our_words(message: Message) -> str:
    """What was sent, on one line, since a mail program may wrap it anywhere; without what is quoted, which is the
    customer's."""
    return " ".join(QUOTED.sub("", f"{message.subject}\n\n{message.text}").split())


def named_day(dates: Iterable[str], after: date, proposed: date | None) -> date | None:
    """The new day that a holding reply names: the only one of the `dates` (ISO) in its text that is later than `after`.
    Where there are several, the one that was `proposed` if it is among them, else none: nobody knows which is meant;
    where there is none, the one that was proposed. A date without a year was read as the last one of that name."""
    found = {day for day in map(date.fromisoformat, dates) if after < day <= after + FARTHEST}
    found |= {day for day in map(_next_year, map(date.fromisoformat, dates)) if after < day <= after + FARTHEST}
    if len(found) == 1:
        return found.pop()
    if proposed is None or proposed <= after or (found and proposed not in found):
        return None
    return proposed


def came_after(received_at: datetime, channel: Channel, sent_at: datetime, zone: ZoneInfo) -> bool:
    """Whether a message came after something was sent. Of a letter only the day is known."""
    if channel is Channel.LETTER:
        return received_at.astimezone(zone).date() > sent_at.astimezone(zone).date()
    return received_at > sent_at


def _sent_draft(drafts: Sequence[Proposed], ids: Collection[str]) -> Proposed | None:
    """The newest draft that waits and has one of the ids; else the newest that waited once: it may have been sent while
    another took its place. One that has gone out is in the References of all that follows."""
    matching = [one for one in drafts if one.ids & set(ids) and not one.gone and not one.letter]
    chosen = [one for one in matching if one.waiting] or matching
    return chosen[-1] if chosen else None


def _is_forward(message: Message) -> bool:
    named = any(name == "x-forwarded-message-id" for name, _ in message.headers)
    return named or bool(FORWARD.match(message.subject))


def _reaches(recipients: Collection[str], known: Collection[str], shop: Shop) -> bool:
    """Whether it went to the customer; where nobody knows his address, to anybody outside the shop."""
    if known:
        return bool(set(recipients) & set(known))
    return any(not shop.owns(recipient) for recipient in recipients)


def _next_year(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day  # 29 February
