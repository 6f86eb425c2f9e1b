"""From what the house wrote down to the facts that are measured: everything as people and the pipeline do it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from holidays.version import __version__ as holidays_version

from intake import casework
from intake.casework import Answered
from intake.evidence import audit
from intake.guarantee import collect
from intake.measuring.rows import Row
from intake.pipeline import process, receive_files
from intake.pipeline.answering import answer_case
from intake.sources.files import FoundMail
from storage.models import CaseState
from tests.builders import MONDAY, mail, make_config, shop_settings
from tests.test_casework import FIRST, FOLLOW_UP, OTHER, SECOND, THIRD, TUESDAY, WEDNESDAY, Office, office

DUE = date(2026, 9, 11)
THURSDAY = MONDAY + timedelta(days=3)
MUCH_LATER = MONDAY + timedelta(days=30)


def rows_of(desk: Office) -> dict[str, Row]:
    """The rows by the case that they were made in, and of later promises by `REFERENCE.2`."""
    shop = desk.house.config.shops[0]
    rows = collect(desk.house.store, shop, MUCH_LATER.date()).rows_at(MUCH_LATER)
    return {row.member if row.sequence == 1 else f"{row.member}.{row.sequence}": row for row in rows}


def test_answers_and_closings_are_known_with_who_said_so(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        third = mail("Waar is mijn fiets?", sender="C <c@example.com>", message_id="<c@example.com>")
        desk.take_in(mail(), OTHER, third)
        desk.clock.now = THURSDAY
        casework.answer(desk.house, FIRST, Answered("phone", TUESDAY.date()), "mirjam")
        casework.answer(desk.house, SECOND, Answered("letter", WEDNESDAY.date()), "mirjam")
        casework.close(desk.house, THIRD, "withdrawn", "mirjam")
        rows = rows_of(desk)
        phoned, posted, withdrawn = rows[FIRST], rows[SECOND], rows[THIRD]
        assert (phoned.answered_how, phoned.answered_on, phoned.told_on) == ("phone", TUESDAY.date(), THURSDAY.date())
        assert (phoned.in_time, phoned.seen, phoned.days_taken, phoned.due_on) == (True, False, 1, DUE)
        assert (posted.answered_how, posted.answered_on) == ("letter", date(2026, 9, 11))
        assert (withdrawn.excluded, withdrawn.excluded_by) == ("withdrawn", "mirjam")
        desk.clock.now = MUCH_LATER - timedelta(days=1)
        casework.reopen(desk.house, THIRD, "mirjam")
        assert (rows_of(desk)[THIRD].excluded, rows_of(desk)[THIRD].waits) == ("", True)


def test_a_promise_is_stored_with_all_that_it_was_counted_by(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(mail())
        (promise,) = (one.promise for one in desk.file().deadlines)
        calendar = {"country": "NL", "subdivision": "", "open": ["Good Friday"], "closed": []}
        by = {"business_days": 4, "counting": "event-day", "cut_off": "17:00", "time_zone": "Europe/Amsterdam"}
        assert promise == {**by, "holidays": holidays_version, "calendar": calendar}


def test_a_shop_that_moves_to_another_zone_keeps_no_promise_by_it(tmp_path: Path) -> None:
    """It was answered at five on the morning after the due date; that is the day before in New York."""
    with office(tmp_path) as desk:
        desk.take_in(mail())
        desk.clock.now = datetime(2026, 9, 12, 3, tzinfo=UTC)
        with desk.house.store.processing() as unit:
            answer_case(desk.house, unit, desk.case(), "mail", desk.clock.now, "manager, by mail", draft="by hand")
        (moved,) = make_config(tmp_path, shops=[shop_settings(time_zone="America/New_York")]).shops
        for shop in (*desk.house.config.shops, moved):
            (row,) = collect(desk.house.store, shop, MUCH_LATER.date()).rows_at(MUCH_LATER)
            assert (row.answered_on, row.in_time) == (date(2026, 9, 12), False)


def test_a_date_that_is_moved_moves_no_promise(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(mail())
        casework.move_due(desk.house, FIRST, date(2026, 9, 15), "the part is on its way", "mirjam")
        desk.clock.now = datetime(2026, 9, 15, 9, tzinfo=UTC)
        casework.answer(desk.house, FIRST, Answered("mail", date(2026, 9, 15)), "mirjam")
        facts = collect(desk.house.store, desk.house.config.shops[0], MUCH_LATER.date())
        (row,) = facts.rows_at(MUCH_LATER)
        assert (row.due_on, row.in_time, row.days_taken) == (DUE, False, 6)
        assert facts.cases[0].moved == (MONDAY,)


def test_merged_cases_are_one_and_count_no_promise_twice(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(OTHER, mail(), at=TUESDAY)
        casework.merge(desk.house, SECOND, FIRST, "mirjam")
        desk.clock.now = WEDNESDAY
        casework.answer(desk.house, FIRST, Answered("mail", WEDNESDAY.date()), "mirjam")
        rows = rows_of(desk)
        assert {name: (row.case, row.due_on, row.in_time) for name, row in rows.items()} == {
            FIRST: (FIRST, date(2026, 9, 14), True),
            SECOND: (FIRST, DUE, True),
        }


def test_who_writes_again_is_promised_again_and_what_is_split_off_goes_along(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(mail())
        desk.clock.now = MONDAY + timedelta(hours=2)
        casework.answer(desk.house, FIRST, Answered("mail", MONDAY.date()), "mirjam")
        desk.take_in(FOLLOW_UP, at=TUESDAY)
        rows = rows_of(desk)
        assert (rows[FIRST].in_time, rows[FIRST].reopened_on) == (True, TUESDAY.date())
        assert (rows[f"{FIRST}.2"].due_on, rows[f"{FIRST}.2"].waits) == (date(2026, 9, 14), True)
        desk.clock.now = WEDNESDAY
        casework.split(desk.house, FIRST, desk.file().messages[-1].id or 0, "mirjam")
        desk.clock.now = THURSDAY
        casework.answer(desk.house, SECOND, Answered("counter", THURSDAY.date()), "mirjam")
        rows = rows_of(desk)
        assert set(rows) == {FIRST, SECOND}
        assert (rows[FIRST].reopened_on, rows[SECOND].due_on, rows[SECOND].in_time) == (None, date(2026, 9, 14), True)


def test_what_came_earlier_and_is_joined_later_keeps_its_own_date(database: str, tmp_path: Path) -> None:
    """It was set aside as spam on Monday; three weeks later the customer asks again, and a person finds it."""
    aside = mail(x_spam_flag="YES")
    again, soon = MONDAY + timedelta(days=21), MONDAY + timedelta(days=22)
    with office(tmp_path, database) as desk:
        desk.take_in(aside)
        desk.take_in(mail("Waar blijft mijn pakket?", message_id="<b@example.com>", sent=again), at=again)
        (number,) = (line.arrival.id or 0 for line in desk.house.store.list_arrivals() if not line.reference)
        casework.join_arrival(desk.house, number, FIRST, "mirjam")
        assert (desk.case().due_on, len(desk.file().deadlines)) == (DUE, 2)
        desk.clock.now = soon
        casework.answer(desk.house, FIRST, Answered("phone", soon.date()), "mirjam")
        rows = rows_of(desk)
        assert {name: (row.due_on, row.in_time) for name, row in rows.items()} == {
            FIRST: (DUE, False),
            f"{FIRST}.2": (date(2026, 10, 2), True),
        }
        assert not audit(desk.house.store, desk.house.config.shops, ()).findings


def test_what_is_joined_to_an_open_case_and_came_later_has_no_date_of_its_own(tmp_path: Path) -> None:
    """Nor where the day was moved since."""
    with office(tmp_path) as desk:
        desk.take_in(mail())
        casework.move_due(desk.house, FIRST, date(2026, 9, 30), "the part is on its way", "mirjam")
        desk.take_in(FOLLOW_UP, at=TUESDAY)
        assert (desk.case().due_on, set(rows_of(desk))) == (date(2026, 9, 30), {FIRST})


def test_thanks_that_came_earlier_have_no_date(tmp_path: Path) -> None:
    thanks = mail("Dank u wel!", message_id="<t@example.com>", x_spam_flag="YES")
    with office(tmp_path) as desk:
        desk.take_in(thanks)
        desk.take_in(mail(message_id="<b@example.com>", sent=TUESDAY), at=TUESDAY)
        (number,) = (line.arrival.id or 0 for line in desk.house.store.list_arrivals() if not line.reference)
        casework.join_arrival(desk.house, number, FIRST, "mirjam")
        assert set(rows_of(desk)) == {FIRST}


@pytest.mark.parametrize(("text", "waits"), [("Wacht, het is ook kapot.", True), ("Dank u wel!", False)])
def test_what_came_after_an_answer_that_is_told_later_waits(tmp_path: Path, text: str, waits: bool) -> None:
    """Somebody says on Tuesday that it was answered on Monday; the customer wrote again on Tuesday morning."""
    again = mail(text, message_id="<b@example.com>", in_reply_to="<first@example.com>", sent=TUESDAY)
    with office(tmp_path) as desk:
        desk.take_in(mail())
        desk.take_in(again, at=TUESDAY)
        desk.clock.now = TUESDAY + timedelta(hours=5)
        case = casework.answer(desk.house, FIRST, Answered("phone", MONDAY.date()), "mirjam")
        assert (case.state, case.due_on) == (
            (CaseState.OPEN, date(2026, 9, 14)) if waits else (CaseState.ANSWERED, DUE)
        )
        rows = rows_of(desk)
        assert rows[FIRST].in_time
        assert [name for name, row in rows.items() if row.waits] == ([f"{FIRST}.2"] if waits else [])
        assert len(desk.file().drafts) == (3 if waits else 1)
        assert not audit(desk.house.store, desk.house.config.shops, ()).findings


def test_what_is_brought_in_as_answered_is_told_and_does_not_count(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        shop = desk.house.config.shops[0]
        list(receive_files(desk.house, shop, iter([FoundMail("old.eml", mail())]), answered=True))
        process(desk.house)
        assert (rows_of(desk)[FIRST].excluded, rows_of(desk)[FIRST].excluded_by) == ("before", "import")


def test_a_mail_from_the_beginning_of_time_stops_no_measuring(tmp_path: Path) -> None:
    """Without any other date an imported mail came when it says."""
    with office(tmp_path) as desk:
        dates = (
            b"Fri, 01 Jan 0001 00:00:00 +0000",
            b"Mon, 01 Jan 1900 00:00:00 +0000",
            b"Fri, 31 Dec 9999 23:59:59 -1200",
        )
        mails = [
            b"\r\n".join(b"Date: " + told if line.startswith(b"Date:") else line for line in odd.splitlines())
            for number, told in enumerate(dates)
            for odd in [mail(sender=f"O <o{number}@example.com>", message_id=f"<o{number}@example.com>")]
        ]
        desk.take_in(*mails)
        assert len(rows_of(desk)) == len(mails)
