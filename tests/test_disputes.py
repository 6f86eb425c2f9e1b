"""A customer goes to a dispute body: whose turn it is, by when, and for how long it stays before the manager's eyes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from intake import casework
from intake.casework import Answered
from intake.casework.legal_hold import put_on_hold, release
from intake.casework.persons import erase_person, find_person
from intake.config import DisputeBody
from intake.errors import NotFound, Refused
from intake.pipeline import House, process, receive_files
from intake.pipeline.feeding import calendar_of
from intake.pipeline.notifying import send_digest
from intake.pipeline.retaining import forget_what_is_due, preview
from intake.rules.escalation import answer_term
from intake.sources.files import FoundMail
from intake.types import Calendar
from storage.models import Case, CaseState
from tests.builders import MONDAY, mail, make_config, make_house, shop_settings
from tests.commands import Installation

REF, SECOND = "SIS-2026-0001", "SIS-2026-0002"
TUESDAY = date(2026, 9, 8)
BODIES = [
    {"id": "sgc", "name": "De Geschillencommissie", "answer_days": 10, "term_months": 12},
    {"id": "new", "name": "Bemiddeling", "adr": False},
    {"id": "old", "name": "Oude Commissie", "since": date(2020, 1, 1), "until": date(2026, 9, 7)},
    {"id": "next", "name": "Nieuwe Commissie", "since": date(2027, 1, 1)},
]
CALENDAR = Calendar(closed=(date(2028, 10, 3), date(2026, 9, 9)))


@pytest.mark.parametrize(
    ("body", "on", "due_on"),
    [
        ({"answer_days": 10}, date(2026, 9, 8), date(2026, 9, 22)),  # the shop's own day off stops nobody's term
        ({"answer_days": 10}, date(2028, 10, 2), date(2028, 10, 16)),  # before the directive's
        ({"answer_days": 1, "adr": False}, date(2026, 12, 24), date(2026, 12, 28)),
        ({}, date(2028, 9, 19), None),  # the day before the directive applies
        ({}, date(2028, 9, 20), date(2028, 10, 18)),
        ({}, date(2028, 12, 1), date(2029, 1, 3)),  # Christmas and New Year fall on working days
        ({"adr": False}, date(2028, 10, 2), None),
        ({"answer_days": 1, "countries": ["DE"]}, date(2027, 4, 26), date(2027, 4, 27)),  # King's Day is Dutch
        ({"answer_days": 1, "countries": ["DE"]}, date(2026, 10, 2), date(2026, 10, 5)),
        ({"answer_days": 1, "countries": ["DE"]}, date(2029, 10, 2), date(2029, 10, 4)),  # German unity
        ({"answer_days": 1, "countries": ["NL", "DE"]}, date(2029, 10, 2), date(2029, 10, 3)),  # the earlier
        ({"answer_days": 10, "countries": ["ZZ"]}, date(2026, 9, 8), date(2026, 9, 22)),  # its public days are unknown
    ],
)
def test_a_body_is_answered_within_its_own_term_or_that_of_the_law(
    body: dict[str, Any], on: date, due_on: date | None
) -> None:
    term = answer_term(DisputeBody(id="sgc", name="De Geschillencommissie", **body), on, CALENDAR)
    assert (term.due_on if term else None) == due_on
    assert term is None or ("2025/2647" in term.words) is (not body)


class Clock:
    now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def desk(folder: Path, database: str = "", **changes: Any) -> Iterator[tuple[House, Clock]]:
    """A house with one complaint of Monday; it is Tuesday."""
    clock = Clock()
    shop = shop_settings(dispute_bodies=BODIES, **changes)
    with make_house(make_config(folder / "data", database, [shop]), clock) as house:
        take_in(house, mail())
        clock.now = MONDAY + timedelta(days=1)
        yield house, clock


def take_in(house: House, *mails: bytes) -> None:
    list(receive_files(house, house.config.shops[0], iter([FoundMail(f"{len(raw)}.eml", raw) for raw in mails])))
    process(house)


def case_of(house: House, reference: str = REF) -> Case:
    return casework.get_case(house, reference)


def test_an_escalated_case_stays_answered_and_before_the_eyes_until_it_is_closed(database: str, tmp_path: Path) -> None:
    with desk(tmp_path, database) as (house, clock):
        casework.answer(house, REF, Answered("phone", TUESDAY), "mirjam")
        told = casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        held = case_of(house)
        assert (held, held.state) == (told, CaseState.ANSWERED)
        assert [(one["to"], one["on"], one["due_on"]) for one in held.escalations] == [
            ("sgc", "2026-09-08", "2026-09-22")
        ]
        assert (held.first_clock, held.legal_hold) == (
            date(2026, 9, 22),
            "taken to De Geschillencommissie on 2026-09-08",
        )
        assert held.legal_hold in held.attention
        event = house.store.case_file(held.id or 0).events[-1]
        assert (event.kind, event.actor, event.data) == ("escalated", "mirjam", {"to": "sgc", "on": "2026-09-08"})
        assert b"2026-0001-dispute-1@" in calendar_of(house.store, house.config.shops, house.words)
        assert [case.reference for case in house.store.dossiers.in_dispute("sis")] == [REF]
        assert house.store.dossiers.in_dispute("other") == []

        clock.now = datetime(2026, 9, 18, 7, tzinfo=MONDAY.tzinfo)
        assert send_digest(house, house.config.shops[0])  # nothing else is due
        casework.close(house, REF, "settled", "mirjam")
        over = case_of(house)
        assert (over.state, over.clocks, over.first_clock, over.legal_hold) == (CaseState.CLOSED, [], None, "")
        assert over.escalations[0]["ended"] == "2026-09-18"
        assert house.store.dossiers.in_dispute() == []
        with pytest.raises(Refused, match="closed already"):
            casework.close(house, REF, "settled", "mirjam")


def test_a_closed_case_can_be_taken_to_a_body_and_is_closed_again(tmp_path: Path) -> None:
    with desk(tmp_path) as (house, clock):
        casework.close(house, REF, "agreed", "mirjam")
        closed_at = case_of(house).closed_at
        casework.escalate(house, REF, "new", TUESDAY, "mirjam")
        held = case_of(house)
        assert (held.state, held.closed_as, held.clocks) == (CaseState.CLOSED, "agreed", [])
        assert [case.reference for case in house.store.dossiers.in_dispute()] == [REF]
        clock.now += timedelta(days=30)
        casework.close(house, REF, "settled", "mirjam")
        assert closed_at is not None
        assert case_of(house).closed_at == closed_at + timedelta(days=30)
        assert house.store.dossiers.in_dispute() == []


def test_what_cannot_have_been_is_refused_with_the_reason(tmp_path: Path) -> None:
    with desk(tmp_path) as (house, _):
        casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        before = case_of(house)
        for body, on, words in [
            ("sgc", TUESDAY, "on 2026-09-08 already"),
            ("new", date(2026, 9, 6), "It came on 2026-09-07"),
            ("new", date(2026, 9, 9), "today is 2026-09-08"),
            ("old", TUESDAY, "until 2026-09-07"),
            ("next", TUESDAY, "since 2027-01-01"),
        ]:
            with pytest.raises(Refused, match=words):
                casework.escalate(house, REF, body, on, "mirjam")
        with pytest.raises(NotFound, match=r"sgc \(De Geschillencommissie\), new"):
            casework.escalate(house, REF, "odr", TUESDAY, "mirjam")
        assert case_of(house) == before
        casework.escalate(house, REF, "old", date(2026, 9, 7), "mirjam")  # it was open then


def test_what_a_merge_and_a_split_leave_of_an_escalation(tmp_path: Path) -> None:
    eva = mail("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>")
    again = mail("Nog steeds niets.", message_id="<again@example.com>", in_reply_to="<first@example.com>")
    with desk(tmp_path) as (house, _):
        take_in(house, eva, again)
        casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        joined = house.store.case_file(case_of(house).id or 0).messages[-1]
        casework.split(house, REF, joined.id or 0, "mirjam")
        assert [clock["kind"] for clock in case_of(house).clocks] == ["dispute"]
        casework.merge(house, REF, SECOND, "mirjam")
        target = case_of(house, SECOND)
        assert (target.escalations, case_of(house).legal_hold) == (case_of(house).escalations, "")
        assert target.legal_hold == "taken to De Geschillencommissie on 2026-09-08"
        with pytest.raises(Refused, match="merged"):
            casework.escalate(house, REF, "new", TUESDAY, "mirjam")


def test_a_hold_goes_to_the_case_that_stays_and_ends_with_it(database: str, tmp_path: Path) -> None:
    eva = mail("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>")
    with desk(tmp_path, database) as (house, clock):
        take_in(house, eva)
        put_on_hold(house, REF, "rechtszaak", "mirjam")
        casework.escalate(house, SECOND, "sgc", TUESDAY, "mirjam")
        casework.merge(house, SECOND, REF, "mirjam")
        assert case_of(house).legal_hold == "rechtszaak; taken to De Geschillencommissie on 2026-09-08"
        casework.close(house, REF, "settled", "mirjam")
        assert (case_of(house).legal_hold, case_of(house, SECOND).legal_hold) == ("rechtszaak", "")
        clock.now += timedelta(days=800)
        assert forget_what_is_due(house).cases == []
        release(house, REF, "mirjam")
        assert forget_what_is_due(house).cases == [REF, SECOND]


def test_a_case_that_a_body_has_is_not_erased_and_can_be_closed_then(tmp_path: Path) -> None:
    with desk(tmp_path) as (house, clock):
        casework.answer(house, REF, Answered("phone", TUESDAY), "mirjam")
        casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        release(house, REF, "mirjam")
        person = find_person(house.store, ["sis"], "jan@example.com")
        done = erase_person(house, person, "request", "mirjam")
        assert (done.cases, done.kept[0].why) == ([], f"with a dispute body: `intake close {REF}` when that is over")
        clock.now += timedelta(days=800)
        assert forget_what_is_due(house).cases == []
        (told,) = preview(house.store, house.config, clock.now)
        assert [(line.reference, line.why) for line in told.kept] == [(REF, "with a dispute body")]
        casework.close(house, REF, "settled", "mirjam")
        assert house.store.dossiers.in_dispute() == []
        clock.now += timedelta(days=800)
        assert forget_what_is_due(house).cases == [REF]


def test_a_body_that_had_a_case_before_can_have_it_again_also_by_a_merge(tmp_path: Path) -> None:
    eva = mail("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>")
    with desk(tmp_path) as (house, _):
        take_in(house, eva)
        casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        casework.close(house, REF, "settled", "mirjam")
        casework.answer(house, SECOND, Answered("phone", TUESDAY), "mirjam")
        casework.escalate(house, SECOND, "sgc", TUESDAY, "mirjam")
        casework.merge(house, SECOND, REF, "mirjam")
        assert [case.reference for case in house.store.dossiers.in_dispute()] == [REF]
        assert [clock["kind"] for clock in case_of(house).clocks] == ["dispute"]
        with pytest.raises(Refused, match=f"already.*intake close {REF}"):
            casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        casework.close(house, REF, "settled", "mirjam")
        assert (house.store.dossiers.in_dispute(), case_of(house).clocks) == ([], [])
        casework.escalate(house, REF, "sgc", TUESDAY, "mirjam")
        assert [bool(one["ended"]) for one in case_of(house).escalations] == [True, True, False]


def test_the_list_of_open_cases_and_the_page_of_a_case_tell_of_the_body(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = '[[shops.dispute_bodies]]\nid = "sgc"\nname = "De Geschillencommissie"\nanswer_days = 10'
    place = Installation(tmp_path, capsys, body)
    place.take_in()
    (first,) = place.intake("cases", "--json").value
    ref = first["reference"]
    assert place.intake("answer", ref, "--how", "phone").code == 0
    assert place.intake("cases", "--json").value == []
    said = place.intake("escalate", ref, "--to", "sgc")
    assert said.code == 0
    assert "taken to De Geschillencommissie" in said.out
    (shown,) = place.intake("cases", "--json").value
    assert (shown["reference"], shown["state"], shown["escalations"][0]["to"]) == (ref, "answered", "sgc")
    assert "dispute:" in place.intake("cases").out
    assert place.intake("status", "--json").value["disputed"] == [ref]
    page = place.intake("show", ref).out
    assert "De Geschillencommissie on" in page
    assert "legal hold" in page
    assert place.intake("escalate", ref, "--to", "sgc").code == 1
