"""What the manager is told by mail, and when: reminders, the digest of the morning, warnings; in a real database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from intake.config import Outgoing, Shop
from intake.pipeline import House, keep_awake, send
from intake.rules.decision import Knowledge, decide
from intake.rules.tokens import read_token
from intake.types import Address, Facts, Message
from intake.types import Channel as MessageChannel
from intake.types import Fate as MessageFate
from storage.database import reading
from storage.models import CaseState, Channel, DeadlineKind, Draft, DraftState, Effect, EffectState, Fate, Notice
from storage.rows import fetch
from storage.tables import DRAFTS, EFFECTS
from tests.builders import make_config, make_house, shop_settings
from tests.records import a_case, a_deadline, a_message, an_arrival, an_event
from tests.smtp_sink import smtp_sink

OUTGOING = {"host": "127.0.0.1", "port": 25, "security": "plain", "sender": "mirjam@example.nl"}
MAILBOX = {"host": "127.0.0.1", "port": 9, "security": "plain", "username": "mirjam", "password": "secret"}
WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = (date(2026, 9, day) for day in (16, 17, 18, 19))
MONDAY, TUESDAY = date(2026, 9, 21), date(2026, 9, 22)
NO_DIGEST = {"digest": "23:59"}
NO_HOLDING = {"digest": "23:59", "holding_reply": False}


@dataclass
class Office:
    """A house whose clock the test sets, and what it has stored to be sent."""

    house: House
    clock: list[datetime]
    seen: int = 0
    opened: int = 0

    @property
    def shop(self) -> Shop:
        return self.house.config.shops[0]

    def at(self, day: date, moment: str = "09:00") -> list[str]:
        """One look of the service on a day; the subjects of what is sent then."""
        self.clock[0] = datetime.combine(day, time.fromisoformat(moment), self.shop.zone)
        keep_awake(self.house, self.shop)
        fresh = self.mails()[self.seen :]
        self.seen += len(fresh)
        return [effect.payload["subject"] for effect in fresh]

    def mails(self) -> list[Effect]:
        statement = select(EFFECTS).where(EFFECTS.c.kind == "send notice").order_by(EFFECTS.c.id)
        with reading(self.house.store.engine) as connection:
            return fetch(connection, Effect, statement)

    def last_text(self) -> str:
        return str(self.mails()[-1].payload["text"])

    def drafts(self) -> list[Draft]:
        with reading(self.house.store.engine) as connection:
            return fetch(connection, Draft, select(DRAFTS).where(DRAFTS.c.kind == "holding").order_by(DRAFTS.c.id))

    def open(self, due_on: date, **changes: Any) -> int:
        """An open case with a message of its own, due on a day; its id. With `post_by` it came by letter."""
        self.opened += 1
        channel = Channel.LETTER if "post_by" in changes else Channel.MAIL
        received = datetime.combine(due_on - timedelta(days=6), time(10), self.shop.zone)
        (arrival,) = self.house.store.receive([an_arrival(self.opened, shop=self.shop.id, channel=channel)])
        with self.house.store.processing() as unit:
            reference = unit.next_reference(self.shop.id, "SIS", 2026)
            case = a_case(
                reference,
                shop=self.shop.id,
                channel=channel,
                complainant_name="Jan Jansen",
                complainant_address="jan@example.com",
                subject="Waar blijft het",
                due_on=due_on,
                **changes,
            )
            case_id = unit.open_case(case, ["jan@example.com"])
            message = a_message(
                arrival,
                shop=self.shop.id,
                channel=channel,
                case_id=case_id,
                fate=Fate.OPENED,
                text="Waar blijft het? NL91 ABNA 0417 1643 00",
            )
            message_id = unit.add_message(message)
            dates = {"received_at": received, "due_on": due_on, "post_by": changes.get("post_by")}
            unit.add_deadline(a_deadline(case_id, message_id, **dates))
            unit.finish_arrival(arrival)
        return case_id

    def change(self, case_id: int, **values: Any) -> None:
        with self.house.store.processing() as unit:
            unit.change_case(case_id, **values)

    def tell(self, key: str, **changes: Any) -> None:
        """Somebody has something to tell the manager."""
        values = {"key": key, "shop": self.shop.id, "kind": "odd", "text": f"iets met {key}", "made_at": self.clock[0]}
        with self.house.store.processing() as unit:
            unit.add_notice(Notice(**{**values, **changes}))


@contextmanager
def office(folder: Path, database: str = "", notices: dict[str, Any] | None = None, **shop: Any) -> Iterator[Office]:
    clock = [datetime(2026, 9, 16, 9, tzinfo=Shop.model_validate(shop_settings()).zone)]
    settings = shop_settings(**{"outgoing": OUTGOING, "notices": notices or {}, **shop})
    with make_house(make_config(folder, database, [settings]), now=lambda: clock[0]) as house:
        yield Office(house, clock)


def test_a_case_is_reminded_of_a_day_before_on_the_day_and_when_missed_and_each_only_once(
    tmp_path: Path, database: str
) -> None:
    with office(tmp_path, database, NO_DIGEST) as here:
        here.open(MONDAY)
        told = [
            here.at(day, f"{hour:02}:00")
            for day in (THURSDAY, FRIDAY, SATURDAY, MONDAY, TUESDAY)
            for hour in (7, 8, 9, 18)
        ]
        assert [subject for subjects in told for subject in subjects] == [
            "Klacht SIS-2026-0001: nog één werkdag",
            "Klacht SIS-2026-0001: vandaag",
            "Klacht SIS-2026-0001: te laat",
        ]
        assert [bool(subjects) for subjects in told[4:8]] == [False, True, False, False]
        effect = here.mails()[0]
        assert effect.payload["recipients"] == ["mirjam@example.nl"]
        assert effect.payload["auto"] == "auto-generated"


def test_a_date_that_moves_is_reminded_of_again_and_an_answered_case_is_not(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_HOLDING) as here:
        case_id = here.open(FRIDAY)
        assert here.at(THURSDAY) == ["Klacht SIS-2026-0001: nog één werkdag"]
        here.change(case_id, due_on=TUESDAY)
        assert here.at(FRIDAY) == []
        assert here.at(MONDAY) == ["Klacht SIS-2026-0001: nog één werkdag"]
        here.change(case_id, state=CaseState.ANSWERED)
        assert here.at(TUESDAY) == []


def test_what_was_not_seen_in_time_is_told_by_its_most_severe_reminder_alone(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_HOLDING) as here:
        here.open(WEDNESDAY)
        assert here.at(TUESDAY) == ["Klacht SIS-2026-0001: te laat"]
        assert here.at(TUESDAY, "10:00") == []


def test_reminders_of_one_look_are_one_mail_that_names_no_customer(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_HOLDING) as here:
        here.open(THURSDAY)
        here.open(FRIDAY)
        here.open(TUESDAY, post_by=FRIDAY)
        here.open(MONDAY, post_by=WEDNESDAY)
        assert here.at(THURSDAY) == ["Klachten: 1 brief te laat, 1 vandaag, 2 met nog één werkdag"]
        text = here.last_text()
        assert text.index("SIS-2026-0004") < text.index("SIS-2026-0001") < text.index("SIS-2026-0002")
        assert "SIS-2026-0003: nog één werkdag; de brief moet uiterlijk vrijdag 18" in text
        for secret in ("Jansen", "jan@example.com", "0417", "Waar blijft"):
            assert secret not in text


def test_what_others_have_to_tell_is_said_in_the_shops_language(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_DIGEST) as here:
        case_id = here.open(TUESDAY)
        text = "SIS-2026-0001: the answer was sent with 2 gap(s)"
        here.tell("gaps", kind="gaps sent", case_id=case_id, text=text, urgent=True)
        assert here.at(WEDNESDAY) == ["Klacht SIS-2026-0001: melding"]
        assert "- SIS-2026-0001: het antwoord is verstuurd met open plekken" in here.last_text()


def test_urgent_notices_go_out_at_night_and_the_rest_waits_for_the_morning(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_DIGEST) as here:
        here.tell("een")
        here.tell("twee", urgent=True)
        assert here.at(WEDNESDAY, "22:00") == ["Klachten: 1 melding"]
        assert "iets met twee" in here.last_text()
        assert here.at(SATURDAY, "10:00") == []
        assert here.at(MONDAY, "08:00") == ["Klachten: 1 melding"]
        here.tell("een")
        assert here.at(MONDAY, "09:00") == []


@pytest.mark.parametrize("settings", [{"outgoing": None}, {"notices": {"send": False}}])
def test_a_shop_that_sends_no_mail_has_its_notices_settled_and_kept(tmp_path: Path, settings: dict[str, Any]) -> None:
    with office(tmp_path, **settings) as here:
        here.open(FRIDAY)
        assert here.at(THURSDAY) == []
        assert here.house.store.notices.waiting("sis") == []
        kept = here.house.store.notices.since("sis", here.clock[0] - timedelta(days=1))
        assert [notice.kind for notice in kept] == ["before"]


def test_the_digest_comes_once_on_a_business_day_with_the_reminders_in_it(tmp_path: Path, database: str) -> None:
    with office(tmp_path, database, mailbox=MAILBOX) as here:
        here.open(FRIDAY)
        here.open(THURSDAY)
        here.tell("iets")
        assert here.at(THURSDAY, "07:59") == []
        assert here.at(THURSDAY, "08:00") == ["Klachten op donderdag 17 september: 1 vandaag, 1 morgen"]
        text = " ".join(here.last_text().split())
        assert text.index("iets met iets") < text.index("Vandaag SIS-2026-0002 moet vandaag, donderdag 17 september")
        assert "SIS-2026-0001 nog één werkdag" in text
        assert "Er ligt een tussenbericht bij uw concepten" in text
        assert here.at(THURSDAY, "08:01") == []
        assert here.at(SATURDAY, "12:00") == []


def test_the_digest_tells_all_kinds_of_work(tmp_path: Path) -> None:
    with office(tmp_path, "", {"holding_reply": False}) as here:
        first = here.open(
            TUESDAY + timedelta(days=20), clocks=[{"kind": "safety", "due_on": "2026-09-16", "words": "rook"}]
        )
        here.open(TUESDAY + timedelta(days=20), attention=["mere thanks? close it"])
        (arrival,) = here.house.store.receive([an_arrival(80), an_arrival(81)])[:1]
        with here.house.store.processing() as unit:
            unit.add_event(an_event(kind="not delivered", case_id=first, at=here.clock[0]))
            unit.add_effect(
                Effect(
                    key="s",
                    shop="sis",
                    kind="send reply",
                    case_id=first,
                    state=EffectState.UNCERTAIN,
                    not_before=here.clock[0],
                    made_at=here.clock[0],
                )
            )
            unit.add_message(a_message(arrival, reason_kind="spam", reason="x", stored_at=here.clock[0]))
            other = a_message(arrival, part=1, reason_kind="internal", stored_at=here.clock[0])
            unit.add_message(other.model_copy(update={"reason": "it is a mail of our own that came back"}))
            unit.add_message(a_message(arrival, part=2, fate=Fate.JOINED, case_id=first + 1, suggested_case_id=first))
        assert here.at(WEDNESDAY) == ["Klachten op woensdag 16 september"]
        text = " ".join(here.last_text().split())
        for part in (
            "SIS-2026-0001 gevaar of letsel: uiterlijk woensdag 16 september",
            "Niet aangekomen SIS-2026-0001",
            "Misschien niet verstuurd SIS-2026-0001",
            "SIS-2026-0002 hoort misschien bij SIS-2026-0001",
            "SIS-2026-0002 misschien alleen een bedankje",
            "Terzijde gelegd sinds het vorige overzicht spam: 1 --",
        ):
            assert part in text
        assert "rook" not in text


def test_with_nothing_to_say_no_digest_is_sent_not_even_about_mail_of_our_own(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        here.open(TUESDAY + timedelta(days=20))
        (arrival,) = here.house.store.receive([an_arrival(80)])
        with here.house.store.processing() as unit:
            unit.add_message(a_message(arrival, reason_kind="internal", stored_at=here.clock[0]))
        assert here.at(WEDNESDAY) == []


def test_a_change_of_the_calendar_moves_no_date_and_the_digest_lists_what_it_would_touch(tmp_path: Path) -> None:
    with office(tmp_path, "", {"holding_reply": False}, calendar={"closed": ["2026-10-08"]}) as here:
        promised = here.open(date(2026, 10, 9))
        moved = here.open(date(2026, 10, 9))
        with here.house.store.processing() as unit:
            unit.add_deadline(a_deadline(moved, 1, due_on=date(2026, 10, 9), kind=DeadlineKind.MOVED))
            unit.add_deadline(
                a_deadline(
                    promised,
                    1,
                    due_on=date(2026, 10, 9),
                    received_at=datetime(2026, 10, 5, 10, tzinfo=here.shop.zone),
                )
            )
        here.at(WEDNESDAY)
        text = " ".join(here.last_text().split())
        assert "SIS-2026-0001 beloofd is vrijdag 9 oktober; nu zou het maandag 12 oktober worden" in text
        assert "SIS-2026-0002" not in text
        assert here.house.store.list_cases()[0].due_on == date(2026, 10, 9)


def test_a_holding_reply_is_drafted_the_day_before_once_and_not_put_back(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_DIGEST, mailbox=MAILBOX) as here:
        case_id = here.open(FRIDAY)
        here.at(WEDNESDAY, "16:00")
        here.at(THURSDAY, "07:59")
        assert here.drafts() == []
        assert here.at(THURSDAY, "08:00") == ["Klacht SIS-2026-0001: nog één werkdag"]
        (draft,) = here.drafts()
        assert (draft.state, draft.proposed_on) == (DraftState.WAITING, date(2026, 9, 25))
        assert "tussenbericht" in here.last_text()
        with here.house.store.processing() as unit:
            unit.change_draft(draft.id or 0, state=DraftState.DELETED)
        here.at(FRIDAY)
        assert len(here.drafts()) == 1
        here.change(case_id, due_on=TUESDAY)
        here.at(MONDAY)
        assert [one.proposed_on for one in here.drafts()] == [date(2026, 9, 25), date(2026, 9, 29)]


def test_no_holding_reply_is_drafted_where_the_shop_wants_none_or_the_case_is_answered(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_HOLDING) as here:
        here.open(FRIDAY)
        here.at(THURSDAY)
        assert here.drafts() == []
    with office(tmp_path / "two", "", NO_DIGEST) as here:
        here.change(here.open(FRIDAY), state=CaseState.ANSWERED)
        here.at(THURSDAY)
        assert here.drafts() == []


@pytest.mark.parametrize("boundary", ["holding reply drafted", "reminders noted", "digest stored", "notices stored"])
def test_what_was_broken_off_anywhere_is_told_once_in_the_end(tmp_path: Path, boundary: str) -> None:
    passed: list[str] = []

    def checkpoint(name: str) -> None:
        passed.append(name)
        if name == boundary and passed.count(name) == 1:
            raise InterruptedError

    clock = [datetime(2026, 9, 17, 9, tzinfo=Shop.model_validate(shop_settings()).zone)]
    notices = {"digest": "08:00" if boundary == "digest stored" else "23:59"}
    settings = shop_settings(outgoing=OUTGOING, notices=notices)
    with make_house(make_config(tmp_path, "", [settings]), lambda: clock[0], checkpoint) as house:
        here = Office(house, clock)
        here.open(FRIDAY)
        with pytest.raises(InterruptedError):
            here.at(THURSDAY)
        here.at(THURSDAY, "09:01")
        assert (len(here.mails()), len(here.drafts())) == (1, 1)
        assert here.at(THURSDAY, "09:02") == []


def test_a_reminder_arrives_as_automatic_mail_and_once(tmp_path: Path) -> None:
    with smtp_sink() as sink, office(tmp_path, "", {**NO_DIGEST, "to": ["a@example.nl", "b@example.nl"]}) as here:
        outgoing = Outgoing.model_validate(sink.settings(sender="mirjam@example.nl"))
        shop = here.shop.model_copy(update={"outgoing": outgoing})
        here.open(FRIDAY)
        for moment in ("08:00", "08:01"):
            here.at(THURSDAY, moment)
            send(here.house, shop)
        (taken,) = sink.taken
        message = taken.mail
        assert (str(make_header(decode_header(message["Subject"]))), message["Auto-Submitted"]) == (
            "Klacht SIS-2026-0001: nog één werkdag",
            "auto-generated",
        )
        assert (taken.sender, taken.recipients) == ("mirjam@example.nl", ("a@example.nl", "b@example.nl"))
        assert message["Message-ID"] == here.mails()[0].payload["message_id"]


def test_a_notice_that_comes_back_is_set_aside_even_as_a_reply_of_the_manager(tmp_path: Path) -> None:
    with office(tmp_path, "", NO_DIGEST) as here:
        here.open(FRIDAY)
        here.at(THURSDAY)
        sent = here.mails()[0].payload
        assert read_token(here.house.key, "sis", sent["message_id"]) == "SIS-2026-0000"
        manager = Address("Mirjam", "mirjam@example.nl")
        back = Message(
            MessageChannel.MAIL, sent["message_id"], sender=manager, subject=sent["subject"], text=sent["text"]
        )
        answer = Message(MessageChannel.MAIL, "<ok@example.nl>", (sent["message_id"],), sender=manager, text="Ok.")
        decided = [decide(one, Facts(), Knowledge(), here.shop, here.house.key) for one in (back, answer)]
        assert [(one.fate, one.kind) for one in decided] == [
            (MessageFate.SET_ASIDE, "internal"),
            (MessageFate.SET_ASIDE, "internal"),
        ]
