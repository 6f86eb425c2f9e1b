"""A mail's bytes → `Message`. Total: whatever the bytes are, a message comes out, with its problems named.

mail-parser gives addresses; the tree of the standard library gives bodies, ids, dates and attachments, because
mail-parser loses text parts that have a name, mixes attached mail into the body and cannot decode several charsets.
The caps before parsing are there because a few kilobytes of header can cost seconds (quadratic parameter parsing,
encoded words, commas in From). What is cut off is cut from the reading copy only; the original is whole.
"""

import email
import email.utils
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message as Part

import mailparser
from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from intake.reading.decoding import ENCODED_WORD, decode, decode_header, one_line
from intake.reading.quotes import split
from intake.types import Address, Attachment, Channel, Message

MAX_BYTES = 25 * 1024 * 1024
MAX_HEADERS = 256 * 1024
MAX_HEADER = 16 * 1024
MAX_CONTENT_HEADER = 4 * 1024
MAX_PARTS = 1000
MAX_DEPTH = 50
MAX_HTML = 256 * 1024
MAX_TEXT = 1024 * 1024
MAX_IDS = 50
MAX_ADDRESSES = 200
MISSING_ID = "@missing.invalid>"
MAX_BLANK = 4096
BLANK_LINES = re.compile(rb"(?:\r?\n){2048,}")
MESSAGE_ID = re.compile(r"<[^<>\s]+>")
HEADER_FIELD = re.compile(rb"^[^\s:][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.MULTILINE)
CONTENT_FIELD = re.compile(rb"^content-[a-z-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.MULTILINE | re.IGNORECASE)
# The headers that the rules look at; the rest stays in the original.
KEPT_HEADERS = frozenset(
    {"auto-submitted", "return-path", "precedence", "x-precedence", "x-autoreply", "x-autorespond", "x-autoresponder"}
    | {"x-autoresponse", "x-auto-response-suppress", "x-fc-machinegenerated", "x-loop", "x-failed-recipients"}
    | {"delivered-to", "content-type", "x-spam-flag", "x-spam-status", "x-spam", "x-ms-exchange-organization-scl"}
    | {"x-forefront-antispam-report", "authentication-results", "sender", "x-mailer", "user-agent"}
    | {"x-original-sender", "x-original-from"}
)
HTML_STYLE = ParserConfig(css=CSS_PROFILES["strict"], display_images=False, display_links=False)


def read_mail(raw: bytes) -> Message:
    """Read one mail. `sent_at` is the `Date:` header, aware; `text` the new part of the body, `quoted` the rest."""
    problems: list[str] = []
    data = _capped(raw, problems)
    head = _header_block(data)
    tree = _parse(data, head, problems)
    headers = [(name.lower(), _text(value)) for name, value in tree.raw_items()]
    body, attachments = _contents(tree, problems)
    text, quoted = split(body)
    people = _people(head, headers)
    message_id = _one_id(headers, problems) or f"<{hashlib.sha256(raw).hexdigest()}{MISSING_ID}"
    subject = decode_header(_first(headers, "subject"))
    sender = people["from"][0] if people["from"] else None
    return Message(
        channel=Channel.MAIL,
        message_id=message_id,
        in_reply_to=_ids(headers, "in-reply-to"),
        references=_ids(headers, "references"),
        sender=sender,
        reply_to=people["reply-to"],
        to=people["to"],
        cc=people["cc"],
        subject=subject,
        sent_at=_sent_at(headers, problems),
        text=text,
        quoted=quoted,
        attachments=attachments,
        headers=tuple((name, decode_header(value)) for name, value in headers if _is_kept(name)),
        content_hash=_content_hash(sender, _first(headers, "date"), subject, body, attachments),
        readable=bool(body.strip()),
        problems=tuple(dict.fromkeys(problems)),
        bounced_ids=_bounced_ids(tree),
    )


def read_head(raw: bytes) -> Message:
    """What the header alone says, for a mail whose body cannot be read. The id is of the whole mail."""
    head = read_mail(_header_block(raw[:MAX_HEADERS]) + b"\r\n\r\n")
    if not head.message_id.endswith(MISSING_ID):
        return head
    return replace(head, message_id=f"<{hashlib.sha256(raw).hexdigest()}{MISSING_ID}")


def read_attachment(raw: bytes, part: int) -> bytes:
    """The decoded bytes of one attachment, by its `part`. Raises `IndexError` where there is none."""
    tree = _parse(_capped(raw, []), b"", [])
    for index, node, _depth in _walk(tree):
        if index == part:
            return _payload(node)
    raise IndexError(part)


def received_at(raw: bytes) -> tuple[datetime, str] | None:
    """When a mail that came without an INTERNALDATE arrived: (moment, basis). The topmost `Received`, then `Date`;
    None where neither can be read. Either is the sender's or a server's word, so the caller marks it assumed."""
    head = _header_block(raw[:MAX_HEADERS])
    headers = [(name.lower(), _text(value)) for name, value in email.message_from_bytes(head).raw_items()]
    stamp = _moment(_first(headers, "received").rpartition(";")[2])
    if stamp is not None:
        return stamp, "received"
    sent = _moment(_first(headers, "date"))
    return None if sent is None else (sent, "date")


def _capped(raw: bytes, problems: list[str]) -> bytes:
    data = raw
    if len(data) > MAX_BYTES:
        problems.append(f"only the first {MAX_BYTES // 1024 // 1024} MB were read of {len(raw) // 1024 // 1024} MB")
        data = data[:MAX_BYTES]
    head = _header_block(data)
    short = HEADER_FIELD.sub(lambda field: field[0][:MAX_HEADER], head[:MAX_HEADERS])
    if len(short) < len(head):
        problems.append("over-long headers were cut")
        data = short.rstrip(b"\r\n") + b"\r\n\r\n" + data[len(head) :].lstrip(b"\r\n")
    data = BLANK_LINES.sub(lambda run: run[0][:MAX_BLANK], data)
    return CONTENT_FIELD.sub(lambda field: field[0][:MAX_CONTENT_HEADER], data)


def _header_block(data: bytes) -> bytes:
    end = re.search(rb"\r?\n\r?\n", data)
    return data[: end.start()] if end else data


def _parse(data: bytes, head: bytes, problems: list[str]) -> Part:
    """The MIME tree; the bare header where the parser gives up."""
    try:
        tree = email.message_from_bytes(data)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        problems.append("its structure is too damaged to be taken apart")
        tree = email.message_from_bytes(head)
        tree.set_payload("")
        return tree
    for defect in tree.defects:
        problems.append(f"damaged structure: {_words(type(defect).__name__)}")
    return tree


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Defect")).lower()


def _text(value: object) -> str:
    """A raw header value as text; `email` hands 8-bit ones over as `Header` objects or with surrogates."""
    return str(value) if isinstance(value, str) else "".join(str(piece) for piece in getattr(value, "_chunks", [value]))


def _first(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key == name), "")


def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith("list-")


def _ids(headers: list[tuple[str, str]], name: str) -> tuple[str, ...]:
    found = [match for key, value in headers if key == name for match in MESSAGE_ID.findall(one_line(value))]
    return tuple(dict.fromkeys(found[-MAX_IDS:]))


def _one_id(headers: list[tuple[str, str]], problems: list[str]) -> str:
    values = [one_line(value) for name, value in headers if name == "message-id"]
    if len(values) > 1:
        problems.append("more than one Message-ID")
    if not values or not values[0]:
        return ""
    match = MESSAGE_ID.search(values[0])
    return match[0] if match else f"<{values[0].split()[0].strip('<>')[:900]}>"


def _sent_at(headers: list[tuple[str, str]], problems: list[str]) -> datetime | None:
    value = _first(headers, "date")
    moment = _moment(value)
    if value and moment is None:
        problems.append("the Date header cannot be read")
    return moment


def _moment(value: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(one_line(value))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _people(head: bytes, headers: list[tuple[str, str]]) -> dict[str, tuple[Address, ...]]:
    """Addresses by header, from mail-parser, which is given text: from bytes it loses raw 8-bit names and all after
    a NUL. Where it finds none, whatever looks like an address."""
    wanted = b"\r\n".join(
        field[0] for field in HEADER_FIELD.finditer(head) if re.match(rb"(?i)(from|to|cc|reply-to)\s*:", field[0])
    )
    parsed = mailparser.parse_from_string(decode(wanted) + "\n\n")
    found = {"from": parsed.from_, "to": parsed.to, "cc": parsed.cc, "reply-to": parsed.reply_to}
    return {name: _addresses(pairs) or _plain_addresses(headers, name) for name, pairs in found.items()}


def _addresses(pairs: object) -> tuple[Address, ...]:
    if not isinstance(pairs, list):
        return ()
    people = [Address(one_line(name), one_line(address)) for name, address in pairs[:MAX_ADDRESSES]]
    return tuple(person for person in people if "@" in person.address)


def _plain_addresses(headers: list[tuple[str, str]], name: str) -> tuple[Address, ...]:
    """Whatever looks like an address, but never inside an encoded word: that is a name that pretends to be one."""
    value = decode_header(ENCODED_WORD.sub(" ", _first(headers, name)[:4000]))
    return tuple(Address("", found) for found in re.findall(r"[^\s<>,;:\"'()@]{1,64}@[^\s<>,;:\"'()@]{1,255}", value))


def _walk(tree: Part) -> Iterator[tuple[int, Part, int]]:
    """(index, leaf, depth) over the tree, in order. An attached mail is a leaf: its text is not ours."""
    stack = [(tree, 0)]
    index = 0
    while stack and index < MAX_PARTS:
        node, depth = stack.pop()
        children = node.get_payload()
        if node.get_content_maintype() == "multipart" and isinstance(children, list) and depth < MAX_DEPTH:
            stack.extend((child, depth + 1) for child in reversed(children) if isinstance(child, Part))
        else:
            yield index, node, depth
            index += 1


def _contents(tree: Part, problems: list[str]) -> tuple[str, tuple[Attachment, ...]]:
    """The body as text, and what is attached."""
    leaves = list(_walk(tree))
    if len(leaves) >= MAX_PARTS:
        problems.append(f"only the first {MAX_PARTS} parts were read")
    indexes = {id(node): index for index, node, _ in leaves}
    chosen = _body_parts(tree, 0)
    if not chosen:
        chosen = [node for _, node, _ in leaves if node.get_content_maintype() == "text"][:1]
    body = "\n\n".join(filter(None, (_part_text(node, problems).strip("\n") for node in chosen)))
    in_body = {indexes.get(id(node)) for node in chosen if _disposition(node) != "attachment"}
    alternatives = {indexes.get(id(node)) for node in _bodylike(tree, 0)}
    attachments = tuple(
        _attachment(index, node) for index, node, _ in leaves if index not in in_body and index not in alternatives
    )
    return body[:MAX_TEXT], tuple(item for item in attachments if item.size or item.name)


def _body_parts(node: Part, depth: int) -> list[Part]:
    """The leaves whose text is the body: the first usable branch of an alternative, every text of a mixture."""
    children = node.get_payload()
    if node.get_content_maintype() != "multipart" or not isinstance(children, list) or depth >= MAX_DEPTH:
        return [node] if _is_body(node) else []
    branches = [_body_parts(child, depth + 1) for child in children[:MAX_PARTS] if isinstance(child, Part)]
    if node.get_content_subtype() == "alternative":
        plain = [branch for branch in branches if branch and branch[0].get_content_type() == "text/plain"]
        filled = [branch for branch in plain if any(_payload(leaf).strip() for leaf in branch)]
        return next(iter(filled or [branch for branch in branches if branch]), [])
    if node.get_content_subtype() == "related":
        return next((branch for branch in branches if branch), [])
    return [leaf for branch in branches for leaf in branch]


def _bodylike(node: Part, depth: int) -> list[Part]:
    """Every leaf that is a rendering of the body, chosen or not: none of them is an attachment."""
    children = node.get_payload()
    if node.get_content_maintype() != "multipart" or not isinstance(children, list) or depth >= MAX_DEPTH:
        return [node] if _is_body(node) else []
    return [leaf for child in children if isinstance(child, Part) for leaf in _bodylike(child, depth + 1)]


def _is_body(node: Part) -> bool:
    return node.get_content_type() in ("text/plain", "text/html") and _disposition(node) != "attachment"


def _disposition(node: Part) -> str:
    return (_text(node.get("Content-Disposition", "")).partition(";")[0]).strip().lower()


def _part_text(node: Part, problems: list[str]) -> str:
    raw = _payload(node)
    text = decode(raw, _charset(node))
    if node.get_content_type() != "text/html":
        return _unflowed(text) if "flowed" in _text(node.get("Content-Type", "")).lower() else text
    if len(text) > MAX_HTML:
        problems.append("only the first part of a very long HTML text was read")
    return _html_text(text[:MAX_HTML], problems)


def _charset(node: Part) -> str:
    try:
        return node.get_content_charset("") or ""
    except (LookupError, ValueError, TypeError):
        return ""


def _unflowed(text: str) -> str:
    """format=flowed (RFC 3676): a line that ends in a space goes on in the next, except a signature's mark."""
    return re.sub(r"(?m)(?<!^--) \n(?![ >\n])", " ", text)


def _html_text(html: str, problems: list[str]) -> str:
    visible = re.sub(r"(?is)<(script|style|head|title)\b.*?(</\1\s*>|\Z)", " ", html)
    try:
        text = get_text(f"<body>{visible}</body>", HTML_STYLE)
    except (ValueError, RecursionError, AssertionError, TypeError, AttributeError):
        problems.append("its HTML is damaged")
        text = re.sub(r"<[^>]{0,2000}>", " ", visible)
    lines = [line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _payload(node: Part) -> bytes:
    """The decoded bytes of a leaf; of an attached mail, its own bytes. Broken encodings give what can be had."""
    if node.is_multipart():
        inner = node.get_payload(0) if node.get_content_maintype() == "message" else node
        return _flat(inner) if isinstance(inner, Part) else b""
    try:
        payload = node.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AssertionError):
        payload = None
    return payload if isinstance(payload, bytes) else b""


def _flat(node: Part) -> bytes:
    try:
        return node.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, KeyError):
        return b""


def _attachment(index: int, node: Part) -> Attachment:
    raw = _payload(node)
    return Attachment(
        part=index,
        name=_file_name(node),
        media_type=node.get_content_type(),
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        inline=_disposition(node) != "attachment" and node.get("Content-ID") is not None,
    )


def _file_name(node: Part) -> str:
    """The name that the sender gave, for showing: no path, no control, no turned direction, at most 120 bytes."""
    try:
        given = node.get_filename("") or ""
    except (LookupError, ValueError, TypeError):
        given = ""
    name = re.split(r"[\\/]", decode_header(_text(given)))[-1].lstrip(".")
    return name.encode()[:120].decode("utf-8", "ignore")


def _content_hash(
    sender: Address | None, date: str, subject: str, body: str, attachments: tuple[Attachment, ...]
) -> str:
    """What makes two mails the same one, trace headers left out: who, when, about what, saying what."""
    words = " ".join(body.split())
    parts = (sender.key if sender else "", one_line(date), subject, words, *(item.sha256 for item in attachments))
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _bounced_ids(tree: Part) -> tuple[str, ...]:
    """The Message-IDs of the mail that a report brings back (RFC 3464 section 2, RFC 6522)."""
    found: list[str] = []
    for _, node, _ in _walk(tree):
        if node.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/global-headers"):
            returned = _header_block(_payload(node)[:MAX_HEADERS])
            inner = [(name.lower(), _text(value)) for name, value in email.message_from_bytes(returned).raw_items()]
            found += _ids(inner, "message-id")
    return tuple(dict.fromkeys(found))
