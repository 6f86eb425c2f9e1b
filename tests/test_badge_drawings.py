"""Badges as pictures: what they say, and what they must not look like."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from intake.measuring.guarantees import LANGUAGES
from intake.publishing.badge import HEIGHT, TONES, WIDTH, Face, draw, tone_of
from intake.publishing.lettering import width_of
from intake.publishing.views import Issuer, face_of, specimen
from intake.publishing.words import load_words
from tests.contrast import contrast
from tests.publishing import DELIVERED, LAYOUTS, cases, results, shop

SVG = "{http://www.w3.org/2000/svg}"
WORDS = load_words(LAYOUTS)
GUARANTEE = DELIVERED[0]
HOSTILE = "<script>alert(1)</script> \"'&\x00\u202e"
MARK = Issuer.called("Keurmerk Voorbeeld")
SELF = Issuer.called("self")


def faces(issuer: Issuer, code: str) -> list[Face]:
    """What a shop shows of no level, and of each level from the lowest."""
    numbers = ((1, 9), (9, 1), (25, 1), (40, 0))
    return [face_of(results(shop(), cases(good, late))[0], WORDS[code], issuer) for good, late in numbers]


def texts(drawing: str) -> list[tuple[str, float, float]]:
    """The text that is shown, with its size and its place from the left."""
    found = ElementTree.fromstring(drawing.encode()).iter(f"{SVG}text")
    return [(one.text or "", float(one.get("font-size", "0")), float(one.get("x", "0"))) for one in found]


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("issuer", [SELF, MARK], ids=["self", "mark"])
def test_a_badge_says_whose_it_is_what_and_how_much_and_is_read_at_120_pixels(code: str, issuer: Issuer) -> None:
    words = WORDS[code]
    for face in faces(issuer, code):
        drawing = draw(face)
        root = ElementTree.fromstring(drawing.encode())
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "title desc"
        assert face.name in (root.findtext(f"{SVG}title") or "")
        shown = texts(drawing)
        said = " ".join(text for text, _, _ in shown)
        for part in (face.issuer, face.name, face.level_name, face.figure, face.window):
            assert part, face
            assert part in said, f"{part} is cut in {said}"
        for text, size, left in shown:
            assert size * 120 / WIDTH >= 7.8, text
            assert left + width_of(text, size) <= WIDTH - 8, text
        assert words.say("badge.figure", good="1", count="1").split()[1] in face.figure


def test_a_shops_own_result_says_so_and_looks_like_no_mark() -> None:
    for own, marks in zip(faces(SELF, "nl"), faces(MARK, "nl"), strict=True):
        drawing = draw(own)
        assert texts(drawing)[0][0] == "zelf gemeten"
        assert {element.tag for element in ElementTree.fromstring(drawing.encode()).iter()} <= {
            f"{SVG}{name}" for name in ("svg", "title", "desc", "rect", "path", "text")
        }
        assert "Keurmerk" not in drawing
        if own.tier:
            assert TONES[own.level].field not in drawing
            assert TONES[own.level].field in draw(marks)


def test_only_what_holds_a_level_is_a_badge_of_the_mark() -> None:
    none, bronze, *_ = (texts(draw(face))[0][0] for face in faces(MARK, "en"))
    assert none.startswith("measured for")
    assert bronze.startswith("Badge of")


@pytest.mark.parametrize("issuer", [SELF, MARK], ids=["self", "mark"])
def test_a_higher_level_is_told_from_a_lower_one_by_form_and_words(issuer: Issuer) -> None:
    filled, frames, names = [], [], []
    for face in faces(issuer, "en")[1:]:
        root = ElementTree.fromstring(draw(face).encode())
        bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("rx") is None]
        assert len(bars) == 3
        filled.append(sum(bar.get("fill") != "#ffffff" for bar in bars))
        frames.append(max(float(card.get("stroke-width", "0")) for card in root.iter(f"{SVG}rect") if card.get("rx")))
        names.append(face.level_name)
    assert filled == [1, 2, 3]
    assert names == ["bronze", "silver", "gold"]
    if issuer is MARK:
        assert frames == sorted(set(frames))


def test_what_is_shown_is_seen() -> None:
    assert all(contrast("#1b2127", tone.field) >= 7 for tone in TONES.values())
    assert all(contrast(tone.bar, tone.field) >= 3 for tone in TONES.values())
    assert all(contrast(tone.bar, "#ffffff") >= 3 for tone in TONES.values())


def test_levels_of_other_names_have_colours_of_their_own() -> None:
    face = faces(MARK, "en")[1]
    tones = [tone_of(replace(face, level="own", tier=tier, tiers=4)) for tier in (1, 2, 3, 4)]
    assert tones[0] != tones[-1]
    assert all(contrast("#1b2127", tone.field) >= 7 and contrast(tone.bar, tone.field) >= 3 for tone in tones)
    for tier in range(1, 9):
        assert ElementTree.fromstring(draw(replace(face, level="own", tier=tier, tiers=8)).encode()) is not None


def test_an_example_says_that_it_is_one() -> None:
    for level in (None, *GUARANTEE.levels):
        said = [text for text, _, _ in texts(draw(specimen(GUARANTEE, level, WORDS["en"], SELF)))]
        assert "example" in said
        assert "self-measured" in said


def test_hostile_names_stay_words_and_inside_the_card() -> None:
    face = replace(
        faces(MARK, "en")[3], title=HOSTILE, name=HOSTILE * 8, issuer=HOSTILE * 8, level_name="W" * 90, figure="9" * 60
    )
    for one in (face, replace(face, awarded=False), replace(face, tier=0)):
        drawing = draw(one)
        root = ElementTree.fromstring(drawing.encode())
        assert "<script" not in drawing
        assert not {"\x00", "\u202e"} & set(drawing)
        assert all(left + width_of(text, size) <= WIDTH for text, size, left in texts(drawing))
        assert all(0 < float(text.get("y", "0")) < HEIGHT for text in root.iter(f"{SVG}text"))


def test_what_is_withheld_or_never_measured_shows_no_figure() -> None:
    withheld = face_of(results(shop(), cases(40, 0, withdrawn=10))[0], WORDS["en"], SELF)
    assert (withheld.level_name, withheld.figure, withheld.tier) == ("not issued", "", 0)
    never = face_of(results(shop(), [])[0], WORDS["en"], SELF)
    assert (never.level_name, never.figure, never.window) == ("not measured yet", "", "")
    few = face_of(results(shop(), cases(5))[0], WORDS["en"], SELF)
    assert (few.level_name, few.figure) == ("not rated", "5 of 5")
