"""Composing a reply: the values that templates see, and the words in them.

Values from outside cannot make a gap or a line of their own. Dates and weekdays are in the reader's language (Babel).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, get_day_names

from intake.config import DAYS, Shop
from intake.replies.templates import Templates, find_gaps
from intake.types import Categorisation, Channel, Facts, Language, Reply

ACKNOWLEDGEMENT, ANSWER, HOLDING, FINAL = "acknowledgement", "answer", "holding", "final"
SENTENCE_AT_MOST = 240
QUOTE_AT_MOST = 30_000
LANGUAGE_NAMES = {"nl": "Dutch", "en": "English", "de": "German", "fr": "French"}
# Signs that turn the direction of the text around them (Unicode Bidi_Control): they can make a line lie.
TURNERS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
NOT_SHOWN = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{TURNERS}]")
REPLY_PREFIX = re.compile(r"^\s*((re|aw|antw|ré|fwd?|fw|doorst|wg|tr)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
SALUTATION = re.compile(
    r"^[ \t]*(geachte|beste|dear|sehr geehrte|liebe|guten tag|hallo|hello|hi|madame|monsieur|cher|chère|bonjour)"
    r"\b[^\n]{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
WROTE = {
    "nl": "Op {when} schreef {who}:",
    "en": "On {when}, {who} wrote:",
    "de": "Am {when} schrieb {who}:",
    "fr": "Le {when}, {who} a écrit :",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a reply answers. `received_on` is the local day of arrival, `first_received_on` that of the case; `text` and
    `subject` are the customer's. `now` is aware, in the shop's zone: it tells whether the phone is answered. A holding
    reply names the day `proposed_on`; a final position has an `outcome`: accepted, offered or rejected."""

    reference: str
    channel: Channel
    customer: str
    subject: str
    text: str
    received_on: date
    due_on: date
    language: Language
    categorisation: Categorisation
    category_name: str
    facts: Facts
    now: datetime
    first_received_on: date
    proposed_on: date | None = None
    outcome: str = ""


def compose(kind: str, complaint: Complaint, shop: Shop, templates: Templates) -> Reply:
    """Render the reply of a kind (`acknowledgement`, `answer`, `holding`, `final`) with its gaps, and say why this
    template. Raises `TemplateError`."""
    language = complaint.language.code
    name = templates.choose(kind, complaint.categorisation.category, language)
    subject, body = templates.render(name, _values(complaint, shop))
    return Reply(
        subject=subject,
        body=body,
        gaps=find_gaps(f"{subject}\n{body}"),
        template=name,
        language=language,
        explanation=explain(complaint),
    )


def explain(complaint: Complaint) -> str:
    """Why this template: `Dutch; "niet geleverd" → Not delivered; labels: safety ("rook")`."""
    matched = complaint.categorisation.matched
    language = LANGUAGE_NAMES.get(complaint.language.code, complaint.language.code)
    parts = [language if complaint.language.sure else f"{language} (the shop's default: the text does not say)"]
    words = matched.get(complaint.categorisation.category, ())
    reason = ", ".join(f'"{word}"' for word in words) or "no known words"
    parts.append(f"{reason} → {complaint.category_name}")
    for label in complaint.categorisation.labels:
        parts.append(f"label {label} (" + ", ".join(f'"{word}"' for word in matched.get(label, ())) + ")")
    return "; ".join(parts)


def quote(text: str, who: str, when: datetime, language: str) -> str:
    """The customer's text below the reply: an attribution in the reader's language, and each line behind "> "."""
    moment = f"{_day(when.date(), language)} {when:%H:%M}"
    shown = text[:QUOTE_AT_MOST].rstrip() + ("\n[…]" if len(text) > QUOTE_AT_MOST else "")
    # Every line end that mail knows: a lone CR must not let the customer's words stand outside the quote.
    lines = [f"> {line}".rstrip() for line in re.split(r"\r\n|\r|\n", shown)]
    return "\n".join((WROTE[language].format(when=moment, who=_harmless(who, 200)), *lines)) + "\n"


def plain_subject(subject: str) -> str:
    """A subject without Re:, Fwd: and the like, and without our own reference."""
    bare = re.sub(r"\s*[(\[][A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9}[)\]]\s*", " ", REPLY_PREFIX.sub("", subject))
    return _harmless(bare, 150)


def key_sentence(text: str, words: tuple[str, ...]) -> str:
    """The customer's own sentence that says what is wrong: the first with a matched word, else the first that is
    more than a greeting; at most 240 characters."""
    told = text[:20_000]
    salutation = SALUTATION.search(told)
    if salutation is not None and any(letter.isalpha() for letter in told[salutation.end() :]):
        # What stands above it in a letter is addresses, date and subject.
        told = told[salutation.end() :]
    sentences = re.split(r"(?<=[.!?])\s+|\n\s*\n", told)
    stems = [word.split()[-1].rstrip("*").lower() for word in words if word.split()]
    telling = (item for item in sentences if any(stem in item.lower() for stem in stems))
    long = (item for item in sentences if len(item.split()) >= 6)
    best = _harmless(next(telling, None) or next(long, ""), 1000)
    if len(best) > SENTENCE_AT_MOST:
        best = best[: SENTENCE_AT_MOST - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return best


def _values(complaint: Complaint, shop: Shop) -> dict[str, Any]:
    language, facts = complaint.language.code, complaint.facts
    words = complaint.categorisation.matched.get(complaint.categorisation.category, ())
    return {
        "shop": _shop(shop, language),
        "manager": {"name": shop.manager.name, "role": shop.manager.role},
        "customer": {"name": _customer(complaint.customer)},
        "case": {
            "reference": complaint.reference,
            "received_on": _day(complaint.received_on, language),
            "due_on": _day(complaint.due_on, language),
        },
        "complaint": {
            "sentence": key_sentence(complaint.text, words),
            "subject": plain_subject(complaint.subject),
        },
        "facts": {
            "order_number": _first(facts.order_numbers),
            "invoice_number": _first(facts.invoice_numbers),
            "tracking_number": _first(facts.tracking_numbers),
            "amount": _first(facts.amounts),
            "iban": _masked(facts.ibans),
        },
        "labels": list(complaint.categorisation.labels),
        "channel": complaint.channel.value,
        "dispute": {
            "name": shop.dispute_body.name if shop.dispute_body else "",
            "website": shop.dispute_body.website if shop.dispute_body else "",
        },
    }


def _shop(shop: Shop, language: str) -> dict[str, str]:
    names = _day_names(language)
    phone = shop.phone
    return {
        "name": shop.name,
        "phone": phone.number,
        "phone_first_day": names[DAYS.index(phone.first_day)],
        "phone_last_day": names[DAYS.index(phone.last_day)],
        "phone_from": f"{phone.opens:%H:%M}".lstrip("0") if phone.opens else "",
        "phone_until": f"{phone.closes:%H:%M}".lstrip("0"),
    }


@cache
def _day_names(language: str) -> tuple[str, ...]:
    names = get_day_names("wide", locale=_locale(language))
    return tuple(names[day] for day in range(7))


@cache
def _locale(language: str) -> Locale:
    """English as it is written in Europe: 9 September 2026."""
    return Locale.parse("en_GB" if language == "en" else language)


@lru_cache(maxsize=1024)
def _day(day: date, language: str) -> str:
    return format_date(day, "long", locale=_locale(language))


def _customer(name: str) -> str:
    """A name fit for a salutation; none for an address or a word in capitals only by accident."""
    plain = _harmless(name, 80)
    return "" if "@" in plain or not any(letter.isalpha() for letter in plain) else plain


def _harmless(text: str, at_most: int) -> str:
    """One line that cannot pass for a gap, a heading or markup of ours."""
    line = " ".join(text.split()).replace("[", "(").replace("]", ")")
    return NOT_SHOWN.sub("", line).strip(' "“”„«»>')[:at_most].rstrip()


def _first(values: tuple[str, ...]) -> str:
    return _harmless(values[0], 60) if values else ""


def _masked(ibans: tuple[str, ...]) -> str:
    return f"{ibans[0][:4]} •••• {ibans[0][-4:]}" if ibans else ""
