"""From a scan in the folder to a letter in the post: what becomes of each, and what a clerk reads of it."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest

from intake import casework
from intake.alarms import find_alarms
from intake.bootstrap import LAYOUTS
from intake.errors import Refused
from intake.pipeline import process, receive_files
from intake.replies.press import Press
from intake.replies.sheets import separator_sheets
from intake.sources.files import FoundMail
from intake.types import PostalAddress
from storage.models import CaseState
from tests.builders import MONDAY, fates, mail
from tests.post_office import SENDER, TEXT, post_office, scan, stack

ANSWER = "Uw klacht (SIS-2026-0001)\n\nGeachte heer De Boer,\n\nU krijgt een nieuwe stofzuiger.\n\nMirjam\n"


def separators(count: int = 1, day: date | None = None) -> bytes:
    return separator_sheets(Press(LAYOUTS), count, day, ("nl",))


def test_a_scan_without_a_record_opens_a_case_on_the_files_date_and_says_so(database: str, tmp_path: Path) -> None:
    with post_office(tmp_path, database) as post:
        post.drop("scan.pdf", scan())
        post.work()
        file = post.case()
        note = post.read("done", ".txt")
    assert file.case.assumed
    assert file.case.received_basis == "file date"
    assert file.case.complainant_name == "A. de Boer"
    assert (file.case.postal or {})["postal_code"] == "1017 GA"
    assert file.messages[0].facts["order_numbers"] == ["104233"]
    assert file.messages[0].subject == "klacht over bestelling 104233"
    assert file.case.category == "defect"
    assert sorted(document.kind for document in file.documents) == ["reading copy", "scan"]
    assert "assumed from the file's date" in note
    assert "SIS-2026-0001" in note


def test_a_record_tells_the_day_and_keeps_the_number_of_registered_post(tmp_path: Path) -> None:
    record = {"sender": SENDER, "channel": "registered", "registered_no": "3SRRC00012345", "operator": "ab"}
    with post_office(tmp_path) as post:
        post.drop("scan.pdf", scan(), record)
        post.work()
        file = post.case()
    assert not file.case.assumed
    assert file.case.received_at.date() == date(2026, 9, 4)
    assert file.case.due_on == date(2026, 9, 10)
    assert file.case.post_by == date(2026, 9, 8)
    assert file.messages[0].record["registered_no"] == "3SRRC00012345"
    assert file.messages[0].problems == []


def test_the_same_scan_twice_is_one_case_and_the_note_names_it(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        for name in ("one.pdf", "two.pdf"):
            post.drop(name, scan(), {"sender": SENDER})
            post.work()
        assert fates(post.house.store) == ["opened", "duplicate"]
        assert "SIS-2026-0001" in post.read("done/duplicates", ".txt")


def test_the_same_letter_scanned_twice_is_suggested_and_told(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("one.pdf", scan(), {"sender": SENDER})
        post.work()
        post.drop("two.pdf", scan(TEXT.replace("Ik wil", "lk wil")), {"sender": {**SENDER, "name": "Onbekend"}})
        post.work()
        first, second = post.cases()
    assert any("scanned twice" in mark for mark in second.case.attention)
    assert any("SIS-2026-0002" in mark for mark in first.case.attention)


def test_a_stack_is_split_at_its_separators_and_each_letter_has_its_case(tmp_path: Path) -> None:
    other = TEXT.replace("A. de Boer", "Eva Smit").replace("1017 GA", "3511 AB").replace("104233", "998877")
    letters = stack(scan(), separators(day=date(2026, 9, 3)), scan(other, pages=2))
    with post_office(tmp_path) as post:
        post.drop("stack.pdf", letters)
        post.work()
        first, second = post.cases()
        note = post.read("done", ".txt")
    assert [file.case.complainant_name for file in (first, second)] == ["A. de Boer", "Eva Smit"]
    assert second.case.received_at.date() == date(2026, 9, 3)
    assert not second.case.assumed
    assert "holds 2 letters" in note
    assert "SIS-2026-0002" in note
    assert {message.arrival_id for file in (first, second) for message in file.messages} == {1}


def test_a_stack_with_another_count_than_its_record_fails_whole(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("stack.pdf", stack(scan(), separators(), scan()), {"letters_expected": 3})
        post.work()
        assert post.cases() == []
        assert fates(post.house.store) == ["failed"]
        assert "SPLIT" in post.read("failed", "SPLIT.txt")


def test_a_letter_joins_the_case_whose_reference_it_names_if_its_sender_takes_part(tmp_path: Path) -> None:
    again = TEXT.replace("Betreft: klacht over bestelling 104233", "Betreft: uw kenmerk SIS-2026-0001")
    stranger = again.replace("A. de Boer", "Piet Anders").replace("1017 GA", "9711 KL").replace("104233", "555123")
    with post_office(tmp_path) as post:
        post.drop("one.pdf", scan())
        post.work()
        post.drop("two.pdf", scan(again.replace("drie weken", "vier weken en twee dagen, nog altijd")))
        post.work()
        post.drop("three.pdf", scan(stranger.replace("Mijn stofzuiger", "Een heel andere koffiemolen uit mijn keuken")))
        post.work()
        lines = post.house.store.list_arrivals()
    assert [line.message.fate.value for line in lines if line.message] == ["opened", "joined", "opened"]
    assert lines[2].suggested == "SIS-2026-0001"


def test_a_mail_and_a_letter_about_one_order_are_suggested_to_each_other(database: str, tmp_path: Path) -> None:
    told = "Mijn stofzuiger met bestelnummer 104233 is kapot gegaan, graag herstel.\n\nA. de Boer"
    with post_office(tmp_path, database) as post:
        raw = mail(told, sender="A. de Boer <adb@example.com>")
        for _ in receive_files(post.house, post.shop, iter([FoundMail("a.eml", raw)])):
            process(post.house)
        post.drop("scan.pdf", scan())
        post.work()
        by_mail, by_letter = post.cases()
    assert any(
        "may be about the same as SIS-2026-0001 (the same order 104233" in mark for mark in by_letter.case.attention
    )
    assert any("SIS-2026-0002" in mark for mark in by_mail.case.attention)


def test_a_saved_mail_enters_as_mail_on_the_day_it_tells(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("klacht.eml", mail(sent=MONDAY - timedelta(days=3)))
        post.work()
        file = post.case()
        assert post.files("done")[0].endswith("SIS-2026-0001__klacht.eml")
    assert file.case.channel.value == "mail"
    assert file.case.assumed
    assert file.case.received_at == MONDAY - timedelta(days=3)
    assert file.messages[0].from_address == "jan@example.com"


def test_a_folder_of_pages_is_one_letter(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("brief/10.pdf", scan("Dit is de laatste bladzijde van mijn brief over de kapotte stofzuiger."))
        post.drop("brief/2.pdf", scan())
        post.work()
        file = post.case()
    assert file.messages[0].text.index("Mijn stofzuiger") < file.messages[0].text.index("laatste bladzijde")
    assert file.documents[0].name.startswith("brief")


def test_a_late_record_corrects_the_day_the_sender_and_the_draft(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop(
            "scan.pdf", scan("Een brief zonder naam of adres, over een kapotte stofzuiger die niet werd hersteld.")
        )
        post.work()
        assumed = post.case()
        record = {"schema": "letter-intake/1", "received_on": "2026-09-02", "sender": SENDER}
        (post.path / "incoming" / "scan.json").write_text(json.dumps(record))
        post.work()
        post.work()
        file = post.case()
        filed = [name for name in post.files("done") if name.endswith(".json")]
    assert assumed.case.assumed
    assert not file.case.assumed
    assert file.case.complainant_name == "A. de Boer"
    assert file.case.due_on == date(2026, 9, 8)
    assert [deadline.due_on for deadline in file.deadlines] == [assumed.case.due_on, date(2026, 9, 8)]
    assert len(file.drafts) == 2
    assert "2 september 2026" in file.drafts[-1].body
    assert len(filed) == 1


def test_a_batch_gives_each_scan_its_row_and_is_answered(tmp_path: Path) -> None:
    rows = (
        "file;received_on;sender_name;sender_street;sender_postal_code;sender_city\r\n"
        "a.pdf;04-09-2026;A. de Boer;Kerkstraat 5;1017 GA;Amsterdam\r\n"
        "b.pdf;2026-09-03;Zoë Müller;Dorpsweg 1;3511 AB;Utrecht\r\n"
        "c.pdf;32-09-2026;Fout;Weg 1;1000 AA;Amsterdam\r\n"
    )
    with post_office(tmp_path) as post:
        post.drop("post.csv", rows.encode("cp1252"))
        post.drop("a.pdf", scan())
        post.drop("b.pdf", scan(TEXT.replace("stofzuiger", "wasmachine van mijn moeder").replace("104233", "77123")))
        post.drop("c.pdf", scan(TEXT.replace("stofzuiger", "grasmaaier met oplader").replace("104233", "66123")))
        post.work()
        post.work()
        cases = sorted(post.cases(), key=lambda file: file.case.complainant_name)
        result = post.read("done", ".result.csv")
    assert [file.case.complainant_name for file in cases] == ["A. de Boer", "Zoë Müller"]
    assert cases[1].case.received_at.date() == date(2026, 9, 3)
    lines = result.splitlines()
    assert lines[0].endswith("status;case_id;answer_by;reason")
    assert cases[0].case.reference in lines[1]
    assert "2026-09-09" in lines[2]
    assert "failed" in lines[3]


def test_an_approved_letter_waits_in_outgoing_and_answers_when_it_is_moved_to_posted(
    database: str, tmp_path: Path
) -> None:
    with post_office(tmp_path, database) as post:
        post.drop("scan.pdf", scan(), {"sender": SENDER})
        post.work()
        with pytest.raises(Refused, match="still has gaps"):
            casework.approve_letter(post.house, "SIS-2026-0001", None, "mirjam")
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER, "mirjam")
        post.work()
        (name,) = post.files("outgoing")
        assert name == "2026-09-08__SIS-2026-0001.pdf"
        assert post.files("drafts") == []
        (post.path / "outgoing" / name).rename(post.path / "posted" / name)
        post.work()
        case = post.find("SIS-2026-0001")
        draft = post.house.store.case_file(case.id or 0).drafts[-1]
    assert case.state is CaseState.ANSWERED
    assert draft.posted_on == date(2026, 9, 7)
    assert draft.delivery_on == date(2026, 9, 9)
    assert case.answered_at is not None


def test_a_print_run_holds_all_letters_and_posts_them_when_it_is_moved(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        for number in (1, 2):
            text = TEXT.replace("stofzuiger", f"koffiemolen van het type {number} uit de winkel").replace(
                "104233", f"10423{number}"
            )
            post.drop(f"{number}.pdf", scan(text), {"sender": {**SENDER, "name": f"Klant {number}"}})
            post.work()
            reference = f"SIS-2026-000{number}"
            casework.approve_letter(post.house, reference, ANSWER.replace("SIS-2026-0001", reference), "mirjam")
        post.work()
        place, references = casework.print_letters(post.house, post.shop, duplex=True)
        with pikepdf.open(place) as run:
            assert len(run.pages) == 1 + 1 + 2 * 2
        place.rename(post.path / "posted" / place.name)
        post.work()
        assert references == ["SIS-2026-0001", "SIS-2026-0002"]
        assert {post.find(reference).state for reference in references} == {CaseState.ANSWERED}
        assert post.files("outgoing") == []


def test_somebody_says_that_a_letter_was_posted_on_a_day_that_can_be(tmp_path: Path) -> None:
    now = [MONDAY]
    with post_office(tmp_path, now=lambda: now[0]) as post:
        post.drop("scan.pdf", scan(), {"sender": SENDER})
        post.work()
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER, "mirjam")
        post.work()
        now[0] = datetime(2026, 9, 9, 9, tzinfo=UTC)
        for impossible in (date(2026, 9, 6), date(2026, 9, 10)):
            with pytest.raises(Refused, match="cannot have been posted"):
                casework.mark_posted(post.house, ["SIS-2026-0001"], impossible, "clerk")
        ((_, draft),) = casework.mark_posted(post.house, ["SIS-2026-0001"], date(2026, 9, 8), "clerk")
        with pytest.raises(Refused, match="no approved letter"):
            casework.mark_posted(post.house, ["SIS-2026-0001"], None, "clerk")
        assert post.files("outgoing") == []
        assert post.files("posted") == ["2026-09-08__SIS-2026-0001.pdf"]
    assert draft.delivery_on == date(2026, 9, 10)


def test_the_status_file_tells_what_happened_today(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("good.pdf", scan(), {"sender": SENDER})
        post.drop("bad.pdf", b"%PDF-1.7 nothing\n%%EOF\n", {"sender": SENDER})
        post.work()
        post.work()
        status = (post.path / "STATUS.txt").read_text()
    assert "2026" in status
    assert any("1" in line for line in status.splitlines() if "done" in line.lower())
    assert any("1" in line for line in status.splitlines() if "failed" in line.lower())


def test_what_no_letter_can_be_goes_to_failed_with_its_reason(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("wrong.pdf", scan(), {"received_on": "2026-09-30"})
        post.drop("locked.pdf", locked())
        post.work()
        names = post.files("failed")
    assert [name for name in names if name.endswith(".txt")] == ["locked.pdf - PASSWORD.txt", "wrong.pdf - SIDECAR.txt"]


def locked() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(out, encryption=pikepdf.Encryption(owner="owner", user="secret"))
    return out.getvalue()


def test_a_letter_that_was_not_posted_by_its_last_day_is_an_alarm(tmp_path: Path) -> None:
    now = [MONDAY]
    with post_office(tmp_path, now=lambda: now[0]) as post:
        post.drop("scan.pdf", scan(), {"sender": SENDER})
        post.work()
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER, "mirjam")
        post.work()
        assert find_alarms(post.house.store, post.house.config, now[0]) == []
        now[0] = datetime(2026, 9, 9, 9, tzinfo=UTC)
        (alarm,) = find_alarms(post.house.store, post.house.config, now[0])
        post.work()
        status = (post.path / "STATUS.txt").read_text()
    assert "not posted by the last day" in alarm.what
    assert "1" in next(line for line in status.splitlines() if "post" in line.lower())


def test_a_posted_letter_that_a_dead_run_left_in_outgoing_is_not_printed_again(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("scan.pdf", scan(), {"sender": SENDER})
        post.work()
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER, "mirjam")
        post.work()
        (name,) = post.files("outgoing")
        kept = (post.path / "outgoing" / name).read_bytes()
        casework.mark_posted(post.house, ["SIS-2026-0001"], None, "clerk")
        (post.path / "outgoing" / name).write_bytes(kept)
        post.work()
        assert post.files("outgoing") == []


def test_a_second_letter_of_a_case_is_not_posted_by_the_first_ones_pdf(tmp_path: Path) -> None:
    now = [MONDAY]
    again = TEXT.replace("Betreft: klacht over bestelling 104233", "Betreft: uw kenmerk SIS-2026-0001")
    with post_office(tmp_path, now=lambda: now[0]) as post:
        post.drop("one.pdf", scan(), {"sender": SENDER})
        post.work()
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER, "mirjam")
        post.work()
        (first,) = post.files("outgoing")
        (post.path / "outgoing" / first).rename(post.path / "posted" / first)
        post.work()
        now[0] += timedelta(days=14)
        post.drop("two.pdf", scan(again), {"sender": SENDER, "received_on": "2026-09-18"})
        post.work()
        assert post.find("SIS-2026-0001").state is CaseState.OPEN
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER.replace("nieuwe", "andere"), "mirjam")
        post.work()
        (second,) = post.files("outgoing")
        assert post.find("SIS-2026-0001").state is CaseState.OPEN
    assert second != first


def test_a_run_that_was_printed_is_not_printed_again_unless_it_is_asked_for(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("one.pdf", scan(), {"sender": SENDER})
        post.work()
        casework.approve_letter(post.house, "SIS-2026-0001", ANSWER, "mirjam")
        post.work()
        casework.print_letters(post.house, post.shop, duplex=False)
        with pytest.raises(Refused, match="printed before"):
            casework.print_letters(post.house, post.shop, duplex=False)
        _, references = casework.print_letters(post.house, post.shop, duplex=False, again=True)
    assert references == ["SIS-2026-0001"]


def test_a_letter_without_an_address_is_told_and_gets_one_from_a_person(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        post.drop("one.pdf", scan("Een brief zonder naam of adres, over een stofzuiger die niet werd hersteld."))
        post.work()
        before = post.case().case
        assert find_alarms(post.house.store, post.house.config, MONDAY) == []
        assert post.files("drafts") == []
        home = PostalAddress("A. de Boer", "", "Kerkstraat 5", "", "1017 GA", "Amsterdam")
        casework.set_address(post.house, "SIS-2026-0001", home, "clerk")
        post.work()
        assert post.files("drafts") == ["SIS-2026-0001.pdf"]
        after = post.case().case
    assert any("cannot be printed yet" in mark for mark in before.attention)
    assert not any("cannot be printed" in mark for mark in after.attention)


def test_a_late_record_goes_to_the_scan_that_opened_the_case_and_not_to_its_duplicate(tmp_path: Path) -> None:
    with post_office(tmp_path) as post:
        for _ in range(2):
            post.drop("scan.pdf", scan())
            post.work()
        post.drop("scan.json", json.dumps({"schema": "letter-intake/1", "received_on": "2026-09-02"}).encode())
        post.work()
        post.work()
        assert fates(post.house.store) == ["opened", "duplicate"]
        assert post.case().case.due_on == date(2026, 9, 8)
