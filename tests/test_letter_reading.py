"""Scans: PDF with a text layer, pictures, and what cannot be read, with the code that the clerk is told."""

import io
import json
from datetime import date
from pathlib import Path

import pikepdf
import pytest
import typst
from PIL import Image

from intake.errors import ReadingError
from intake.reading.letter import MAX_PAGES, read_letter
from intake.reading.record import parse_record, read_record

TEXT = "Mijn stofzuiger is na drie weken stuk gegaan en ik krijg van niemand een antwoord op mijn brieven."
TODAY = date(2026, 11, 22)


def pdf(text: str = TEXT, pages: int = 1, password: str | None = None) -> bytes:
    source = "\n#pagebreak()\n".join([text] * pages)
    plain = bytes(typst.compile(source.encode(), format="pdf"))
    if password is None:
        return plain
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(plain)) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="owner", user=password))
    return out.getvalue()


def picture(kind: str, pages: int = 1) -> bytes:
    out = io.BytesIO()
    image = Image.effect_noise((200, 300), 50)
    more = {"save_all": True, "append_images": [image] * (pages - 1)} if pages > 1 else {}
    image.save(out, kind, **more)
    return out.getvalue()


def record(**changes: object):
    value = {"schema": "letter-intake/1", "received_on": "2026-11-20", **changes}
    return read_record(parse_record(json.dumps(value).encode()), TODAY)


def test_a_pdf_with_text_is_read() -> None:
    message = read_letter(pdf(), "scan.pdf", record(sender={"name": "Jan", "postal_code": "8043 TT"}, subject="Klacht"))
    assert " ".join(message.text.split()) == TEXT
    assert message.readable
    assert message.problems == ()
    assert (message.subject, message.postal.name if message.postal else "") == ("Klacht", "Jan")
    assert message.attachments[0].media_type == "application/pdf"


def test_a_pdf_that_only_its_owner_may_change_is_read() -> None:
    assert read_letter(pdf(password=""), "scan.pdf", record()).readable


@pytest.mark.parametrize(("kind", "pages"), [("TIFF", 1), ("TIFF", 3), ("JPEG", 1), ("PNG", 1)])
def test_a_picture_becomes_a_letter_that_a_person_must_read(kind: str, pages: int) -> None:
    message = read_letter(picture(kind, pages), "scan", record(pages_expected=pages))
    assert not message.readable
    assert message.problems == ("the scan has no readable text: read the scan",)


def test_a_scan_without_a_record_and_one_with_too_few_pages_say_so() -> None:
    assert any("no record" in problem for problem in read_letter(pdf(), "a.pdf", None).problems)
    assert any("says 3 pages" in problem for problem in read_letter(pdf(), "a.pdf", record(pages_expected=3)).problems)


def test_a_sheet_with_hardly_a_letter_is_still_a_letter() -> None:
    assert not read_letter(pdf("#v(1cm)"), "a.pdf", record()).readable


def many_pages() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(MAX_PAGES + 1):
            document.add_blank_page()
        document.save(out)
    return out.getvalue()


REFUSED = {
    "EMPTY": lambda: b"",
    "TYPE": lambda: b"PK\x03\x04 a Word document",
    "PASSWORD": lambda: pdf(password="secret"),
    "TOO-MANY-PAGES": many_pages,
    "TOO-BIG": lambda: b"%PDF-" + bytes(51 * 1024 * 1024),
}
DAMAGED = {
    "a cut-off JPEG": lambda: picture("JPEG")[:-2000],
    "a cut-off PNG": lambda: picture("PNG")[:-2000],
    "a cut-off TIFF": lambda: picture("TIFF", 3)[:500],
    "a PDF of nothing": lambda: b"%PDF-1.7\n",
    "the first bytes of a PDF": lambda: pdf()[:300],
    "a PDF without pages": lambda: b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
}


@pytest.mark.parametrize(("code", "make"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_no_letter_is_refused_with_its_code(code: str, make) -> None:
    with pytest.raises(ReadingError) as caught:
        read_letter(make(), "scan", record())
    assert caught.value.code == code
    assert caught.value.next_step


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_scan_is_refused(make) -> None:
    with pytest.raises(ReadingError) as caught:
        read_letter(make(), "scan", record())
    assert caught.value.code == "DAMAGED"


@pytest.mark.parametrize("name", ["scan-0001.pdf", "scan-0002.pdf", "scan-0003.jpg"])
def test_the_letters_of_the_demo_are_read(name: str) -> None:
    raw = (Path(__file__).parents[1] / "intake" / "demo" / "letters" / name).read_bytes()
    assert read_letter(raw, name, record()).attachments[0].name == name
