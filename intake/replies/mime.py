"""A draft as a mail: the bytes that are appended to the manager's Drafts folder.

In-Reply-To and References are written by hand: the standard library turns ids of more than 76 characters into encoded
words (CPython #100991), and then the customer's mail program no longer finds the thread. The same draft always gives
the same bytes.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from intake.types import Address

LONGEST_ID = 900
MOST_REFERENCES = 50
# What may stand in the header as it came: no line ends, no controls, and nothing outside ASCII.
SAFE_ID = re.compile(r"[\x20-\x7e]+")
SAFE_ADDRESS = re.compile(r"[!-?A-~]{1,200}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}")


@dataclass(frozen=True, slots=True)
class DraftMail:
    """What the mail says. `message_id` is ours; `in_reply_to` may be empty; `references` oldest first."""

    sender: Address
    recipient: Address
    subject: str
    text: str
    dated: datetime
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    language: str = "nl"


def build(draft: DraftMail) -> bytes:
    """The mail with CRLF line ends, ready for APPEND."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=76))
    for name, person in (("From", draft.sender), ("To", draft.recipient)):
        address = _header(person)
        if address is not None:
            mail[name] = address
    mail["Subject"] = _one_line(draft.subject)
    mail["Date"] = format_datetime(draft.dated)
    mail.set_content(draft.text, subtype="plain", charset="utf-8", cte="quoted-printable")
    # Only now: `set_content` takes every Content- header away.
    mail["Content-Language"] = draft.language
    threading = [_ids("Message-ID", (draft.message_id,))]
    if _fits(draft.in_reply_to):
        threading.append(_ids("In-Reply-To", (draft.in_reply_to,)))
    references = tuple(found for found in draft.references if _fits(found))[-MOST_REFERENCES:]
    if references:
        threading.append(_ids("References", references))
    return b"".join(threading) + mail.as_bytes()


def _fits(message_id: str) -> bool:
    return len(message_id) <= LONGEST_ID and bool(message_id.strip()) and SAFE_ID.fullmatch(message_id) is not None


def _ids(name: str, ids: tuple[str, ...]) -> bytes:
    """One id a line, so that no line is longer than its id (RFC 5322 section 2.1.1: 998)."""
    return f"{name}: {(chr(13) + chr(10) + ' ').join(ids)}\r\n".encode("ascii")


def _header(person: Address) -> HeaderAddress | None:
    """An address that `email` accepts, without the letters of its name that cannot stand in a header; None where no
    mail could reach it, so that the manager fills it in."""
    name = _one_line(person.name)
    local, _, domain = person.address.rpartition("@")
    try:
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return None
    if not SAFE_ADDRESS.fullmatch(address):
        return None
    try:
        return HeaderAddress(display_name=name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError):
        # Local parts that RFC 5322 wants quoted ("john..doe") are in use; quote them rather than lose them.
        return HeaderAddress(display_name=name, username=local, domain=address.rpartition("@")[2])


def _one_line(text: str) -> str:
    """Text that may stand in a header: one line, without controls."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
