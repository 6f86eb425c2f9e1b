"""A mail's bytes → its MIME tree, capped before parsing, and what each part of it holds. Judges nothing.

The caps are there because a few kilobytes of header can cost seconds (quadratic parameter parsing). What is cut off
is cut from the reading copy only; the original is whole. An attached mail is a leaf here, kept byte for byte: the
parser of the standard library would take it apart, and its generator would not give back the same bytes.
"""

import email
import email.utils
import re
from collections.abc import Iterator
from email.message import Message

from intake.reading.decoding import decode, decode_header

MAX_BYTES = 25 * 1024 * 1024
MAX_HEADERS = 256 * 1024
MAX_HEADER = 16 * 1024
MAX_CONTENT_HEADER = 4 * 1024
MAX_CONTENT_HEADERS = 512 * 1024
MAX_PARTS = 1000
MAX_DEPTH = 50
MAX_BLANK = 4096
FEWEST_OF_BASE64 = 0.95
BLANK_LINES = re.compile(rb"[\r\n]{2048,}")
HEADER_FIELD = re.compile(rb"^[^\s:][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.MULTILINE)
CONTENT_FIELD = re.compile(rb"^content-[a-z-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.MULTILINE | re.IGNORECASE)
HEADERS_END = re.compile(rb"\r?\n\r?\n")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]")
FAILURES = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)


class Part(Message):
    """A part of a mail. `message/*` goes by another name while parsing, so that it stays a leaf."""

    def get_content_type(self) -> str:
        """The media type; `media_type` gives the true one."""
        kind = super().get_content_type()
        return f"x-{kind}" if kind.startswith("message/") else kind


def media_type(node: Part) -> str:
    """The media type of a part, in lower case."""
    return node.get_content_type().removeprefix("x-") if _is_mail(node) else node.get_content_type()


def capped(raw: bytes, problems: list[str]) -> bytes:
    """The bytes to parse: no longer, and with no more header, than can be read in seconds."""
    data = raw
    if len(data) > MAX_BYTES:
        problems.append(f"only the first {MAX_BYTES // 1024 // 1024} MB were read of {len(raw) // 1024 // 1024} MB")
        data = data[:MAX_BYTES]
    head = header_block(data)
    short = HEADER_FIELD.sub(lambda field: field[0][:MAX_HEADER], head)[:MAX_HEADERS]
    if len(short) < len(head):
        problems.append("over-long headers were cut")
        data = short.rstrip(b"\r\n") + b"\r\n\r\n" + data[len(head) :].lstrip(b"\r\n")
    data = BLANK_LINES.sub(lambda run: run[0][:MAX_BLANK], data)
    return CONTENT_FIELD.sub(_Shortener(), data)


class _Shortener:
    """Cuts headers of parts, the more the longer they are together: each costs the square of its length."""

    def __init__(self) -> None:
        self._left = MAX_CONTENT_HEADERS

    def __call__(self, field: re.Match[bytes]) -> bytes:
        most = min(MAX_CONTENT_HEADER, max(self._left, 256))
        self._left -= len(field[0])
        return field[0][:most]


def header_block(data: bytes) -> bytes:
    """The header, without the blank line that ends it."""
    end = HEADERS_END.search(data)
    return data[: end.start()] if end else data


def parse(data: bytes, problems: list[str]) -> Part:
    """The MIME tree; the bare header where the parser gives up."""
    try:
        tree = email.message_from_bytes(data, _class=Part)
    except FAILURES:
        problems.append("its structure is too damaged to be taken apart")
        tree = email.message_from_bytes(header_block(data), _class=Part)
        tree.set_payload("")
        return tree
    for defect in tree.defects:
        problems.append(f"damaged structure: {_words(type(defect).__name__)}")
    return tree


def headers_of(node: Part) -> list[tuple[str, str]]:
    """(name in lower case, raw value) in order; 8-bit bytes are surrogates, as `email` reads them."""
    return [(name.lower(), str(value)) for name, value in node.raw_items()]


def children(node: Part, depth: int) -> list[Part]:
    """The parts in a part; none where it is a leaf, or lies too deep."""
    inner = node.get_payload()
    if node.get_content_maintype() != "multipart" or not isinstance(inner, list) or depth >= MAX_DEPTH:
        return []
    return [child for child in inner if isinstance(child, Part)]


def walk(tree: Part) -> Iterator[tuple[int, Part]]:
    """(index, leaf) over the tree, in order. The index finds an attachment again."""
    stack = [(tree, 0)]
    index = 0
    while stack and index < MAX_PARTS:
        node, depth = stack.pop()
        inside = children(node, depth)
        if inside:
            stack.extend((child, depth + 1) for child in reversed(inside))
        else:
            yield index, node
            index += 1


def payload(node: Part) -> bytes:
    """The decoded bytes of a leaf; of an attached mail, its own bytes. Broken encodings give what can be had."""
    if node.is_multipart():
        return _flat(node)
    if not _is_misdeclared(node):
        try:
            decoded = node.get_payload(decode=True)
        except FAILURES:
            decoded = None
        if isinstance(decoded, bytes):
            return decoded
    return _undecoded(node)


def disposition(node: Part) -> str:
    """`attachment`, `inline`, another word or nothing."""
    return _raw(node, "content-disposition").partition(";")[0].strip().lower()


def charset(node: Part) -> str:
    """The declared charset, empty where there is none or it cannot be read."""
    return _parameter(node, "content-type", "charset")


def content_type_says(node: Part, parameter: str, value: str) -> bool:
    """Whether a parameter of the Content-Type has the value."""
    return _parameter(node, "content-type", parameter).strip().lower() == value


def file_name(node: Part) -> str:
    """The name that the sender gave, for showing: no path, no control, no turned direction, at most 120 bytes."""
    given = _parameter(node, "content-disposition", "filename") or _parameter(node, "content-type", "name")
    name = re.split(r"[\\/]", decode_header(given))[-1].lstrip(".")
    return name.encode()[:120].decode("utf-8", "ignore")


def _is_mail(node: Part) -> bool:
    return node.get_content_type().startswith("x-message/")


def _raw(node: Part, name: str) -> str:
    """A header's text. `Message.get` loses raw 8-bit bytes, `raw_items` has them."""
    value = next((value for key, value in headers_of(node) if key == name), "")
    return decode(value.encode("utf-8", "surrogateescape"))


def _parameter(node: Part, header: str, name: str) -> str:
    """A parameter of a header, put together and decoded as RFC 2231 says."""
    copy = Message()
    copy[header] = _raw(node, header)
    try:
        value = copy.get_param(name, "", header)
        return email.utils.collapse_rfc2231_value(value) if value else ""
    except FAILURES:
        return ""


def _is_misdeclared(node: Part) -> bool:
    """Whether a part says base64 and plainly is something else."""
    if _raw(node, "content-transfer-encoding").strip().lower() != "base64":
        return False
    sample = str(node.get_payload())[:4096]
    return len(BASE64.findall(sample)) < FEWEST_OF_BASE64 * len(sample) or sample.strip().count(" ") * 20 > len(sample)


def _undecoded(node: Part) -> bytes:
    del node["content-transfer-encoding"]
    raw = node.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""


def _flat(node: Part) -> bytes:
    try:
        return node.as_bytes()
    except (*FAILURES, KeyError):
        return b""


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Defect")).lower()
