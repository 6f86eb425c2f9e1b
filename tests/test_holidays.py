"""The public days of 2025 to 2031, held against a table written by hand: a release that changes its mind fails here.

Refuses to take its expectations from the package that it tests.
"""

import json
import os
import subprocess
import sys
import tomllib
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from intake.deadlines import calendar_mistakes, is_business_day, public_days
from intake.errors import ConfigError
from intake.types import Calendar

ROOT = Path(__file__).parent.parent
TABLE: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "tests/data/holidays.toml").read_text(encoding="utf-8"))
YEARS = range(2025, 2032)

PRINT_ALL = """
import json, sys
from intake.deadlines import public_days
from intake.types import Calendar
found = {}
for name, fields in json.load(sys.stdin).items():
    calendar = Calendar(**{**fields, "open": tuple(fields["open"])})
    days = [item for year in range(2025, 2032) for item in public_days(calendar, year).items()]
    found[name] = {day.isoformat(): holiday for day, holiday in days}
print(json.dumps(found))
"""


def calendar_of(name: str) -> Calendar:
    fields = TABLE[name]["calendar"]
    return Calendar(**{**fields, "open": tuple(fields["open"])})


@pytest.mark.parametrize("name", TABLE)
def test_the_public_days_of_seven_years_are_as_written_down(name: str) -> None:
    calendar = calendar_of(name)
    found = {day.isoformat(): holiday for year in YEARS for day, holiday in public_days(calendar, year).items()}
    assert found == TABLE[name]["days"]


@pytest.mark.parametrize(
    "locale",
    [
        {"LANG": "C"},
        {"LC_ALL": "C.UTF-8"},
        {"LANG": "nl_NL.UTF-8", "LANGUAGE": "nl"},
        {"LANG": "de_DE.UTF-8", "LANGUAGE": "de"},
    ],
    ids=lambda locale: " ".join(locale.values()),
)
def test_the_names_do_not_follow_the_locale_of_the_process(locale: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_"))}
    run = subprocess.run(
        [sys.executable, "-c", PRINT_ALL],
        input=json.dumps({name: entry["calendar"] for name, entry in TABLE.items()}),
        env=kept | locale | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert json.loads(run.stdout) == {name: entry["days"] for name, entry in TABLE.items()}


def test_the_holidays_package_is_pinned_to_the_version_that_was_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"holidays=={version('holidays')}" in project["dependencies"]


@pytest.mark.parametrize(
    ("day", "calendar", "business_day"),
    [
        pytest.param(date(2026, 9, 14), Calendar(), True, id="a plain Monday"),
        pytest.param(date(2026, 9, 12), Calendar(), False, id="a Saturday"),
        pytest.param(date(2026, 9, 13), Calendar(), False, id="a Sunday"),
        pytest.param(date(2026, 4, 3), Calendar(), True, id="Good Friday, kept open by default"),
        pytest.param(date(2026, 4, 3), Calendar(open=()), False, id="Good Friday, closed"),
        pytest.param(date(2026, 4, 3), Calendar(open=("GOOD friday ",)), True, id="Good Friday in other case"),
        pytest.param(date(2026, 4, 3), Calendar(open=(date(2026, 4, 3),)), True, id="Good Friday opened by date"),
        pytest.param(date(2026, 4, 3), Calendar(open=("2026-04-03",)), True, id="Good Friday opened by ISO text"),
        pytest.param(date(2027, 3, 26), Calendar(open=("2026-04-03",)), False, id="the Good Friday after that"),
        pytest.param(date(2026, 4, 3), Calendar(closed=(date(2026, 4, 3),)), False, id="kept open, but not this year"),
        pytest.param(date(2026, 4, 27), Calendar(open=("King’s Day",)), True, id="a curly apostrophe"),
        pytest.param(date(2026, 5, 5), Calendar(), True, id="5 May in an ordinary year"),
        pytest.param(date(2025, 5, 5), Calendar(), False, id="5 May in a fifth year"),
        pytest.param(date(2026, 5, 5), Calendar(closed=(date(2026, 5, 5),)), False, id="5 May, the shop's own day"),
        pytest.param(date(2026, 12, 24), Calendar(), True, id="24 December"),
        pytest.param(date(2026, 12, 31), Calendar(), True, id="31 December"),
        pytest.param(date(2026, 5, 1), Calendar(), True, id="1 May in the Netherlands"),
        pytest.param(date(2026, 5, 1), Calendar("BE", open=()), False, id="1 May in Belgium"),
        pytest.param(date(2025, 12, 26), Calendar("BE", open=()), True, id="26 December in Belgium"),
        pytest.param(date(2026, 9, 12), Calendar(open=(date(2026, 9, 12),)), False, id="a Saturday is never opened"),
        pytest.param(date(2008, 5, 1), Calendar("DE", open=()), False, id="Ascension and Labor Day at once"),
        pytest.param(date(2008, 5, 1), Calendar("DE", open=("labor day",)), True, id="opened by one of two names"),
        pytest.param(date(2021, 12, 31), Calendar("US", open=()), False, id="a New Year observed the year before"),
    ],
)
def test_a_day_is_a_business_day_or_not(day: date, calendar: Calendar, business_day: bool) -> None:
    assert is_business_day(day, calendar) is business_day


def test_the_days_that_the_shop_takes_off_are_no_public_days() -> None:
    assert date(2026, 5, 15) not in public_days(Calendar(closed=(date(2026, 5, 15),)), 2026)


def test_what_a_caller_does_to_the_public_days_stays_with_the_caller() -> None:
    public_days(Calendar(), 2026).clear()
    assert len(public_days(Calendar(), 2026)) == 9


@pytest.mark.parametrize(
    ("calendar", "words"),
    [
        pytest.param(Calendar("XX"), ["country: ", "XX", "ISO 3166"], id="unknown country"),
        pytest.param(Calendar(""), ["country: ", '""'], id="empty country"),
        pytest.param(Calendar("nl"), ["country: ", "nl"], id="lower case"),
        pytest.param(Calendar("DE", "ZZ", open=()), ["subdivision: ", "DE-ZZ"], id="unknown subdivision"),
        pytest.param(Calendar(open=("Goede Vrijdag",)), ["open: ", "Goede Vrijdag", "Good Friday"], id="Dutch name"),
        pytest.param(Calendar("BE"), ["open: ", "Good Friday", "BE", "Labor Day"], id="no such holiday there"),
        pytest.param(Calendar(open=("2026-04-04",)), ["open: 2026-04-04"], id="a date that is no holiday"),
        pytest.param(Calendar(open=(date(2026, 4, 4),)), ["open: 2026-04-04"], id="the same as a date"),
    ],
)
def test_a_mistake_in_the_calendar_is_named_with_its_remedy(calendar: Calendar, words: list[str]) -> None:
    (mistake,) = calendar_mistakes(calendar)
    assert [word for word in words if word not in mistake] == []


@pytest.mark.parametrize(
    "calendar",
    [
        pytest.param(Calendar(), id="the default"),
        pytest.param(Calendar(open=("liberation day", "King's Day", "2026-04-03")), id="names and a date"),
        pytest.param(Calendar("DE", "NW", open=("Corpus Christi",)), id="a Land"),
        pytest.param(Calendar("BE", open=()), id="nothing open"),
    ],
)
def test_a_calendar_that_can_be_used_has_no_mistakes(calendar: Calendar) -> None:
    assert calendar_mistakes(calendar) == []


def test_all_wrong_names_are_reported_at_once() -> None:
    assert len(calendar_mistakes(Calendar(open=("Goede Vrijdag", "Good Friday", "Kings Day")))) == 2


@pytest.mark.parametrize("calendar", [Calendar("XX"), Calendar("NL", "ZZ")], ids=["country", "subdivision"])
def test_an_unknown_region_is_refused_and_never_guessed(calendar: Calendar) -> None:
    with pytest.raises(ConfigError, match="No calendar of public holidays"):
        is_business_day(date(2026, 9, 14), calendar)
