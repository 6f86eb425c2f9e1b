"""Bounces as servers really write them: who did not get it, why, and which mail it was."""

import time
from typing import Any

import pytest

from intake.reading.mail import read_mail
from intake.rules.automatic import BOUNCE, REPORT, find_automatic
from intake.types import Message, Undelivered
from tests.builders import mail

ORIGINAL = (
    b"Received: by mx.example.nl\r\nFrom: Mirjam <mirjam@example.nl>\r\nTo: Jan <jan@example.com>\r\n"
    b"Subject: Uw klacht\r\nMessage-ID: <antwoord.1@example.nl>\r\n"
)


def bounce(text: str, sender: str = "Mailer-Daemon <mailer-daemon@example.com>", **headers: Any) -> Message:
    """A bounce in plain words."""
    return read_mail(mail(text, sender=sender, subject="Undelivered Mail", **headers))


def report(*recipients: str, returned: bytes = b"message/rfc822", top: str = "") -> Message:
    """An RFC 3464 report with one group of fields for each recipient."""
    groups = "".join(f"\r\n{fields.strip()}\r\n".replace("\n", "\r\n").replace("\r\r", "\r") for fields in recipients)
    raw = (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@example.com\r\nTo: mirjam@example.nl\r\n{top}"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="q"\r\n\r\n--q\r\n\r\n'
        "I'm sorry to have to inform you that your message could not be delivered.\r\n--q\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n"
        "Arrival-Date: Mon, 7 Sep 2026 10:00:00 +0200\r\n" + groups + "\r\n--q\r\nContent-Type: "
    ).encode()
    return read_mail(raw + returned + b"\r\n\r\n" + ORIGINAL + b"\r\nGeachte heer Jansen\r\n--q--\r\n")


FAILED = (
    "Final-Recipient: rfc822; jan@example.com\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown"
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(FAILED, Undelivered("jan@example.com", "5.1.1", "550 5.1.1 User unknown", True), id="failed"),
        pytest.param(
            "Final-Recipient: rfc822;jan@example.com\nAction: delayed (still trying)\nStatus: 4.4.1 (timeout)",
            Undelivered("jan@example.com", "4.4.1", "", False),
            id="delayed",
        ),
        pytest.param(
            "Original-Recipient: rfc822;jan@example.com\nFinal-Recipient: rfc822;x@elders.example\nAction: "
            "failed\nStatus: 5.2.2",
            Undelivered("jan@example.com", "5.2.2", "", True),
            id="forwarded on",
        ),
        pytest.param(
            "Final-Recipient: X-LOCAL;\nX-Actual-Recipient: rfc822; jan@example.com\nAction: FAILED\nStatus: 5.0.0",
            Undelivered("jan@example.com", "5.0.0", "", True),
            id="only the actual recipient",
        ),
        pytest.param(
            "Final-Recipient: rfc822; <jan@example.com>\nAction: failed\nStatus: 5\nDiagnostic-Code: smtp;\n "
            "554 5.7.1\n refused",
            Undelivered("jan@example.com", "5.7.1", "554 5.7.1 refused", True),
            id="folded words, a broken status",
        ),
    ],
)
def test_a_report_names_who_did_not_get_it(fields: str, expected: Undelivered) -> None:
    message = report(fields)
    assert message.undelivered == (expected,)
    assert message.bounced_ids == ("<antwoord.1@example.nl>",)
    found = find_automatic(message)
    assert found is not None
    assert found.kind == BOUNCE


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_who_got_it_is_not_among_those_who_did_not(action: str) -> None:
    got = f"Final-Recipient: rfc822; a@example.com\nAction: {action}\nStatus: 2.0.0"
    message = report(got)
    assert message.undelivered == ()
    found = find_automatic(message)
    assert found is not None
    assert found.kind == REPORT
    assert [item.recipient for item in report(got, FAILED).undelivered] == ["jan@example.com"]


@pytest.mark.parametrize(
    "kind", [b"message/rfc822", b"text/rfc822-headers", b"message/global", b"message/global-headers"]
)
def test_the_mail_that_came_back_is_found_in_every_form(kind: bytes) -> None:
    assert report(FAILED, returned=kind).bounced_ids == ("<antwoord.1@example.nl>",)


RETURNED = ORIGINAL.decode().replace("\r\n", "\n")
IN_WORDS = {
    "qmail": (
        "Hi. This is the qmail-send program at mx.example.com.\nI'm afraid I wasn't able to deliver your "
        "message to the "
        "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work "
        "out.\n\n<jan@example.com>:\n"
        "192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 No such user\nGiving up on 192.0.2.1.\n\n"
        "--- Below this line is a copy of the message.\n\n" + RETURNED,
        Undelivered("jan@example.com", "5.1.1", "", True),
        True,
    ),
    "Exim": (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could "
        "not be delivered "
        "to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  jan@example.com\n    host mx.example.com [192.0.2.1]\n    SMTP error: 550 5.2.1 mailbox disabled\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED,
        Undelivered("jan@example.com", "5.2.1", "", True),
        True,
    ),
    "Exim, still trying": (
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been "
        "delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\nThe address to "
        "which the "
        "message has not yet been delivered is:\n\n  jan@example.com\n\nNo action is required on your part.\n",
        Undelivered("jan@example.com", "", "", False),
        False,
    ),
    "sendmail": (
        "The original message was received at Mon, 7 Sep 2026\n\n   ----- The following addresses had "
        "permanent fatal errors "
        "-----\n<jan@example.com>\n    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript of session "
        "follows -----\n",
        Undelivered("jan@example.com", "5.1.1", "", True),
        False,
    ),
    "Gmail": (
        "Address not found\n\nYour message wasn't delivered to jan@example.com because the address couldn't be "
        "found, or is "
        "unable to receive mail.\n",
        Undelivered("jan@example.com", "5.1.1", "", True),
        False,
    ),
    "Gmail in Dutch": (
        "Adres niet gevonden\n\nJe bericht is niet bezorgd aan jan@example.com omdat het adres niet is gevonden.\n",
        Undelivered("jan@example.com", "5.1.1", "", True),
        False,
    ),
    "Office 365": (
        "Delivery has failed to these recipients or groups:\n\nJan Jansen (jan@example.com)\nThe recipient's "
        "mailbox is full "
        "and can't accept messages now.\n\nDiagnostic information for administrators:\n",
        Undelivered("jan@example.com", "5.2.2", "", True),
        False,
    ),
    "Exchange": (
        "Your message did not reach some or all of the intended recipients.\n\n      Subject: Uw klacht\n\nThe "
        "following "
        "recipient(s) could not be reached:\n\n      'jan@example.com' on 7-9-2026 10:00\n            550 "
        "5.7.129 restricted\n",
        Undelivered("jan@example.com", "5.7.129", "", True),
        False,
    ),
    "Domino": (
        "Your message\n\n  Subject: Uw klacht\n\nwas not delivered to:\n\n  jan@example.com\n\nbecause:\n\n  User jan "
        "(jan@example.com) not listed in Domino Directory\n",
        Undelivered("jan@example.com", "5.1.1", "", True),
        False,
    ),
}


@pytest.mark.parametrize(("text", "expected", "comes_back"), IN_WORDS.values(), ids=IN_WORDS.keys())
def test_a_bounce_in_plain_words_is_read(text: str, expected: Undelivered, comes_back: bool) -> None:
    message = bounce(text)
    (found,) = message.undelivered
    assert (found.recipient, found.status, found.final) == (expected.recipient, expected.status, expected.final)
    assert message.bounced_ids == (("<antwoord.1@example.nl>",) if comes_back else ())


def test_failed_recipients_in_the_header_are_believed_first() -> None:
    message = bounce("A message to piet@example.com failed.", x_failed_recipients="jan@example.com, eva@example.de")
    assert [item.recipient for item in message.undelivered] == ["jan@example.com", "eva@example.de"]


def test_a_customer_who_quotes_a_bounce_did_not_bounce() -> None:
    text = "Ik kreeg dit terug:\n\nHi. This is the qmail-send program\n\n<mirjam@example.nl>:\n550 5.1.1 No such user\n"
    message = read_mail(mail(text))
    assert (message.undelivered, message.bounced_ids) == ((), ())
    assert find_automatic(message) is None


def test_a_read_receipt_is_a_report_without_recipients() -> None:
    raw = (
        b"From: Jan <jan@example.com>\r\nContent-Type: multipart/report; report-type=disposition-notification; "
        b"boundary=q\r\n"
        b"\r\n--q\r\n\r\nGelezen\r\n--q\r\nContent-Type: message/disposition-notification\r\n\r\n"
        b"Final-Recipient: rfc822; jan@example.com\r\nOriginal-Message-ID: <antwoord.1@example.nl>\r\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--q--\r\n"
    )
    message = read_mail(raw)
    found = find_automatic(message)
    assert found is not None
    assert (found.kind, message.undelivered) == (REPORT, ())


HOSTILE = {
    "dashes": "-" * 1_000_000,
    "lines of dashes": ("-" * 150 + "\n") * 6000,
    "addresses": "a@example.com " * 70_000,
    "half addresses": "a" * 1_000_000,
    "at signs": "a@" * 500_000,
    "dots": "a@" + "a." * 500_000,
    "brackets": "<" * 1_000_000,
    "blanks": " " * 1_000_000 + "x",
    "ids": "Message-ID: <" * 70_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_bounce_takes_no_time(text: str) -> None:
    raw = b"From: mailer-daemon@example.com\r\nSubject: x\r\n\r\n" + text.encode()
    before = time.process_time()
    message = read_mail(raw)
    assert time.process_time() - before < 20
    assert len(message.undelivered) <= 100
