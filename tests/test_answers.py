"""What a mail in Sent means for its case, with one house for all: each test has a customer and a case of its own."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from intake import casework
from intake.casework import Asked
from intake.pipeline import House, process
from intake.pipeline.holding import draft_holding_replies
from storage.models import Arrival, Case, CaseState, Channel, Draft, DraftState
from storage.store import CaseFile
from tests.builders import MONDAY, mail, mailbox_settings, make_config, make_house, shop_settings

MANAGER = "Mirjam <mirjam@example.nl>"
HOLDING = "holding"


@dataclass
class Customer:
    """One who complains, and the manager's mail program that answers."""

    house: House
    number: int
    numbers: Iterator[int]
    reference: str = ""

    @property
    def address(self) -> str:
        return f"klant{self.number}@example.com"

    @property
    def case(self) -> Case:
        found = self.house.store.find_case(self.reference)
        assert found is not None
        return found

    @property
    def file(self) -> CaseFile:
        return self.house.store.case_file(self.case.id or 0)

    def drafts(self, kind: str) -> list[Draft]:
        return [one for one in self.file.drafts if one.kind == kind]

    def complain(self) -> None:
        self.take_in(mail("Ik krijg mijn geld niet.", sender=self.address, message_id=self.id_of("first")))
        (case,) = [one for one in self.house.store.list_cases() if one.complainant_address == self.address]
        self.reference = case.reference

    def id_of(self, name: str) -> str:
        return f"<{name}.{self.number}@example.com>"

    def answer(self, text: str = "U krijgt uw geld terug.", own: str = "mine", **headers: str) -> bytes:
        """A mail of the manager's to this customer."""
        told: dict[str, Any] = {"in_reply_to": self.id_of("first"), "sender": MANAGER, "to": self.address, **headers}
        return mail(text, subject="Re: Geld", message_id=self.id_of(own), **told)

    def sends(self, *mails: bytes) -> None:
        self.take_in(*mails, folder="Sent")

    def take_in(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Take in mails as one batch, each a minute after the one before."""
        for minute, raw in enumerate(mails):
            arrival = Arrival(
                shop="sis",
                channel=Channel.MAIL,
                account="a",
                folder=folder,
                uidvalidity=1,
                uid=next(self.numbers),
                sha256=self.house.originals.add(raw),
                size=len(raw),
                received_at=MONDAY + timedelta(minutes=minute),
                received_basis="internaldate",
                stored_at=MONDAY,
                sent=folder == "Sent",
            )
            self.house.store.receive([arrival])
        process(self.house)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    shop = shop_settings(mailbox=mailbox_settings(1, "mirjam"), acknowledge="off")
    with make_house(make_config(tmp_path_factory.mktemp("answers"), "", [shop])) as made:
        yield made


NUMBERS = count(1)


@pytest.fixture
def customer(house: House) -> Customer:
    made = Customer(house, next(NUMBERS), NUMBERS)
    made.complain()
    return made


def reply_of(customer: Customer, draft: Draft, text: str = "", own: str = "held") -> bytes:
    """A draft as it was sent."""
    return customer.answer(text or draft.body, own, references=" ".join((*draft.reference_ids, draft.anchor)))


def test_an_answer_that_she_also_sends_to_herself_is_seen_once(customer: Customer) -> None:
    answer = customer.answer(bcc=MANAGER)
    customer.take_in(answer)
    assert customer.drafts("answer")[0].state is DraftState.WAITING
    customer.sends(answer)
    assert customer.case.state is CaseState.ANSWERED
    customer.sends(answer)
    assert [event.kind for event in customer.file.events].count("sent") == 1


@pytest.mark.parametrize(
    ("state", "expected"),
    [(DraftState.REFUSED, CaseState.ANSWERED), (DraftState.SUPERSEDED, CaseState.OPEN)],
)
def test_only_an_acknowledgement_that_can_lie_in_drafts_is_taken_for_what_she_sent(
    customer: Customer, state: DraftState, expected: CaseState
) -> None:
    told = {"id": None, "kind": "acknowledgement", "state": state, "token": customer.id_of("a"), "anchor": ""}
    with customer.house.store.processing() as unit:
        unit.add_draft(customer.drafts("answer")[0].model_copy(update=told))
    customer.sends(customer.answer(references=customer.id_of("a")))
    assert customer.case.state is expected


def test_of_two_sent_mails_in_one_batch_the_second_knows_what_the_first_was(customer: Customer) -> None:
    casework.redraft(customer.house, customer.reference, Asked(kind=HOLDING), "mirjam")
    (draft,) = customer.drafts(HOLDING)
    later = customer.answer(references=" ".join((*draft.reference_ids, draft.token)))
    customer.sends(reply_of(customer, draft), later)
    case = customer.case
    assert (case.state, case.due_on) == (CaseState.ANSWERED, date(2026, 9, 18))
    assert [one.state for one in customer.drafts(HOLDING)] == [DraftState.SENT]


def test_what_a_unit_changes_of_a_draft_is_seen_in_it_and_forgotten_with_its_item(customer: Customer) -> None:
    case_id = customer.case.id or 0
    (draft,) = customer.drafts("answer")
    with customer.house.store.processing() as unit:
        fresh = unit.add_draft(draft.model_copy(update={"id": None, "token": customer.id_of("t"), "anchor": ""}))
        unit.change_draft(fresh, state=DraftState.SUPERSEDED)
        with contextlib.suppress(ZeroDivisionError), unit.item():
            unit.change_draft(draft.id or 0, state=DraftState.SENT)
            assert unit.waiting_drafts(case_id) == []
            raise ZeroDivisionError
        assert [one.id for one in unit.waiting_drafts(case_id)] == [draft.id]
        latest = unit.latest_draft(case_id)
        assert latest is not None
        assert latest.id == draft.id
        unit.change_draft(fresh, state=DraftState.WAITING)
        latest = unit.latest_draft(case_id)
        assert latest is not None
        assert latest.id == fresh
    assert [one.state for one in customer.drafts("answer")] == [DraftState.WAITING, DraftState.WAITING]


def test_a_holding_reply_to_a_date_that_has_moved_is_taken_back(customer: Customer) -> None:
    casework.redraft(customer.house, customer.reference, Asked(kind=HOLDING), "mirjam")
    casework.move_due(customer.house, customer.reference, date(2026, 9, 30), "de leverancier", "mirjam")
    assert [one.state for one in customer.drafts(HOLDING)] == [DraftState.SUPERSEDED]
    withdrawn = {one.draft_id for one in customer.file.effects if one.kind == "withdraw draft"}
    assert withdrawn == {one.id for one in customer.drafts(HOLDING)}
    assert [one.state for one in customer.drafts("answer")] == [DraftState.WAITING]


def test_a_holding_reply_that_names_no_later_day_any_more_does_not_stand_in_the_way(customer: Customer) -> None:
    casework.redraft(customer.house, customer.reference, Asked(kind=HOLDING), "mirjam")
    with customer.house.store.processing() as unit:
        unit.change_case(customer.case.id or 0, due_on=date(2026, 9, 18))
    assert draft_holding_replies(customer.house, customer.house.config.shops[0], [customer.case]) == 1
    told = [(one.state, one.proposed_on) for one in customer.drafts(HOLDING)]
    assert told == [(DraftState.SUPERSEDED, date(2026, 9, 18)), (DraftState.WAITING, date(2026, 9, 25))]


def test_a_holding_reply_that_names_two_other_days_moves_nothing_and_asks(customer: Customer) -> None:
    casework.redraft(customer.house, customer.reference, Asked(kind=HOLDING), "mirjam")
    (draft,) = customer.drafts(HOLDING)
    text = "Het is op 21 september 2026 terug bij de leverancier. U hoort het op 25 september 2026.\n"
    customer.sends(reply_of(customer, draft, text))
    case = customer.case
    assert (case.due_on, len(case.attention)) == (date(2026, 9, 11), 1)
    assert "intake due" in case.attention[0]
