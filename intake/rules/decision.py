"""What becomes of a message: its fate, its reason, and the case that it belongs to.

`decide` looks at the message, at what is known about its ids, and at the shop's settings; it returns a `Decision`
and changes nothing. The order of the questions is the policy, and the docstring of each says why.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from intake.config import Shop
from intake.rules.automatic import BOUNCE, OUT_OF_OFFICE, Automatic, find_automatic
from intake.rules.people import complainant_of, is_form, is_listed, writer_keys
from intake.rules.spam import spam_sign
from intake.rules.tokens import is_notice, read_token
from intake.rules.verification import Verification, verify
from intake.types import CaseView, Channel, Facts, Fate, Message, Verified

FORWARD = re.compile(r"^\s*(fwd?|fw|doorst(uurd)?|wg|tr|vs|i)\s*:", re.IGNORECASE)
SUGGEST = "please confirm"
# What Exchange puts in the place of a mail that it cannot convert for IMAP.
PLACEHOLDER = re.compile(r"^retrieval using the (imap4|pop3) protocol failed", re.IGNORECASE)
UNFETCHABLE = "unfetchable"
NOT_HANDED_OVER = "the server does not deliver this mail: read it there"
ANSWERS, HELD_ALREADY = "a mail that it answers", "the mail that was forwarded"
FORWARDED_BEFORE = "a colleague's forward of it"
CAME_BACK = "it is a mail of our own that came back"
ANSWERS_A_NOTICE = "it answers a mail of Intake to the manager or the operator"
MOST_OF_A_NOTE = 300
RECOGNISED = {"sender": "name and address"}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What storage says about a message: earlier ones with the same Message-ID, the cases that its ids lead to, the
    case of a colleague's forward of it, and when it was answered before Intake came. `alike` is a case that seems to be
    about the same complaint, with the sign of it."""

    same_id: tuple[tuple[int, str], ...] = ()
    by_message_id: Mapping[str, CaseView] = field(default_factory=dict)
    by_reference: Mapping[str, CaseView] = field(default_factory=dict)
    twin_scan: tuple[int, int | None] | None = None
    forward_of_it: CaseView | None = None
    answered_at: datetime | None = None
    alike: tuple[str, CaseView] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One fate and why. `case` is the case joined or linked to, `suggested` one for a person to confirm.

    `attention` are the marks that an opened case starts with; `complainant` names who complains, as
    (name, address); `reopens` says that a joined case was answered and starts a date of its own. `alike` says why the
    suggested case seems to be about the same complaint; `held_by` is the case of what a duplicate repeats.
    """

    fate: Fate
    kind: str = ""
    reason: str = ""
    case: CaseView | None = None
    suggested: CaseView | None = None
    duplicate_of: int | None = None
    complainant: tuple[str, str] = ("", "")
    attention: tuple[str, ...] = ()
    reopens: bool = False
    alike: str = ""
    held_by: int | None = None


@dataclass(frozen=True, slots=True)
class _Thread:
    case: CaseView | None
    sign: str
    joins: bool


def decide(message: Message, facts: Facts, known: Knowledge, shop: Shop, key: bytes) -> Decision:
    """The fate of one message. `key` signs our own Message-IDs."""
    duplicate = _duplicate(message, known)
    if duplicate is not None:
        return duplicate
    if PLACEHOLDER.match(message.subject):
        return Decision(Fate.OPENED, UNFETCHABLE, NOT_HANDED_OVER, attention=(NOT_HANDED_OVER,))
    name, address = complainant_of(message, shop)
    verification = verify(message, shop.mailbox)
    thread = _thread(message, facts, known, shop, key, forged=verification.verdict is Verified.NO)
    aside = _set_aside(message, known, thread, shop, key)
    if aside is not None:
        return aside
    attention = (*_attention(message, known, shop), *_warnings(message, verification))
    if thread.case is not None and thread.joins:
        return Decision(
            Fate.JOINED,
            "thread",
            f"{thread.sign} leads to {thread.case.reference}",
            case=thread.case,
            complainant=(name, address),
            attention=attention,
            reopens=not thread.case.is_open and thread.sign not in (HELD_ALREADY, FORWARDED_BEFORE),
        )
    if thread.case is None and known.answered_at is not None:
        day = f"{known.answered_at.astimezone(shop.zone):%d %B %Y}".lstrip("0")
        return Decision(Fate.SET_ASIDE, "answered", f"it was answered on {day}, before Intake came")
    suggested, sign, alike = thread.case, thread.sign, ""
    if suggested is not None:
        attention = (*attention, f"may belong to {suggested.reference} ({sign}): {SUGGEST}")
    elif known.alike is not None:
        sign, suggested = known.alike
        alike = sign
        attention = (*attention, f"may be about the same as {suggested.reference} ({sign}): {SUGGEST}")
    return Decision(
        Fate.OPENED,
        suggested=suggested,
        complainant=(name, address),
        attention=attention,
        reason=sign,
        alike=alike,
    )


def thread_ids(message: Message) -> tuple[str, ...]:
    """The ids that may lead to a case, nearest first: of the mail that is forwarded, In-Reply-To, then References from
    right to left."""
    forwarded = (message.forwarded.message_id,) if message.forwarded and message.forwarded.message_id else ()
    return tuple(dict.fromkeys((*forwarded, *message.in_reply_to, *reversed(message.references))))


def _duplicate(message: Message, known: Knowledge) -> Decision | None:
    """The same Message-ID with the same content is the same mail; a scan with the same bytes the same letter. The
    same id with other content is kept and flagged: some programs give every mail the same id."""
    if message.channel is Channel.LETTER:
        if known.twin_scan is None:
            return None
        message_id, case_id = known.twin_scan
        return Decision(
            Fate.DUPLICATE, "same scan", "the same scan came before", duplicate_of=message_id, held_by=case_id
        )
    for earlier, content_hash in known.same_id:
        if content_hash == message.content_hash:
            return Decision(Fate.DUPLICATE, "same mail", "the same mail came before", duplicate_of=earlier)
    return None


def _set_aside(message: Message, known: Knowledge, thread: _Thread, shop: Shop, key: bytes) -> Decision | None:
    """The reasons not to open a case, the surest first.

    A mail of Intake's own that came back, and a bounce, never open one. Otherwise `always_open` opens whatever the
    headers say, except for an absence notice that answers a mail of ours. Forms may say that they are automatic, and so
    may the mailbox rule by which a colleague forwards; both are open to spam. What answers a notice of ours is no
    complaint whoever writes it, unless it is a customer's in his case.
    """
    if message.channel is Channel.LETTER:
        return None
    if read_token(key, shop.id, message.message_id) is not None:
        return Decision(Fate.SET_ASIDE, "internal", CAME_BACK)
    mailbox = shop.mailbox
    always = mailbox is not None and is_listed(message, mailbox.always_open)
    automatic = find_automatic(message, mailbox.own_lists if mailbox else ())
    if automatic is not None and (automatic.kind == BOUNCE or not _may_be_automatic(message, automatic, thread, shop)):
        return _automatic(message, automatic, known, shop, key)
    if not thread.joins and any(is_notice(key, shop.id, found) for found in thread_ids(message)):
        return Decision(Fate.SET_ASIDE, "internal", ANSWERS_A_NOTICE)
    if always:
        return None
    if mailbox is not None and is_listed(message, mailbox.ignore):
        return Decision(Fate.SET_ASIDE, "ignored", "its sender is on the list of those to ignore")
    return _spam(message) or _internal(message, thread, shop)


def _may_be_automatic(message: Message, automatic: Automatic, thread: _Thread, shop: Shop) -> bool:
    """Whether automatic mail may be a complaint all the same."""
    if shop.mailbox is not None and is_listed(message, shop.mailbox.always_open):
        return automatic.kind != OUT_OF_OFFICE or thread.case is None
    return message.forwarded_by is not None or is_form(message, shop)


def _spam(message: Message) -> Decision | None:
    sign = spam_sign(message)
    return Decision(Fate.SET_ASIDE, "spam", f"the mail server calls it spam ({sign})") if sign else None


def _automatic(message: Message, automatic: Automatic, known: Knowledge, shop: Shop, key: bytes) -> Decision:
    """Automatic mail is linked to the case that it answers or bounced from, and nothing else."""
    ids = (*message.bounced_ids, *thread_ids(message)) if automatic.kind == BOUNCE else thread_ids(message)
    case = next(filter(None, (_case_of(found, known, shop, key) for found in ids)), None)
    reason = f"{automatic.kind}: {automatic.sign}"
    return Decision(Fate.SET_ASIDE, "automatic", reason, case=case)


def _internal(message: Message, thread: _Thread, shop: Shop) -> Decision | None:
    """Mail from the shop itself, and from those who get its notices, except in a case of their own. A web form mails
    from the shop's own domain with the customer in Reply-To, so a foreign Reply-To makes it a customer's, and so does a
    group that names one; a forward whose writer is not known is opened and asks who the customer is."""
    if message.sender is None or _is_forward(message) or is_form(message, shop):
        return None
    sender, customer = message.sender.key, complainant_of(message, shop)[1].strip().lower()
    told = not thread.joins and sender in {address.strip().lower() for address in shop.notices.to}
    if customer and not (told and customer == sender):
        return None
    if not (told or shop.owns(sender)):
        return None
    return Decision(Fate.SET_ASIDE, "internal", "it is mail of the shop itself")


def _attention(message: Message, known: Knowledge, shop: Shop) -> tuple[str, ...]:
    """What a person has to look at in a case that this message opens."""
    marks: list[str] = []
    if message.channel is Channel.MAIL and not (message.readable or message.encrypted):
        marks.append("the mail has no readable text: read the original")
    if message.channel is Channel.LETTER and not message.readable:
        marks.append("read the scan: it has no readable text")
    if message.record.get("confidential"):
        marks.append("confidential, says the clerk")
    if message.recognised:
        read = ", ".join(RECOGNISED.get(name, name.replace("_", " ")) for name in message.recognised)
        marks.append(f"read from the scan by machine, check: {read}")
    marks += _forward_marks(message, shop)
    if message.channel is Channel.MAIL and known.same_id:
        marks.append("another mail has the same Message-ID and other content")
    if is_form(message, shop) and not complainant_of(message, shop)[1]:
        marks.append("the form does not name the customer in Reply-To: who is the customer?")
    if not complainant_of(message, shop)[1] and message.postal is None:
        marks.append("the sender is not known")
    return tuple(marks)


def _warnings(message: Message, verification: Verification) -> list[str]:
    """What a person should know before answering."""
    warnings: list[str] = []
    if verification.verdict is Verified.NO:
        warnings.append(f"our mail server does not vouch for the sender ({verification.sign})")
    if message.encrypted:
        warnings.append(f"the mail is encrypted ({message.encrypted}): read it in your mail program")
    return warnings


def _forward_marks(message: Message, shop: Shop) -> list[str]:
    """Who forwarded it, of when the original is and what the colleague wrote with it; else the question whose it is."""
    marks: list[str] = []
    colleague = message.forwarded_by
    if colleague is not None:
        sent_at = message.sent_at
        dated = f"is of {sent_at.astimezone(shop.zone):%Y-%m-%d}" if sent_at else "has no date"
        marks.append(f"forwarded by {colleague.address}; the original {dated}")
    elif message.sender is not None and _asks_whose(message, shop):
        marks.append(f"forwarded by {message.sender.address}: who is the customer?")
    note = " ".join(message.forwarded.note.split()) if message.forwarded else ""
    if note and marks:
        marks.append(f"with the forward: {note[:MOST_OF_A_NOTE]}{'…' if len(note) > MOST_OF_A_NOTE else ''}")
    return marks


def _asks_whose(message: Message, shop: Shop) -> bool:
    """Whether a colleague forwards what names nobody for sure."""
    own = message.sender is not None and shop.owns(message.sender.key)
    return own and _is_forward(message) and not complainant_of(message, shop)[1]


def _thread(message: Message, facts: Facts, known: Knowledge, shop: Shop, key: bytes, *, forged: bool) -> _Thread:
    """Which case a message answers: our signed token, then any id that we hold, then the reference in the subject
    (on a letter: in the text). Only a participant joins; for anybody else the case is suggested, and so it is for one
    whom our own mail server calls forged (DMARC)."""
    keys = set() if forged else set(writer_keys(message, shop))
    ids = thread_ids(message)
    signs: list[tuple[str, CaseView]] = []
    for found in ids:
        reference = read_token(key, shop.id, found)
        if reference is not None and reference in known.by_reference:
            signs.append(("our own Message-ID", known.by_reference[reference]))
    original = message.forwarded.message_id if message.forwarded else ""
    held = [found for found in ids if found in known.by_message_id]
    signs += [(HELD_ALREADY if found == original else ANSWERS, known.by_message_id[found]) for found in held]
    for reference in _written_references(message, facts):
        if reference in known.by_reference:
            signs.append(("the reference in it", known.by_reference[reference]))
    if known.forward_of_it is not None:
        signs.append((FORWARDED_BEFORE, known.forward_of_it))
    for sign, case in signs:
        if keys & case.participants:
            return _Thread(case, sign, True)
    return _Thread(signs[0][1], signs[0][0], False) if signs else _Thread(None, "", False)


def references_to_look_up(message: Message, facts: Facts, shop: Shop, key: bytes) -> tuple[str, ...]:
    """The case references that `decide` will want to know about."""
    ids = (*thread_ids(message), *message.bounced_ids)
    tokens = [read_token(key, shop.id, found) for found in ids]
    return tuple(dict.fromkeys((*filter(None, tokens), *_written_references(message, facts))))


def _written_references(message: Message, facts: Facts) -> tuple[str, ...]:
    """For mail the subject's alone: a text quotes all kinds of things. A clerk's record may name the case."""
    if message.channel is Channel.LETTER:
        named = message.record.get("case_id", "")
        return (*((named,) if named else ()), *facts.references)
    return tuple(reference for reference in facts.references if reference in message.subject)


def _case_of(message_id: str, known: Knowledge, shop: Shop, key: bytes) -> CaseView | None:
    reference = read_token(key, shop.id, message_id)
    if reference is not None and reference in known.by_reference:
        return known.by_reference[reference]
    return known.by_message_id.get(message_id)


def _is_forward(message: Message) -> bool:
    attached = any(item.media_type == "message/rfc822" for item in message.attachments)
    return message.forwarded is not None or attached or bool(FORWARD.match(message.subject))
