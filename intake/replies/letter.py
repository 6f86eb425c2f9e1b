"""The letter page: from a letter's parts to a PDF that a clerk prints, folds and puts in a window envelope.

    Letter ─► clean text ─► data ─► templates/letter/letter.typ ─► PDF/A-3a and PDF/UA-1

What a letter says is data to the layout, never markup. The page takes no clock: equal letters give equal bytes.
It refuses an address that the post or the envelope's window cannot take, and decides nothing about the text:
whether gaps are left, and whether the letter may leave, is settled before it comes here.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from itertools import groupby
from pathlib import Path

from babel.dates import format_date

from intake.config import ENVELOPES, Window
from intake.errors import TemplateError
from intake.replies.addresses import address_lines, not_in_latin, return_line, sender_lines
from intake.replies.codes import case_code
from intake.replies.logo import Logo
from intake.replies.press import Press
from intake.replies.printable import breakable, clean, clean_lines, one_line
from intake.types import PostalAddress

__all__ = ["LANGUAGES", "Letter", "LetterTypesetter", "Window", "split_signatory"]

DEFAULT_WINDOW = ENVELOPES["din5008b"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter, ready to be set.

    `body` is plain text: a blank line parts paragraphs, a single line end is kept, lines that start with `- ` are a
    list. `language` is one of `LANGUAGES`. `draft` prints DRAFT, in the reader's language, across every page.
    A `reference` that is a case's gets its QR code. `remark` is for the post ("Aangetekend"), above the address.
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
    window: Window = DEFAULT_WINDOW
    remark: str = ""
    logo: Logo | None = None


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
    code: str


# DIN 5008 puts no "Betreff" before the subject, and English letters need no word for it.
_WORDS = {
    "nl": _Words(
        "nl",
        "{place}, {date}",
        "Ons kenmerk: {}",
        "Betreft: {}",
        "Bijlage:",
        "Bijlagen:",
        ("Pagina", "van"),
        "CONCEPT",
        "QR-code met ons kenmerk {}",
    ),
    "en": _Words(
        "en_GB",
        "{place}, {date}",
        "Our reference: {}",
        "{}",
        "Enclosure:",
        "Enclosures:",
        ("Page", "of"),
        "DRAFT",
        "QR code with our reference {}",
    ),
    "de": _Words(
        "de",
        "{place}, {date}",
        "Unser Zeichen: {}",
        "{}",
        "Anlage:",
        "Anlagen:",
        ("Seite", "von"),
        "ENTWURF",
        "QR-Code mit unserem Zeichen {}",
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
        "Code QR avec notre référence {}",
    ),
}
LANGUAGES = tuple(_WORDS)
_ENCLOSED = re.compile(r"(?:bijlagen?|enclosures?|encl\.|anlagen?|pièces? jointes?|p\. ?j\.)\s*:\s*", re.IGNORECASE)


def split_signatory(text: str, name: str) -> tuple[str, tuple[str, ...]]:
    """The text without its last paragraph where that one is the signature (it begins with `name`), and its lines:
    on paper there is space for a signature above them. Without such a paragraph, `name` alone."""
    above, _, last = text.strip().rpartition("\n\n")
    lines = tuple(line.strip() for line in last.split("\n") if line.strip())
    if above and lines and lines[0].casefold() == name.casefold():
        return above + "\n", lines
    return text, (name,)


def split_enclosures(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its last paragraph where that one lists what is enclosed ("Bijlagen: retourlabel; kopie
    factuur", or one a line), and the list."""
    above, _, last = text.strip().rpartition("\n\n")
    match = _ENCLOSED.match(last) if above else None
    if match is None:
        return text, ()
    listed = (item.strip(" -–•\t") for item in re.split(r"[;\n]", last[match.end() :]))
    return above + "\n", tuple(item for item in listed if item)


class LetterTypesetter:
    """Sets letters on one layout, with the fonts beside it: the same page on every machine.

    It may be shared by threads. Characters that no font has are printed as □, but refused in an address."""

    def __init__(self, layout: Path) -> None:
        """Take the layout, a typst file. Raises TemplateError if there is none."""
        self.press = Press(layout.parent)
        self._layout = self.press.layout(layout.name).name

    def typeset(self, letter: Letter) -> bytes:
        """Return the letter as one PDF, archival (PDF/A-3a) and accessible (PDF/UA-1), dated as the letter is.

        Raises Refused when the address is incomplete or does not fit the window, TemplateError when the layout
        is wrong, has no words in the letter's language, or cannot show the letter's characters."""
        return self.press.set_pages(self._layout, _page(letter), letter.dated, partial(_require_shown, letter))


def _page(letter: Letter) -> dict[str, object]:
    """All that the layout prints, by its place on the page."""
    words = _words(letter.language)
    subject, reference = one_line(letter.subject), one_line(letter.reference)
    sender = one_line(letter.sender.name)
    title = subject or reference or sender
    enclosures = clean_lines(letter.enclosures)
    return {
        "language": words.locale[:2],
        "title": f"{words.draft}: {title}" if letter.draft else title,
        "author": sender,
        "date": {"year": letter.dated.year, "month": letter.dated.month, "day": letter.dated.day},
        "window": asdict(letter.window),
        "sender": {
            "name": breakable(sender),
            "lines": [*sender_lines(letter.sender), *clean_lines(letter.sender_lines)],
        },
        "logo": _picture(letter.logo.svg, one_line(letter.logo.text) or f"Logo {sender}") if letter.logo else None,
        "back": return_line(letter.sender, letter.recipient.country),
        "remark": one_line(letter.remark),
        "address": address_lines(letter.recipient, letter.sender.country),
        "dated": _dated(letter, words),
        "reference": words.reference.format(breakable(reference)) if reference else "",
        "code": _picture(svg, words.code.format(reference)) if (svg := case_code(reference)) else None,
        "subject": words.subject.format(breakable(subject)) if subject else "",
        "body": list(_body(clean(letter.body))),
        "signatory": clean_lines(letter.signatory),
        "enclosed": words.enclosure if len(enclosures) == 1 else words.enclosures,
        "enclosures": enclosures,
        "page": words.page,
        "draft": words.draft if letter.draft else "",
    }


def _picture(svg: str, text: str) -> dict[str, str]:
    return {"svg": svg, "text": text}


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
    place = breakable(one_line(letter.place))
    return words.dated.format(place=place, date=written) if place else written


def _body(text: str) -> Iterator[dict[str, object]]:
    """Paragraphs and lists in order; both may stand in one block of lines, as in mail."""
    for block in filter(str.strip, re.split(r"\n\s*\n", text.strip("\n"))):
        for is_list, lines in groupby(_joined_items(block.split("\n")), key=lambda line: line.startswith("- ")):
            kept = [breakable(line.removeprefix("- ").strip() if is_list else line.rstrip()) for line in lines]
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


def _require_shown(letter: Letter, missing: tuple[str, ...]) -> None:
    """Refuse what would stand as □ in the window."""
    back = return_line(letter.sender, letter.recipient.country)
    for line in (*address_lines(letter.recipient, letter.sender.country), back):
        unknown = [char for char in missing if char in line]
        if unknown:
            raise not_in_latin(line, unknown)
