"""A mail's bytes → its MIME tree, and what each part of it holds. Judges nothing, and never raises.

A parser of its own, for what is really sent: the standard library's ends the header at the first line that is none,
loses what stands after a lost boundary, needs a gigabyte for a mail of short lines and gives up on deep nesting. This
one looks for boundaries in the bytes, so that its cost does not depend on lines, and an attached mail is a leaf whose
bytes are as they came. What is cut off is cut from the reading copy only; the original is whole.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from intake.reading.decoding import decode, from_base64, one_line
from intake.reading.parameters import first_word, parameters

MAX_BYTES = 25 * 1024 * 1024
MAX_HEADERS = 256 * 1024
MAX_HEADER = 16 * 1024
MAX_FIELDS = 2000
MAX_PARTS = 1000
MAX_DEPTH = 50
MAX_FALSE_MARKS = 100_000
KEPT_DECODED = 1024 * 1024
MOST_STRANGE = 0.05
Fields = tuple[tuple[str, str], ...]

# A line end may have more than one carriage return, where a program wrote a mail as if it were text.
BLANK_LINE = re.compile(rb"\n\r*\n")
NO_HEADER = re.compile(rb"\r{0,9}\n")
FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?", re.MULTILINE)
FROM_LINE = re.compile(rb">?From [^\n]*\n")
# A line that is no header, followed by one of these, is a slip in the header; else the text begins there.
WELL_KNOWN = re.compile(
    rb"^(received|return-path|from|to|cc|subject|date|message-id|mime-version|reply-to|content-[a-z-]+|"
    rb"dkim-signature|references|in-reply-to|delivered-to|list-[a-z-]+|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
LOOKS_LIKE_BOUNDARY = re.compile(rb"^--([^\s\r\n]{1,70})[ \t]*\r{0,9}\nContent-", re.MULTILINE | re.IGNORECASE)
BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]")
# Begins only where padding begins, so that a run of it is looked at once.
AFTER_PADDING = re.compile(rb"(?<![=\s])(?>\s*)=(?>[=\s]*\n)(?=[^\n]*[^A-Za-z0-9+/=\s])")
PADDED_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")  # what a gateway added (RFC 2045 section 6.7, rule 3)
UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]+\r?\n", re.MULTILINE)


@dataclass(slots=True, eq=False)
class Part:
    """A part of a mail: its header fields (names in lower case, raw values in which 8-bit bytes are surrogates), the
    bytes of its body as they came, and the parts in it. `before` and `after` are what a multipart has around its
    parts; `octets` are set for what was unpacked and needs no decoding, with its
    `given_name`; `inner` is what a part holds that MIME does not show, `package` the way it was packed, and `beginning`
    what its first bytes say, once somebody has asked."""

    fields: Fields
    body: bytes = b""
    children: list["Part"] = field(default_factory=list)
    usual: str = "text/plain"
    before: bytes = b""
    after: bytes = b""
    octets: bytes | None = None
    given_name: str = ""
    inner: "Part | None" = None
    package: str = ""
    media_type: str = ""
    beginning: str | None = None
    _parameters: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.media_type = self.media_type or _media_type(self.field("content-type"), self.usual)

    def field(self, name: str) -> str:
        """The raw value of the first field with that name, empty where there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def parameter(self, name: str, key: str) -> str:
        """A parameter of a header, decoded, empty where there is none."""
        known = self._parameters.get(name)
        if known is None:
            known = self._parameters[name] = parameters(self.field(name))
        return known.get(key, "")

    @property
    def main_type(self) -> str:
        """`text` of `text/plain`."""
        return self.media_type.partition("/")[0]

    @property
    def disposition(self) -> str:
        """`attachment`, `inline`, another word or nothing."""
        return first_word(self.field("content-disposition"))

    @property
    def charset(self) -> str:
        """The declared charset, empty where there is none."""
        return self.parameter("content-type", "charset")

    @property
    def content_id(self) -> str:
        """The Content-ID without its brackets, empty where there is none."""
        return self.field("content-id").strip().strip("<>").strip()

    @property
    def file_name(self) -> str:
        """The name that the sender gave, for showing: no path, no control, no turned direction, at most 120 bytes."""
        given = self.given_name or self.parameter("content-disposition", "filename")
        given = one_line(given) or self.parameter("content-type", "name")
        name = re.split(r"[\\/]", given)[-1].lstrip(".").strip()
        return name.encode()[:120].decode("utf-8", "ignore")


def prepared(raw: bytes, problems: list[str]) -> bytes:
    """The bytes to parse: no longer than can be read in seconds, and without what mail picks up on its way (a byte
    order mark, blank lines, an mbox line, line ends of one carriage return)."""
    data = raw
    if len(data) > MAX_BYTES:
        problems.append(f"only the first {MAX_BYTES // 1024 // 1024} MB were read of {len(raw) // 1024 // 1024} MB")
        data = data[:MAX_BYTES]
    if data[:1] in (b"\xef", b"\r", b"\n", b" ", b">", b"F"):
        data = _without_a_lead(data)
    if b"\n" not in data[:4096] and b"\r" in data[:4096]:
        data = data.replace(b"\r", b"\n")
    if b"\r\r\n" in data[: data.find(b"\n") + 1]:
        data = data.replace(b"\r\r\n", b"\r\n")
    return data


def _without_a_lead(data: bytes) -> bytes:
    bare = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n \t")
    line = FROM_LINE.match(bare)
    bare = bare[line.end() :] if line else bare
    return bare if FIELD.match(bare) else data


def parse(data: bytes, problems: list[str]) -> Part:
    """The MIME tree of a mail."""
    return _Parser(problems).part(data, "text/plain", 0)


def fields_of(data: bytes, problems: list[str]) -> Fields:
    """The header fields at the start of the bytes."""
    return _fields(data[: _header_end(data)[0]], problems)


class _Parser:
    """Takes one mail apart. Counts its parts, so that no mail has more than can be handled."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._left = MAX_PARTS

    def part(self, data: bytes, usual: str, depth: int) -> Part:
        """A part and the parts in it, from its bytes."""
        end, start = _header_end(data)
        fields = _fields(data[:end], self._problems if depth == 0 else [])
        part = Part(fields, usual=usual)
        body = data[start:]
        if part.main_type == "multipart" and depth < MAX_DEPTH:
            self._fill(part, body, depth)
        elif part.main_type == "multipart":
            self._problems.append("damaged structure: its parts lie too deep in each other")
        if not part.children:
            part.body = body
            self._left -= 1
        return part

    def _fill(self, part: Part, body: bytes, depth: int) -> None:
        boundary = part.parameter("content-type", "boundary").rstrip()
        mark = b"--" + boundary.encode("utf-8", "surrogateescape")
        found = _split(body, mark, self._left) if boundary else None
        if found is None and (guess := LOOKS_LIKE_BOUNDARY.search(body[:65536])):
            found = _split(body, b"--" + guess[1], self._left)
        if found is None and (opened := _opened(part, body)) is not None:
            return self._fill(part, opened, depth)
        if found is None:
            self._problems.append("damaged structure: the boundary between its parts is not there")
            return None
        pieces, part.before, part.after, closed = found
        if not closed:
            self._problems.append("damaged structure: its end is missing")
        usual = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
        for piece in pieces:
            if self._left <= 0:
                self._problems.append(f"only the first {MAX_PARTS} parts were read")
                break
            part.children.append(self.part(piece, usual, depth + 1))
        return None


def _opened(part: Part, body: bytes) -> bytes | None:
    """A multipart that is itself encoded (RFC 2045 section 6.4 forbids it); its encoding is taken off once."""
    if encoding_of(part) == "":
        return None
    opened = _decoded(body, encoding_of(part), False)
    part.fields = tuple(item for item in part.fields if item[0] != "content-transfer-encoding")
    return opened


def _split(body: bytes, mark: bytes, most: int) -> tuple[list[bytes], bytes, bytes, bool] | None:
    """(parts, what stands before, what stands after, whether the end was marked) of a multipart's body, None where
    the mark is nowhere. A part that comes after the end mark is a part all the same."""
    pieces: list[bytes] = []
    before = after = b""
    start: int | None = None
    closed = seen = False
    position = body.find(mark)
    false_marks = 0
    while position != -1 and len(pieces) <= most and false_marks < MAX_FALSE_MARKS:
        end, is_end = _delimiter(body, position, len(mark))
        if end == -1:
            false_marks += 1
            position = body.find(mark, position + len(mark))
            continue
        if start is not None:
            pieces.append(body[start : _line_end(body, position)])
        elif not seen:
            before = body[:position]
        seen, closed = True, closed or is_end
        start = None if is_end else end
        after = body[end:] if is_end else b""
        position = body.find(mark, end)
    if not seen:
        return None
    if start is not None and len(pieces) <= most:
        pieces.append(_without_cut_mark(body[start:], mark))
    return pieces, before, after, closed


def _without_cut_mark(piece: bytes, mark: bytes) -> bytes:
    """The last part of a mail that was cut in the middle of a delimiter."""
    start = piece.rfind(b"\n") + 1
    return (
        piece[: _line_end(piece, start)]
        if len(piece) - start >= 2 and (mark + b"--").startswith(piece[start:])
        else piece
    )


def _delimiter(body: bytes, position: int, length: int) -> tuple[int, bool]:
    """(where the delimiter line ends, whether it is the last), (-1, False) where this is no delimiter."""
    if position and body[position - 1] != 0x0A:
        return -1, False
    end = body.find(b"\n", position + length, position + length + 200)
    line_end = end if end != -1 else min(len(body), position + length + 200)
    rest = body[position + length : line_end].strip()
    if rest not in (b"", b"--"):
        return -1, False
    return (end + 1 if end != -1 else line_end), rest == b"--"


def _line_end(body: bytes, position: int) -> int:
    """The line end before a delimiter belongs to it (RFC 2046 section 5.1.1)."""
    if body[position - 2 : position] == b"\r\n":
        return position - 2
    return position - 1 if position else 0


def _header_end(data: bytes) -> tuple[int, int]:
    """(where the header ends, where the body starts)."""
    bare = NO_HEADER.match(data)
    if bare:
        return 0, bare.end()
    blank = BLANK_LINE.search(data)
    end, start = (blank.start() + 1, blank.end()) if blank else (len(data), len(data))
    slip = _first_slip(data, min(end, MAX_HEADERS))
    if slip is None or WELL_KNOWN.search(data, slip, end):
        return end, start
    return slip, slip


def _first_slip(data: bytes, end: int) -> int | None:
    """Where the first line of the header is that is none; None where there is no such line."""
    position = 0
    while position < end:
        match = FIELD.match(data, position)
        if match is None:
            return position if data[position:end].strip() else None
        position = match.end()
    return None


def _fields(head: bytes, problems: list[str]) -> Fields:
    """The fields of a header block; lines that are none are left out. Long ones are cut: real ones are not."""
    if len(head) > MAX_HEADERS:
        head = head[:MAX_HEADERS]
        problems.append("over-long headers were cut")
    fields: list[tuple[str, str]] = []
    position = 0
    for match in FIELD.finditer(head):
        value = match[2]
        if len(value) > MAX_HEADER:
            value = value[:MAX_HEADER]
            problems.append("over-long headers were cut")
        slip = head[position : match.start()].strip()
        if slip and not FROM_LINE.match(slip + b"\n"):
            problems.append(f"a line of the header is none: {decode(slip[:100])!r}")
        position = match.end()
        fields.append((match[1].decode("ascii").lower(), value.decode("ascii", "surrogateescape").strip()))
        if len(fields) == MAX_FIELDS:
            problems.append("over-long headers were cut")
            break
    return tuple(fields)


def _media_type(value: str, usual: str) -> str:
    word = first_word(value)
    if not word:
        return usual
    found = MEDIA_TYPE.match(word)
    return found[0] if found else {"text": "text/plain", "html": "text/html"}.get(word, "text/plain")


def walk(tree: Part) -> Iterator[tuple[int, Part]]:
    """(index, leaf) over the tree, in order. The index finds an attachment again."""
    stack = [tree]
    index = 0
    while stack and index < MAX_PARTS:
        part = stack.pop()
        if part.children:
            stack.extend(reversed(part.children))
        else:
            yield index, part
            index += 1


def encoding_of(part: Part) -> str:
    """`base64`, `quoted-printable`, `uuencode` or nothing: what the Content-Transfer-Encoding means, however it is
    spelled."""
    word = re.sub(r"[\s_-]", "", first_word(part.field("content-transfer-encoding")))
    if word in ("", "7bit", "8bit", "binary"):
        return ""
    if "base64" in word:
        return "base64"
    if "quoted" in word or word == "qp":
        return "quoted-printable"
    return "uuencode" if "uu" in word else ""


def payload(part: Part) -> bytes:
    """The decoded bytes of a leaf; of an attached mail, its own bytes. Broken encodings give what can be had."""
    if part.octets is not None:
        return part.octets
    encoding = encoding_of(part)
    octets = _decoded(part.body, encoding, part.main_type == "text") if encoding else part.body
    if len(octets) <= KEPT_DECODED:
        part.octets = octets
    return octets


def uudecoded(lines: bytes) -> bytes:
    """The bytes of uuencoded lines, up to their `end`; a damaged line gives what it has."""
    out: list[bytes] = []
    for line in lines.splitlines():
        if line.strip() == b"end":
            break
        out.append(_uu_line(line))
    return b"".join(out)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders count wrongly, or pad with what is no part of the line.
        length = ((line[0] - 32) & 63) * 4 // 3 + 3 if line else 0
        try:
            return binascii.a2b_uu(line[:length])
        except binascii.Error:
            return b""


def _decoded(body: bytes, encoding: str, is_text: bool) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(PADDED_BREAK.sub(b"=", body))
    if encoding == "uuencode":
        begin = UU_BEGIN.search(body)
        return uudecoded(body[begin.end() :] if begin else body)
    # A list may have put its footer, in plain letters, beneath an encoded text.
    footer = AFTER_PADDING.search(body, max(0, body.find(b"=") - 2)) if b"=" in body else None
    end = footer.end() if footer else len(body)
    if _is_no_base64(body[: min(end, 4096)]):
        return body
    rest = b"\n" + body[end:] if is_text and footer else b""
    return _base64(body[:end]) + rest


def _base64(body: bytes) -> bytes:
    padding = body.find(b"=")
    if padding == -1 or not body[padding:].strip(b"=\r\n \t"):
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            pass
    return from_base64(body)


def _is_no_base64(sample: bytes) -> bool:
    """Whether a part says base64 and plainly is something else."""
    strange = len(sample) - len(BASE64.findall(sample))
    return strange > max(3, MOST_STRANGE * len(sample)) or sample.strip().count(b" ") * 20 > len(sample)
