"""Guarantees as data: what is wrong in a file is said, each mistake by name; and levels from month to month."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from intake.bootstrap import TEMPLATES
from intake.errors import ConfigError
from intake.measuring.figures import Figures, Window, figures_value, measure
from intake.measuring.guarantees import Guarantee, parse_guarantees
from intake.measuring.levels import Missing, Rating, Verdict, held, rate, window
from intake.measuring.rows import BEFORE, Row
from tests.test_measuring import row, rows

DELIVERED = (TEMPLATES / "guarantees.toml").read_text(encoding="utf-8")
GUARANTEE = parse_guarantees(DELIVERED, "guarantees.toml")[0]
TODAY = date(2026, 12, 1)
ALL = Window(date(2026, 1, 1), date(2026, 11, 30), 12)


# what is written in the place of what, and the mistake that is named
MISTAKES: list[tuple[str, str, str, str]] = [
    ("unknown measure", '"answered-in-time"', '"answered-soon"', "there is no measure 'answered-soon'; there are"),
    ("no such setting", "least_cases = 10\nmost", "fewest = 1\nmost", "there is no setting fewest"),
    ("no words in French", '\nfr = "Réponse sous 4 jours ouvrés"', "", "name.fr is missing"),
    ("a name that is no id", '"answer-in-4-days"', '"../up"', "id: string should match pattern"),
    ("hours where there are none", "window_months = 12", "within = 3\nwindow_months = 12", "within means nothing to"),
    ("no hours", '"answered-in-time"', '"acknowledged-within"', "within is missing"),
    ("days where there are none", '"answered-in-time"', '"median-days"', "business_days means nothing to median-days"),
    ("no day at all", "business_days = 4", "business_days = 0", "business_days: input should be greater than"),
    (
        "hours of ten thousand years",
        '"answered-in-time"',
        '"acknowledged-within"\nwithin = 99999999999',
        "within: input",
    ),
    ("more cases than there are", "least_cases = 10\nmost", f"least_cases = {10**400}\nmost", "least_cases: "),
    ("a share of more than all", "most_excluded = 0.10", "most_excluded = 1.5", "most_excluded: input should be less"),
    ("days beyond counting", "longest_wait = 10\nunanswered = 0", f"longest_wait = {10**20}", "longest_wait: input"),
    ("a number as text", "median = 4", 'median = "4"', "median: input should be a valid number"),
    ("a number that is true", "least_cases = 10\nmost", "least_cases = true\nmost", "least_cases: input should be"),
    ("a window too short", "longer_window_months = 24", "longer_window_months = 6", "is shorter than window_months"),
    (
        "rests longer than the window",
        '"answered-in-time"',
        '"not-reopened-within"\nwithin = 700',
        "within cannot be reached",
    ),
    ("a bound of one", "lower_bound = 0.90", "lower_bound = 1", "level 'gold' cannot be reached: lower_bound 1.0"),
    ("a bound that is no number", "lower_bound = 0.90", "lower_bound = nan", "should be a finite number"),
    ("a share above all", "lower_bound = 0.90", "share = 1.5", "level 'gold' cannot be reached: share 1.5"),
    ("less than no days", "median = 2", "median = -1", "level 'gold' cannot be reached: a median of -1.0"),
    ("less than nobody", "unanswered = 0", "unanswered = -1", "level 'gold' cannot be reached: unanswered -1"),
    ("a median of letters", '"answered-in-time"', '"letters-dated"', "letters-dated has no median"),
    ("two levels of one id", 'id = "gold"', 'id = "silver"', "there are two levels 'silver'"),
    ("asks for less", "lower_bound = 0.90", "lower_bound = 0.60", "'gold' stands above 'silver', and asks for less in"),
    ("asks for less days", "median = 2", "median = 9", "asks for less in median"),
    ("leaves out a demand", "median = 2\nlongest_wait = 10", "median = 2", "asks for less in longest_wait"),
    (
        "asks for the same",
        "lower_bound = 0.90\nmedian = 2\nlongest_wait = 10\nunanswered = 0",
        "lower_bound = 0.75\nmedian = 3\nlongest_wait = 10",
        "level 'silver' cannot be reached: 'gold' asks for nothing more",
    ),
    (
        "asks for nothing",
        "least_cases = 10\nlower_bound = 0.55\nmedian = 4",
        "least_cases = 0",
        "level 'bronze' asks for nothing",
    ),
]


@pytest.mark.parametrize(("there", "instead", "mistake"), [pytest.param(*more, id=name) for name, *more in MISTAKES])
def test_a_guarantee_that_cannot_be_is_named_with_its_mistake(there: str, instead: str, mistake: str) -> None:
    assert DELIVERED.count(there) == 1
    with pytest.raises(ConfigError) as refused:
        parse_guarantees(DELIVERED.replace(there, instead), "own.toml")
    assert "own.toml" in str(refused.value)
    assert [line for line in refused.value.mistakes if mistake in line], refused.value.mistakes


def test_all_mistakes_are_named_at_once() -> None:
    twice = DELIVERED + DELIVERED.replace('"answered-in-time"', '"soon"').replace('"answer-in-4-days"', '"other"')
    with pytest.raises(ConfigError) as refused:
        parse_guarantees(twice.replace("lower_bound = 0.90", "lower_bound = 2"), "own.toml")
    assert [line.partition(":")[0] for line in refused.value.mistakes] == ["answer-in-4-days", "other"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "guarantees = []", "[[guarantee]]", "x = [", "guarantees = 3", "[[guarantees]]\n"),
        f"guarantees = {'[' * 5000}{']' * 5000}",
        f"guarantees = {'1' * 5000}",
    ],
    ids=str.__len__,
)
def test_a_file_without_guarantees_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_guarantees(text, "own.toml")


def test_two_guarantees_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_guarantees(DELIVERED * 2, "own.toml")
    assert refused.value.mistakes == ("answer-in-4-days: there are two guarantees of this id",)


def test_a_level_may_ask_for_none_of_something() -> None:
    strict = DELIVERED.replace("least_cases = 10\nlower_bound = 0.55\nmedian = 4", "unanswered = 0")
    strict = strict.replace("median = 3\nlongest_wait = 10", "median = 3\nlongest_wait = 10\nunanswered = 0")
    assert parse_guarantees(strict, "own.toml")[0].levels[0].unanswered == 0


def test_the_definition_has_a_fingerprint_that_any_change_changes() -> None:
    other = parse_guarantees(DELIVERED.replace("0.90", "0.91"), "own.toml")[0]
    assert GUARANTEE.fingerprint == parse_guarantees(DELIVERED, "again.toml")[0].fingerprint != other.fingerprint


# ── levels ──────────────────────────────────────────────────────────────────────────────────────────────────────


def excluded(number: int, reason: str = "withdrawn") -> Row:
    return row(number, excluded=reason, excluded_by="mirjam")


def test_too_few_cases_in_a_year_are_measured_over_two_years() -> None:
    old = [
        replace(one, case=f"{one.case}-old", member=f"{one.case}-old", due_on=date(2025, 10, 1)) for one in rows(10, 10)
    ]
    both = rate(GUARANTEE, [*rows(9, 9), *old], TODAY)
    assert (both.verdict, both.figures.window.months, both.figures.count) == (Verdict.RATED, 24, 19)
    assert rate(GUARANTEE, [*rows(10, 10), *old], TODAY).figures.window.months == 12
    assert rate(GUARANTEE, rows(9, 9), TODAY).verdict is Verdict.NOT_RATED


@pytest.mark.parametrize(("out", "verdict"), [(3, Verdict.RATED), (4, Verdict.WITHHELD)])
def test_nothing_is_issued_where_more_than_a_tenth_does_not_count(out: int, verdict: Verdict) -> None:
    rating = rate(GUARANTEE, [*rows(27, 27), *(excluded(100 + n) for n in range(out))], TODAY)
    assert (rating.verdict, rating.figures.excluded) == (verdict, {"withdrawn": out})
    assert (rating.reached != "") is (verdict is Verdict.RATED)
    withheld = [lacking.what for _, missing in rating.missing for lacking in missing].count("most_excluded")
    assert withheld == (0 if verdict is Verdict.RATED else 3)


def test_an_answer_within_four_days_took_no_more_wherever_more_was_promised() -> None:
    """A shop that promises ten days and answers on the ninth keeps its promise, and not this one."""
    slow = [row(n, days=9, business_days=10) for n in range(12)]
    fast = [row(100 + n, days=4, business_days=10) for n in range(3)]
    assert all(one.in_time for one in (*slow, *fast))
    rating = rate(GUARANTEE, [*slow, *fast], TODAY)
    assert (rating.figures.good, rating.figures.count, rating.reached) == (3, 15, "")
    own = GUARANTEE.model_copy(update={"business_days": None})
    assert rate(own, [*slow, *fast], TODAY).figures.good == 15


@pytest.mark.parametrize(("reason", "verdict"), [("withdrawn", Verdict.WITHHELD), ("thanks", Verdict.RATED)])
def test_a_promise_that_is_left_out_of_a_case_that_counts_is_told(reason: str, verdict: Verdict) -> None:
    """Else every second complaint of a customer could be closed as withdrawn."""
    again = [replace(row(n), sequence=2, excluded=reason, excluded_by="mirjam") for n in range(10)]
    rating = rate(GUARANTEE, [*rows(20, 20), *again], TODAY)
    assert (rating.figures.count, rating.verdict) == (20, verdict)
    assert rating.figures.excluded == ({"withdrawn": 10} if verdict is Verdict.WITHHELD else {})


def test_merged_cases_are_among_those_that_do_not_count() -> None:
    """Else one could merge what one likes."""
    merged = [replace(row(n), case=row(0).case, member=f"M-{n}") for n in range(100, 104)]
    rating = rate(GUARANTEE, [*rows(27, 27), *merged], TODAY)
    assert (rating.figures.count, rating.figures.excluded, rating.verdict) == (27, {"merged": 4}, Verdict.WITHHELD)


def test_what_was_answered_before_intake_came_is_told_and_withholds_nothing() -> None:
    rating = rate(GUARANTEE, [*rows(27, 27), *(excluded(100 + n, BEFORE) for n in range(50))], TODAY)
    assert (rating.verdict, rating.figures.excluded, rating.figures.excluded_share) == (Verdict.RATED, {BEFORE: 50}, 0)


def test_who_waits_keeps_the_higher_levels_away_and_a_closed_case_does_not() -> None:
    waiting = row(99, answered_on=None, told_on=None, days_taken=None, days_waited=11, late=True)
    rating = rate(GUARANTEE, [*rows(99, 99), waiting], TODAY)
    assert rating.reached == "bronze"
    assert dict(rating.missing)["silver"] == (Missing("longest_wait", 11.0, 10.0),)
    assert dict(rating.missing)["gold"] == (Missing("longest_wait", 11.0, 10.0), Missing("unanswered", 1.0, 0.0))
    closed = replace(waiting, closed_on=date(2026, 11, 1))
    assert rate(GUARANTEE, [*rows(99, 99), closed], TODAY).reached == "gold"
    assert rate(GUARANTEE, [*rows(99, 99), closed], TODAY).figures.good == 99


def test_a_case_is_as_good_as_its_worst_promise() -> None:
    again = replace(row(0, late=True), sequence=2)
    figures = measure("answered-in-time", [row(0), again], ALL, TODAY)
    assert (figures.count, figures.good, figures.median) == (1, 0, 9)
    half = measure("answered-in-time", [row(0), replace(again, excluded="thanks")], ALL, TODAY)
    assert (half.count, half.good, half.excluded) == (1, 1, {})


def test_a_window_ends_with_the_last_month_that_is_complete() -> None:
    assert window(12, TODAY) == Window(date(2025, 12, 1), date(2026, 11, 30), 12)
    assert window(12, date(2026, 3, 31)) == Window(date(2025, 3, 1), date(2026, 2, 28), 12)


# The measures that the delivered guarantee does not use.


def test_acknowledged_within_hours_looks_at_the_first_message_of_a_case() -> None:
    came = row(0).received_at
    told = [row(n, acknowledged_at=came + timedelta(hours=hours)) for n, hours in enumerate((0, 24, 25))]
    silent, later = row(3), replace(row(0), sequence=2)
    figures = measure("acknowledged-within", [*told, silent, later, excluded(9)], ALL, TODAY, 24)
    assert (figures.count, figures.good, figures.median, figures.excluded) == (4, 2, None, {"withdrawn": 1})


def test_median_days_counts_the_unanswered_as_the_longest() -> None:
    waiting = row(9, answered_on=None, days_taken=None)
    figures = measure("median-days", [row(0, days=1), row(1, days=3), waiting], ALL, TODAY)
    assert (figures.count, figures.good, figures.median) == (3, 2, 3)
    assert measure("median-days", [row(0), waiting], ALL, TODAY).median is None


def test_not_reopened_looks_at_what_was_answered_long_enough_ago() -> None:
    """Thirty days after the answer the customer may write again, and it does not count against it."""
    answered = date(2026, 10, 10)
    rested = row(0, due_on=date(2026, 10, 12), answered_on=answered)
    again = [replace(rested, case=f"{days}", reopened_on=answered + timedelta(days=days)) for days in (30, 31)]
    fresh = row(3, due_on=date(2026, 11, 2), answered_on=date(2026, 11, 1))
    never = row(4, answered_on=None)
    figures = measure("not-reopened-within", [rested, *again, fresh, never], ALL, TODAY, 30)
    assert (figures.count, figures.good) == (3, 2)
    assert measure("not-reopened-within", [fresh], ALL, date(2026, 12, 2), 30).count == 1


def test_letters_dated_looks_at_letters_alone_also_in_what_does_not_count() -> None:
    letters = [row(0, channel="letter"), row(1, channel="letter", dated=False), row(2, dated=False)]
    figures = measure("letters-dated", [*letters, excluded(9)], ALL, TODAY)
    assert (figures.count, figures.good, figures.channels, figures.excluded) == (2, 1, {"letter": (2, 1)}, {})


def test_figures_are_the_same_over_rows_with_other_names() -> None:
    """An auditor's rows have pseudonyms; a mail and a letter that became one case are due on one day."""
    mixed = [
        row(0, channel="letter"),
        replace(row(0), member="SIS-2026-0099"),
        excluded(3, "thanks"),
        replace(excluded(3, "spam"), sequence=2),
    ]
    names = {"SIS-2026-0000": "z", "SIS-2026-0099": "a", "SIS-2026-0003": "m"}
    renamed = [replace(one, case=names[one.case], member=names[one.member]) for one in mixed]
    assert figures_value(measure("answered-in-time", mixed, ALL, TODAY)) == figures_value(
        measure("answered-in-time", list(reversed(renamed)), ALL, TODAY)
    )


# ── from month to month ─────────────────────────────────────────────────────────────────────────────────────────


def as_rated(reached: str, verdict: Verdict = Verdict.RATED) -> Rating:
    return Rating(GUARANTEE.id, FIGURES, verdict, reached, ())


FIGURES: Figures = measure("answered-in-time", [], ALL, TODAY)


@pytest.mark.parametrize(
    ("months", "shown"),
    [
        ("gold", "gold"),
        ("bronze gold", "bronze gold"),
        ("gold silver", "gold gold"),
        ("gold silver silver", "gold gold silver"),
        ("gold bronze silver", "gold gold silver"),
        ("gold silver gold bronze bronze", "gold gold gold gold bronze"),
        ("gold - -", "gold gold -"),
        ("silver ! silver", "silver - silver"),
        ("- bronze", "- bronze"),
    ],
)
def test_a_level_rises_at_once_and_falls_after_two_months(months: str, shown: str) -> None:
    """`-` is a month that reaches nothing, `!` one that is withheld."""
    before, found = "", []
    for month in months.split():
        rating = as_rated("" if month in "-!" else month, Verdict.WITHHELD if month == "!" else Verdict.RATED)
        found.append(held(GUARANTEE, rating, before) or "-")
        before = rating.reached
    assert " ".join(found) == shown


def test_a_level_that_there_is_no_more_is_not_held() -> None:
    assert held(GUARANTEE, as_rated("bronze"), "platinum") == "bronze"


def with_levels(*levels: dict[str, Any]) -> Guarantee:
    return GUARANTEE.model_copy(update={"levels": tuple(GUARANTEE.levels[0].model_copy(update=one) for one in levels)})


def test_a_demand_that_is_just_met_is_met() -> None:
    own = with_levels({"share": 0.9, "lower_bound": None, "median": 2, "least_cases": 10})
    assert rate(own, rows(9, 10), TODAY).reached == "bronze"
    assert rate(own, rows(8, 10), TODAY).reached == ""


def test_a_case_that_counts_by_itself_and_as_another_one_is_counted_once() -> None:
    """Its first date was past when it was merged, its second one was not."""
    stays, first = row(0), row(1)
    second = replace(first, case=stays.case, sequence=2, due_on=date(2026, 10, 20))
    figures = measure("answered-in-time", [stays, first, second], ALL, TODAY)
    assert (figures.count, figures.excluded) == (2, {})
