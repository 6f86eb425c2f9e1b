"""The pages: for whoever reads them, with whatever program, and whatever a name holds."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path, PurePosixPath

import jsonschema  # type: ignore[import-untyped]
import pytest

from intake.measuring.guarantees import LANGUAGES, Guarantee, parse_guarantees
from intake.publishing.svg import SHADES
from intake.publishing.views import best_first
from tests.contrast import contrast
from tests.plain_facts import promised
from tests.publishing import LAYOUTS, NOVEMBER, Page, cases, results, shop, site

HOSTILE = "<script>alert(1)</script> \"'&\u202egnp -->"
OWN = shop()
GOOD = shop(id="cut", prefix="CUT", name="Na vijven")
EMPTY = shop(id="index", prefix="NEW", name="Nieuw")
REFERENCE = re.compile(r"\b[A-Z]{2,8}-20\d\d-\d{4}\b")
SCHEMA = json.loads((LAYOUTS / "badges.schema.json").read_text(encoding="utf-8"))
ALL_MEASURES = """
[[guarantees]]
id = "{measure}"
measure = "{measure}"
within = {within}
least_cases = 5
name = {{ nl = "{name}", en = "{name}", de = "{name}", fr = "{name}" }}
sentence = {{ nl = "{name}", en = "{name}", de = "{name}", fr = "{name}" }}
[[guarantees.levels]]
id = "gold"
name = {{ nl = "{name}", en = "{name}", de = "{name}", fr = "{name}" }}
{demand}
"""
MEASURES = {
    "answered-in-time": (0, "lower_bound = 0.5\nmedian = 3\nlongest_wait = 10\nunanswered = 0"),
    "acknowledged-within": (24, "share = 0.9"),
    "median-days": (0, "median = 1"),
    "not-reopened-within": (30, "lower_bound = 0.95"),
    "letters-dated": (0, "share = 1.0"),
}


def guarantees(name: str = "Naam") -> tuple[Guarantee, ...]:
    """One of each measure, under a name."""
    quoted = json.dumps(name)[1:-1]
    text = "".join(
        ALL_MEASURES.format(measure=measure, within=within, demand=demand, name=quoted)
        for measure, (within, demand) in MEASURES.items()
    )
    return parse_guarantees(text, "own.toml")


def three_shops(of: tuple[Guarantee, ...] | None = None, name: str = OWN.name, **more: str) -> dict[str, bytes]:
    """A shop that misses some and leaves some out, one that keeps all, and one that has nothing yet."""
    chosen = of or guarantees()
    own = OWN.model_copy(update={"name": name})
    found = [(own, cases(20, 6, withdrawn=2)), (GOOD, cases(40)), (EMPTY, [])]
    return site(*((one, results(one, some, chosen)) for one, some in found), guarantees=chosen, **more)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return three_shops()


def pages_of(files: dict[str, bytes]) -> dict[str, Page]:
    names = [name for name in files if name.endswith(".html") and "embed" not in name]
    return {name: Page(files[name].decode()) for name in names}


def test_there_is_a_page_for_each_shop_and_for_all_in_each_language(files: dict[str, bytes]) -> None:
    wanted = {f"{code}/{page}.html" for code in LANGUAGES for page in ("index", "sis", "cut", "index_")}
    assert set(pages_of(files)) == wanted | {"index.html"}


def test_every_page_can_be_read_without_eyes_a_mouse_or_a_script(files: dict[str, bytes]) -> None:
    for name, page in pages_of(files).items():
        code = name.split("/")[0] if "/" in name else "en"
        assert page.one("html").attributes["lang"] == code
        assert page.one("title").text
        assert len(page.all("h1")) == len(page.all("main")) == 1
        levels = [int(heading.name[1]) for heading in page.all("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), name
        assert all(heading.text.strip() for heading in page.all("h1", "h2", "h3", "h4", "a"))
        assert all(image.attributes["alt"] for image in page.all("img"))
        assert all(cell.attributes["scope"] in ("col", "row") for cell in page.all("th"))
        ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
        assert len(ids) == len(set(ids))
        labels = [one.attributes["aria-labelledby"] for one in page.elements if "aria-labelledby" in one.attributes]
        assert set(labels) <= set(ids)
        if "/" in name:
            assert page.all("a")[0].attributes["href"] == "#_content"
            assert page.one("main").attributes["id"] == "_content"


def test_nothing_runs_and_nothing_is_loaded_from_elsewhere(files: dict[str, bytes]) -> None:
    for name, page in pages_of(files).items():
        (policy,) = [one for one in page.all("meta") if one.attributes.get("http-equiv")]
        assert policy.attributes["content"].startswith("default-src 'none'; img-src 'self'; style-src 'self';")
        assert not page.all("script", "iframe", "object", "embed", "form", "style", "base")
        for element in page.elements:
            assert not [key for key in element.attributes if key.startswith("on") or key == "style"], name
            for key in ("src", "srcset", "href"):
                assert "//" not in element.attributes.get(key, ""), name
    assert "url(" not in files["style.css"].decode()
    assert "@import" not in files["style.css"].decode()


def test_every_link_and_every_picture_is_there(files: dict[str, bytes]) -> None:
    pages = pages_of(files)
    seen = set()
    for name, page in pages.items():
        for element in page.elements:
            for key in ("src", "srcset", "href"):
                target, _, place = element.attributes.get(key, "").partition("#")
                if key in element.attributes and (target or place):
                    path = resolved(name, target) if target else name
                    assert path in files, f"{name} names {target}"
                    seen.add(path)
                    if place and path in pages:
                        assert [one for one in pages[path].elements if one.attributes.get("id") == place]
    unseen = {path for path in files if path not in seen and "embed" not in path}
    assert {path for path in unseen if "_0_" not in path} <= {"badges.schema.json"}


def resolved(page: str, target: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / target).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def test_no_case_and_nobody_is_named(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        text = content.decode()
        assert not REFERENCE.search(text), name
        assert "mirjam" not in text.lower(), name
        assert "06-29557135" not in text, name


def test_what_is_left_out_stands_there_with_reason_number_and_days(files: dict[str, bytes]) -> None:
    page = pages_of(files)["en/sis.html"]
    rows = [row.text.split("\n") for row in page.all("tr") if "withdrawn by the customer" in row.text]
    assert rows[0] == ["withdrawn by the customer28 September 2026"]
    (result, *_) = json.loads(files["sis/badges.json"])["results"]
    assert result["excluded"] == [{"reason": "withdrawn", "count": 2, "decided_on": ["2026-09-08"]}]


def test_members_stand_by_level_then_by_the_lower_end_then_by_name() -> None:
    numbers = {"a": (40, 0), "b": (12, 0), "c": (25, 1), "d": (12, 0), "e": (5, 0), "f": (0, 12)}
    shops = {name: shop(id=name, name=name.upper() + " shop", prefix=f"S{name.upper()}") for name in numbers}
    found = [results(shops[name], cases(*numbers[name]))[0] for name in sorted(numbers, reverse=True)]
    assert [one.shop.id for one in best_first(found)] == ["a", "c", "b", "d", "e", "f"]


def test_a_page_says_why_there_is_no_level() -> None:
    few, many_out, none = shop(id="few", prefix="FEW"), shop(id="out", prefix="OUT"), shop(id="none", prefix="NON")
    found = site(
        (few, results(few, cases(5))), (many_out, results(many_out, cases(20, withdrawn=5))), (none, results(none, []))
    )
    assert b"Not rated: with fewer than 10 cases in 24 months no level is given." in found["en/few.html"]
    assert b"5 of 5 complaints answered in time" in found["en/few.html"]
    assert b"100.0%" not in found["en/few.html"] + found["en/index.html"]
    assert "few/answer-in-4-days_months_en.svg" not in found
    assert b"Over 24 months, because the last 12 hold fewer than 10 cases." in found["en/few.html"]
    assert b"No badge is issued: 20.0% of the cases are not counted, and at most 10% may be." in found["en/out.html"]
    assert b"Nothing was promised yet for a month that is complete." in found["en/none.html"]


def test_a_level_that_is_held_a_month_longer_says_so() -> None:
    """Bronze in September; in October so many late ones that nothing is reached."""
    late = [
        replace(one, promised=(promised("09-30 10:00", message=5000 + number, due_on=datetime(2026, 10, 6).date()),))
        for number, one in enumerate(cases(0, 30))
    ]
    late = [
        replace(one, reference=f"SIS-2026-{3000 + number:04}", opened_at=one.promised[0].made_at, answers=())
        for number, one in enumerate(late)
    ]
    (result,) = results(OWN, [*cases(12), *late], now=NOVEMBER)
    assert [month.held for month in result.progress.months] == ["bronze", "bronze"]
    assert result.latest is not None
    assert result.latest.rating.reached == ""
    page = site((OWN, [result]))["en/sis.html"].decode()
    assert "The level bronze was reached a month earlier and is shown for one more month" in page


def test_the_issuer_is_named_where_there_is_one_and_else_it_is_called_self_measured(files: dict[str, bytes]) -> None:
    for code, words in (
        ("nl", "Zelf gemeten."),
        ("en", "Self-measured."),
        ("de", "Selbst gemessen."),
        ("fr", "Mesuré"),
    ):
        for page in ("index", "sis"):
            assert words in files[f"{code}/{page}.html"].decode()
    marked = site((OWN, results(OWN, cases(12))), issuer="Keurmerk Voorbeeld")
    assert "Badge of Keurmerk Voorbeeld, measured from the shop’s own cases." in marked["en/sis.html"].decode()
    nothing = site((OWN, results(OWN, cases(1, 11))), issuer="Keurmerk Voorbeeld")
    assert "Badge of" not in nothing["en/sis.html"].decode()
    assert "Measured for Keurmerk Voorbeeld" in nothing["en/sis.html"].decode()
    assert not [name for name, content in marked.items() if b"elf-measured." in content]
    assert json.loads(marked["badges.json"])["issuer"] == "Keurmerk Voorbeeld"
    assert json.loads(site(issuer=" Self ")["badges.json"])["self_measured"] is True


def test_hostile_names_stay_words_everywhere() -> None:
    chosen = guarantees(HOSTILE)
    found = three_shops(chosen, HOSTILE, issuer=HOSTILE, url="https://www.example.nl/klachten")
    for name, content in found.items():
        text = content.decode()
        assert "<script" not in text, name
        assert "\u202e" not in text, name
    for name, page in pages_of(found).items():
        assert not page.all("script"), name
        assert not [one for one in page.elements if any(key.startswith("on") for key in one.attributes)]
    assert json.loads(found["sis/badges.json"])["shop"]["name"] == HOSTILE
    assert pages_of(found)["nl/sis.html"].one("h1").text == HOSTILE.replace("\u202e", "")
    for name in [name for name in found if "embed" in name]:
        assert [one.name for one in Page(found[name].decode()).elements] == ["a", "img"] * len(chosen)


def test_the_figures_for_programs_follow_their_schema(files: dict[str, bytes]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    check = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    for name in ("badges.json", "sis/badges.json", "cut/badges.json", "index_/badges.json"):
        value = json.loads(files[name])
        check.validate(value)
        value["more"] = 1
        assert not check.is_valid(value)
    assert json.loads(files["badges.json"])["shops"][0]["results"] == json.loads(files["sis/badges.json"])["results"]


def test_a_snippet_leads_to_the_pages_where_they_will_stand() -> None:
    found = (GOOD, results(GOOD, cases(12)))
    link, image = Page(site(found, url="https://www.example.nl/klachten/")["cut/embed-de.html"].decode()).elements
    assert link.attributes["href"] == "https://www.example.nl/klachten/de/cut.html#answer-in-4-days"
    assert image.attributes["src"] == "https://www.example.nl/klachten/cut/answer-in-4-days-de.svg"
    assert {image.attributes[key] for key in ("width", "height")} == {"200", "236"}
    assert image.attributes["alt"]
    relative = site(found)["cut/embed-de.html"].decode()
    assert relative.startswith("<!-- Die Adressen darin sind relativ")
    assert Page(relative).elements[0].attributes["href"] == "de/cut.html#answer-in-4-days"


def test_the_same_input_makes_the_same_bytes(files: dict[str, bytes]) -> None:
    assert three_shops() == files
    assert list(files)[-1] == "index.html"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_colours_of_the_pages_are_seen(mode: str) -> None:
    style = (LAYOUTS / "style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light if mode == "light" else dark))
    assert set(colours) == {"paper", "ink", "soft", "line", "tint", "link", "good"}
    for text in ("ink", "soft", "link", "good"):
        assert contrast(colours[text], colours["paper"]) >= 4.5, text
        assert contrast(colours[text], colours["tint"]) >= 4.5, text
    assert colours["paper"] == getattr(SHADES["paper"], mode)


def test_the_clock_of_the_page_is_that_of_the_shop() -> None:
    far = shop(time_zone="Pacific/Auckland")
    morning = datetime(2026, 9, 30, 17, 30, tzinfo=UTC)  # 6:30 on 1 October there
    (result,) = results(far, cases(12), now=morning)
    assert str(result.computed_on) == "2026-10-01"
    assert not results(OWN, cases(12), now=morning)[0].progress.months


def test_what_is_published_needs_no_folder_of_its_own(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Every path stays below the folder that it is put into."""
    for name in files:
        assert (tmp_path / name).resolve().is_relative_to(tmp_path.resolve())
