"""A clerk drops scans: turned into cases, filed with a note, answered in the folder. Real files, both databases."""

import csv
import io
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from intake import casework
from intake.demo import samples
from intake.errors import Refused
from intake.pipeline import House, deliver, process, recognise, watch_post
from intake.replies.templates import find_gaps
from intake.sources.post import PostSource
from storage.models import EffectState
from tests.builders import MONDAY, fates, mail, make_config, make_house, post_settings, shop_settings
from tests.dropped import picture

LETTERS = Path(samples.__file__).with_name("letters")
RECORD: dict[str, Any] = {
    "schema": "letter-intake/1",
    "received_on": "2026-09-05",
    "sender": {
        "name": "A. de Boer",
        "street": "Kerkstraat",
        "house_number": "5",
        "postal_code": "1017 GA",
        "city": "Amsterdam",
    },
    "subject": "Kapotte waterkoker",
}


def letter_config(tmp_path: Path, database: str = "", **changes):
    shop = shop_settings(post_folder=post_settings(tmp_path / "post", **changes))
    return make_config(tmp_path / "data", database, [shop])


def drop(
    tmp_path: Path, name: str = "scan.pdf", record: dict[str, Any] | None = RECORD, content: bytes | None = None
) -> None:
    """Drop a scan and its record into incoming/."""
    incoming = tmp_path / "post" / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    if record is not None:
        (incoming / f"{Path(name).stem}.json").write_text(json.dumps(record))
    (incoming / name).write_bytes(content if content is not None else (LETTERS / "scan-0001.pdf").read_bytes())


def take_in(house: House, source: PostSource | None = None, looks: int = 2) -> None:
    """Look often enough, process and deliver."""
    (shop,) = house.config.shops
    assert shop.post_folder is not None
    source = source or PostSource(shop.post_folder)
    source.prepare()
    for _ in range(looks):
        watch_post(house, shop, source)
    recognise(house)
    process(house)
    deliver(house, shop)


def names(tmp_path: Path, folder: str) -> list[str]:
    return sorted(str(path.relative_to(tmp_path / "post" / folder)) for path in (tmp_path / "post" / folder).rglob("*"))


def test_a_scan_with_its_record_becomes_a_case_that_counts_from_the_letterbox(database: str, tmp_path: Path) -> None:
    drop(tmp_path)
    with make_house(letter_config(tmp_path, database), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
        file = house.store.case_file(case.id or 0)
    assert case.channel.value == "letter"
    assert (case.complainant_name, case.due_on, case.post_by) == ("A. de Boer", date(2026, 9, 10), date(2026, 9, 8))
    assert case.received_basis == "the clerk's record"
    assert not case.assumed
    assert "104015" in " ".join(file.messages[0].facts["order_numbers"])
    assert file.drafts[0].recipient == "post@example.nl"
    filed = [name for name in names(tmp_path, "done") if "__" in name]
    assert [name.partition("/")[2] for name in filed] == [
        f"{case.reference}__scan.json",
        f"{case.reference}__scan.pdf",
        f"{case.reference}__scan.txt",
    ]
    note = next((tmp_path / "post" / "done").rglob("*.txt")).read_text()
    assert "Answer by   Thursday 10 September 2026" in note
    assert "Post by     Tuesday 08 September 2026" in note
    with pikepdf.open(tmp_path / "post" / "drafts" / f"{case.reference}.pdf") as preview:
        assert len(preview.pages) >= 1
    assert names(tmp_path, "incoming") == names(tmp_path, "processing") == []


def test_a_scan_opens_without_its_record_on_the_files_date(tmp_path: Path) -> None:
    drop(tmp_path, record=None)
    scan = tmp_path / "post" / "incoming" / "scan.pdf"
    os.utime(scan, (MONDAY.timestamp(), MONDAY.timestamp()))
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
        assert case.assumed
        assert case.received_basis == "file date"
        assert case.received_at == MONDAY
        note = next((tmp_path / "post" / "done").rglob("*.txt")).read_text()
    assert "assumed from the file's date" in note


FAULTS: dict[str, tuple[dict[str, Any], bytes | None, str, str]] = {
    "misspelt key.pdf": ({**RECORD, "recieved_on": "2026-09-05"}, None, "SIDECAR", "did you mean 'received_on'"),
    "date to come.pdf": ({**RECORD, "received_on": "2027-01-01"}, None, "SIDECAR", "is yet to come"),
    "no date.pdf": ({"schema": "letter-intake/1"}, None, "SIDECAR", "received_on: is missing"),
    "text called.pdf": (RECORD, b"Beste mensen %%EOF", "TYPE", "no PDF, TIFF, JPEG or PNG"),
    "damaged.pdf": (RECORD, b"%PDF-1.7\nnonsense\n%%EOF", "DAMAGED", "damaged"),
    "half a picture.jpg": (RECORD, b"\xff\xd8\xff\xe0nonsense\xff\xd9", "DAMAGED", "damaged"),
}


def test_bad_scans_go_to_failed_with_what_to_do_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name, (record, content, _, _) in FAULTS.items():
        drop(tmp_path, name, record, content)
    drop(tmp_path, "good.pdf", content=(LETTERS / "scan-0002.pdf").read_bytes())
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        assert sorted(fates(house.store)) == ["failed"] * len(FAULTS) + ["opened"]
    expected = []
    for name, (_, _, code, words) in FAULTS.items():
        expected += [name, f"{name} - {code}.txt", f"{Path(name).stem}.json"]
        note = (tmp_path / "post" / "failed" / f"{name} - {code}.txt").read_text()
        assert words in note, name
        assert "What you do" in note, name
    assert names(tmp_path, "failed") == sorted(expected)


def test_a_picture_without_text_opens_a_case_that_says_read_the_scan(tmp_path: Path) -> None:
    drop(tmp_path, "scan.jpg", content=picture("JPEG"))
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
    assert any("read the scan" in mark for mark in case.attention)


def test_a_letter_is_approved_only_without_gaps_and_typeset_for_the_post(database: str, tmp_path: Path) -> None:
    drop(tmp_path)
    with make_house(letter_config(tmp_path, database), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
        draft = house.store.case_file(case.id or 0).drafts[-1]
        with pytest.raises(Refused) as refusal:
            casework.approve_letter(house, case.reference, None, "mirjam")
        assert all(gap in str(refusal.value) for gap in find_gaps(draft.body))
        casework.approve_letter(house, case.reference, "Geachte mevrouw De Boer,\n\nU krijgt een nieuwe.", "mirjam")
        (shop,) = house.config.shops
        deliver(house, shop)
        file = house.store.case_file(case.id or 0)
    assert names(tmp_path, "outgoing") == [f"2026-09-08__{case.reference}.pdf"]
    assert names(tmp_path, "drafts") == []
    assert [event.kind for event in file.events if event.actor == "mirjam"] == ["approved"]


def test_a_letter_whose_address_is_not_known_has_no_preview_and_its_case_says_why(tmp_path: Path) -> None:
    drop(tmp_path, record={"schema": "letter-intake/1", "received_on": "2026-09-05", "sender": {"name": "A. de Boer"}})
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
        effects = {effect.kind: effect for effect in house.store.case_file(case.id or 0).effects}
    assert effects["preview letter"].state is EffectState.DONE
    assert any("its letter cannot be printed yet" in mark for mark in case.attention)
    assert names(tmp_path, "drafts") == []
    assert names(tmp_path, "incoming") == []


def test_one_scan_that_cannot_be_taken_in_does_not_hold_up_the_next(tmp_path: Path) -> None:
    drop(tmp_path)
    with make_house(letter_config(tmp_path), MONDAY) as house:
        (shop,) = house.config.shops
        assert shop.post_folder is not None
        source = PostSource(shop.post_folder)
        source.prepare()
        (tmp_path / "post" / "processing" / "@eaDir").mkdir()
        stuck = tmp_path / "post" / "processing" / "0123456789abcdef"
        stuck.mkdir()
        (stuck / "scan.pdf").symlink_to(tmp_path / "nowhere.pdf")
        (stuck / "@eaDir").mkdir()
        take_in(house, source)
        assert fates(house.store) == ["opened"]


def test_a_name_that_is_no_text_and_a_folder_of_the_share_do_no_harm(tmp_path: Path) -> None:
    drop(tmp_path, record=None)
    incoming = tmp_path / "post" / "incoming"
    (incoming / "scan.pdf").rename(incoming / os.fsdecode(b"M\xfcller.pdf"))
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        assert fates(house.store) == ["opened"]
        assert house.store.list_arrivals()[0].arrival.name == "M\ufffdller.pdf"
    assert len(list((tmp_path / "post" / "done").rglob("*.pdf"))) == 1


def test_a_scanner_whose_clock_is_ahead_does_not_move_the_date(tmp_path: Path) -> None:
    drop(tmp_path, record=None)
    ahead = MONDAY.timestamp() + 400 * 86400
    os.utime(tmp_path / "post" / "incoming" / "scan.pdf", (ahead, ahead))
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
    assert case.due_on == date(2026, 9, 11)


def test_a_record_that_names_another_scan_is_refused(tmp_path: Path) -> None:
    drop(tmp_path, record={**RECORD, "files": ["scan0002.pdf"]})
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        assert fates(house.store) == ["failed"]
    assert "belongs to another scan" in (tmp_path / "post" / "failed" / "scan.pdf - SIDECAR.txt").read_text()


def answer(tmp_path: Path, name: str = "post.result.csv") -> list[dict[str, str]]:
    """The rows of the answer to a CSV batch."""
    (place,) = (tmp_path / "post" / "done").rglob(name)
    return list(csv.DictReader(io.StringIO(place.read_text("utf-8-sig"), newline=""), delimiter=";"))


def test_a_folder_of_pages_is_one_letter(tmp_path: Path) -> None:
    folder = tmp_path / "post" / "incoming" / "brief"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"page {number}.pdf").write_bytes((LETTERS / f"scan-000{number}.pdf").read_bytes())
    (folder / "letter.json").write_text(json.dumps(RECORD))
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
        assert case.complainant_name == "A. de Boer"
    filed = [name.partition("/")[2] for name in names(tmp_path, "done") if "__" in name]
    assert filed == [
        f"{case.reference}__brief",
        f"{case.reference}__brief.txt",
        f"{case.reference}__brief/letter.json",
        f"{case.reference}__brief/page 1.pdf",
        f"{case.reference}__brief/page 2.pdf",
    ]


def test_the_status_file_tells_what_a_clerk_wants_to_know(tmp_path: Path) -> None:
    drop(tmp_path)
    drop(tmp_path, "bad.pdf", content=b"%PDF-1.7\nnonsense\n%%EOF")
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (shop,) = house.config.shops
        assert shop.post_folder is not None
        watch_post(house, shop, PostSource(shop.post_folder))
    text = (tmp_path / "post" / "STATUS.txt").read_text(encoding="utf-8")
    assert text.startswith("Last check 12:00:00 on Monday 07 September 2026.")
    assert "Done today     1" in text
    assert "Failed         1" in text


def test_a_saved_mail_enters_as_mail(tmp_path: Path) -> None:
    drop(tmp_path, "klacht.eml", record=None, content=mail())
    with make_house(letter_config(tmp_path), MONDAY) as house:
        take_in(house)
        (case,) = house.store.list_cases()
    assert (case.channel.value, case.complainant_address) == ("mail", "jan@example.com")
    assert names(tmp_path, "incoming") == names(tmp_path, "processing") == []
