"""Where a letter's parts stand on the paper: through every preset's window, its code, its remark, its later pages.

Places are measured in the PDF, in millimetres. Looks, and a real envelope, are for human eyes.
"""

from dataclasses import replace
from typing import Any

import pytest

from intake.config import ENVELOPES, Window
from intake.errors import Refused
from intake.replies.addresses import address_lines
from intake.replies.letter import LANGUAGES, Letter, LetterTypesetter
from tests.paper import (
    CUSTOMER,
    LAYOUT,
    LETTER,
    SHOP,
    SIX_LINES,
    Box,
    alternatives,
    bounds_of,
    box,
    codes_on,
    drawn_on,
    frame,
    framed,
    overlaps,
    page_texts,
    pdf_claims,
    pictures,
    text_in,
    text_of,
)

BACK = "Smart Import Solutions · Plattenborgstraat 20 · 8043 TT Zwolle"
ADDRESSES = {
    3: CUSTOMER,
    4: replace(CUSTOMER, organisation="Bakkerij De Vries"),
    5: replace(CUSTOMER, organisation="Bakkerij De Vries", street="Gebouw De Molen\nDorpsstraat"),
    6: replace(SIX_LINES, country="NL", street="Gebouw De Molen\nAfdeling inkoop\nKade", city="Zwolle"),
}


@pytest.fixture(scope="module")
def typesetter() -> LetterTypesetter:
    return LetterTypesetter(LAYOUT)


def inside(place: Box, window: Window, spare: float) -> bool:
    left, top, right, bottom = frame(window)
    return left + spare <= place[0] and place[2] <= right - spare and top <= place[1] and place[3] <= bottom


# The window


@pytest.mark.parametrize("preset", ENVELOPES)
@pytest.mark.parametrize("remark", ["", "Aangetekend"], ids=["plain", "registered"])
@pytest.mark.parametrize("count", ADDRESSES)
def test_return_line_remark_and_address_show_through_every_window_and_nothing_else_does(
    typesetter: LetterTypesetter, preset: str, remark: str, count: int
) -> None:
    window = ENVELOPES[preset]
    letter = replace(LETTER, window=window, recipient=ADDRESSES[count], remark=remark)
    pdf = typesetter.typeset(letter)
    lines = address_lines(letter.recipient, "NL")
    assert len(lines) == count
    shown = [line.replace("  ", " ") for line in (BACK, *filter(None, [remark]), *lines)]
    assert text_in(pdf, frame(window)) == " ".join(shown)
    for line in shown:
        assert inside(box(pdf, line), window, 3), line
    # 2 mm more on each side: no line of the letterhead may peep in.
    near = (window.left - 2, window.top - 2, window.left + window.width + 2, window.top + window.height + 2)
    assert [place for place in drawn_on(pdf) if overlaps(place, near)] == []


@pytest.mark.parametrize("preset", ENVELOPES)
def test_letterhead_and_text_keep_off_the_window(typesetter: LetterTypesetter, preset: str) -> None:
    window = ENVELOPES[preset]
    pdf = typesetter.typeset(replace(LETTER, window=window))
    assert box(pdf, "service@example.nl")[3] < window.top
    assert box(pdf, "Zwolle, 23 november")[1] > window.top + window.height + 5


@pytest.mark.parametrize("preset", ENVELOPES)
def test_fold_marks_stand_where_the_envelope_wants_them(typesetter: LetterTypesetter, preset: str) -> None:
    pdf = typesetter.typeset(replace(LETTER, window=ENVELOPES[preset]))
    marks = sorted(round(place[1]) for place in drawn_on(pdf) if place[2] < 15)
    assert marks == sorted(ENVELOPES[preset].folds)


def test_the_address_starts_where_din_5008_wants_it(typesetter: LetterTypesetter) -> None:
    left, top, _, _ = box(typesetter.typeset(LETTER), "Mevr. J. de Vries")
    assert left == pytest.approx(25, abs=0.5)
    assert top == pytest.approx(62.7, abs=2)


def test_a_town_stands_two_spaces_behind_its_postcode(typesetter: LetterTypesetter) -> None:
    pdf = typesetter.typeset(LETTER)
    one = box(pdf, "AB")[0] - box(pdf, "1234")[2]
    assert box(pdf, "AMERSFOORT")[0] - box(pdf, "AB")[2] == pytest.approx(2 * one, abs=0.6)


def test_a_wide_address_line_is_set_smaller(typesetter: LetterTypesetter) -> None:
    name = "Stichting tot Behoud van de Molens in O"
    pdf = typesetter.typeset(replace(LETTER, recipient=replace(CUSTOMER, name=name)))
    assert inside(box(pdf, name), Window(), 3)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"recipient": replace(CUSTOMER, name="Jan " * 20)}, "too wide for the .*: Jan Jan", id="wide line"
        ),
        pytest.param({"recipient": replace(CUSTOMER, name='"J" ' * 20)}, r'too wide for the .*: "J" "J"', id="quotes"),
        pytest.param({"recipient": replace(CUSTOMER, name="李小龙")}, "no font has 李 小 龙", id="no such letters"),
        pytest.param({"window": Window(height=12)}, "too low for an address of 3 lines", id="low window"),
        pytest.param({"sender": replace(SHOP, name="Winkel " * 9)}, "return line is too wide", id="wide return line"),
        pytest.param({"sender_lines": ("0123456789" * 3,) * 40}, "letterhead runs into", id="high letterhead"),
    ],
)
def test_what_does_not_fit_the_envelope_is_refused(
    typesetter: LetterTypesetter, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        typesetter.typeset(replace(LETTER, **changes))


# The code of the case


@pytest.mark.parametrize("preset", ENVELOPES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scan_of_200_dpi_shows_the_case_in_every_language_and_preset(
    typesetter: LetterTypesetter, language: str, preset: str
) -> None:
    pdf = typesetter.typeset(replace(LETTER, language=language, window=ENVELOPES[preset]))
    assert codes_on(pictures(pdf, 200, grey=True)[0]) == ["INTAKE|CASE|1|SIS-2026-0042"]


@pytest.mark.parametrize("preset", ENVELOPES)
def test_the_code_is_small_and_no_fold_crosses_it(typesetter: LetterTypesetter, preset: str) -> None:
    window = ENVELOPES[preset]
    pdf = typesetter.typeset(replace(LETTER, window=window))
    (code,) = {place for place in drawn_on(pdf) if 17 < place[2] - place[0] < 19}
    assert code[3] - code[1] == pytest.approx(18, abs=0.1)
    assert [fold for fold in window.folds if code[1] - 3 < fold < code[3] + 3] == []
    assert text_in(pdf, (code[0] - 3, code[1] - 3, code[2] + 3, code[3] + 3)) == ""


@pytest.mark.parametrize("reference", ["", "C-2026-0042", "SIS-2026-0042 en meer", "ons kenmerk 12", "SIS-2026-٠٠٤٢"])
def test_a_reference_that_is_no_cases_has_no_code(typesetter: LetterTypesetter, reference: str) -> None:
    pdf = typesetter.typeset(replace(LETTER, reference=reference))
    assert codes_on(pictures(pdf, 200)[0]) == []


def test_a_window_as_wide_as_the_page_goes_before_the_code(typesetter: LetterTypesetter) -> None:
    pdf = typesetter.typeset(replace(LETTER, window=Window(left=20, width=170)))
    assert codes_on(pictures(pdf, 200)[0]) == []
    assert "AMERSFOORT" in text_of(pdf)


def test_a_reader_is_told_what_the_code_is(typesetter: LetterTypesetter) -> None:
    assert alternatives(typesetter.typeset(LETTER)) == ["QR-code met ons kenmerk SIS-2026-0042"]


# Later pages

FULL = Letter(
    **{
        **{name: getattr(LETTER, name) for name in Letter.__dataclass_fields__},
        "body": "Geachte mevrouw De Vries,\n\n"
        + "Wij hebben alles nagegaan wat u schrijft, en dit is wat wij vonden.\n\n" * 9
        + "- het eerste\n- het tweede, dat langer is " * 12
        + "\n\n"
        + "Dat was het. " * 120
        + "\n\nMet vriendelijke groet,",
        "enclosures": ("Kopie van uw brief", "Verzendbewijs", "Retourformulier"),
    }
)


@pytest.mark.parametrize("preset", ENVELOPES)
def test_a_letter_of_two_pages_has_its_window_code_and_folds_on_the_first_alone(
    typesetter: LetterTypesetter, preset: str
) -> None:
    pdf = typesetter.typeset(replace(FULL, window=ENVELOPES[preset]))
    first, second = page_texts(pdf)
    assert first.endswith("Pagina 1 van 2")
    assert second.endswith("Pagina 2 van 2")
    assert "AMERSFOORT" not in second
    assert "Bijlagen: – Kopie van uw brief – Verzendbewijs – Retourformulier" in second
    assert list(drawn_on(pdf, 1)) == []
    assert 18 < bounds_of(pdf)[1][1] < 25
    assert bounds_of(pdf)[0][3] < 290
    assert pdf_claims(pdf) == ("3A", "1")


def test_a_picture_of_a_letter_can_be_framed(typesetter: LetterTypesetter) -> None:
    picture = framed(typesetter.typeset(LETTER), Window(), dpi=100)
    assert picture.size == (827, 1170)
    assert picture.getpixel((round(20 / 25.4 * 100), 250)) == (220, 0, 0)
