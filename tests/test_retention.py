"""How long a case is kept: the rule by itself, and what a night takes."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.config import Retention
from intake.pipeline import keep_retention
from intake.pipeline.retaining import ending_of, forget_what_is_due, preview
from intake.rules.retention import HELD, OPEN, Ending, add_months, is_time, keep, shortest_term
from storage.erasing import Family
from storage.models import CaseState, Fate
from storage.processing import Processing
from storage.store import Store
from tests.builders import MONDAY, make_config, make_house, shop_settings
from tests.counter import Clock
from tests.records import a_case, a_deadline, a_message, an_arrival, an_event

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
TERMS = st.dictionaries(st.sampled_from(["safety", "refund", "other"]), st.integers(1, 120))
TOPICS = st.frozensets(st.sampled_from(["safety", "refund", "other", "none"]))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 2, 29), 24, date(2026, 2, 28)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2024, 6, 30), 24, date(2026, 6, 30)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("topics", "until", "why"),
    [
        ({"del_none"}, date(2026, 9, 7), "24 months"),
        ({"del_none", "safety"}, date(2029, 9, 7), "safety: 60 months"),
        ({"refund", "safety"}, date(2031, 9, 7), "refund: 84 months"),
        ({"conduct"}, date(2025, 3, 7), "conduct: 6 months"),
    ],
)
def test_a_term_of_its_own_holds_and_of_several_the_longest(topics: set[str], until: date, why: str) -> None:
    terms = Retention(categories={"safety": 60, "refund": 84, "conduct": 6})
    kept = keep(Ending(date(2024, 9, 7), frozenset(topics)), terms)
    assert (kept.until, kept.why) == (until, why)
    assert not kept.is_over(until)
    assert kept.is_over(until + timedelta(days=1))


def test_what_is_open_or_held_is_kept_without_an_end() -> None:
    assert keep(Ending(None, held=True), Retention()).why == OPEN
    assert keep(Ending(date(2000, 1, 1), held=True), Retention()).why == HELD
    assert not keep(Ending(date(2000, 1, 1), held=True), Retention()).is_over(date(2100, 1, 1))


@given(DAYS, DAYS, TERMS, TOPICS)
def test_what_ended_later_is_never_kept_shorter(one: date, two: date, terms: dict[str, int], topics: Any) -> None:
    first, second = sorted((one, two))
    retention = Retention(categories=terms)
    earlier, later = (keep(Ending(day, topics), retention).until for day in (first, second))
    assert earlier is not None
    assert later is not None
    assert earlier <= later


@given(DAYS, TERMS, TOPICS, TOPICS)
def test_another_topic_never_shortens_a_term_of_its_own(day: date, terms: dict[str, int], a: Any, b: Any) -> None:
    retention = Retention(categories=terms)
    alone, both = keep(Ending(day, a), retention), keep(Ending(day, a | b), retention)
    assert alone.until is not None
    assert both.until is not None
    assert both.until >= alone.until or not a & terms.keys()
    assert both.until >= add_months(day, shortest_term(retention))


@given(st.lists(st.tuples(DAYS, st.booleans()), min_size=1, max_size=5))
def test_cases_that_were_merged_end_with_the_last_of_them(days: list[tuple[date, bool]]) -> None:
    shop = make_config(Path("unused")).shops[0]
    cases = []
    for number, (day, closed) in enumerate(days):
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        ended = {"closed_at": moment} if closed else {"answered_at": moment}
        cases.append(a_case(f"SIS-2026-{number:04d}", opened_at=datetime(1999, 1, 1, tzinfo=UTC), **ended))
    assert ending_of(Family(cases[0], tuple(cases[1:])), shop).ended_on == max(day for day, _ in days)


NIGHT = datetime(2026, 9, 8, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (NIGHT, None, True),
        (NIGHT.replace(hour=12), None, False),
        (NIGHT, NIGHT - timedelta(days=1), True),
        (NIGHT.replace(hour=4), NIGHT, False),
        (NIGHT.replace(hour=5), NIGHT - timedelta(hours=20), False),
        (NIGHT.replace(hour=12), NIGHT - timedelta(hours=13), False),
        (NIGHT.replace(hour=12), NIGHT - timedelta(hours=24), True),
    ],
)
def test_it_is_time_once_a_night_or_when_a_day_was_left_out(now: datetime, last: Any, expected: bool) -> None:
    assert is_time(now, last) is expected


def a_past(store: Store) -> None:
    """Cases that ended 24 months and a day before MONDAY, and messages of none of several ages."""
    ended = datetime(2024, 9, 6, 9, 0, tzinfo=UTC)
    arrivals = iter(store.receive([an_arrival(uid) for uid in range(1, 20)]))

    def case(unit: Processing, number: int, **changes: Any) -> int:
        values = {"state": CaseState.CLOSED, "closed_at": ended, "closed_as": "thanks", "subject": "Geheim", **changes}
        case_id = unit.open_case(a_case(f"SIS-2024-{number:04d}", **values), ["jan@example.com"])
        arrival = next(arrivals)
        message = a_message(arrival, fate=Fate.OPENED, case_id=case_id, text="Geheim", from_address="jan@example.com")
        message_id = unit.add_message(message)
        unit.add_deadline(a_deadline(case_id, message_id))
        unit.add_event(an_event(case_id=case_id, arrival_id=arrival))
        unit.finish_arrival(arrival)
        return case_id

    with store.processing() as unit:
        case(unit, 1)
        case(unit, 2, closed_at=ended + timedelta(days=1))
        case(unit, 3, labels=["safety"])
        case(unit, 4, legal_hold="Dagvaarding")
        case(unit, 5, state=CaseState.OPEN, closed_at=None)
        root = case(unit, 6, state=CaseState.ANSWERED, answered_at=ended, closed_at=None)
        case(unit, 7, state=CaseState.MERGED, merged_into_id=root, closed_at=None, opened_at=ended)
        case(unit, 8, state=CaseState.ANSWERED, answered_at=ended, closed_at=MONDAY)
        into = case(unit, 10)  # as old as the first, but a later answer was merged into it
        case(unit, 20, state=CaseState.MERGED, merged_into_id=into, closed_at=None, answered_at=MONDAY)
        case(unit, 9, escalations=[{"to": "gc", "name": "GC", "on": "2025-01-10", "ended": "2025-02-01"}])
        for kind, days in (("spam", 31), ("spam", 30), ("automatic", 91), ("automatic", 90), ("spam", 91)):
            at = MONDAY - timedelta(days=days, hours=10)
            unit.add_message(a_message(next(arrivals), reason_kind=kind, text="Geheim", stored_at=at))
        unit.add_message(a_message(next(arrivals), fate=Fate.FAILED, reason_kind="TYPE", stored_at=at))


def test_a_night_takes_what_was_previewed_and_leaves_the_rest(database: str, tmp_path: Path) -> None:
    with make_house(make_config(tmp_path / "data", database), MONDAY) as house:
        a_past(house.store)
        (told,) = preview(house.store, house.config, MONDAY)
        report = forget_what_is_due(house)
        cases = house.store.list_cases(states=tuple(CaseState))
        (after,) = preview(house.store, house.config, MONDAY)
        blank = {case.reference[-1] for case in cases if not case.subject}
    assert [(line.reference[-1], [name[-1] for name in line.merged]) for line in told.due] == [("1", []), ("6", ["7"])]
    assert told.messages == {"TYPE": 1, "automatic": 1, "spam": 2}
    assert [(line.reference[-1], line.why) for line in told.kept] == [("3", "safety: 60 months"), ("4", HELD)]
    assert (told.open, told.later, told.next_on) == (1, 4, date(2026, 9, 8))
    assert blank == {"1", "6", "7"} == {reference[-1] for reference in report.cases}
    assert {case.reference[-1] for case in cases if case.anonymised_at == MONDAY} == blank
    assert report.messages == 4
    assert (after.due, after.messages, after.kept) == ((), {}, told.kept)


def test_a_night_takes_what_was_kept_for_its_term_and_no_day_longer(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 9, 7, 21, 0, tzinfo=UTC))  # 23:00 in Zwolle
    with make_house(make_config(tmp_path / "data", "", [shop_settings()]), clock) as house:
        a_past(house.store)
        assert not keep_retention(house)
        clock.move(hours=3)
        assert keep_retention(house)
        assert not keep_retention(house)
        cases = house.store.list_cases(states=tuple(CaseState))
        beats = {beat.name: beat.good_at for beat in house.store.heartbeats()}
    assert {case.reference[-1] for case in cases if case.anonymised_at} == {"1", "2", "6", "7"}
    assert beats["retention"] == clock()


def test_old_copies_of_the_database_go_with_the_night(tmp_path: Path) -> None:
    copies = tmp_path / "data" / "copies"
    with make_house(make_config(tmp_path / "data"), lambda: datetime.now(UTC) + timedelta(days=31)) as house:
        (copies / "intake-before-migration-20240101T000000Z.db").write_bytes(b"old")
        (copies / "mine.db").write_bytes(b"somebody's own")
        forget_what_is_due(house)
    assert [path.name for path in copies.iterdir()] == ["mine.db"]
