"""Postal lines: an address as the post of its country wants it on an envelope.

It refuses an address that the post cannot deliver, and shortens none: whether its lines fit a window is the page's.
"""

import re
from collections.abc import Iterable
from dataclasses import astuple

from babel import Locale

from intake.errors import Refused
from intake.replies.printable import SHOWN_FOR_MISSING, clean, on_paper, one_line
from intake.types import PostalAddress

MOST_ADDRESS_LINES = 6
# No window is wide enough for more; the page refuses what is too wide for its own.
MOST_CHARACTERS = 100

# The country's name is for the post of the country where the letter is posted, so it is in that one's language.
_POSTED_IN = {"NL": "nl", "BE": "nl", "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "LU": "fr"}
_NUMBER_FIRST = frozenset({"FR", "LU", "GB", "IE", "US", "CA", "AU", "NZ", "MT"})
_TOWN_BEFORE_CODE = frozenset({"GB", "IE", "US", "CA", "AU", "NZ"})
_TOWN_AS_WRITTEN = frozenset({"DE", "AT", "CH"})
_CODE_EXPECTED = frozenset({"NL", "BE", "DE", "FR", "LU", "AT"})


def address_lines(recipient: PostalAddress, sender_country: str) -> tuple[str, ...]:
    """Return the lines of an address as the post of the recipient's country wants them, country last if abroad.

    Countries are ISO 3166-1 alpha-2; a recipient without one lives in `sender_country`. PostNL: postcode `8043 TT`,
    two spaces, town in capitals, 3 to 6 lines; bpost and La Poste: capitals; DIN 5008: as written at home, capitals
    from abroad. No `NL-` or `D-` before the code. Raises Refused when a part is missing or there are too many lines.
    """
    require_printable(recipient)
    country = (recipient.country or sender_country).upper()
    abroad = country != sender_country.upper()
    whom = (
        one_line(recipient.name)[:MOST_CHARACTERS] or one_line(recipient.organisation) or "a recipient without a name"
    )
    town = _town_lines(recipient, country, capitals=abroad or country not in _TOWN_AS_WRITTEN)
    lines = (
        *filter(None, (one_line(recipient.organisation), one_line(recipient.name))),
        *_street_lines(recipient, country),
        *town,
        *((_country_line(country, sender_country),) if abroad else ()),
    )
    _require_complete(recipient, country, whom)
    if len(lines) > MOST_ADDRESS_LINES:
        raise Refused(
            f"The address of {whom} has {len(lines)} lines; the post takes {MOST_ADDRESS_LINES}.",
            "Shorten it in the case.",
        )
    longest = max(lines, key=len)
    if len(longest) > MOST_CHARACTERS:
        raise Refused(
            f"The address has a line of {len(longest)} characters, which no envelope's window takes: {longest[:40]}…",
            "Shorten it in the case.",
        )
    return lines


def sender_lines(sender: PostalAddress) -> list[str]:
    """Street and town of the sender, as written."""
    country = sender.country.upper()
    return [*_street_lines(sender, country), *_town_lines(sender, country, capitals=False)]


def return_line(sender: PostalAddress, recipient_country: str) -> str:
    """The sender in one line, for the post to send back what it cannot deliver; with the country, seen from abroad.

    Raises Refused when it cannot be printed."""
    require_printable(sender)
    here, there = sender.country.upper(), recipient_country.upper()
    country = _country_name(here, here) if there and there != here else ""
    return " · ".join(filter(None, (one_line(sender.name), *sender_lines(sender), country)))


def require_printable(address: PostalAddress) -> None:
    """Raise Refused for letters that are printed as □ elsewhere: nobody could deliver to them."""
    for text in astuple(address):
        unknown = [char for char in text if on_paper(char) == SHOWN_FOR_MISSING]
        if unknown:
            raise not_in_latin(text, unknown)


def not_in_latin(text: str, unknown: Iterable[str]) -> Refused:
    """The error for an address in letters that no font has."""
    return Refused(
        f"The address {text[:MOST_CHARACTERS]!r} cannot be printed: no font has {' '.join(list(unknown)[:10])}.",
        "Write the address in Latin letters.",
    )


def _street_lines(address: PostalAddress, country: str) -> list[str]:
    """The street with its number; a street of several lines (a building, a box) has the number in its last."""
    lines = [line for line in map(one_line, clean(address.street).split("\n")) if line]
    number = one_line(address.house_number)
    if not lines or not number:
        return lines
    parts = (number, lines[-1]) if country in _NUMBER_FIRST else (lines[-1], number)
    return [*lines[:-1], " ".join(parts)]


def _town_lines(address: PostalAddress, country: str, *, capitals: bool) -> list[str]:
    town = one_line(address.city)
    code = _postal_code(address.postal_code, country)
    town = town.upper() if capitals else town
    if country in _TOWN_BEFORE_CODE:
        return [line for line in (town, code) if line]
    gap = "  " if country == "NL" and capitals else " "
    line = gap.join(filter(None, (code, town)))
    return [line] if line else []


def _postal_code(code: str, country: str) -> str:
    """The code without the country's letters before it (bpost and UPU want none), Dutch ones as `8043 TT`."""
    bare = re.sub(r"^[A-Z]{1,2}\s*-\s*(?=\d)", "", one_line(code).upper())
    if country == "NL" and (match := re.fullmatch(r"(?:NL\s*)?(\d{4})\s*([A-Z]{2})", bare)):
        return f"{match[1]} {match[2]}"
    return bare


def _country_line(country: str, sender_country: str) -> str:
    name = _country_name(country, sender_country)
    if not name:
        raise Refused(
            f"There is no country with the code {country!r} to write in the address.",
            "Correct the country in the case: two letters, such as NL or DE.",
        )
    return name.upper()


def _country_name(country: str, sender_country: str) -> str:
    language = _POSTED_IN.get(sender_country.upper(), "en")
    name: str = Locale.parse(language).territories.get(country.upper(), "")
    return name


def _require_complete(address: PostalAddress, country: str, whom: str) -> None:
    parts = {
        "name": address.name + address.organisation,
        "street": address.street,
        "town": address.city,
        "postcode": address.postal_code if country in _CODE_EXPECTED else "not needed",
    }
    missing = [part for part, text in parts.items() if not one_line(text)]
    if missing:
        raise Refused(f"The address of {whom} has no {' and no '.join(missing)}.", "Complete the address in the case.")
