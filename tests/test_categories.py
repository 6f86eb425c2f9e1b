"""What complaints are about: sentences as customers write them, in `data/categories.txt`, and what must not count."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.errors import TemplateError
from intake.rules.categories import OTHER, fold, load_categories

HERE = Path(__file__).parent
CATEGORIES = load_categories((HERE.parent / "templates" / "categories.toml").read_text(encoding="utf-8"))
SMALL = """
negations = {nl = ["niet", "geen"], en = ["not"]}
labels = [{id = "danger", name = {nl = "Gevaar"}, words = {nl = ["brand*"]}}]
[[categories]]
id = "damaged"
name = {nl = "Beschadigd"}
words = {nl = ["beschadig*", "kapot"], en = ["broken"]}
[[categories]]
id = "none"
name = {nl = "Niet geleverd"}
words = {nl = ["niet ... ontvangen", "e-mail* kwijt"]}
"""
RULES = load_categories(SMALL)


def sentences() -> Iterator[tuple[str, str, str]]:
    language = ""
    for line in (HERE / "data" / "categories.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            language = line[1:].strip()
        else:
            want, _, text = line.partition("|")
            yield language, want, text


@pytest.mark.parametrize(("language", "want", "text"), list(sentences()))
def test_a_sentence_gets_its_category_and_labels(language: str, want: str, text: str) -> None:
    found = CATEGORIES.of("", text, language)
    assert "+".join((found.category, *found.labels)) == want
    assert set(found.matched) == {found.category, *found.labels} - {OTHER}


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("De lamp is beschadigd.", "damaged"),
        ("BESCHÁDIGDE lamp", "damaged"),
        ("De lamp is niet beschadigd.", OTHER),
        ("De lamp is niet erg kapot.", OTHER),
        ("Ik wil dit niet. Kapot is hij!", "damaged"),
        ("Niet nu, kapot is hij", "damaged"),
        ("Niet beschadigd, wel kapot", "damaged"),
        ("The lamp is broken", "damaged"),
        ("The lamp is not broken", OTHER),
        ("Ik heb niet een van de vier ontvangen", "none"),
        ("Ik heb niet een van de vier of vijf lampen ontvangen", OTHER),
        ("Niet gezien. Wel ontvangen", OTHER),
        ("mijn e-mails kwijt", "none"),
        ("onbeschadigd", OTHER),
        ("kapotte", OTHER),
        ("", OTHER),
    ],
)
def test_the_words_of_the_file_count_as_its_head_says(text: str, category: str) -> None:
    assert RULES.of("", text, "nl").category == category


def test_the_subject_counts_twice_and_the_earlier_category_wins_a_tie() -> None:
    assert RULES.of("kapot", "beschadigd", "nl").matched == {"damaged": ("beschadig*", "kapot")}
    assert RULES.of("niet ontvangen", "kapot, beschadigd", "nl").category == "none"
    assert RULES.of("", "kapot en brand", "nl").labels == ("danger",)
    assert RULES.of("", "brandgevaar", "nl").category == OTHER


def test_a_language_without_words_has_the_english_ones() -> None:
    assert RULES.of("", "it came broken", "fr").category == "damaged"
    assert RULES.name("damaged", "nl") == "Beschadigd"
    assert RULES.name("damaged", "fr") == "damaged"


@pytest.mark.parametrize("toml", ["x = [", "categories = []", SMALL.replace("id = ", "di = "), "negations = 1"])
def test_a_damaged_file_is_refused(toml: str) -> None:
    with pytest.raises(TemplateError):
        load_categories(toml)


def test_folding_drops_case_accents_and_kinds_of_apostrophe() -> None:
    assert fold("ÉÉN straße isn’t ſ") == "een strasse isn't s"
