"""Second clocks: terms that run beside the shop's promise, because the law or the customer sets them.

    withdrawal   refund within 14 days of the notice (CRD 2011/83 art. 13, BW 6:230r, § 357 BGB)
    privacy      answer within one month of arrival, in whatever inbox (GDPR art. 12(3))
    term         the day that the customer sets ("binnen 7 dagen", "bis zum 15.10.2026", "sous huitaine")
    dispute      the same in a letter from a lawyer or a dispute body
    safety       danger or injury: the day of arrival (GPSR 2023/988)

Looks at the new text alone, sentence by sentence, and rather finds none than a wrong one: a promise, a policy or an
earlier demand that is told of is no term, nor is what stands between quotation marks, nor a day that is past. Pure.
"""

import calendar as months
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from intake import deadlines
from intake.rules.clock_words import (
    AFTER_ANOTHER_EVENT,
    AUTHORITY,
    CONDITION,
    DAY_LEAD,
    DEMAND,
    GIVEN,
    NEEDS_DATA,
    NEGATION,
    NEXT_DAY,
    NO_DEMAND,
    NO_REQUEST,
    SPAN,
    SPAN_IN_A_WORD,
    TELLING,
    TILL_LEAD,
    WEEKDAY_NAMES,
    WITHDRAWAL,
    YOU,
    number_of,
    unit_of,
)
from intake.rules.facts import GERMAN_DATE, ISO_DATE, MONTH, MONTH_FIRST, NAMED_DATE, NUMERIC_DATE
from intake.types import Calendar, Categorisation

WITHDRAWN, PRIVACY, TERM, DISPUTE, SAFETY = "withdrawal", "privacy", "term", "dispute", "safety"
ONCE = (WITHDRAWN, PRIVACY, SAFETY)  # said again, it does not run anew
REFUND_DAYS = 14
LONGEST = timedelta(days=183)  # a day without a year that is further off is one of last year
MOST_CHARACTERS = 20_000
MOST_TERMS = 3
WORDS_AT_MOST = 60
# A full stop behind a figure ends no sentence: "am 15. Oktober".
SENTENCE_END = re.compile(r"(?<=[^\d\s][.!?])\s+(?=[^\W\d_a-zà-ÿ]|[\"„“«'(]|\d)|\n[ \t]*\n")
IN_MARKS = re.compile(r"„[^„“”\"\n]{0,300}[“”\"]|[“\"][^“”\"\n]{0,300}[”\"]|«[^«»\n]{0,300}»")
QUOTED_LINE = re.compile(r"(?m)^[ \t]*>.*$")
SHORT_DATE = re.compile(r"(\d{1,2})[-/](\d{1,2})(?![-/.\d])")
BEFORE_A_DATE = re.compile(
    rf"(?:(?:{'|'.join(WEEKDAY_NAMES)})[, ]\s*)?(?:(?:de|the|den|dem|le|op|on)\s+)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A term: its kind, its last day, and why, in words with what was read in the text."""

    kind: str
    due_on: date
    words: str


def find_clocks(
    text: str, language: str, categorisation: Categorisation, received_on: date, calendar: Calendar
) -> tuple[Clock, ...]:
    """The terms that begin with a message, the earliest first. `text` is its new text, `received_on` the local day of
    its arrival; `calendar` counts business days where the customer names these."""
    # Most messages tell nothing of the kind, and patterns take their time.
    telling = TELLING.search(text[:MOST_CHARACTERS].lower()) is not None
    withdraws = "withdrawal" in categorisation.labels or categorisation.category == "withdraw"
    sentences = tuple(_sentences(text)) if telling or withdraws else ()
    found = [
        *_safety(categorisation, received_on),
        *(_withdrawal(sentences, language, received_on) if withdraws else ()),
        *_privacy(text, categorisation, received_on),
        *(_terms(sentences, language, received_on, calendar) if telling else ()),
    ]
    return merge((), found)


def merge(held: Iterable[Clock], found: Iterable[Clock]) -> tuple[Clock, ...]:
    """The terms of two messages of a case together, the earliest first. A withdrawal, a request or a danger that is
    told again runs from the first time; every day that the customer sets counts."""
    kept: dict[tuple[str, date | None], Clock] = {}
    for clock in sorted((*held, *found), key=lambda one: (one.due_on, one.kind, one.words)):
        kept.setdefault((clock.kind, None if clock.kind in ONCE else clock.due_on), clock)
    return tuple(kept.values())


def month_after(day: date, count: int = 1) -> date:
    """The same day some months later, or the last of that month where it has none such (Reg. 1182/71 art. 3(2)(c))."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _safety(categorisation: Categorisation, received_on: date) -> Iterator[Clock]:
    if "safety" in categorisation.labels:
        yield Clock(SAFETY, received_on, f"danger or injury: look at once{_named(categorisation, 'safety')}")


def _withdrawal(sentences: Iterable[str], language: str, received_on: date) -> Iterator[Clock]:
    """A declaration, not a question, a condition or a talk about the right."""
    for sentence in sentences:
        match = _search(WITHDRAWAL, language, sentence)
        if match and not sentence.endswith("?") and not CONDITION.search(sentence) and not NEGATION.search(match[0]):
            # No extension over a weekend (art. 3(4) of the regulation would give one): the early day breaks nothing.
            due_on = received_on + timedelta(days=REFUND_DAYS)
            yield Clock(WITHDRAWN, due_on, f"refund within {REFUND_DAYS} days of the withdrawal ({_quoted(match[0])})")
            return


def _privacy(text: str, categorisation: Categorisation, received_on: date) -> Iterator[Clock]:
    if "privacy_request" not in categorisation.labels:
        return
    words = categorisation.matched.get("privacy_request", ())
    if NEEDS_DATA.search(text[:MOST_CHARACTERS]) and all(word in NO_REQUEST for word in words):
        return  # "welke gegevens heeft u nodig?"
    named = _named(categorisation, "privacy_request")
    yield Clock(PRIVACY, month_after(received_on), f"answer a privacy request within one month{named}")


def _terms(sentences: Sequence[str], language: str, received_on: date, calendar: Calendar) -> Iterator[Clock]:
    found, official = 0, False
    for sentence in sentences:
        if not TELLING.search(sentence.lower()) or not _demands(sentence, language):
            continue
        for due_on, words in _days_in(sentence, language, received_on, calendar):
            if received_on <= due_on <= received_on + LONGEST and found < MOST_TERMS:
                official = official or any(AUTHORITY.search(other) for other in sentences)
                found += 1
                why = "term in a letter of a lawyer or dispute body" if official else "term that the customer sets"
                yield Clock(DISPUTE if official else TERM, due_on, f"{why} ({_quoted(words)})")


def _demands(sentence: str, language: str) -> bool:
    """Whether a sentence asks the shop for something now."""
    if not _search(DEMAND, language, sentence) or _search(NO_DEMAND, language, sentence):
        return False
    return not sentence.endswith("?") or YOU.search(sentence) is not None


def _days_in(sentence: str, language: str, received_on: date, calendar: Calendar) -> Iterator[tuple[date, str]]:
    """The days that a sentence names as the last ones, each with its words."""
    for match in SPAN.finditer(sentence):
        if not AFTER_ANOTHER_EVENT.match(sentence, match.end()):
            yield _after(received_on, number_of(match["number"]), unit_of(match["unit"]), calendar), match[0]
    for match in SPAN_IN_A_WORD.finditer(sentence):
        days = 8 if match[0].lower().endswith("huitaine") else 15
        yield received_on + timedelta(days=days), match[0]
    leads = (DAY_LEAD, TILL_LEAD) if GIVEN.search(sentence) else (DAY_LEAD,)
    for lead in leads:
        for match in lead.finditer(sentence):
            yield from _named_day(sentence, match, language, received_on)


def _named_day(sentence: str, lead: "re.Match[str]", language: str, received_on: date) -> Iterator[tuple[date, str]]:
    """The day behind "uiterlijk" or "by": a date, else a weekday or tomorrow."""
    article = BEFORE_A_DATE.match(sentence, lead.end())
    place = article.end() if article else lead.end()
    short = lead[0].lower().strip() not in ("voor", "pour le")  # "voor 1/2 van de prijs"
    for day, end in _date_at(sentence, place, language, received_on, short=short):
        yield day, sentence[lead.start() : end]
        return
    near = NEXT_DAY.match(sentence, lead.end())
    if near:
        yield _next(near, received_on), sentence[lead.start() : near.end()]


def _date_at(sentence: str, place: int, language: str, received_on: date, *, short: bool) -> Iterator[tuple[date, int]]:
    """A date that stands right there, and where it ends. One without a year is the coming one."""
    if match := ISO_DATE.match(sentence, place):
        yield from _day(int(match[1]), int(match[2]), int(match[3]), match.end())
    if match := NUMERIC_DATE.match(sentence, place):
        year = int(match[4])
        yield from _day(year if year > 99 else 2000 + year, int(match[3]), int(match[1]), match.end())
    if match := NAMED_DATE.match(sentence, place):
        yield from _coming(match[3], MONTH[match[2].lower()], int(match[1]), match.end(), received_on)
    if match := MONTH_FIRST.match(sentence, place):
        yield from _coming(match[3], MONTH[match[1].lower()], int(match[2]), match.end(), received_on)
    if language == "de" and (match := GERMAN_DATE.match(sentence, place)):
        yield from _coming(None, int(match[2]), int(match[1]), match.end(), received_on)
    if short and (match := SHORT_DATE.match(sentence, place)):
        yield from _coming(None, int(match[2]), int(match[1]), match.end(), received_on)


def _coming(year: str | None, month: int, number: int, end: int, received_on: date) -> Iterator[tuple[date, int]]:
    years = (int(year),) if year else (received_on.year, received_on.year + 1)
    days = [found for one in years for found in _day(one, month, number, end)]
    yield from ([found for found in days if found[0] >= received_on] or days)[:1]


def _day(year: int, month: int, number: int, end: int) -> Iterator[tuple[date, int]]:
    try:
        yield date(year, month, number), end
    except ValueError:
        return


def _next(match: "re.Match[str]", received_on: date) -> date:
    """Tomorrow, or the first such weekday from the day of arrival on: the early one where it may be either."""
    weekday = WEEKDAY_NAMES.get(match["day"].lower())
    if weekday is None:
        return received_on + timedelta(days=1)
    return received_on + timedelta(days=(weekday - received_on.weekday()) % 7)


def _after(received_on: date, number: int, unit: str, calendar: Calendar) -> date:
    if unit == "business day":
        return deadlines.add_business_days(received_on, number, calendar)
    if unit == "month":
        return month_after(received_on, number)
    if unit == "hour":
        return received_on + timedelta(days=number // 24)
    return received_on + timedelta(days=number * (7 if unit == "week" else 1))


def _sentences(text: str) -> Iterator[str]:
    """The customer's own sentences, each on one line, without what stands between quotation marks."""
    own = IN_MARKS.sub(" ", QUOTED_LINE.sub("", text[:MOST_CHARACTERS]))
    for sentence in SENTENCE_END.split(own):
        line = " ".join(sentence.split())
        if line:
            yield line


def _search(patterns: dict[str, "re.Pattern[str]"], language: str, sentence: str) -> "re.Match[str] | None":
    """In the message's language, and in English, which people mix in."""
    found = patterns[language].search(sentence) if language in patterns else None
    return found or (patterns["en"].search(sentence) if language != "en" else None)


def _named(categorisation: Categorisation, label: str) -> str:
    words = categorisation.matched.get(label, ())
    return f" ({_quoted(words[0])})" if words else ""


def _quoted(words: str) -> str:
    line = " ".join(words.replace("*", "").split()).rstrip(".,;:")
    return f'"{line if len(line) <= WORDS_AT_MOST else line[: WORDS_AT_MOST - 1] + "…"}"'
