"""RTF → text, as far as mail needs it: Outlook's compressed bodies, and the HTML that it wraps in RTF.

[MS-OXRTFCP] says how a body is compressed, [MS-OXRTFEX] how HTML is wrapped. Not a word processor: tables, pictures
and fields give their text or nothing.
"""

import re
import struct

from intake.reading.decoding import decode

MAX_RTF = 4 * 1024 * 1024
DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
COMPRESSED, UNCOMPRESSED = b"LZFu", b"MELA"
TOKEN = re.compile(rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
# Groups whose content is no text of the mail.
SILENT = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "listtable", "listoverridetable", "generator"}
    | {"header", "footer", "themedata", "datastore", "latentstyles", "xmlnstbl", "rsidtbl", "mmathpr", "fldinst"}
)
WORDS = {"par": "\n", "line": "\n", "row": "\n", "tab": "\t", "cell": "  ", "emdash": "—", "endash": "–"}
WORDS |= {"lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " "}
CHARSETS = {0: "cp1252", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254"}
CHARSETS |= {163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250"}
FONT_CHARSET = re.compile(rb"\\f(\d{1,5})[^{}]{0,100}?\\fcharset(\d{1,3})")


def decompressed(data: bytes) -> bytes:
    """Compressed RTF as RTF (section 2.1 of [MS-OXRTFCP]); what can be had where it is damaged."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<I", data, 4)[0], data[8:12]
    if kind == UNCOMPRESSED:
        return data[16 : 16 + min(size, MAX_RTF)]
    return _inflated(data, min(size, MAX_RTF)) if kind == COMPRESSED else b""


def _inflated(data: bytes, size: int) -> bytes:
    window = bytearray(4096)
    window[: len(DICTIONARY)] = DICTIONARY
    write = len(DICTIONARY)
    out = bytearray()
    position = 16
    while position < len(data) and len(out) < size:
        control = data[position]
        position += 1
        for bit in range(8):
            if control >> bit & 1:
                pair = data[position : position + 2]
                offset, length = (pair[0] << 4 | pair[1] >> 4, (pair[1] & 15) + 2) if len(pair) == 2 else (write, 0)
                if offset == write:
                    return bytes(out)
                run = [window[(offset + step) & 4095] for step in range(length)] if length else []
                run = _overlapping(window, offset, write, length) or run
                position += 2
            else:
                run = list(data[position : position + 1])
                position += 1
            for code in run:
                window[write] = code
                write = (write + 1) & 4095
            out += bytes(run)
    return bytes(out[:size])


def _overlapping(window: bytearray, offset: int, write: int, length: int) -> list[int]:
    """A run that reads what it has just written; empty where it does not reach that far."""
    gap = (write - offset) & 4095
    if not 0 < gap < length:
        return []
    head = [window[(offset + step) & 4095] for step in range(gap)]
    return [head[step % gap] for step in range(length)]


def read_rtf(rtf: bytes) -> tuple[str, bool]:
    """(text, whether it is HTML). HTML that was wrapped in RTF comes out as HTML."""
    is_html = b"\\fromhtml1" in rtf[:1000]
    reader = _Reader(rtf[:MAX_RTF], is_html)
    return reader.text(), is_html


class _Reader:
    """Takes the tokens of RTF in order. A group is (silent, in HTML's markup, bytes to skip, font)."""

    def __init__(self, rtf: bytes, is_html: bool) -> None:
        self._rtf = rtf
        self._is_html = is_html
        self._out: list[str] = []
        self._bytes = bytearray()
        self._groups: list[tuple[bool, bool, int, int]] = []
        self._silent = self._markup = self._raw = False
        self._skip, self._after, self._font = 1, 0, 0
        page = re.search(rb"\\ansicpg(\d{1,5})", rtf[:1000])
        self._page = f"cp{int(page[1])}" if page else "cp1252"
        fonts = FONT_CHARSET.finditer(rtf[: 64 * 1024])
        self._fonts = {int(found[1]): CHARSETS.get(int(found[2]), "") for found in fonts}

    def text(self) -> str:
        """All of it as text."""
        for token in TOKEN.finditer(self._rtf):
            if token[5]:
                self._brace(token[5])
            elif token[1]:
                self._word(token[1].decode(), token[2])
            elif token[3]:
                self._put(bytes((int(token[3], 16),)))
            elif token[4]:
                self._symbol(token[4])
            elif token[6]:
                self._put(token[6])
        self._flush()
        # Characters beyond the first plane come in halves.
        return "".join(self._out).encode("utf-16", "surrogatepass").decode("utf-16", "ignore")

    def _brace(self, brace: bytes) -> None:
        self._flush()
        if brace == b"{":
            if len(self._groups) < 10_000:
                self._groups.append((self._silent, self._markup, self._skip, self._font))
        elif self._groups:
            self._silent, self._markup, self._skip, self._font = self._groups.pop()
        self._after = 0

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._silent = True  # a destination that old readers skip; HTML's own is let through by its name
        elif symbol in b"{}\\":
            self._put(symbol)
        elif symbol == b"~":
            self._write("\xa0")
        elif symbol in b"_":
            self._write("-")

    def _word(self, word: str, number: bytes | None) -> None:
        value = int(number) if number else 1
        if word == "u" and number:
            self._flush()
            self._write(chr(value & 0xFFFF))
            self._after = self._skip
        elif word == "uc":
            self._skip = min(max(value, 0), 10)
        elif word == "f":
            self._flush()
            self._font = value if number else 0
        elif word == "htmltag":
            self._silent = not self._is_html
            self._markup = True
        elif word == "htmlrtf":
            self._flush()
            self._raw = self._is_html and number != b"0"
        elif word in SILENT:
            self._silent = True
        elif word in WORDS:
            self._flush()
            self._write(WORDS[word])

    def _put(self, raw: bytes) -> None:
        skipped = min(self._after, len(raw))
        self._after -= skipped
        if not (self._silent or self._raw):
            self._bytes += raw[skipped:]

    def _write(self, text: str) -> None:
        if not (self._silent or self._raw):
            self._flush()
            self._out.append(text)

    def _flush(self) -> None:
        if self._bytes:
            page = self._page if self._markup else self._fonts.get(self._font) or self._page
            self._out.append(decode(bytes(self._bytes), page))
            self._bytes.clear()
