"""Is this mail automatic? If so, which kind, and by what sign.

Sources: RFC 3834 (auto-submitted), RFC 3464 and 6522 (reports), RFC 2369 and 2919 (lists), and the headers that
mail programs use without a standard. Flagging is all this does: automatic mail is recorded, never dropped.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from intake.types import Message

BOUNCE, OUT_OF_OFFICE, BULK, REPORT, LOOP = "bounce", "out of office", "bulk mail", "report", "loop"
ROBOTS = re.compile(r"^(mailer-daemon|postmaster)@", re.IGNORECASE)
BULK_WORDS = frozenset({"bulk", "junk", "list"})
AUTO_REPLY_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoresponse")
BOUNCE_SUBJECT = re.compile(
    r"^(undeliver|delivery (status|failure|has failed)|mail delivery (failed|failure)|returned mail|failure notice|"
    r"onbestelbaar|niet[- ]bezorgd|unzustellbar|non remis|échec de (la )?remise)",
    re.IGNORECASE,
)
ABSENCE_SUBJECT = re.compile(
    r"(out of (the )?office|automatic reply|auto(matic)?[- ]?reply|automatisch antwoord|afwezig(heid)?|"
    r"abwesenheit|automatische antwort|réponse automatique|absence du bureau)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Automatic:
    """What kind of automatic mail it is, and the sign that says so."""

    kind: str
    sign: str


def find_automatic(message: Message, own_lists: Iterable[str] = ()) -> Automatic | None:
    """The kind of automatic mail, None for mail that a person wrote.

    `own_lists` are addresses of the shop's own groups, whose `List-*` headers say nothing about the mail.
    """
    headers: dict[str, list[str]] = {}
    for name, value in message.headers:
        headers.setdefault(name, []).append(value)
    signs: tuple[Callable[[], Automatic | None], ...] = (
        lambda: _report(message, headers),
        lambda: _robot(message, headers),
        lambda: _auto_submitted(message, headers),
        lambda: _bulk(message, headers, frozenset(address.lower() for address in own_lists)),
    )
    return next((found for sign in signs if (found := sign()) is not None), None)


def _report(message: Message, headers: dict[str, list[str]]) -> Automatic | None:
    """Delivery reports and read receipts, by their media type."""
    kind = " ".join(headers.get("content-type", ())).lower()
    if "disposition-notification" in kind:
        return Automatic(REPORT, "it is a read receipt")
    types = {item.media_type for item in message.attachments}
    if "delivery-status" in kind or kind.startswith("multipart/report") or "message/delivery-status" in types:
        return Automatic(BOUNCE, "it is a delivery report (RFC 3464)")
    return None


def _robot(message: Message, headers: dict[str, list[str]]) -> Automatic | None:
    """Mail from a mail server itself."""
    if "x-failed-recipients" in headers:
        return Automatic(BOUNCE, "it has X-Failed-Recipients")
    if message.sender is not None and ROBOTS.match(message.sender.key):
        return Automatic(BOUNCE, f"it is from {message.sender.key.partition('@')[0]}")
    if "<>" in headers.get("return-path", ()):
        if ABSENCE_SUBJECT.search(message.subject):
            return Automatic(OUT_OF_OFFICE, "its Return-Path is empty and its subject says absent")
        bounce = BOUNCE_SUBJECT.search(message.subject) or message.bounced_ids
        return Automatic(BOUNCE if bounce else REPORT, "its Return-Path is empty")
    return None


def _auto_submitted(message: Message, headers: dict[str, list[str]]) -> Automatic | None:
    """RFC 3834 section 5: present and anything but `no`; and what older responders write."""
    for value in headers.get("auto-submitted", ()):
        word = value.partition(";")[0].strip().lower()
        if word and word != "no":
            absent = word == "auto-replied" or ABSENCE_SUBJECT.search(message.subject)
            return Automatic(OUT_OF_OFFICE if absent else REPORT, f"Auto-Submitted: {word}")
    for name in AUTO_REPLY_HEADERS:
        if name in headers and "no" not in {value.strip().lower() for value in headers[name]}:
            return Automatic(OUT_OF_OFFICE, f"it has {name.title()}")
    if any(value.strip().lower() == "auto_reply" for value in _precedence(headers)):
        return Automatic(OUT_OF_OFFICE, "Precedence: auto_reply")
    if any("autoresponder" in value.lower() for value in headers.get("delivered-to", ())):
        return Automatic(OUT_OF_OFFICE, "Delivered-To: autoresponder")
    if "true" in {value.strip().lower() for value in headers.get("x-fc-machinegenerated", ())}:
        return Automatic(REPORT, "X-FC-Machinegenerated: true")
    return None


def _bulk(message: Message, headers: dict[str, list[str]], own_lists: frozenset[str]) -> Automatic | None:
    for value in _precedence(headers):
        if value.strip().lower() in BULK_WORDS and not _through_own_list(message, headers, own_lists):
            return Automatic(BULK, f"Precedence: {value.strip().lower()}")
    if "x-loop" in headers:
        return Automatic(LOOP, "it has X-Loop")
    lists = [name for name in headers if name.startswith("list-")]
    if lists and not _through_own_list(message, headers, own_lists):
        return Automatic(BULK, f"it has {lists[0].title()}")
    return None


def _precedence(headers: dict[str, list[str]]) -> list[str]:
    return [*headers.get("precedence", ()), *headers.get("x-precedence", ())]


def _through_own_list(message: Message, headers: dict[str, list[str]], own_lists: frozenset[str]) -> bool:
    """A group of the shop adds `List-*` to everything that passes through it."""
    recipients = {address.key for address in (*message.to, *message.cc)}
    named = " ".join(value.lower() for name, values in headers.items() if name.startswith("list-") for value in values)
    return any(own in recipients or own in named or own.replace("@", ".") in named for own in own_lists)
