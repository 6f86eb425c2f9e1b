"""The letter page: what is printed, and the file that it is printed in.

PDFs are made by the real typesetter and read back by pypdfium2 and pikepdf. Where things stand on the paper is tested
in test_letter_pages.py.
"""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.errors import TemplateError
from intake.replies.letter import LANGUAGES, LetterTypesetter, split_enclosures, split_signatory
from tests.paper import CUSTOMER, LAYOUT, LETTER, SHOP, bounds_of, box, page_texts, text_of

LONG_BODY = "Geachte mevrouw,\n\n" + "Wij hebben uw brief gelezen. " * 300 + "\n\nMet vriendelijke groet,"


@pytest.fixture(scope="module")
def typesetter() -> LetterTypesetter:
    return LetterTypesetter(LAYOUT)


# What is printed


def test_a_letter_holds_all_its_parts_in_the_order_of_reading(typesetter: LetterTypesetter) -> None:
    pdf = typesetter.typeset(replace(LETTER, enclosures=("Kopie van uw brief",)))
    parts = (
        "Smart Import Solutions",
        "Plattenborgstraat 20 · 8043 TT Zwolle · 06-29557135 · service@example.nl",
        "Smart Import Solutions · Plattenborgstraat 20 · 8043 TT Zwolle",
        "Mevr. J. de Vries Dorpsstraat 12 B 1234 AB AMERSFOORT",
        "Zwolle, 23 november 2026",
        "Ons kenmerk: SIS-2026-0042",
        "Betreft: Uw klacht over bestelling 10023",
        "Geachte mevrouw De Vries,",
        "Dank u voor uw brief.",
        "Met vriendelijke groet,",
        "Mirjam Jansen Manager klantenservice",
        "Bijlage: – Kopie van uw brief",
        "Ons kenmerk: SIS-2026-0042 Pagina 1 van 1",
    )
    assert text_of(pdf) == " ".join(parts)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "nl",
            ("Zwolle, 1 december 2026", "Ons kenmerk: SIS-", "Betreft: Uw", "Bijlagen: –", "Pagina 1 van 1", "CONCEPT"),
        ),
        ("en", ("Zwolle, 1 December 2026", "Our reference: SIS-", "0042 Uw", "Enclosures: –", "Page 1 of 1", "DRAFT")),
        (
            "de",
            ("Zwolle, 1. Dezember 2026", "Unser Zeichen: SIS-", "0042 Uw", "Anlagen: –", "Seite 1 von 1", "ENTWURF"),
        ),
        (
            "fr",
            (
                "Zwolle, le 1er décembre 2026",
                "Notre référence : SIS-",
                "Objet : Uw",
                "Pièces jointes : –",
                "Page 1 sur 1",
                "BROUILLON",
            ),
        ),
    ],
)
def test_the_page_speaks_the_readers_language(
    typesetter: LetterTypesetter, language: str, expected: tuple[str, ...]
) -> None:
    letter = replace(LETTER, language=language, dated=date(2026, 12, 1), enclosures=("A", "B"), draft=True)
    text = text_of(typesetter.typeset(letter))
    assert [part for part in expected if part not in text] == []


def test_every_language_is_in_the_table_above() -> None:
    assert set(LANGUAGES) == {"nl", "en", "de", "fr"}


def test_french_has_its_first_of_the_month_and_no_other(typesetter: LetterTypesetter) -> None:
    text = text_of(typesetter.typeset(replace(LETTER, language="fr", dated=date(2026, 11, 11))))
    assert "le 11 novembre 2026" in text


def test_line_ends_stay_and_lists_become_lists(typesetter: LetterTypesetter) -> None:
    body = "Wij deden:\n- het eerste,\n  en meer daarvan\n- het tweede\nDat was het.\nEcht."
    pdf = typesetter.typeset(replace(LETTER, body=body))
    assert "Wij deden: – het eerste, en meer daarvan – het tweede Dat was het. Echt." in text_of(pdf)
    assert box(pdf, "Echt.")[1] > box(pdf, "Dat was het.")[3]
    assert box(pdf, "het tweede")[0] > box(pdf, "Wij deden:")[0] + 2


EMPTY: dict[str, Any] = {"reference": "", "subject": "", "place": "", "body": "", "signatory": (), "sender_lines": ()}


@pytest.mark.parametrize("part", [*EMPTY, "all of them"])
def test_a_letter_may_lack_a_part(typesetter: LetterTypesetter, part: str) -> None:
    changes = EMPTY if part == "all of them" else {part: EMPTY[part]}
    assert "AMERSFOORT" in text_of(typesetter.typeset(replace(LETTER, **changes)))


# Drafts and pages


def test_a_draft_says_so_on_every_page_and_in_its_title(typesetter: LetterTypesetter) -> None:
    pdf = typesetter.typeset(replace(LETTER, body=LONG_BODY, draft=True))
    assert len(page_texts(pdf)) > 1
    assert ["CONCEPT" in text for text in page_texts(pdf)] == [True] * len(page_texts(pdf))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.docinfo["/Title"]) == "CONCEPT: Uw klacht over bestelling 10023"


def test_a_final_letter_does_not_say_draft(typesetter: LetterTypesetter) -> None:
    assert "CONCEPT" not in text_of(typesetter.typeset(replace(LETTER, body=LONG_BODY)))


def test_every_page_has_its_number_and_the_last_ones_number(typesetter: LetterTypesetter) -> None:
    texts = page_texts(typesetter.typeset(replace(LETTER, body=LONG_BODY * 2)))
    assert len(texts) >= 3
    assert [text.endswith(f"Pagina {n} van {len(texts)}") for n, text in enumerate(texts, 1)] == [True] * len(texts)


def test_later_pages_begin_higher_than_the_first_ones_text(typesetter: LetterTypesetter) -> None:
    pdf = typesetter.typeset(replace(LETTER, body=LONG_BODY))
    assert box(pdf, "Geachte mevrouw")[1] > 98
    assert 18 < bounds_of(pdf)[1][1] < 25


@pytest.mark.parametrize("paragraphs", range(6, 13))
def test_a_signature_is_never_alone_on_a_page(typesetter: LetterTypesetter, paragraphs: int) -> None:
    body = "Een regel.\n\n" * paragraphs * 2 + "Met vriendelijke groet,"
    last = page_texts(typesetter.typeset(replace(LETTER, body=body)))[-1]
    assert last.index("Met vriendelijke groet,") < last.index("Mirjam Jansen")


# Nothing is markup

MARKUP = {
    "code": '#panic("boo")',
    "a file": '#read("/etc/passwd")',
    "a package": '#import "@preview/example:0.1.0": add',
    "bold": "*bold* and _italic_",
    "mathematics": "$x^2$",
    "raw": "`raw` and ```typ #x```",
    "backslashes": r"\u{41} \ \\n C:\temp",
    "references": "@nobody <label> mail@example.nl",
    "headings": "= Kop == Kop",
    "comments": "// weg /* weg */",
    "quotes": "\"twee\" 'een'",
    "braces": "{place} {} ]] }} #[",
    "dashes": "-- --- ... ~",
    "JSON": '"}, "draft": "x", {"',
}


@pytest.mark.parametrize("name", MARKUP)
def test_text_is_printed_as_it_is_wherever_it_stands(typesetter: LetterTypesetter, name: str) -> None:
    text = MARKUP[name]
    letter = replace(
        LETTER,
        sender_lines=(text,),
        recipient=replace(CUSTOMER, name=text),
        place=text,
        reference=text,
        subject=text,
        body=f"{text}\n\n- {text}",
        signatory=(text,),
        enclosures=(text,),
    )
    plain = text_of(typesetter.typeset(letter))
    # letterhead, address, place, reference, subject, paragraph, list, signature, enclosure, footer
    assert plain.count(text) == 10


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        pytest.param("een\x00 twee\x07", "een twee", id="NUL and bell"),
        pytest.param("koop\u202eneg\u202c nu", "koopneg nu", id="bidi override"),
        pytest.param("een\u2028twee\x85drie", "een twee drie", id="rare line ends"),
        pytest.param("half \ud83d paar", "half paar", id="half a surrogate pair"),
        pytest.param("blij 😀 mens 👨‍👩‍👧", "blij □ mens □□□", id="emoji"),
        pytest.param("שלום 0\u0e33 a\u0592 e\u082d", "□□□□ 0□ a e", id="other scripts and their accents"),
        pytest.param("naam 李", "naam □", id="letters that no font has"),
        pytest.param("prive \ue000 \ufffe", "prive □ □", id="private and non-characters"),
        pytest.param("Cafe\u0301 Zürich Łódź Ωμέγα Привет", "Café Zürich Łódź Ωμέγα Привет", id="European letters"),
        pytest.param("€ 1.234,56 – ‘ja’ „ja“ «oui»", "€ 1.234,56 – ‘ja’ „ja“ «oui»", id="signs"),
    ],
)
def test_characters_that_have_no_place_on_paper_go_and_unknown_ones_show(
    typesetter: LetterTypesetter, body: str, printed: str
) -> None:
    assert f"10023 {printed} Mirjam" in text_of(typesetter.typeset(replace(LETTER, body=body)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_makes_a_letter(typesetter: LetterTypesetter, text: str) -> None:
    letter = replace(LETTER, subject=text, body=text, reference=text, place=text, signatory=(text,))
    assert typesetter.typeset(letter).startswith(b"%PDF-1.7")


# The file


def test_the_file_claims_pdf_a_3a_and_pdf_ua_1_with_title_language_author_and_the_letters_date(
    typesetter: LetterTypesetter,
) -> None:
    with pikepdf.open(io.BytesIO(typesetter.typeset(LETTER))) as document:
        assert document.check_pdf_syntax() == []
        with document.open_metadata(set_pikepdf_as_editor=False) as metadata:
            assert metadata.pdfa_status == "3A"
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == LETTER.subject
            assert metadata["dc:creator"] == [SHOP.name]
            assert metadata["xmp:CreateDate"] == "2026-11-23T00:00:00Z"
        assert str(document.Root.Lang) == "nl"
        assert document.Root.MarkInfo.Marked
        assert "/AF" not in document.Root


def test_equal_letters_give_equal_bytes_also_from_another_typesetter_and_from_threads(
    typesetter: LetterTypesetter,
) -> None:
    letters = [replace(LETTER, reference=f"C-{number}") for number in range(8)]
    alone = [LetterTypesetter(LAYOUT).typeset(letter) for letter in letters]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(typesetter.typeset, letters)) == alone


def test_only_the_fonts_beside_the_layout_and_in_the_library_are_used(typesetter: LetterTypesetter) -> None:
    with pikepdf.open(io.BytesIO(typesetter.typeset(LETTER))) as document:
        fonts = {str(font.BaseFont) for font in document.pages[0].Resources.Font.values()}
    assert {font.split("+")[-1].split("-")[0] for font in fonts} == {"LibertinusSerif", "NotoSans"}


# Mistakes


def test_a_missing_layout_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"nowhere\.typ is missing"):
        LetterTypesetter(tmp_path / "nowhere.typ")


def test_a_layout_with_a_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    layout = tmp_path / "own.typ"
    layout.write_text("Hello\n#nothing_of_the_kind")
    with pytest.raises(TemplateError, match=r"own\.typ cannot be set: unknown variable(.|\n)*own\.typ:2:1"):
        LetterTypesetter(layout).typeset(LETTER)


def test_a_language_without_words_is_refused_with_the_languages_there_are(typesetter: LetterTypesetter) -> None:
    with pytest.raises(TemplateError, match=r"'it'.* nl, en, de, fr"):
        typesetter.typeset(replace(LETTER, language="it"))


@pytest.mark.parametrize(
    ("text", "body", "signatory"),
    [
        ("Beste Jan,\n\nGroet,\n\nMirjam\nManager\n", "Beste Jan,\n\nGroet,\n", ("Mirjam", "Manager")),
        ("Beste Jan,\n\nTot ziens.\n", "Beste Jan,\n\nTot ziens.\n", ("Mirjam",)),
        ("mirjam", "mirjam", ("Mirjam",)),
    ],
    ids=["signed at the end", "not signed", "nothing but a name"],
)
def test_the_name_stands_once_below_the_space_for_a_signature(text: str, body: str, signatory: tuple[str, ...]) -> None:
    assert split_signatory(text, "Mirjam") == (body, signatory)


@pytest.mark.parametrize(
    ("last", "enclosures"),
    [
        ("Bijlagen: retourlabel; kopie factuur", ("retourlabel", "kopie factuur")),
        ("Anlage:\n- Retourenschein", ("Retourenschein",)),
        ("Pièces jointes :\nétiquette\nfacture", ("étiquette", "facture")),
        ("De bijlagen: die volgen nog", ()),
        ("Mirjam", ()),
    ],
)
def test_what_is_enclosed_is_taken_from_below_the_signature(last: str, enclosures: tuple[str, ...]) -> None:
    text = f"Geachte heer,\n\nMirjam\n\n{last}\n"
    above, found = split_enclosures(text)
    assert found == enclosures
    assert (above == "Geachte heer,\n\nMirjam\n") is bool(enclosures)
