"""What becomes of a message: a table of who writes what, in answer to what."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from intake.config import Shop
from intake.reading.mail import read_mail
from intake.rules.decision import (
    Knowledge,
    decide,
    references_to_look_up,
    thread_ids,
)
from intake.rules.people import complainant_of, participant_keys
from intake.rules.tokens import make_token
from intake.types import Address, CaseView, Channel, Facts, Fate, Forwarded, Message, PostalAddress
from tests.builders import mail, mailbox_settings, shop_settings

KEY = b"k" * 32
CASE = CaseView(7, "SIS-2026-0042", True, frozenset({"jan@example.com", "post:j jansen|8043TT"}))
ANSWERED = replace(CASE, is_open=False)
TOKEN = make_token(KEY, "sis", CASE.reference, "8f3a91c2", "example.nl")
TOLD = make_token(KEY, "sis", "SIS-2026-0000", "8f3a91c2", "example.nl")
FORGED = TOKEN.replace(".8f3a91c2.", ".8f3a91c3.")
HELD = Knowledge(by_message_id={"<first@example.com>": CASE}, by_reference={CASE.reference: CASE})
NOTHING = Knowledge()
STRANGER = "Iemand <iemand@example.de>"
COLLEAGUE = "Piet <piet@example.nl>"
JAN_BY_MAIL = Address("Jan Jansen", "jan@example.com")
SATURDAY = datetime(2026, 9, 5, 22, 30, tzinfo=UTC)
LIST = "klachten@example.nl"


def shop(**mailbox) -> Shop:
    return Shop.model_validate(shop_settings(mailbox=mailbox_settings(143, "desk", **mailbox)))


def forwarded(**changes: Any) -> Message:
    """A customer's mail that a colleague forwarded, as examining leaves it."""
    original = Forwarded(
        JAN_BY_MAIL, SATURDAY, "klacht", "Stuk!", note="Graag oppakken", message_id="<org@example.com>"
    )
    outer = read_mail(mail("Graag oppakken", sender=COLLEAGUE, subject="Fwd: klacht", message_id="<fwd@example.nl>"))
    return replace(
        outer,
        **{
            "sender": original.sender,
            "sent_at": original.sent_at,
            "text": original.text,
            "forwarded": original,
            "forwarded_by": Address("Piet", "piet@example.nl"),
            **changes,
        },
    )


def settled(message: Message, known: Knowledge = NOTHING, **mailbox):
    return decide(message, Facts(), known, shop(**mailbox), KEY)


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
    pytest.param({"sender": STRANGER, "in_reply_to": TOLD}, {}, "internal", id="an answer to a notice of ours"),
    pytest.param({"references": f"{TOLD} <x@example.com>"}, {}, "internal", id="a later answer to a notice of ours"),
    pytest.param(
        {"sender": STRANGER, "in_reply_to": TOLD}, {"always_open": ("example.de",)}, "internal", id="a trusted one's"
    ),
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
    pytest.param({"in_reply_to": TOLD.replace(".8f3a91c2.", ".8f3a91c3.")}, {}, id="a forged answer to a notice"),
]


@pytest.mark.parametrize(("headers", "mailbox"), OPENED)
def test_a_complaint_is_not_set_aside(headers, mailbox) -> None:
    assert decided(answer(**headers), **mailbox).fate is Fate.OPENED


def test_a_customer_stays_in_his_case_although_a_notice_stands_in_the_thread() -> None:
    found = decided(answer(in_reply_to="<first@example.com>", references=f"{TOLD} <first@example.com>"))
    assert (found.fate, found.case) == (Fate.JOINED, CASE)


def test_mail_of_whoever_is_told_is_the_shops_own() -> None:
    told = Shop.model_validate(shop_settings(notices={"to": ["Iemand@example.de"]}))
    message = read_mail(answer(sender=STRANGER))
    assert decide(message, Facts(), HELD, told, KEY).kind == "internal"
    passed_on = read_mail(answer(sender=STRANGER, subject="Fwd: klacht"))
    assert decide(passed_on, Facts(), HELD, told, KEY).fate is Fate.OPENED


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


def test_a_forwarded_complaint_is_the_customers_and_says_who_forwarded_it() -> None:
    found = settled(forwarded())
    assert (found.fate, found.complainant) == (Fate.OPENED, ("Jan Jansen", "jan@example.com"))
    assert found.attention == (
        "forwarded by piet@example.nl; the original is of 2026-09-06",
        "with the forward: Graag oppakken",
    )
    assert participant_keys(forwarded(), shop()) == ("jan@example.com",)


def test_the_date_of_an_original_is_not_made_up() -> None:
    assert "forwarded by piet@example.nl; the original has no date" in settled(forwarded(sent_at=None)).attention


def test_a_colleagues_reply_to_is_no_participant_of_what_he_forwards() -> None:
    message = forwarded(reply_to=(Address("", "piet@example.de"),))
    assert participant_keys(message, shop()) == ("jan@example.com",)
    assert complainant_of(message, shop()) == ("Jan Jansen", "jan@example.com")


def test_a_forward_of_a_mail_that_is_held_joins_its_case() -> None:
    held = Knowledge(by_message_id={"<org@example.com>": CASE})
    found = settled(forwarded(), held)
    assert (found.fate, found.case, found.reopens) == (Fate.JOINED, CASE, False)
    assert "the mail that was forwarded" in found.reason


def test_a_forward_of_a_mail_that_was_answered_does_not_reopen_its_case() -> None:
    found = settled(forwarded(), Knowledge(by_message_id={"<org@example.com>": ANSWERED}))
    assert (found.fate, found.reopens) == (Fate.JOINED, False)


def test_a_forward_of_another_persons_mail_on_a_case_is_suggested() -> None:
    message = forwarded(sender=Address("", "iemand@example.de"))
    found = settled(message, Knowledge(by_message_id={"<org@example.com>": CASE}))
    assert (found.fate, found.suggested) == (Fate.OPENED, CASE)


def test_a_forward_that_answers_a_held_mail_by_its_headers_joins_it() -> None:
    message = forwarded(forwarded=None, in_reply_to=("<first@example.com>",))
    assert settled(message, HELD).fate is Fate.JOINED


def test_the_id_of_the_original_is_looked_up_first() -> None:
    message = forwarded(in_reply_to=("<a@example.com>",), references=("<b@example.com>", "<a@example.com>"))
    assert thread_ids(message) == ("<org@example.com>", "<a@example.com>", "<b@example.com>")


def test_a_forward_that_names_nobody_opens_and_asks() -> None:
    message = forwarded(
        sender=Address("Piet", "piet@example.nl"),
        forwarded_by=None,
        forwarded=Forwarded(None, None, "", "", note="Kijk"),
    )
    found = settled(replace(message, subject="zie bijlage"))
    assert (found.fate, found.complainant) == (Fate.OPENED, ("", ""))
    assert found.attention[:2] == ("forwarded by piet@example.nl: who is the customer?", "with the forward: Kijk")
    assert participant_keys(message, shop()) == ()


def test_what_a_colleagues_mailbox_rule_forwards_is_opened_though_it_is_automatic() -> None:
    headers = (("x-ms-exchange-inbox-rules-loop", "piet@example.nl"), ("auto-submitted", "auto-generated"))
    assert settled(forwarded(headers=headers)).fate is Fate.OPENED


def test_ignoring_a_customer_does_not_hold_back_what_a_colleague_forwards() -> None:
    assert settled(forwarded(), ignore=("example.com",)).fate is Fate.OPENED
    assert settled(forwarded(), ignore=("piet@example.nl",)).kind == "ignored"


GROUPS = {
    "google, with X-Original-From": {"x_original_from": "Jan Jansen <jan@example.com>", "reply_to": LIST},
    "google, with Reply-To": {"reply_to": "Jan Jansen <jan@example.com>"},
    "google, with X-Original-Sender": {"x_original_sender": "jan@example.com"},
    "google, original before envelope": {
        "x_original_from": "Jan Jansen <jan@example.com>",
        "x_original_sender": "bounce-7@mailer.example.de",
    },
    "mailman": {"reply_to": "Jan Jansen <jan@example.com>", "list_post": f"<mailto:{LIST}>"},
}


@pytest.mark.parametrize("headers", GROUPS.values(), ids=GROUPS.keys())
def test_behind_a_group_of_the_shop_the_customer_is_the_original_sender(headers: dict[str, str]) -> None:
    raw = answer(sender=f"'Jan Jansen' via Klachten <{LIST}>", to=LIST, list_id="<klachten.example.nl>", **headers)
    found = decided(raw, NOTHING, own_lists=(LIST,))
    assert (found.fate, found.complainant) == (Fate.OPENED, ("Jan Jansen", "jan@example.com"))
    assert participant_keys(read_mail(raw), shop(own_lists=(LIST,))) == ("jan@example.com",)


def test_a_customer_joins_his_case_through_a_group_too() -> None:
    raw = answer(
        sender=f"Jan via Klachten <{LIST}>", x_original_from="jan@example.com", in_reply_to="<first@example.com>"
    )
    assert decided(raw, own_lists=(LIST,)).fate is Fate.JOINED


def test_a_group_at_another_provider_is_the_shops_own_once_it_is_named() -> None:
    group = "klachten@groups.example.de"
    raw = answer(sender=f"Jan via Klachten <{group}>", reply_to="jan@example.com", list_id="<x.example.de>", to=group)
    assert decided(raw, NOTHING, own_lists=(group,)).complainant == ("Jan", "jan@example.com")


def test_a_colleagues_mail_through_a_group_is_internal() -> None:
    raw = answer(sender=f"Piet via Klachten <{LIST}>", x_original_from=COLLEAGUE, reply_to=LIST)
    assert decided(raw, own_lists=(LIST,)).kind == "internal"


def test_a_strangers_header_does_not_make_him_another() -> None:
    raw = answer(sender=STRANGER, x_original_from="jan@example.com", in_reply_to="<first@example.com>")
    found = decided(raw, own_lists=(LIST,))
    assert (found.fate, found.complainant) == (Fate.OPENED, ("Iemand", "iemand@example.de"))


NOTICE: dict[str, Any] = {"always_open": ("example.de",)}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"auto_submitted": "auto-generated"}, id="automatic"),
        pytest.param({"auto_submitted": "auto-replied"}, id="an automatic answer to nothing of ours"),
        pytest.param({"precedence": "bulk"}, id="bulk"),
        pytest.param({"x_spam_flag": "YES"}, id="spam"),
    ],
)
def test_what_always_opens_opens_whatever_its_headers_say(headers: dict[str, str]) -> None:
    assert decided(answer(sender=STRANGER, **headers), NOTHING, **NOTICE).fate is Fate.OPENED


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        pytest.param({"message_id": TOKEN}, "internal", id="a mail of our own"),
        pytest.param({"sender": "mailer-daemon@example.de"}, "automatic", id="a bounce"),
        pytest.param(
            {"auto_submitted": "auto-replied", "in_reply_to": TOKEN}, "automatic", id="absent, to a mail of ours"
        ),
    ],
)
def test_what_always_opens_is_set_aside_all_the_same(headers: dict[str, str], kind: str) -> None:
    found = decided(answer(**{"sender": STRANGER, **headers}), **NOTICE)
    assert (found.fate, found.kind) == (Fate.SET_ASIDE, kind)


def test_what_always_opens_is_a_duplicate_all_the_same() -> None:
    message = read_mail(answer(sender=STRANGER))
    assert settled(message, Knowledge(same_id=((3, message.content_hash),)), **NOTICE).fate is Fate.DUPLICATE


def test_a_bounce_is_no_form_though_it_comes_from_the_forms_domain() -> None:
    found = decided(answer(sender="mailer-daemon@example.de"), forms=("example.de",))
    assert (found.fate, found.kind) == (Fate.SET_ASIDE, "automatic")


def test_a_form_elsewhere_names_the_customer_in_reply_to() -> None:
    raw = answer(sender="Formulier <noreply@forms.example.de>", reply_to="Eva <eva@example.com>")
    assert decided(raw, forms=("noreply@forms.example.de",)).complainant == ("Eva", "eva@example.com")


def test_a_customer_with_a_reply_to_of_his_own_is_answered_there_and_may_write_from_both() -> None:
    raw = answer(reply_to="Jan <jan@work.example.com>")
    assert decided(raw).complainant == ("Jan Jansen", "jan@work.example.com")
    assert participant_keys(read_mail(raw), shop()) == ("jan@example.com", "jan@work.example.com")


def test_a_reply_to_that_is_the_shop_itself_is_nobodys() -> None:
    assert decided(answer(reply_to=f"jan@example.com, {LIST}")).complainant == ("Jan Jansen", "jan@example.com")


def test_the_shops_own_names_are_its_domains_and_the_addresses_that_it_uses() -> None:
    assert shop(own_lists=("Klachten@groups.example.de",), username="Desk@example.org").own_names == {
        "example.nl",
        "mirjam@example.nl",
        "klachten@groups.example.de",
        "desk@example.org",
    }


def test_a_mailbox_at_a_public_provider_is_own_and_its_provider_is_not() -> None:
    settings = shop_settings(
        manager={"name": "Mirjam", "addresses": ["mirjam@gmail.com"]},
        mailbox=mailbox_settings(143, "klachten.smart@gmail.com"),
    )
    own = Shop.model_validate(settings).own_names
    assert own == {"mirjam@gmail.com", "klachten.smart@gmail.com"}
