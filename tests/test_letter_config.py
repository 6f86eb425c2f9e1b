"""The section of the letter page: presets, numbers of one's own, the logo's path, and what is refused."""

from pathlib import Path

import pytest

from intake.config import ENVELOPES, LetterPage, Window, load_config
from intake.errors import ConfigError

SHOP = """
[[shops]]
id = "sis"
name = "Smart Import Solutions"
prefix = "SIS"
manager = { name = "Mirjam", addresses = ["mirjam@example.nl"] }
address = { street = "Plattenborgstraat 20", postal_code = "8043 TT", city = "Zwolle" }
phone = { number = "06-29557135" }
"""


def letter_page(folder: Path, section: str) -> LetterPage:
    path = folder / "config.toml"
    path.write_text(f"{SHOP}\n{section}\n", encoding="utf-8")
    return load_config(path, {}).shops[0].letter


def test_without_a_word_it_is_din_5008_form_b(tmp_path: Path) -> None:
    assert letter_page(tmp_path, "").place == Window(20, 45, 85, 45, 17.7, (105, 210))


@pytest.mark.parametrize("preset", ENVELOPES)
def test_each_preset_is_named_and_lies_on_the_page_above_the_first_fold(tmp_path: Path, preset: str) -> None:
    place = letter_page(tmp_path, f'[shops.letter]\nenvelope = "{preset}"').place
    assert place == ENVELOPES[preset]
    assert place.left + place.width <= 205
    assert place.top + place.height < place.folds[0]


def test_numbers_of_ones_own_go_before_the_presets_one_by_one(tmp_path: Path) -> None:
    section = '[shops.letter]\nenvelope = "nl-right"\n[shops.letter.window]\ntop = 51.5\nfolds = [99, 198]'
    assert letter_page(tmp_path, section).place == Window(95, 51.5, 100, 40, 14, (99, 198))


def test_the_logos_path_counts_from_the_files_folder(tmp_path: Path) -> None:
    page = letter_page(tmp_path, '[shops.letter]\nlogo = "logo.svg"\nlogo_text = "Een schijf"')
    assert page.logo == tmp_path / "logo.svg"
    assert page.logo_text == "Een schijf"


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ('[shops.letter]\nenvelope = "din"', "shops[0].letter.envelope: found 'din'; should be one of 'din5008b'"),
        ("[shops.letter]\nwindow_lef = 1", "letter.window_lef: there is no such setting"),
        ("[shops.letter.window]\nlft = 1", "letter.window.lft: there is no such setting; did you mean 'left'?"),
        ("[shops.letter.window]\nfolds = [300]", "letter.window.folds: should be given in millimetres"),
        ("[shops.letter.window]\nleft = nan", "shops[0].letter.window.left: found nan; should be"),
        ("[shops.letter.window]\nleft = -1", "shops[0].letter.window.left: found -1; should be"),
        ("[shops.letter.window]\nleft = 180", "shops[0].letter: should be a window that lies on the page"),
        ('[shops.letter]\nwindow = "wide"', "shops[0].letter.window: found 'wide'; should be a section of its own"),
        ('letter = "nice"', "shops[0].letter: found 'nice'; should be a section of its own"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, section: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as error:
        letter_page(tmp_path, section)
    assert mistake in str(error.value)
