"""What needs a person: told from what is stored, and not before it is time."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from intake.alarms import find_alarms, raise_alarms, tell_operator
from intake.pipeline import House
from storage.database import open_engine, reading
from storage.models import CaseState, Effect, EffectState, Fate
from storage.rows import fetch
from storage.store import UNFETCHABLE, Store
from storage.tables import EFFECTS
from tests.builders import MONDAY, mailbox_settings, make_config, make_house, newest_sqlite, shop_settings
from tests.records import a_case, a_message, an_arrival, an_effect

MINUTES = [timedelta(minutes=number) for number in range(31)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(newest_sqlite(), tmp_path / "intake.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'intake.db'}")
    yield Store(engine)
    engine.dispose()


def alarms(store: Store, after: timedelta, **settings: Any) -> list[str]:
    shops = [shop_settings(mailbox=mailbox_settings(143, "mirjam"))]
    config = make_config(Path("/"), "", shops, **settings)
    return [str(alarm) for alarm in find_alarms(store, config, MONDAY + after)]


def test_a_mailbox_that_is_polled_is_no_alarm(store: Store) -> None:
    store.beat("mailbox sis", MONDAY)
    assert alarms(store, MINUTES[14]) == []


def test_a_mailbox_that_was_not_polled_for_a_quarter_of_an_hour_is_an_alarm_with_the_reason(store: Store) -> None:
    store.beat("mailbox sis", MONDAY)
    store.beat("mailbox sis", MONDAY + MINUTES[1], "imap.example.nl does not answer.")
    assert alarms(store, MINUTES[14]) == []
    (alarm,) = alarms(store, MINUTES[15])
    assert alarm == "mailbox sis: it was not polled for 15 minutes. imap.example.nl does not answer."


def test_a_mailbox_that_was_never_polled_counts_from_its_first_trouble(store: Store) -> None:
    store.beat("mailbox sis", MONDAY, "it does not accept the password.")
    store.beat("mailbox sis", MONDAY + MINUTES[10], "it does not accept the password.")
    assert alarms(store, MINUTES[14]) == []
    assert len(alarms(store, MINUTES[16])) == 1


def test_intake_that_did_not_run_is_an_alarm_too(store: Store) -> None:
    store.beat("mailbox sis", MONDAY)
    (alarm,) = alarms(store, timedelta(days=3))
    assert "3 days" in alarm
    assert "did not run" in alarm


def test_a_mail_that_no_server_delivers_is_an_alarm_until_its_case_is_done(store: Store) -> None:
    (arrival,) = store.receive([an_arrival(1)])
    with store.processing() as unit:
        case_id = unit.open_case(a_case(), [])
        unit.add_message(a_message(arrival, fate=Fate.OPENED, case_id=case_id, reason_kind=UNFETCHABLE))
    (alarm,) = alarms(store, MINUTES[0])
    assert "one mail cannot be had" in alarm
    with store.processing() as unit:
        unit.change_case(case_id, state="closed")
    assert alarms(store, MINUTES[0]) == []


def test_a_draft_that_cannot_be_delivered_is_an_alarm(store: Store) -> None:
    with store.processing() as unit:
        unit.add_effect(an_effect())
    with store.processing() as unit:
        unit.add_effect(an_effect("append:2"))
    (first, _) = store.claim_effects("sis", MONDAY, 10)
    store.fail_effect(first.id or 0, "refused", MONDAY)
    (alarm,) = alarms(store, MINUTES[0])
    assert "1 drafts or files cannot be delivered" in alarm


def test_a_sign_in_that_has_ended_is_an_alarm_at_once_and_says_what_to_do(store: Store) -> None:
    store.beat("mailbox sis", MONDAY)
    store.beat("mailbox sis", MONDAY, "The provider no longer lets Intake in. Run `intake auth sis`.")
    (alarm,) = alarms(store, MINUTES[0])
    assert alarm.startswith("mailbox sis: its sign-in has ended.")
    assert "Run `intake auth sis`." in alarm


def test_mail_that_waits_an_hour_is_refused_or_uncertain_is_an_alarm_as_long_as_it_matters(store: Store) -> None:
    with store.processing() as unit:
        case_id = unit.open_case(a_case(), [])
        unit.add_effect(an_effect("1", kind="send reply", problem="451 later"))
        unit.add_effect(an_effect("2", kind="send reply", state=EffectState.FAILED, done_at=MONDAY, case_id=case_id))
        unit.add_effect(an_effect("3", kind="send notice", state=EffectState.UNCERTAIN))
    assert [alarm.partition(".")[0] for alarm in alarms(store, timedelta(minutes=59))] == [
        "sending: mail was refused: SIS-2026-0001",
        "sending: nobody knows whether mail was sent: to the manager or operator",
    ]
    assert "sending: one mail could not be sent for an hour or more." in alarms(store, timedelta(hours=2))[0]
    assert len(alarms(store, timedelta(days=2))) == 2
    with store.processing() as unit:
        unit.change_case(case_id, state=CaseState.ANSWERED)
    assert len(alarms(store, timedelta(days=2))) == 1


def test_too_little_room_on_the_disk_and_jobs_that_stand_still_are_alarms(store: Store) -> None:
    store.beat("service", MONDAY)
    assert alarms(store, MINUTES[4]) == []
    (still, full) = alarms(store, MINUTES[5], operator={"least_free_mb": 10**9})
    assert still.startswith("service: its jobs have not run for 5 minutes.")
    assert "MB are free in /, less than 1000000000." in full


def test_the_operator_is_told_once_when_an_alarm_begins_and_once_when_it_is_over(tmp_path: Path) -> None:
    clock = [MONDAY]
    outgoing = {"host": "127.0.0.1", "port": 25, "security": "plain", "sender": "mirjam@example.nl"}
    shops = [shop_settings(mailbox=mailbox_settings(143, "mirjam"), outgoing=outgoing)]
    config = make_config(tmp_path, "", shops, operator={"address": "beheer@example.nl"})

    def watch(house: House) -> list[str]:
        """One look, and what is sent to whom."""
        raise_alarms(house)
        tell_operator(house)
        with reading(house.store.engine) as connection:
            found = fetch(connection, Effect, select(EFFECTS).order_by(EFFECTS.c.id))
        assert all(effect.payload["recipients"] == ["beheer@example.nl"] for effect in found)
        return [f"{effect.payload['subject']} | {effect.payload['text'].splitlines()[0]}" for effect in found]

    with make_house(config, lambda: clock[0]) as house:
        house.store.beat("mailbox sis", MONDAY)
        assert watch(house) == []
        clock[0] = MONDAY + MINUTES[20]
        house.store.beat("mailbox sis", clock[0], "it does not answer.")
        first = "Intake: mailbox sis needs you | - mailbox sis: it was not polled for 20 minutes. it does not answer."
        assert watch(house) == [first]
        clock[0] = MONDAY + MINUTES[25]
        house.store.beat("mailbox sis", clock[0], "it is another trouble now.")
        assert watch(house) == [first]
    with make_house(config, lambda: clock[0]) as house:
        assert watch(house) == [first]
        house.store.beat("mailbox sis", clock[0])
        over = "Intake: mailbox sis is well again | - Over: mailbox sis: it was not polled for 20 minutes."
        assert watch(house) == [first, over]
        assert watch(house) == [first, over]
        clock[0] = MONDAY + timedelta(hours=3)
        assert len(watch(house)) == 3


def test_without_an_address_an_alarm_is_only_logged_and_nothing_waits_for_ever(tmp_path: Path) -> None:
    with make_house(make_config(tmp_path, operator={"least_free_mb": 10**9})) as house:
        assert [alarm.about for alarm in raise_alarms(house)] == ["disk"]
        assert raise_alarms(house) == []
        assert tell_operator(house) == 1
        assert house.store.notices.count_waiting() == 0
        assert house.store.sending.shops_to_send(MONDAY) == []
