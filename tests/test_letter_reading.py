"""What was recognised of a letter, with the clerk's record, becomes a message."""

import json
from datetime import date

import pytest

from intake.errors import RecordError
from intake.reading.letter import Scan, read_letter, require_own_record, with_record
from intake.reading.record import Record, parse_record, read_record
from intake.types import Channel, Message, ScannedLetter, ScanPage

TEXT = "Mijn stofzuiger is na drie weken stuk gegaan en ik krijg van niemand een antwoord op mijn brieven."
TODAY = date(2026, 11, 22)
HASH = "a" * 64


def record(**changes: object) -> Record:
    value = {"schema": "letter-intake/1", "received_on": "2026-11-20", **changes}
    return read_record(parse_record(json.dumps(value).encode()), TODAY)


def scan(*pages: ScanPage, letters: int = 1, part: int = 0, received_on: date | None = None) -> Scan:
    letter = ScannedLetter(pages or (ScanPage(1, TEXT),), received_on)
    return Scan(letter, HASH, 1000, len(letter.pages), letters, part)


def test_a_letter_with_a_record_is_a_message_of_its_sender() -> None:
    told = record(sender={"name": "Jan", "postal_code": "8043 TT", "email": "jan@example.com"}, subject="Klacht")
    message = read_letter(scan(), "scan.pdf", told)
    assert message.text == TEXT
    assert message.readable
    assert message.problems == ()
    assert (message.subject, message.postal.name if message.postal else "") == ("Klacht", "Jan")
    assert message.sender is not None
    assert message.sender.address == "jan@example.com"
    assert message.attachments[0].media_type == "application/pdf"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.TIF", "image/tiff"), ("b.jpeg", "image/jpeg"), ("c.png", "image/png"), ("brief/", "application/zip")],
)
def test_the_scan_is_kept_under_its_own_type(name: str, media_type: str) -> None:
    assert read_letter(scan(), name, None).attachments[0].media_type == media_type


UNREADABLE = {
    "no text at all": ScanPage(1),
    "hardly a letter": ScanPage(1, "Aa Bb", recognised=True, confidence=95, words=2),
    "handwriting": ScanPage(1, TEXT, recognised=True, confidence=41, words=17),
}


@pytest.mark.parametrize("page", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_a_letter_that_a_person_must_read(page: ScanPage) -> None:
    message = read_letter(scan(page), "scan.pdf", record())
    assert not message.readable
    assert "the scan has no readable text: read the scan" in message.problems


def test_a_page_that_could_not_be_recognised_says_so() -> None:
    late = ScanPage(2, problem="page 2 could not be read in time")
    message = read_letter(scan(ScanPage(1, TEXT), late), "scan.pdf", record())
    assert message.readable
    assert message.problems == ("page 2 could not be read in time",)


def test_the_confidence_is_that_of_the_words_not_of_the_pages() -> None:
    pages = (ScanPage(1, TEXT, True, 90.0, 90), ScanPage(2, "x", True, 40.0, 10))
    assert read_letter(scan(*pages), "scan.pdf", None).confidence == 85.0


def test_without_a_record_and_without_a_separators_day_the_date_is_assumed() -> None:
    assert any("no record" in problem for problem in read_letter(scan(), "a.pdf", None).problems)
    assert read_letter(scan(received_on=TODAY), "a.pdf", None).problems == ()


def test_too_few_pages_are_told() -> None:
    assert any("says 3 pages" in problem for problem in read_letter(scan(), "a.pdf", record(pages_expected=3)).problems)


def test_in_a_stack_the_record_tells_how_the_letters_came_and_not_who_wrote_them() -> None:
    told = record(sender={"name": "Jan"}, subject="Klacht", channel="registered", registered_no="3S1", operator="ab")
    message = read_letter(scan(letters=2, part=1), "a.pdf", told)
    assert message.postal is None
    assert message.subject == ""
    assert message.record == {"channel": "registered", "operator": "ab"}
    assert message.message_id == f"<{HASH}.1@scan.invalid>"


def test_a_record_beside_a_saved_mail_names_its_sender() -> None:
    message = with_record(Message(channel=Channel.MAIL, subject="Re: x"), record(sender={"name": "Jan"}))
    assert message.postal is not None
    assert message.subject == "Re: x"


def test_a_record_of_another_scan_is_refused() -> None:
    require_own_record(record(files=["a.pdf"], sha256=HASH.upper()), "a.pdf", HASH)
    for wrong in ({"files": ["b.pdf"]}, {"sha256": "b" * 64}):
        with pytest.raises(RecordError, match="another scan"):
            require_own_record(record(**wrong), "a.pdf", HASH)
