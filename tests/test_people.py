"""Names for comparing: who is one person on two letters, and who is not."""

import pytest

from intake.config import Shop
from intake.rules.people import name_key, participant_keys
from intake.types import Address, Channel, Message, PostalAddress
from tests.builders import shop_settings

SHOP = Shop.model_validate(shop_settings())
SAME = [
    [
        "A. de Boer",
        "A de Boer",
        "Anna de Boer",
        "Dhr. A. de Boer",
        "De heer A. de Boer",
        "A.B. de Boer",
        "de Boer, A.",
        "A. DE BOER",
    ],
    ["Anna Maria Jansen", "A.M. Jansen", "Mevr. drs. A. Jansen", "Mw. A. Jansen MSc", "Jansen, Anna"],
    ["Jan-Willem van den Berg", "J.W. van den Berg", "J. van den Berg jr."],
    ["Wolfgang Müller", "Herr W. Müller", "Herrn Dr. W. Muller"],
    ["M. Jean Dupont", "Jean Dupont", "Monsieur J. Dupont"],
    ["Joost van ’t Hoff", "J. van 't Hoff"],
    ["Patrick O'Brien", "Mr P O’Brien"],
    ["Bakkerij Jansen B.V.", "Bakkerij Jansen BV", "BAKKERIJ JANSEN"],
    ["Müller GmbH & Co. KG", "Müller GmbH"],
]
DIFFERENT = [
    ("A. de Boer", "B. de Boer"),
    ("A. de Boer", "A. den Boer"),
    ("A. de Boer", "A. Boer"),
    ("A. de Boer", "Mevr. de Boer"),
    ("A. de Boer", "Fam. de Boer"),
    ("A. de Boer", "A. de Boer-Jansen"),
    ("M. de Boer", "J. de Boer"),
    ("Marie Dupont", "M. Jean Dupont"),
    ("Stichting De Linde", "Stichting De Eik"),
    ("Bakkerij Jansen", "B. Jansen"),
]


@pytest.mark.parametrize("names", SAME, ids=[names[0] for names in SAME])
def test_a_name_is_the_same_however_it_is_written(names: list[str]) -> None:
    assert len({name_key(name) for name in names}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_people_of_one_house_are_two(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("name", ["", " ", "...", "-", "\u0301"])
def test_what_is_no_name_has_no_key(name: str) -> None:
    assert name_key(name) == ""


def keys(postal: PostalAddress, sender: Address | None = None) -> tuple[str, ...]:
    return participant_keys(Message(channel=Channel.LETTER, sender=sender, postal=postal), SHOP)


def test_a_letter_takes_part_by_name_and_postcode() -> None:
    assert keys(PostalAddress("Dhr. A. de Boer", postal_code="1017 ga")) == ("post:a de boer|1017GA",)
    assert keys(PostalAddress("", "Stichting De Linde", postal_code="1017GA")) == ("post:stichting de linde|1017GA",)
    assert keys(PostalAddress("A. de Boer"), Address("A. de Boer", "a@example.com")) == ("a@example.com",)
    assert keys(PostalAddress(postal_code="1017 GA")) == ()
