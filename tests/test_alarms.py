"""What needs a person: told from what is stored, and not before it is time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from intake.alarms import find_alarms
from storage.database import migrate, open_engine
from storage.models import Fate
from storage.store import UNFETCHABLE, Store
from tests.builders import MONDAY, mailbox_settings, make_config, shop_settings
from tests.records import a_case, a_message, an_arrival, an_effect

MINUTES = [timedelta(minutes=number) for number in range(31)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path / 'intake.db'}")
    migrate(engine, None, MONDAY)
    yield Store(engine)
    engine.dispose()


def alarms(store: Store, after: timedelta) -> list[str]:
    shops = [shop_settings(mailbox=mailbox_settings(143, "mirjam"))]
    return [str(alarm) for alarm in find_alarms(store, make_config(Path("var"), "", shops), MONDAY + after)]


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
