"""A print run: all letters that wait, in one PDF to send to the printer, with a list in front.

The letters stay as they are, in their order. The one PDF is for the printer alone: it is no longer archival, and it
takes the place of none of them.
"""

import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

import pikepdf
from babel.dates import format_date, format_skeleton

from intake.errors import Refused
from intake.replies.press import Press
from intake.replies.printable import breakable, one_line

MOST_LETTERS = 1000
# In points.
A4 = (595.276, 841.89)


@dataclass(frozen=True, slots=True)
class RunLetter:
    """A letter of the run: its case, to whom it goes, the day by which it has to be posted, and its PDF."""

    reference: str
    addressee: str
    town: str
    post_by: date | None
    pdf: bytes


@dataclass(frozen=True, slots=True)
class _Words:
    locale: str
    title: str
    total: str
    columns: tuple[str, ...]


_WORDS = {
    "nl": _Words(
        "nl",
        "Af te drukken brieven, {}",
        "Brieven: {letters}; pagina's: {pages}; vellen papier: {sheets}. Vink af wat in de envelop zit.",
        ("", "Zaak", "Aan", "Plaats", "Pagina's", "Posten uiterlijk"),
    ),
    "en": _Words(
        "en_GB",
        "Letters to print, {}",
        "Letters: {letters}; pages: {pages}; sheets of paper: {sheets}. Tick off what is in its envelope.",
        ("", "Case", "To", "Town", "Pages", "Post by"),
    ),
    "de": _Words(
        "de",
        "Zu druckende Briefe, {}",
        "Briefe: {letters}; Seiten: {pages}; Blatt Papier: {sheets}. Haken Sie ab, was im Umschlag ist.",
        ("", "Fall", "An", "Ort", "Seiten", "Einwerfen bis"),
    ),
    "fr": _Words(
        "fr",
        "Lettres à imprimer, {}",
        "Lettres\u00a0: {letters}\u00a0; pages\u00a0: {pages}\u00a0; feuilles\u00a0: {sheets}. "
        "Cochez ce qui est sous enveloppe.",
        ("", "Dossier", "Destinataire", "Ville", "Pages", "Poster au plus tard"),
    ),
}


def print_run(press: Press, letters: Sequence[RunLetter], *, language: str, dated: date, duplex: bool = False) -> bytes:
    """Return one PDF: the run list (`language` one of nl, en, de, fr, else English), then each letter in order.

    With `duplex`, each letter begins on a new sheet: a blank page follows what has an odd number of pages. The list
    counts the letters' own pages, and the sheets of the whole run without the list. Raises Refused where there are no
    letters, more than a thousand, or one whose PDF cannot be read, with its reference.
    """
    if not 1 <= len(letters) <= MOST_LETTERS:
        raise Refused(f"A print run of {len(letters)} letters cannot be made.", f"It takes 1 to {MOST_LETTERS}.")
    with ExitStack() as opened:
        documents = [opened.enter_context(_open(letter)) for letter in letters]
        pages = [len(document.pages) for document in documents]
        front = press.set_pages("run-list.typ", _listed(letters, pages, language, dated, duplex=duplex), dated)
        run = opened.enter_context(pikepdf.new())
        for document in (opened.enter_context(pikepdf.open(io.BytesIO(front))), *documents):
            run.pages.extend(document.pages)
            if duplex and len(document.pages) % 2:
                run.add_blank_page(page_size=A4)
        written = io.BytesIO()
        run.save(written, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return written.getvalue()


def _open(letter: RunLetter) -> pikepdf.Pdf:
    try:
        document = pikepdf.open(io.BytesIO(letter.pdf))
        if len(document.pages):
            return document
    except (pikepdf.PdfError, pikepdf.PasswordError) as error:
        raise _unreadable(letter) from error
    raise _unreadable(letter)


def _unreadable(letter: RunLetter) -> Refused:
    return Refused(
        f"The letter of {letter.reference} cannot be read.",
        f"Approve it again with `intake letters approve {letter.reference}`, or take it out of the folder.",
    )


def _listed(
    letters: Sequence[RunLetter], pages: Sequence[int], language: str, dated: date, *, duplex: bool
) -> dict[str, object]:
    words = _WORDS.get(language, _WORDS["en"])
    sheets = sum((count + 1) // 2 for count in pages) if duplex else sum(pages)
    return {
        "language": words.locale[:2],
        "title": words.title.format(format_date(dated, "long", locale=words.locale)),
        "date": {"year": dated.year, "month": dated.month, "day": dated.day},
        "total": words.total.format(letters=len(letters), pages=sum(pages), sheets=sheets),
        "columns": words.columns,
        "rows": [
            [
                *(breakable(one_line(text)) for text in (letter.reference, letter.addressee, letter.town)),
                str(count),
                format_skeleton("MMMEd", letter.post_by, locale=words.locale) if letter.post_by else "",
            ]
            for letter, count in zip(letters, pages, strict=True)
        ],
    }
