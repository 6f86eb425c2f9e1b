"""Charts as pictures that stand by themselves."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from intake.publishing.charts import Heading, Look, Series, SharePoint, Threshold, bars, columns, share_by_month
from intake.publishing.lettering import width_of, wrapped
from intake.publishing.svg import SERIES, SHADES
from tests.contrast import contrast, luminance

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> \"'&\x00\u202egnp"
POINTS = [
    SharePoint("jan 26", 0.9, 0.6, 0.98),
    SharePoint("feb 26", None),
    SharePoint("mrt 26", 0.8, 0.5, 0.94),
    SharePoint("apr 26", 1.0, 0.7, 1.0),
]
LABELS = ["jan 26", "feb 26", "mrt 26"]
COUNTS = [Series("in time", [4, 0, None]), Series("late", [1, 2, 0])]


def percent(value: float) -> str:
    return f"{value:.0%}"


def drawings(words: str = "Answer in time") -> dict[str, str]:
    heading = Heading(words, f"{words}: the whole story")
    levels = (Threshold(words, 0.9), Threshold("silver", 0.75))
    counted = [Series(words, one.values) for one in COUNTS]
    return {
        "share": share_by_month(heading, POINTS, (words, "interval"), Look(number=percent, thresholds=levels)),
        "columns": columns(heading, [words, *LABELS[1:]], counted, Look(thresholds=(Threshold(words, 3),))),
        "bars": bars(heading, [words, *LABELS[1:]], counted, Look()),
    }


@pytest.mark.parametrize("name", ["share", "columns", "bars"])
def test_a_chart_says_what_it_shows_and_loads_nothing(name: str) -> None:
    root = ElementTree.fromstring(drawings()[name].encode())
    assert root.get("role") == "img"
    assert [root.findtext(f"{SVG}{part}") for part in ("title", "desc")] == [
        "Answer in time",
        "Answer in time: the whole story",
    ]
    told = [element.get("id") for element in root if element.get("id")]
    assert root.get("aria-labelledby", "").split() == told
    for element in root.iter():
        assert element.tag not in (f"{SVG}script", f"{SVG}image", f"{SVG}use", f"{SVG}foreignObject")
        assert not [key for key in element.attrib if str(key).startswith("on") or "href" in str(key)]
    assert "url(" not in drawings()[name]


@pytest.mark.parametrize("name", ["share", "columns", "bars"])
def test_hostile_words_stay_words(name: str) -> None:
    drawing = drawings(HOSTILE)[name]
    root = ElementTree.fromstring(drawing.encode())
    assert "<script" not in drawing
    assert not {"\x00", "\u202e"} & set(drawing)
    assert root.findtext(f"{SVG}title") == "<script>alert(1)</script> \"'&\ufffdgnp"


def test_nothing_to_show_is_a_chart_too() -> None:
    heading = Heading("Nothing", "Nothing")
    for drawing in (
        share_by_month(heading, [], ("share", "interval"), Look()),
        columns(heading, [], [], Look()),
        bars(heading, [], [], Look()),
        columns(heading, ["jan"], [Series("late", [0])], Look()),
    ):
        assert ElementTree.fromstring(drawing.encode()).get("role") == "img"


def test_a_higher_share_stands_higher_and_a_month_without_cases_leaves_a_gap() -> None:
    root = ElementTree.fromstring(drawings()["share"].encode())
    dots = list(root.iter(f"{SVG}circle"))[1:]  # the first is the legend's
    places = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots]
    assert len(places) == 3
    january, march, april = (y for _, y in places)
    assert april < january < march
    one, other = (later - earlier for (earlier, _), (later, _) in pairwise(places))
    assert one == pytest.approx(2 * other, abs=0.1)
    runs = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == SHADES["line"].light]
    assert len(runs) == 1


def test_columns_are_as_high_as_their_values() -> None:
    root = ElementTree.fromstring(columns(Heading("x", "x"), ["a", "b"], [Series("n", [2, 8])], Look()).encode())
    low, high = [float(bar.get("height", "")) for bar in root.iter(f"{SVG}rect") if bar.get("class") == "f-one"]
    assert high == pytest.approx(4 * low, rel=0.01)


def test_every_mark_and_every_text_is_seen_in_the_light_and_in_the_dark() -> None:
    for side in ("light", "dark"):
        colours = {name: getattr(shade, side) for name, shade in SHADES.items()}
        for text in ("ink", "soft", "mark"):
            assert contrast(colours[text], colours["paper"]) >= 4.5, (side, text)
        for mark in ("line", "edge", "mark", *SERIES):
            assert contrast(colours[mark], colours["paper"]) >= 3, (side, mark)
        assert contrast(colours["line"], colours["band"]) >= 3, side
        assert contrast(colours["mark"], colours["band"]) >= 3, side
        steps = sorted(luminance(colours[name]) for name in SERIES)
        assert all(later - earlier > 0.01 for earlier, later in pairwise(steps)), side
        assert all(contrast(colours[a], colours[b]) > 1.25 for a, b in pairwise(SERIES)), side


@pytest.mark.parametrize("text", ["Antwort innerhalb von 4 Werktagen (Mo–Fr)", "A" * 90, "a " * 60, "", "ééé 漢字"])
def test_wrapped_lines_fit(text: str) -> None:
    lines = wrapped(text, 17, 176, 3)
    assert len(lines) <= 3
    assert all(width_of(line, 17) <= 176 for line in lines)
    if width_of(text, 17) < 176:
        assert " ".join(lines) == text.strip()
