"""Composing a reply: the values that templates see, and the words in them.

Values from outside cannot make a gap or a line of their own. Dates and weekdays are in the reader's language (Babel).
An acknowledgement goes out without a person having read it: of the customer's words it sees only what must be a name.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, get_day_names

from intake.config import DAYS, Shop
from intake.errors import TemplateError
from intake.replies.opening_hours import phone_state
from intake.replies.templates import Templates, find_gaps
from intake.types import Categorisation, Channel, Facts, Language, Reply

ACKNOWLEDGEMENT, ANSWER, HOLDING, FINAL = "acknowledgement", "answer", "holding", "final"
KINDS = (ACKNOWLEDGEMENT, ANSWER, HOLDING, FINAL)
OUTCOMES = ("accepted", "offered", "rejected")
SENTENCE_AT_MOST = 240
QUOTE_AT_MOST = 30_000
LANGUAGE_NAMES = {"nl": "Dutch", "en": "English", "de": "German", "fr": "French"}
# Signs that turn the direction of the text around them (Unicode Bidi_Control): they can make a line lie.
TURNERS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
NOT_SHOWN = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{TURNERS}]")
# One to five words of letters; dots only behind initials and "Dr", so that no web address is one.
_WORD = r"(?:(?:[^\W\d_]\.)+|[^\W\d_]{2,4}\.|[^\W\d_]+(?:['’-][^\W\d_]+)*)"
NAME = re.compile(rf"{_WORD}(?: {_WORD}){{0,4}}")
LONGEST_NAME = 40
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
    country: str = ""


def compose(kind: str, complaint: Complaint, shop: Shop, templates: Templates) -> Reply:
    """Render the reply of a kind (`KINDS`) with its gaps, and say why this template. Without a template in the
    customer's language it is in the shop's first. Raises `TemplateError`; for an acknowledgement also where it has
    gaps."""
    wanted, first = complaint.language.code, shop.languages[0]
    name = templates.choose(kind, complaint.categorisation.category, wanted, first)
    language = wanted if name.startswith(f"{wanted}/") else first
    subject, body = templates.render(name, values_for(kind, complaint, shop, language))
    gaps = find_gaps(f"{subject}\n{body}")
    if kind == ACKNOWLEDGEMENT and gaps:
        raise TemplateError(
            f"Template {name} leaves gaps: {' '.join(gaps)}.", "Nobody fills them: it is sent as it is."
        )
    explanation = explain(complaint)
    if language != wanted:
        explanation += f"; no template in {_language_name(wanted)}, so in {_language_name(language)}"
    return Reply(subject, body, gaps, name, language, explanation)


def explain(complaint: Complaint) -> str:
    """Why this template: `Dutch; "niet geleverd" → Not delivered; labels: safety ("rook")`."""
    matched = complaint.categorisation.matched
    language = _language_name(complaint.language.code)
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


def values_for(kind: str, complaint: Complaint, shop: Shop, language: str) -> dict[str, Any]:
    """All that a template sees: plain values, empty where something is not known."""
    facts = complaint.facts
    words = complaint.categorisation.matched.get(complaint.categorisation.category, ())
    unread = kind == ACKNOWLEDGEMENT
    return {
        "shop": _shop(shop, language),
        "manager": {"name": shop.manager.name, "role": shop.manager.role, "email": shop.manager.addresses[0]},
        "customer": {"name": _name_only(complaint.customer) if unread else _customer(complaint.customer)},
        "case": _case(complaint, language),
        "complaint": {
            "sentence": "" if unread else key_sentence(complaint.text, words),
            "subject": "" if unread else plain_subject(complaint.subject),
            "category": complaint.categorisation.category,
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
        "outcome": complaint.outcome,
        "dispute": _dispute(complaint, shop),
        "phone": _phone(complaint, shop, language, at_once=unread and shop.acknowledge == "send"),
    }


def _case(complaint: Complaint, language: str) -> dict[str, Any]:
    proposed = complaint.proposed_on
    return {
        "reference": complaint.reference,
        "received_on": _day(complaint.received_on, language),
        "first_received_on": _day(complaint.first_received_on, language),
        "due_on": _day(complaint.due_on, language),
        "due_day": _day_names(language)[complaint.due_on.weekday()],
        "proposed_on": _day(proposed, language) if proposed else "",
        "proposed_day": _day_names(language)[proposed.weekday()] if proposed else "",
        "overdue": complaint.now.date() > complaint.due_on,
    }


def _dispute(complaint: Complaint, shop: Shop) -> dict[str, Any]:
    body = shop.dispute_body(complaint.now.date(), complaint.country)
    return {
        "name": body.name if body else "",
        "address": " ".join(body.address.split()) if body else "",
        "website": body.website if body else "",
        "term_months": body.term_months if body else None,
        "takes_part": body.takes_part if body else None,
    }


def _phone(complaint: Complaint, shop: Shop, language: str, *, at_once: bool) -> dict[str, str]:
    """Whether the phone is answered now: only in what is read now, an acknowledgement that goes out at once."""
    now = complaint.now
    state = phone_state(now, shop) if at_once and complaint.channel is Channel.MAIL else None
    if state is None:
        return {"state": "", "opens_on": "", "opens_at": ""}
    at = state.opens_at
    return {
        "state": "open" if at is None else "closed",
        "opens_on": _near_day(at.date(), now.date(), language) if at else "",
        "opens_at": _time(at.time()) if at else "",
    }


def _shop(shop: Shop, language: str) -> dict[str, str]:
    names = _day_names(language)
    phone = shop.phone
    return {
        "name": shop.name,
        "phone": phone.number,
        "phone_first_day": names[DAYS.index(phone.first_day)],
        "phone_last_day": names[DAYS.index(phone.last_day)],
        "phone_from": _time(phone.opens) if phone.opens else "",
        "phone_until": _time(phone.closes),
    }


def _time(at: time) -> str:
    return f"{at.hour}:{at:%M}"


def _language_name(code: str) -> str:
    return LANGUAGE_NAMES.get(code, code)


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
    return _first_in_french(format_date(day, "long", locale=_locale(language)), language)


def _near_day(day: date, today: date, language: str) -> str:
    """A weekday within a week, else the weekday with its date. Not "tomorrow": a mail may be read a day later."""
    name = _day_names(language)[day.weekday()]
    if (day - today).days < 7:
        return name
    pattern = "EEEE, d. MMMM" if language == "de" else "EEEE d MMMM"
    return _first_in_french(format_date(day, pattern, locale=_locale(language)), language)


def _first_in_french(day: str, language: str) -> str:
    """French says premier, and only for the first; Babel writes "1 janvier"."""
    return re.sub(r"\b1 ", "1er ", day) if language == "fr" else day


def _customer(name: str) -> str:
    """A name fit for a salutation; none for an address or a word in capitals only by accident."""
    plain = _harmless(name, 80)
    return "" if "@" in plain or not any(letter.isalpha() for letter in plain) else plain


def _name_only(name: str) -> str:
    """A name that can be nothing else: a stranger who writes in another's name could put his message there."""
    plain = _customer(name)
    return plain if NAME.fullmatch(plain) and len(plain) <= LONGEST_NAME else ""


def _harmless(text: str, at_most: int) -> str:
    """One line that cannot pass for a gap, a heading or markup of ours."""
    line = " ".join(text.split()).replace("[", "(").replace("]", ")")
    return NOT_SHOWN.sub("", line).strip(' "“”„«»>')[:at_most].rstrip()


def _first(values: tuple[str, ...]) -> str:
    return _harmless(values[0], 60) if values else ""


def _masked(ibans: tuple[str, ...]) -> str:
    return f"{ibans[0][:4]} •••• {ibans[0][-4:]}" if ibans else ""
