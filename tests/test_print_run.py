"""The print run: one PDF of all letters that wait, with a list in front."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pikepdf
import pytest

from intake.errors import Refused
from intake.replies.letter import LetterTypesetter
from intake.replies.press import Press
from intake.replies.print_run import RunLetter, print_run
from tests.paper import LAYOUT, LETTER, page_texts

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def letters() -> list[RunLetter]:
    """Letters of one, two, three and one pages."""
    typesetter = LetterTypesetter(LAYOUT)
    made = []
    for number, sentences in enumerate((1, 200, 400, 1), start=1):
        reference = f"SIS-2026-{number:04}"
        pdf = typesetter.typeset(replace(LETTER, reference=reference, body="Wij lazen uw brief. " * sentences))
        made.append(RunLetter(reference, f"Mevr. J. de Vries {number}", "Amersfoort", date(2026, 11, 23 + number), pdf))
    return made


@pytest.fixture(scope="module")
def press() -> Press:
    return Press(LAYOUT.parent)


def run(press: Press, letters: Sequence[RunLetter], language: str = "nl", *, duplex: bool = False) -> bytes:
    return print_run(press, letters, language=language, dated=DAY, duplex=duplex)


def test_the_letters_follow_the_list_in_order_with_all_their_pages(press: Press, letters: list[RunLetter]) -> None:
    texts = page_texts(run(press, letters))
    assert texts[0].startswith("Af te drukken brieven, 23 november 2026")
    assert texts[1:] == [text for letter in letters for text in page_texts(letter.pdf)]
    assert len(texts) == 1 + 1 + 2 + 3 + 1


def test_the_list_names_case_addressee_town_pages_and_the_day_to_post(press: Press, letters: list[RunLetter]) -> None:
    text = page_texts(run(press, letters))[0]
    assert "Brieven: 4; pagina's: 7; vellen papier: 7." in text
    assert "1 SIS-2026-0001 Mevr. J. de Vries 1 Amersfoort 1 di 24 nov" in text
    assert "3 SIS-2026-0003 Mevr. J. de Vries 3 Amersfoort 3 do 26 nov" in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Letters to print, 23 November 2026", "Post by", "Tue 24 Nov")),
        ("de", ("Zu druckende Briefe, 23. November 2026", "Einwerfen bis", "Di., 24. Nov.")),
        ("fr", ("Lettres à imprimer, 23 novembre 2026", "Poster au plus tard", "mar. 24 nov.")),
        ("it", ("Letters to print, 23 November 2026",)),
    ],
)
def test_the_list_speaks_the_shops_language(
    press: Press, letters: list[RunLetter], language: str, words: tuple[str, ...]
) -> None:
    text = page_texts(run(press, letters, language))[0]
    assert [part for part in words if part not in text] == []


def test_on_both_sides_of_the_paper_each_letter_begins_on_a_new_sheet(press: Press, letters: list[RunLetter]) -> None:
    texts = page_texts(run(press, letters, duplex=True))
    firsts = [index for index, text in enumerate(texts) if "Pagina 1 van" in text]
    assert firsts == [2, 4, 6, 10]
    assert [index for index, text in enumerate(texts) if text == ""] == [1, 3, 9, 11]
    assert "vellen papier: 5" in texts[0]


def test_a_long_run_has_a_list_of_several_pages(press: Press, letters: list[RunLetter]) -> None:
    many = [replace(letters[0], reference=f"SIS-2026-{number:04}") for number in range(1, 101)]
    texts = page_texts(run(press, many, duplex=True))
    lists = [text for text in texts if "Posten uiterlijk" in text]
    assert len(lists) > 1
    for letter in many:
        assert sum(letter.reference in text for text in lists) == 1
    first = next(index for index, text in enumerate(texts) if "Pagina 1 van" in text)
    assert first % 2 == 0


def test_what_a_name_holds_is_printed_as_it_is_or_as_a_box(press: Press, letters: list[RunLetter]) -> None:
    odd = replace(letters[0], addressee='#panic("boo") *x* 李小龙 \u202e' + "W" * 300, town="", post_by=None)
    text = page_texts(run(press, [odd]))[0]
    assert '#panic("boo") *x* □□□' in text


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7", b"no PDF"], ids=["empty", "cut", "another thing"])
def test_a_letter_that_cannot_be_read_stops_the_run_by_name(press: Press, letters: list[RunLetter], pdf: bytes) -> None:
    with pytest.raises(Refused, match=r"SIS-2026-0002 cannot be read\. Approve it again"):
        run(press, [letters[0], replace(letters[1], pdf=pdf)])


def test_a_letter_that_somebody_locked_stops_the_run_too(press: Press, letters: list[RunLetter]) -> None:
    locked = io.BytesIO()
    with pikepdf.open(io.BytesIO(letters[0].pdf)) as document:
        document.save(locked, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    with pytest.raises(Refused, match="SIS-2026-0001 cannot be read"):
        run(press, [replace(letters[0], pdf=locked.getvalue())])


@pytest.mark.parametrize("count", [0, 1001])
def test_a_run_is_of_one_to_a_thousand_letters(press: Press, letters: list[RunLetter], count: int) -> None:
    with pytest.raises(Refused, match="1 to 1000"):
        run(press, letters[:1] * count)


def test_the_same_run_is_the_same_bytes_and_a_sound_file(press: Press, letters: list[RunLetter]) -> None:
    one = run(press, letters)
    assert one == run(press, letters)
    with pikepdf.open(io.BytesIO(one)) as document:
        assert document.check_pdf_syntax() == []
