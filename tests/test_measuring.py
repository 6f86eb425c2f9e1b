"""What a promise is worth: rows, figures and levels, over plain facts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from intake.bootstrap import TEMPLATES
from intake.measuring.figures import Window, measure, percentile, wilson
from intake.measuring.guarantees import parse_guarantees
from intake.measuring.levels import Verdict, rate
from intake.measuring.rows import Row

GUARANTEE = parse_guarantees((TEMPLATES / "guarantees.toml").read_text(encoding="utf-8"), "guarantees.toml")[0]
TODAY = date(2026, 12, 1)

# domain.md: k of n, the 95 % Wilson interval in percent, and the level of the badge.
COMPUTED = [
    (9, 10, 59.58, 98.21, "bronze"),
    (8, 10, 49.02, 94.33, ""),
    (16, 20, 58.40, 91.93, "bronze"),
    (19, 20, 76.39, 99.11, "silver"),
    (23, 25, 75.03, 97.78, "silver"),
    (27, 30, 74.38, 96.54, "bronze"),
    (28, 30, 78.68, 98.15, "silver"),
    (35, 35, 90.11, 100.0, "gold"),
    (37, 38, 86.51, 99.53, "silver"),
    (49, 50, 89.50, 99.65, "silver"),
    (73, 75, 90.79, 99.27, "gold"),
    (97, 100, 91.55, 98.97, "gold"),
]


def rows(good: int, count: int, days: int = 2) -> list[Row]:
    """So many cases, the first of them answered in time after some business days, the others a week late."""
    return [row(number, late=number >= good, days=days) for number in range(count)]


def row(number: int, *, late: bool = False, days: int = 2, **more: object) -> Row:
    due = date(2026, 10, 1) + timedelta(days=number % 20)
    answered = due + timedelta(days=7) if late else due
    received = datetime(2026, 9, 20, 10, tzinfo=UTC)
    known = {
        "case": f"SIS-2026-{number:04}",
        "member": f"SIS-2026-{number:04}",
        "sequence": 1,
        "shop": "sis",
        "channel": "mail",
        "category": "del_none",
        "received_at": received,
        "received_on": received.date(),
        "due_on": due,
        "business_days": 4,
        "counting": "event-day",
        "calendar": "nl",
        "dated": True,
        "answered_on": answered,
        "told_on": answered,
        "seen": True,
        "days_taken": 9 if late else days,
    }
    return Row(**{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("good", "count", "lower", "upper", "level"), COMPUTED)
def test_the_computed_examples(good: int, count: int, lower: float, upper: float, level: str) -> None:
    found = wilson(good, count)
    assert [100 * found[0], 100 * found[1]] == pytest.approx([lower, upper], abs=0.011)
    rating = rate(GUARANTEE, rows(good, count), TODAY)
    assert (rating.verdict, rating.reached) == (Verdict.RATED, level)


@pytest.mark.parametrize(("lower", "least"), [(0.80, 16), (0.85, 22), (0.90, 35), (0.95, 73)])
def test_how_many_cases_a_lower_bound_takes_where_all_are_good(lower: float, least: int) -> None:
    assert wilson(least, least)[0] >= lower > wilson(least - 1, least - 1)[0]


def test_a_median_that_never_comes_is_none() -> None:
    assert percentile([1, 2, 3, 4], 0.5) == 2.5
    assert percentile([1, 2, None], 0.5) == 2
    assert percentile([1, None, None], 0.5) is None
    assert percentile(range(1, 11), 0.9) == 9
    assert percentile([], 0.5) is None


def test_a_date_that_is_not_past_is_in_no_cohort() -> None:
    window = Window(date(2026, 1, 1), date(2026, 12, 31), 12)
    some = [row(0, due_on=TODAY, answered_on=None), row(1, due_on=TODAY - timedelta(days=1), answered_on=None)]
    figures = measure("answered-in-time", some, window, TODAY)
    assert (figures.count, figures.good, figures.unanswered) == (1, 0, 1)
