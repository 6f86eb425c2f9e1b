"""Separator sheets: how a stack is parted, and that the sheets are seen as scanners deliver them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from intake.errors import ReadingError
from intake.reading.recognition import Recognised, Recogniser, RecognitionLimits, ScanFile, ScanJob
from intake.reading.scans.codes import Part, Sheet, part_stack, read_codes, sheet
from tests.scans import blank, empty_pages, joined, paper, patch_sheet, scanned, separator, skewed, typeset

TODAY = date(2026, 11, 23)
FRIDAY = date(2026, 11, 20)
DATED = "INTAKE|SEP|1|2026-11-20"


def sheets(signs: str, said: str = "") -> list[Sheet]:
    """Pages as signs: `S` a separator, `D` one with the date, `P` a written page, `b` a blank one."""
    return [
        Sheet(number, blank=sign == "b", separator=sign in "SD", received=(said or DATED) if sign == "D" else "")
        for number, sign in enumerate(signs, 1)
    ]


PARTED: dict[str, tuple[str, list[tuple[tuple[int, ...], date | None]]]] = {
    "no sheets, one letter": ("PP", [((1, 2), None)]),
    "a sheet between two": ("PSP", [((1,), None), ((3,), None)]),
    "sheets at both ends": ("SPSPS", [((2,), None), ((4,), None)]),
    "doubled sheets": ("SSPSSP", [((3,), None), ((6,), None)]),
    "the back of a sheet": ("PSbP", [((1,), None), ((4,), None)]),
    "only the page right after it": ("PSbbP", [((1,), None), ((4, 5), None)]),
    "the back of the last page is kept": ("PbSbP", [((1, 2), None), ((5,), None)]),
    "a date counts for its own letter": ("DPSP", [((2,), FRIDAY), ((4,), None)]),
    "a printed back keeps the date": ("DSP", [((3,), FRIDAY)]),
    "blank pages alone are a letter": ("bb", [((1, 2), None)]),
    "but none between sheets": ("PSbbSP", [((1,), None), ((6,), None)]),
    "nothing but sheets": ("SSbS", []),
    "sheets and a stray blank page": ("SbbS", []),
}


@pytest.mark.parametrize("name", PARTED)
def test_a_stack_is_parted_at_its_sheets(name: str) -> None:
    signs, expected = PARTED[name]
    parts, _ = part_stack(sheets(signs), TODAY)
    assert parts == [Part(pages, day) for pages, day in expected]


def test_blank_pages_that_belong_to_no_letter_are_told() -> None:
    _, problems = part_stack(sheets("PSbbSP"), TODAY)
    assert problems == ["from page 4 there are only blank pages, which belong to no letter"]


@pytest.mark.parametrize(
    "said",
    [
        "INTAKE|SEP|1|2026-11-24",
        "INTAKE|SEP|1|2026-02-30",
        "INTAKE|SEP|1|tomorrow",
        "INTAKE|SEP|1|20261120",
        "INTAKE|SEP|2",
    ],
)
def test_a_date_that_cannot_be_is_not_used_and_told(said: str) -> None:
    parts, problems = part_stack(sheets("DP", said), TODAY)
    assert parts == [Part((2,), None)]
    assert len(problems) == 1
    assert "separator sheet" in problems[0]


@pytest.mark.parametrize(
    ("codes", "is_separator", "received"),
    [
        (("INTAKE|SEP|1",), True, ""),
        ((DATED, "PATCHT"), True, DATED),
        (("PATCHT", "INTAKE|SEP|1"), True, ""),
        (("patcht",), True, ""),
        (("INTAKE|CASE|1|SIS-2026-0001",), False, ""),
        (("https://example.com/INTAKE|SEP|1",), False, ""),
        ((), False, ""),
    ],
)
def test_only_our_code_and_patch_t_make_a_separator(codes: tuple[str, ...], is_separator: bool, received: str) -> None:
    assert sheet(1, False, codes) == Sheet(1, False, separator=is_separator, received=received)


@pytest.mark.parametrize("dpi", [150, 200, 300])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_sheets_are_seen_at_usual_resolutions_in_any_rotation(dpi: int, turn: int) -> None:
    for made, text in ((separator(DATED, dpi), DATED), (patch_sheet(dpi=dpi), "PATCHT")):
        page = made.rotate(turn, expand=True)
        assert read_codes(page) == (text,)
        assert read_codes(skewed(page, 2).filter(ImageFilter.GaussianBlur(dpi / 200))) == (text,)


def test_code_128_will_do() -> None:
    assert read_codes(patch_sheet(code="Code128")) == ("PATCHT",)


def test_letters_and_blank_pages_have_no_codes() -> None:
    assert read_codes(paper()) == ()
    assert read_codes(blank()) == ()


def test_what_a_code_says_is_cut_and_its_number_is_capped() -> None:
    assert read_codes(separator("x" * 500)) == ("x" * 200,)
    many = Image.new("L", (400 * 6, 400 * 5), 255)
    for place in range(30):
        small = separator(f"code {place}").crop((150, 150, 600, 600)).resize((390, 390))
        many.paste(small, (place % 6 * 400, place // 6 * 400))
    assert len(read_codes(many)) == 20


def recognise(
    folder: Path, *scans: bytes, expected: int | None = None, limits: RecognitionLimits | None = None
) -> Recognised:
    files = []
    for number, raw in enumerate(scans):
        path = folder / f"{number}.pdf"
        path.write_bytes(raw)
        files.append(ScanFile(path.name, path))
    recogniser = Recogniser(folder / "work", limits=limits or RecognitionLimits())
    return recogniser.recognise(ScanJob(tuple(files), ("nl",), expected))


def three_letters(dpi: int) -> bytes:
    """Sheets of every kind between letters, as one scan. The letters were never on paper, so that they cost nothing."""
    return joined(
        scanned(separator(DATED, dpi), blank(dpi), dpi=dpi),
        typeset(("De eerste brief.",)),
        scanned(patch_sheet(dpi=dpi).rotate(180), dpi=dpi),
        typeset(("De tweede brief.",)),
        typeset(("Bladzijde twee.",)),
        scanned(separator(dpi=dpi).rotate(90, expand=True), patch_sheet(dpi=dpi), dpi=dpi),
        typeset(("De derde brief.",)),
        scanned(separator(dpi=dpi), dpi=dpi),
    )


@pytest.mark.parametrize("dpi", [200, 300])
def test_a_stack_becomes_letters_with_copies_of_their_own(tmp_path: Path, dpi: int) -> None:
    found = recognise(tmp_path, three_letters(dpi), expected=3)
    assert [letter.text for letter in found.letters] == [
        "De eerste brief.",
        "De tweede brief.\n\nBladzijde twee.",
        "De derde brief.",
    ]
    assert [letter.received_on for letter in found.letters] == [FRIDAY, None, None]
    assert [[page.number for page in letter.pages] for letter in found.letters] == [[3], [5, 6], [9]]
    assert len(set(found.copies)) == 3
    assert found.problems == ()
    assert found.page_count == 10


def test_a_count_that_does_not_match_fails_the_whole_stack(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="The record says 4 letters, the scan has 3") as caught:
        recognise(tmp_path, three_letters(200), expected=4)
    assert caught.value.code == "SPLIT"


def test_sheets_without_a_letter_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError) as caught:
        recognise(tmp_path, scanned(separator(), blank(), patch_sheet()))
    assert caught.value.code == "SPLIT"


def test_a_day_to_come_is_told_and_not_used(tmp_path: Path) -> None:
    day = datetime.now(UTC).date() + timedelta(days=3)
    found = recognise(tmp_path, joined(scanned(separator(f"INTAKE|SEP|1|{day}")), typeset()))
    assert found.letters[0].received_on is None
    assert found.problems == (f"the separator sheet (page 1) names a day to come, {day}; it is not used",)


def test_a_folder_is_one_letter_also_with_a_sheet_between_its_pages(tmp_path: Path) -> None:
    found = recognise(tmp_path, typeset(("Een.",)), scanned(separator(DATED)), typeset(("Twee.",)), expected=1)
    (letter,) = found.letters
    assert letter.text == "Een.\n\nTwee."
    assert letter.received_on == FRIDAY


def test_a_stack_may_have_more_pages_than_a_letter(tmp_path: Path) -> None:
    limits = RecognitionLimits(letter_pages=5, scan_pages=12)
    letter = empty_pages(3, 30, b"9 9 9 9 re f")
    found = recognise(tmp_path, joined(letter, scanned(patch_sheet()), letter), limits=limits)
    assert [len(letter.pages) for letter in found.letters] == [3, 3]
    with pytest.raises(ReadingError) as caught:
        recognise(tmp_path, joined(letter, letter, scanned(patch_sheet()), letter), limits=limits)
    assert caught.value.code == "TOO-MANY-PAGES"


def test_five_hundred_pages_are_the_most_of_a_stack(tmp_path: Path) -> None:
    with pytest.raises(ReadingError) as caught:
        recognise(tmp_path, empty_pages(501, 30))
    assert caught.value.code == "TOO-MANY-PAGES"
