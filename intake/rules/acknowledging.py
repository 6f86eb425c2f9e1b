"""May a case that was just opened be acknowledged without a person, and if not, why?

An acknowledgement goes to whoever a message says it is from, before anybody has looked. So it needs more than a case
does: a mail that came just now, by itself, from an address that our own server does not doubt, that nobody asked not to
be answered and that is no robot's (RFC 3834 section 2). Whatever is in doubt is not acknowledged; its answer comes all
the same. Nothing here is sent or counted: values in, a verdict out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from intake.config import Mailbox, Shop
from intake.rules.automatic import BOUNCE, OUT_OF_OFFICE, SUPPRESSED, find_automatic
from intake.rules.people import complainant_of, is_form, is_listed
from intake.rules.spam import clean, spam_sign
from intake.rules.verification import verify
from intake.types import Channel, Message, Verified

LATEST = timedelta(hours=24)
MOST_A_DAY = 5
# Where no person reads: RFC 3834 section 2, RFC 2142, and what programs are called.
NOBODY = re.compile(
    r"^(.*[._+-])?(no|not|do[._-]?not|ne|geen|kein)[._-]?(reply|respond|antwoord(en)?|antworten?|repondre|repondez)"
    r"([._+-].*|\d*)$|^(mailer[._-]?daemon|postmaster|(.*[._+-])?bounces?([._+=-].*)?|owner-.*|.*-(request|owner|bounces)|"
    r"list(serv|server|-?manager)?|majordomo|mailman|abuse|hostmaster|root|daemon|nobody|noreply.*|"
    r"auto(matic|-?mailer|-?reply|-?respond(er)?)?)$",
    re.IGNORECASE,
)
# What can stand in the header of a mail of ours as it is: see `intake.replies.mime`.
USABLE = re.compile(r"[!-;=?A-~]{1,64}@[^\s@<>()\[\],;:\"\\]{1,250}")


@dataclass(frozen=True, slots=True)
class Came:
    """How a message came: when (aware), whether somebody imported it, or dropped it in the post folder as a file."""

    received_at: datetime
    imported: bool = False
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of an address: how many acknowledgements went there within a day, and whether mail came back."""

    acknowledged: int = 0
    undeliverable: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where an acknowledgement may go by mail; "" where nowhere, and then `why` says why in one line. `unsure`: a
    person looks at it first."""

    address: str
    why: str = ""
    unsure: bool = False


def address_to_tell(message: Message, shop: Shop) -> str:
    """The address that an acknowledgement would go to, in lower case; "" where there is none."""
    if message.channel is Channel.LETTER:
        return message.sender.key if message.sender is not None else ""
    return complainant_of(message, shop)[1].strip().lower()


def may_acknowledge(message: Message, came: Came, held: Held, shop: Shop, now: datetime) -> Verdict:
    """The verdict on a message that opened a case at `now` (aware)."""
    address = address_to_tell(message, shop)
    objections = LETTER if message.channel is Channel.LETTER else MAIL
    for objection in objections:
        why = objection(message, came, shop, now)
        if why:
            return Verdict("", why)
    why = _about_address(address, held, shop)
    if why:
        return Verdict("", why)
    # One that was read from a scan may be a letter off, and then it is somebody else's: only a clerk's counts.
    told = message.channel is Channel.MAIL or message.record.get("email", "").strip().lower() == address
    return Verdict(address, unsure=not told)


def _about_address(address: str, held: Held, shop: Shop) -> str:
    if not address:
        return "the address of whoever wrote it is not known"
    if not is_usable(address):
        return "mail cannot be addressed to it"
    if shop.owns(address):
        return "it would go to the shop itself"
    if NOBODY.match(address.rpartition("@")[0]):
        return "nobody reads mail at its address"
    if held.undeliverable:
        return "mail to its address came back"
    if held.acknowledged >= MOST_A_DAY:
        return f"{MOST_A_DAY} acknowledgements went to its address within a day"
    return ""


def is_usable(address: str) -> bool:
    """Whether a mail of ours can be addressed there."""
    if not USABLE.fullmatch(address):
        return False
    try:
        address.rpartition("@")[2].encode("idna")
    except UnicodeError:
        return False
    return True


def _origin(_message: Message, came: Came, _shop: Shop, now: datetime) -> str:
    if came.imported:
        return "it was imported"
    if came.dropped:
        return "it was dropped as a file"
    return "it came more than 24 hours ago" if now - came.received_at > LATEST else ""


def _passed_on(message: Message, _came: Came, shop: Shop, _now: datetime) -> str:
    """A colleague's forward only tells an address. A stranger's Reply-To may be anybody's; a form's, a group's and our
    own domain's is the customer."""
    if message.forwarded_by is not None:
        return "a colleague forwarded it"
    sender = message.sender
    if sender is None or shop.owns(sender.key) or is_form(message, shop):
        return ""
    return (
        "" if complainant_of(message, shop)[1].strip().lower() == sender.key else "its Reply-To names another address"
    )


def _robot(message: Message, _came: Came, shop: Shop, _now: datetime) -> str:
    """Automatic mail, which a form's may be: there the customer stands in Reply-To."""
    mailbox = shop.mailbox
    if mailbox is not None and is_listed(message, mailbox.always_open):
        return "its sender always opens a case"
    found = find_automatic(message, mailbox.own_lists if mailbox else ())
    if found is not None and (found.kind in (BOUNCE, OUT_OF_OFFICE) or not is_form(message, shop)):
        return f"it is automatic ({found.kind})"
    return ""


def _asked_not_to(message: Message, _came: Came, _shop: Shop, _now: datetime) -> str:
    """[MS-OXCMAIL] 2.1.3.2.20: whoever sent it wants no automatic answer."""
    for name, value in message.headers:
        if name == "x-auto-response-suppress" and SUPPRESSED & set(re.split(r"[,;\s]+", value.lower())):
            return "it asks for no automatic answer"
    return ""


def _doubted(message: Message, _came: Came, shop: Shop, _now: datetime) -> str:
    verdict = verify(message, shop.mailbox).verdict
    if verdict is Verified.NO:
        return "our mail server does not vouch for its sender"
    found = _is_clean(message, shop.mailbox, vouched=verdict is Verified.YES)
    return "" if found else "our mail server does not say that it is no spam"


def _is_clean(message: Message, mailbox: Mailbox | None, *, vouched: bool) -> bool:
    """A clean verdict of our own server; where it puts spam elsewhere, that it lies here."""
    elsewhere = mailbox is not None and mailbox.spam_verdict == "folder"
    return clean(message, vouched=vouched) or (elsewhere and not spam_sign(message))


def _old_letter(_message: Message, came: Came, shop: Shop, now: datetime) -> str:
    today = now.astimezone(shop.zone).date()
    arrived = came.received_at.astimezone(shop.zone).date()
    return "" if (today - arrived).days in (0, 1) else "it arrived before yesterday"


MAIL: tuple[Callable[[Message, Came, Shop, datetime], str], ...] = (
    _origin,
    _passed_on,
    _robot,
    _asked_not_to,
    _doubted,
)
LETTER: tuple[Callable[[Message, Came, Shop, datetime], str], ...] = (_old_letter,)
