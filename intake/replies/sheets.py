"""Sheets that a clerk prints for the post room: test pages for envelopes, and separators for a stack of letters.

Nothing on them is about a case. `Press` sets them; what they say is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from babel.dates import format_date

from intake.config import Window
from intake.errors import UsageError
from intake.replies.codes import patch_code, separator_code
from intake.replies.press import Press

MOST_SHEETS = 500

SAMPLE_SENDER = "Voorbeeldwinkel · Voorbeeldstraat 20 · 1234 AB Voorbeeldstad"
SAMPLE_ADDRESS = ("Mevrouw A. Voorbeeld", "Voorbeeldstraat 123 B", "1234 AB  VOORBEELDSTAD")


@dataclass(frozen=True, slots=True)
class _TestWords:
    title: str
    steps: tuple[str, ...]
    scale: str


@dataclass(frozen=True, slots=True)
class _SeparatorWords:
    locale: str
    name: str
    again: str
    once: str
    received: str


_NUMBERS = "left {left:g} · top {top:g} · width {width:g} · height {height:g} · above {above:g} · folds {folds} (mm)"
_TEST = {
    "nl": _TestWords(
        "Proefblad voor de vensterenvelop: {}",
        (
            "Druk dit blad af op ware grootte (100 %, niet passend maken).",
            "Vouw het bij de streepjes en leg het in uw envelop.",
            "Hoe het blad ook schuift: het gestippelde kader met het adres moet geheel te zien zijn.",
            "Klopt het niet? Kies een andere ‘envelope’, of zet eigen maten in [shops.letter.window].",
        ),
        "Deze lijn is 100 mm lang.",
    ),
    "en": _TestWords(
        "Test page for the window envelope: {}",
        (
            "Print this page at its true size (100 %, do not fit to the page).",
            "Fold it at the marks and lay it in your envelope.",
            "However the page slides, the dashed frame with the address in it must show whole.",
            "Does it not? Choose another ‘envelope’, or set numbers of your own in [shops.letter.window].",
        ),
        "This line is 100 mm long.",
    ),
    "de": _TestWords(
        "Testseite für den Fensterumschlag: {}",
        (
            "Drucken Sie diese Seite in Originalgröße (100 %, nicht anpassen).",
            "Falten Sie sie an den Marken und legen Sie sie in Ihren Umschlag.",
            "Wie das Blatt auch rutscht: Der gestrichelte Rahmen mit der Anschrift muss ganz zu sehen sein.",
            "Passt es nicht? Wählen Sie eine andere „envelope“ oder eigene Maße in [shops.letter.window].",
        ),
        "Diese Linie ist 100 mm lang.",
    ),
    "fr": _TestWords(
        "Page d’essai pour l’enveloppe à fenêtre\u00a0: {}",
        (
            "Imprimez cette page en taille réelle (100\u00a0%, sans ajustement).",
            "Pliez-la aux repères et glissez-la dans votre enveloppe.",
            "Même si la feuille glisse, tout le cadre en tirets, avec l’adresse, doit rester visible.",
            "Cela ne va pas\u00a0? Changez «\u00a0envelope\u00a0», ou vos mesures dans [shops.letter.window].",
        ),
        "Cette ligne mesure 100 mm.",
    ),
}
_SEPARATORS = {
    "nl": _SeparatorWords(
        "nl",
        "Scheidingsvel",
        "Leg dit vel vóór elke brief. Niet weggooien: opnieuw gebruiken.",
        "Leg dit vel vóór elke brief die op deze dag is ontvangen. Daarna weggooien.",
        "Ontvangen op {}",
    ),
    "en": _SeparatorWords(
        "en_GB",
        "Separator sheet",
        "Lay this sheet before each letter. Do not throw it away: use it again.",
        "Lay this sheet before each letter that was received on this day. Then throw it away.",
        "Received on {}",
    ),
    "de": _SeparatorWords(
        "de",
        "Trennblatt",
        "Legen Sie dieses Blatt vor jeden Brief. Nicht wegwerfen: wieder verwenden.",
        "Legen Sie dieses Blatt vor jeden Brief, der an diesem Tag eingegangen ist. Danach wegwerfen.",
        "Eingegangen am {}",
    ),
    "fr": _SeparatorWords(
        "fr",
        "Feuille de séparation",
        "Placez cette feuille devant chaque lettre. Ne pas jeter\u00a0: à réutiliser.",
        "Placez cette feuille devant chaque lettre reçue ce jour-là. À jeter ensuite.",
        "Reçu le {}",
    ),
}


def envelope_pages(press: Press, envelopes: Mapping[str, Window], language: str) -> bytes:
    """One A4 page for each envelope: its window as a frame, a second frame 5 mm inside, sample address, fold marks,
    millimetre rulers. To print at 100 %, and lay in the envelope.

    `envelopes` by their names; `language` one of nl, en, de, fr, else English."""
    words = _TEST.get(language, _TEST["en"])
    sheets = [
        {
            "title": words.title.format(name),
            "window": asdict(window),
            "address": SAMPLE_ADDRESS,
            "numbers": _NUMBERS.format(**{**asdict(window), "folds": ", ".join(f"{at:g}" for at in window.folds)}),
        }
        for name, window in envelopes.items()
    ]
    return press.set_pages(
        "test-page.typ",
        {
            "language": language if language in _TEST else "en",
            "title": words.title.format(", ".join(envelopes)),
            "back": SAMPLE_SENDER,
            "steps": words.steps,
            "scale": words.scale,
            "sheets": sheets,
        },
    )


def separator_sheets(press: Press, count: int, received_on: date | None, languages: Sequence[str]) -> bytes:
    """`count` equal A4 pages to lay before each letter of a stack: the QR code twice, PATCHT in Code 39, and words in
    the languages, the first of them large.

    With `received_on`, the code and the words give that day to the letter behind the sheet. Raises UsageError for
    a count that is not 1 to 500."""
    if not 1 <= count <= MOST_SHEETS:
        raise UsageError(f"{count} separator sheets cannot be printed.", f"Ask for 1 to {MOST_SHEETS}.")
    words = [_SEPARATORS[language] for language in languages if language in _SEPARATORS] or [_SEPARATORS["en"]]
    first = words[0]
    day = format_date(received_on, "full", locale=first.locale) if received_on else ""
    code = separator_code(received_on)
    return press.set_pages(
        "separators.typ",
        {
            "title": first.name,
            "count": count,
            "words": [
                {"language": word.locale[:2], "name": word.name, "rule": word.once if received_on else word.again}
                for word in words
            ],
            "received": first.received.format(day) if day else "",
            "code": {"svg": code, "text": f"QR code: {first.name}"},
            "patch": {"svg": patch_code(), "text": "Code 39: PATCHT"},
        },
    )
