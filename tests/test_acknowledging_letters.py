"""A letter is acknowledged: by mail where the clerk tells an address, by post where the shop says so."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.pipeline import send
from storage.models import DraftState
from tests.post_office import RECORD, SENDER, TEXT, PostOffice, post_office, scan
from tests.smtp_sink import Sink, smtp_sink

TODAY = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
CAME = {**RECORD, "received_on": "2026-09-07", "sender": SENDER}


@pytest.fixture(scope="module")
def running() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(running: Sink) -> Sink:
    running.taken.clear()
    return running


def kinds(office: PostOffice) -> list[tuple[str, str, DraftState]]:
    return [(draft.kind, draft.channel.value, draft.state) for draft in office.case().drafts]


def events(office: PostOffice) -> list[str]:
    return [event.kind for event in office.case().events]


def test_a_letter_whose_record_tells_an_address_is_acknowledged_by_mail(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings()) as office:
        office.drop("brief.pdf", scan(), {**CAME, "sender": {**SENDER, "email": "boer@example.com"}})
        office.work()
        assert send(office.house, office.shop) == 1
        assert kinds(office)[0][:2] == ("answer", "letter"), "the answer goes by post all the same"
    (taken,) = sink.taken
    text = taken.mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert taken.recipients == ("boer@example.com",)
    assert "uw brief" in text.decode()
    assert "In-Reply-To" not in taken.mail


def test_an_address_that_was_only_read_from_the_scan_waits_for_a_person(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings()) as office:
        office.drop(
            "brief.pdf", scan(TEXT.replace("1017 GA Amsterdam", "1017 GA Amsterdam\nboer@example.com", 1)), CAME
        )
        office.work()
        assert send(office.house, office.shop) == 0
        assert office.case().case.complainant_address == "boer@example.com"
        assert ("acknowledgement", "mail", DraftState.WAITING) in kinds(office)
        assert events(office)[-1] == "acknowledgement drafted"


def test_a_letter_without_an_address_is_not_acknowledged_unless_the_shop_says_so(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings()) as office:
        office.drop("brief.pdf", scan(), CAME)
        office.work()
        assert [kind for kind, _, _ in kinds(office)] == ["answer"]
        assert events(office)[-1] == "not acknowledged"


def test_an_acknowledgement_by_post_is_printed_at_once_and_answers_nothing(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings(), acknowledge_letters=True) as office:
        office.drop("brief.pdf", scan(), CAME)
        office.work()
        assert office.files("outgoing") == ["2026-09-07__SIS-2026-0001__received.pdf"]
        assert office.files("drafts") == ["SIS-2026-0001.pdf"], "the preview of the answer"
        (office.path / "outgoing" / "2026-09-07__SIS-2026-0001__received.pdf").rename(
            office.path / "posted" / "2026-09-07__SIS-2026-0001__received.pdf"
        )
        office.work()
        assert office.case().case.state.value == "open"
        assert ("acknowledgement", "letter", DraftState.SENT) in kinds(office)
        assert events(office)[-1] == "acknowledged by letter"
        assert office.files("outgoing") == []


def test_a_letter_that_lay_about_is_not_acknowledged_by_post(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings(), acknowledge_letters=True) as office:
        office.drop("brief.pdf", scan(), {**CAME, "received_on": "2026-09-04"})
        office.work()
        assert [kind for kind, _, _ in kinds(office)] == ["answer"]
