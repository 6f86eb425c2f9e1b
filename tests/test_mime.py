"""A draft as bytes: right for the mail programs that thread by it, and safe whatever a stranger wrote."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.replies.mime import DraftMail, build
from intake.types import Address

HEADERS = {
    "message-id",
    "from",
    "to",
    "subject",
    "date",
    "content-language",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}
NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
MIRJAM = Address("Mirjam", "mirjam@example.nl")
JAN = Address("Jan Jansen", "jan@example.com")


def a_draft(**changes: Any) -> DraftMail:
    values = {
        "sender": MIRJAM,
        "recipient": JAN,
        "subject": "Re: Pakket (SIS-2026-0001)",
        "text": "Beste Jan,\n\nDank u.\n",
        "dated": NOW,
        "message_id": "<sis.0001.abc@example.nl>",
    }
    return DraftMail(**{**values, **changes})


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def raw_header(raw: bytes, name: str) -> list[str]:
    """The words of a header as every reader of RFC 5322 unfolds it, without the library's own ideas."""
    head = raw.split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode("ascii")
    (line,) = [line for line in head.split("\r\n") if line.lower().startswith(f"{name.lower()}:")]
    return line.partition(":")[2].split()


def lines_fit(raw: bytes) -> bool:
    return all(len(line) <= 998 and b"\n" not in line and b"\r" not in line for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("length", [20, 70, 75, 76, 77, 78, 86, 200, 900])
def test_ids_of_any_length_come_back_exactly(length: int) -> None:
    long = f"<{'a' * (length - 14)}@example.com>"
    assert len(long) == length
    raw = build(a_draft(in_reply_to=long, references=("<first@example.com>", long)))
    assert raw_header(raw, "In-Reply-To") == [long]
    assert raw_header(raw, "References") == ["<first@example.com>", long]
    assert parsed(raw)["In-Reply-To"].strip() == long
    assert parsed(raw)["References"].split() == ["<first@example.com>", long]
    assert lines_fit(raw)


def test_an_id_that_no_header_can_hold_is_left_out_and_the_others_stay() -> None:
    raw = build(a_draft(in_reply_to=f"<{'a' * 950}@x>", references=("<é@example.com>", "<good@example.com>", "")))
    assert parsed(raw)["In-Reply-To"] is None
    assert raw_header(raw, "References") == ["<good@example.com>"]


def test_a_long_thread_keeps_its_newest_ids_in_order() -> None:
    ids = tuple(f"<{number}@example.com>" for number in range(80))
    assert raw_header(build(a_draft(references=ids)), "References") == list(ids[-50:])


def test_our_own_message_id_is_kept() -> None:
    assert parsed(build(a_draft()))["Message-ID"] == "<sis.0001.abc@example.nl>"


NAMES = {
    "non-ASCII": "Zoë Müller-Łukasz",
    "a comma": "Jansen, Jan",
    "quotes": 'Jan "de Man" Jansen',
    "a backslash": "Jan \\ Jansen",
    "brackets": "Jan <jan@example.de>",
    "a colon and semicolon": "Groep: jan;",
    "an encoded word": "=?utf-8?q?Jan?=",
    "only punctuation": "@@@",
    "emoji": "🎁 Jan",
    "very long": "Jan " * 200,
    "nothing": "",
    "from right to left": "\u202eJan",
}


@pytest.mark.parametrize("case", NAMES)
def test_a_name_does_not_change_the_address(case: str) -> None:
    raw = build(a_draft(recipient=Address(NAMES[case], "jan@example.com")))
    (found,) = parsed(raw)["To"].addresses
    assert found.addr_spec == "jan@example.com"
    assert lines_fit(raw)


@pytest.mark.parametrize("case", ["non-ASCII", "a comma", "quotes", "a colon and semicolon", "emoji"])
def test_a_name_comes_back_as_it_was(case: str) -> None:
    (found,) = parsed(build(a_draft(recipient=Address(NAMES[case], "jan@example.com"))))["To"].addresses
    assert found.display_name == NAMES[case]


ADDRESSES = [
    "",
    "jan",
    "@",
    "jan@",
    "@example.com",
    "jan..jansen@example.com",
    ".jan@example.com",
    "jan jansen@example.com",
    "jänsen@example.com",
    "jan@exämple.com",
    "jan@[127.0.0.1]",
    '"jan jansen"@example.com',
    "jan@@example.com",
    "jan@example.com>",
    "jan@example.com, eve@example.de",
    "jan@example.com\r\nBcc: eve@example.de",
    "a" * 300 + "@example.com",
    "jan(comment)@example.com",
    "jan@example.com\x00",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_bad_address_never_stops_a_draft_and_reaches_nobody_else(address: str) -> None:
    raw = build(a_draft(recipient=Address("Jan", address)))
    message = parsed(raw)
    assert message["Bcc"] is None
    assert len(message.get_all("To", [])) <= 1
    assert lines_fit(raw)
    assert message.get_content().splitlines() == ["Beste Jan,", "", "Dank u."]


def test_an_international_domain_is_written_as_the_network_knows_it() -> None:
    (found,) = parsed(build(a_draft(recipient=Address("Jan", "jan@exämple.com"))))["To"].addresses
    assert found.addr_spec == "jan@xn--exmple-cua.com"


def test_a_local_part_that_needs_quotes_is_quoted_rather_than_lost() -> None:
    (found,) = parsed(build(a_draft(recipient=Address("Jan", "jan..jansen@example.com"))))["To"].addresses
    assert (found.username, found.domain) == ("jan..jansen", "example.com")


HOSTILE = "x\r\nBcc: eve@example.de\r\n\r\nGet rich"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"subject": HOSTILE}, id="subject"),
        pytest.param({"recipient": Address(HOSTILE, "jan@example.com")}, id="name"),
        pytest.param({"in_reply_to": f"<{HOSTILE}@x>"}, id="in-reply-to"),
        pytest.param({"references": (f"<{HOSTILE}@x>",)}, id="references"),
        pytest.param({"recipient": Address("", HOSTILE + "@example.com")}, id="address"),
    ],
)
def test_no_value_makes_a_header_of_its_own(changes: dict[str, Any]) -> None:
    message = parsed(build(a_draft(**changes)))
    assert message["Bcc"] is None
    assert "Get rich" not in message.get_content()


def test_the_same_draft_gives_the_same_bytes() -> None:
    draft = a_draft(subject="Zoë 🎁", text="Beste Zoë,\n" * 50, references=("<a@example.com>",))
    assert build(draft) == build(draft)


def test_the_text_comes_back_and_is_plain() -> None:
    text = "Beste Zoë,\n\nDit is een lange regel " + "woord " * 300 + "\n.\nFrom here\n"
    message = parsed(build(a_draft(text=text)))
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == text


@settings(deadline=None)
@given(subject=st.text(max_size=300), text=st.text(max_size=400), name=st.text(max_size=100))
def test_any_text_makes_a_mail_that_can_be_sent(subject: str, text: str, name: str) -> None:
    raw = build(a_draft(subject=subject, text=text, recipient=Address(name, "jan@example.com")))
    message = parsed(raw)
    assert lines_fit(raw)
    assert message["To"].addresses[0].addr_spec == "jan@example.com"
    assert {name.lower() for name in message} == HEADERS
    assert message.defects == []


@settings(deadline=None)
@given(ids=st.lists(st.from_regex(r"<[a-zA-Z0-9.$=+_-]{1,300}@[a-z0-9.-]{1,90}>", fullmatch=True), max_size=20))
def test_any_ids_come_back_exactly(ids: list[str]) -> None:
    raw = build(a_draft(references=tuple(ids), in_reply_to=ids[-1] if ids else ""))
    if ids:
        assert raw_header(raw, "References") == ids
        assert raw_header(raw, "In-Reply-To") == [ids[-1]]
    assert lines_fit(raw)
