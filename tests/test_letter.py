"""The letter page: what is printed, where it stands on the paper, and what is refused.

PDFs are made by the real typesetter and read back by pypdfium2 and pikepdf. Places are millimetres from the
page's top and left. Looks, and a real envelope, are for human eyes.
"""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.errors import Refused, TemplateError
from intake.replies.letter import LANGUAGES, Letter, LetterTypesetter, Window, address_lines, split_signatory
from intake.types import PostalAddress

LAYOUT = Path(__file__).parent.parent / "templates" / "letter" / "letter.typ"
MM = 25.4 / 72

SHOP = PostalAddress(
    name="Smart Import Solutions",
    street="Plattenborgstraat",
    house_number="20",
    postal_code="8043TT",
    city="Zwolle",
)
CUSTOMER = PostalAddress(
    name="Mevr. J. de Vries", street="Dorpsstraat", house_number="12 B", postal_code="1234ab", city="Amersfoort"
)
LETTER = Letter(
    sender=SHOP,
    sender_lines=("06-29557135", "service@example.nl"),
    recipient=CUSTOMER,
    language="nl",
    place="Zwolle",
    dated=date(2026, 11, 23),
    reference="C-2026-0042",
    subject="Uw klacht over bestelling 10023",
    body="Geachte mevrouw De Vries,\n\nDank u voor uw brief.\n\nMet vriendelijke groet,",
    signatory=("Mirjam Jansen", "Manager klantenservice"),
)
LONG_BODY = "Geachte mevrouw,\n\n" + "Wij hebben uw brief gelezen. " * 300 + "\n\nMet vriendelijke groet,"


@pytest.fixture(scope="module")
def typesetter() -> LetterTypesetter:
    return LetterTypesetter(LAYOUT)


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page, white space made plain, without the places where a long word may break."""
    with pypdfium2.PdfDocument(pdf) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    return [" ".join(text.replace("\u200b", "").split()) for text in texts]


def text_of(pdf: bytes) -> str:
    return " ".join(page_texts(pdf))


def box(pdf: bytes, text: str, page: int = 0) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the first place where the text stands on the page, in millimetres."""
    with pypdfium2.PdfDocument(pdf) as document:
        sheet = document[page]
        words = sheet.get_textpage()
        found = words.search(text, match_case=True).get_next()
        assert found, f"{text!r} is not on the page"
        boxes = [words.get_charbox(found[0] + offset) for offset in range(found[1])]
        height = sheet.get_height()
    left, right = min(b[0] for b in boxes), max(b[2] for b in boxes)
    bottom, top = min(b[1] for b in boxes), max(b[3] for b in boxes)
    return left * MM, (height - top) * MM, right * MM, (height - bottom) * MM


def bounds_of(pdf: bytes) -> list[tuple[float, float, float, float]]:
    """The bounds of all that is printed on each page as text: left, top, right, bottom in millimetres."""
    bounds = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            words = page.get_textpage()
            boxes = [words.get_charbox(index) for index in range(words.count_chars())]
            height = page.get_height()
            bounds.append(
                (
                    min(b[0] for b in boxes) * MM,
                    (height - max(b[3] for b in boxes)) * MM,
                    max(b[2] for b in boxes) * MM,
                    (height - min(b[1] for b in boxes)) * MM,
                )
            )
    return bounds


def assert_inside(place: tuple[float, float, float, float], window: Window) -> None:
    left, top, right, bottom = place
    assert window.left <= left
    assert window.top <= top
    assert right <= window.left + window.width
    assert bottom <= window.top + window.height


# What is printed


def test_a_letter_holds_all_its_parts_in_the_order_of_reading(typesetter: LetterTypesetter) -> None:
    pdf = typesetter.typeset(replace(LETTER, enclosures=("Kopie van uw brief",)))
    parts = (
        "Smart Import Solutions",
        "Plattenborgstraat 20 · 8043 TT Zwolle · 06-29557135 · service@example.nl",
        "Smart Import Solutions · Plattenborgstraat 20 · 8043 TT Zwolle",
        "Mevr. J. de Vries Dorpsstraat 12 B 1234 AB AMERSFOORT",
        "Zwolle, 23 november 2026",
        "Ons kenmerk: C-2026-0042",
        "Betreft: Uw klacht over bestelling 10023",
        "Geachte mevrouw De Vries,",
        "Dank u voor uw brief.",
        "Met vriendelijke groet,",
        "Mirjam Jansen Manager klantenservice",
        "Bijlage: – Kopie van uw brief",
        "Ons kenmerk: C-2026-0042 Pagina 1 van 1",
    )
    assert text_of(pdf) == " ".join(parts)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "nl",
            ("Zwolle, 1 december 2026", "Ons kenmerk: C-", "Betreft: Uw", "Bijlagen: –", "Pagina 1 van 1", "CONCEPT"),
        ),
        ("en", ("Zwolle, 1 December 2026", "Our reference: C-", "0042 Uw", "Enclosures: –", "Page 1 of 1", "DRAFT")),
        ("de", ("Zwolle, 1. Dezember 2026", "Unser Zeichen: C-", "0042 Uw", "Anlagen: –", "Seite 1 von 1", "ENTWURF")),
        (
            "fr",
            (
                "Zwolle, le 1er décembre 2026",
                "Notre référence : C-",
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


# Where it stands

WINDOWS = {
    "DIN 5008 form B": Window(),
    "DIN 5008 form A": Window(top=27),
    "on the right": Window(left=110, top=50, width=90, height=40),
    "low": Window(top=55, height=35),
}
SIX_LINES = PostalAddress(
    organisation="Harbour Trading Ltd",
    name="Mr O. O'Neill",
    street="High Street",
    house_number="7",
    postal_code="SW1A 1AA",
    city="London",
    country="GB",
)


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("recipient", [CUSTOMER, SIX_LINES], ids=["three lines", "six lines"])
def test_the_address_and_the_return_line_show_through_the_window_and_nothing_else_does(
    typesetter: LetterTypesetter, name: str, recipient: PostalAddress
) -> None:
    window = WINDOWS[name]
    pdf = typesetter.typeset(replace(LETTER, window=window, recipient=recipient))
    for line in (*address_lines(recipient, "NL"), "Smart Import Solutions · Plattenborgstraat"):
        assert_inside(box(pdf, line.replace("  ", " ")), window)
    assert box(pdf, "service@example.nl")[3] < window.top
    assert box(pdf, "Zwolle, 23 november")[1] > window.top + window.height


def test_the_address_starts_where_din_5008_wants_it(typesetter: LetterTypesetter) -> None:
    left, top, _, _ = box(typesetter.typeset(LETTER), "Mevr. J. de Vries")
    assert left == pytest.approx(25, abs=0.5)
    assert top == pytest.approx(62.7, abs=2)


def test_a_wide_address_line_is_set_smaller(typesetter: LetterTypesetter) -> None:
    name = "Stichting tot Behoud van de Oude Molens in Ov"
    pdf = typesetter.typeset(replace(LETTER, recipient=replace(CUSTOMER, name=name)))
    assert_inside(box(pdf, name), Window())


def test_text_of_any_length_stays_on_the_page(typesetter: LetterTypesetter) -> None:
    word = "W" * 400
    letter = replace(
        LETTER,
        body=f"{word}\n\n- {word}\n\nhttps://example.nl/{word.lower()}",
        subject=word,
        place=word,
        signatory=(word,),
        enclosures=(word,),
    )
    pdf = typesetter.typeset(letter)
    for left, top, right, bottom in bounds_of(pdf):
        assert left >= 20
        assert top >= 10
        assert right <= 195
        assert bottom <= 290


# What the post wants


@pytest.mark.parametrize(
    ("recipient", "sender_country", "expected"),
    [
        pytest.param(CUSTOMER, "NL", ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  AMERSFOORT"), id="Dutch"),
        pytest.param(
            replace(CUSTOMER, country=""),
            "NL",
            ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  AMERSFOORT"),
            id="no country is the sender's",
        ),
        pytest.param(
            replace(CUSTOMER, postal_code="NL - 1234  ab"),
            "BE",
            ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  AMERSFOORT", "NEDERLAND"),
            id="Dutch from Belgium",
        ),
        pytest.param(
            replace(CUSTOMER, city="'s-Hertogenbosch"),
            "DE",
            ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  'S-HERTOGENBOSCH", "NIEDERLANDE"),
            id="Dutch from Germany",
        ),
        pytest.param(
            PostalAddress("Jan Peeters", "", "Nieuwstraat", "12 bus 3", "B-1000", "Brussel", "BE"),
            "NL",
            ("Jan Peeters", "Nieuwstraat 12 bus 3", "1000 BRUSSEL", "BELGIË"),
            id="Belgian",
        ),
        pytest.param(
            PostalAddress("Eva Groß", "", "Königsallee", "5a", "D-35390", "Gießen", "DE"),
            "NL",
            ("Eva Groß", "Königsallee 5a", "35390 GIESSEN", "DUITSLAND"),
            id="German from abroad",
        ),
        pytest.param(
            PostalAddress("Eva Groß", "", "Königsallee", "5a", "35390", "Gießen", "DE"),
            "DE",
            ("Eva Groß", "Königsallee 5a", "35390 Gießen"),
            id="German at home",
        ),
        pytest.param(
            PostalAddress("M. Lefèvre", "", "Résidence Les Lilas\nrue de l’Église", "12", "F-75001", "Paris", "FR"),
            "FR",
            ("M. Lefèvre", "Résidence Les Lilas", "12 rue de l’Église", "75001 PARIS"),
            id="French, two lines of street",
        ),
        pytest.param(
            SIX_LINES,
            "NL",
            ("Harbour Trading Ltd", "Mr O. O'Neill", "7 High Street", "LONDON", "SW1A 1AA", "VERENIGD KONINKRIJK"),
            id="British",
        ),
        pytest.param(
            PostalAddress("", "Bakkerij Bos", "Postbus", "99", "8000 ab", "Zwolle", "nl"),
            "nl",
            ("Bakkerij Bos", "Postbus 99", "8000 AB  ZWOLLE"),
            id="organisation with a box, countries in small letters",
        ),
        pytest.param(
            PostalAddress("Jo\x00\u202e Bos\r\n", "", " Laan\t ", "1", "8000AB", "Zwolle", "NL"),
            "NL",
            ("Jo Bos", "Laan 1", "8000 AB  ZWOLLE"),
            id="control characters and stray spaces",
        ),
    ],
)
def test_an_address_is_written_as_the_post_wants_it(
    recipient: PostalAddress, sender_country: str, expected: tuple[str, ...]
) -> None:
    assert address_lines(recipient, sender_country) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"street": "A\nB\nC\nD\nE"}, "7 lines", id="too many lines"),
        pytest.param({"street": " "}, "has no street", id="no street"),
        pytest.param({"city": "", "postal_code": ""}, "no town and no postcode", id="no town"),
        pytest.param({"name": "\u200b"}, "has no name", id="no name"),
        pytest.param({"country": "QX"}, "'QX'", id="no such country"),
    ],
)
def test_an_address_that_cannot_be_delivered_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        address_lines(replace(CUSTOMER, **changes), "NL")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"recipient": replace(CUSTOMER, name="Jan " * 20)}, "too wide for the .*: Jan Jan", id="wide line"
        ),
        pytest.param({"recipient": replace(CUSTOMER, name='"J" ' * 30)}, r'too wide for the .*: "J" "J"', id="quotes"),
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


def test_only_the_bundled_fonts_are_used(typesetter: LetterTypesetter) -> None:
    with pikepdf.open(io.BytesIO(typesetter.typeset(LETTER))) as document:
        fonts = {str(font.BaseFont) for font in document.pages[0].Resources.Font.values()}
    assert {font.split("+")[-1].split("-")[0] for font in fonts} == {"LibertinusSerif"}


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
