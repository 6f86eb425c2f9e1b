"""How alike two letters are: the same one scanned twice, another one, and a model letter that many fill in."""

import time

import pytest

from intake.rules.likeness import NEAR, distance, likeness

LETTER = """A. de Boer
Kerkstraat 5
1017 GA Amsterdam

Smart Import Solutions
Plattenborgstraat 20
8043 TT Zwolle

Amsterdam, 12 november 2026

Betreft: klacht over bestelnummer 4711-8823

Geachte mevrouw,

Drie weken geleden deed ik bij u een aankoop, bestelnummer 4711-8823. De waterkoker is na drie dagen al defect: hij
wordt niet meer warm en het lampje doet het niet.

Ik heb uw klantenservice al twee keer gebeld, maar daar kon niemand mij verder helpen. Op mijn e-mails van vorige week
heb ik tot nu toe alleen een ontvangstbevestiging gekregen.

Ik verzoek u binnen veertien dagen met een oplossing te komen.

Hoogachtend,

A. de Boer
"""
OTHER = """Geachte heer,

Het pakket met bestelnummer 4711-8823 is nooit geleverd, hoewel uw bezorger schrijft dat het is afgegeven. Mijn
buurvrouw kocht bij u hetzelfde en had nergens last van, dus ik had er alle vertrouwen in. Graag hoor ik schriftelijk
van u wat u hieraan gaat doen.

Hoogachtend,

A. de Boer
"""
SLIPS = [("het lampje", "hel 1ampje"), ("aankoop,", "aankoop."), ("Kerkstraat 5", "Kerkstraat S"), ("gebeld", "gebe1d")]
FILLED_IN = [
    ("A. de Boer", "Gerda Hofman-Prins"),
    ("Kerkstraat 5", "Lange Voorhout 88"),
    ("1017 GA Amsterdam", "3511 AB Utrecht"),
    ("Amsterdam, 12", "Utrecht, 17"),
    ("4711-8823", "SIS-100926"),
]


def changed(text: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def apart(one: str, other: str) -> int:
    return distance(likeness(one), likeness(other))


def test_case_accents_and_line_ends_make_no_difference() -> None:
    assert apart(LETTER, " ".join(LETTER.upper().replace("E", "É").split())) == 0


def test_a_letter_scanned_twice_is_near() -> None:
    assert apart(LETTER, changed(LETTER, SLIPS)) <= NEAR


def test_specks_between_the_lines_are_not_counted() -> None:
    assert apart(LETTER, LETTER.replace("\n\n", "\n~ .\n")) <= NEAR


def test_another_letter_is_far_even_with_the_same_order_and_name() -> None:
    assert apart(LETTER, OTHER) > 2 * NEAR


def test_a_model_letter_that_somebody_else_filled_in_is_not_near() -> None:
    assert apart(LETTER, changed(LETTER, FILLED_IN)) > NEAR


@pytest.mark.parametrize("text", ["", "Beste Mirjam", "kapot " * 19, "| . : ~ " * 100])
def test_a_text_too_short_to_tell_is_like_nothing(text: str) -> None:
    assert likeness(text) == 0


def test_the_value_is_kept_for_weeks_and_must_not_change() -> None:
    assert likeness(LETTER) == 0xD704DF86DC0B8A13


@pytest.mark.parametrize("part", ["a", "a ", "1", "111 ", "é", "\n"])
def test_hostile_text_takes_no_time(part: str) -> None:
    started = time.monotonic()
    assert 0 <= likeness(part * 1_000_000) < 2**64
    assert time.monotonic() - started < 20
