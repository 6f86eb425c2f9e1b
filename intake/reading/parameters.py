"""The value of a structured header → its first word and its parameters, as RFC 2045 and RFC 2231 say. Total.

Written for what is really sent: raw 8-bit names, names in encoded words, pieces out of order, a language tag with
another charset inside, quotes that never close. Takes time in proportion to the length.
"""

import re
from urllib.parse import unquote_to_bytes

from intake.reading.decoding import decode, decode_header

MOST_PARAMETERS = 200
PARAMETER = re.compile(r';[;\s]*([^=;\s"]{1,100})\s*=\s*("(?:[^"\\]|\\.)*(?:"|$)|[^;]*)', re.DOTALL)
PIECE = re.compile(r"([^*]+)\*(\d{1,3})(\*?)$")


def first_word(value: str) -> str:
    """What stands before the parameters, in lower case and without comments."""
    return value.partition(";")[0].partition("(")[0].strip().strip('"').lower()


def parameters(value: str) -> dict[str, str]:
    """The parameters of a header by name in lower case, decoded, on one line each. Of two with one name the extended
    one (`name*`) counts, then the first."""
    if ";" not in value:
        return {}
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, match in enumerate(PARAMETER.finditer(value)):
        if count == MOST_PARAMETERS:
            break
        name, text = match[1].lower(), _unquoted(match[2])
        piece = PIECE.match(name)
        if piece:
            pieces.setdefault(piece[1], {}).setdefault(int(piece[2]), (text, bool(piece[3])))
        elif name.endswith("*"):
            extended.setdefault(name[:-1], _extended(text))
        else:
            plain.setdefault(name, decode_header(text))
    joined = {name: _joined(found) for name, found in pieces.items()}
    return {**plain, **joined, **extended}


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text.strip()
    return re.sub(r"\\([\"\\])", r"\1", text[1:].removesuffix('"'))


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """RFC 2231 section 3: the pieces in order; the first says the charset, and only those marked are encoded. Where
    none is, programs have cut an encoded word to pieces."""
    ordered = [pieces[number] for number in sorted(pieces)]
    if not any(encoded for _, encoded in ordered):
        return decode_header("".join(text for text, _ in ordered))
    charset, first = _charset_of(*ordered[0])
    octets = b"".join(_bytes(text, encoded) for text, encoded in ((first, ordered[0][1]), *ordered[1:]))
    return decode_header(decode(octets, charset))


def _extended(text: str) -> str:
    charset, rest = _charset_of(text, True)
    return decode_header(decode(_bytes(rest, True), charset))


def _charset_of(text: str, encoded: bool) -> tuple[str, str]:
    pieces = text.split("'", 2)
    return (pieces[0], pieces[2]) if encoded and len(pieces) == 3 else ("", text)


def _bytes(text: str, encoded: bool) -> bytes:
    raw = text.encode("utf-8", "surrogateescape" if not re.search("[\ud800-\udc7f\udd00-\udfff]", text) else "replace")
    return unquote_to_bytes(raw) if encoded else raw
