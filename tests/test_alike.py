"""A letter and a mail about one complaint: what makes them alike, and what does not."""

from dataclasses import replace

import pytest

from intake.config import Shop
from intake.rules.alike import clues_of, find_alike
from intake.types import Address, CaseView, Channel, Facts, Message, PostalAddress
from tests.builders import shop_settings

SHOP = Shop.model_validate(shop_settings())
HOME = PostalAddress("A. de Boer", "", "Kerkstraat", "5", "1017 GA", "Amsterdam")
LETTER = Message(channel=Channel.LETTER, sender=Address("A. de Boer", ""), postal=HOME)
CLUES = clues_of(Facts(order_numbers=("104233",)), 0)
BY_MAIL = CaseView(1, "SIS-2026-0001", True, frozenset({"a@example.com"}), Channel.MAIL, "Anna de Boer")


def found(message: Message, case: CaseView, clue: str = CLUES[0], clues: tuple[str, ...] = CLUES) -> str:
    alike = find_alike(message, clues, [(clue, case)], SHOP)
    return alike[0] if alike else ""


def test_the_same_order_and_name_are_alike() -> None:
    assert found(LETTER, BY_MAIL) == "the same order 104233 and name"


def test_the_same_order_of_somebody_else_is_not() -> None:
    assert found(LETTER, CaseView(1, "SIS-2026-0001", True, frozenset(), Channel.MAIL, "Piet Bakker")) == ""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(CaseView(1, "X", True, frozenset(), Channel.MAIL, "P", replace(HOME, name="P")), id="house"),
        pytest.param(CaseView(1, "X", True, frozenset({"b@example.com"}), Channel.MAIL, "P"), id="mail address"),
    ],
)
def test_the_same_order_and_address_are_alike(case: CaseView) -> None:
    message = Message(channel=Channel.LETTER, sender=Address("Q. Ander", "b@example.com"), postal=HOME)
    assert found(message, case) == "the same order 104233 and address"


def test_two_mails_know_each_other_by_their_ids_and_not_so() -> None:
    assert found(Message(channel=Channel.MAIL, sender=Address("Anna de Boer", "a@example.com")), BY_MAIL) == ""


def test_another_order_is_another_complaint() -> None:
    assert found(LETTER, BY_MAIL, clue="order:999999") == ""


def test_a_letter_whose_text_is_nearly_the_same_was_scanned_twice() -> None:
    case = CaseView(2, "SIS-2026-0002", True, frozenset(), Channel.LETTER)
    clues = clues_of(Facts(), 0xF0F0F0F0F0F0F0F0)
    assert "scanned twice" in found(LETTER, case, "like:f0f0f0f0f0f0f0f1", clues)
    assert found(LETTER, case, "like:0f0f0f0f0f0f0f0f", clues) == ""
