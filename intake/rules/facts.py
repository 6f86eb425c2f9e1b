"""The facts in a complaint's text: order and invoice numbers, IBANs, tracking numbers, phones, amounts, dates.

The order of extraction matters. IBANs go first and are blanked, then tracking numbers, then numbers behind a keyword,
then phones: a phone pattern matches inside a spaced IBAN ("0417 1643 00" in NL91 ABNA 0417 1643 00).
"""

import re
from collections.abc import Callable
from datetime import date

import phonenumbers
from stdnum import iban as iban_number

from intake.types import Facts

MOST_CHARACTERS = 50_000
MOST_OF_A_KIND = 20
NUMBER = r"(?=[A-Z0-9/-]*\d)[A-Z0-9][A-Z0-9/-]{3,19}"
ORDER = re.compile(
    r"\b(?:bestel(?:nummer|nr|lings?nummer|ling)|order(?:nummer|nr|number)?|order (?:nummer|number|no|nr|id)|"
    r"bestell(?:nummer|nr|ungs?nummer|ung)|auftrags?(?:nummer|nr)|"
    r"(?:n°|no|numéro|num) de (?:la )?commande|commande)\b\.?[ ]?(?:(?:no|nr|nummer|number|n°)\b\.?)?\s*[:#]?\s*[#№]?"
    rf"({NUMBER})\b",
    re.IGNORECASE,
)
INVOICE = re.compile(
    r"\b(?:factuur(?:nummer|nr)?|invoice(?: number| no| nr)?|rechnung(?:s?nummer|s?nr)?|facture)\b\.?[ ]?"
    rf"(?:(?:no|nr|nummer|number|n°)\b\.?)?\s*[:#]?\s*[#№]?({NUMBER})\b",
    re.IGNORECASE,
)
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}\b")
TRACKING = re.compile(r"\b(?:3S[A-Z0-9]{9,13}|JVGL\d{8,20}|00340\d{15}|1Z[A-Z0-9]{16})\b")
REFERENCE = re.compile(r"\b[A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9}\b")
DUTCH_POSTCODE = re.compile(r"\b([1-9]\d{3}) ?((?!SA|SD|SS)[A-Z]{2})\b")
FIVE_DIGITS = re.compile(r"\b(\d{5})(?= [A-ZÄÖÜÉÈ][a-zäöüéèß])")
FOUR_DIGITS = re.compile(r"\b([1-9]\d{3})(?= [A-ZÉÈ][a-zéèë])")
SUM = r"(?:\d{1,3}(?:[.\s]\d{3})+|\d{1,6})(?:[.,](?:\d{2}|-))?"
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
NUMERIC_DATE = re.compile(r"\b(\d{1,2})[-./](\d{1,2})[-./](20\d\d|\d\d)\b")
NAMED_DATE = re.compile(rf"\b(\d{{1,2}})(?:\.|er|st|nd|rd|th)?\s+({MONTH_NAMES})\.?(?:\s+(20\d\d))?\b", re.IGNORECASE)
REGIONS = {"nl": "NL", "de": "DE", "fr": "FR", "en": "NL"}


def find_facts(subject: str, text: str, language: str, today: date) -> Facts:
    """Facts in the subject and the new text. `today` (the day of arrival) dates "12 september" to the last one."""
    rest = f"{subject}\n{text[:MOST_CHARACTERS]}"
    references, rest = _take(rest, REFERENCE, lambda match: match[0])
    ibans, rest = _take(rest, IBAN, lambda match: _iban(match[0]))
    tracking, rest = _take(rest, TRACKING, lambda match: match[0])
    orders, rest = _take(rest, ORDER, lambda match: match[1].strip("-/").upper())
    invoices, rest = _take(rest, INVOICE, lambda match: match[1].strip("-/").upper())
    dates, rest = _dates(rest, today)
    amounts, rest = _take(rest, AMOUNT, lambda match: f"€ {(match[1] or match[2]).strip()}")
    postal_codes, rest = _postal_codes(rest, language)
    return Facts(
        order_numbers=orders,
        invoice_numbers=invoices,
        ibans=ibans,
        tracking_numbers=tracking,
        phones=_phones(rest, REGIONS.get(language, "NL")),
        postal_codes=postal_codes,
        amounts=amounts,
        dates=dates,
        references=references,
    )


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


def _iban(text: str) -> str:
    """The IBAN at the start of a match (the pattern may run into the next word), checked by mod 97 and country."""
    compact = text.replace(" ", "").upper()
    for length in range(min(34, len(compact)), 14, -1):
        if iban_number.is_valid(compact[:length]):
            return compact[:length]
    return ""


def _postal_codes(text: str, language: str) -> tuple[tuple[str, ...], str]:
    """Dutch ones first: the Belgian pattern matches Dutch lines too."""
    dutch, rest = _take(text, DUTCH_POSTCODE, lambda match: f"{match[1]} {match[2]}")
    five, rest = _take(rest, FIVE_DIGITS, lambda match: match[1] if language in ("de", "fr") else "")
    four, rest = _take(rest, FOUR_DIGITS, lambda match: match[1] if language in ("nl", "fr") else "")
    years = tuple(code for code in four if not code.startswith(("19", "20")))
    return (*dutch, *five, *years), rest


def _phones(text: str, region: str) -> tuple[str, ...]:
    found = phonenumbers.PhoneNumberMatcher(text, region, max_tries=200)
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    numbers = [phonenumbers.format_number(match.number, style) for match in found]
    return tuple(dict.fromkeys(numbers))[:MOST_OF_A_KIND]


def _dates(text: str, today: date) -> tuple[tuple[str, ...], str]:
    iso, rest = _take(text, ISO_DATE, lambda match: _iso(int(match[1]), int(match[2]), int(match[3])))
    numeric, rest = _take(rest, NUMERIC_DATE, lambda match: _iso(_year(match[3]), int(match[2]), int(match[1])))
    named, rest = _take(rest, NAMED_DATE, lambda match: _named(match, today))
    return tuple(dict.fromkeys((*iso, *numeric, *named)))[:MOST_OF_A_KIND], rest


def _named(match: re.Match[str], today: date) -> str:
    month = MONTH[match[2].lower()]
    if match[3]:
        return _iso(int(match[3]), month, int(match[1]))
    this_year = _iso(today.year, month, int(match[1]))
    return this_year if this_year and this_year <= today.isoformat() else _iso(today.year - 1, month, int(match[1]))


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""
