"""Who vouches for a sender: our own server's word alone, read without being fooled."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.config import Mailbox
from intake.reading.mail import read_mail
from intake.rules.verification import verified_sender, verify
from intake.types import Address, Verified
from tests.builders import mail

YES, NO, UNKNOWN = Verified.YES, Verified.NO, Verified.UNKNOWN


def mailbox(host: str = "imap.example.nl", **changes: Any) -> Mailbox:
    return Mailbox.model_validate({"host": host, "username": "mirjam", "password": "x", **changes})


def verdict(*headers: str, box: Mailbox | None = None, sender: str = "jan@example.com") -> Verified:
    lines = "".join(f"Authentication-Results: {value}\r\n" for value in headers)
    return verified_sender(read_mail(lines.encode() + mail(sender=sender)), box or mailbox())


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("dmarc=pass header.from=example.com", YES),
        ("DMARC=Pass (p=reject; sp=none) header.from=example.com", YES),
        ("dmarc = pass", YES),
        ("dmarc=fail; dkim=pass header.d=example.com", NO),
        ('dmarc=fail reason="; dmarc=pass"', NO),
        ("dmarc=fail (dmarc=pass; (dmarc=pass))", NO),
        ("dmarc=none; dkim=pass header.d=example.com", YES),
        ("dkim=pass header.d=mail.example.com", YES),
        ("dkim=pass header.i=@example.com header.s=s1", YES),
        ("dkim=pass header.d=example.de", UNKNOWN),
        ("dkim=pass header.d=notexample.com", UNKNOWN),
        ("dkim=pass header.d=example.com.evil.example", UNKNOWN),
        ("dkim=fail header.d=example.com; dkim=pass header.d=example.com", YES),
        ("spf=pass smtp.mailfrom=jan@example.com", YES),
        ("spf=pass smtp.mailfrom=example.com", YES),
        ("spf=pass smtp.mailfrom=bounce@example.de", UNKNOWN),
        ("spf=pass smtp.helo=example.com", UNKNOWN),
        ("dkim=fail; spf=fail smtp.mailfrom=example.com", NO),
        ("dkim=fail", UNKNOWN),
        ("spf=fail", UNKNOWN),
        ("dkim=fail; spf=softfail", UNKNOWN),
        ("dmarc=temperror; spf=temperror", UNKNOWN),
        ("none", UNKNOWN),
        ("", UNKNOWN),
        ("iprev=pass; auth=pass", UNKNOWN),
    ],
)
def test_the_results_of_our_own_server_decide(results: str, expected: Verified) -> None:
    assert verdict(f"mx.example.nl; {results}") is expected


@pytest.mark.parametrize(
    ("server", "host", "trusted"),
    [
        ("mx.example.nl", "imap.example.nl", True),
        ("mx.example.nl 1", "imap.example.nl", True),
        ("MX.Example.NL.", "imap.example.nl", True),
        ("(a; comment) mx.example.nl (another)", "imap.example.nl", True),
        ("example.nl", "mail.example.nl", True),
        ("mx.example.nl.evil.example", "imap.example.nl", False),
        ("evilexample.nl", "imap.example.nl", False),
        ("mx.example.co.uk", "imap.example.co.uk", True),
        ("evil.co.uk", "imap.example.co.uk", False),
        ("mx.google.com", "imap.gmail.com", True),
        ("mx.google.com", "imap.googlemail.com", True),
        ("mail.google.com", "imap.gmail.com", False),
        ("am0pr01.prod.protection.outlook.com", "outlook.office365.com", True),
        ("evil-protection.outlook.com.example.com", "outlook.office365.com", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.1.2.7", "192.0.2.7", False),
        ("localhost", "localhost", False),
    ],
)
def test_only_our_own_server_is_believed(server: str, host: str, trusted: bool) -> None:
    assert verdict(f"{server}; dmarc=pass", box=mailbox(host)) is (YES if trusted else UNKNOWN)


def test_the_topmost_header_of_our_server_counts_and_a_forged_one_below_it_does_not() -> None:
    ours, forged = "mx.example.nl; dmarc=fail", "mx.example.nl; dmarc=pass"
    assert verdict(ours, forged) is NO
    assert verdict("filter.example.de; dmarc=pass", ours, forged) is NO


def test_a_named_server_replaces_the_rule() -> None:
    box = mailbox(authserv=("gate.example.de",))
    assert verdict("gate.example.de; dmarc=pass", box=box) is YES
    assert verdict("mx.example.nl; dmarc=pass", box=box) is UNKNOWN


def test_exchange_online_names_no_server() -> None:
    results = "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dmarc=pass action=none"
    assert verdict(results, box=mailbox("outlook.office365.com")) is YES
    assert verdict(results, box=mailbox("imap.example.nl")) is UNKNOWN


def test_the_sign_is_told_in_words() -> None:
    message = read_mail(b"Authentication-Results: mx.example.nl; dmarc=fail\r\n" + mail())
    assert "dmarc=fail" in verify(message, mailbox()).sign
    assert verify(message, None).verdict is UNKNOWN


def test_what_came_with_the_mail_is_not_our_servers_word() -> None:
    forged = b"Received: from evil by mx.example.nl; Mon, 7 Sep 2026 10:00:00 +0000\r\n"
    forged += b"Authentication-Results: mail.example.nl; dmarc=pass\r\n"
    assert verified_sender(read_mail(forged + mail()), mailbox()) is UNKNOWN
    assert verified_sender(read_mail(forged + mail()), mailbox(authserv=["mail.example.nl"])) is YES


def test_a_result_about_another_domain_says_nothing_of_the_sender() -> None:
    assert verdict("mx.example.nl; dmarc=pass header.from=example.org") is UNKNOWN
    assert verdict("mx.example.nl; dmarc=pass header.from=mail.example.com") is YES


def test_an_escaped_bracket_does_not_end_a_comment() -> None:
    assert verdict(r"mx.example.nl; spf=pass (x \) ; dmarc=pass (y) z); dmarc=fail") is NO


def test_nobody_vouches_for_the_writer_of_what_was_passed_on() -> None:
    raw = b"Authentication-Results: mx.example.nl; dmarc=pass header.from=example.nl\r\n" + mail(
        sender="piet@example.nl"
    )
    message = read_mail(raw)
    passed_on = replace(message, sender=Address("", "ceo@example.org"), forwarded_by=message.sender)
    assert verified_sender(message, mailbox()) is YES
    assert verified_sender(passed_on, mailbox()) is UNKNOWN
    assert verified_sender(message, mailbox(own_lists=["Piet@example.nl"])) is UNKNOWN


def test_a_mail_without_a_sender_is_verified_by_nobody() -> None:
    message = read_mail(b"Authentication-Results: mx.example.nl; dmarc=pass\r\nSubject: x\r\n\r\nhoi")
    assert verified_sender(message, mailbox()) is UNKNOWN


@given(st.text(alphabet='();="\\ amx.pdkis=v1\t', max_size=300))
def test_no_header_is_an_error(value: str) -> None:
    assert verdict(value.encode("ascii", "ignore").decode()) in Verified


def test_a_hostile_header_takes_no_time() -> None:
    hostile = ["(" * 15_000, ';"' * 7_500, "a=" * 7_500, "\\" * 15_000, '"' * 15_001, "a=b;" * 4_000]
    before = time.process_time()
    assert all(verdict(f"mx.example.nl; {value}") is UNKNOWN for value in hostile)
    assert time.process_time() - before < 8
