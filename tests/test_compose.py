"""Composing a reply: the customer's own words, safely; the day in the reader's language; and why this template."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.config import Shop
from intake.errors import TemplateError
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


@settings(deadline=None)
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


PHONE = {"number": "06-29557135", "opens": "09:00"}
OPENING = {
    "open": ("2026-09-11T09:00", {}, "We zijn nu bereikbaar."),
    "before opening": ("2026-09-11T08:59", {}, "vrijdag vanaf 9:00 uur"),
    "at closing time": ("2026-09-11T17:00", {}, "maandag vanaf 9:00 uur"),
    "in the weekend": ("2026-09-12T12:00", {}, "maandag vanaf 9:00 uur"),
    "before a holiday": ("2026-04-02T18:00", {"open": []}, "dinsdag vanaf 9:00 uur"),  # Good Friday, Easter Monday
    "a holiday on which the shop works": ("2026-04-02T18:00", {}, "vrijdag vanaf 9:00 uur"),
    "before days off": (
        "2026-12-23T18:00",
        {"closed": [f"2026-12-{day}" for day in (24, 28, 29, 30, 31)]},
        "maandag 4 januari vanaf 9:00 uur",
    ),
}


@pytest.mark.parametrize("case", OPENING)
def test_an_acknowledgement_tells_whether_the_phone_is_answered_now(case: str) -> None:
    at, calendar, told = OPENING[case]
    shop = Shop.model_validate(shop_settings(phone=PHONE, calendar=calendar))
    now = datetime.fromisoformat(at).replace(tzinfo=shop.zone)
    assert told in compose("acknowledgement", a_complaint(now=now), shop, TEMPLATES).body


@pytest.mark.parametrize(
    ("kind", "channel", "acknowledge"),
    [
        ("acknowledgement", Channel.LETTER, "send"),
        ("acknowledgement", Channel.MAIL, "draft"),
        ("answer", Channel.MAIL, "send"),
    ],
)
def test_what_is_read_later_says_nothing_about_now(kind: str, channel: Channel, acknowledge: str) -> None:
    shop = Shop.model_validate(shop_settings(phone=PHONE, acknowledge=acknowledge))
    body = compose(kind, a_complaint(channel=channel, now=NOW.astimezone(shop.zone)), shop, TEMPLATES).body
    assert "van 9:00 tot 17:00 uur." in body
    assert "nu bereikbaar" not in body


def test_without_an_opening_hour_nothing_is_said_about_now() -> None:
    body = compose("acknowledgement", a_complaint(), SHOP, TEMPLATES).body
    assert "maandag tot en met vrijdag tot 17:00 uur." in body
    assert "nu" not in body.split()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Jan Jansen", "Beste Jan Jansen,"),
        ("J.P. de Vries-O’Neil", "Beste J.P. de Vries-O’Neil,"),
        ("Dr. Weiß", "Beste Dr. Weiß,"),
        ("Win €1000 op evil.example.com", "Geachte"),
        ("evil.com", "Geachte"),
        ("t.co", "Geachte"),
        ("bel 0900 123456", "Geachte"),
        ("https://example.com", "Geachte"),
        ("een twee drie vier vijf zes", "Geachte"),
        ("x" * 41, "Geachte"),
    ],
)
def test_an_acknowledgement_says_nothing_that_a_stranger_wrote_but_a_name(name: str, shown: str) -> None:
    words = "Koop nu bij evil"
    found = compose("acknowledgement", a_complaint(customer=name, subject=words, text=f"{words} " * 3), SHOP, TEMPLATES)
    assert found.body.startswith(shown)
    assert found.subject == "Uw klacht is ontvangen (SIS-2026-0001)"
    assert "evil" not in found.body


def test_an_acknowledgement_names_the_day_the_person_and_what_to_add() -> None:
    found = compose("acknowledgement", a_complaint(categorisation=Categorisation("damaged")), SHOP, TEMPLATES)
    assert "Mirjam behandelt uw klacht. U krijgt uiterlijk op vrijdag 11 september 2026 antwoord." in found.body
    assert "- uw bestelnummer\n- foto’s" in found.body
    known = compose("acknowledgement", a_complaint(facts=Facts(order_numbers=("104233",))), SHOP, TEMPLATES)
    assert "bestelnummer" not in known.body
    assert "foto" not in known.body


def test_an_acknowledgement_with_a_gap_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nl").mkdir()
    (tmp_path / "nl" / "acknowledgement.j2").write_text("S\n\n{{ facts.order_number | or_gap('bestelnummer') }}")
    with pytest.raises(TemplateError, match=r"leaves gaps: \[bestelnummer\?\]"):
        compose("acknowledgement", a_complaint(), SHOP, Templates(tmp_path))


@pytest.mark.parametrize("code", ["nl", "en", "de", "fr"])
def test_a_holding_reply_names_both_days_and_asks_for_the_reason(code: str) -> None:
    language = Language(code, 0.9, True)
    found = compose("holding", a_complaint(language=language, proposed_on=date(2026, 9, 18)), SHOP, TEMPLATES)
    assert "11" in found.body
    assert "18" in found.body
    assert len(found.gaps) == 1
    late = compose("holding", a_complaint(language=language, now=datetime(2026, 9, 12, tzinfo=UTC)), SHOP, TEMPLATES)
    assert len(late.gaps) == 2, "the new date is a gap where nobody proposed one"
    assert late.body.split("\n\n")[1] != found.body.split("\n\n")[1]


BODY = {
    "name": "De Geschillencommissie",
    "address": "Postbus 1, 2500 AA Den Haag",
    "id": "committee",
    "website": "https://www.example.nl",
    "takes_part": True,
    "term_months": 12,
}


@pytest.mark.parametrize("code", ["nl", "en", "de", "fr"])
@pytest.mark.parametrize("outcome", ["", "accepted", "offered", "rejected"])
def test_a_final_position_says_where_the_dispute_can_go(code: str, outcome: str) -> None:
    """Implementatiewet buitengerechtelijke geschillenbeslechting consumenten art. 12; § 37 VSBG."""
    bodies = []
    for takes_part in (True, False, None):
        shop = Shop.model_validate(shop_settings(dispute_bodies=[{**BODY, "takes_part": takes_part}]))
        found = compose("final", a_complaint(language=Language(code, 0.9, True), outcome=outcome), shop, TEMPLATES)
        bodies.append(found)
        for part in (BODY["name"], BODY["address"], BODY["website"], "12 m", "2026"):
            assert str(part).lower() in found.body.lower()
    yes, no, unknown = bodies
    assert len({reply.body for reply in bodies}) == 3
    assert len(unknown.gaps) == len(yes.gaps) + 1 == len(no.gaps) + 1


@pytest.mark.parametrize("code", ["nl", "en", "de", "fr"])
def test_a_final_position_does_not_settle_what_nobody_decided(code: str) -> None:
    language = Language(code, 0.9, True)
    found = {
        outcome: compose("final", a_complaint(language=language, outcome=outcome), SHOP, TEMPLATES)
        for outcome in ("", "accepted", "offered", "rejected")
    }
    assert len({reply.body for reply in found.values()}) == 4
    assert all(len(reply.gaps) >= 3 for reply in found.values()), "reasons and remedies are a person's"


def test_german_final_positions_ask_for_the_dispute_body_where_none_is_configured() -> None:
    """§ 37 VSBG holds for every trader, also one that takes part in nothing."""
    german = compose("final", a_complaint(language=Language("de", 0.9, True)), SHOP, TEMPLATES)
    assert "[zuständige Verbraucherschlichtungsstelle mit Anschrift und Website?]" in german.gaps
    assert "[bereit / verpflichtet / weder bereit noch verpflichtet?]" in german.gaps


def test_a_language_without_the_template_gets_the_shops_first_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "nl").mkdir()
    (tmp_path / "nl" / "answer.j2").write_text("S\n\n{{ case.received_on }}")
    found = compose("answer", a_complaint(language=Language("fr", 0.9, True)), SHOP, Templates(tmp_path))
    assert found.language == "nl"
    assert found.body == "7 september 2026\n"
    assert found.explanation.endswith("; no template in French, so in Dutch")


def test_french_writes_the_first_of_a_month_as_it_says_it() -> None:
    assert "1er octobre 2026" in reply(language=Language("fr", 0.9, True), received_on=date(2026, 10, 1)).body
