"""Test pages for envelopes, and separator sheets: what is on them, where, and what a reader makes of a scan."""

from datetime import date

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from intake.config import ENVELOPES, Window
from intake.errors import UsageError
from intake.replies.press import Press
from intake.replies.sheets import SAMPLE_ADDRESS, SAMPLE_SENDER, envelope_pages, separator_sheets
from tests.paper import LAYOUT, Box, box, codes_on, drawn_on, frame, page_texts, pictures, text_of

FOLDS = (99, 105, 148.5, 198, 210)
ALL = ("nl", "en", "de", "fr")


@pytest.fixture(scope="module")
def press() -> Press:
    return Press(LAYOUT.parent)


# Test pages


def near(places: list[Box], wanted: Box) -> bool:
    return any(all(abs(one - other) < 0.3 for one, other in zip(place, wanted, strict=True)) for place in places)


def test_each_envelope_has_its_page_with_its_name_and_numbers(press: Press) -> None:
    texts = page_texts(envelope_pages(press, ENVELOPES, "nl"))
    assert len(texts) == 5
    for name, text in zip(ENVELOPES, texts, strict=True):
        assert f"Proefblad voor de vensterenvelop: {name}" in text
        assert "leg het in uw envelop" in text
    assert "left 20 · top 27 · width 85 · height 45 · above 17.7 · folds 87, 192 (mm)" in texts[1]


@pytest.mark.parametrize("preset", ENVELOPES)
def test_the_frame_its_tolerance_and_the_folds_stand_where_the_preset_says(press: Press, preset: str) -> None:
    window = ENVELOPES[preset]
    pdf = envelope_pages(press, {preset: window}, "nl")
    places = list(drawn_on(pdf))
    left, top, right, bottom = frame(window)
    assert near(places, (left, top, right, bottom))
    assert near(places, (left + 5, top + 5, right - 5, bottom - 5))
    for fold in window.folds:
        assert near(places, (10, fold, 18, fold))
    # The line that the printer's scale is checked with.
    assert [place for place in places if abs(place[2] - place[0] - 100) < 0.7 > place[3] - place[1]]


@pytest.mark.parametrize("preset", ENVELOPES)
def test_the_sample_address_stands_where_a_letter_has_it(press: Press, preset: str) -> None:
    window = ENVELOPES[preset]
    pdf = envelope_pages(press, {preset: window}, "nl")
    for line in (SAMPLE_SENDER, *SAMPLE_ADDRESS):
        left, top, right, bottom = box(pdf, line.replace("  ", " "))
        assert window.left + 3 <= left
        assert right <= window.left + window.width - 3
        assert window.top <= top
        assert bottom <= window.top + window.height


def test_the_rulers_count_millimetres_from_the_papers_edges(press: Press) -> None:
    places = list(drawn_on(envelope_pages(press, {"own": Window()}, "en")))
    for at in (50, 100, 200):
        assert near(places, (at, 5, at, 9))
        assert near(places, (5, at, 9, at))


@pytest.mark.parametrize(
    ("language", "words"),
    [("nl", "Druk dit blad"), ("en", "Print this page"), ("de", "Drucken Sie"), ("fr", "Imprimez"), ("it", "Print")],
)
def test_a_test_page_speaks_the_shops_language(press: Press, language: str, words: str) -> None:
    assert words in text_of(envelope_pages(press, {"own": Window()}, language))


# Separators


@pytest.fixture(scope="module")
def sheets(press: Press) -> dict[str, bytes]:
    return {
        "INTAKE|SEP|1": separator_sheets(press, 1, None, ALL),
        "INTAKE|SEP|1|2026-11-20": separator_sheets(press, 1, date(2026, 11, 20), ALL),
    }


@pytest.mark.parametrize("text", ["INTAKE|SEP|1", "INTAKE|SEP|1|2026-11-20"])
@pytest.mark.parametrize("dpi", [150, 200, 300])
@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_both_codes_and_the_patch_are_read_however_the_sheet_lies(
    sheets: dict[str, bytes], text: str, dpi: int, turned: int
) -> None:
    (picture,) = pictures(sheets[text], dpi, grey=True)
    assert sorted(codes_on(picture.rotate(turned, expand=True))) == [text, text, "PATCHT"]


@pytest.mark.parametrize("dpi", [150, 200])
def test_a_bad_scan_still_shows_a_code(sheets: dict[str, bytes], dpi: int) -> None:
    """Skewed, blurred, speckled, and with a fold and a thumb across it."""
    (picture,) = pictures(sheets["INTAKE|SEP|1"], dpi, grey=True)
    picture = picture.rotate(2.5, fillcolor=255).filter(ImageFilter.GaussianBlur(dpi / 150))
    draw = ImageDraw.Draw(picture)
    draw.line((0, picture.height // 4, picture.width, picture.height // 4), fill=120, width=dpi // 20)
    draw.ellipse((picture.width // 2, 0, picture.width, picture.height // 4), fill=60)
    grain = np.random.default_rng(4).normal(0, 25, (picture.height, picture.width))
    scan = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype("uint8"))
    assert "INTAKE|SEP|1" in codes_on(scan)


def test_half_a_sheet_is_enough(sheets: dict[str, bytes]) -> None:
    (picture,) = pictures(sheets["INTAKE|SEP|1"], 150, grey=True)
    for start in (0, picture.height // 2):
        half = picture.crop((0, start, picture.width, start + picture.height // 2))
        assert "INTAKE|SEP|1" in codes_on(half)


def test_the_codes_are_large_and_no_fold_crosses_them(sheets: dict[str, bytes]) -> None:
    square = {place for place in drawn_on(sheets["INTAKE|SEP|1"]) if abs(place[2] - place[0] - 55) < 0.1}
    assert len(square) == 2
    for _, top, _, bottom in square:
        assert bottom - top == pytest.approx(55, abs=0.1)
        assert [fold for fold in FOLDS if top - 5 < fold < bottom + 5] == []


def test_a_sheet_says_what_to_do_with_it_in_the_shops_languages(sheets: dict[str, bytes]) -> None:
    text = text_of(sheets["INTAKE|SEP|1"])
    for words in ("Scheidingsvel", "opnieuw gebruiken", "use it again", "wieder verwenden", "à réutiliser"):
        assert words in text
    assert "Ontvangen op" not in text


def test_a_dated_sheet_says_the_day_in_words_and_is_not_for_another_day(sheets: dict[str, bytes]) -> None:
    text = text_of(sheets["INTAKE|SEP|1|2026-11-20"])
    assert "Ontvangen op vrijdag 20 november 2026" in text
    assert "Daarna weggooien" in text
    assert "opnieuw gebruiken" not in text


@pytest.mark.parametrize(
    ("languages", "words"),
    [
        (("de",), "Eingegangen am Freitag, 20. November 2026"),
        (("fr", "nl"), "Reçu le vendredi 20 novembre 2026"),
        (("en",), "Received on Friday"),
        ((), "Received on Friday"),
    ],
)
def test_the_first_language_is_the_large_one(press: Press, languages: tuple[str, ...], words: str) -> None:
    assert words in text_of(separator_sheets(press, 1, date(2026, 11, 20), languages))


def test_as_many_sheets_as_asked_for_all_alike(press: Press) -> None:
    texts = page_texts(separator_sheets(press, 20, None, ALL))
    assert len(texts) == 20
    assert len(set(texts)) == 1


@pytest.mark.parametrize("count", [0, -1, 501])
def test_a_count_that_makes_no_sense_is_refused(press: Press, count: int) -> None:
    with pytest.raises(UsageError, match="1 to 500"):
        separator_sheets(press, count, None, ALL)


def test_equal_sheets_are_equal_bytes(press: Press, sheets: dict[str, bytes]) -> None:
    assert separator_sheets(press, 1, None, ALL) == sheets["INTAKE|SEP|1"]
