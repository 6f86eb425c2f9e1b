"""The store: what is committed together, what happens once, and what comes back."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage.database import migrate, open_engine
from storage.errors import NotStored
from storage.knowledge import Known, Question
from storage.models import CaseState, Channel, EffectState, Fate, Message
from storage.processing import Processing
from storage.store import Store
from tests.builders import MONDAY
from tests.records import a_case, a_cursor, a_draft, a_message, an_arrival, an_effect, an_event, fill

LATER = MONDAY + timedelta(minutes=5)
ACCOUNT = "mirjam@example.nl at imap.example.nl"


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    engine = open_engine(database)
    migrate(engine, None, MONDAY)
    yield Store(engine)
    engine.dispose()


def last_uid(store: Store) -> int:
    cursor = store.latest_cursor(ACCOUNT, "INBOX")
    return cursor.last_uid if cursor else 0


def test_the_same_source_twice_is_one_arrival(store: Store) -> None:
    assert len(store.receive([an_arrival(1), an_arrival(2)], a_cursor(2))) == 2
    assert store.receive([an_arrival(2, sha256="f" * 64), an_arrival(1)], a_cursor(2)) == []
    assert [line.arrival.uid for line in store.list_arrivals()] == [1, 2]


def test_the_same_source_twice_in_a_batch_is_one_arrival(store: Store) -> None:
    assert len(store.receive([an_arrival(1), an_arrival(1)])) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"shop": "other"}, id="another shop"),
        pytest.param({"account": "x at y"}, id="another mailbox"),
        pytest.param({"folder": "Klachten"}, id="another folder"),
        pytest.param({"uidvalidity": 4_294_967_295}, id="another epoch"),
        pytest.param({"uid": 4_294_967_295}, id="another UID"),
    ],
)
def test_another_source_is_another_arrival(store: Store, other: dict[str, Any]) -> None:
    assert len(store.receive([an_arrival(1)])) == 1
    assert len(store.receive([an_arrival(**{"uid": 1, **other})])) == 1


def test_an_error_in_the_batch_leaves_the_cursor_where_it_was(store: Store) -> None:
    store.receive([an_arrival(1)], a_cursor(1))
    broken = an_arrival(3).model_copy(update={"sha256": None})
    with pytest.raises(IntegrityError):
        store.receive([an_arrival(2), broken], a_cursor(3))
    assert last_uid(store) == 1
    assert len(store.list_arrivals()) == 1


def test_the_newest_epoch_of_a_folder_counts(store: Store) -> None:
    store.receive([], a_cursor(50, uidvalidity=9))
    store.receive([], a_cursor(2, uidvalidity=3, started_at=LATER))
    assert last_uid(store) == 2


def test_a_claim_is_found_by_its_source_in_its_own_shop(store: Store) -> None:
    store.receive([an_arrival(0, account="post", folder="claim-1", channel=Channel.LETTER)])
    assert store.find_claim("sis", "post", "claim-1") is not None
    assert store.find_claim("other", "post", "claim-1") is None


def test_waiting_arrivals_go_on_after_the_last_one_seen(store: Store) -> None:
    ids = store.receive([an_arrival(uid) for uid in range(1, 6)])
    with store.processing() as unit:
        unit.finish_arrival(ids[1])
    assert [arrival.id for arrival in store.waiting_arrivals(2)] == [ids[0], ids[2]]
    assert [arrival.id for arrival in store.waiting_arrivals(9, after=ids[2])] == ids[3:]


def test_an_item_that_fails_leaves_nothing_of_itself_and_the_others_in_peace(store: Store) -> None:
    first, second, third = store.receive([an_arrival(uid) for uid in (1, 2, 3)])
    with store.processing() as unit:
        for arrival in (first, second, third):
            with contextlib.suppress(LookupError), unit.item():
                unit.add_message(a_message(arrival))
                reference = unit.next_reference("sis", "SIS", 2026)
                case_id = unit.open_case(a_case(reference), ["jan@example.com"])
                unit.add_event(an_event(case_id=case_id))
                unit.finish_arrival(arrival)
                if arrival == second:
                    raise LookupError
    assert [line.message is not None for line in store.list_arrivals()] == [True, False, True]
    assert [case.reference for case in store.list_cases()] == ["SIS-2026-0001", "SIS-2026-0002"]
    assert [arrival.id for arrival in store.waiting_arrivals(9)] == [second]


def test_marks_put_on_a_case_by_four_threads_at_once_are_all_there(store: Store) -> None:
    case_id = fill(store, 1)[-1]

    def mark(who: int) -> None:
        for number in range(10):
            with store.processing() as unit:
                unit.add_attention(case_id, f"{who}.{number}")

    threads = [threading.Thread(target=mark, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"{who}.{number}" for who in range(4) for number in range(10)}
    assert wanted <= set(store.case_file(case_id).case.attention)


def add_messages(unit: Processing, *messages: Message) -> None:
    for message in messages:
        unit.add_message(message)


def test_a_row_that_the_database_refuses_undoes_the_whole_unit(store: Store) -> None:
    (first,) = store.receive([an_arrival(1)])
    with pytest.raises(IntegrityError), store.processing() as unit:
        add_messages(unit, a_message(first), a_message(arrival_id=999))
    assert [line.message for line in store.list_arrivals()] == [None]


def test_what_a_batch_stores_is_known_to_the_rest_of_it_and_forgotten_with_its_item(store: Store) -> None:
    first, second = store.receive([an_arrival(1), an_arrival(2)])
    asked = Question("sis", second, "<a@example.com>", ("<b@example.com>",), ("SIS-2026-0001",))
    with store.processing() as unit:
        unit.look_up([asked])
        with contextlib.suppress(LookupError), unit.item():
            unit.open_case(a_case(), ["gone@example.com"])
            unit.add_message(a_message(first, message_id="<b@example.com>", case_id=1))
            raise LookupError
        assert unit.known(asked) == Known()
        with unit.item():
            case_id = unit.open_case(a_case(), ["jan@example.com"])
            message = a_message(first, message_id="<a@example.com>", content_hash="h", case_id=case_id)
            message_id = unit.add_message(message)
        known = unit.known(asked)
    assert known.same_id == ((message_id, "h"),)
    assert known.by_reference["SIS-2026-0001"].id == case_id
    assert known.participants == {case_id: frozenset({"jan@example.com"})}


def test_what_is_known_is_the_same_in_a_later_batch(store: Store) -> None:
    first, second = store.receive([an_arrival(1), an_arrival(2)])
    with store.processing() as unit:
        case_id = unit.open_case(a_case(), ["jan@example.com"])
        message_id = unit.add_message(a_message(first, message_id="<a@example.com>", content_hash="h", case_id=case_id))
        unit.add_draft(a_draft(case_id, message_id, token="<ours@example.nl>"))
    store.note_answered("sis", {"<a@example.com>": MONDAY})
    asked = Question("sis", second, "<a@example.com>", ("<ours@example.nl>", "<a@example.com>"), ("SIS-2026-0001",))
    with store.processing() as unit:
        unit.look_up([asked])
        known = unit.known(asked)
    assert known.same_id == ((message_id, "h"),)
    assert {key: case.id for key, case in known.by_message_id.items()} == dict.fromkeys(asked.thread_ids, case_id)
    assert known.participants == {case_id: frozenset({"jan@example.com"})}
    assert known.answered_at == MONDAY


def test_a_failed_transaction_gives_its_number_back(store: Store) -> None:
    with pytest.raises(IntegrityError), store.processing() as unit:
        unit.add_event(an_event(kind=unit.next_reference("sis", "SIS", 2026), case_id=99))
    with store.processing() as unit:
        assert unit.next_reference("sis", "SIS", 2026) == "SIS-2026-0001"
        assert unit.next_reference("sis", "SIS", 2027) == "SIS-2027-0001"
        assert unit.next_reference("other", "OTH", 2026) == "OTH-2026-0001"


def test_a_message_decided_anew_keeps_its_id(store: Store) -> None:
    (arrival,) = store.receive([an_arrival(1)])
    with store.processing() as unit:
        first = unit.add_message(a_message(arrival))
        case_id = unit.open_case(a_case(), ["jan@example.com"])
        again = unit.add_message(a_message(arrival, fate=Fate.OPENED, case_id=case_id))
    assert first == again
    assert store.fates() == {"opened": 1}


def test_an_effect_is_asked_for_once(store: Store) -> None:
    with store.processing() as unit:
        unit.add_effect(an_effect("append:1"))
        unit.add_effect(an_effect("append:1", payload={"other": True}))
    (effect,) = store.claim_effects("sis", MONDAY, 10)
    assert effect.payload == {}


def test_an_effect_is_claimed_finished_and_does_not_come_back(store: Store) -> None:
    with store.processing() as unit:
        unit.add_effect(an_effect("append:1"))
        unit.add_effect(an_effect("append:2", not_before=LATER))
        unit.add_effect(an_effect("append:3", shop="other"))
    assert [effect.key for effect in store.claim_effects("other", MONDAY, 10)] == ["append:3"]
    (effect,) = store.claim_effects("sis", MONDAY, 10)
    assert (effect.key, effect.state, effect.attempts) == ("append:1", EffectState.WAITING, 0)
    store.finish_effects([effect.id or 0], MONDAY)
    assert store.claim_effects("sis", MONDAY, 10) == []
    assert store.counts()["effects_waiting"] == 2


def test_an_effect_that_was_begun_comes_back_as_begun(store: Store) -> None:
    with store.processing() as unit:
        unit.add_effect(an_effect())
    store.claim_effects("sis", MONDAY, 10)
    (effect,) = store.claim_effects("sis", MONDAY, 10)
    assert (effect.state, effect.attempts) == (EffectState.STARTED, 1)


def test_a_postponed_effect_comes_back_at_its_time_and_a_failed_one_never(store: Store) -> None:
    with store.processing() as unit:
        unit.add_effect(an_effect())
    (effect,) = store.claim_effects("sis", MONDAY, 10)
    store.postpone_effect(effect.id or 0, "the server is away", LATER)
    assert store.claim_effects("sis", MONDAY, 10) == []
    (again,) = store.claim_effects("sis", LATER, 10)
    assert again.problem == "the server is away"
    store.fail_effect(effect.id or 0, "no such folder", LATER)
    assert store.claim_effects("sis", LATER + timedelta(days=1), 10) == []
    assert store.counts()["effects_failed"] == 1


def test_effects_are_claimed_in_order_and_not_more_than_asked(store: Store) -> None:
    with store.processing() as unit:
        for number in range(5):
            unit.add_effect(an_effect(f"append:{number}"))
    assert [effect.key for effect in store.claim_effects("sis", MONDAY, 3)] == ["append:0", "append:1", "append:2"]


def test_a_heartbeat_remembers_since_when_there_is_trouble(store: Store) -> None:
    store.beat("mailbox sis", MONDAY)
    store.beat("mailbox sis", LATER, "cannot sign in")
    store.beat("mailbox sis", LATER + timedelta(minutes=5), "still not")
    (beat,) = store.heartbeats()
    assert (beat.good_at, beat.trouble, beat.trouble_since) == (MONDAY, "still not", LATER)
    store.beat("mailbox sis", LATER + timedelta(minutes=9))
    (beat,) = store.heartbeats()
    assert (beat.trouble, beat.trouble_since) == ("", None)
    assert beat.good_at == LATER + timedelta(minutes=9)


def test_a_case_file_holds_everything_and_values_come_back_as_they_were(store: Store) -> None:
    _, case_id, _ = fill(store)
    file = store.case_file(case_id)
    assert file.case.subject == "Ondanks “alles” 🎁"
    assert file.case.received_at == MONDAY
    assert file.case.received_at.tzinfo is not None
    (message,) = file.messages
    assert message.text == "Waar blijft het?\nGroet, Zoë"
    assert message.facts == {"order_numbers": ["104233"]}
    lengths = [len(items) for items in (file.documents, file.deadlines, file.drafts, file.effects, file.events)]
    assert lengths == [1, 1, 1, 1, 1]


def test_a_merged_case_is_followed_by_reference_and_by_message(store: Store) -> None:
    fill(store)
    with store.processing() as unit:
        asked = Question("sis", 0, "", ("<1@example.com>",), ("SIS-2026-0001",))
        unit.look_up([asked])
        known = unit.known(asked)
    assert known.by_reference["SIS-2026-0001"].reference == "SIS-2026-0003"
    assert known.by_message_id["<1@example.com>"].reference == "SIS-2026-0003"


def test_a_case_of_another_shop_is_not_known(store: Store) -> None:
    fill(store)
    with store.processing() as unit:
        asked = Question("other", 0, "<1@example.com>", ("<1@example.com>",), ("SIS-2026-0002",))
        unit.look_up([asked])
        known = unit.known(asked)
    assert (known.same_id, known.by_message_id, known.by_reference) == ((), {}, {})


def test_cases_are_sorted_by_the_day_that_matters(store: Store) -> None:
    early, late = MONDAY.date(), MONDAY.date() + timedelta(days=9)
    with store.processing() as unit:
        unit.open_case(a_case("SIS-2026-0001", due_on=late), [])
        unit.open_case(a_case("SIS-2026-0002", due_on=late + timedelta(days=1), post_by=early), [])
        unit.open_case(a_case("SIS-2026-0003", state=CaseState.CLOSED), [])
    assert [case.reference for case in store.list_cases()] == ["SIS-2026-0002", "SIS-2026-0001"]
    assert [case.reference for case in store.list_cases(states=tuple(CaseState))][-1] == "SIS-2026-0001"


def test_a_case_is_found_in_any_letter_case(store: Store) -> None:
    fill(store)
    found = store.find_case(" sis-2026-0002 ")
    assert found is not None
    assert found.reference == "SIS-2026-0002"
    assert store.find_case("SIS-2026-9999") is None


def test_what_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(NotStored, match="77"):
        store.get_arrival(77)
    with pytest.raises(NotStored, match="77"):
        store.case_file(77)
    assert store.drafts_with_cases([77]) == {}


def test_a_token_is_given_once(store: Store) -> None:
    (_, case_id, _) = fill(store)
    message_id = store.case_file(case_id).messages[0].id or 0
    with pytest.raises(IntegrityError), store.processing() as unit:
        unit.add_draft(a_draft(case_id, message_id))
