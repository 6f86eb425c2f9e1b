"""A mail's tree → its body as text, and its attachments.

Which parts are the body (RFC 2046, and what programs make of it), and how each reads as text. An attached mail is
never part of the body. Nothing is lost: what is not body is an attachment, and a mail that has no body gives the
best text that is in it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from intake.reading.decoding import decode
from intake.reading.html import declared_charset, read_html, strip_tags
from intake.reading.invitations import read_invitation
from intake.reading.mime import MAX_DEPTH, Part, encoding_of, payload
from intake.reading.packages import CMS_TYPES, SIGNED, TNEF, TNEF_BODY, UUENCODED, is_cms, numbered
from intake.reading.security import PGP, SMIME, content_kind, inline_pgp, is_all_encrypted, signer
from intake.types import Attachment

MAX_TEXT = 1024 * 1024
MAX_DECODED = 4 * MAX_TEXT
LONGEST_NOTICE = 600
MOST_COMPARED = 8  # parts of the other version
COMPARED = 64 * 1024  # bytes of an HTML text that are weighed against a short plain one
FAR_MORE = 8  # words
MAIL_TYPES = frozenset({"message/rfc822", "message/global"})
SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
RENDERED = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown"})
UNSHOWN = frozenset({"text/x-amp-html", "text/watch-html"})
# Text by type that is no text of the mail.
FILES = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv", "text/rfc822-headers"})
# What a program puts into text/plain that has only HTML to send. Each names HTML or a browser.
NOTICE = re.compile(
    r"(does not|doesn't|cannot|can't|unable to|niet|geen|nicht|kein|ne .{0,30}pas).{0,200}\bhtml\b|"
    r"\bhtml\b.{0,120}(does not|doesn't|cannot|can't|niet|geen|nicht|kein|ne .{0,30}pas|capable|compatible)|"
    r"^this (is an? )?(message|e-?mail) (is )?(in )?html|^(deze|dit) (e-?mail|bericht) is in html",
    re.IGNORECASE | re.DOTALL,
)
# What is no text: a link to a web page of the mail, or the word of a program that had none to put there.
PLACEHOLDER = re.compile(
    r"\W*((bekijk|lees|open|view|read|see|display|voir|lire|afficher|consulter|visualiser)\b[^.!?\n]{0,60}"
    r"\b(browser|navigateur|online)|(diese )?(e-?mail|nachricht|newsletter)?[^.!?\n]{0,40}\b(im|in ihrem) browser"
    r"( (öffnen|anzeigen|ansehen|lesen))?|null|undefined|none|n/?a|\(?no text\)?|false)\W*",
    re.IGNORECASE,
)
WEB_ADDRESS = re.compile(r"https?://[^\s<>]+")
SMALL_TALK = re.compile(rb"multi-?part message in MIME|MIME[- ]encapsulated|S/MIME signed message|MIME[- ]?aware", re.I)
REFERENCE = re.compile(r"\bcid:([^\"'\s<>)]{1,300})", re.IGNORECASE)
# What Exchange hands out over IMAP for a mail that it cannot convert.
STAND_IN = re.compile(
    r"\s*(Retrieval using the IMAP4 protocol failed for the following message|"
    r"The server could(n't| not) retrieve the following message)",
    re.IGNORECASE,
)
# A photo, a PDF or an archive that a program sends as text/plain.
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"II*\x00", b"MM\x00*")
PROTECTED = "application/x-microsoft-rpmsg-message"


@dataclass(slots=True)
class Contents:
    """What a mail holds. `mails` are attached mails, as bytes;
    `unreadable` says that a person must look at the original, whatever the text says."""

    body: str = ""
    attachments: tuple[Attachment, ...] = ()
    mails: list[bytes] = field(default_factory=list)
    leaves: list[tuple[int, Part]] = field(default_factory=list)
    signed_by: str = ""
    encrypted: str = ""
    unreadable: bool = False


def read_contents(tree: Part, sender: str, problems: list[str]) -> Contents:
    """The body and the attachments of a mail whose packages are open. `sender` picks the signer's certificate."""
    found = Contents(leaves=list(numbered(tree)))
    leaves = [leaf for _, leaf in found.leaves]
    chosen = _body_parts(tree, 0)
    renderings = {id(leaf) for leaf in _renderings(tree, 0)}
    body, in_clear = inline_pgp(_joined(chosen, problems) or _last_resort(tree, leaves, problems))
    found.body = body
    referenced = _referenced(leaf for leaf in leaves if leaf.media_type == "text/html")
    related = _related(tree)
    found.attachments = tuple(
        item
        for number, leaf in found.leaves
        if id(leaf) not in renderings and leaf.package != TNEF_BODY
        for item in (_attachment(number, leaf, _is_inline(leaf, referenced, related)),)
        if item.size or item.name
    )
    found.mails = [payload(leaf) for leaf in leaves if leaf.media_type in MAIL_TYPES]
    found.signed_by = _signed_by(tree, leaves, sender, in_clear)
    found.encrypted = _encrypted(tree, leaves, in_clear)
    if STAND_IN.match(body):
        found.unreadable = True
        problems.append("the mail server gave a stand-in for a mail that it cannot convert: read it in webmail")
        return found
    found.unreadable = bool(found.encrypted) and (in_clear != "encrypted" or is_all_encrypted(body))
    if found.encrypted:
        problems.append(f"the mail is encrypted ({found.encrypted}): read it in your mail program")
    _note_oddities(leaves, problems)
    return found


def _joined(parts: Iterable[Part], problems: list[str]) -> str:
    """The texts of parts beneath each other. One that says the same as an earlier one of another type is left out:
    some programs send both versions as a mixture."""
    texts: list[str] = []
    said: dict[str, str] = {}
    for part in parts:
        text = part_text(part, problems).strip("\n")
        words = " ".join(text.split())
        if words and said.setdefault(words, part.media_type) == part.media_type:
            texts.append(text)
    body = "\n\n".join(texts)
    if len(body) > MAX_TEXT:
        problems.append("only the first part of a very long text was read")
    return body[:MAX_TEXT]


def _last_resort(tree: Part, leaves: list[Part], problems: list[str]) -> str:
    """The text of a mail without a body: of a `winmail.dat`, an attached text, an invitation, or what stands around
    the parts."""
    ways: tuple[Callable[[], str], ...] = (
        lambda: _joined((leaf for leaf in leaves if _is_tnef_body(leaf)), problems),
        lambda: _joined([leaf for leaf in leaves if leaf.media_type in RENDERED][:1], problems),
        lambda: next(filter(None, (read_invitation(part_text(leaf, [])) for leaf in leaves if _is_calendar(leaf))), ""),
        lambda: _joined([leaf for leaf in leaves if _may_hold_text(leaf)][:1], problems),
        lambda: _around(tree),
    )
    return next(filter(None, (way() for way in ways)), "")


def _is_calendar(leaf: Part) -> bool:
    return leaf.media_type == "text/calendar"


def _is_tnef_body(leaf: Part) -> bool:
    return leaf.package == TNEF_BODY


def _may_hold_text(leaf: Part) -> bool:
    """A text of a kind that is not known, a piece of a cut mail, or a multipart whose boundary is lost."""
    if leaf.media_type in FILES or leaf.media_type in UNSHOWN:
        return False
    return leaf.main_type in ("text", "multipart") or leaf.media_type == "message/partial"


def _around(tree: Part) -> str:
    pieces = [piece for piece in (tree.before, tree.after) if piece.strip() and not SMALL_TALK.search(piece[:2000])]
    return "\n\n".join(decode(piece[:MAX_DECODED], tree.charset).strip("\n") for piece in pieces)[:MAX_TEXT]


def _body_parts(part: Part, depth: int) -> list[Part]:
    """The leaves whose text is the body: the first usable branch of an alternative, every text of a mixture."""
    inside = _inside(part)
    if not inside or depth > MAX_DEPTH:
        return [part] if _is_body(part) else []
    kind = part.media_type
    if kind == "multipart/encrypted":
        return []
    if kind == "multipart/signed":
        inside = [child for child in inside if child.media_type not in SIGNATURES]
    if kind == "multipart/report":
        inside = inside[:1]
    if kind == "multipart/related":
        inside = [child for number, child in enumerate(inside) if number == 0 or not child.content_id]
    branches = [branch for child in inside if (branch := _body_parts(child, depth + 1))]
    if kind == "multipart/alternative":
        return _chosen(branches)
    return [leaf for branch in branches for leaf in branch]


def _inside(part: Part) -> list[Part]:
    """The parts in a part; those of an opened package that stands for its content."""
    if part.inner is not None and part.package in (SIGNED, UUENCODED):
        return [part.inner]
    return part.children


def _chosen(branches: list[list[Part]]) -> list[Part]:
    """Of an alternative the plain texts, unless they are empty, a mere notice that there is HTML, or a few words where
    the HTML says far more (RFC 2046 section 5.1.4 has the last part as the best; the plain one is the surer text)."""
    filled = [branch for branch in branches if any(payload(leaf).strip() for leaf in branch)]
    plain = [branch for branch in filled if branch[0].media_type == "text/plain"]
    others = [branch for branch in filled if branch[0].media_type != "text/plain"]
    if plain and others and all(_is_notice(leaf) for branch in plain for leaf in branch):
        plain = []
    if plain and others and _says_far_less([leaf for branch in plain for leaf in branch], others[0]):
        plain = []
    if plain:
        return [leaf for branch in plain for leaf in branch]
    return next(iter(others or branches), [])


def _is_notice(leaf: Part) -> bool:
    raw = payload(leaf)
    if len(raw) > 4 * LONGEST_NOTICE:
        return False
    text = decode(raw, leaf.charset).strip()
    if not text or (len(text) <= LONGEST_NOTICE and NOTICE.search(text) is not None):
        return True
    return len(text) <= LONGEST_NOTICE and PLACEHOLDER.fullmatch(WEB_ADDRESS.sub("", text)) is not None


def _says_far_less(plain: list[Part], other: list[Part]) -> bool:
    """Whether short plain texts have at most half of the words of the other version, and lack many of them; or lack
    any, where the other has all of theirs."""
    if sum(len(payload(leaf)) for leaf in plain) > 4 * LONGEST_NOTICE:
        return False
    text = "\n".join(part_text(leaf, []) for leaf in plain)
    if len(text.strip()) > LONGEST_NOTICE:
        return False
    said = WEB_ADDRESS.sub("", text).split()
    offered = WEB_ADDRESS.sub("", " ".join(_beginning(leaf) for leaf in other[:MOST_COMPARED])).split()
    if len(offered) < 2 * len(said):
        return False
    return len(offered) - len(said) > FAR_MORE or (len(offered) > len(said) and set(said) <= set(offered))


def _beginning(leaf: Part) -> str:
    """What the first bytes of a text say: enough to weigh it, and cheap however often it is asked."""
    if leaf.beginning is None:
        raw = payload(leaf)[:COMPARED]
        text = decode(raw, leaf.charset or declared_charset(raw))
        leaf.beginning = read_html(text, []) if leaf.media_type == "text/html" else text
    return leaf.beginning


def _renderings(part: Part, depth: int) -> list[Part]:
    """Every leaf that is a rendering of the body, chosen or not: none of them is an attachment. A text that has a
    file name and stands open in the mail is both."""
    inside = _inside(part)
    if not inside or depth > MAX_DEPTH:
        is_rendering = _is_body(part) or part.media_type in UNSHOWN
        return [part] if is_rendering and not (depth and part.parameter("content-disposition", "filename")) else []
    own = [part] if part.package == UUENCODED else []
    return own + [leaf for child in inside for leaf in _renderings(child, depth + 1)]


def _is_body(part: Part) -> bool:
    if part.media_type not in RENDERED or part.disposition == "attachment" or part.given_name:
        return False
    return not part.file_name or not payload(part).startswith(MAGIC)


def part_text(part: Part, problems: list[str]) -> str:
    """The text of a part, with LF line ends."""
    raw = payload(part)
    if len(raw) > MAX_DECODED:
        problems.append("only the first part of a very long text was read")
        raw = raw[:MAX_DECODED]
    if part.media_type == "text/html":
        return read_html(decode(raw, part.charset or declared_charset(raw)), problems)
    text = decode(raw, part.charset)
    if part.media_type in ("text/enriched", "text/richtext"):
        return "\n".join(strip_tags(line) for line in text.split("\n"))
    if ">From " in text:
        text = _unescaped_from(text)
    if part.parameter("content-type", "format").strip().lower() == "flowed":
        return _unflowed(text, part.parameter("content-type", "delsp").strip().lower() == "yes")
    return text


def _unescaped_from(text: str) -> str:
    """A line that begins with "From " was escaped by a mailbox on its way, unless it stands among quoted lines."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        around = (lines[number - 1] if number else "", lines[number + 1] if number + 1 < len(lines) else "")
        if line.startswith(">From ") and not any(other.startswith(">") for other in around):
            lines[number] = line[1:]
    return "\n".join(lines)


def _unflowed(text: str, delsp: bool) -> str:
    """format=flowed (RFC 3676): a line that ends in a space goes on in the next, except a signature's mark; a space
    before a line is stuffing; with DelSp=yes the last space goes too. Quoted lines stay as they are."""
    kept = "" if delsp else " "
    pieces: list[str] = []
    flows = False
    for line in text.split("\n"):
        plain = bool(line) and not line.startswith(">") and line not in ("--", "-- ")
        if pieces and not (flows and plain):
            pieces.append("\n")
        flows = plain and line.endswith(" ")
        fresh = line.removeprefix(" ") if plain else line
        pieces.append(fresh[:-1] + kept if flows else fresh)
    return "".join(pieces)


def _referenced(documents: Iterable[Part]) -> frozenset[str]:
    """The Content-IDs that HTML shows."""
    found: set[str] = set()
    for document in documents:
        raw = payload(document)
        if b"cid:" in raw or b"CID:" in raw:
            found |= {unquote(match).lower() for match in REFERENCE.findall(raw[:MAX_DECODED].decode("latin-1"))}
    return frozenset(found)


def _related(tree: Part) -> frozenset[int]:
    """The leaves that belong to an HTML text: those in multipart/related, after the first."""
    found: set[int] = set()
    stack = [tree]
    while stack:
        part = stack.pop()
        if part.media_type == "multipart/related":
            found |= {id(child) for child in part.children[1:]}
        stack += _inside(part)
    return frozenset(found)


def _is_inline(leaf: Part, referenced: frozenset[str], related: frozenset[int]) -> bool:
    """Whether an attachment is part of how the mail looks or is made, not something that the sender attached: a
    picture that the HTML shows, a signature, an opened winmail.dat. A photo that nothing refers to was attached."""
    if leaf.media_type in SIGNATURES or leaf.media_type in ("application/pgp-encrypted", "message/delivery-status"):
        return True
    if leaf.package in (TNEF, SIGNED):
        return True
    content_id = leaf.content_id
    if not content_id:
        return False
    return content_id.lower() in referenced or (id(leaf) in related and leaf.disposition != "attachment")


def _attachment(number: int, leaf: Part, inline: bool) -> Attachment:
    raw = payload(leaf)
    digest = hashlib.sha256(raw).hexdigest()
    return Attachment(number, leaf.file_name, leaf.media_type, len(raw), digest, inline)


def _signed_by(tree: Part, leaves: list[Part], sender: str, in_clear: str) -> str:
    """Whose signature the mail carries, by its own claim. One in an attached file is not the mail's."""
    if tree.media_type not in ("multipart/signed", *CMS_TYPES) and in_clear != "signed" and len(leaves) > 12:
        return ""
    for leaf in leaves:
        if leaf.media_type == "application/pgp-signature" and tree.media_type.startswith("multipart/"):
            return PGP
        if leaf.media_type in SIGNATURES or leaf.package == SIGNED:
            return signer(payload(leaf), sender)
    return PGP if in_clear == "signed" else ""


def _encrypted(tree: Part, leaves: list[Part], in_clear: str) -> str:
    if any(leaf.media_type == "application/pgp-encrypted" for leaf in leaves) or in_clear == "encrypted":
        return PGP
    for leaf in leaves:
        if is_cms(leaf) and leaf.package != SIGNED:
            said = leaf.parameter("content-type", "smime-type").lower()
            if content_kind(payload(leaf)) == "encrypted" or said in ("enveloped-data", "authenveloped-data"):
                return SMIME
    return PGP if tree.media_type == "multipart/encrypted" else ""


def _note_oddities(leaves: list[Part], problems: list[str]) -> None:
    """What a person should know before opening the original."""
    for leaf in leaves:
        if leaf.media_type == "message/partial":
            number, total = (leaf.parameter("content-type", key) or "?" for key in ("number", "total"))
            problems.append(f"this is piece {number} of {total} of a mail that was cut into pieces")
        elif leaf.media_type == "message/external-body":
            problems.append("an attachment is not in the mail but elsewhere: the mail only says where")
        elif leaf.media_type == PROTECTED:
            problems.append("the mail is protected (Microsoft 365): open it by the link in it")
        elif leaf.media_type in MAIL_TYPES and encoding_of(leaf) == "base64":
            problems.append("an attached mail is encoded in a way that is not allowed; it was read all the same")
