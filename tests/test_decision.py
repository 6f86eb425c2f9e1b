"""What becomes of a message: a table of who writes what, in answer to what."""

from dataclasses import replace
from typing import Any

import pytest

from intake.config import Shop
from intake.reading.mail import read_mail
from intake.rules.decision import CaseView, Knowledge, complainant_of, decide, participant_keys, references_to_look_up
from intake.rules.tokens import make_token
from intake.types import Channel, Facts, Fate, Message, PostalAddress
from tests.builders import mail, mailbox_settings, shop_settings

KEY = b"k" * 32
CASE = CaseView(7, "SIS-2026-0042", True, frozenset({"jan@example.com", "post:jan jansen|8043TT"}))
ANSWERED = replace(CASE, is_open=False)
TOKEN = make_token(KEY, "sis", CASE.reference, "8f3a91c2", "example.nl")
FORGED = TOKEN.replace(".8f3a91c2.", ".8f3a91c3.")
HELD = Knowledge(by_message_id={"<first@example.com>": CASE}, by_reference={CASE.reference: CASE})
STRANGER = "Iemand <iemand@example.de>"
COLLEAGUE = "Piet <piet@example.nl>"


def shop(**mailbox) -> Shop:
    return Shop.model_validate(shop_settings(mailbox=mailbox_settings(143, "desk", **mailbox)))


def decided(raw: bytes, known: Knowledge = HELD, facts: Facts | None = None, **mailbox):
    return decide(read_mail(raw), facts or Facts(), known, shop(**mailbox), KEY)


def answer(**changes: Any) -> bytes:
    return mail("Graag snel!", **{"message_id": "<second@example.com>", "subject": "Re: klacht", **changes})


def test_a_first_complaint_opens_a_case() -> None:
    found = decided(answer())
    assert (found.fate, found.case, found.complainant) == (Fate.OPENED, None, ("Jan Jansen", "jan@example.com"))
    assert found.attention == ()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"in_reply_to": "<first@example.com>"}, id="In-Reply-To"),
        pytest.param({"references": "<other@example.com> <first@example.com>"}, id="References"),
        pytest.param({"in_reply_to": TOKEN}, id="our token"),
        pytest.param({"references": f"{TOKEN} <unknown@example.com>"}, id="our token in References"),
    ],
)
def test_a_participants_answer_joins_and_a_strangers_is_suggested(headers: dict[str, str]) -> None:
    joined = decided(answer(**headers))
    assert (joined.fate, joined.case, joined.reopens) == (Fate.JOINED, CASE, False)
    opened = decided(answer(sender=STRANGER, **headers))
    assert (opened.fate, opened.case, opened.suggested) == (Fate.OPENED, None, CASE)
    assert any(CASE.reference in mark for mark in opened.attention)


def test_a_strangers_reply_to_does_not_make_him_a_participant() -> None:
    raw = answer(sender=STRANGER, reply_to="jan@example.com", in_reply_to="<first@example.com>")
    assert decided(raw).fate is Fate.OPENED


def test_a_forged_token_leads_nowhere() -> None:
    found = decided(answer(in_reply_to=FORGED))
    assert (found.fate, found.case, found.suggested) == (Fate.OPENED, None, None)
    assert references_to_look_up(read_mail(answer(in_reply_to=FORGED)), Facts(), shop(), KEY) == ()


def test_a_reference_counts_in_the_subject_and_not_in_the_text() -> None:
    facts = Facts(references=(CASE.reference,))
    assert decided(answer(subject=f"Re: klacht ({CASE.reference})"), facts=facts).fate is Fate.JOINED
    assert decided(answer(), facts=facts).fate is Fate.OPENED


def test_a_message_after_the_answer_reopens_the_case() -> None:
    known = Knowledge(by_message_id={"<first@example.com>": ANSWERED})
    assert decided(answer(in_reply_to="<first@example.com>"), known).reopens


def test_a_merged_case_is_followed_to_where_storage_says() -> None:
    into = replace(CASE, id=9, reference="SIS-2026-0050")
    found = decided(answer(in_reply_to=TOKEN), Knowledge(by_reference={CASE.reference: into}))
    assert found.case == into


def test_the_same_mail_is_a_duplicate_and_the_same_id_with_other_content_is_flagged() -> None:
    message = read_mail(answer())
    same = decide(message, Facts(), Knowledge(same_id=((3, message.content_hash),)), shop(), KEY)
    assert (same.fate, same.duplicate_of) == (Fate.DUPLICATE, 3)
    other = decide(message, Facts(), Knowledge(same_id=((3, "other"),)), shop(), KEY)
    assert other.fate is Fate.OPENED
    assert any("Message-ID" in mark for mark in other.attention)


ASIDE = [
    pytest.param({"sender": COLLEAGUE}, {}, "internal", id="a colleague"),
    pytest.param({"sender": "mirjam@example.nl"}, {}, "internal", id="the manager"),
    pytest.param({"message_id": TOKEN}, {}, "internal", id="our own mail that came back"),
    pytest.param({"sender": STRANGER}, {"ignore": ("example.de",)}, "ignored", id="an ignored domain"),
    pytest.param({"sender": STRANGER}, {"ignore": ("iemand@example.de",)}, "ignored", id="an ignored address"),
    pytest.param({"x_spam_flag": "YES"}, {}, "spam", id="X-Spam-Flag"),
    pytest.param({"x_spam_status": "Yes, score=9.1"}, {}, "spam", id="X-Spam-Status"),
    pytest.param({"x_ms_exchange_organization_scl": "6"}, {}, "spam", id="SCL"),
    pytest.param({"x_forefront_antispam_report": "CIP:1.2.3.4;SFV:SPM;"}, {}, "spam", id="Forefront"),
    pytest.param({"auto_submitted": "auto-replied"}, {}, "automatic", id="automatic"),
    pytest.param({"list_id": "<news.example.com>"}, {}, "automatic", id="a newsletter"),
]


@pytest.mark.parametrize(("headers", "mailbox", "kind"), ASIDE)
def test_what_is_no_complaint_is_set_aside_with_its_reason(headers, mailbox, kind: str) -> None:
    found = decided(answer(**headers), **mailbox)
    assert (found.fate, found.kind) == (Fate.SET_ASIDE, kind)
    assert found.reason


OPENED = [
    pytest.param(
        {"sender": COLLEAGUE, "reply_to": "Eva <eva@example.com>"}, {}, id="a form with the customer in Reply-To"
    ),
    pytest.param({"sender": COLLEAGUE, "subject": "Fwd: klacht"}, {}, id="a colleague forwards"),
    pytest.param({"sender": COLLEAGUE, "subject": "Doorst: klacht"}, {}, id="a colleague forwards in Dutch"),
    pytest.param({"sender": COLLEAGUE}, {"forms": ("piet@example.nl",)}, id="a form that names nobody"),
    pytest.param(
        {"sender": STRANGER, "auto_submitted": "auto-generated"},
        {"forms": ("example.de",)},
        id="a form that says automatic",
    ),
    pytest.param(
        {"sender": STRANGER, "list_id": "<x.example.de>"}, {"always_open": ("example.de",)}, id="a trust mark's notice"
    ),
    pytest.param(
        {"sender": STRANGER}, {"always_open": ("example.de",), "ignore": ("example.de",)}, id="always, though ignored"
    ),
    pytest.param(
        {"to": "klachten@example.nl", "list_id": "<klachten.example.nl>"},
        {"own_lists": ("klachten@example.nl",)},
        id="through a group of the shop",
    ),
    pytest.param({"x_spam_status": "No, score=1.0", "x_spam_flag": "NO"}, {}, id="clean"),
    pytest.param({"x_ms_exchange_organization_scl": "-1"}, {}, id="a low SCL"),
    pytest.param({"auto_submitted": "no"}, {}, id="Auto-Submitted: no"),
]


@pytest.mark.parametrize(("headers", "mailbox"), OPENED)
def test_a_complaint_is_not_set_aside(headers, mailbox) -> None:
    assert decided(answer(**headers), **mailbox).fate is Fate.OPENED


def test_a_form_is_the_customers_mail_and_a_forward_asks_who_the_customer_is() -> None:
    form = read_mail(answer(sender=COLLEAGUE, reply_to="Eva <eva@example.com>"))
    assert complainant_of(form, shop()) == ("Eva", "eva@example.com")
    assert participant_keys(form, shop()) == ("eva@example.com",)
    assert any("who is the customer" in mark for mark in decided(answer(sender=COLLEAGUE, subject="Fwd: x")).attention)
    assert any("who is the customer" in mark for mark in decided(answer(), forms=("jan@example.com",)).attention)


def test_a_bounce_is_linked_to_the_case_of_the_mail_that_it_brings_back() -> None:
    raw = (
        b"From: mailer-daemon@example.com\r\nMessage-ID: <b@example.com>\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=q\r\n\r\n"
        b"--q\r\n\r\nno such user\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: "
        + TOKEN.encode()
        + b"\r\n\r\nhoi\r\n--q--\r\n"
    )
    found = decided(raw)
    assert (found.fate, found.kind, found.case) == (Fate.SET_ASIDE, "automatic", CASE)
    assert references_to_look_up(read_mail(raw), Facts(), shop(), KEY) == (CASE.reference,)


def test_a_mail_without_a_readable_sender_or_text_opens_and_says_so() -> None:
    found = decided(b"Subject: x\r\n\r\n")
    assert found.fate is Fate.OPENED
    assert len(found.attention) == 2


JAN = PostalAddress("Jan Jansen", "", "Dorpsstraat", "1", "8043 tt", "Zwolle")


@pytest.mark.parametrize(
    ("postal", "fate"),
    [(JAN, Fate.JOINED), (replace(JAN, postal_code="1011 AA"), Fate.OPENED), (replace(JAN, name=""), Fate.OPENED)],
)
def test_a_letter_joins_by_the_reference_in_it_for_the_same_name_and_postcode(
    postal: PostalAddress, fate: Fate
) -> None:
    letter = Message(Channel.LETTER, postal=postal, text=f"Uw kenmerk {CASE.reference}")
    assert decide(letter, Facts(references=(CASE.reference,)), HELD, shop(), KEY).fate is fate


def test_the_same_scan_is_a_duplicate() -> None:
    found = decide(Message(Channel.LETTER), Facts(), Knowledge(twin_scan=(3, 7)), shop(), KEY)
    assert (found.fate, found.duplicate_of) == (Fate.DUPLICATE, 3)
