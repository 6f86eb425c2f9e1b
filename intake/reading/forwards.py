"""Forwards: who wrote the mail inside a mail, when, and what.

A mail forwards if another mail is attached to it; if it says so in the words of a mail program ("Begin doorgestuurd
bericht:"); or if its subject says so ("Fwd:") or does not say that it answers ("Re:"), and a block of header-like
lines stands above the rest. A block alone is an answer's too, which is why an answer's subject rules it out. Nothing
here knows who is a colleague and who a customer: that is `intake.examine`'s part. Nothing is guessed: a sender who
cannot be told for sure is None.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo

from intake.reading.moments import SPACES, read_moment
from intake.reading.openings import ADDRESS, Opening, find_openings, is_quoted, unquoted
from intake.reading.quotes import cut_signatures, split
from intake.types import Address, Forwarded, Message

LONGEST_SENDER = 600
FORWARD = re.compile(
    r"\s*(?:fwd?|fw|doorst|doorgest|doorgestuurd|doorsturen|wg|weitergeleitet|tr|transf|transféré|vs|rv|i|enc|pd)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?:",
    re.IGNORECASE,
)
ANSWER = re.compile(
    r"\s*(?:re|aw|antw|antwoord|antwort|réf|ref|sv|betr)\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?:", re.IGNORECASE
)
ON_BEHALF = re.compile(r"\b(?:namens|on behalf of|im auftrag von|de la part de)\b", re.IGNORECASE)
VIA = re.compile(r"\s+via\s.{1,80}$", re.IGNORECASE)
NAME_EDGES = " \t\"'<>()[]«»“”„,;:*_"
# What stands right before the name in an attribution: the verb, or the time of day.
BEFORE_NAME = re.compile(
    r"\b(?:schreef|wrote|schrieb|heeft|hat)\s|"
    r"\d[:.hu]\d\d(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?(?: uhr)?"
    r"(?: ?(?-i:CEST|CET|MESZ|MEZ|BST|UTC|GMT)?(?:[+-]\d{1,2}:?(?:\d\d)?)?)?[,\s]\s?",
    re.IGNORECASE,
)


def says_forward(subject: str) -> bool:
    """Whether a subject begins as a forward's, in one of the languages that mail programs speak."""
    return FORWARD.match(subject) is not None


def find_forward(
    text: str, quoted: str, subject: str, attached: Sequence[Message] = (), zone: tzinfo = UTC
) -> Forwarded | None:
    """The mail that a mail forwards, None where it forwards nothing.

    `text` and `quoted` are the halves that `quotes.split` made of the body, `attached` the mails attached to it, read.
    `zone` holds for dates that name none. Where several attached mails have different senders, or the sender's line
    names no address or more than one, `sender` is None.
    """
    if attached:
        return _attached(text, attached)
    lines = _body(text, quoted)
    opening = next(find_openings(lines), None)
    if opening is None or not _is_forward(opening, subject):
        return None
    note, _signature = cut_signatures(lines[: opening.start])
    return replace(_inline(lines, opening, zone), note="\n".join(note).strip())


def find_inside(forward: Forwarded, zone: tzinfo = UTC) -> Forwarded | None:
    """The mail inside a forwarded one, whether that forwards or answers it: the next link of a chain of colleagues.
    The note stays the outer one. None where there is none."""
    lines = _body(forward.text, forward.quoted)
    opening = next((found for found in find_openings(lines) if found.fields), None)
    return None if opening is None else replace(_inline(lines, opening, zone), note=forward.note)


def _body(text: str, quoted: str) -> list[str]:
    """The lines of a body put together again, without quote marks where the first opening stands behind them."""
    lines = [*text.split("\n"), *(("", *quoted.split("\n")) if quoted else ())]
    opening = next(find_openings(lines), None)
    if opening is not None and opening.fields:
        return lines
    bare = [unquoted(line) for line in lines]
    inner = next(find_openings(bare), None)
    return bare if inner is not None and inner.fields and (opening is None or opening.start >= inner.start) else lines


def _is_forward(opening: Opening, subject: str) -> bool:
    if opening.forwards:
        return True
    return bool(opening.fields) and (
        says_forward(subject) or ("from" in opening.fields and ANSWER.match(subject) is None)
    )


def _attached(note: str, attached: Sequence[Message]) -> Forwarded:
    """Of several attached mails the first, if all are from one person; else nobody can tell whose it is."""
    first = attached[0]
    sender = first.sender if first.sender is not None and first.sender.address else None
    if len({mail.sender.key if mail.sender else "" for mail in attached}) > 1:
        return Forwarded(None, None, first.subject, "", note=note, attached=True)
    return Forwarded(
        sender=sender,
        sent_at=first.sent_at,
        subject=first.subject,
        text=first.text,
        quoted=first.quoted,
        note=note,
        message_id=first.message_id,
        attached=True,
    )


def _inline(lines: Sequence[str], opening: Opening, zone: tzinfo) -> Forwarded:
    """What stands below an opening, without the quote marks that the forwarder's program put there."""
    below = list(lines[opening.end :])
    first = next((line for line in below if line.strip()), "")
    if is_quoted(first):
        below = [unquoted(line) for line in below]
    text, quoted = split("\n".join(below))
    fields = opening.fields
    if "attribution" in fields:
        sender = _attributed(fields["attribution"])
        return Forwarded(sender, read_moment(fields["attribution"], zone), "", text, quoted)
    sent_at = read_moment(fields.get("sent", ""), zone)
    return Forwarded(_sender(fields), sent_at, fields.get("subject", "")[:LONGEST_SENDER], text, quoted)


def _sender(fields: Mapping[str, str]) -> Address | None:
    """The one address on the sender's line, as `"Jan" <jan@…>`, `Jan [mailto:jan@…]` or bare. Who wrote on behalf of
    another is not the customer."""
    line = SPACES.sub(" ", fields.get("from", "")[:LONGEST_SENDER]).replace("mailto:", "")
    behalf = ON_BEHALF.search(line)
    if behalf is not None:
        agents = {found.lower() for found in ADDRESS.findall(line[: behalf.start()])}
        line = line[behalf.end() :]
        if agents & {found.lower() for found in ADDRESS.findall(line)}:
            return None
    return _one_address(line)


def _one_address(line: str) -> Address | None:
    found = {match.lower(): match for match in reversed(ADDRESS.findall(line))}
    if len(found) != 1:
        return None
    address = next(iter(found.values())).strip(".")
    start = line.find(address)
    name = VIA.sub("", line[:start]).strip(NAME_EDGES) or line[start + len(address) :].strip(NAME_EDGES)
    return Address("" if "@" in name else name[:200], address)


def _attributed(text: str) -> Address | None:
    """The writer whom an attribution names with an address; his name is what stands right before it."""
    person = _one_address(text)
    if person is None:
        return None
    before = text[: text.find(person.address)]
    marks = list(BEFORE_NAME.finditer(before))
    name = before[marks[-1].end() :] if marks else before
    return Address(name.strip(NAME_EDGES), person.address)
