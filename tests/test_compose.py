"""Composing a reply: the customer's own words, safely; the day in the reader's language; and why this template."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.config import Shop
from intake.replies.compose import Complaint, compose, explain, key_sentence, plain_subject, quote
from intake.replies.templates import Templates, find_gaps
from intake.types import Categorisation, Channel, Facts, Language, Reply
from tests.builders import shop_settings

TEMPLATES = Templates(Path(__file__).parent.parent / "templates" / "replies")
SHOP = Shop.model_validate(shop_settings())
NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)


def a_complaint(**changes: Any) -> Complaint:
    values = {
        "reference": "SIS-2026-0001",
        "channel": Channel.MAIL,
        "customer": "Jan Jansen",
        "subject": "Pakket niet geleverd",
        "text": "Hallo,\n\nMijn pakket is nog steeds niet geleverd en ik wacht al weken. Wat nu?\n\nJan",
        "received_on": date(2026, 9, 7),
        "due_on": date(2026, 9, 11),
        "language": Language("nl", 0.9, True),
        "categorisation": Categorisation("del_none", (), {"del_none": ("niet geleverd",)}),
        "category_name": "Not delivered",
        "facts": Facts(),
        "now": NOW,
        "first_received_on": date(2026, 9, 7),
    }
    return Complaint(**{**values, **changes})


def reply(**changes: Any) -> Reply:
    return compose("answer", a_complaint(**changes), SHOP, TEMPLATES)


def test_a_reply_quotes_the_telling_sentence_and_names_the_day_and_the_phone() -> None:
    found = reply()
    assert "Mijn pakket is nog steeds niet geleverd en ik wacht al weken." in found.body
    assert "7 september 2026" in found.body
    assert "06-29557135" in found.body
    assert "vrijdag" in found.body
    assert found.subject == "Re: Pakket niet geleverd (SIS-2026-0001)"
    assert found.template == "nl/answer/del_none.j2"
    assert found.gaps == find_gaps(found.subject + found.body)


@pytest.mark.parametrize(
    ("code", "day"), [("nl", "7 september"), ("en", "7 September"), ("de", "7. September"), ("fr", "7 septembre")]
)
def test_the_day_is_written_in_the_readers_language(code: str, day: str) -> None:
    assert f"{day}" in reply(language=Language(code, 0.9, True)).body


def test_a_known_fact_is_in_the_reply_and_an_unknown_one_is_a_gap() -> None:
    assert "104233" in reply(facts=Facts(order_numbers=("104233", "9"))).body
    assert "[bestelnummer?]" in reply().gaps


def test_an_iban_is_masked(tmp_path: Path) -> None:
    (tmp_path / "nl").mkdir()
    (tmp_path / "nl" / "answer.j2").write_text("S\n\n{{ facts.iban }}")
    (tmp_path / "nl" / "answer").mkdir()
    complaint = a_complaint(facts=Facts(ibans=("NL91ABNA0417164300",)), categorisation=Categorisation("other"))
    body = compose("answer", complaint, SHOP, Templates(tmp_path)).body
    assert body == "NL91 •••• 4300\n"


@pytest.mark.parametrize("name", ["", "jan@example.com", "1234", "\u202e\x00", "   "])
@pytest.mark.parametrize(("code", "salutation"), [("nl", ""), ("de", "Sehr geehrte Damen und Herren,")])
def test_a_name_that_is_none_is_not_used_to_address_people(name: str, code: str, salutation: str) -> None:
    first = reply(customer=name, language=Language(code, 0.9, True)).body.split("\n")[0]
    assert salutation in first
    assert "@" not in first
    assert first.endswith(",")


HOSTILE = {
    "code": "{{ 7*7 }} {% raw %}",
    "a gap": "[x?] [bestelnummer?]",
    "lines": "Jan\n\nWij betalen u € 1000.\r\nMirjam\u2028x\x0bx\x85x",
    "very long": "Jansen" * 2000,
    "turned around": "Jan \u202e.mocsnej",
    "controls": "Jan\x00\x1b[31mJansen\x07",
}


@pytest.mark.parametrize("field", ["customer", "subject", "text", "facts"])
@pytest.mark.parametrize("case", HOSTILE)
def test_a_strangers_words_make_no_gap_no_line_and_no_code(case: str, field: str) -> None:
    value: Any = HOSTILE[case]
    plain, found = reply(**{field: _as(field, "Jan")}), reply(**{field: _as(field, value)})
    known = {gap.casefold() for gap in (*plain.gaps, *reply(text="", facts=Facts()).gaps)}
    assert {gap.casefold() for gap in found.gaps} <= known
    assert len(found.body.split("\n")) <= len(plain.body.split("\n")) + 1
    assert "49" not in found.body
    assert len(found.body) < len(plain.body) + 1000
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", found.subject + found.body)
    assert found.subject.endswith("(SIS-2026-0001)")


def _as(field: str, value: str) -> Any:
    if field == "facts":
        return Facts(order_numbers=(value,), invoice_numbers=(value,), tracking_numbers=(value,), amounts=(value,))
    return value


@given(name=st.text(max_size=60), subject=st.text(max_size=80), text=st.text(max_size=300))
def test_any_words_make_a_reply_whose_subject_ends_with_the_reference(name: str, subject: str, text: str) -> None:
    found = reply(customer=name, subject=subject, text=text)
    assert found.subject.endswith("(SIS-2026-0001)")
    assert "\n" not in found.subject
    assert found.body.rstrip().endswith("Smart Import Solutions")


def test_the_choice_is_explained_with_the_words_that_led_to_it() -> None:
    assert explain(a_complaint()) == 'Dutch; "niet geleverd" → Not delivered'


def test_an_unsure_language_and_a_label_are_explained() -> None:
    told = explain(
        a_complaint(
            language=Language("nl", 0.2, False),
            categorisation=Categorisation("other", ("safety",), {"safety": ("rook", "brand")}),
            category_name="Other",
        )
    )
    assert told == (
        'Dutch (the shop\'s default: the text does not say); no known words → Other; label safety ("rook", "brand")'
    )


SENTENCES = {
    "the one with the word": ("Hallo allemaal hier bij de klantenservice. Het is kapot.", ("kapot",), "Het is kapot."),
    "without a word the first long one": (
        "Hoi. Ik heb nu al weken niets gehoord.",
        (),
        "Ik heb nu al weken niets gehoord.",
    ),
    "nothing but greetings": ("Hoi.\n\nGroet", (), ""),
    "no text": ("", ("kapot",), ""),
    "a word of two": ("Eén zin hier. Het is niet geleverd!", ("niet geleverd",), "Het is niet geleverd!"),
    "a stem": ("Eén zin. De doos was beschadigd.", ("beschadig*",), "De doos was beschadigd."),
    "over two lines": ("Het ding\nis kapot. Nog iets.", ("kapot",), "Het ding is kapot."),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_the_sentence_that_tells_is_found(case: str) -> None:
    text, words, sentence = SENTENCES[case]
    assert key_sentence(text, words) == sentence


def test_a_long_sentence_is_cut_at_a_word() -> None:
    found = key_sentence("kapot " + "woorden " * 100, ("kapot",))
    assert len(found) <= 240
    assert found.endswith("woorden…")


SUBJECTS = {
    "Re: Re: FW: Antw: Pakket": "Pakket",
    "RE[2]: Pakket": "Pakket",
    "Pakket (SIS-2026-0001)": "Pakket",
    "[SIS-2026-0001] Re: Pakket": "Re: Pakket",
    "Pakket [dringend?]": "Pakket (dringend?)",
    "": "",
    "Reparatie": "Reparatie",
    "Tr: AW: Paket": "Paket",
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_is_freed_of_its_prefixes_and_of_our_reference(subject: str) -> None:
    assert plain_subject(subject) == SUBJECTS[subject]


def test_a_quote_keeps_every_line_behind_its_sign() -> None:
    found = quote("a\r\nb\rc\n\nd", "Jan\n> x", NOW, "nl")
    assert found == "Op 7 september 2026 10:00 schreef Jan > x:\n> a\n> b\n> c\n>\n> d\n"


@pytest.mark.parametrize("language", ["nl", "en", "de", "fr"])
def test_a_quote_is_introduced_in_every_language_and_is_not_endless(language: str) -> None:
    found = quote("x" * 40_000, "Jan", NOW, language)
    assert len(found) < 31_000
    assert found.endswith("> […]\n")
    assert "Jan" in found.split("\n")[0]
