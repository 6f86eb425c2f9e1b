"""When a case is reminded of: tables of days, over weekends, holidays and both changes of summer time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.config import Shop
from intake.rules.reminders import Dates, Nearness, Stage, is_digest_time, may_tell, nearness, stage_of
from intake.types import Calendar
from tests.builders import shop_settings

NL = Calendar(open=("Good Friday",))
CLOSED_ON_GOOD_FRIDAY = Calendar(open=())
SHOP = Shop.model_validate(shop_settings())


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("today", "due_on", "stage"),
    [
        ("2026-09-15", "2026-09-17", None),  # Tue, due Thu
        ("2026-09-16", "2026-09-17", Stage.BEFORE),
        ("2026-09-17", "2026-09-17", Stage.TODAY),
        ("2026-09-18", "2026-09-17", Stage.MISSED),
        ("2026-09-17", "2026-09-21", None),  # Thu, due Mon
        ("2026-09-18", "2026-09-21", Stage.BEFORE),  # over a weekend
        ("2026-09-19", "2026-09-21", Stage.BEFORE),
        ("2026-09-19", "2026-09-18", Stage.MISSED),  # Sat after Fri
        ("2026-04-24", "2026-04-28", Stage.BEFORE),  # Fri, King's Day on Mon, due Tue
        ("2026-04-23", "2026-04-28", None),
        ("2026-04-27", "2026-04-28", Stage.BEFORE),
        ("2026-04-02", "2026-04-03", Stage.BEFORE),  # Thu, due on Good Friday, which is worked on
        ("2026-04-03", "2026-04-07", Stage.BEFORE),  # Good Friday, then Easter Monday
        ("2026-10-23", "2026-10-26", Stage.BEFORE),  # summer time ends on Sun 25 October
        ("2026-10-26", "2026-10-26", Stage.TODAY),
        ("2027-03-26", "2027-03-30", Stage.BEFORE),  # Good Friday; it begins on Easter Sunday
        ("2027-03-29", "2027-03-30", Stage.BEFORE),
    ],
)
def test_the_stage_of_a_mail_on_each_day(today: str, due_on: str, stage: Stage | None) -> None:
    found = stage_of(Dates("SIS-2026-0001", day(due_on)), day(today), NL)
    assert found == (None if stage is None else (stage, day(due_on)))


def test_where_good_friday_is_closed_the_reminder_comes_a_day_earlier() -> None:
    case = Dates("SIS-2026-0001", day("2026-04-07"))
    assert stage_of(case, day("2026-04-02"), NL) is None
    assert stage_of(case, day("2026-04-02"), CLOSED_ON_GOOD_FRIDAY) == (Stage.BEFORE, day("2026-04-07"))


def test_a_due_date_that_became_a_day_off_is_reminded_of_on_the_business_day_before() -> None:
    closed = Calendar(open=("Good Friday",), closed=(day("2026-09-17"),))
    case = Dates("SIS-2026-0001", day("2026-09-17"))
    assert stage_of(case, day("2026-09-15"), closed) == (Stage.BEFORE, day("2026-09-17"))
    assert stage_of(case, day("2026-09-16"), closed) == (Stage.TODAY, day("2026-09-17"))


@pytest.mark.parametrize(
    ("today", "stage", "about"),
    [
        ("2026-09-14", None, ""),
        ("2026-09-15", Stage.BEFORE, "2026-09-16"),
        ("2026-09-16", Stage.TODAY, "2026-09-16"),
        ("2026-09-17", Stage.LATE_TO_POST, "2026-09-16"),
        ("2026-09-18", Stage.LATE_TO_POST, "2026-09-16"),
        ("2026-09-19", Stage.MISSED, "2026-09-18"),
    ],
)
def test_a_letter_counts_from_its_post_by_date(today: str, stage: Stage | None, about: str) -> None:
    letter = Dates("SIS-2026-0001", day("2026-09-18"), post_by=day("2026-09-16"))
    assert stage_of(letter, day(today), NL) == (None if stage is None else (stage, day(about)))


@given(st.dates(day("2025-01-01"), day("2031-12-31")), st.integers(1, 30))
def test_a_date_is_reminded_of_on_one_business_day_before_and_on_the_day_itself(start: date, distance: int) -> None:
    due_on = start + timedelta(days=distance)
    days = [due_on - timedelta(days=number) for number in range(12, -3, -1)]
    told = [
        (today, found[0]) for today in days if may_tell(at(today), SHOP) and (found := stage_of_mail(today, due_on))
    ]
    stages = [stage for _, stage in told if stage is not Stage.MISSED]
    assert stages == [Stage.BEFORE, Stage.TODAY]


def stage_of_mail(today: date, due_on: date) -> tuple[Stage, date] | None:
    return stage_of(Dates("", due_on), today, SHOP.calendar)


def at(today: date, hour: int = 12) -> datetime:
    return datetime(today.year, today.month, today.day, hour, tzinfo=SHOP.zone)


@pytest.mark.parametrize(
    ("which", "group"),
    [
        ("2026-09-17", Nearness.OVERDUE),
        ("2026-09-18", Nearness.TODAY),
        ("2026-09-19", Nearness.TOMORROW),
        ("2026-09-21", Nearness.TOMORROW),
        ("2026-09-22", Nearness.LATER),
    ],
)
def test_on_a_friday_monday_is_tomorrow(which: str, group: Nearness) -> None:
    assert nearness(day(which), day("2026-09-18"), NL) is group


def test_the_week_ends_on_sunday() -> None:
    monday = day("2026-09-14")
    groups = [nearness(monday + timedelta(days=number), monday, NL) for number in range(8)]
    assert groups == [Nearness.TODAY, Nearness.TOMORROW, *[Nearness.THIS_WEEK] * 5, Nearness.LATER]


@pytest.mark.parametrize(
    ("moment", "may"),
    [
        ("2026-09-17T05:59:59", False),  # 07:59:59 in summer time
        ("2026-09-17T06:00:00", True),
        ("2026-09-17T14:59:59", True),
        ("2026-09-17T15:00:00", False),  # 17:00
        ("2026-09-19T10:00:00", False),  # Saturday
        ("2026-04-27T10:00:00", False),  # King's Day
        ("2026-04-03T10:00:00", True),  # Good Friday
        ("2026-10-23T06:30:00", True),  # Friday 08:30, the last of summer time
        ("2026-10-26T06:30:00", False),  # Monday 07:30, the first of winter time
        ("2026-10-26T07:00:00", True),
        ("2027-03-26T07:00:00", True),  # Good Friday 08:00, the last of winter time
        ("2027-03-30T06:00:00", True),  # Tuesday 08:00, the first business day of summer time
        ("2027-03-30T05:59:00", False),
    ],
)
def test_mail_to_the_manager_keeps_the_shops_hours(moment: str, may: bool) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert may_tell(now, SHOP) is may
    assert is_digest_time(now, SHOP) is may


def test_a_digest_that_is_asked_for_in_the_evening_comes_in_the_evening() -> None:
    evening = Shop.model_validate(shop_settings(notices={"digest": "18:00"}))
    thursday = day("2026-09-17")
    assert [is_digest_time(at(thursday, hour), evening) for hour in (8, 17, 18, 23)] == [False, False, True, True]
