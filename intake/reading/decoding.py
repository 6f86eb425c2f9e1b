"""Bytes to text, total: the declared charset, then UTF-8, then windows-1252 as browsers read it.

Never an exception and never a lost byte. What comes out has no NUL (PostgreSQL refuses it), no lone surrogate (no
encoder takes it) and no C0 control but tab and line feed; line ends are LF.
"""

import base64
import binascii
import codecs
import quopri
import re

# What people declare, and what they mean. WHATWG Encoding, section 4.2; GBK called gb2312 is the rule, not the
# exception; a declared ISO-8859-1 or US-ASCII means windows-1252.
ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "windows-874": "cp874",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
}
WINDOWS_1252_NAMES = frozenset(
    {"", "us-ascii", "ascii", "ansi_x3.4-1968", "iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "cp1252"}
    | {"windows-1252", "x-cp1252", "iso-ir-100", "unknown-8bit", "default", "x-unknown", "x-user-defined", "binary"}
)
# Codecs of Python that are not charsets, or that can be made to work for ever.
NOT_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"})
WINDOWS_1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")


def decode(raw: bytes, charset: str = "") -> str:
    """Text from bytes and a declared charset (may be empty, unknown or wrong)."""
    declared = charset.strip().strip("\"'").lower()
    if declared not in WINDOWS_1252_NAMES:
        text = _try(raw, ALIASES.get(declared, declared))
        if text is not None:
            return clean(text)
    elif declared in ("", "us-ascii", "ascii", "ansi_x3.4-1968") and _escapes_of_iso_2022(raw):
        text = _try(raw, "iso2022_jp_ext")
        if text is not None:
            return clean(text)
    text = _try(raw.removeprefix(codecs.BOM_UTF8), "utf-8")
    return clean(text if text is not None else windows_1252(raw))


def windows_1252(raw: bytes) -> str:
    """windows-1252 as browsers read it: the five bytes that Python's codec refuses are C1 controls."""
    return raw.decode("latin-1").translate(WINDOWS_1252)


def clean(text: str) -> str:
    """LF line ends, and nothing that a database or an encoder refuses."""
    return UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """A header's text on one line, without controls and without marks that turn the reading direction."""
    return " ".join(BIDI.sub("", clean(text)).split())


def decode_header(value: str) -> str:
    """A header value as `email` hands it over (raw 8-bit bytes as surrogates) as one line of text.

    Adjacent encoded words of one charset are joined before decoding, since senders split them inside a character
    (RFC 2047 section 5 forbids it).
    """
    text = decode(
        value.encode("utf-8", "surrogateescape") if _came_as_bytes(value) else value.encode("utf-8", "replace")
    )
    if "=?" not in text:
        return one_line(text)
    return one_line(_decode_words(BETWEEN_WORDS.sub(r"\1", text)))


def _decode_words(text: str) -> str:
    pieces: list[str] = []
    pending: tuple[str, bytes] | None = None
    position = 0
    for match in ENCODED_WORD.finditer(text):
        charset, octets = match[1].split("*")[0].lower(), _octets(match[2], match[3])
        if pending is not None and match.start() == position and pending[0] == charset:
            pending = (charset, pending[1] + octets)
        else:
            pieces.append(_decoded(pending))
            pieces.append(text[position : match.start()])
            pending = (charset, octets)
        position = match.end()
    return "".join((*pieces, _decoded(pending), text[position:]))


def _decoded(word: tuple[str, bytes] | None) -> str:
    return "" if word is None else decode(word[1], word[0])


def _octets(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return base64.b64decode(letters[: len(letters) // 4 * 4])


def _try(raw: bytes, charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name
        return None if name.replace("_", "-") in NOT_CHARSETS else str(raw.decode(charset, "strict"))
    except (LookupError, ValueError, AssertionError, TypeError):
        # bytes-to-bytes codecs (hex, zlib) raise LookupError; UnicodeError is a ValueError
        return None


def _escapes_of_iso_2022(raw: bytes) -> bool:
    return b"\x1b$" in raw or b"\x1b(J" in raw


def _came_as_bytes(value: str) -> bool:
    """Whether every surrogate stands for a byte; others come from escapes, and no encoder takes them."""
    return not LONE_SURROGATE.search(value)
