"""The clerk's record beside a scan: what is taken, what is warned of, and what is refused with a hint."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from intake.cli import main
from intake.demo.samples import seed_letters
from intake.errors import RecordError
from intake.reading.record import EXAMPLE, parse_record, read_record, schema_of_record
from tests.builders import MONDAY

CHECK = Draft202012Validator(schema_of_record(), format_checker=Draft202012Validator.FORMAT_CHECKER)
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
        ({"pages_expected": "3"}, "pages_expected"),
        ({"letters_expected": 0}, "letters_expected"),
        ({"confidential": "yes"}, "confidential"),
        ({"received_on": 20261120}, "received_on"),
        ({"received_on": "1026-11-20"}, "more than 10 years ago"),
        ({"row_mistakes": ["row 2 of the batch: it names no file"]}, "row 2 of the batch"),
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
        (b'{"pages_expected": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a": ' * 950 + b"1" + b"}" * 950, "not valid JSON"),
    ],
)
def test_what_is_no_record_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        parse_record(raw)


def test_a_stack_may_say_how_many_letters_it_holds_and_need_not() -> None:
    assert (read().letters_expected, read(letters_expected=3).letters_expected) == (None, 3)


def test_deep_brackets_are_refused_like_any_other_mistake() -> None:
    with pytest.raises(RecordError):
        read_record(parse_record(b'{"schema": "letter-intake/1", "note": ' + b"[" * 300 + b"]" * 300 + b"}"), TODAY)


def test_the_schema_is_a_schema_that_describes_every_field() -> None:
    schema = schema_of_record()
    Draft202012Validator.check_schema(schema)
    fields = {**schema["properties"], **schema["$defs"]["Sender"]["properties"]}
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert schema["required"] == ["schema", "received_on"]
    assert "$id" not in schema


def test_the_sample_records_keep_to_the_schema(tmp_path: Path) -> None:
    seed_letters(tmp_path, MONDAY)
    records = sorted(tmp_path.glob("*.json"))
    assert records
    for path in records:
        CHECK.validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_example_keeps_to_the_schema_and_is_read() -> None:
    CHECK.validate(EXAMPLE)
    assert read_record(parse_record(json.dumps(EXAMPLE).encode()), TODAY).sender.city == "Amsterdam"


FIELDS = [*schema_of_record()["properties"], "row_mistakes", "drawer"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 501),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["2026-11-20", " 2026-11-20 ", "2026-11-20T00:00:00", "20-11-2026", "nl", " nl ", "post", "3", ""]),
    st.dictionaries(
        st.sampled_from(["name", "email", "country"]), st.sampled_from(["", "a@b.nl", " a@b.nl ", 5, None])
    ),
    st.lists(st.sampled_from(["scan.pdf", 1, None]), max_size=2),
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))
def test_what_the_schema_refuses_is_refused(changes: dict[str, Any]) -> None:
    # As a file would hold it: white space at the ends of a text is no matter to either.
    value = parse_record(json.dumps({**GOOD, **changes}).encode())
    try:
        read_record(value, TODAY)
    except RecordError:
        return
    assert CHECK.is_valid(value), [error.message for error in CHECK.iter_errors(value)]


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["schema", "record"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out) == schema_of_record()
