"""What is published, in words and in four languages."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from intake.measuring.figures import MEASURES, Figures, Window, wilson
from intake.measuring.guarantees import DEMANDS, LANGUAGES, Guarantee, Level
from intake.measuring.levels import Missing
from intake.publishing.words import good_in_a_row, load_words
from tests.publishing import DELIVERED, LAYOUTS, shop

WORDS = load_words(LAYOUTS)
NAMES = {"nl": "n", "en": "e", "de": "d", "fr": "f"}
REASONS = ("thanks", "withdrawn", "duplicate", "no-complaint", "business", "spam", "before", "merged")
SPACE = "\u00a0"
HALF = "½"


def texts(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from texts(inner, f"{path}{key}.")
        else:
            yield f"{path}{key}", inner


def figures(good: int = 9, count: int = 10, **changes: Any) -> Figures:
    lower, upper = wilson(good, count)
    values = {
        "window": Window(date(2025, 12, 1), date(2026, 11, 30), 12),
        "count": count,
        "good": good,
        "share": good / count if count else 0.0,
        "lower": lower,
        "upper": upper,
        "median": 3.0,
        "channels": {"mail": (count, good)},
        "excluded": {},
        "excluded_share": 0.0,
        "unanswered": 2,
        "longest_wait": 14,
    }
    return Figures(**{**values, **changes})


def strict(measure: str = "answered-in-time") -> Guarantee:
    level = Level(
        id="gold",
        name=NAMES,
        least_cases=20,
        lower_bound=0.9,
        share=0.955,
        median=2,
        longest_wait=1,
        unanswered=0,
    )
    within = 24 if measure in ("acknowledged-within", "not-reopened-within") else 0
    return Guarantee(id="g", name=NAMES, sentence=NAMES, measure=measure, within=within, levels=(level,))


def test_every_language_has_the_same_words_with_the_same_places_in_them() -> None:
    read = {code: tomllib.loads((LAYOUTS / f"{code}.toml").read_text(encoding="utf-8")) for code in LANGUAGES}
    found = {code: dict(texts(table)) for code, table in read.items()}
    for code, table in found.items():
        assert set(table) == set(found["en"]), code
        for key, text in table.items():
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", found["en"][key])), (code, key)
            assert text.strip() == text != "", (code, key)


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_and_every_demand_has_its_words(code: str, measure: str) -> None:
    words, guarantee = WORDS[code], strict(measure)
    said = words.requirements(guarantee, guarantee.levels[0])
    assert len(said) == len(DEMANDS) + 1
    said += [words.missing(Missing(demand.name, 1.0, 2.0), figures()) for demand in DEMANDS]
    said += [
        words.missing(Missing("most_excluded", 0.2, 0.1), figures()),
        words.missing(Missing("median", None, 2.0), figures()),
    ]
    said += [words.kept(guarantee, figures()), words.say(f"share.{measure}"), *words.rules(guarantee)]
    said += [words.excluded(reason) for reason in REASONS]
    said += [words.unanswered(figures()), words.unanswered(figures(unanswered=0))]
    said += [words.promise(shop()), words.promise(shop(promise={"counting": "cut-off"}))]
    assert len(set(said)) == len(said), "two say the same"
    assert not [text for text in said if "{" in text or not text]
    assert not set(REASONS[1:5]) & set(said)


def test_what_is_missing_is_said_plainly() -> None:
    english, some = WORDS["en"], figures(good=16, count=17)
    told = {
        ("least_cases", 17, 20): "3 more cases",
        ("least_cases", 19, 20): "1 more case",
        ("median", 3.0, 2): "a median of 2 business days (now 3)",
        ("median", None, 2): "a median of 2 business days (now more than half without an answer)",
        ("longest_wait", 14, 10): "nobody may wait longer than 10 business days without an answer (now 14)",
        ("unanswered", 2, 0): "nobody may wait for an answer past the promised day (now 2)",
        ("most_excluded", 0.125, 0.1): f"at most 10{SPACE}% of the cases may be left out (now 12.5{SPACE}%)",
    }
    for (what, have, need), text in told.items():
        assert english.missing(Missing(what, have, need), some).replace(SPACE, "") == text.replace(SPACE, "")
    lower = english.missing(Missing("lower_bound", some.lower, 0.75), some)
    assert lower == ("a lower end of the interval of 75% (now 73.0%); that takes 2 more cases in a row that are good")


def test_the_cases_in_a_row_are_as_many_as_it_takes() -> None:
    some = figures(good=16, count=17)
    assert good_in_a_row(some, 0.75) == 2
    assert wilson(18, 19)[0] >= 0.75 > wilson(17, 18)[0]
    assert good_in_a_row(figures(good=0, count=200), 0.95) == 0


def test_a_share_that_is_almost_enough_never_reads_as_enough() -> None:
    words = WORDS["en"]
    assert (words.percent(0.89999), words.percent(0.9), words.percent(0.29)) == ("89.9%", "90.0%", "29.0%")
    assert words.percent(0.10001, up=True) == "10.1%"
    assert words.interval(figures(good=35, count=35)) == "90.1% to 100.0%"


@pytest.mark.parametrize(
    ("code", "share", "number", "day", "month"),
    [
        ("nl", "95,1%", "1.234,5", "1 december 2026", "dec 26"),
        ("en", "95.1%", "1,234.5", "1 December 2026", "Dec 26"),
        ("de", f"95,1{SPACE}%", "1.234,5", "1. Dezember 2026", "Dez 26"),
        ("fr", "95,1\u202f%", "1\u202f234,5", "1er décembre 2026", "déc 26"),
    ],
)
def test_numbers_and_days_follow_the_language(code: str, share: str, number: str, day: str, month: str) -> None:
    words = WORDS[code]
    assert words.percent(0.951).replace(SPACE, "\u202f") == share.replace(SPACE, "\u202f")
    assert (words.number(1234.5), words.day(date(2026, 12, 1)), words.short_month(date(2026, 12, 1))) == (
        number,
        day,
        month,
    )


def test_the_rules_are_those_of_the_definition() -> None:
    text = " ".join(WORDS["en"].rules(DELIVERED[0]))
    assert "over the 12 complete months before it; over 24 where these hold fewer than 10 cases" in text
    assert "With more than 10% of these no badge is issued." in text
