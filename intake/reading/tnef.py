"""`winmail.dat` (application/ms-tnef) → the body and the files in it. [MS-OXTNEF]

A walk of its own over the stream, each step checked against the bytes that are there: a damaged or hostile stream
gives what stands before the damage, and says that it is damaged. tnefparse believes the counts in the stream
(forty bytes keep it busy for half an hour) and takes trailing zeros off what it finds.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from intake.reading.decoding import decode
from intake.reading.rtf import decompressed

SIGNATURE = b"\x78\x9f\x3e\x22"
MAX_OBJECTS = 20_000
MAX_PROPERTIES = 20_000
MAX_FILES = 500
# Attributes, section 2.1.3.2; the level is left out.
BODY, ATTACH_DATA, ATTACH_TITLE, ATTACH_RENDERING = 0x800C, 0x800F, 0x8010, 0x9002
MAPI_PROPERTIES, ATTACHMENT, CODE_PAGE = 0x9003, 0x9005, 0x9007
# Properties, [MS-OXPROPS].
PLAIN_BODY, RTF_BODY, HTML_BODY, INTERNET_CODE_PAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
DISPLAY_NAME, DATA_OBJECT, SHORT_NAME, LONG_NAME = 0x3001, 0x3701, 0x3704, 0x3707
MIME_TAG, CONTENT_ID = 0x370E, 0x3712
MULTIPLE, NAMED = 0x1000, 0x8000
FIXED = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x000A: 4, 0x000B: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x0014: 8}
FIXED |= {0x0040: 8, 0x0048: 16}
VARIABLE = frozenset({0x000D, 0x001E, 0x001F, 0x0102})
OBJECT, UNICODE = 0x000D, 0x001F
# What an embedded mail begins with: IID_IMessage.
EMBEDDED_MAIL = bytes.fromhex("0703020000000000c000000000000046")


@dataclass(slots=True)
class TnefFile:
    """A file in the stream. `is_mail` says that its bytes are a stream themselves: an attached mail."""

    name: str = ""
    data: bytes = b""
    media_type: str = ""
    content_id: str = ""
    is_mail: bool = False


@dataclass(slots=True)
class Tnef:
    """What a stream holds. `rtf` is decompressed."""

    text: str = ""
    html: str = ""
    rtf: bytes = b""
    files: list[TnefFile] = field(default_factory=list)
    damaged: bool = False


class _Damaged(Exception):
    """The stream says more than it holds."""


def read_tnef(data: bytes) -> Tnef | None:
    """What the stream holds, None where it is no TNEF at all."""
    if not data.startswith(SIGNATURE):
        return None
    found = Tnef()
    code_page = ""
    try:
        for name, value in _objects(data):
            if name == CODE_PAGE and len(value) >= 4:
                code_page = f"cp{struct.unpack_from('<I', value)[0]}"
            elif name == MAPI_PROPERTIES:
                _take_body(found, value, code_page)
            elif name == BODY:
                found.text = found.text or decode(value.rstrip(b"\x00"), code_page)
            else:
                _take_file(found, name, value, code_page)
    except _Damaged:
        found.damaged = True
    found.files = [item for item in found.files if item.data or item.name]
    return found


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(attribute, value) in order; one that is cut off comes out as far as it goes, before `_Damaged`."""
    position = 6
    for _ in range(MAX_OBJECTS):
        if position + 9 > len(data):
            return
        name, length = struct.unpack_from("<xHxxI", data, position)
        start = position + 9
        yield name, data[start : start + length]
        position = start + length + 2
        if position > len(data) + 2:
            raise _Damaged
    raise _Damaged


def _take_body(found: Tnef, value: bytes, code_page: str) -> None:
    properties, whole = _properties(value, code_page)
    internet = properties.get(INTERNET_CODE_PAGE, b"")
    page = f"cp{struct.unpack_from('<I', internet)[0]}" if len(internet) >= 4 else code_page
    page = "utf-8" if page == "cp65001" else page
    found.text = found.text or decode(properties.get(PLAIN_BODY, b""), "utf-8")
    found.html = found.html or decode(properties.get(HTML_BODY, b"").rstrip(b"\x00"), page)
    if not found.rtf and RTF_BODY in properties:
        found.rtf = decompressed(properties[RTF_BODY])
    found.damaged = found.damaged or not whole


def _take_file(found: Tnef, name: int, value: bytes, code_page: str) -> None:
    if name == ATTACH_RENDERING:
        if len(found.files) >= MAX_FILES:
            raise _Damaged
        found.files.append(TnefFile())
    if not found.files:
        return
    item = found.files[-1]
    if name == ATTACH_TITLE:
        item.name = item.name or decode(value.rstrip(b"\x00"), code_page)
    elif name == ATTACH_DATA:
        item.data = value
    elif name == ATTACHMENT:
        properties, whole = _properties(value, code_page)
        _describe(item, {key: decode(text, "utf-8") for key, text in properties.items() if key != DATA_OBJECT})
        content = properties.get(DATA_OBJECT, b"")
        item.is_mail = content.startswith(EMBEDDED_MAIL)
        item.data = content[len(EMBEDDED_MAIL) :] if item.is_mail else item.data or content
        found.damaged = found.damaged or not whole


def _describe(item: TnefFile, words: dict[int, str]) -> None:
    item.name = words.get(LONG_NAME) or item.name or words.get(SHORT_NAME) or words.get(DISPLAY_NAME, "")
    item.media_type = words.get(MIME_TAG, "").lower()
    item.content_id = words.get(CONTENT_ID, "").strip("<> ")


def _properties(data: bytes, code_page: str) -> tuple[dict[int, bytes], bool]:
    """(values by property, whether all could be read). Text is UTF-8, whatever it was; of several values the first."""
    reader = _Properties(data, code_page)
    found: dict[int, bytes] = {}
    try:
        for _ in range(min(reader.number(), MAX_PROPERTIES)):
            key, value = reader.property()
            found.setdefault(key, value)
    except _Damaged:
        return found, False
    return found, True


class _Properties:
    """Reads a block of MAPI properties (section 2.1.3.4), never beyond its end."""

    def __init__(self, data: bytes, code_page: str) -> None:
        self._data = data
        self._position = 0
        self._code_page = code_page

    def number(self) -> int:
        """The next four bytes."""
        return int.from_bytes(self._take(4), "little")

    def property(self) -> tuple[int, bytes]:
        """(property, its first value)."""
        kind, key = struct.unpack("<HH", self._take(4))
        if key >= NAMED:
            self._skip_name()
        multiple, kind = bool(kind & MULTIPLE), kind & ~MULTIPLE
        if kind in VARIABLE:
            values = [self._variable(kind) for _ in range(self._count())]
        elif kind in FIXED:
            values = [self._take(FIXED[kind]) for _ in range(self._count() if multiple else 1)]
        elif kind in (0x0000, 0x0001):
            values = []
        else:
            raise _Damaged
        return key, values[0] if values else b""

    def _count(self) -> int:
        count = self.number()
        if count * 4 > len(self._data):
            raise _Damaged
        return count

    def _skip_name(self) -> None:
        self._take(16)
        if self.number() == 0:
            self._take(4)
        else:
            self._padded(self.number())

    def _variable(self, kind: int) -> bytes:
        value = self._padded(self.number())
        if kind == UNICODE:
            return decode(value[: len(value) // 2 * 2], "utf-16-le").rstrip("\x00").encode()
        if kind == 0x001E:
            return decode(value.rstrip(b"\x00"), self._code_page).encode()
        return value

    def _padded(self, length: int) -> bytes:
        value = self._take(length)
        self._position += -length % 4
        return value

    def _take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise _Damaged
        value = self._data[self._position : end]
        self._position = end
        return value
