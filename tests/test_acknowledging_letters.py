"""A letter is acknowledged: by mail where the clerk tells an address, by post where the shop says so."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from intake import overview
from intake.casework import approve_letter
from intake.evidence import audit
from intake.pipeline import send
from intake.pipeline.approving import approved, store_approval
from intake.pipeline.drafting import Wanted, file_draft, make_draft
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
        assert audit(office.house.store, office.house.config.shops, ()).findings == ()
        assert office.files("outgoing") == []


def test_a_letter_that_lay_about_is_not_acknowledged_by_post(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings(), acknowledge_letters=True) as office:
        office.drop("brief.pdf", scan(), {**CAME, "received_on": "2026-09-04"})
        office.work()
        assert [kind for kind, _, _ in kinds(office)] == ["answer"]


def test_a_letter_that_answers_nothing_is_no_answer_that_only_has_to_be_posted(tmp_path: Path, sink: Sink) -> None:
    with post_office(tmp_path, now=TODAY, outgoing=sink.settings(), acknowledge_letters=True) as office:
        office.drop("brief.pdf", scan(), CAME)
        office.work()
        store, later = office.house.store, TODAY + timedelta(days=9)
        assert len(store.letters.to_post("sis")) == 1, "the acknowledgement is looked for in posted/"
        seen = overview.look(store, office.house.config, later)
        assert (seen.cases["sis"]["overdue"], seen.cases["sis"]["to post"]) == (1, 0)
        assert not [alarm for alarm in seen.alarms if alarm.about == "letters sis"]
        approve_letter(office.house, "SIS-2026-0001", "Alles komt goed.\n", "mirjam")
        seen = overview.look(store, office.house.config, later)
        assert (seen.cases["sis"]["overdue"], seen.cases["sis"]["to post"]) == (0, 1)
        assert [alarm for alarm in seen.alarms if alarm.about == "letters sis"]


def test_a_holding_letter_lies_beside_the_answer_until_it_is_posted(tmp_path: Path) -> None:
    with post_office(tmp_path, now=TODAY, acknowledge="off") as office:
        office.drop("brief.pdf", scan(), CAME)
        office.work()
        for words in ("Het wordt later.", "Het wordt 18 september 2026."):
            approve_holding(office, words)
            office.work()
        holding = f"{office.case().case.post_by}__SIS-2026-0001__holding.pdf"
        assert office.files("outgoing") == [holding]
        assert office.files("drafts") == ["SIS-2026-0001.pdf"], "the preview of the answer"
        assert len(office.house.store.letters.to_post("sis")) == 1, "the later one takes the place of the earlier"
        approve_letter(office.house, "SIS-2026-0001", "Alles komt goed.\n", "mirjam")
        office.work()
        (office.path / "outgoing" / holding).rename(office.path / "posted" / holding)
        office.work()
        assert office.case().case.due_on == date(2026, 9, 18)
        assert office.files("posted") == [holding]
        assert office.files("outgoing") == [f"{office.case().case.post_by}__SIS-2026-0001.pdf"], "the answer waits on"


def approve_holding(office: PostOffice, words: str) -> None:
    """A holding reply is drafted, previewed, and approved with these words."""
    file = office.case()
    wanted = Wanted(kind="holding", proposed_on=date(2026, 9, 18), salt=words)
    with office.house.store.processing() as unit:
        draft = make_draft(office.house, file.case, file.messages[0], wanted)
        file_draft(unit, office.shop, draft)
    office.work()
    assert office.files("drafts") == ["SIS-2026-0001.pdf", "SIS-2026-0001__holding.pdf"]
    with office.house.store.processing() as unit:
        (draft,) = (one for one in unit.waiting_drafts(file.case.id or 0) if one.kind == "holding")
        store_approval(unit, file.case, draft, approved(office.house, file.case, draft, draft.subject, words), "mirjam")
