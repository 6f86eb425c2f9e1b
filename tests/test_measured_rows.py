"""What becomes of a promise: facts to rows, rule by rule."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from intake.measuring.facts import CaseFacts
from intake.measuring.rows import Row, rows_of
from tests.plain_facts import CALENDARS, CAME, ZONE, answer, at, case, closed, day, merged, promised, reopened, word

LATER = "30 10:00"
LETTER: dict[str, Any] = {"channel": "letter"}
SECOND = promised("10 12:00", 16, message=2)  # the customer wrote again; Wednesday the 16th is closed, but due is due


def rows_at(*cases: CaseFacts, as_of: str = LATER) -> tuple[Row, ...]:
    return rows_of(cases, ZONE, CALENDARS, at(as_of))


def only(*cases: CaseFacts, as_of: str = LATER) -> Row:
    (row,) = rows_at(*cases, as_of=as_of)
    return row


# name, the answers, and what the row says of them
ANSWERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("a mail is seen in Sent", (answer("09 15:00"),), {"in_time": True, "days_taken": 2, "answered_how": "mail"}),
    ("on the day that it came", (answer("07 16:00"),), {"in_time": True, "days_taken": 0}),
    ("in the last minute of the due date", (answer("11 23:59"),), {"in_time": True, "days_taken": 4}),
    ("in the first minute after it", (answer("12 00:00"),), {"in_time": False, "days_taken": 4}),
    ("on the Monday after it", (answer("14 09:00"),), {"in_time": False, "days_taken": 5}),
    ("a closed day does not count", (answer("17 09:00"),), {"in_time": False, "days_taken": 7}),
    ("on the phone, told at once", (word("09 15:00"),), {"in_time": True, "answered_how": "phone"}),
    ("at the counter, told on the due date", (word("09 15:00", "11 18:00", "counter"),), {"in_time": True}),
    ("told after the due date, by somebody", (word("09 15:00", "14 09:00"),), {"in_time": False, "days_taken": 2}),
    ("in Sent, seen after the due date", (answer("09 15:00", "14 09:00"),), {"in_time": True, "told_on": day(14)}),
    ("a letter that comes on the due date", (word("09 17:00", how="letter", on=11),), {"in_time": True}),
    ("a letter that comes after it", (word("11 17:00", how="letter", on=15),), {"in_time": False, "days_taken": 6}),
    ("before the message, so to another", (answer("07 09:00"),), {"in_time": False, "answered_on": None}),
    ("of two the first", (answer("08 09:00"), answer("10 09:00")), {"days_taken": 1}),
    ("of two the one in time", (word("08 09:00", "20 09:00"), answer("10 09:00")), {"in_time": True, "days_taken": 3}),
    ("nothing", (), {"in_time": False, "days_taken": None, "days_waited": 16, "waits": True}),
]


@pytest.mark.parametrize(("answers", "expected"), [pytest.param(*more, id=name) for name, *more in ANSWERS])
def test_an_answer_counts_on_its_day_if_it_was_known(answers: tuple[Any, ...], expected: dict[str, Any]) -> None:
    row = only(case(answers=answers))
    assert {name: getattr(row, name) for name in expected} == expected


# name, the answer, when and by whom the case was opened again, and whether the promise was kept
AGAIN: list[tuple[str, Any, Any, bool]] = [
    ("told, and taken back by a person", word("09 15:00"), reopened("09 15:01"), False),
    ("told of a letter, and taken back", word("09 17:00", how="letter", on=10), reopened("20 09:00"), False),
    ("told, and opened again by the customer", word("09 15:00"), reopened("10 12:00", by_person=False), True),
    ("opened again before it was told", word("09 15:00", "09 16:00"), reopened("09 15:30"), True),
    ("opened again after the day that is looked at", word("09 15:00"), reopened("30 10:01"), True),
    ("seen in Sent", answer("09 15:00"), reopened("09 15:01"), True),
    (
        "a letter that was posted from Intake",
        answer("09 17:00", how="letter", on=10, seen=False),
        reopened("11 09:00"),
        True,
    ),
]


@pytest.mark.parametrize(("told", "again", "in_time"), [pytest.param(*more, id=name) for name, *more in AGAIN])
def test_who_opens_a_case_again_takes_back_what_was_only_told(told: Any, again: Any, in_time: bool) -> None:
    row = only(case(answers=(told,), reopened=(again,)))
    assert (row.in_time, row.waits) == (in_time, not in_time)


def test_what_is_told_anew_after_it_was_taken_back_counts() -> None:
    row = only(case(answers=(word("08 15:00"), word("10 15:00")), reopened=(reopened("09 09:00"),)))
    assert (row.in_time, row.days_taken) == (True, 3)


@pytest.mark.parametrize(("again", "in_time"), [("08 10:00", True), ("09 10:00", False)])
def test_an_answer_that_was_told_of_a_merged_case_is_taken_back_in_the_other(again: str, in_time: bool) -> None:
    gone = case("B", answers=(word("08 09:00"),), merges=(merged("08 11:00", "A"),))
    stays = case("A", promised("08 09:00", 14, message=2), reopened=(reopened(again),))
    assert next(row for row in rows_at(gone, stays) if row.member == "B").in_time is in_time


# name, the closings and reopenings, the answers, and why it is excluded with whether it is in time
ENDINGS: list[tuple[str, dict[str, Any], str, bool]] = [
    ("withdrawn by the due date", {"closings": (closed("11 20:00", "withdrawn"),)}, "withdrawn", False),
    ("withdrawn after it", {"closings": (closed("12 09:00", "withdrawn"),)}, "", False),
    ("a duplicate by the due date", {"closings": (closed("08 09:00", "duplicate"),)}, "duplicate", False),
    ("spam, found out late", {"closings": (closed("25 09:00", "spam"),)}, "spam", False),
    ("business, found out late", {"closings": (closed("25 09:00", "business"),)}, "business", False),
    ("no complaint", {"closings": (closed("08 09:00", "no-complaint"),)}, "no-complaint", False),
    ("agreed is no answer", {"closings": (closed("08 09:00", "agreed"),)}, "", False),
    ("settled is no answer", {"closings": (closed("08 09:00", "settled"),)}, "", False),
    (
        "withdrawn, and opened again by a person",
        {"closings": (closed("08 09:00", "withdrawn"),), "reopened": (reopened("20 09:00"),)},
        "",
        False,
    ),
    (
        "withdrawn, and opened again by the customer",
        {"closings": (closed("08 09:00", "withdrawn"),), "reopened": (reopened("20 09:00", by_person=False),)},
        "withdrawn",
        False,
    ),
    (
        "withdrawn, opened again and withdrawn again, in time",
        {
            "closings": (closed("08 09:00", "withdrawn"), closed("10 09:00", "withdrawn")),
            "reopened": (reopened("09 09:00"),),
        },
        "withdrawn",
        False,
    ),
    (
        "withdrawn, opened again, and spam after all",
        {
            "closings": (closed("08 09:00", "withdrawn"), closed("20 09:00", "spam")),
            "reopened": (reopened("09 09:00"),),
        },
        "spam",
        False,
    ),
    (
        "spam, and opened again by the customer",
        {"closings": (closed("08 09:00", "spam"),), "reopened": (reopened("09 09:00", by_person=False),)},
        "",
        False,
    ),
    (
        "spam, opened again and answered in time",
        {
            "closings": (closed("08 09:00", "spam"),),
            "reopened": (reopened("09 09:00"),),
            "answers": (answer("10 09:00"),),
        },
        "",
        True,
    ),
    (
        "answered, and then withdrawn: it counts",
        {"closings": (closed("09 09:00", "withdrawn"),), "answers": (answer("08 09:00"),)},
        "",
        True,
    ),
]


@pytest.mark.parametrize(("facts", "excluded", "in_time"), [pytest.param(*more, id=name) for name, *more in ENDINGS])
def test_a_closing_excludes_what_nobody_waits_for(facts: dict[str, Any], excluded: str, in_time: bool) -> None:
    row = only(case(**facts))
    assert (row.excluded, row.in_time) == (excluded, in_time)
    assert (row.excluded_by, row.excluded_at is not None) == (("mirjam", True) if excluded else ("", False))


def test_a_closed_case_is_missed_and_waits_no_longer() -> None:
    row = only(case(closings=(closed("15 09:00", "agreed"),)))
    assert (row.in_time, row.waits, row.closed_on, row.days_waited) == (False, False, day(15), 6)
    again = case(closings=(closed("15 09:00", "agreed"),), reopened=(reopened("17 09:00", by_person=False),))
    assert only(again).waits


def test_merged_by_the_due_date_it_counts_as_the_other() -> None:
    first = case("A", answers=(answer("09 09:00"),))
    second = case("B", promised("08 09:00", 14, message=2), merges=(merged("08 11:00", "A"),))
    rows = {row.member: row for row in rows_at(first, second)}
    assert (rows["B"].case, rows["B"].in_time, rows["B"].days_taken) == ("A", True, 1)
    assert (rows["A"].case, rows["A"].in_time) == ("A", True)


def test_merged_after_the_due_date_it_counts_by_itself_and_is_missed() -> None:
    """The other case was answered in time; that this one was, is known only from the merge on."""
    first = case("A", answers=(answer("09 09:00"),))
    second = case("B", promised("08 09:00", 14, message=2), merges=(merged("15 11:00", "A"),))
    row = next(row for row in rows_at(first, second) if row.member == "B")
    assert (row.case, row.in_time, row.answered_on, row.told_on) == ("B", False, day(9), day(15))


def test_the_answer_of_the_merged_case_counts_for_the_one_that_stays() -> None:
    """The other direction: B was answered, and A took it in by its own due date."""
    first = case("A", promised("08 09:00", 14, message=2))
    second = case("B", answers=(answer("09 09:00"),), merges=(merged("10 11:00", "A"),))
    row = next(row for row in rows_at(first, second) if row.member == "A")
    assert (row.in_time, row.told_on) == (True, day(10))


def test_a_chain_of_merges_counts_as_far_as_it_went_by_the_due_date() -> None:
    first = case("A", merges=(merged("08 11:00", "B"),))
    second = case("B", promised("08 09:00", 14, message=2), merges=(merged("20 11:00", "C"),))
    third = case("C", promised("08 10:00", 14, message=3), answers=(answer("10 09:00"),))
    rows = {row.member: row for row in rows_at(first, second, third)}
    assert {name: row.case for name, row in rows.items()} == {"A": "B", "B": "B", "C": "C"}
    assert {name: row.in_time for name, row in rows.items()} == {"A": False, "B": False, "C": True}


def test_a_merge_with_what_is_not_known_leads_nowhere() -> None:
    assert only(case("A", merges=(merged("08 11:00", "Z"),))).case == "A"


def test_a_ring_of_merges_ends() -> None:
    ring = [
        case("A", merges=(merged("08 11:00", "B"),)),
        case("B", promised(message=2), merges=(merged("08 12:00", "A"),)),
    ]
    assert len(rows_at(*ring)) == 2


def test_what_is_split_off_takes_its_promise_along() -> None:
    """What opened the case again was another matter: the answer to the old case is none to the new one."""
    first = case("A", promised(), SECOND, answers=(answer("08 09:00"), answer("12 09:00")))
    own = case("B", replace(SECOND, made_at=at("11 09:00")), answers=(answer("17 09:00"),))
    rows = {row.member: row for row in rows_at(first, own)}
    assert len(rows) == 2
    assert (rows["A"].in_time, rows["A"].reopened_on) == (True, None)
    assert (rows["B"].sequence, rows["B"].due_on, rows["B"].in_time) == (1, day(16), False)
    before = rows_at(first, own, as_of="10 20:00")
    assert [(row.member, row.sequence) for row in before] == [("A", 1), ("A", 2)]


@pytest.mark.parametrize(("came", "due", "counts"), [("05 12:00", 10, 10), ("08 12:00", 14, 11)])
def test_of_two_dates_for_one_message_the_earlier_holds(came: str, due: int, counts: int) -> None:
    """A record came after the scan, and told another day."""
    guessed = promised("07 12:00", 11, dated=False, **LETTER)
    told = promised(came, due, made="09 10:00", **LETTER)
    row = only(case("A", guessed, told))
    assert (row.due_on, row.dated) == (day(counts), True)
    before = only(case("A", guessed, told), as_of="09 09:00")
    assert (before.due_on, before.dated) == (day(11), False)


def test_a_record_that_comes_late_lets_no_older_answer_count() -> None:
    """B was answered before A's letter was thought to have come; a day that is told later makes nothing of that."""
    letters = [promised("09 12:00", 15, **LETTER), promised("07 12:00", 11, made="17 10:00", **LETTER)]
    stays = case("A", *letters)
    other = case("B", promised("07 09:00", message=2), answers=(answer("08 09:00"),), merges=(merged("10 09:00", "A"),))
    assert not next(row for row in rows_at(stays, other) if row.member == "A").in_time


def test_who_writes_again_is_promised_again() -> None:
    twice = case(
        "A", promised(), SECOND, answers=(answer("08 09:00"),), reopened=(reopened("10 12:00", by_person=False),)
    )
    first, second = rows_at(twice)
    assert (first.in_time, first.reopened_on, second.in_time, second.waits) == (True, day(10), False, True)
    assert [first.sequence, second.sequence] == [1, 2]


def test_a_person_who_opens_a_case_again_promises_nothing_anew() -> None:
    row = only(case(answers=(answer("08 09:00"), answer("20 09:00")), reopened=(reopened("15 09:00"),)))
    assert (row.in_time, row.days_taken, row.reopened_on) == (True, 1, None)


def test_mere_thanks_are_no_complaint_and_do_not_reopen() -> None:
    thanked = case("A", promised(), SECOND, answers=(answer("08 09:00"),), closings=(closed("10 15:00", "thanks"),))
    first, second = rows_at(thanked)
    assert (first.in_time, first.reopened_on) == (True, None)
    assert second.excluded == "thanks"


def test_thanks_that_lie_there_until_the_date_is_past_count() -> None:
    late = case("A", promised(), SECOND, answers=(answer("08 09:00"),), closings=(closed("17 15:00", "thanks"),))
    first, second = rows_at(late)
    assert (first.reopened_on, second.excluded, second.in_time) == (day(10), "", False)


def test_what_was_brought_in_as_answered_does_not_count_and_covers_nothing_else() -> None:
    imported = case("A", promised(made="20 09:00", answered_before=True), promised("21 09:00", 25, message=2))
    first, second = rows_at(imported)
    assert (first.excluded, first.excluded_by, first.excluded_at) == ("before", "import", at("20 09:00"))
    assert (second.excluded, second.in_time) == ("", False)
    answered = replace(imported, answers=(answer("22 09:00"),))
    assert [row.excluded for row in rows_at(answered)] == ["before", ""]


def test_nothing_answers_what_was_not_known_yet() -> None:
    """The shop phoned while the mailbox was away; the customer's second mail lay there, and is open still."""
    second = promised("10 12:00", 16, message=2, made="11 09:00")
    first_row, second_row = rows_at(case("A", promised(), second, answers=(word("10 14:00"),)))
    assert (first_row.in_time, second_row.in_time, second_row.waits) == (True, False, True)


def test_a_letter_that_came_on_the_day_of_an_answer_was_not_answered_by_it() -> None:
    letter = promised("09 12:00", 15, message=2, made="10 09:00", **LETTER)
    _, row = rows_at(case("A", promised(), letter, answers=(answer("09 09:00"),)))
    assert row.waits


def test_a_letter_answered_on_the_day_that_it_came_is_answered() -> None:
    """Of a letter only the day is known: noon says nothing."""
    letter = promised("09 12:00", 15, made="09 09:00", **LETTER)
    assert only(case("A", letter, answers=(answer("09 09:30"),))).in_time


def test_a_letter_posted_on_the_evening_of_a_mail_answers_it() -> None:
    posted = word("07 17:00", "08 09:00", "letter", on=9)
    assert only(case("A", promised("07 18:00", 11), answers=(posted,))).in_time


def test_the_customer_is_acknowledged_once_for_the_first_message() -> None:
    told = (at("07 10:05"), at("10 12:05"))
    first, second = rows_at(case("A", promised(), SECOND, acknowledged=told))
    assert (first.acknowledged_at, second.acknowledged_at) == (told[0], None)


@pytest.mark.parametrize(("zone", "told", "in_time"), [("Europe/Amsterdam", 12, False), ("Europe/London", 11, True)])
def test_days_are_those_of_the_shop(zone: str, told: int, in_time: bool) -> None:
    """Half past ten in the evening in UTC is the next day in Amsterdam, and the same one in London."""
    said = case(answers=(word("11 15:00", "12 00:30"),))
    (row,) = rows_of([said], ZoneInfo(zone), CALENDARS, at(LATER))
    assert (row.told_on, row.in_time) == (day(told), in_time)


def test_days_are_those_of_the_zone_in_which_it_was_promised() -> None:
    """A mail of six in the morning after the due date lies on the day before in New York; the promise was made here."""
    late = case("A", promised(time_zone="Europe/Amsterdam"), answers=(replace(answer("12 05:00"), on=None),))
    for shop in ("Europe/Amsterdam", "America/New_York"):
        (row,) = rows_of([late], ZoneInfo(shop), CALENDARS, at(LATER))
        assert (row.answered_on, row.in_time, row.time_zone) == (day(12), False, "Europe/Amsterdam")
    old = replace(late, promised=(promised(),))
    (row,) = rows_of([old], ZoneInfo("America/New_York"), CALENDARS, at(LATER))
    assert (row.answered_on, row.in_time, row.time_zone) == (day(11), True, "America/New_York")


def test_the_rows_of_a_past_moment_know_nothing_of_what_came_later() -> None:
    known = case(answers=(answer("09 15:00"),), closings=(closed("20 09:00", "spam"),))
    assert rows_at(known, as_of="09 14:00") == rows_at(case(), as_of="09 14:00")
    assert rows_at(known, as_of="10 14:00") == rows_at(case(answers=(answer("09 15:00"),)), as_of="10 14:00")
    assert rows_at(known, as_of="06 14:00") == ()


def test_rows_come_by_due_date() -> None:
    assert CAME == "07 10:00"
    late, soon = case("A", promised("09 09:00", 15)), case("B", promised(message=2))
    assert [row.case for row in rows_at(late, soon)] == ["B", "A"]
