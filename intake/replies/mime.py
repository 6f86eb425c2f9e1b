"""A draft as a mail: the bytes that are appended to the manager's Drafts folder.

In-Reply-To and References are written by hand: the standard library turns ids of more than 76 characters into encoded
words (CPython #100991), and then the customer's mail program no longer finds the thread. The same draft always gives
the same bytes.
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from intake.types import Address

LONGEST_ID = 900
MOST_REFERENCES = 50


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
    mail["From"] = _header(draft.sender)
    if draft.recipient.address:
        mail["To"] = _header(draft.recipient)
    mail["Subject"] = " ".join(draft.subject.split())
    mail["Date"] = format_datetime(draft.dated)
    mail["Content-Language"] = draft.language
    mail.set_content(draft.text, subtype="plain", charset="utf-8", cte="quoted-printable")
    threading = [_ids("Message-ID", (draft.message_id,))]
    if _fits(draft.in_reply_to):
        threading.append(_ids("In-Reply-To", (draft.in_reply_to,)))
    references = tuple(found for found in draft.references if _fits(found))[-MOST_REFERENCES:]
    if references:
        threading.append(_ids("References", references))
    return b"".join(threading) + mail.as_bytes()


def _fits(message_id: str) -> bool:
    return bool(message_id) and message_id.isascii() and len(message_id) <= LONGEST_ID


def _ids(name: str, ids: tuple[str, ...]) -> bytes:
    """One id a line, so that no line is longer than its id (RFC 5322 section 2.1.1: 998)."""
    return f"{name}: {(chr(13) + chr(10) + ' ').join(ids)}\r\n".encode("ascii")


def _header(person: Address) -> HeaderAddress:
    """An address that `email` accepts; a name that cannot stand in a header is left out."""
    name = " ".join("".join(letter for letter in person.name if letter.isprintable()).split())
    local, _, domain = person.address.rpartition("@")
    try:
        return HeaderAddress(display_name=name, addr_spec=person.address)
    except (ValueError, IndexError):
        # Local parts that RFC 5322 wants quoted ("john..doe") are in use; quote them rather than lose them.
        return HeaderAddress(display_name=name, username=local, domain=domain)
