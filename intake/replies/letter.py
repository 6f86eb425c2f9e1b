"""The letter page: from a letter's parts to a PDF that a clerk prints, folds and puts in a window envelope.

    Letter ─► clean text ─► data (JSON) ─► templates/letter/letter.typ ─► PDF/A-3a and PDF/UA-1

What a letter says is data to the layout, never markup. The page takes no clock: equal letters give equal bytes.
It refuses an address that the post or the envelope's window cannot take, and decides nothing about the text:
whether gaps are left, and whether the letter may leave, is settled before it comes here.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import groupby
from pathlib import Path

import typst
from babel import Locale
from babel.dates import format_date

from intake.errors import Refused, TemplateError
from intake.types import PostalAddress

MOST_ADDRESS_LINES = 6


@dataclass(frozen=True, slots=True)
class Window:
    """Where the address shows through the envelope, millimetres from the page's top and left.

    The default is DIN 5008 form B. Envelopes differ: check against your own."""

    left: float = 20
    top: float = 45
    width: float = 85
    height: float = 45


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter, ready to be set.

    `body` is plain text: a blank line parts paragraphs, a single line end is kept, lines that start with `- ` are a
    list. `language` is one of `LANGUAGES`. `draft` prints DRAFT, in the reader's language, across every page.
    """

    sender: PostalAddress
    sender_lines: tuple[str, ...]
    recipient: PostalAddress
    language: str
    place: str
    dated: date
    reference: str
    subject: str
    body: str
    signatory: tuple[str, ...]
    enclosures: tuple[str, ...] = ()
    draft: bool = False
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class _Words:
    """The few words that the page itself says. `page` stands before and between the numbers."""

    locale: str
    dated: str
    reference: str
    subject: str
    enclosure: str
    enclosures: str
    page: tuple[str, str]
    draft: str


# DIN 5008 puts no "Betreff" before the subject, and English letters need no word for it.
_WORDS = {
    "nl": _Words(
        "nl", "{place}, {date}", "Ons kenmerk: {}", "Betreft: {}", "Bijlage:", "Bijlagen:", ("Pagina", "van"), "CONCEPT"
    ),
    "en": _Words(
        "en_GB", "{place}, {date}", "Our reference: {}", "{}", "Enclosure:", "Enclosures:", ("Page", "of"), "DRAFT"
    ),
    "de": _Words(
        "de", "{place}, {date}", "Unser Zeichen: {}", "{}", "Anlage:", "Anlagen:", ("Seite", "von"), "ENTWURF"
    ),
    "fr": _Words(
        "fr",
        "{place}, le {date}",
        "Notre référence\u00a0: {}",
        "Objet\u00a0: {}",
        "Pièce jointe\u00a0:",
        "Pièces jointes\u00a0:",
        ("Page", "sur"),
        "BROUILLON",
    ),
}
LANGUAGES = tuple(_WORDS)

# The country's name is for the post of the country where the letter is posted, so it is in that one's language.
_POSTED_IN = {"NL": "nl", "BE": "nl", "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "LU": "fr"}
_NUMBER_FIRST = frozenset({"FR", "LU", "GB", "IE", "US", "CA", "AU", "NZ", "MT"})
_TOWN_BEFORE_CODE = frozenset({"GB", "IE", "US", "CA", "AU", "NZ"})
_TOWN_AS_WRITTEN = frozenset({"DE", "AT", "CH"})
_CODE_EXPECTED = frozenset({"NL", "BE", "DE", "FR", "LU", "AT"})

_ZERO_WIDTH_SPACE = "\u200b"
_SHOWN_FOR_MISSING = "□"
# Latin, Greek, Cyrillic, punctuation and signs, all written from left to right. The rest becomes □ before it comes
# to the library, which panics (and a panic is no Exception) on some mixtures of scripts and combining marks.
_REPERTOIRE = (range(0x20, 0x590), range(0x1E00, 0x2C00), range(0xFB00, 0xFB07), range(0xFFFD, 0xFFFE))
# At 11 pt the widest letters, 41 of them, still fit on a line; a longer word may break anywhere.
_LONG_WORD = re.compile(r"\S{41,}")

_NOT_SHOWN = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPED = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))")
# As it is, with boxes, and again: what one error hides, the next one shows.
_MOST_ATTEMPTS = 4


def address_lines(recipient: PostalAddress, sender_country: str) -> tuple[str, ...]:
    """Return the lines of an address as the post of the recipient's country wants them, country last if abroad.

    Countries are ISO 3166-1 alpha-2; a recipient without one lives in `sender_country`. PostNL: postcode `8043 TT`,
    two spaces, town in capitals, 3 to 6 lines; bpost and La Poste: capitals; DIN 5008: as written at home, capitals
    from abroad. No `NL-` or `D-` before the code. Raises Refused when a part is missing or there are too many lines.
    """
    _require_printable(recipient)
    country = (recipient.country or sender_country).upper()
    abroad = country != sender_country.upper()
    whom = _one_line(recipient.name) or _one_line(recipient.organisation) or "a recipient without a name"
    town = _town_lines(recipient, country, capitals=abroad or country not in _TOWN_AS_WRITTEN)
    lines = (
        *filter(None, (_one_line(recipient.organisation), _one_line(recipient.name))),
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
    return lines


def split_signatory(text: str, name: str) -> tuple[str, tuple[str, ...]]:
    """The text without its last paragraph where that one is the signature (it begins with `name`), and its lines:
    on paper there is space for a signature above them. Without such a paragraph, `name` alone."""
    above, _, last = text.strip().rpartition("\n\n")
    lines = tuple(line.strip() for line in last.split("\n") if line.strip())
    if above and lines and lines[0].casefold() == name.casefold():
        return above + "\n", lines
    return text, (name,)


class LetterTypesetter:
    """Sets letters on one layout, with the fonts that come with the library: the same page on every machine.

    It may be shared by threads. Characters that no font has are printed as □, but refused in an address."""

    def __init__(self, layout: Path) -> None:
        """Take the layout, a typst file. Raises TemplateError if there is none."""
        if not layout.is_file():
            raise TemplateError(f"The letter layout {layout} is missing.", "Restore it, or correct its path.")
        self._layout = layout
        self._fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)

    def typeset(self, letter: Letter) -> bytes:
        """Return the letter as one PDF, archival (PDF/A-3a) and accessible (PDF/UA-1), dated as the letter is.

        Raises Refused when the address is incomplete or does not fit the window, TemplateError when the layout
        is wrong, has no words in the letter's language, or cannot show the letter's characters."""
        page: object = _page(letter)
        missing: tuple[str, ...] = ()
        for _ in range(_MOST_ATTEMPTS):
            outcome = self._attempt(page, letter.dated)
            if isinstance(outcome, bytes):
                return outcome
            missing = outcome
            _require_shown(letter, missing)
            page = _mapped(page, partial(_with_boxes, missing))
        raise TemplateError(
            f"The letter {letter.reference} holds characters that cannot be printed: {' '.join(missing)}",
            "Take them out of the text.",
        )

    def _attempt(self, page: object, dated: date) -> bytes | tuple[str, ...]:
        """The PDF, or what no font can show: PDF/A forbids the sign for a missing glyph, and which characters a
        font has is known only from the errors, all of them at once.

        The layout goes in by its path: text given as bytes takes one of 65,535 numbers of the process each time,
        and the library panics when they are used up."""
        try:
            return typst.compile(
                self._layout,
                root=self._layout.parent,
                font_paths=self._fonts,
                sys_inputs={"data": json.dumps(page)},
                pdf_standards=["a-3a", "ua-1"],
                timestamp=datetime.combine(dated, time(), UTC),
            )
        except typst.TypstError as error:
            missing = _missing(error)
            if not missing:
                raise _explained(error, self._layout) from error
            return missing


def _page(letter: Letter) -> dict[str, object]:
    """All that the layout prints, by its place on the page."""
    words = _words(letter.language)
    subject, reference = _one_line(letter.subject), _one_line(letter.reference)
    title = subject or reference or _one_line(letter.sender.name)
    enclosures = _clean_lines(letter.enclosures)
    return {
        "language": words.locale[:2],
        "title": f"{words.draft}: {title}" if letter.draft else title,
        "author": _one_line(letter.sender.name),
        "date": {"year": letter.dated.year, "month": letter.dated.month, "day": letter.dated.day},
        "window": asdict(letter.window),
        "sender": {
            "name": _breakable(_one_line(letter.sender.name)),
            "lines": [*_sender_parts(letter.sender), *_clean_lines(letter.sender_lines)],
        },
        "back": _return_line(letter),
        "address": address_lines(letter.recipient, letter.sender.country),
        "dated": _dated(letter, words),
        "reference": words.reference.format(_breakable(reference)) if reference else "",
        "subject": words.subject.format(_breakable(subject)) if subject else "",
        "body": list(_body(_clean(letter.body))),
        "signatory": _clean_lines(letter.signatory),
        "enclosed": words.enclosure if len(enclosures) == 1 else words.enclosures,
        "enclosures": enclosures,
        "page": words.page,
        "draft": words.draft if letter.draft else "",
    }


def _words(language: str) -> _Words:
    words = _WORDS.get(language.lower()[:2])
    if words is None:
        raise TemplateError(
            f"The letter page has no words in the language {language!r}.",
            f"Use one of {', '.join(LANGUAGES)}, or add it to _WORDS in intake/replies/letter.py.",
        )
    return words


def _dated(letter: Letter, words: _Words) -> str:
    written = format_date(letter.dated, "long", locale=words.locale)
    if words.locale == "fr":
        # French says premier, and only for the first; Babel writes "1 janvier".
        written = re.sub(r"^1 ", "1er ", written)
    place = _breakable(_one_line(letter.place))
    return words.dated.format(place=place, date=written) if place else written


def _body(text: str) -> Iterator[dict[str, object]]:
    """Paragraphs and lists in order; both may stand in one block of lines, as in mail."""
    for block in filter(str.strip, re.split(r"\n\s*\n", text.strip("\n"))):
        for is_list, lines in groupby(_joined_items(block.split("\n")), key=lambda line: line.startswith("- ")):
            kept = [_breakable(line.removeprefix("- ").strip() if is_list else line.rstrip()) for line in lines]
            yield {"kind": "list" if is_list else "paragraph", "lines": kept}


def _joined_items(lines: list[str]) -> list[str]:
    """An indented line below a list item goes on with that item."""
    joined: list[str] = []
    for line in lines:
        if line.startswith(" ") and joined and joined[-1].startswith("- "):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return joined


def _street_lines(address: PostalAddress, country: str) -> list[str]:
    """The street with its number; a street of several lines (a building, a box) has the number in its last."""
    lines = [line for line in map(_one_line, _clean(address.street).split("\n")) if line]
    number = _one_line(address.house_number)
    if not lines or not number:
        return lines
    parts = (number, lines[-1]) if country in _NUMBER_FIRST else (lines[-1], number)
    return [*lines[:-1], " ".join(parts)]


def _town_lines(address: PostalAddress, country: str, *, capitals: bool) -> list[str]:
    town = _one_line(address.city)
    code = _postal_code(address.postal_code, country)
    town = town.upper() if capitals else town
    if country in _TOWN_BEFORE_CODE:
        return [line for line in (town, code) if line]
    gap = "  " if country == "NL" and capitals else " "
    line = gap.join(filter(None, (code, town)))
    return [line] if line else []


def _postal_code(code: str, country: str) -> str:
    """The code without the country's letters before it (bpost and UPU want none), Dutch ones as `8043 TT`."""
    bare = re.sub(r"^[A-Z]{1,2}\s*-\s*(?=\d)", "", _one_line(code).upper())
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
    missing = [part for part, text in parts.items() if not _one_line(text)]
    if missing:
        raise Refused(f"The address of {whom} has no {' and no '.join(missing)}.", "Complete the address in the case.")


def _require_printable(address: PostalAddress) -> None:
    for text in astuple(address):
        unknown = [char for char in text if _on_paper(char) == _SHOWN_FOR_MISSING]
        if unknown:
            raise _not_in_latin(text, unknown)


def _sender_parts(sender: PostalAddress) -> list[str]:
    country = sender.country.upper()
    return [*_street_lines(sender, country), *_town_lines(sender, country, capitals=False)]


def _return_line(letter: Letter) -> str:
    """The sender in one line, for the post to send back what it cannot deliver; with the country, seen from abroad."""
    _require_printable(letter.sender)
    here, there = letter.sender.country.upper(), letter.recipient.country.upper()
    country = _country_name(here, here) if there and there != here else ""
    return " · ".join(filter(None, (_one_line(letter.sender.name), *_sender_parts(letter.sender), country)))


def _clean(text: str) -> str:
    """The text without what has no place on paper: control and format characters (which can turn the reading
    order around), halves of surrogate pairs, and accents that are not part of a letter (NFC). Line ends of every
    kind become one kind, letters of other scripts become □."""
    lines = unicodedata.normalize("NFC", text).replace("\t", " ").splitlines()
    return "\n".join("".join(map(_on_paper, line)) for line in lines)


def _on_paper(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Cs"} or category.startswith("M"):
        return ""
    return char if any(ord(char) in part for part in _REPERTOIRE) else _SHOWN_FOR_MISSING


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _clean_lines(texts: Iterable[str]) -> list[str]:
    return [_breakable(line) for line in map(_one_line, texts) if line]


def _breakable(text: str) -> str:
    return _LONG_WORD.sub(lambda word: _ZERO_WIDTH_SPACE.join(word[0]), text)


def _require_shown(letter: Letter, missing: tuple[str, ...]) -> None:
    for line in (*address_lines(letter.recipient, letter.sender.country), _return_line(letter)):
        unknown = [char for char in missing if char in line]
        if unknown:
            raise _not_in_latin(line, unknown)


def _not_in_latin(text: str, unknown: Iterable[str]) -> Refused:
    return Refused(
        f"The address {text!r} cannot be printed: no font has {' '.join(unknown)}.",
        "Write the address in Latin letters.",
    )


def _missing(error: typst.TypstError) -> tuple[str, ...]:
    """What no font can show, as the error lists it, with its escapes undone."""
    return tuple(
        _ESCAPED.sub(lambda code: chr(int(code[1], 16)) if code[1] else code[2], text)
        for text in _NOT_SHOWN.findall(error.diagnostic)
    )


def _with_boxes(missing: tuple[str, ...], text: str) -> str:
    for part in missing:
        text = text.replace(part, "" if part == _ZERO_WIDTH_SPACE else _SHOWN_FOR_MISSING)
    return text


def _mapped(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(part, change) for part in value]
    return value


def _explained(error: typst.TypstError, layout: Path) -> Refused | TemplateError:
    """The layout refuses by `panic("refused: …")`; everything else is a mistake in the layout."""
    prefix = "panicked with: refused: "
    if error.message.startswith(prefix):
        what = error.message.removeprefix(prefix)
        return Refused(f"The letter cannot be set: {what}.", "Shorten it, or use an envelope with a larger window.")
    return TemplateError(f"The letter layout {layout} cannot be set: {error.message}", error.diagnostic.strip())
