"""What people do to cases, on both databases: dates stay kept, drafts follow, and everything stands in the history."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from intake import casework
from intake.casework import Answered, Asked
from intake.errors import NotFound, Refused, UsageError
from intake.pipeline import House, process, receive_files
from intake.sources.files import FoundMail
from intake.types import PostalAddress
from storage.models import Case, CaseState, DeadlineKind, DraftState, EffectState
from storage.processing import Processing
from storage.store import CaseFile, Store
from tests.builders import MONDAY, mail, mailbox_settings, make_config, make_house, shop_settings
from tests.post_office import SENDER, post_office, scan

FIRST, SECOND, THIRD = "SIS-2026-0001", "SIS-2026-0002", "SIS-2026-0003"
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
FOLLOW_UP = mail(
    "De doos is ook nog beschadigd, zie ik nu. Hierbij herroep ik de koop.",
    message_id="<second@example.com>",
    in_reply_to="<first@example.com>",
    sent=TUESDAY,
)
OTHER = mail("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>", sent=TUESDAY)


class Clock:
    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


class Office:
    """A house whose mails come in when the test says so."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house, self.clock = house, clock
        self.taken = 0

    def take_in(self, *mails: bytes, at: datetime | None = None) -> None:
        self.clock.now = at or self.clock.now
        files = [FoundMail(f"{self.taken + number}.eml", raw) for number, raw in enumerate(mails)]
        self.taken += len(files)
        list(receive_files(self.house, self.house.config.shops[0], iter(files)))
        process(self.house)

    def file(self, reference: str = FIRST) -> CaseFile:
        return self.house.store.case_file(casework.get_case(self.house, reference).id or 0)

    def case(self, reference: str = FIRST) -> Case:
        return self.file(reference).case

    def kinds(self, reference: str = FIRST) -> list[str]:
        return [event.kind for event in self.file(reference).events]


@contextmanager
def office(folder: Path, database: str = "", **changes: Any) -> Iterator[Office]:
    clock = Clock()
    with make_house(make_config(folder / "data", database, [shop_settings(**changes)]), clock) as house:
        yield Office(house, clock)


def test_a_merged_case_brings_its_earlier_date_its_people_and_its_clocks(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        late = mail("Mijn stofzuiger is stuk.", message_id="<later@example.com>", sent=WEDNESDAY)
        early = mail(
            "Hierbij herroep ik de koop.",
            sender="Eva <eva@example.de>",
            message_id="<eva@example.de>",
        )
        desk.take_in(late, at=WEDNESDAY)
        desk.take_in(early)
        merged = casework.merge(desk.house, SECOND.lower(), FIRST, "mirjam")
        gone, stays = desk.file(SECOND), desk.file(FIRST)
        assert (merged.reference, gone.case.state, gone.merged_into) == (FIRST, CaseState.MERGED, FIRST)
        assert stays.merged == (SECOND,)
        assert [draft.state for draft in gone.drafts] == [DraftState.SUPERSEDED]
        assert stays.case.due_on == date(2026, 9, 11)
        assert [deadline.due_on for deadline in stays.deadlines] == [date(2026, 9, 15), date(2026, 9, 11)]
        assert stays.deadlines[-1].kind is DeadlineKind.PROMISE
        assert [clock["kind"] for clock in stays.case.clocks] == ["withdrawal"]
        assert stays.case.first_clock == date(2026, 9, 21)
        # Whoever wrote in the merged case goes on in the one that stays.
        again = mail(
            "En nu?", sender="Eva <eva@example.de>", message_id="<eva2@example.de>", in_reply_to="<eva@example.de>"
        )
        desk.take_in(again)
        assert [message.from_address for message in desk.file(FIRST).messages][-1] == "eva@example.de"
        assert "merged" in desk.kinds(SECOND)
        with pytest.raises(Refused, match="merged already"):
            casework.merge(desk.house, FIRST, SECOND, "mirjam")


def test_a_later_date_moves_nothing_when_cases_are_merged(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(mail(), OTHER, at=TUESDAY)
        casework.merge(desk.house, SECOND, FIRST, "mirjam")
        assert desk.case().due_on == date(2026, 9, 11)
        assert len(desk.file().deadlines) == 1


def test_merges_that_would_lose_a_promise_or_make_a_ring_are_refused(tmp_path: Path) -> None:
    shops = [shop_settings(), shop_settings(id="tuin", prefix="TUIN")]
    with make_house(make_config(tmp_path, shops=shops)) as house:
        desk = Office(house, Clock())
        desk.take_in(mail(), OTHER, mail("Waar blijft het?", sender="C <c@example.de>", message_id="<c@example.de>"))
        files = [FoundMail("tuin.eml", mail("Mijn hark is stuk.", message_id="<hark@example.com>"))]
        list(receive_files(house, house.config.shop("tuin"), iter(files)))
        process(house)
        refusals = [(FIRST, FIRST, "itself"), (FIRST, "TUIN-2026-0001", "another shop")]
        casework.close(house, THIRD, "spam", "mirjam")
        refusals.append((FIRST, THIRD, "waits for an answer"))
        for reference, into, words in refusals:
            with pytest.raises(Refused, match=words):
                casework.merge(house, reference, into, "mirjam")
        with pytest.raises(NotFound, match="SIS-1999-0001"):
            casework.merge(house, FIRST, "SIS-1999-0001", "mirjam")
        casework.merge(house, THIRD, SECOND, "mirjam")
        casework.merge(house, SECOND, FIRST, "mirjam")
        with pytest.raises(Refused, match="merged already"):
            casework.merge(house, FIRST, THIRD, "mirjam")
        answer = mail(
            "Nog steeds?", sender="C <c@example.de>", message_id="<c2@example.de>", in_reply_to="<c@example.de>"
        )
        desk.take_in(answer)
        assert desk.file(FIRST).messages[-1].message_id == "<c2@example.de>"


def test_a_message_that_is_split_off_has_a_case_and_a_date_of_its_own(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        desk.take_in(mail())
        desk.take_in(FOLLOW_UP, at=TUESDAY)
        assert desk.case().clocks
        first, second = desk.file().messages
        opened = casework.split(desk.house, FIRST, second.id or 0, "mirjam")
        old, new = desk.file(FIRST), desk.file(SECOND)
        assert opened.reference == SECOND
        assert [message.id for message in old.messages] == [first.id]
        assert [message.id for message in new.messages] == [second.id]
        assert (old.case.due_on, new.case.due_on) == (date(2026, 9, 11), date(2026, 9, 14))
        assert old.case.clocks == []
        assert [clock["kind"] for clock in new.case.clocks] == ["withdrawal"]
        assert old.drafts[-1].message_id == first.id
        assert new.drafts[-1].state is DraftState.WAITING
        assert SECOND in new.drafts[-1].subject
        with pytest.raises(Refused, match="opened"):
            casework.split(desk.house, FIRST, first.id or 0, "mirjam")
        with pytest.raises(NotFound, match="no message"):
            casework.split(desk.house, FIRST, second.id or 0, "mirjam")


def test_a_moved_date_stands_beside_the_promised_one(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        desk.take_in(mail())
        moved = casework.move_due(desk.house, FIRST, date(2026, 9, 18), "de klant is op reis", "mirjam")
        file = desk.file()
        assert moved.due_on == file.case.due_on == date(2026, 9, 18)
        assert [(one.kind, one.due_on) for one in file.deadlines] == [
            (DeadlineKind.PROMISE, date(2026, 9, 11)),
            (DeadlineKind.MOVED, date(2026, 9, 18)),
        ]
        assert (file.deadlines[-1].because, file.deadlines[-1].actor) == ("de klant is op reis", "mirjam")
        (event,) = [event for event in file.events if event.kind == "date moved"]
        assert event.data == {"from": "2026-09-11", "to": "2026-09-18"}
        assert event.actor == "mirjam"


@pytest.mark.parametrize(
    ("day", "because", "words"),
    [
        (date(2026, 9, 12), "daarom", "no business day"),
        (date(2026, 9, 4), "daarom", "past"),
        (date(2026, 9, 11), "daarom", "already"),
        (date(2026, 9, 18), " ", "reason"),
    ],
)
def test_a_date_is_not_moved_to_just_any_day(shared: Office, day: date, because: str, words: str) -> None:
    with pytest.raises((Refused, UsageError), match=words):
        casework.move_due(shared.house, FIRST, day, because, "mirjam")
    assert len(shared.file().deadlines) == 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One case that no test changes."""
    with office(tmp_path_factory.mktemp("office")) as desk:
        desk.take_in(mail())
        yield desk


@pytest.mark.parametrize(
    "refused",
    [
        lambda house: casework.set_category(house, FIRST, "nonsense", "m"),
        lambda house: casework.set_language(house, FIRST, "it", "m"),
        lambda house: casework.close(house, FIRST, "because", "m"),
        lambda house: casework.answer(house, FIRST, Answered("telepathy", MONDAY.date()), "m"),
        lambda house: casework.redraft(house, FIRST, Asked(kind="song"), "m"),
        lambda house: casework.redraft(house, FIRST, Asked(outcome="accepted"), "m"),
        lambda house: casework.redraft(house, FIRST, Asked(kind="final"), "m"),
        lambda house: casework.redraft(house, FIRST, Asked(kind="final", outcome="won"), "m"),
        lambda house: casework.note(house, FIRST, " ", "m"),
        lambda house: casework.note(house, FIRST, "x" * 20_001, "m"),
        lambda house: casework.assign(house, FIRST, "x" * 81, "m"),
    ],
)
def test_what_there_is_not_is_wrong_usage_with_the_next_step(shared: Office, refused: Any) -> None:
    before = shared.file()
    with pytest.raises(UsageError) as error:
        refused(shared.house)
    assert error.value.next_step
    assert shared.file() == before


@pytest.mark.parametrize("on", [date(2026, 9, 6), date(2026, 9, 8)], ids=["before it came", "in the future"])
def test_a_case_is_not_answered_on_an_impossible_day(shared: Office, on: date) -> None:
    with pytest.raises(Refused, match="cannot have been answered"):
        casework.answer(shared.house, FIRST, Answered("phone", on), "mirjam")


def test_a_case_that_was_answered_on_the_phone_is_reopened_with_a_date_from_now(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        desk.take_in(mail())
        desk.clock.now = WEDNESDAY
        casework.answer(desk.house, FIRST, Answered("phone", TUESDAY.date(), "Krijgt een nieuwe."), "mirjam")
        file = desk.file()
        assert (file.case.state, file.case.answered_how) == (CaseState.ANSWERED, "phone")
        assert file.case.answered_at == datetime(2026, 9, 8, 15, 0, tzinfo=UTC)
        assert [note.text for note in file.notes] == ["Krijgt een nieuwe."]
        assert "Krijgt" not in str([event.data for event in file.events])
        assert [draft.state for draft in file.drafts] == [DraftState.SUPERSEDED]
        with pytest.raises(Refused, match="is answered"):
            casework.redraft(desk.house, FIRST, Asked(), "mirjam")
        casework.reopen(desk.house, FIRST, "mirjam")
        file = desk.file()
        assert (file.case.state, file.case.answered_at, file.case.answered_how) == (CaseState.OPEN, None, "")
        assert file.case.due_on == date(2026, 9, 15)
        assert [one.kind for one in file.deadlines] == [DeadlineKind.PROMISE, DeadlineKind.MOVED]
        assert file.drafts[-1].state is DraftState.WAITING
        with pytest.raises(Refused, match="is open"):
            casework.reopen(desk.house, FIRST, "mirjam")


def test_a_closed_case_keeps_its_reason_and_loses_it_when_it_is_opened_again(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(mail())
        casework.close(desk.house, FIRST, "withdrawn", "mirjam")
        assert (desk.case().state, desk.case().closed_as) == (CaseState.CLOSED, "withdrawn")
        assert desk.file().events[-1].data == {"from": "open", "why": "withdrawn"}
        with pytest.raises(Refused, match="closed already"):
            casework.close(desk.house, FIRST, "spam", "mirjam")
        casework.reopen(desk.house, FIRST, "mirjam")
        assert (desk.case().closed_as, desk.case().closed_at) == ("", None)


def test_a_draft_that_waits_follows_the_category_and_the_language(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.take_in(mail())
        casework.set_category(desk.house, FIRST, "damaged", "mirjam")
        casework.set_language(desk.house, FIRST, "de", "mirjam")
        *old, latest = desk.file().drafts
        assert {draft.state for draft in old} == {DraftState.SUPERSEDED}
        assert (latest.category, latest.language, latest.state) == ("damaged", "de", DraftState.WAITING)
        assert "Sehr geehrte" in latest.body or "Guten Tag" in latest.body
        assert (desk.case().category, desk.case().language) == ("damaged", "de")
        casework.close(desk.house, FIRST, "agreed", "mirjam")
        count = len(desk.file().drafts)
        casework.set_language(desk.house, FIRST, "nl", "mirjam")
        assert len(desk.file().drafts) == count


def test_a_new_draft_takes_the_place_of_what_waits_of_its_kind(tmp_path: Path) -> None:
    with office(tmp_path, mailbox=mailbox_settings(1, "sis")) as desk:
        desk.take_in(mail())
        casework.redraft(desk.house, FIRST, Asked(language="en"), "mirjam")
        holding = casework.redraft(desk.house, FIRST, Asked(kind="holding"), "mirjam")
        final = casework.redraft(desk.house, FIRST, Asked(kind="final", outcome="rejected"), "mirjam")
        assert holding.proposed_on == date(2026, 9, 18)
        assert final.outcome == "rejected"
        file = desk.file()
        assert [(draft.kind, draft.state.value) for draft in file.drafts] == [
            ("answer", "superseded"),
            ("answer", "superseded"),
            ("holding", "waiting"),
            ("final", "waiting"),
        ]
        assert [draft.language for draft in file.drafts][:2] == ["nl", "en"]
        withdrawn = [effect.draft_id for effect in file.effects if effect.kind == "withdraw draft"]
        assert withdrawn == [file.drafts[0].id, file.drafts[1].id]
        assert all(effect.state is EffectState.WAITING for effect in file.effects)


def test_a_case_with_a_second_clock_stands_on_top(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        plain = mail("Mijn pakket is niet geleverd.", message_id="<plain@example.com>")
        private = mail("Dit is een inzageverzoek.", sender="B <b@example.de>", message_id="<b@example.de>")
        fire = mail("De lader vloog in brand.", sender="C <c@example.de>", message_id="<c@example.de>", sent=TUESDAY)
        desk.take_in(plain, private)
        desk.take_in(fire, at=TUESDAY)
        assert [case.reference for case in desk.house.store.list_cases()] == [THIRD, SECOND, FIRST]
        assert desk.case(SECOND).first_clock == date(2026, 10, 7)


ANSWER = "Geachte mevrouw De Boer,\n\nU krijgt een nieuwe.\n\nMet vriendelijke groet,\nMirjam\n"


def test_a_letter_that_is_taken_back_leaves_the_post_folder(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("brief.pdf", scan(), {"received_on": "2026-09-07", "sender": SENDER})
        post.work()
        assert post.files("drafts") == [f"{FIRST}.pdf"]
        casework.approve_letter(post.house, FIRST, ANSWER, "mirjam")
        post.work()
        (name,) = post.files("outgoing")
        for refused in (
            lambda: casework.answer(post.house, FIRST, Answered("phone", MONDAY.date()), "mirjam"),
            lambda: casework.close(post.house, FIRST, "agreed", "mirjam"),
        ):
            with pytest.raises(Refused, match="waits to be posted") as error:
                refused()
            assert f"intake redraft {FIRST}" in error.value.next_step
        casework.move_due(post.house, FIRST, date(2026, 9, 18), "later", "mirjam")
        post.work()
        assert post.files("outgoing") == ["2026-09-16__SIS-2026-0001.pdf"] != [name]
        casework.redraft(post.house, FIRST, Asked(), "mirjam")
        post.work()
        assert (post.files("outgoing"), post.files("drafts")) == ([], [f"{FIRST}.pdf"])
        casework.answer(post.house, FIRST, Answered("phone", MONDAY.date()), "mirjam")
        post.work()
        assert (post.files("outgoing"), post.files("drafts")) == ([], [])


def test_a_letter_is_not_moved_to_a_day_that_no_post_reaches(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("brief.pdf", scan(), {"received_on": "2026-09-07", "sender": SENDER})
        post.work()
        with pytest.raises(Refused, match="posted by"):
            casework.move_due(post.house, FIRST, date(2026, 9, 8), "eerder", "mirjam")
        moved = casework.move_due(post.house, FIRST, date(2026, 9, 18), "later", "mirjam")
        assert moved.post_by == post.find(FIRST).post_by == date(2026, 9, 16)


class Overtaken(Store):
    """A store where somebody else's transaction comes just before the next one."""

    def __init__(self, store: Store, rival: Callable[[], object]) -> None:
        super().__init__(store.engine)
        self._rivals = [rival]

    @contextmanager
    def processing(self) -> Iterator[Processing]:
        while self._rivals:
            self._rivals.pop()()
        with super().processing() as unit:
            yield unit


def overtaken(house: House, rival: Callable[[], object]) -> House:
    return replace(house, store=Overtaken(house.store, rival))


def test_who_is_overtaken_undoes_nothing_of_the_other(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("brief.pdf", scan(), {"received_on": "2026-09-07", "sender": SENDER})
        post.work()

        def mark() -> None:
            with post.house.store.processing() as unit:
                unit.add_attention(post.find(FIRST).id or 0, "the other's mark")

        home = PostalAddress(name="Ada", street="Kade 1", postal_code="8011 AB", city="Zwolle", country="NL")
        casework.set_address(overtaken(post.house, mark), FIRST, home, "clerk")
        assert "the other's mark" in post.find(FIRST).attention
        late = overtaken(post.house, lambda: casework.close(post.house, FIRST, "settled", "mirjam"))
        with pytest.raises(Refused, match="closed"):
            casework.approve_letter(late, FIRST, ANSWER, "clerk")
        assert post.find(FIRST).state is CaseState.CLOSED


def test_an_arrival_is_joined_to_the_case_as_it_is_by_then(tmp_path: Path) -> None:
    aside = [mail("Ik wacht nog.", message_id=f"<{name}@example.com>", x_spam_flag="YES") for name in ("s", "t")]
    with office(tmp_path) as desk:
        desk.take_in(mail("Mijn pakket is er niet."), OTHER)
        desk.take_in(*aside)
        first, second = sorted(line.arrival.id or 0 for line in desk.house.store.list_arrivals())[-2:]
        late = overtaken(desk.house, lambda: casework.close(desk.house, FIRST, "settled", "mirjam"))
        assert casework.join_arrival(late, first, FIRST, "mirjam") == FIRST
        assert desk.case().state is CaseState.OPEN
        late = overtaken(desk.house, lambda: casework.merge(desk.house, FIRST, SECOND, "mirjam"))
        assert casework.join_arrival(late, second, FIRST, "mirjam") == SECOND
        assert [desk.case(one).state for one in (FIRST, SECOND)] == [CaseState.MERGED, CaseState.OPEN]
