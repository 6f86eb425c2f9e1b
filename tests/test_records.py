"""The clerk's record beside a scan: what is taken, what is warned of, and what is refused with a hint."""

import json
from datetime import date
from typing import Any

import pytest

from intake.errors import RecordError
from intake.reading.record import parse_record, read_record

TODAY = date(2026, 11, 22)
GOOD: dict[str, Any] = {"schema": "letter-intake/1", "received_on": "2026-11-20"}


def read(**changes: Any):
    return read_record(parse_record(json.dumps({**GOOD, **changes}).encode()), TODAY)


def test_a_short_record_is_enough() -> None:
    record = read()
    assert (record.received_on, record.channel, record.sender.country, record.warnings) == (
        date(2026, 11, 20),
        "post",
        "NL",
        (),
    )


def test_a_full_record_is_read() -> None:
    sender = {"name": " Jan Jansen ", "postal_code": "8043 TT", "email": "jan@example.com"}
    record = read(sender=sender, case_id="SIS-2026-0042", language="nl", pages_expected=3)
    assert (record.sender.postal.name, record.case_id, record.pages_expected) == ("Jan Jansen", "SIS-2026-0042", 3)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parse_record(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()) == GOOD


def test_an_escape_cannot_bring_in_a_nul_or_a_line_end() -> None:
    record = read(subject="a\x00b\r\nBcc: x", sender={"name": "Jan\nJansen\ud800"})
    assert (record.subject, record.sender.name) == ("ab Bcc: x", "Jan Jansen")


def test_an_unknown_key_is_kept_and_warned_of() -> None:
    record = read(drawer="12", sender={"shoe_size": 42})
    assert len(record.warnings) == 2
    assert (record.model_extra or {})["drawer"] == "12"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recieved_on": "2026-11-20"}, "did you mean 'received_on'"),
        ({"Received_On": "2026-11-20"}, "did you mean 'received_on'"),
        ({"sender": {"postalcode": "8043 TT"}}, "sender.postalcode: did you mean 'postal_code'"),
        ({"received_on": "2026-11-23"}, "yet to come"),
        ({"received_on": "20-11-2026"}, "received_on"),
        ({"received_on": None}, "received_on"),
        ({"schema": "letter-intake/2"}, "schema"),
        ({"channel": "pigeon"}, "channel"),
        ({"language": "nederlands"}, "language"),
        ({"pages_expected": 0}, "pages_expected"),
        ({"sender": "Jan"}, "sender"),
        ({"sender": {"email": "geen adres"}}, "sender.email: is not a mail address"),
    ],
)
def test_a_mistake_is_refused_with_its_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordError, match=words.replace(".", r"\.")):
        read(**changes)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(RecordError) as caught:
        read(channel="pigeon", language="x", recieved_on="y")
    assert all(word in caught.value.what for word in ("channel", "language", "recieved_on"))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not valid JSON"),
        (b'{"schema": \n oops}', "line 2"),
        (b"[1]", "not a JSON object"),
        (b"[" * 60_000, "not valid JSON"),
        ("é".encode("latin-1"), "not UTF-8"),
        (b" " * 70_000, "larger than 64 kB"),
    ],
)
def test_what_is_no_record_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        parse_record(raw)
