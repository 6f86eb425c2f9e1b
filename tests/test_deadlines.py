"""The date: every worked example, the laws that hold for any arrival, and the agreement with numpy.

Refuses to count days the way the code does: expectations are literal, from numpy, or from the date of Easter.
"""

import csv
import random
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from intake.deadlines import (
    add_business_days,
    business_days_between,
    due,
    expected_delivery,
    in_words,
    is_business_day,
    post_by,
)
from intake.errors import ConfigError
from intake.types import Calendar, Counting, Post, PostDays, Promise

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENT_DAY = Promise()
CUT_OFF = Promise(counting=Counting.CUT_OFF)
AT_ONCE = Promise(business_days=0)
GOOD_FRIDAY_CLOSED = Calendar(open=())
BRIDGE = Calendar(closed=(date(2026, 5, 15),))
NEVER_OPEN = Calendar(closed=tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(900)))
CALENDARS = {
    "default": Calendar(),
    "good_friday_closed": GOOD_FRIDAY_CLOSED,
    "5_may_closed": Calendar(closed=(date(2026, 5, 5),)),
    "closed_2026-05-15": BRIDGE,
}
CASES = list(
    csv.DictReader((Path(__file__).parent / "data/deadline_cases.csv").read_text(encoding="utf-8").splitlines())
)


def at(text: str) -> datetime:
    """A local moment in Zwolle."""
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


def trace_of(text: str, promise: Promise = EVENT_DAY, calendar: Calendar | None = None) -> list[str]:
    """The lines about days, without the first, which identifies the calendar."""
    return list(due(at(text), promise, calendar or Calendar(), AMSTERDAM).trace[1:])


# ── the worked examples ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']} {case['note']}" for case in CASES])
@pytest.mark.parametrize(
    ("promise", "column"),
    [(EVENT_DAY, "due_A_event_day"), (CUT_OFF, "due_B_cutoff_roll")],
    ids=["event-day", "cut-off"],
)
def test_a_worked_example_is_due_on_its_date(case: dict[str, str], promise: Promise, column: str) -> None:
    received = datetime.fromisoformat(case["received"])
    deadline = due(received, promise, CALENDARS[case["calendar"]], AMSTERDAM)
    assert deadline.due_on.isoformat() == case[column]
    assert deadline.post_by is None


@pytest.mark.parametrize(
    ("arrived", "due_on"),
    [
        pytest.param("2026-09-07T16:59:59.999999", "2026-09-11", id="a microsecond before"),
        pytest.param("2026-09-07T17:00:00", "2026-09-11", id="on the cut-off"),
        pytest.param("2026-09-07T17:00:00.000001", "2026-09-14", id="a microsecond after"),
        pytest.param("2026-09-07T17:00:01", "2026-09-14", id="a second after"),
        pytest.param("2026-09-12T18:00:00", "2026-09-18", id="late on a Saturday rolls once"),
        pytest.param("2026-04-02T17:01:00", "2026-04-10", id="late before an open Good Friday"),
    ],
)
def test_the_cut_off_itself_is_in_time(arrived: str, due_on: str) -> None:
    assert due(at(arrived), CUT_OFF, Calendar(), AMSTERDAM).due_on.isoformat() == due_on


@pytest.mark.parametrize(
    ("arrived", "counting", "due_on"),
    [
        pytest.param("2026-09-11T12:00", Counting.EVENT_DAY, "2026-09-11", id="an open day is itself"),
        pytest.param("2026-09-12T12:00", Counting.EVENT_DAY, "2026-09-14", id="a Saturday is Monday"),
        pytest.param("2026-04-27T12:00", Counting.EVENT_DAY, "2026-04-28", id="King's Day is the day after"),
        pytest.param("2026-09-11T18:00", Counting.EVENT_DAY, "2026-09-11", id="no cut-off when counting by day"),
        pytest.param("2026-09-11T18:00", Counting.CUT_OFF, "2026-09-14", id="after the cut-off"),
    ],
)
def test_a_promise_of_no_days_is_due_on_the_first_business_day(arrived: str, counting: Counting, due_on: str) -> None:
    promise = Promise(business_days=0, counting=counting)
    assert due(at(arrived), promise, Calendar(), AMSTERDAM).due_on.isoformat() == due_on


def test_another_cut_off_and_target_are_local_times() -> None:
    promise = Promise(counting=Counting.CUT_OFF, cut_off=time(12, 30), target=time(9, 15))
    deadline = due(at("2026-09-11T12:31"), promise, Calendar(), AMSTERDAM)
    assert deadline.due_on == date(2026, 9, 18)
    assert deadline.target_at == at("2026-09-18T09:15")


@pytest.mark.parametrize(
    ("arrived", "target_in_utc"),
    [
        pytest.param("2026-10-22T12:00", "2026-10-28T16:00+00:00", id="from summer into winter time"),
        pytest.param("2027-03-25T16:59", "2027-04-01T15:00+00:00", id="from winter into summer time"),
        pytest.param("2026-09-07T10:00", "2026-09-11T15:00+00:00", id="all in summer time"),
    ],
)
def test_the_target_is_five_in_the_afternoon_on_the_shop_clock(arrived: str, target_in_utc: str) -> None:
    target_at = due(at(arrived), EVENT_DAY, Calendar(), AMSTERDAM).target_at
    assert target_at == datetime.fromisoformat(target_in_utc)
    assert (target_at.tzinfo, target_at.hour) == (AMSTERDAM, 17)


@pytest.mark.parametrize("fold", [0, 1], ids=["first", "second"])
def test_the_hour_that_comes_twice_is_one_date(fold: int) -> None:
    received = at("2026-10-25T02:30").replace(fold=fold)
    assert due(received, EVENT_DAY, Calendar(), AMSTERDAM).due_on == date(2026, 10, 29)


def test_the_local_date_counts_and_not_the_date_in_utc() -> None:
    received = datetime(2026, 9, 10, 22, 30, tzinfo=UTC)
    assert due(received, EVENT_DAY, Calendar(), AMSTERDAM).due_on == date(2026, 9, 17)
    assert due(received, EVENT_DAY, Calendar(), ZoneInfo("UTC")).due_on == date(2026, 9, 16)


def test_an_arrival_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        due(datetime(2026, 9, 7, 10, 0), EVENT_DAY, Calendar(), AMSTERDAM)


def test_a_negative_promise_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 business days"):
        due(at("2026-09-07T10:00"), Promise(business_days=-1), Calendar(), AMSTERDAM)


def test_a_calendar_without_any_open_day_is_refused_and_not_searched_for_ever() -> None:
    with pytest.raises(ConfigError, match="no business day"):
        due(at("2026-09-07T10:00"), EVENT_DAY, NEVER_OPEN, AMSTERDAM)


# ── letters ─────────────────────────────────────────────────────────────────────────────────────────────────────

POSTINGS = [
    ("a plain week, due Monday", Calendar(), "2026-09-14", "2026-09-10"),
    ("a plain week, due Tuesday", Calendar(), "2026-09-15", "2026-09-11"),
    ("a plain week, due Wednesday", Calendar(), "2026-09-16", "2026-09-14"),
    ("a plain week, due Thursday", Calendar(), "2026-09-17", "2026-09-15"),
    ("a plain week, due Friday", Calendar(), "2026-09-18", "2026-09-16"),
    ("Easter, due Tuesday, posted on an open Good Friday", Calendar(), "2026-04-07", "2026-04-03"),
    ("Easter, due Tuesday, Good Friday closed", GOOD_FRIDAY_CLOSED, "2026-04-07", "2026-04-02"),
    ("Easter, due Wednesday, Monday closed", Calendar(), "2026-04-08", "2026-04-03"),
    ("Easter, due Thursday", Calendar(), "2026-04-09", "2026-04-07"),
    ("King's Day on Monday, due Wednesday", Calendar(), "2026-04-29", "2026-04-24"),
    ("King's Day on Tuesday: no delivery, due Wednesday", Calendar(), "2027-04-28", "2027-04-23"),
    ("King's Day on Tuesday: no delivery, due Thursday", Calendar(), "2027-04-29", "2027-04-26"),
    ("King's Day on Saturday: no delivery, due Monday", Calendar(), "2025-04-28", "2025-04-23"),
    ("King's Day on Saturday: no delivery, due Tuesday", Calendar(), "2025-04-29", "2025-04-24"),
    ("the shop's own day off: no posting, the post delivers", BRIDGE, "2026-05-19", "2026-05-13"),
    ("the same without the day off", Calendar(), "2026-05-19", "2026-05-15"),
    ("Whit Monday, due Wednesday", Calendar(), "2026-05-27", "2026-05-22"),
    ("Christmas on Friday and Saturday, due Monday", Calendar(), "2026-12-28", "2026-12-22"),
    ("Christmas on Friday and Saturday, due Tuesday", Calendar(), "2026-12-29", "2026-12-23"),
    ("Christmas on Friday and Saturday, due Thursday", Calendar(), "2026-12-31", "2026-12-29"),
    ("New Year on Friday, due Monday", Calendar(), "2027-01-04", "2026-12-30"),
    ("New Year on Friday, due Tuesday", Calendar(), "2027-01-05", "2026-12-31"),
    ("New Year on Friday, due Wednesday", Calendar(), "2027-01-06", "2027-01-04"),
    ("three days from July 2027: the last posting of the old term", Calendar(), "2027-07-02", "2027-06-30"),
    ("three days from July 2027: a Thursday is too late for Monday", Calendar(), "2027-07-05", "2027-06-30"),
    ("three days from July 2027, due Tuesday", Calendar(), "2027-07-06", "2027-07-01"),
    ("three days from July 2027, due Wednesday", Calendar(), "2027-07-07", "2027-07-02"),
    ("three days from July 2027, due Thursday", Calendar(), "2027-07-08", "2027-07-05"),
    ("three days from July 2027, due Friday", Calendar(), "2027-07-09", "2027-07-06"),
    ("a due date that is no business day", Calendar(), "2026-09-12", "2026-09-10"),
]


@pytest.mark.parametrize(("_case", "calendar", "due_on", "expected"), POSTINGS, ids=[row[0] for row in POSTINGS])
def test_a_letter_is_posted_in_time_to_be_received(_case: str, calendar: Calendar, due_on: str, expected: str) -> None:
    assert post_by(date.fromisoformat(due_on), Post(), calendar).isoformat() == expected


@pytest.mark.parametrize(
    ("posted_on", "calendar", "delivered_on"),
    [
        pytest.param("2026-09-10", Calendar(), "2026-09-12", id="Thursday arrives Saturday"),
        pytest.param("2026-09-11", Calendar(), "2026-09-15", id="Friday arrives Tuesday"),
        pytest.param("2026-09-13", Calendar(), "2026-09-16", id="dropped in the box on Sunday"),
        pytest.param("2026-04-01", Calendar(), "2026-04-03", id="an open Good Friday is a delivery day"),
        pytest.param("2026-04-01", GOOD_FRIDAY_CLOSED, "2026-04-04", id="a closed Good Friday is not"),
        pytest.param("2026-05-13", BRIDGE, "2026-05-16", id="the shop's own day off is a delivery day"),
        pytest.param("2027-06-30", Calendar(), "2027-07-02", id="the day before the term changes"),
        pytest.param("2027-07-01", Calendar(), "2027-07-06", id="the day the term changes"),
    ],
)
def test_a_letter_arrives_on_its_delivery_day(posted_on: str, calendar: Calendar, delivered_on: str) -> None:
    assert expected_delivery(date.fromisoformat(posted_on), Post(), calendar).isoformat() == delivered_on


def test_the_terms_of_the_post_may_stand_in_any_order_and_the_first_holds_before_it() -> None:
    post = Post(terms=(PostDays(date(2027, 7, 1), 3), PostDays(date(2026, 7, 1), 2)))
    assert expected_delivery(date(2026, 1, 6), post, Calendar()) == date(2026, 1, 8)
    assert expected_delivery(date(2027, 7, 6), post, Calendar()) == date(2027, 7, 9)


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(Post(terms=()), id="no terms"),
        pytest.param(Post(terms=(PostDays(date(2000, 1, 1), 0),)), id="a letter that takes no day"),
        pytest.param(Post(weekdays=()), id="never delivered"),
        pytest.param(Post(terms=(PostDays(date(2000, 1, 1), 300),)), id="more than a year on its way"),
    ],
)
def test_a_post_that_cannot_be_used_is_refused(post: Post) -> None:
    with pytest.raises(ConfigError):
        post_by(date(2026, 9, 17), post, Calendar())


def test_a_letter_has_its_target_on_the_post_by_date() -> None:
    deadline = due(at("2026-09-12T12:00"), EVENT_DAY, Calendar(), AMSTERDAM, Post())
    assert (deadline.due_on, deadline.post_by) == (date(2026, 9, 17), date(2026, 9, 15))
    assert deadline.target_at == at("2026-09-15T17:00")


# ── the trace ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_trace_counts_each_day_in_words() -> None:
    assert trace_of("2026-09-11T17:01") == [
        "Arrived Friday 11 September 2026 at 17:01 (Europe/Amsterdam): day 0.",
        "Saturday 12 September: weekend, not counted.",
        "Sunday 13 September: weekend, not counted.",
        "Monday 14 September: day 1.",
        "Tuesday 15 September: day 2.",
        "Wednesday 16 September: day 3.",
        "Thursday 17 September: day 4, the answer is due.",
    ]


def test_the_trace_says_that_the_cut_off_was_missed() -> None:
    assert trace_of("2026-09-11T17:01", CUT_OFF)[:5] == [
        "Arrived Friday 11 September 2026 at 17:01 (Europe/Amsterdam), after the cut-off of 17:00: "
        "counted from the next business day.",
        "Saturday 12 September: weekend, not counted.",
        "Sunday 13 September: weekend, not counted.",
        "Monday 14 September: day 0.",
        "Tuesday 15 September: day 1.",
    ]


REASONS = [
    (
        "an open Good Friday",
        ("2026-04-02T12:00", EVENT_DAY, Calendar()),
        "Friday 3 April: Good Friday, but this shop is open: day 1.",
    ),
    (
        "a closed Good Friday",
        ("2026-04-02T12:00", EVENT_DAY, GOOD_FRIDAY_CLOSED),
        "Friday 3 April: Good Friday, closed.",
    ),
    (
        "King's Day",
        ("2026-04-24T12:00", EVENT_DAY, Calendar()),
        "Monday 27 April: King's Day, closed.",
    ),
    (
        "the shop's own day off",
        ("2026-05-12T12:00", EVENT_DAY, BRIDGE),
        "Friday 15 May: the shop's own day off, closed.",
    ),
    (
        "the next year is named",
        ("2026-12-30T12:00", EVENT_DAY, Calendar()),
        "Friday 1 January 2027: New Year's Day, closed.",
    ),
    (
        "no days, arrived on a closed day",
        ("2026-09-12T12:00", AT_ONCE, Calendar()),
        "Monday 14 September: day 0, the answer is due.",
    ),
    (
        "no days, arrived on an open day",
        ("2026-09-11T12:00", AT_ONCE, Calendar()),
        "Arrived Friday 11 September 2026 at 12:00 (Europe/Amsterdam): day 0, the answer is due.",
    ),
    (
        "seconds, where only they are late",
        ("2026-09-07T17:00:01", CUT_OFF, Calendar()),
        "Arrived Monday 7 September 2026 at 17:00:01 (Europe/Amsterdam), after the cut-off of 17:00: "
        "counted from the next business day.",
    ),
    (
        "arrived on a holiday",
        ("2026-04-27T18:00", CUT_OFF, Calendar()),
        "Arrived Monday 27 April 2026 at 18:00 (Europe/Amsterdam), a closed day (King's Day): "
        "counted from the next business day.",
    ),
]


@pytest.mark.parametrize(("_case", "arrival", "line"), REASONS, ids=[row[0] for row in REASONS])
def test_the_trace_names_the_reason(_case: str, arrival: tuple[str, Promise, Calendar], line: str) -> None:
    assert line in trace_of(*arrival)


def test_the_trace_begins_with_what_it_rests_on() -> None:
    calendar = Calendar("DE", "NW", open=(), closed=(date(2026, 12, 24),))
    first = due(at("2026-09-11T12:00"), CUT_OFF, calendar, AMSTERDAM).trace[0]
    assert re.fullmatch(
        r"Calendar DE-NW \(holidays [\d.]+\); public days kept open: none; own days off: 1; "
        r"counting: cut-off, 4 business days\.",
        first,
    )


def test_the_trace_of_a_letter_ends_with_the_posting() -> None:
    trace = due(at("2026-09-12T12:00"), EVENT_DAY, Calendar(), AMSTERDAM, Post()).trace
    assert list(trace[-3:]) == [
        "The post delivers on Tuesday, Wednesday, Thursday, Friday, Saturday, not on closed public days; "
        "a letter arrives on delivery day 2 after posting.",
        "Post by Tuesday 15 September: delivery day 1 is Wednesday 16 September, "
        "delivery day 2 is Thursday 17 September.",
        "Posted on Wednesday 16 September, it would arrive on Friday 18 September: too late.",
    ]


def test_the_trace_warns_when_no_posted_answer_can_be_in_time() -> None:
    deadline = due(at("2026-09-11T12:00"), Promise(business_days=1), Calendar(), AMSTERDAM, Post())
    assert deadline.post_by == date(2026, 9, 10)
    assert "no posted answer can be in time" in deadline.trace[-1]


# ── how far off ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("due_on", "today", "words"),
    [
        ("2026-09-17", "2026-09-17", "due today"),
        ("2026-09-17", "2026-09-16", "due tomorrow"),
        ("2026-09-17", "2026-09-14", "due Thu 17 Sep, in 3 business days"),
        ("2026-09-14", "2026-09-11", "due Mon 14 Sep, in 1 business day"),
        ("2026-09-14", "2026-09-12", "due Mon 14 Sep, in 1 business day"),
        ("2027-01-04", "2026-12-31", "due Mon 4 Jan 2027, in 1 business day"),
        ("2026-09-13", "2026-09-11", "due Sun 13 Sep"),
        ("2026-09-17", "2026-09-18", "1 business day late"),
        ("2026-09-17", "2026-09-21", "2 business days late"),
        ("2026-09-18", "2026-09-20", "late, due Fri 18 Sep"),
        ("2026-04-24", "2026-04-27", "late, due Fri 24 Apr"),
        ("2026-12-31", "2027-01-01", "late, due Thu 31 Dec 2026"),
    ],
)
def test_a_date_is_said_in_words(due_on: str, today: str, words: str) -> None:
    assert in_words(date.fromisoformat(due_on), date.fromisoformat(today), Calendar()) == words


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        ("2026-09-11", 0, "2026-09-11"),
        ("2026-09-12", 0, "2026-09-14"),
        ("2026-09-12", 1, "2026-09-14"),
        ("2026-09-11", 4, "2026-09-17"),
        ("2026-09-17", -4, "2026-09-11"),
        ("2026-09-13", -1, "2026-09-11"),
        ("2026-04-28", -1, "2026-04-24"),
    ],
)
def test_business_days_are_added_and_taken_off(day: str, n: int, expected: str) -> None:
    assert add_business_days(date.fromisoformat(day), n, Calendar()).isoformat() == expected


# ── against numpy ───────────────────────────────────────────────────────────────────────────────────────────────


def easter(year: int) -> date:
    """Easter Sunday by Meeus, Jones and Butcher: so that numpy is not told the holidays by the code under test."""
    century, rest = divmod(year, 100)
    golden = year % 19
    h = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    leap = (32 + 2 * (century % 4) + 2 * (rest // 4) - h - rest % 4) % 7
    month, day = divmod(h + leap - 7 * ((golden + 11 * h + 22 * leap) // 451) + 114, 31)
    return date(year, month, day + 1)


def dutch_closed_days(year: int) -> list[date]:
    king = date(year, 4, 27)
    moved = king - timedelta(days=1) if king.weekday() == 6 else king
    fixed = [date(year, 1, 1), moved, date(year, 12, 25), date(year, 12, 26)]
    movable = [easter(year) + timedelta(days=days) for days in (1, 39, 50)]
    return fixed + movable + ([date(year, 5, 5)] if year % 5 == 0 else [])


CLOSED = np.array([day for year in range(2023, 2039) for day in dutch_closed_days(year)], dtype="datetime64[D]")


def due_by_numpy(local: datetime, promise: Promise) -> date:
    """The policy is the `roll`: back to the last business day is event-day, forward to the next is cut-off."""
    late = promise.counting is Counting.CUT_OFF and local.time() > promise.cut_off
    start = local.date() + timedelta(days=1) if late else local.date()
    n = promise.business_days
    if promise.counting is Counting.CUT_OFF:
        found = np.busday_offset(np.datetime64(start), n, roll="forward", holidays=CLOSED)
    else:
        found = np.busday_offset(np.datetime64(start), n, roll="backward", holidays=CLOSED)
    return date.fromisoformat(str(found))


def test_ten_thousand_random_moments_of_ten_years_agree_with_numpy() -> None:
    seed = random.randrange(2**32)
    chance, calendar, begin = random.Random(seed), Calendar(), datetime(2024, 1, 1, tzinfo=UTC)
    for _ in range(10_000):
        received = begin + timedelta(seconds=chance.randrange(10 * 366 * 86_400))
        for counting in Counting:
            promise = Promise(business_days=chance.choice([1, 2, 4, 4, 4, 5, 10]), counting=counting)
            expected = due_by_numpy(received.astimezone(AMSTERDAM), promise)
            found = due(received, promise, calendar, AMSTERDAM).due_on
            assert found == expected, f"seed {seed}: {received.isoformat()}, {promise}"


# ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────

laws = hypothesis_settings(deadline=None, max_examples=200)
days = st.dates(date(2024, 1, 1), date(2033, 12, 31))
zones = st.sampled_from([ZoneInfo(key) for key in ("Europe/Amsterdam", "UTC", "America/New_York", "Asia/Tokyo")])
moments = st.datetimes(datetime(2024, 1, 1), datetime(2033, 12, 31), timezones=zones)
promises = st.builds(Promise, business_days=st.integers(0, 12), counting=st.sampled_from(Counting))
own_days = st.lists(days, max_size=30, unique=True).map(tuple)
dutch = st.builds(
    Calendar, open=st.sampled_from([(), ("Good Friday",), ("King's Day", "Good Friday")]), closed=own_days
)
german = st.builds(Calendar, st.just("DE"), st.sampled_from(["", "NW", "BY"]), st.just(()), own_days)
belgian = st.builds(Calendar, st.just("BE"), st.just(""), st.just(()), own_days)
calendars = st.one_of(dutch, german, belgian)
posts = st.builds(
    Post,
    weekdays=st.sampled_from([(1, 2, 3, 4, 5), (0, 1, 2, 3, 4), (0, 2, 4), (5, 1)]),
    terms=st.sampled_from([Post().terms, (PostDays(date(2000, 1, 1), 1),), (PostDays(date(2029, 1, 1), 5),)]),
)


@laws
@given(moments, promises, calendars)
def test_the_due_date_is_a_business_day_and_never_before_the_arrival(
    received: datetime, promise: Promise, calendar: Calendar
) -> None:
    deadline = due(received, promise, calendar, AMSTERDAM)
    assert is_business_day(deadline.due_on, calendar)
    assert deadline.due_on >= received.astimezone(AMSTERDAM).date()
    assert deadline.target_at.date() == deadline.due_on


@laws
@given(moments, st.timedeltas(timedelta(0), timedelta(days=15)), promises, calendars)
def test_what_arrives_later_is_never_due_earlier(
    received: datetime, pause: timedelta, promise: Promise, calendar: Calendar
) -> None:
    later = received.astimezone(UTC) + pause
    first, second = (due(moment, promise, calendar, AMSTERDAM, Post()) for moment in (received, later))
    assert first.due_on <= second.due_on
    assert first.target_at <= second.target_at


@laws
@given(moments, st.integers(0, 12), calendars)
def test_the_cut_off_never_makes_a_date_earlier(received: datetime, n: int, calendar: Calendar) -> None:
    by_day = due(received, Promise(business_days=n), calendar, AMSTERDAM)
    by_cut_off = due(received, Promise(business_days=n, counting=Counting.CUT_OFF), calendar, AMSTERDAM)
    assert by_day.due_on <= by_cut_off.due_on


@laws
@given(days, posts, calendars)
def test_the_post_by_date_is_the_last_on_which_the_answer_arrives_in_time(
    due_on: date, post: Post, calendar: Calendar
) -> None:
    posted_by = post_by(due_on, post, calendar)
    assert is_business_day(posted_by, calendar)
    assert expected_delivery(posted_by, post, calendar) <= due_on
    assert expected_delivery(add_business_days(posted_by, 1, calendar), post, calendar) > due_on


@laws
@given(moments, promises, calendars, st.sampled_from([None, Post()]))
def test_the_trace_names_each_day_from_the_arrival_to_the_due_date_once(
    received: datetime, promise: Promise, calendar: Calendar, post: Post | None
) -> None:
    deadline = due(received, promise, calendar, AMSTERDAM, post)
    arrived_on = received.astimezone(AMSTERDAM).date()
    for n in range((deadline.due_on - arrived_on).days + 1):
        day = arrived_on + timedelta(days=n)
        named = re.compile(rf"(Arrived )?{day:%A} {day.day} {day:%B}( {day.year}\b|:)")
        assert len([line for line in deadline.trace if named.match(line)]) == 1
    assert len([line for line in deadline.trace if "the answer is due" in line]) == 1


@laws
@given(moments, st.integers(1, 12), st.sampled_from(Counting), calendars)
def test_the_trace_counts_up_to_the_promise(received: datetime, n: int, counting: Counting, calendar: Calendar) -> None:
    trace = due(received, Promise(business_days=n, counting=counting), calendar, AMSTERDAM).trace
    counted = [int(found[1]) for line in trace if (found := re.search(r": day (\d+)(?:,|\.)", line))]
    assert counted == list(range(n + 1))


@laws
@given(days, st.integers(-500, 500), calendars)
def test_the_business_days_between_two_dates_are_those_that_a_plain_loop_finds(
    start: date, distance: int, calendar: Calendar
) -> None:
    end, day, count = start + timedelta(days=distance), min(start, start + timedelta(days=distance)), 0
    while day < max(start, end):
        day += timedelta(days=1)
        count += is_business_day(day, calendar)
    assert business_days_between(start, end, calendar) == (count if end >= start else -count)


@laws
@given(days, days)
def test_the_business_days_between_two_dates_are_those_of_numpy(start: date, end: date) -> None:
    first, last = sorted((start, end))
    one = timedelta(days=1)
    count = int(np.busday_count(np.datetime64(first + one), np.datetime64(last + one), holidays=CLOSED))
    assert business_days_between(start, end, Calendar()) == (count if start <= end else -count)


@laws
@given(days, st.integers(1, 30), calendars)
def test_adding_business_days_is_undone_by_counting_them(day: date, n: int, calendar: Calendar) -> None:
    assert business_days_between(day, add_business_days(day, n, calendar), calendar) == n
    assert add_business_days(add_business_days(day, n, calendar), -n, calendar) <= day
