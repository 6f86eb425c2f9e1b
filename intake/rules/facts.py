"""The facts in a complaint's text: order and invoice numbers, IBANs, tracking numbers, phones, amounts, dates.

The order of extraction matters. IBANs go first and are blanked (mistyped ones too), then tracking numbers, then numbers
behind a keyword, then dates, then phones: a phone pattern matches inside a spaced IBAN ("0417 1643 00" in
NL91 ABNA 0417 1643 00), a date's inside a phone number. Nothing here decides whether a fact is true.
"""

import re
from collections.abc import Callable
from datetime import date

import phonenumbers
from stdnum import iban as iban_number

from intake.types import Facts

MOST_CHARACTERS = 50_000
MOST_OF_A_KIND = 20
DIGIT = re.compile(r"\d")
DATE_SHAPED = r"(?!\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b)(?!20\d\d-\d\d-\d\d\b)"
NUMBER = rf"{DATE_SHAPED}(?=[A-Z0-9/-]*\d)([A-Z0-9][A-Z0-9/-]{{3,19}})\b"
# What stands between the keyword and the number: "nr.", "met nummer", "mit der Nr.", "n°", "is", ":", "#".
LINK = (
    r"\.?(?:[ ](?:met|with|mit|mit der|avec le|under|onder|unter))?"
    r"(?:[ -]?(?:numéro|numero|nummer|number|num|nr|no|n°|nº|n['’*]|id)(?![a-z])\.?)?"
    r"(?:[ ](?:is|was|ist|lautet|luidt|est))?\s*[:=#№]?\s*#?"
)
ORDER = re.compile(
    r"\b(?:bestel(?:nummer|nr|lings?nummer|lingnr|ling)?|order(?:nummer|nr|number|id)?|"
    r"bestell(?:nummer|nr|ungs?nummer|ung)?|auftrags?(?:nummer|nr)?|"
    r"(?:n°|nº|no|numéro|num) de (?:la |ma )?commande|commande)(?![a-z])"
    rf"{LINK}{NUMBER}",
    re.IGNORECASE,
)
INVOICE = re.compile(
    rf"\b(?:factuur(?:nummer|nr)?|invoice|rechnung(?:s?nummer|s?nr|s)?|facture)(?![a-z]){LINK}{NUMBER}", re.IGNORECASE
)
# OCR and word processors make it of a hyphen: "4711–8823".
LONG_DASH = re.compile(r"(?<=\w)[\u2010-\u2014](?=\d)")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ .\u00a0-]?[A-Z0-9]){11,30}", re.IGNORECASE)
# ISO 13616 lengths of the countries whose customers write here: so much of a mistyped IBAN is blanked.
IBAN_LENGTHS = {"NL": 18, "BE": 16, "DE": 22, "LU": 20, "FR": 27, "AT": 20, "GB": 22, "ES": 24, "IT": 27, "CH": 21}
TRACKING = re.compile(r"\b(?:3S[A-Z0-9]{9,13}|JVGL\d{8,20}|00340\d{15}|1Z[A-Z0-9]{16})\b")
REFERENCE = re.compile(r"\b[A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9}\b")
DUTCH_POSTCODE = re.compile(r"\b([1-9]\d{3}) ?((?!SA|SD|SS)[A-Z]{2})\b")
FIVE_DIGITS = re.compile(r"\b(\d{5})(?= [A-ZÄÖÜÉÈ][a-zäöüéèß])")
FOUR_DIGITS = re.compile(r"\b([1-9]\d{3})(?= [A-ZÉÈ][a-zéèë])")
SUM = r"(?:\d{1,3}(?:[. \u00a0\u202f]\d{3})+|\d{1,6})(?:[.,](?:\d{2}|-{1,2}))?"
AMOUNT = re.compile(
    rf"(?:€|\bEUR\b|\beuro\b)\s?({SUM})(?![\d])|(?<![\d.,])({SUM})\s?(?:€|EUR\b|euros?\b)", re.IGNORECASE
)
MONTHS = (
    ("januari", "january", "januar", "janvier", "jan"),
    ("februari", "february", "februar", "février", "fevrier", "feb"),
    ("maart", "march", "märz", "mars", "mrt"),
    ("april", "avril", "apr"),
    ("mei", "may", "mai"),
    ("juni", "june", "juin", "jun"),
    ("juli", "july", "juillet", "jul"),
    ("augustus", "august", "août", "aout", "aug"),
    ("september", "septembre", "sept", "sep"),
    ("oktober", "october", "octobre", "okt", "oct"),
    ("november", "novembre", "nov"),
    ("december", "dezember", "décembre", "decembre", "dec", "dez"),
)
MONTH = {name: number for number, names in enumerate(MONTHS, 1) for name in names}
MONTH_NAMES = "|".join(sorted(MONTH, key=len, reverse=True))
ISO_DATE = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
NUMERIC_DATE = re.compile(r"(?<![\d./-])(\d{1,2})([-./])(\d{1,2})\2(20\d\d|\d\d)(?![-./]?\d)")
GERMAN_DATE = re.compile(r"(?<![\d.])(\d{1,2})\. ?(\d{1,2})\.(?! ?\d)")
NAMED_DATE = re.compile(
    rf"\b(\d{{1,2}})(?:\.|er|st|nd|rd|th|e)?\s+(?:of\s+)?({MONTH_NAMES})\b\.?(?:,?\s+(20\d\d)\b)?", re.IGNORECASE
)
MONTH_FIRST = re.compile(rf"\b({MONTH_NAMES})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(20\d\d)\b)?", re.IGNORECASE)
# Digits enough for a phone number, with what stands around them: the library judges a number by its neighbours too.
AROUND_A_PHONE = re.compile(r"[^\n]{0,12}\d(?:[^\d\n]{0,4}\d){6,24}[^\n]{0,12}")
REGIONS = {"nl": "NL", "de": "DE", "fr": "FR", "en": "NL"}


def find_facts(subject: str, text: str, language: str, today: date) -> Facts:
    """Facts in the subject and the new text. `today` (the day of arrival) dates "12 september" to the last one."""
    rest = _near_digits(LONG_DASH.sub("-", f"{subject}\n{text[:MOST_CHARACTERS]}"))
    references = tuple(dict.fromkeys(REFERENCE.findall(rest)))[:MOST_OF_A_KIND]
    ibans, rest = _ibans(rest)
    tracking, rest = _take(rest, TRACKING, lambda match: match[0])
    orders, rest = _take(rest, ORDER, lambda match: match[1].strip("-/").upper())
    invoices, rest = _take(rest, INVOICE, lambda match: match[1].strip("-/").upper())
    rest = REFERENCE.sub(" ", rest)
    dates, rest = _dates(rest, language, today)
    amounts, rest = _take(rest, AMOUNT, lambda match: f"€ {(match[1] or match[2]).strip()}")
    postal_codes, rest = _postal_codes(rest, language)
    return Facts(
        order_numbers=orders,
        invoice_numbers=invoices,
        ibans=ibans,
        tracking_numbers=tracking,
        phones=find_phones(rest, REGIONS.get(language, "NL")),
        postal_codes=postal_codes,
        amounts=amounts,
        dates=dates,
        references=references,
    )


def _near_digits(text: str) -> str:
    """The lines with a digit in them, each with its neighbours: a number may be wrapped away from its keyword. There is
    no fact without a digit, and searching what is left out takes as long as searching the rest."""
    lines = text.split("\n")
    kept = {near for place, line in enumerate(lines) if DIGIT.search(line) for near in (place - 1, place, place + 1)}
    return "\n".join(line for place, line in enumerate(lines) if place in kept)


def mask_iban(iban: str) -> str:
    """`NL91 •••• 4300`: enough to recognise one's own, no more."""
    compact = iban.replace(" ", "")
    return f"{compact[:4]} •••• {compact[-4:]}"


def _take(text: str, pattern: re.Pattern[str], value: Callable[[re.Match[str]], str]) -> tuple[tuple[str, ...], str]:
    """The values of all matches, and the text with those matches blanked that have one."""
    found: list[str] = []

    def blank(match: re.Match[str]) -> str:
        item = value(match)
        if not item:
            return match[0]
        found.append(item)
        return " " * len(match[0])

    rest = pattern.sub(blank, text)
    return tuple(dict.fromkeys(found))[:MOST_OF_A_KIND], rest


def _ibans(text: str) -> tuple[tuple[str, ...], str]:
    """The valid IBANs, and the text with these and mistyped ones blanked. The pattern may run into the next word or
    the next IBAN, so the search goes on right after the last sign of each."""
    found: list[str] = []
    position = 0
    while match := IBAN.search(text, position):
        value = _valid_iban(match[0])
        length = len(value) or _length_of_mistyped(match[0])
        end = _after(match[0], length) if length else 1
        if value:
            found.append(value)
        if length:
            text = f"{text[: match.start()]}{' ' * end}{text[match.start() + end :]}"
        position = match.start() + end
    return tuple(dict.fromkeys(found))[:MOST_OF_A_KIND], text


def _valid_iban(text: str) -> str:
    """The IBAN at the start of a match, checked by mod 97 and country."""
    compact = _compact(text)
    lengths = range(min(34, len(compact)), 14, -1)
    return next((compact[:length] for length in lengths if iban_number.is_valid(compact[:length])), "")


def _length_of_mistyped(text: str) -> int:
    """How long an IBAN with a slip in it is; 0 for what only looks like one: an IBAN is mostly digits."""
    compact = _compact(text)
    length = IBAN_LENGTHS.get(compact[:2], 0)
    digits = sum(sign.isdigit() for sign in compact[:length])
    return length if length <= len(compact) and digits * 2 > length else 0


def _compact(text: str) -> str:
    return "".join(filter(str.isalnum, text)).upper()


def _after(text: str, signs: int) -> int:
    """The place right after the first so many letters and digits."""
    places = [place for place, sign in enumerate(text, 1) if sign.isalnum()]
    return places[signs - 1]


def _postal_codes(text: str, language: str) -> tuple[tuple[str, ...], str]:
    """Dutch ones first: the Belgian pattern matches Dutch lines too."""
    dutch, rest = _take(text, DUTCH_POSTCODE, lambda match: f"{match[1]} {match[2]}")
    five, rest = _take(rest, FIVE_DIGITS, lambda match: match[1] if language in ("de", "fr") else "")
    four, rest = _take(rest, FOUR_DIGITS, lambda match: match[1] if language in ("nl", "fr") else "")
    years = tuple(code for code in four if not code.startswith(("19", "20")))
    return (*dutch, *five, *years), rest


def find_phones(text: str, region: str) -> tuple[str, ...]:
    """Valid numbers, in international form. The library takes a millisecond for a mail without any, so it is shown only
    the places that may hold one."""
    places = "\n".join(AROUND_A_PHONE.findall(text))
    if not places:
        return ()
    found = phonenumbers.PhoneNumberMatcher(places, region, max_tries=200)
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    numbers = [phonenumbers.format_number(match.number, style) for match in found]
    return tuple(dict.fromkeys(numbers))[:MOST_OF_A_KIND]


def _dates(text: str, language: str, today: date) -> tuple[tuple[str, ...], str]:
    iso, rest = _take(text, ISO_DATE, lambda match: _iso(int(match[1]), int(match[2]), int(match[3])))
    numeric, rest = _take(rest, NUMERIC_DATE, lambda match: _iso(_year(match[4]), int(match[3]), int(match[1])))
    named, rest = _take(rest, NAMED_DATE, lambda match: _dated(match[1], MONTH[match[2].lower()], match[3], today))
    other: tuple[str, ...] = ()
    if language == "en":
        other, rest = _take(rest, MONTH_FIRST, lambda match: _dated(match[2], MONTH[match[1].lower()], match[3], today))
    elif language == "de":
        other, rest = _take(rest, GERMAN_DATE, lambda match: _dated(match[1], int(match[2]), None, today))
    return tuple(dict.fromkeys((*iso, *numeric, *named, *other)))[:MOST_OF_A_KIND], rest


def _dated(day: str, month: int, year: str | None, today: date) -> str:
    """A date, of the last such day up to `today` where no year is given."""
    if year:
        return _iso(int(year), month, int(day))
    this_year = _iso(today.year, month, int(day))
    return this_year if this_year and this_year <= today.isoformat() else _iso(today.year - 1, month, int(day))


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""
