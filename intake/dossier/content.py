"""What a dossier tells, put in order from what is stored. Pure: no files, no words, no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from enum import StrEnum

from intake.config import Shop
from storage.models import Case, Channel, Deadline, Draft, DraftState, Event, Fate, Message
from storage.store import CaseFile

POSTED_AT = time(17)  # of a letter is known on which day it was posted; the hour says nothing
FINAL = "final"
# Lines of the history that are the shop's own affair: they say nothing about the complaint, and are only counted.
INTERNAL = frozenset(
    {"drafted", "draft renewed", "draft deleted", "draft not renewed", "acknowledgement drafted", "letter taken back"}
    | {"assigned", "noted", "record attached", "not approved", "held", "released"}
)
MADE = "dossier made"


class Way(StrEnum):
    """How a piece went: in or out, by mail or by letter; a notice is automatic mail; a copy is one that came twice."""

    MAIL_IN = "mail in"
    LETTER_IN = "letter in"
    MAIL_OUT = "mail out"
    LETTER_OUT = "letter out"
    NOTICE = "notice"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Piece:
    """One message or letter. `reference` is that of the case that it came in; `kind` that of the reply that it was,
    where it was one of ours, and `outcome` that of a final position. `message` or `draft`, or both, it is made from."""

    number: int
    way: Way
    at: datetime
    who: str
    to: str
    subject: str
    text: str
    quoted: str = ""
    kind: str = ""
    outcome: str = ""
    reference: str = ""
    message: Message | None = None
    draft: Draft | None = None

    @property
    def message_id(self) -> str:
        """Its Message-ID; "" for a letter of ours."""
        if self.message is not None:
            return self.message.message_id
        return self.draft.token if self.draft is not None and self.way is Way.MAIL_OUT else ""


@dataclass(frozen=True, slots=True)
class Dated:
    """A date of a case, with its working, and whether it is counted from a letter."""

    reference: str
    deadline: Deadline
    letter: bool


@dataclass(frozen=True, slots=True)
class Content:
    """All of it. `complaint` is the piece that opened the case; `final` the final position that was given, and `answer`
    the last answer, where there is one. `left_out` counts the lines of the history that are not told."""

    case: Case
    references: tuple[str, ...]
    pieces: tuple[Piece, ...]
    complaint: Piece | None
    final: Piece | None
    answer: Piece | None
    events: tuple[tuple[str, Event], ...]
    left_out: int
    dates: tuple[Dated, ...]


def gather(files: Sequence[CaseFile], shop: Shop) -> Content:
    """The content of a dossier: of a case, the first of the files, and of those that were merged into it."""
    case = files[0].case
    found = sorted((one for file in files for one in _pieces(file, shop)), key=_order)
    pieces = tuple(_numbered(found))
    opened = [one for one in pieces if one.message is not None and one.message.fate is Fate.OPENED]
    own = [one for one in opened if one.reference == case.reference]
    replies = [one for one in pieces if one.way in (Way.MAIL_OUT, Way.LETTER_OUT) and one.draft is not None]
    lines = ((file.case.reference, one) for file in files for one in file.events)
    events = sorted(lines, key=lambda pair: (pair[1].at, pair[1].id or 0))
    told = tuple(pair for pair in events if pair[1].kind not in INTERNAL and pair[1].kind != MADE)
    return Content(
        case=case,
        references=tuple(file.case.reference for file in files),
        pieces=pieces,
        complaint=next(iter((*own, *opened)), None),
        final=next((one for one in reversed(replies) if one.kind == FINAL), None),
        answer=next((one for one in reversed(replies) if one.kind in ("answer", FINAL)), None),
        events=told,
        left_out=sum(pair[1].kind in INTERNAL for pair in events),
        dates=tuple(one for file in files for one in _dates(file)),
    )


def _dates(file: CaseFile) -> Iterator[Dated]:
    letters = {message.id for message in file.messages if message.channel is Channel.LETTER}
    for deadline in file.deadlines:
        yield Dated(file.case.reference, deadline, deadline.message_id in letters)


def _order(piece: Piece) -> tuple[datetime, int]:
    return piece.at, (piece.message.id or 0) if piece.message else 0


def _numbered(pieces: Sequence[Piece]) -> Iterator[Piece]:
    for number, piece in enumerate(pieces, 1):
        yield replace(piece, number=number)


def _pieces(file: CaseFile, shop: Shop) -> Iterator[Piece]:
    replies = [one for one in file.drafts if _has_gone(one)]
    seen: set[int] = set()
    for message in file.messages:
        draft = _draft_of(message, replies) if message.outgoing else None
        if draft is not None:
            seen.add(draft.id or 0)
        if not (message.outgoing and _is_internal(message, shop)):
            yield _of_message(message, draft, file.case)
    for draft in replies:
        if draft.id not in seen:
            yield _of_draft(draft, file.case, shop)


def _has_gone(draft: Draft) -> bool:
    """Whether the customer was to get it: it was sent, or posted."""
    if draft.channel is Channel.LETTER:
        return draft.posted_on is not None
    return draft.state is DraftState.SENT


def _draft_of(message: Message, drafts: Sequence[Draft]) -> Draft | None:
    """The reply that a sent mail is: by its id, or by the moment at which it was seen in Sent."""
    mails = [one for one in drafts if one.channel is Channel.MAIL]
    by_id = [one for one in mails if one.token == message.message_id]
    return next(iter([*by_id, *(one for one in mails if one.sent_at == message.received_at)]), None)


def _is_internal(message: Message, shop: Shop) -> bool:
    """Mail among ourselves, as the text of a letter on its way to the post room: the letter itself is a piece."""
    addresses = [one.rpartition("<")[2].rstrip("> ") for one in message.recipients]
    return bool(addresses) and all(shop.owns(address) for address in addresses)


def _of_message(message: Message, draft: Draft | None, case: Case) -> Piece:
    return Piece(
        number=0,
        way=_way_of(message),
        at=message.received_at,
        who=_person(message.from_name, message.from_address),
        to=", ".join(message.recipients),
        subject=message.subject,
        text=message.text,
        quoted=message.quoted,
        kind=draft.kind if draft else "",
        outcome=draft.outcome if draft else "",
        reference=case.reference,
        message=message,
        draft=draft,
    )


def _way_of(message: Message) -> Way:
    if message.outgoing:
        return Way.MAIL_OUT
    if message.fate is Fate.DUPLICATE:
        return Way.COPY
    if message.fate is Fate.SET_ASIDE:
        return Way.NOTICE
    return Way.LETTER_IN if message.channel is Channel.LETTER else Way.MAIL_IN


def _of_draft(draft: Draft, case: Case, shop: Shop) -> Piece:
    is_letter = draft.channel is Channel.LETTER
    at = datetime.combine(draft.posted_on, POSTED_AT, shop.zone) if draft.posted_on else draft.sent_at or draft.made_at
    return Piece(
        number=0,
        way=Way.LETTER_OUT if is_letter else Way.MAIL_OUT,
        at=at,
        who=shop.name,
        to=case.complainant_name if is_letter else draft.recipient,
        subject=draft.subject,
        text=draft.body,
        quoted="" if is_letter else draft.quote,
        kind=draft.kind,
        outcome=draft.outcome,
        reference=case.reference,
        draft=draft,
    )


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and address else name or address
