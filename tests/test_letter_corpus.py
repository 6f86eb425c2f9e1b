"""Letters of all kinds, scanned badly, through the real recognition: what is read, and who is found to have written.

A few in every run; `INTAKE_TEST_LETTERS=200` tries as many. With `-s` it prints what went wrong and how often.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path

import pytest

from intake.config import Shop
from intake.reading.recognition import Recogniser, ScanFile, ScanJob
from intake.rules.facts import find_facts
from intake.rules.language import Languages
from intake.rules.letterhead import find_letterhead
from intake.rules.nearly import fewest_edits
from intake.rules.people import name_key
from intake.types import PostalAddress, ScannedLetter
from tests.builders import shop_settings
from tests.letters import SHOP as PRINTED
from tests.letters import LetterSample, letter_sample

COUNT = int(os.environ.get("INTAKE_TEST_LETTERS", "6"))
FIRST = int(os.environ.get("INTAKE_TEST_FIRST_LETTER", "0"))
LANGUAGES = ("nl", "en", "de", "fr")
MOST_ERRORS = 0.02
FEWEST_DPI = 200
TODAY = date(2026, 11, 22)
SHOP = Shop.model_validate(shop_settings())


@dataclass(frozen=True)
class Outcome:
    """One letter: the share of its characters that was read wrongly, and the kinds of things that came out wrong."""

    sample: LetterSample
    errors: int
    characters: int
    wrong: dict[str, str] = field(default_factory=dict)


def test_the_printed_address_is_that_of_the_shop_in_the_tests() -> None:
    assert (SHOP.name, SHOP.address.street, f"{SHOP.address.postal_code} {SHOP.address.city}") == PRINTED


def test_a_sample_is_the_same_every_time() -> None:
    assert letter_sample(7) == letter_sample(7)
    assert letter_sample(7).text == letter_sample(7, scan=1).text
    assert letter_sample(7).scan != letter_sample(7, scan=1).scan


@pytest.mark.timeout(600 + 20 * COUNT)
def test_badly_scanned_letters_are_read_and_their_senders_found(tmp_path: Path) -> None:
    outcomes = list(read(tmp_path, range(FIRST, FIRST + COUNT)))
    print(report(outcomes))
    clear = [outcome for outcome in outcomes if outcome.sample.dpi >= FEWEST_DPI]
    assert error_rate(clear) < MOST_ERRORS
    for kind in ("name", "postcode", "order", "language"):
        wrong = [f"{each.sample.name}: {each.wrong[kind]}" for each in outcomes if kind in each.wrong]
        assert len(wrong) <= max(1, COUNT * 5 // 100), f"{kind}\n" + "\n".join(wrong)


def read(work: Path, numbers: Iterable[int]) -> Iterator[Outcome]:
    """The outcomes of these letters, two read at a time."""
    recogniser, languages = Recogniser(work / "work"), Languages()

    def recognised(number: int) -> tuple[LetterSample, ScannedLetter]:
        sample = letter_sample(number)
        path = work / f"{sample.name}{sample.suffix}"
        path.write_bytes(sample.scan)
        (letter,) = recogniser.recognise(ScanJob((ScanFile(path.name, path),), LANGUAGES)).letters
        path.unlink()
        return sample, letter

    with ThreadPoolExecutor(2) as threads:
        for sample, letter in threads.map(recognised, numbers):
            yield judged(sample, letter, languages)


def judged(sample: LetterSample, letter: ScannedLetter, languages: Languages) -> Outcome:
    """What was read, beside what stands there."""
    language = languages.of(letter.text, LANGUAGES).code
    orders = find_facts("", letter.text, language, TODAY).order_numbers
    found = find_letterhead(letter.pages[0].text, SHOP.on_paper, LANGUAGES[0]).postal or PostalAddress()
    pairs = {
        "name": (name_key(found.name), name_key(sample.sender.name)),
        "postcode": (found.postal_code, sample.sender.postal_code),
        "street": ((found.street, found.house_number), (sample.sender.street, sample.sender.house_number)),
        "town": ((found.city, found.country), (sample.sender.city, sample.sender.country)),
        "organisation": (found.organisation, sample.sender.organisation),
        "order": (sample.order_number if sample.order_number in orders else orders, sample.order_number),
        "language": (language, sample.language),
    }
    wrong = {kind: f"{got} for {wanted}" for kind, (got, wanted) in pairs.items() if got != wanted}
    return Outcome(sample, errors_in(letter.text, sample.text), len(squeezed(sample.text)), wrong)


def errors_in(read_text: str, text: str) -> int:
    """The characters read wrongly: the fewest edits that find each line of the page in what was read, in whatever order
    (two columns may be read across), and what was read beyond the page."""
    got = squeezed(read_text)
    surplus = max(0, len(got) - len(squeezed(text)))
    return sum(fewest_edits(squeezed(line), got)[0] for line in text.split("\n")) + surplus


def squeezed(text: str) -> str:
    """White space made one blank, and typographic quotes and dashes plain: which of them is drawn is the font's."""
    return " ".join(text.translate(str.maketrans("‘’“”–—", "''\"\"--")).split())


def error_rate(outcomes: Iterable[Outcome]) -> float:
    known = list(outcomes)
    return sum(each.errors for each in known) / max(1, sum(each.characters for each in known))


def report(outcomes: list[Outcome]) -> str:
    """Error rates and wrong things by dpi, format, language, layout and turn."""
    keys: dict[str, Callable[[Outcome], object]] = {
        "all": lambda each: "",
        "dpi": lambda each: each.sample.dpi,
        "format": lambda each: each.sample.suffix,
        "language": lambda each: each.sample.language,
        "layout": lambda each: each.sample.layout,
        "turned": lambda each: each.sample.turned,
    }
    lines = [""]
    for title, key in keys.items():
        for value, group in groupby(sorted(outcomes, key=lambda each: str(key(each))), key=lambda each: str(key(each))):
            of_it = list(group)
            wrong = [kind for each in of_it for kind in each.wrong]
            counts = ", ".join(f"{wrong.count(kind)} {kind}" for kind in dict.fromkeys(wrong))
            lines.append(
                f"{title:9}{value:21}{len(of_it):4} letters  {error_rate(of_it):7.2%}  wrong: {counts or 'none'}"
            )
    for each in outcomes:
        for kind, how in each.wrong.items():
            sample = each.sample
            lines.append(
                f"{sample.name}{sample.suffix} {sample.dpi} dpi, {sample.layout}, {sample.turned}°: {kind} {how}"
            )
    return "\n".join(lines)
