"""What is new in a mail and what is history, as the programs of customers write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.reading.quotes import split

NEW = "Mijn pakket is er nog niet."
OLD = "> Beste Jan,\n> uw pakket is onderweg."
HEADERS = {
    "nl": "Van: Service <info@example.nl>\nVerzonden: maandag 7 september 2026 10:00\nAan: Jan\nOnderwerp: Pakket",
    "en": "From: Service <info@example.nl>\nSent: Monday, September 7, 2026 10:00 AM\nTo: Jan\nSubject: Parcel",
    "de": "Von: Service <info@example.de>\nGesendet: Montag, 7. September 2026 10:00\nAn: Jan\nBetreff: Paket",
    "fr": "De : Service <info@example.fr>\nEnvoyé : lundi 7 septembre 2026 10:00\nÀ : Jan\nObjet : Colis",
}
ATTRIBUTIONS = {
    "gmail nl": "Op ma 7 sep 2026 om 10:00 schreef Smart <info@example.nl>:",
    "gmail en": "On Mon, Sep 7, 2026 at 10:00 AM Smart <info@example.nl> wrote:",
    "gmail de": "Am Mo., 7. Sept. 2026 um 10:00 Uhr schrieb Smart <info@example.de>:",
    "gmail fr": "Le lun. 7 sept. 2026 à 10:00, Smart <info@example.fr> a écrit :",
    "apple nl": "Op 7 sep. 2026 om 10:00 heeft Smart <info@example.nl> het volgende geschreven:",
    "apple en": "On 7 Sep 2026, at 10:00, Smart <info@example.nl> wrote:",
    "apple de": "Am 07.09.2026 um 10:00 schrieb Smart <info@example.de>:",
    "apple fr": "Le 7 sept. 2026 à 10:00, Smart <info@example.fr> a écrit :",
    "thunderbird nl": "Op 07-09-2026 om 10:00 schreef Smart:",
    "thunderbird en": "On 07/09/2026 10:00, Smart wrote:",
    "thunderbird de": "Am 07.09.26 um 10:00 schrieb Smart:",
    "thunderbird fr": "Le 07/09/2026 à 10:00, Smart a écrit :",
    "name first nl": "Smart <info@example.nl> schreef op 7 september 2026 10:00:",
    "name first de": "Smart <info@example.de> schrieb am 7. September 2026 um 10:00:",
    "wrapped": "On Mon, Sep 7, 2026 at 10:00 AM Smart Import Solutions\n<info@example.nl> wrote:",
}
SEPARATORS = {
    "outlook nl": "-----Oorspronkelijk bericht-----",
    "outlook en": "-----Original Message-----",
    "outlook de": "-----Ursprüngliche Nachricht-----",
    "outlook fr": "-----Message d'origine-----",
    "gmail forward": "---------- Forwarded message ---------",
    "yahoo nl": "----- Doorgestuurd bericht -----",
}


def lines_of(text: str) -> list[str]:
    return sorted(line.strip() for line in text.split("\n") if line.strip())


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_what_stands_above_an_attribution_is_new(attribution: str) -> None:
    new, history = split(f"{NEW}\n\n{attribution}\n\n{OLD}\n")
    assert new == NEW
    assert lines_of(history) == lines_of(f"{attribution}\n{OLD}")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_what_stands_below_the_quoted_lines_is_new(attribution: str) -> None:
    new, history = split(f"{attribution}\n{OLD}\n\n{NEW}\n")
    assert new.strip() == NEW
    assert lines_of(history) == lines_of(f"{attribution}\n{OLD}")


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS.keys())
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_outlooks_separator_begins_the_history(separator: str, headers: str) -> None:
    new, history = split(f"{NEW}\n\n{separator}\n{headers}\n\nBeste Jan\n")
    assert new == NEW
    assert history.startswith(separator)


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("rule", ["", "________________________________\n"], ids=["bare", "with a rule"])
def test_outlooks_header_block_begins_the_history(headers: str, rule: str) -> None:
    new, history = split(f"{NEW}\n\n{rule}{headers}\n\nBeste Jan\n")
    assert new == NEW
    assert "Beste Jan" in history


def test_answers_between_quoted_lines_are_all_new() -> None:
    new, history = split("Op 7 sep 2026 schreef Smart:\n> Is het stuk?\nJa, het is stuk.\n> Wilt u geld?\nJa graag.\n")
    assert new.split("\n") == ["Ja, het is stuk.", "Ja graag."]
    assert "Wilt u geld?" in history


@pytest.mark.parametrize(
    "signature",
    [
        *(
            "-- \nJan Jansen\nDorpsstraat 1",
            "Verzonden vanaf mijn iPhone",
            "Sent from my Galaxy",
            "Envoyé de mon iPhone",
        ),
        *("Von meinem iPhone gesendet", "Verstuurd vanaf mijn iPad", "Outlook voor Android downloaden"),
    ],
)
def test_a_signature_is_folded(signature: str) -> None:
    assert split(f"{NEW}\n\n{signature}\n") == (NEW, signature)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Op 7 september schreef ik u al:\nmijn pakket is weg.", id="the customer tells what he wrote"),
        pytest.param("From: nowhere\nit came broken", id="a From of its own"),
        pytest.param("De : leverancier zegt niets.", id="a French De"),
        pytest.param("Punten:\n---\nkapot\n---\nvies", id="rules of the customer's own"),
        pytest.param("> alles is geciteerd\n> en niets is nieuw", id="nothing but quoted lines"),
        pytest.param("", id="nothing at all"),
    ],
)
def test_a_complaint_is_not_folded_away(text: str) -> None:
    new, history = split(text)
    assert (new, history) == (text, "")


def test_a_forward_without_a_word_is_all_new() -> None:
    text = f"---------- Forwarded message ---------\n{HEADERS['nl']}\n\nMijn pakket is kapot."
    assert split(text) == (text, "")


PIECES = st.sampled_from(
    [
        *ATTRIBUTIONS.values(),
        *SEPARATORS.values(),
        *HEADERS.values(),
        OLD,
        NEW,
        "-- ",
        "",
        ">",
        "> >",
        "Verzonden vanaf x",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(st.characters(exclude_characters="\r\n"), max_size=20)), max_size=12))
def test_every_line_is_in_one_of_the_halves(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    new, history = split(text)
    assert lines_of(f"{new}\n{history}") == lines_of(text)
