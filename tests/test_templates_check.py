"""`check` finds what is wrong with a shop's templates before a customer does, and says where."""

from pathlib import Path

import pytest

from intake.config import Shop
from intake.replies.checking import Mistake, check
from intake.replies.templates import Templates
from tests.builders import shop_settings

DELIVERED = Path(__file__).parent.parent / "templates" / "replies"
SHOP = Shop.model_validate(shop_settings(languages=["nl"]))
CATEGORIES = ("damaged", "refund", "defect", "conduct", "billing", "privacy", "wrong", "mislead", "withdraw")
ANSWER = '{% extends "nl/answer.j2" %}\n'
# The file, what is written in it, the line, and the words that tell; an error unless they begin with "note".
PLANTED = {
    "an unknown name": (
        "nl/answer/damaged.j2",
        ANSWER + "{% block apology %}{{ custmer }}{% endblock %}",
        2,
        "'custmer'",
    ),
    "an unknown name where no sample comes": (
        "nl/answer/refund.j2",
        ANSWER + '{% block apology %}\n{% if "x" in labels %}{{ custumer.name }}{% endif %}\n{% endblock %}',
        3,
        "'custumer', which nobody gives it",
    ),
    "an unknown part of a known name": (
        "nl/answer/defect.j2",
        ANSWER + '{% block apology %}{% if "x" in labels %}{{ shop.nmae }}{% endif %}{% endblock %}',
        2,
        "'shop.nmae', which is not there (is 'name' meant?)",
    ),
    "bad syntax": ("nl/answer/conduct.j2", ANSWER + "\n{% if %}", 3, "Expected an expression"),
    "a block that is not there": (
        "nl/answer/billing.j2",
        ANSWER + "{% block appology %}Sorry.{% endblock %}",
        2,
        "fills the block 'appology'",
    ),
    "a block within one that was replaced": (
        "nl/answer/mislead.j2",
        ANSWER + "{% block body %}Kort.{% endblock %}\n{% block apology %}Sorry.{% endblock %}",
        3,
        "fills the block 'apology'",
    ),
    "the closed platform": (
        "nl/answer/privacy.j2",
        ANSWER + "{% block extra %}\n\nhttps://ec.europa.eu/consumers/odr/\n{% endblock %}",
        4,
        "names the EU's ODR platform, which closed on 20 July 2025 (Regulation (EU) 2024/3228)",
    ),
    "a long line": (
        "nl/answer/wrong.j2",
        ANSWER + "{% block extra %}" + "x" * 1000 + "{% endblock %}",
        2,
        "mail takes 998",
    ),
    "the delivered one": (
        "nl/answer/withdraw.j2",
        (DELIVERED / "nl/answer/withdraw.j2").read_text(encoding="utf-8"),
        0,
        "note: is the delivered one, word for word",
    ),
    "an unknown category": ("nl/answer/gift.j2", ANSWER, 0, "note: is never used: there is no category 'gift'"),
    "another language": ("de/holding.j2", "S\n\nDag", 0, "note: is never used: the shop does not write 'de'"),
}
# What is seen only when a reply is made; each in a folder without other mistakes.
MADE = {
    "the closed platform in pieces": (
        "nl/holding.j2",
        "S ({{ case.reference }})\n\n{{ 'https://ec.europa' ~ '.eu/odr' }}",
        "makes a reply that names the EU's ODR platform",
    ),
    "a gap in an acknowledgement": (
        "nl/acknowledgement.j2",
        "S ({{ case.reference }})\n\n{{ facts.order_number | or_gap('bestelnummer') }}",
        "leaves gaps: [bestelnummer?]",
    ),
    "a long line": (
        "nl/holding.j2",
        "S ({{ case.reference }})\n\n{% for x in 'x' * 999 %}{{ x }}{% endfor %}",
        "makes a line of more than 998 characters",
    ),
    "too much work": (
        "nl/final.j2",
        "S ({{ case.reference }})\n\n{% for x in 'x' * 40000 %}{% for y in 'y' * 40000 %}{% endfor %}{% endfor %}",
        "it takes more than 100,000 steps",
    ),
    "an error in one case": (
        "nl/final.j2",
        "S ({{ case.reference }})\n\n{{ 1 / complaint.sentence | length }}",
        "zero",
    ),
    "no text": ("nl/holding.j2", "S ({{ case.reference }})", "makes a reply without a text"),
    "no reference": ("nl/holding.j2", "S\n\nDag", "note: makes a subject without the case's reference"),
    "a wrong layout": ("mail.html.j2", "<p>{{ content | nofilter }}</p>", "No filter named 'nofilter'"),
}


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Mistake]]:
    folder = tmp_path_factory.mktemp("own")
    for name, text, _, _ in PLANTED.values():
        write(folder, name, text)
    return folder, check(Templates(DELIVERED, folder), SHOP, CATEGORIES)


@pytest.mark.parametrize("case", PLANTED)
def test_each_planted_mistake_is_found_with_its_file_and_line(case: str, planted: tuple[Path, list[Mistake]]) -> None:
    folder, found = planted
    name, _, line, words = PLANTED[case]
    (told,) = [mistake for mistake in found if mistake.file == str(folder / name)]
    assert words.removeprefix("note: ") in told.what
    assert told.line == line
    assert told.warning is words.startswith("note: ")


def test_no_other_mistake_is_told(planted: tuple[Path, list[Mistake]]) -> None:
    folder, found = planted
    assert {mistake.file for mistake in found} == {str(folder / name) for name, *_ in PLANTED.values()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four replies and a layout: a delivered folder that is checked at once."""
    folder = tmp_path_factory.mktemp("delivered")
    for kind in ("acknowledgement", "answer", "holding", "final"):
        write(folder, f"nl/{kind}.j2", "S ({{ case.reference }})\n\nDag.")
    write(folder, "mail.html.j2", "{{ content }}")
    return folder


@pytest.mark.parametrize("case", MADE)
def test_what_goes_wrong_in_a_reply_is_found(case: str, small: Path, tmp_path: Path) -> None:
    name, text, words = MADE[case]
    write(tmp_path, name, text)
    (told,) = check(Templates(small, tmp_path), SHOP, CATEGORIES)
    assert words.removeprefix("note: ") in told.what
    assert told.file == str(tmp_path / name)
    assert told.warning is words.startswith("note: ")


def test_what_is_not_translated_is_told(small: Path, tmp_path: Path) -> None:
    shop = Shop.model_validate(shop_settings(languages=["nl", "fr"]))
    write(tmp_path, "nl/answer/damaged.j2", "S ({{ case.reference }})\n\nStuk.")
    write(tmp_path, "fr/answer.j2", "S ({{ case.reference }})\n\nBonjour.")
    found = check(Templates(small, tmp_path), shop, CATEGORIES)
    assert all(mistake.warning for mistake in found)
    assert {mistake.what for mistake in found} == {
        "is not translated: there is no fr/answer/damaged.j2",
        "is not there: nl/acknowledgement.j2 is used instead",
        "is not there: nl/holding.j2 is used instead",
        "is not there: nl/final.j2 is used instead",
    }


def test_a_kind_without_any_template_is_a_mistake(small: Path, tmp_path: Path) -> None:
    write(tmp_path, "nl/answer.j2", "S ({{ case.reference }})\n\nDag.")
    found = check(Templates(tmp_path, None), SHOP, CATEGORIES)
    assert {mistake.file for mistake in found if not mistake.warning} >= {"nl/holding.j2", "nl/final.j2"}


def test_the_delivered_templates_are_right() -> None:
    every = Shop.model_validate(shop_settings())
    known = [path.stem for path in (DELIVERED / "nl" / "answer").iterdir()]
    assert check(Templates(DELIVERED), every, known) == []
