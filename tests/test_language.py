"""The language of a text: among the shop's own, and the default where the text does not say."""

import pytest

from intake.rules.language import Languages

ALL = ("nl", "en", "de", "fr")
LANGUAGES = Languages()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("nl", "Mijn pakket is nog steeds niet geleverd. Wanneer krijg ik mijn bestelling?"),
        ("en", "My parcel has still not been delivered. When will I receive my order?"),
        ("de", "Mein Paket wurde immer noch nicht geliefert. Wann bekomme ich meine Bestellung?"),
        ("fr", "Mon colis n'a toujours pas été livré. Quand vais-je recevoir ma commande ?"),
    ],
)
def test_a_complaints_language_is_seen(code: str, text: str) -> None:
    found = LANGUAGES.of(text, ALL)
    assert (found.code, found.sure) == (code, True)


@pytest.mark.parametrize("text", ["", "104233", "Hallo", "ok!!", "€ 25,- 12-09-2026 06-29557135", "Jan J."])
@pytest.mark.parametrize("languages", [ALL, ("de", "nl"), ("fr", "en")])
def test_a_text_that_does_not_say_gets_the_shops_first_language(text: str, languages: tuple[str, ...]) -> None:
    found = LANGUAGES.of(text, languages)
    assert (found.code, found.sure) == (languages[0], False)


def test_a_language_that_the_shop_does_not_have_is_never_chosen() -> None:
    assert LANGUAGES.of("Mein Paket wurde immer noch nicht geliefert, bitte helfen Sie mir.", ("nl", "en")).code != "de"


def test_a_shop_of_one_language_is_always_sure() -> None:
    assert LANGUAGES.of("", ("nl",)).sure
