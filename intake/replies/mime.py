"""A draft as a mail: the bytes that are appended to the manager's Drafts folder.

Headers are written one by one. The standard library turns ids of more than 76 characters into encoded words (CPython
#100991), and then the customer's mail program no longer finds the thread; and its message object takes 2 ms a draft,
ten times what the words in it need. The same draft always gives the same bytes.
"""

import base64
import binascii
import hashlib
import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from intake.types import Address

LONGEST_ID = 900
MOST_REFERENCES = 50
# What may stand in the header as it came: no line ends, no controls, and nothing outside ASCII.
SAFE_ID = re.compile(r"[\x20-\x7e]+")
SAFE_ADDRESS = re.compile(r"[!-?A-~]{1,200}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}")
# RFC 5322 section 3.2.3: what needs no quotes in a local part, and in a name.
DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
LONGEST_LINE = 76
LONGEST_PLAIN = 60  # of a text that goes on the header's own line as it is
OCTETS_OF_A_WORD = 39  # 52 signs in base64, 64 with what stands around them: a header line keeps within 76
EOL = "\r\n"


@dataclass(frozen=True, slots=True)
class DraftMail:
    """What the mail says. `message_id` is ours; `in_reply_to` may be empty; `references` oldest first.

    `automatic` says that no person sent it (RFC 3834 section 5): `auto-replied` or `auto-generated`; nobody's robot is
    to answer it. `copies` are further recipients. With `html` the mail has both, and programs show what they prefer."""

    sender: Address
    recipient: Address
    subject: str
    text: str
    dated: datetime
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    language: str = "nl"
    automatic: str = ""
    copies: tuple[Address, ...] = ()
    html: str = ""


def build(draft: DraftMail) -> bytes:
    """The mail with CRLF line ends, ready for APPEND."""
    references = tuple(found for found in draft.references if _fits(found))[-MOST_REFERENCES:]
    headers = (
        _ids("Message-ID", (draft.message_id,)),
        _ids("In-Reply-To", (draft.in_reply_to,) if _fits(draft.in_reply_to) else ()),
        _ids("References", references),
        _person("From", draft.sender),
        _person("To", draft.recipient),
        _people("Cc", draft.copies),
        f"Subject: {_words(_one_line(draft.subject), 'Subject')}",
        f"Date: {format_datetime(draft.dated)}",
        *_automatic(draft.automatic),
        "MIME-Version: 1.0",
    )
    content, body = _alternatives(draft) if draft.html else _part("plain", draft.text)
    lines = (*filter(None, headers), *content, f"Content-Language: {draft.language}")
    return EOL.join(lines).encode("ascii") + b"\r\n\r\n" + body


def _part(kind: str, text: str) -> tuple[tuple[str, ...], bytes]:
    """The headers and the bytes of one form of the text."""
    headers = (f'Content-Type: text/{kind}; charset="utf-8"', "Content-Transfer-Encoding: quoted-printable")
    return headers, _quoted_printable(text)


def _alternatives(draft: DraftMail) -> tuple[tuple[str, ...], bytes]:
    """Two forms of the same, the plain one first (RFC 2046 section 5.1.4)."""
    # Quoted-printable never has "=_" in it. Derived from the id: the same draft always gives the same bytes.
    boundary = f"=_{hashlib.sha256(draft.message_id.encode()).hexdigest()[:32]}"
    parts = []
    for headers, body in (_part("plain", draft.text), _part("html", draft.html)):
        # The line end before a boundary belongs to the boundary.
        parts.append(f"--{boundary}{EOL}{EOL.join(headers)}{EOL}{EOL}".encode("ascii") + body + EOL.encode("ascii"))
    end = f"--{boundary}--{EOL}".encode("ascii")
    return (f'Content-Type: multipart/alternative; boundary="{boundary}"',), b"".join((*parts, end))


def _quoted_printable(text: str) -> bytes:
    """RFC 2045 section 6.7, every line ended by CRLF."""
    lines = re.split(r"\r\n|\r|\n", text.removesuffix("\n"))
    return binascii.b2a_qp((EOL.join(lines) + EOL).encode("utf-8", "replace"), istext=True)


def _fits(message_id: str) -> bool:
    return len(message_id) <= LONGEST_ID and bool(message_id.strip()) and SAFE_ID.fullmatch(message_id) is not None


def _ids(name: str, ids: tuple[str, ...]) -> str:
    """One id a line, so that no line is longer than its id (RFC 5322 section 2.1.1: 998)."""
    return f"{name}: {f'{EOL} '.join(ids)}" if ids else ""


def _person(header: str, person: Address) -> str:
    """An address with its name, without the letters that cannot stand in a header; nothing where no mail could reach
    it, so that the manager fills it in."""
    local, _, domain = person.address.rpartition("@")
    try:
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return ""
    if not SAFE_ADDRESS.fullmatch(address):
        return ""
    if not DOT_ATOM.fullmatch(local):
        # Local parts that RFC 5322 wants quoted ("john..doe") are in use; quote them rather than lose them.
        address = f"{_quoted(local)}@{address.rpartition('@')[2]}"
    name = _one_line(person.name)
    if not name:
        return f"{header}: {address}"
    named = f"{header}: {_name(name)}"
    fits = len(named) + len(address) + len(" <>") <= LONGEST_LINE
    return f"{named} <{address}>" if fits else f"{named}{EOL} <{address}>"


def _people(header: str, people: tuple[Address, ...]) -> str:
    """Several addresses, one a line."""
    found = [_person(header, person).removeprefix(f"{header}: ") for person in people]
    return f"{header}: {f',{EOL} '.join(filter(None, found))}" if any(found) else ""


def _automatic(kind: str) -> tuple[str, ...]:
    """What asks others' robots not to answer: RFC 3834, and Exchange's own header."""
    return (f"Auto-Submitted: {kind}", "X-Auto-Response-Suppress: All") if kind else ()


def _name(name: str) -> str:
    plain = name.isascii() and len(name) <= LONGEST_PLAIN and "=?" not in name
    if plain:
        return name if PHRASE.fullmatch(name) else _quoted(name)
    return _encoded(name)


def _words(text: str, header: str) -> str:
    """A text as it stands in a header: as it is where it is plain, folded at blanks; else in encoded words."""
    if not text.isascii() or "=?" in text or max(map(len, text.split()), default=0) > LONGEST_PLAIN:
        return _encoded(text)
    return f"{EOL} ".join(textwrap.wrap(text, LONGEST_LINE - len(header) - 2, break_on_hyphens=False)) or text


def _encoded(text: str) -> str:
    """Encoded words of at most 75 signs, none of them split inside a character (RFC 2047 sections 2 and 5)."""
    pieces, piece = [], b""
    for letter in text:
        octets = letter.encode("utf-8", "replace")
        if len(piece) + len(octets) > OCTETS_OF_A_WORD:
            pieces.append(piece)
            piece = b""
        piece += octets
    return f"{EOL} ".join(f"=?utf-8?b?{base64.b64encode(part).decode()}?=" for part in (*pieces, piece))


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _one_line(text: str) -> str:
    """Text that may stand in a header: one line, without controls."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
