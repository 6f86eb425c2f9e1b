"""The shop's logo: what the letterhead takes, how it stands there, and what it refuses."""

import io
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from intake.config import ENVELOPES
from intake.errors import TemplateError
from intake.replies.letter import LetterTypesetter
from intake.replies.logo import read_logo
from tests.paper import LAYOUT, LETTER, alternatives, drawn_on, pdf_claims, text_of

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40">{}</svg>'
DISC = '<circle cx="20" cy="20" r="18" fill="#0a5c8f"/><path d="M40 20h80" stroke="#0a5c8f" stroke-width="6"/>'
LINKS = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


@pytest.fixture(scope="module")
def typesetter() -> LetterTypesetter:
    return LetterTypesetter(LAYOUT)


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (600, 200), **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, 1).save(written, kind, **options)
    return written.getvalue()


def put(folder: Path, content: bytes | str) -> Path:
    path = folder / "logo"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


GOOD: dict[str, bytes | str] = {
    "a PNG": picture("PNG"),
    "a PNG that lets the paper through": picture("PNG", "RGBA"),
    "a PNG with a palette": picture("PNG", "P"),
    "a black and white PNG": picture("PNG", "1"),
    "a PNG of 16 bits": picture("PNG", "I;16"),
    "a JPEG": picture("JPEG"),
    "a JPEG for the printing press": picture("JPEG", "CMYK"),
    "a tall picture": picture("PNG", size=(100, 900)),
    "a wide picture": picture("PNG", size=(3000, 20)),
    "one pixel": picture("PNG", size=(1, 1)),
    "a drawing": DRAWING.format(DISC),
    "a drawing with a byte order mark": "\ufeff" + DRAWING.format(DISC),
    "a drawing with a document type": '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "y">' + DRAWING.format(DISC),
    "a drawing with a copy": DRAWING.format(f'<g id="a">{DISC}</g><use href="#a" x="9"/><use href="#none"/>'),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("preset", ["din5008b", "din5008a"])
def test_a_logo_stands_in_the_letterhead_above_the_window(
    typesetter: LetterTypesetter, tmp_path: Path, name: str, preset: str
) -> None:
    window = ENVELOPES[preset]
    logo = read_logo(put(tmp_path, GOOD[name]))
    pdf = typesetter.typeset(replace(LETTER, window=window, logo=logo, reference=""))
    assert pdf_claims(pdf) == ("3A", "1")
    assert alternatives(pdf) == ["Logo Smart Import Solutions"]
    places = [place for place in drawn_on(pdf) if place[0] > 25 and place[3] < 60 and place[2] < 190.1]
    assert places
    for left, top, right, bottom in places:
        assert top >= 11.9
        assert right - left <= 50.1
        assert bottom - top <= 16.1
        assert bottom < window.top - 2


def test_its_words_are_for_who_cannot_see_it(typesetter: LetterTypesetter, tmp_path: Path) -> None:
    logo = read_logo(put(tmp_path, DRAWING.format(DISC)), "Een blauwe schijf")
    pdf = typesetter.typeset(replace(LETTER, logo=logo))
    assert alternatives(pdf)[0] == "Een blauwe schijf"
    assert "schijf" not in text_of(pdf)


def test_a_logo_that_changes_is_read_anew(tmp_path: Path) -> None:
    first = read_logo(put(tmp_path, DRAWING.format(DISC)))
    assert read_logo(tmp_path / "logo") == first
    assert read_logo(put(tmp_path, DRAWING.format("<g/>"))) != first


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 black pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (30_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 100_000))
        + chunk(b"IEND", b"")
    )


def nested(depth: int) -> str:
    return "<g>" * depth + DISC + "</g>" * depth


BAD: dict[str, tuple[bytes | str, str]] = {
    "nothing": ("", "no PNG, no JPEG and no SVG"),
    "some text": ("Hallo", "no PNG, no JPEG and no SVG"),
    "bytes of any kind": (bytes(range(256)), "no PNG, no JPEG and no SVG"),
    "half a PNG": (picture("PNG")[:60], "broken picture"),
    "half a JPEG": (picture("JPEG")[:200], "broken picture"),
    "a PNG in name alone": (b"\x89PNG and no more", "broken picture"),
    "a picture bomb": (bomb(), "too many pixels"),
    "a picture of 64 megapixels": (picture("PNG", "1", (8000, 8000)), "too many pixels"),
    "a file of 5 MB": (b"\x89PNG" + b"x" * 5_000_000, "larger than 4 MB"),
    "a drawing of 600 kB": (DRAWING.format("<g/>" * 150_000), "larger than 500 kB"),
    "a GIF": (b"GIF89a" + bytes(20), "no PNG, no JPEG and no SVG"),
    "a drawing of no kind": ("<svg/>", "is no SVG"),
    "HTML": ("<html><body/></html>", "is no SVG"),
    "a cut drawing": (DRAWING.format(DISC)[:-9], "no PNG, no JPEG and no SVG"),
    "letters": (DRAWING.format("<text>Smart</text>"), "turn them into paths"),
    "a picture in a drawing": (DRAWING.format('<image href="file:///etc/passwd"/>'), "holds a picture"),
    "a script": (DRAWING.format("<script>alert(1)</script>"), "holds a script"),
    "another file": (DRAWING.format('<use href="other.svg#a"/>'), "another file"),
    "another file, the old way": (DRAWING.format(f'<use {LINKS} xlink:href="http://x/#a"/>'), "another file"),
    "an entity bomb": ('<!DOCTYPE svg [<!ENTITY a "aa">]>' + DRAWING.format("&a;"), "holds entities"),
    "copies of copies": (
        DRAWING.format('<g id="a"><path/></g><g id="b"><use href="#a"/></g><use href="#b"/>'),
        "copies of copies",
    ),
    "many copies": (DRAWING.format('<g id="a"/>' + '<use href="#a"/>' * 101), "too many copies"),
    "many shapes": (DRAWING.format("<g/>" * 5001), "too many shapes"),
    "a deep drawing": (DRAWING.format(nested(5000)), "nested too deeply"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_logo_that_is_broken_or_hostile_is_refused_by_name(tmp_path: Path, name: str) -> None:
    content, reason = BAD[name]
    with pytest.raises(TemplateError, match=reason) as error:
        read_logo(put(tmp_path, content))
    assert str(tmp_path / "logo") in error.value.what
    assert "letter.logo" in error.value.next_step


def test_a_missing_logo_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"nowhere\.png cannot be read: No such file"):
        read_logo(tmp_path / "nowhere.png")


def test_a_drawing_without_a_size_is_told_when_it_is_set(typesetter: LetterTypesetter, tmp_path: Path) -> None:
    logo = read_logo(put(tmp_path, '<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0"/>'))
    with pytest.raises(TemplateError, match="cannot be set"):
        typesetter.typeset(replace(LETTER, logo=logo))
