"""The addresses in a mail's header. mail-parser reads them; what it refuses is looked through for plain addresses.

Nothing in a display name ever becomes an address: a name that pretends to be one is how people are cheated.
"""

import re

from mailparser.utils import get_addresses

from intake.reading.decoding import ENCODED_WORD, decode, decode_header, one_line
from intake.reading.mime import Fields
from intake.types import Address

MAX_ADDRESSES = 200
MAX_VALUES = 32 * 1024  # together: a header's worth of commas costs a tenth of a second
SIMPLE = re.compile(
    r'(?:"?([^"<>@,;:()\\\[\]]{0,200})"?\s*<)?([A-Za-z0-9._%+=/!#$&\'*^{}|~-]{1,64}@[A-Za-z0-9.-]{1,250})>?'
)
MAILTO = re.compile(r"<\s{0,3}mailto:", re.IGNORECASE)
LONGEST_ADDRESS = 320  # 64 before the @ and 255 behind it (RFC 5321 section 4.5.3.1)
PLAIN = re.compile(r"[^\s<>,;:\"'()@\[\]]{1,64}@[^\s<>,;:\"'()@\[\]]{1,255}")


def people(fields: Fields, name: str) -> tuple[Address, ...]:
    """The addresses of a header, of all its occurrences in order, groups taken apart (RFC 5322 section 3.4)."""
    left = MAX_VALUES
    found: list[Address] = []
    for key, value in fields:
        if key == name and value and left > 0:
            found += _addresses(value[:left])
            left -= len(value)
    return tuple(dict.fromkeys(found))[:MAX_ADDRESSES]


def _addresses(value: str) -> list[Address]:
    text = decode(value.encode("utf-8", "surrogateescape")) if _is_raw(value) else value.replace("\x00", "")
    simple = SIMPLE.fullmatch(text)
    if simple:
        return [Address(decode_header((simple[1] or "").strip()), simple[2])]
    text = MAILTO.sub("<", text)
    parsed = [
        Address(decode_header(name), one_line(address)) for name, address in get_addresses(text.replace("\n", " "))
    ]
    known = [person for person in parsed if "@" in person.address and len(person.address) <= LONGEST_ADDRESS]
    return known or _plain_addresses(text)


def _plain_addresses(text: str) -> list[Address]:
    """Whatever looks like an address, but never inside an encoded word: that is a name that pretends to be one."""
    value = decode_header(ENCODED_WORD.sub(" ", text[:4000]))
    angled = re.findall(r"<\s*([^\s<>]{1,64}@[^\s<>]{1,255})\s*>", value)
    return [Address("", found) for found in angled or PLAIN.findall(value)]


def _is_raw(value: str) -> bool:
    return not value.isascii() and re.search("[\ud800-\udc7f\udd00-\udfff]", value) is None
