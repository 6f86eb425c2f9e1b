"""Bytes to text, total: the declared charset, then UTF-8, then windows-1252 as browsers read it.

Never an exception and never a lost byte. What comes out has no NUL (PostgreSQL refuses it), no lone surrogate (no
encoder takes it) and no C0 control but tab and line feed; line ends are LF. It does not guess languages: what no
declaration, mark or rule decides is windows-1252.
"""

import binascii
import codecs
import hashlib
import re
from functools import lru_cache

# What people declare, and what they mean. WHATWG Encoding, section 4.2; GBK called gb2312 is the rule, not the
# exception; a declared ISO-8859-1 or US-ASCII means windows-1252. Names as `_canonical` writes them.
ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312_80": "gb18030",
    "gb_2312": "gb18030",
    "x_gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "ks_c_5601_1987": "cp949",
    "ks_c_5601": "cp949",
    "euc_kr": "cp949",
    "x_windows_949": "cp949",
    "iso_8859_11": "cp874",
    "tis_620": "cp874",
    "iso_8859_8_i": "iso-8859-8",
    "iso_8859_8_e": "iso-8859-8",
    "iso_8859_9": "cp1254",
    "x_sjis": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "windows_31j": "cp932",
    "x_euc_jp": "euc_jp",
    "iso_2022_jp": "iso2022_jp_ext",
    "iso_2022_jp_ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "hz_gb_2312": "hz",
    "unicode_1_1_utf_7": "utf-7",
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "unicode_1_1_utf_8": "utf-8",
    "utf_8_mac": "utf-8",
    "cesu_8": "utf-8",
    "unicode": "utf-16",
    "ucs_2": "utf-16",
    "iso_10646_ucs_2": "utf-16",
    "ucs_4": "utf-32",
    "x_mac_roman": "mac-roman",
    "macintosh": "mac-roman",
    "x_mac_cyrillic": "mac-cyrillic",
    "koi8": "koi8-r",
}
UNDECLARED, LATIN = "", "latin"
UNDECLARED_NAMES = frozenset({"", "ascii", "us_ascii", "7bit", "8bit", "binary", "none", "default", "unknown"})
LATIN_NAMES = frozenset(
    {"latin1", "latin_1", "l1", "iso_8859_1", "iso8859_1", "iso_8859_1_1987", "cp1252"}
    | {"x_cp1252", "iso_ir_100", "x_ansi", "ansi", "iso", "x_user_defined", "ansi_x3_4_1968"}
)
# Codecs of Python that are not charsets, or that can be made to work for ever.
NOT_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"})
# Charsets of seven-bit bytes: what they write is ASCII by its bytes, so that trying ASCII or UTF-8 proves nothing.
SEVEN_BIT = frozenset({"iso2022_jp_ext", "iso2022_kr", "hz", "utf-7"})
WINDOWS_OF_ISO = {"iso8859-2": "cp1250", "iso8859-6": "cp1256", "iso8859-7": "cp1253", "iso8859-8": "cp1255"}
WINDOWS_OF_ISO |= {"iso8859-4": "cp1257", "iso8859-13": "cp1257", "iso8859-16": "cp1250"}
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WINDOWS_1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
LONGEST_ID = 998
MOST_ERRORS = 20  # one unreadable character in so many still lets the declared charset stand
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
C1 = re.compile("[\x80-\x9f]")
LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A question mark inside a word is forbidden and common. The length is bounded: headers are full of false starts.
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,2000})\?=")
BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
PAGE = re.compile(r"^(?:cp|ibm|dos|win|windows)_?(\d{3,5})$")
RUNS_AT_ONCE = 64 * 1024  # letters
NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
PADDING = (b"", b"", b"==", b"=")  # by the letters that are left over
JIS_RUN = re.compile(rb"(\x1b[$(][@-Z]|\x1b\$\([@-Z])")


def decode(raw: bytes, charset: str = "") -> str:
    """Text from bytes and a declared charset (may be empty, unknown or wrong)."""
    text = _by_mark(raw)
    if text is None:
        text = _by_declaration(raw, codec_of(charset))
    return clean(text)


def windows_1252(raw: bytes) -> str:
    """windows-1252 as browsers read it: the five bytes that Python's codec refuses are C1 controls."""
    return raw.decode("latin-1").translate(WINDOWS_1252)


def clean(text: str) -> str:
    """LF line ends, and nothing that a database or an encoder refuses."""
    if "\r" in text:
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return UNWANTED.sub("", text)


def fit_id(message_id: str) -> str:
    """A Message-ID that an index takes (PostgreSQL's hold 2,700 bytes): a longer one by its hash. A line of mail has
    998 bytes (RFC 5322 section 2.1.1), so nobody's mail program makes one."""
    if len(message_id.encode("utf-8", "replace")) <= LONGEST_ID:
        return message_id
    return f"<{hashlib.sha256(message_id.encode('utf-8', 'replace')).hexdigest()}@long.invalid>"


def one_line(text: str) -> str:
    """A header's text on one line, without controls and without marks that turn the reading direction."""
    return " ".join(BIDI.sub("", clean(text)).split())


def decode_header(value: str) -> str:
    """A header value as one line of text. Raw 8-bit bytes come as surrogates (`surrogateescape`).

    Adjacent encoded words of one charset are joined before decoding, since senders split them inside a character
    (RFC 2047 section 5 forbids it).
    """
    if not value.isascii():
        value = decode(
            value.encode("utf-8", "surrogateescape") if _came_as_bytes(value) else value.encode("utf-8", "replace")
        )
    elif "\x1b" in value:
        value = decode(value.encode())
    if "=?" not in value:
        return one_line(value)
    return one_line(_decode_words(BETWEEN_WORDS.sub(r"\1", value)))


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str:
    """Python's name for a declared charset; `UNDECLARED` where it says nothing, or nothing that is known, `LATIN`
    where it says one of the names that mean windows-1252."""
    found = re.search(r"[A-Za-z0-9][A-Za-z0-9._:+\- ]{0,60}", charset)
    name = re.sub(r"[^a-z0-9]+", "_", found[0].lower()).strip("_") if found else ""
    name = PAGE.sub(r"cp\1", name)
    if name in UNDECLARED_NAMES:
        return UNDECLARED
    if name in LATIN_NAMES:
        return LATIN
    try:
        codec = codecs.lookup(ALIASES.get(name, name))
        if codec.name.replace("_", "-") in NOT_CHARSETS or not isinstance("x".encode(codec.name), bytes):
            return UNDECLARED
    except (LookupError, ValueError, TypeError, AssertionError):
        # bytes-to-bytes and text-to-text codecs (hex, rot13) raise LookupError
        return UNDECLARED
    if codec.name in ("iso8859-1", "cp1252"):
        return LATIN
    if codec.name == "ascii":
        return UNDECLARED
    return ALIASES.get(codec.name, codec.name)


def _by_mark(raw: bytes) -> str | None:
    """A byte order mark is surer than any declaration (WHATWG Encoding, section 6)."""
    if not raw or raw[0] not in b"\xef\xff\xfe\x00":
        return None
    codec = next((codec for mark, codec in MARKS if raw.startswith(mark)), None)
    if codec is None:
        return None
    if codec == "utf-8":
        return _utf_8(raw[3:])
    return _try(raw, codec)


def _by_declaration(raw: bytes, codec: str) -> str:
    if codec == LATIN:
        text = _try(raw, "utf-8")
        return windows_1252(raw) if text is None else text
    if codec in (UNDECLARED, "utf-8"):
        return _undeclared(raw, may_be_wide=codec == UNDECLARED)
    if codec.startswith(("utf-16", "utf-32")):
        return _wide(raw, codec)
    if codec in SEVEN_BIT:
        return _seven_bit(raw, codec)
    text = _try(raw, codec)
    if text is not None:
        return _as_windows(raw, text, codec) if codec.startswith("iso8859") and C1.search(text) else text
    text = _try(raw, "utf-8")
    return _mostly(raw, codec) if text is None else text


def _as_windows(raw: bytes, text: str, codec: str) -> str:
    """Text in ISO 8859 has no C1 controls: a program that wrote them means the code page of its windows."""
    page = _try(raw, WINDOWS_OF_ISO[codec]) if codec in WINDOWS_OF_ISO else None
    return text.translate(WINDOWS_1252) if page is None else page


def _undeclared(raw: bytes, *, may_be_wide: bool = True) -> str:
    """UTF-8, unless the bytes show that they are ISO-2022-JP, or UTF-16 where nothing was declared."""
    if b"\x1b$" in raw or b"\x1b(J" in raw:
        text = _try(raw, "iso2022_jp_ext")
        if text is not None:
            return text
    first, second = raw[:400:2].count(0), raw[1:400:2].count(0)
    # In UTF-16 that is Latin by its words, one byte of each pair is NUL; damage puts them anywhere.
    if may_be_wide and 3 * max(first, second) > len(raw[:400]) and 10 * min(first, second) < max(first, second):
        text = _try(raw, "utf-16-le" if second > first else "utf-16-be")
        if text is not None:
            return text
    return _utf_8(raw)


def _utf_8(raw: bytes) -> str:
    """UTF-8, and windows-1252 for the bytes that are none: a reply may quote in another charset than it writes."""
    text = _try(raw, "utf-8")
    if text is not None:
        return text
    if raw.decode("utf-8", "ignore").isascii():
        return windows_1252(raw)
    return raw.decode("utf-8", "windows-1252")


def _wide(raw: bytes, codec: str) -> str:
    """UTF-16 and UTF-32. A gateway may have rewritten the text and left the label: without a NUL it is none."""
    text = _try(raw, "utf-8") if b"\x00" not in raw else None
    if text is not None:
        return text
    if codec == "utf-16":
        codec = "utf-16-be" if raw[::2].count(0) > raw[1::2].count(0) else "utf-16-le"
    width = 4 if "32" in codec else 2
    text = _try(raw[: len(raw) // width * width], codec)
    return _undeclared(raw) if text is None else text


def _seven_bit(raw: bytes, codec: str) -> str:
    text = _try(raw, codec)
    if text is None and codec.startswith("iso2022_jp"):
        text = _jis(raw)
    if text is None:
        text = raw.decode(codec, "windows-1252")
    return text


def _jis(raw: bytes) -> str:
    """ISO-2022-JP with the vendors' characters, which Python's codec refuses: each run by way of Shift_JIS."""
    pieces: list[str] = []
    mode = b"\x1b(B"
    for run in JIS_RUN.split(raw):
        if run.startswith(b"\x1b") and JIS_RUN.fullmatch(run):
            mode = run
        elif mode in (b"\x1b$B", b"\x1b$@"):
            pieces.append(_shift(run).decode("cp932", "windows-1252"))
        elif mode == b"\x1b(I":
            pieces.append(bytes(code | 0x80 for code in run).decode("cp932", "windows-1252"))
        else:
            pieces.append(_utf_8(run))
    return "".join(pieces)


def _shift(run: bytes) -> bytes:
    """JIS X 0208 pairs as Shift_JIS (JIS X 0208:1997, annex 1); other bytes as they are."""
    out = bytearray()
    position = 0
    while position < len(run):
        first, second = run[position], run[position + 1] if position + 1 < len(run) else 0
        if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
            out.append(first)
            position += 1
            continue
        row = (first - 0x21) // 2 + 0x81
        odd = first % 2 == 1
        cell = second + 0x1F + (second >= 0x60) if odd else second + 0x7E
        out += bytes((row if row <= 0x9F else row + 0x40, cell))
        position += 2
    return bytes(out)


def _mostly(raw: bytes, codec: str) -> str:
    """The declared charset where it fits but for a few bytes (a text cut inside a character, a stray quote)."""
    replaced = raw.decode(codec, "replace")
    if replaced.count("\ufffd") * MOST_ERRORS <= len(replaced):
        return raw.decode(codec, "windows-1252")
    return _utf_8(raw)


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
        return binascii.a2b_qp(raw, header=True)
    return from_base64(raw)


def from_base64(raw: bytes) -> bytes:
    """What base64 can be had of damaged base64: letters of other alphabets left out, padding added, and what comes
    after padding read too (programs encode line by line)."""
    letters = raw.translate(None, NOT_BASE64)
    out = bytearray()
    start = 0
    # Some at a time: a list of millions of short runs would take many times the mail's own size.
    while start < len(letters):
        end = letters.find(b"=", start + RUNS_AT_ONCE)
        end = len(letters) if end == -1 else end
        out += b"".join([_from_letters(run) for run in letters[start:end].split(b"=") if run])
        start = end
    return bytes(out)


def _from_letters(run: bytes) -> bytes:
    left = len(run) & 3
    return binascii.a2b_base64(run + PADDING[left] if left != 1 else run[:-1])


def _try(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (LookupError, ValueError, AssertionError, TypeError):
        # UnicodeError is a ValueError
        return None


def _came_as_bytes(value: str) -> bool:
    """Whether every surrogate stands for a byte; others come from escapes, and no encoder takes them."""
    return not LONE_SURROGATE.search(value)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return windows_1252(error.object[error.start : error.end]), error.end


codecs.register_error("windows-1252", _as_windows_1252)
