"""The commands that carry out and keep: poll --once, letters approve, backup, restore."""

import io
import json
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from tests.builders import mail
from tests.commands import POST_FOLDER, Installation

RECORD = {
    "schema": "letter-intake/1",
    "received_on": "2026-09-07",
    "sender": {
        "name": "Jan Jansen",
        "street": "Kerkstraat",
        "house_number": "1",
        "postal_code": "8011 AB",
        "city": "Zwolle",
    },
}
FINAL = "Beste heer Jansen,\n\nWij sturen u morgen een nieuw exemplaar.\n\nMirjam\n"


def a_scan() -> bytes:
    """A page without a text layer."""
    content = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(content)
    return content.getvalue()


def text_of(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return " ".join(document[0].get_textpage().get_text_range().split())


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    return Installation(tmp_path, capsys, POST_FOLDER)


@pytest.fixture
def letter(house: Installation) -> str:
    """The reference of a posted complaint that has been taken in."""
    house.write("post/incoming/scan.json", json.dumps(RECORD).encode())
    house.write("post/incoming/scan.pdf", a_scan())
    said = house.intake("poll", "--once", "--json")
    assert said.value["letters"] == 1, said
    (case,) = house.intake("cases", "--json").value
    return str(case["reference"])


def outgoing(house: Installation) -> list[Path]:
    return sorted((house.folder / "post" / "outgoing").glob("*.pdf"))


def test_a_letter_is_refused_with_gaps_and_typeset_without(house: Installation, letter: str) -> None:
    as_made = house.intake("letters", "approve", letter)
    assert as_made.code == 1
    assert "still has gaps: [" in as_made.err
    assert "--text" in as_made.err
    with_a_gap = house.write("gap.txt", (FINAL + "[wanneer?]\n").encode())
    refused = house.intake("letters", "approve", letter, "--text", with_a_gap)
    assert refused.code == 1
    assert "[wanneer?]" in refused.err
    for path in (house.folder / "none.txt", house.write("latin.txt", "België".encode("latin-1"))):
        unreadable = house.intake("letters", "approve", letter, "--text", path)
        assert unreadable.code == 2
        assert path.name in unreadable.err
    assert outgoing(house) == []
    said = house.intake("letters", "approve", letter, "--text", house.write("final.txt", FINAL.encode()))
    assert said.code == 0, said
    assert letter in said.out
    (pdf,) = outgoing(house)
    shown = text_of(pdf)
    assert "Wij sturen u morgen een nieuw exemplaar." in shown
    assert "8011 AB ZWOLLE" in shown
    assert letter in shown
    assert "CONCEPT" not in shown


def test_one_pass_tells_what_it_did_and_a_second_one_did_nothing(house: Installation, letter: str) -> None:
    said = house.intake("poll", "--once")
    assert said.code == 0, said
    assert said.out.startswith("0 mails, 0 letters, 0 processed, 0 sent, 0 delivered.")
    assert list((house.folder / "post" / "done").rglob(f"{letter}*"))


def test_a_mails_case_is_not_approved_as_a_letter(house: Installation) -> None:
    house.take_in()
    (case,) = house.intake("cases", "--json").value
    said = house.intake("letters", "approve", case["reference"])
    assert said.code == 1
    assert "by mail" in said.err


def test_a_backup_is_restored_into_an_empty_installation(
    house: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house.take_in(mail(), mail("Mijn geld is nog niet terug.", message_id="<2@example.com>"))
    saved = house.intake("backup", tmp_path / "copy [1]")
    assert saved.code == 0, saved
    assert "2 originals" in saved.out
    (tmp_path / "new").mkdir()
    new = Installation(tmp_path / "new", capsys)
    restored = new.intake("restore", tmp_path / "copy [1]")
    assert restored.code == 0, restored
    assert new.intake("cases", "--json").value == house.intake("cases", "--json").value
    again = new.intake("restore", tmp_path / "copy [1]")
    assert again.code == 1
    assert "not empty" in again.err


def test_a_backup_into_a_full_folder_and_a_restore_from_an_empty_one_are_refused(house: Installation) -> None:
    house.take_in()
    full = house.intake("backup", house.folder)
    assert full.code == 1
    assert "not empty" in full.err
    (house.folder / "empty").mkdir()
    empty = house.intake("restore", house.folder / "empty")
    assert empty.code == 1
    assert "manifest.json" in empty.err
