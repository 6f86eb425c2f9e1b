"""An acknowledgement on its way: sent once, refused, put off, given up, or not known to have gone out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from intake import casework
from intake.evidence import audit
from storage.models import DraftState, EffectState, Notice
from storage.processing import Processing
from tests.builders import MONDAY, mail
from tests.counter import CLEAN, Counter, counter
from tests.records import an_effect
from tests.smtp_sink import HANG_UP, Sink, smtp_sink


@pytest.fixture(scope="module")
def running() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(running: Sink) -> Sink:
    """The module's server, without what other tests left."""
    for held in (running.taken, running.mail, running.rcpt, running.data, running.refused):
        held.clear()
    return running


@pytest.fixture
def shop(sink: Sink, tmp_path: Path) -> Iterator[Counter]:
    """A shop with a complaint whose acknowledgement waits to be sent."""
    with counter(tmp_path, sink) as made:
        made.complain()
        yield made


def test_a_complaint_is_acknowledged_once(sink: Sink, tmp_path: Path, database: str) -> None:
    with counter(tmp_path, sink, database) as shop:
        shop.complain(references="<older@example.com>")
        assert shop.send() == 1
        assert shop.send() == 0
        draft, effect, events = shop.acknowledgement(), shop.effect(), shop.events()
        case = shop.case()
    (taken,) = sink.taken
    assert (taken.sender, taken.recipients) == ("mirjam@example.nl", ("k1@example.com",))
    assert case.state.value == "open", "an acknowledgement is no answer"
    assert (draft.state, draft.sent_at, effect.state) == (DraftState.SENT, MONDAY, EffectState.DONE)
    assert events == ["opened", "drafted", "acknowledged"]
    told = taken.mail
    assert told["Message-ID"] == draft.token
    assert told["In-Reply-To"] == "<m1@example.com>"
    assert told["References"].split() == ["<older@example.com>", draft.anchor, "<m1@example.com>"]
    assert (told["Auto-Submitted"], told["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert told["From"] == '"Mirjam, Smart Import Solutions" <mirjam@example.nl>'
    assert "SIS-2026-0001" in told["Subject"]
    text = told.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "11 september 2026" in text.decode()
    assert "104233" not in text.decode(), "nothing of what a stranger wrote goes to whom he calls the sender"


def test_the_draft_of_the_answer_is_another_one_and_waits(shop: Counter) -> None:
    shop.send()
    kinds = [(draft.kind, draft.state) for draft in shop.file().drafts]
    assert sorted(kinds) == [("acknowledgement", DraftState.SENT), ("answer", DraftState.WAITING)]
    assert audit(shop.house.store, shop.house.config.shops, ()).findings == ()


def test_a_server_that_is_away_is_tried_again_with_growing_pauses(shop: Counter, sink: Sink) -> None:
    sink.mail += [HANG_UP, "451 4.3.0 busy"]
    pauses = []
    for _ in range(2):
        assert shop.send() == 0
        effect = shop.effect()
        assert effect.state is EffectState.WAITING
        pauses.append(effect.not_before - shop.clock.now)
        assert shop.send() == 0, "not before it is time"
        shop.clock.now = effect.not_before
    assert pauses == sorted(set(pauses))
    assert shop.send() == 1
    assert len(sink.taken) == 1


def test_after_two_days_it_is_given_up_and_told(shop: Counter, sink: Sink) -> None:
    sink.refused["k1@example.com"] = "450 4.7.1 greylisted"
    shop.send()
    shop.clock.move(hours=47)
    shop.send()
    assert shop.effect().state is EffectState.WAITING
    shop.clock.move(hours=2)
    shop.send()
    assert shop.effect().state is EffectState.FAILED
    assert "two days" in shop.why_not()
    (notice,) = shop.notices()
    assert notice.urgent


def is_not_sent_and_told(shop: Counter, sink: Sink, why: str) -> None:
    assert shop.send() == 0
    (notice,) = shop.notices()
    assert sink.taken == []
    assert (shop.effect().state, shop.acknowledgement().state) == (EffectState.DONE, DraftState.SUPERSEDED)
    assert why in shop.why_not()
    assert any("acknowledgement was not sent" in mark for mark in shop.case().attention)
    assert (notice.urgent, "SIS-2026-0001" in notice.text) == (True, True)


def test_an_acknowledgement_that_lay_for_days_is_not_sent_any_more(shop: Counter, sink: Sink) -> None:
    shop.clock.move(days=2)
    is_not_sent_and_told(shop, sink, "two days")


def test_an_acknowledgement_that_names_a_day_that_was_moved_is_not_sent(shop: Counter, sink: Sink) -> None:
    casework.move_due(shop.house, "SIS-2026-0001", shop.case().due_on + timedelta(days=7), "on holiday", "mirjam")
    is_not_sent_and_told(shop, sink, "date was moved")


def test_an_acknowledgement_that_names_a_day_that_is_past_is_not_sent(shop: Counter, sink: Sink) -> None:
    with shop.house.store.processing() as unit:
        unit.change_case(shop.case().id or 0, due_on=MONDAY.date() - timedelta(days=1))
    is_not_sent_and_told(shop, sink, "date is past")


def test_a_mail_that_is_refused_for_good_is_shown_and_told_and_stops_further_mail(shop: Counter, sink: Sink) -> None:
    sink.refused["k1@example.com"] = "550 5.1.1 <k1@example.com> is unknown here"
    shop.send()
    shop.clock.move(days=3)
    shop.send()
    case, draft = shop.case(), shop.acknowledgement()
    (notice,) = shop.notices()
    assert (shop.effect().state, draft.state) == (EffectState.FAILED, DraftState.REFUSED)
    assert any("was not sent" in mark for mark in case.attention)
    assert "550 5.1.1" in shop.why_not()
    assert (notice.urgent, notice.case_id) == (True, case.id)
    assert "SIS-2026-0001" in notice.text
    assert "@" not in notice.text
    assert shop.house.store.sending.is_undeliverable("sis", "K1@example.com")
    assert sink.taken == []


def test_a_refused_mail_says_nothing_against_the_address(shop: Counter, sink: Sink) -> None:
    sink.data.append("554 5.6.0 content refused")
    shop.send()
    assert shop.effect().state is EffectState.FAILED
    assert not shop.house.store.sending.is_undeliverable("sis", "k1@example.com")


def test_a_mail_that_nobody_knows_about_is_shown_and_told_and_never_sent_again(shop: Counter, sink: Sink) -> None:
    sink.data.append(HANG_UP)
    shop.send()
    for _ in range(3):
        shop.clock.move(days=1)
        assert shop.send() == 0
    (notice,) = shop.notices()
    assert len(sink.taken) == 1
    assert (shop.effect().state, shop.acknowledgement().state) == (EffectState.UNCERTAIN, DraftState.REFUSED)
    assert any("nobody knows" in mark for mark in shop.case().attention)
    assert "not sent again" in notice.text
    assert shop.events()[-1] == "perhaps acknowledged"


def test_one_that_fails_stops_no_other(shop: Counter, sink: Sink) -> None:
    shop.complain(2)
    shop.complain(3)
    sink.refused["k1@example.com"] = "550 5.1.1 unknown"
    sink.refused["k2@example.com"] = "450 4.7.1 later"
    assert shop.send() == 1
    assert sink.recipients == ["k3@example.com"]


def test_a_case_that_was_answered_meanwhile_is_not_acknowledged_any_more(shop: Counter, sink: Sink) -> None:
    with shop.house.store.processing() as unit:
        unit.change_case(shop.case().id or 0, state="answered", answered_at=MONDAY)
    assert shop.send() == 0
    assert sink.taken == []
    assert shop.why_not() == "the case was answered before"


def test_a_mail_that_began_and_was_not_handed_over_is_sent_by_the_next_run(shop: Counter, sink: Sink) -> None:
    assert len(shop.house.store.sending.claim("sis", MONDAY, 10)) == 1
    assert shop.send() == 1
    assert len(sink.taken) == 1


def test_a_mail_that_was_being_handed_over_is_uncertain_for_the_next_run(shop: Counter, sink: Sink) -> None:
    (effect,) = shop.house.store.sending.claim("sis", MONDAY, 10)
    assert shop.house.store.sending.begin(effect.id or 0)
    assert shop.house.store.sending.shops_to_send(MONDAY) == ["sis"]
    assert shop.send() == 0
    assert shop.effect().state is EffectState.UNCERTAIN
    assert shop.house.store.sending.shops_to_send(MONDAY) == []
    assert not shop.house.store.sending.begin(effect.id or 0), "nobody begins it again"


def test_what_deliver_carries_out_is_no_mail(shop: Counter) -> None:
    assert shop.house.store.shops_with_effects(MONDAY) == []
    assert shop.house.store.claim_effects("sis", MONDAY, 10) == []
    assert shop.house.store.counts()["effects_waiting"] == 1


# Mail to the manager


def notice(**changes: Any) -> dict[str, Any]:
    told = {
        "subject": "Vandaag: SIS-2026-0001",
        "text": "SIS-2026-0001: vandaag is de laatste dag.\n",
        "recipients": ["mirjam@example.nl", "piet@example.nl"],
        "message_id": "<SIS-2026-0001.aabbccdd.0011223344556677@example.nl>",
        "auto": "auto-generated",
    }
    return {**told, **changes}


def ask(unit: Processing, **changes: Any) -> None:
    unit.add_effect(an_effect("notice", kind="send notice", payload=notice(**changes)))


def test_a_mail_to_the_manager_goes_to_all_of_them_and_says_that_it_is_automatic(tmp_path: Path, sink: Sink) -> None:
    with counter(tmp_path, sink) as shop:
        with shop.house.store.processing() as unit:
            ask(unit)
        assert shop.send() == 1
        shop.take_in(sink.taken[0].raw)
        (line,) = shop.house.store.list_arrivals()
    (taken,) = sink.taken
    assert taken.recipients == ("mirjam@example.nl", "piet@example.nl")
    assert (taken.mail["To"], taken.mail["Cc"]) == ("mirjam@example.nl", "piet@example.nl")
    assert taken.mail["Auto-Submitted"] == "auto-generated"
    assert line.message is not None
    assert line.message.fate.value == "set aside", "mail of ours is no complaint"


@pytest.mark.parametrize(("answer", "state"), [("550 5.1.1 no", "failed"), (HANG_UP, "uncertain")])
def test_a_mail_to_the_manager_that_fails_is_not_told_by_another(
    tmp_path: Path, sink: Sink, answer: str, state: str
) -> None:
    with counter(tmp_path, sink) as shop:
        with shop.house.store.processing() as unit:
            ask(unit)
        sink.data.append(answer)
        shop.send()
        shop.clock.move(days=1)
        assert shop.send() == 0
        told: list[Notice] = shop.notices()
        states = {count.state.value for count in shop.house.store.notices.effects()}
    assert told == []
    assert state in states


# How a shop wants it


def test_a_shop_that_wants_none_sends_none_and_says_nothing(tmp_path: Path, sink: Sink) -> None:
    with counter(tmp_path, sink, acknowledge="off") as shop:
        shop.complain()
        assert shop.events() == ["opened", "drafted"]
        assert shop.send() == 0


def test_a_shop_without_a_server_says_so(tmp_path: Path) -> None:
    with counter(tmp_path) as shop:
        shop.complain()
        assert "no server" in shop.why_not()


def test_a_shops_template_with_a_gap_is_never_sent(tmp_path: Path, sink: Sink) -> None:
    own = tmp_path / "own" / "nl"
    own.mkdir(parents=True)
    (own / "acknowledgement.j2").write_text("Ontvangen ({{ case.reference }})\n\nU hoort van {{ gap('wie') }}.\n")
    with counter(tmp_path, sink, templates=tmp_path / "own") as shop:
        shop.complain()
        assert shop.send() == 1
        assert shop.acknowledgement().gaps == []
    assert b"[wie?]" not in sink.taken[0].raw


def test_a_reply_of_the_customer_is_not_acknowledged(shop: Counter, sink: Sink) -> None:
    shop.send()
    shop.complain(2, sender="K <k1@example.com>", in_reply_to="<m1@example.com>")
    assert shop.send() == 0
    assert len(sink.taken) == 1


def test_what_was_set_aside_and_is_opened_by_a_person_a_day_later_is_not_acknowledged(
    tmp_path: Path, sink: Sink
) -> None:
    with counter(tmp_path, sink) as shop:
        shop.take_in(mail(x_spam_flag="YES"), mail(message_id="<l@example.com>", list_id="<l.example.com>", **CLEAN))
        shop.clock.move(days=2)
        for number in (1, 2):
            casework.open_arrival(shop.house, number, "mirjam")
        assert shop.send() == 0
        assert len(shop.house.store.list_cases()) == 2


def test_old_mail_is_not_acknowledged(tmp_path: Path, sink: Sink) -> None:
    with counter(tmp_path, sink) as shop:
        shop.take_in(mail(**CLEAN), at=MONDAY - timedelta(hours=25))
        assert "24 hours" in shop.why_not()
        assert shop.send() == 0
