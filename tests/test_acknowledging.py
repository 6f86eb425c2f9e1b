"""Who may be answered by a robot: one table of what may, and one of what may not, each with its reason."""

from datetime import timedelta
from typing import Any

import pytest

from intake.config import Shop
from intake.reading.mail import read_mail
from intake.rules.acknowledging import MOST_A_DAY, Came, Held, Verdict, is_usable, may_acknowledge
from intake.types import Address, Channel, Message
from tests.builders import MONDAY, mail, mailbox_settings, shop_settings

CLEAN: dict[str, Any] = {"x_spam_status": "No, score=-1.0"}
NOW = MONDAY + timedelta(minutes=1)
CAME_IN = b"Received: from a.example.de by mx.example.org with ESMTPS; Mon, 07 Sep 2026 10:00:00 +0000\r\n"
HANDED_ON = (
    b"Received: from mx.example.org by imap.example.org (Dovecot) with LMTP; Mon, 07 Sep 2026 10:00:01 +0000\r\n"
)
OUR_VERDICT = b"X-Spam-Flag: NO\r\n"
VOUCHED = "mx.example.org; dmarc=pass header.from=example.com"
FORGED = "mx.example.org; dmarc=fail header.from=example.com"


def a_shop(**mailbox: Any) -> Shop:
    settings = {**mailbox_settings(143, "mirjam@example.nl"), "authserv": ["mx.example.org"], **mailbox}
    return Shop.model_validate(shop_settings(mailbox=settings))


def asked(
    message: Message | bytes, came: Came | None = None, held: Held | None = None, shop: Shop | None = None
) -> Verdict:
    read = read_mail(message) if isinstance(message, bytes) else message
    return may_acknowledge(read, came or Came(MONDAY), held or Held(), shop or a_shop(), NOW)


def form(**headers: Any) -> bytes:
    return mail(sender="Winkel <site@example.nl>", reply_to="Jan <Jan@Example.com>", **CLEAN, **headers)


MAY: dict[str, tuple[bytes, dict[str, Any]]] = {
    "a customer's clean mail": (mail(**CLEAN), {}),
    "one that our server vouches for": (mail(**CLEAN, authentication_results=VOUCHED), {}),
    "one without a verdict where spam goes elsewhere": (mail(), {"spam_verdict": "folder"}),
    "one that our server calls clean": (OUR_VERDICT + CAME_IN + mail(), {}),
    "one that our server calls clean and hands on to the next": (HANDED_ON + OUR_VERDICT + CAME_IN + mail(), {}),
    "a verdict below, of a sender whom our server vouches for": (
        CAME_IN + mail(**CLEAN, authentication_results=VOUCHED),
        {},
    ),
    "a form of the shop's own domain": (form(), {}),
    "a form that says it is automatic": (form(auto_submitted="auto-generated"), {"forms": ["site@example.nl"]}),
    "an own group's": (
        mail(**CLEAN, list_id="<klachten.example.nl>", precedence="list", to="klachten@example.nl"),
        {"own_lists": ["klachten@example.nl"]},
    ),
    "a Reply-To that is the sender": (mail(**CLEAN, reply_to="Jan Jansen <JAN@example.com>"), {}),
    "auto-submitted no": (mail(**CLEAN, auto_submitted="no"), {}),
    "X-Auto-Response-Suppress that asks for no receipts": (mail(**CLEAN, x_auto_response_suppress="DR, NDR, RN"), {}),
}


@pytest.mark.parametrize(("raw", "mailbox"), MAY.values(), ids=MAY.keys())
def test_a_customer_is_told(raw: bytes, mailbox: dict[str, Any]) -> None:
    assert asked(raw, shop=a_shop(**mailbox)) == Verdict("jan@example.com")


MAY_NOT: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "no verdict": (mail(), {}, "no spam"),
    "a verdict that came with the mail": (CAME_IN + mail(**CLEAN), {}, "no spam"),
    "a verdict from before the last server": (CAME_IN + CAME_IN + OUR_VERDICT + CAME_IN + mail(), {}, "no spam"),
    "a verdict that came with the mail and was handed on": (HANDED_ON + CAME_IN + mail(**CLEAN), {}, "no spam"),
    "a verdict of its own beside a server's that doubts": (
        CAME_IN + mail(**CLEAN, authentication_results="mx.example.org; dmarc=none header.from=example.com; spf=fail"),
        {},
        "no spam",
    ),
    "a forged sender where spam goes elsewhere": (
        mail(authentication_results=FORGED),
        {"spam_verdict": "folder"},
        "vouch",
    ),
    "spam where spam goes elsewhere": (mail(x_spam_flag="YES"), {"spam_verdict": "folder"}, "no spam"),
    "a forged sender": (mail(**CLEAN, authentication_results=FORGED), {}, "vouch"),
    "auto-replied": (mail(**CLEAN, auto_submitted="auto-replied"), {}, "automatic"),
    "an empty Return-Path": (mail(**CLEAN, return_path="<>"), {}, "automatic"),
    "a mailing list": (mail(**CLEAN, list_id="<koopjes.example.com>"), {}, "automatic (bulk"),
    "bulk": (mail(**CLEAN, precedence="bulk"), {}, "automatic (bulk"),
    "X-Loop": (mail(**CLEAN, x_loop="jan@example.com"), {}, "automatic (loop"),
    "an absence notice of a form": (
        form(auto_submitted="auto-replied", subject="Afwezig"),
        {"forms": ["site@example.nl"]},
        "automatic (out of office",
    ),
    "who asks for no answer at all": (mail(**CLEAN, x_auto_response_suppress="All"), {}, "asks for no"),
    "who asks for no automatic reply": (mail(**CLEAN, x_auto_response_suppress="DR, AutoReply"), {}, "asks for no"),
    "who asks for no absence notice": (mail(**CLEAN, x_auto_response_suppress="oof;RN"), {}, "asks for no"),
    "a trust mark": (mail(**CLEAN), {"always_open": ["example.com"]}, "always opens"),
    "another's Reply-To": (mail(**CLEAN, reply_to="Eva <eva@example.de>"), {}, "Reply-To"),
    "ourselves": (mail(**CLEAN, sender="Mirjam <mirjam@example.nl>"), {}, "not known"),
    "nobody": (mail(**CLEAN, sender=""), {}, ""),
    "a form that names nobody": (mail(**CLEAN, sender="site@example.nl"), {"forms": ["site@example.nl"]}, "not known"),
}


@pytest.mark.parametrize(("raw", "mailbox", "why"), MAY_NOT.values(), ids=MAY_NOT.keys())
def test_what_is_in_doubt_is_not_acknowledged(raw: bytes, mailbox: dict[str, Any], why: str) -> None:
    verdict = asked(raw, shop=a_shop(**mailbox))
    assert verdict.address == ""
    assert why in verdict.why
    assert verdict.why


@pytest.mark.parametrize(
    "address",
    [
        *("no-reply@example.com", "noreply@example.com", "NoReply@example.com", "no_reply2@example.com"),
        *("do-not-reply@example.com", "donotreply@example.com", "klant.noreply@example.com", "noreply+17@example.com"),
        *("mailer-daemon@example.com", "postmaster@example.com", "bounce@example.com", "bounces+jan=x@example.com"),
        *("owner-lijst@example.com", "lijst-request@example.com", "lijst-bounces@example.com"),
        *("listserv@example.com", "majordomo@example.com", "autoresponder@example.com", "geen-antwoord@example.com"),
    ],
)
def test_an_address_at_which_nobody_reads_is_not_acknowledged(address: str) -> None:
    assert asked(mail(**CLEAN, sender=address)).address == ""


@pytest.mark.parametrize(
    "address", ["nora@example.com", "j.noreplystra@example.com", "request@example.com", "rootveld@example.com"]
)
def test_an_address_that_only_looks_like_a_robots_is_a_persons(address: str) -> None:
    assert asked(mail(**CLEAN, sender=address)).address == address


CAME: dict[str, tuple[Came, str]] = {
    "a day and a minute ago": (Came(NOW - timedelta(hours=24, minutes=1)), "24 hours"),
    "imported": (Came(MONDAY, imported=True), "imported"),
    "dropped as a file": (Came(MONDAY, dropped=True), "dropped"),
}


@pytest.mark.parametrize(("came", "why"), CAME.values(), ids=CAME.keys())
def test_what_did_not_just_come_by_mail_is_not_acknowledged(came: Came, why: str) -> None:
    verdict = asked(mail(**CLEAN), came)
    assert (verdict.address, why in verdict.why) == ("", True)


def test_what_came_within_a_day_is_acknowledged() -> None:
    assert asked(mail(**CLEAN), Came(NOW - timedelta(hours=23, minutes=59))).address


def test_an_address_is_told_five_times_a_day_and_no_more() -> None:
    assert asked(mail(**CLEAN), held=Held(acknowledged=MOST_A_DAY - 1)).address
    assert "within a day" in asked(mail(**CLEAN), held=Held(acknowledged=MOST_A_DAY)).why


def test_an_address_that_mail_came_back_from_is_left_alone() -> None:
    assert "came back" in asked(mail(**CLEAN), held=Held(undeliverable=True)).why


def test_a_forward_by_a_colleague_is_never_acknowledged() -> None:
    text = (
        "Kijk jij hiernaar?\n\n---------- Forwarded message ---------\nVan: Jan Jansen <jan@example.com>\n"
        "Datum: ma 7 sep 2026 om 09:00\nOnderwerp: Kapot\nAan: <info@example.nl>\n\nMijn stofzuiger is kapot.\n"
    )
    raw = mail(text, sender="Piet <piet@example.nl>", subject="Fwd: Kapot", **CLEAN)
    assert read_mail(raw).sender is not None
    assert asked(raw).address == ""


@pytest.mark.parametrize(
    "address", ["jürgen@example.de", "jan@example.com\nBcc: x@example.com", "jan", "a@b@c", "jan@", "@example.com", ""]
)
def test_an_address_that_no_header_of_ours_can_hold_is_not_usable(address: str) -> None:
    assert not is_usable(address)


def a_letter(email: str = "boer@example.com", told: str = "boer@example.com") -> Message:
    return Message(channel=Channel.LETTER, sender=Address("A. de Boer", email), record={"email": told} if told else {})


def test_a_letter_is_acknowledged_by_mail_where_the_clerk_tells_the_address() -> None:
    assert asked(a_letter()) == Verdict("boer@example.com")
    assert asked(a_letter("Boer@Example.com")) == Verdict("boer@example.com")


def test_an_address_that_was_read_from_a_scan_is_looked_at_by_a_person_first() -> None:
    assert asked(a_letter(told="")) == Verdict("boer@example.com", unsure=True)


@pytest.mark.parametrize(("days", "may"), [(0, True), (1, True), (2, False), (-1, False)])
def test_a_letter_is_acknowledged_when_it_came_today_or_yesterday(days: int, may: bool) -> None:
    verdict = asked(a_letter(), Came(NOW - timedelta(days=days)))
    assert bool(verdict.address) is may


def test_a_letter_without_an_address_says_so() -> None:
    assert "not known" in asked(a_letter("", "")).why
