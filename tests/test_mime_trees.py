"""The law of reading mail: whatever tree a mail is, its files come back byte for byte and its text up to line ends."""

import base64
import hashlib
import quopri
from dataclasses import dataclass
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.reading.mail import read_attachment, read_mail
from intake.reading.mime import parse, prepared, walk

CHARSETS = [
    "utf-8",
    "iso-8859-1",
    "windows-1252",
    "iso-8859-15",
    "utf-16",
    "koi8-r",
    "iso-2022-jp",
    "gb18030",
    "shift_jis",
]
ENCODINGS = ["7bit", "8bit", "quoted-printable", "base64", "Base64", "QUOTED-PRINTABLE"]
WORDS = {"koi8-r": "Жалоба лампа", "iso-2022-jp": "苦情 電球", "gb18030": "投诉 灯泡", "shift_jis": "苦情 電球"}
KINDS = ["mixed", "related", "parallel", "x-unknown", "signed"]
NAMES = [
    "bon.pdf",
    "café.pdf",
    "een lange naam met spaties.bin",
    "照片.jpg",
    'a"b.txt',
    "x" * 90 + ".dat",
    "naam'met.pdf",
]


@dataclass(frozen=True)
class Leaf:
    """A part that was put into a mail: its raw bytes, and what must come out."""

    raw: bytes
    text: str = ""
    content: bytes = b""
    name: str = ""


def encoded(content: bytes, encoding: str) -> bytes:
    if encoding.lower() == "base64":
        return base64.encodebytes(content).replace(b"\n", b"\r\n").rstrip(b"\r\n")
    if encoding.lower() == "quoted-printable":
        return quopri.encodestring(content, quotetabs=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return content


@st.composite
def texts(draw) -> Leaf:
    charset = draw(st.sampled_from(CHARSETS))
    word = WORDS.get(charset, "klacht é stuk")
    lines = [f"{word} {draw(st.integers(0, 10**9))}" for _ in range(draw(st.integers(1, 3)))]
    encoding = draw(st.sampled_from(ENCODINGS if charset != "utf-16" else ["base64"]))
    content = "\r\n".join(lines).encode(charset)
    if encoding.lower() == "quoted-printable":
        content = content.replace(b"\r\n", b"\n")
    head = f'Content-Type: text/plain; charset="{charset}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return Leaf(head.encode() + encoded(content, encoding), text="\n".join(lines))


def name_header(name: str, style: str) -> str:
    """A file name as programs write it: plain, as an encoded word, extended or in pieces (RFC 2231)."""
    if style == "extended":
        return f"filename*=utf-8''{quote(name)}"
    if style == "pieces":
        half = len(name) // 2
        return f"filename*0*=UTF-8''{quote(name[:half])};\r\n filename*1*={quote(name[half:])}"
    if style == "mixed pieces" and name.isascii() and '"' not in name:
        return f"filename*1=\"{name[3:]}\"; filename*0*=us-ascii'en'{quote(name[:3])}"
    if style == "word" or not name.isascii():
        return f'filename="=?utf-8?B?{base64.b64encode(name.encode()).decode()}?="'
    return 'filename="{}"'.format(name.replace('"', '\\"'))


@st.composite
def files(draw) -> Leaf:
    content = draw(st.binary(min_size=1, max_size=300))
    name = draw(st.sampled_from(NAMES))
    style = draw(st.sampled_from(["plain", "word", "extended", "pieces", "mixed pieces"]))
    disposition = draw(st.sampled_from(["attachment", "inline", "ATTACHMENT"]))
    head = (
        f"Content-Type: application/octet-stream\r\nContent-Disposition: {disposition}; {name_header(name, style)}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return Leaf(head.encode() + encoded(content, "base64"), content=content, name=name)


def whole(parts: list[list[Leaf]], kind: str, number: int) -> list[Leaf]:
    """A multipart of parts, as one raw leaf before the leaves that are in it."""
    boundary = f"=_grens_{number}?x"
    body = b"".join(f"--{boundary}\r\n".encode() + leaves[0].raw + b"\r\n" for leaves in parts)
    head = f'Content-Type: multipart/{kind};\r\n\tboundary="{boundary}"\r\n\r\n'
    inside = [leaf for leaves in parts for leaf in (leaves[1:] or leaves)]
    return [Leaf(head.encode() + body + f"--{boundary}--\r\n".encode()), *inside]


LEAVES = st.one_of(texts(), files()).map(lambda leaf: [leaf])
TREES = st.recursive(
    LEAVES,
    lambda inside: st.builds(
        whole, st.lists(inside, min_size=1, max_size=4), st.sampled_from(KINDS), st.integers(0, 10**9)
    ),
    max_leaves=12,
)
TOP = b"From: Jan <jan@example.com>\r\nSubject: Klacht\r\nMessage-ID: <a@example.com>\r\nMIME-Version: 1.0\r\n"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_every_file_and_every_text_comes_back(tree: list[Leaf]) -> None:
    raw = TOP + tree[0].raw
    leaves = tree[1:] or tree
    message = read_mail(raw)
    found = [(item.name, read_attachment(raw, item.part)) for item in message.attachments]
    sent = [(shown(leaf.name), leaf.content) for leaf in leaves if leaf.content]
    assert found == sent
    assert [item.sha256 for item in message.attachments] == [hashlib.sha256(content).hexdigest() for _, content in sent]
    body = "\n".join(line for line in message.text.split("\n") if line)
    assert body == "\n".join(leaf.text for leaf in leaves if leaf.text)


def shown(name: str) -> str:
    """At most 120 bytes of a name are shown."""
    return name.encode()[:120].decode("utf-8", "ignore")


@settings(max_examples=100, deadline=None)
@given(TREES, st.sampled_from([b"\n", b"\r", b"\r\r\n"]))
def test_other_line_ends_change_no_structure(tree: list[Leaf], line_end: bytes) -> None:
    raw = TOP + tree[0].raw
    kinds = [leaf.media_type for _, leaf in walk(parse(prepared(raw, []), []))]
    other = raw.replace(b"\r\n", line_end) if b"\n" not in raw.replace(b"\r\n", b"") else raw
    assert [leaf.media_type for _, leaf in walk(parse(prepared(other, []), []))] == kinds


@settings(max_examples=100, deadline=None)
@given(TREES, st.data())
def test_a_mail_that_is_cut_anywhere_loses_only_what_was_cut(tree: list[Leaf], data: st.DataObject) -> None:
    raw = TOP + tree[0].raw
    position = data.draw(st.integers(len(TOP), len(raw)))
    message = read_mail(raw[:position])
    assert message.message_id == "<a@example.com>"
    before = [leaf for leaf in (tree[1:] or tree) if leaf.content and leaf.raw in raw[:position]]
    kept = {read_attachment(raw[:position], item.part) for item in message.attachments}
    assert {leaf.content for leaf in before} <= kept
