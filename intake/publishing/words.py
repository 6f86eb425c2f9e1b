"""What is published, in words: requirements, results and what is missing, in each of the four languages.

The words lie in `templates/badges/LANGUAGE.toml`; numbers, days and plurals follow the language. Shares are rounded
against the shop: one that is almost enough never reads as enough.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property, reduce
from math import ceil, floor
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from intake.config import Shop
from intake.measuring.figures import Figures, Window, wilson
from intake.measuring.guarantees import DEMANDS, LANGUAGES, Guarantee, Level
from intake.measuring.levels import Missing

SHARES = ("lower_bound", "share", "most_excluded")
LONGEST_ROW = 500  # of cases that would have to be good; more tells nobody anything


@dataclass(frozen=True)
class Words:
    """One language: its code, and its words by section and key."""

    code: str
    table: Mapping[str, Any]

    @cached_property
    def locale(self) -> Locale:
        """How the language writes numbers and days."""
        return Locale.parse("en_GB" if self.code == "en" else self.code)

    def say(self, key: str, **values: object) -> str:
        """The words of `section.key`, filled in."""
        section, _, name = key.partition(".")
        return str(self.table[section][name]).format(**values)

    def count(self, key: str, number: float, **values: object) -> str:
        """The words of `section.key` for one, for more, or (where they have words of their own) for none."""
        section, _, name = key.partition(".")
        forms = self.table[section][name] if name else self.table[section]
        form = "zero" if number == 0 and "zero" in forms else self.locale.plural_form(number)
        return str(forms.get(form, forms["other"])).format(number=self.number(number), **values)

    def number(self, value: float) -> str:
        """`1,234.5`, as the language writes it; one digit after the point at most."""
        return format_decimal(value, format="#,##0.#", locale=self.locale)

    def percent(self, share: float, *, up: bool = False) -> str:
        """A share in percent with one digit, rounded down, or `up`."""
        tenths = round(share * 1000, 6)
        return self._percent((ceil(tenths) if up else floor(tenths)) / 1000, "0.0")

    def exact_percent(self, share: float) -> str:
        """A share that was asked for in percent, as it is."""
        return self._percent(share, "0.####")

    def day(self, day: date) -> str:
        """`1 December 2026`."""
        text = format_date(day, "long", locale=self.locale)
        return f"1er {text[2:]}" if self.code == "fr" and text.startswith("1 ") else text

    def month(self, day: date) -> str:
        """`November 2026`."""
        return format_date(day, "LLLL y", locale=self.locale)

    def short_month(self, day: date) -> str:
        """`Nov 26`, for charts."""
        return format_date(day, "LLL yy", locale=self.locale).replace(".", "")

    def window(self, window: Window) -> str:
        """`December 2025 to November 2026`."""
        return self.say("words.window", first=self.month(window.first), last=self.month(window.last))

    def interval(self, figures: Figures) -> str:
        """`91.5% to 99.0%`."""
        lower, upper = self.percent(figures.lower), self.percent(figures.upper, up=True)
        return self.say("words.interval", lower=lower, upper=upper) if figures.count else self.say("words.none")

    def share(self, figures: Figures) -> str:
        """The share, if there is one."""
        return self.percent(figures.share) if figures.count else self.say("words.none")

    def kept(self, guarantee: Guarantee, figures: Figures) -> str:
        """`97 of 100 complaints answered in time`."""
        good, count = self.number(figures.good), self.number(figures.count)
        return self.count(
            f"kept.{guarantee.measure}", figures.count, good=good, count=count, within=self.number(guarantee.within)
        )

    def median_days(self, figures: Figures) -> str:
        """The median as a number of business days, if there is one."""
        return self.say("words.none") if figures.median is None else self.number(figures.median)

    def median(self, figures: Figures) -> str:
        """`2 business days`."""
        if not figures.count:
            return self.say("words.none")
        if figures.median is None:
            return self.say("words.no_median")
        return self.count("days", figures.median)

    def requirements(self, guarantee: Guarantee, level: Level) -> list[str]:
        """What a level asks for, each demand in words."""
        found = [self._requirement("least_cases", max(level.least_cases, guarantee.least_cases))]
        for demand in DEMANDS:
            need = getattr(level, demand.name)
            if demand.name != "least_cases" and need is not None:
                found.append(self._requirement(demand.name, need))
        return [*found, self._requirement("most_excluded", guarantee.most_excluded)]

    def missing(self, lacking: Missing, figures: Figures) -> str:
        """What a level lacks: `3 more cases`, `a median of 2 business days (now 3)`."""
        what, have, need = lacking.what, lacking.have, lacking.need
        if what == "least_cases":
            return self.count("missing.least_cases", need - (have or 0))
        told = self._told(what, have)
        if what not in SHARES:
            return self.count(f"missing.{what}", need, have=told)
        # What is asked for is told as it is; what is there is rounded away from it.
        text = self.count(f"missing.{what}", 2, share=self.exact_percent(need), have=told)
        row = good_in_a_row(figures, need) if what == "lower_bound" else 0
        return self.listed((text, self.count("missing.in_a_row", row))) if row else text

    def listed(self, texts: Sequence[str]) -> str:
        """Several texts as one; "–" where there is none."""
        return (
            reduce(lambda one, two: self.say("words.both", one=one, two=two), texts)
            if texts
            else self.say("words.none")
        )

    def rules(self, guarantee: Guarantee) -> list[str]:
        """How a guarantee is counted, a paragraph each."""
        longer = guarantee.longer_window_months > guarantee.window_months
        rule = self.say(f"rule.{guarantee.measure}", within=self.number(guarantee.within))
        if guarantee.business_days is not None:
            rule = f"{rule} {self.say('rules.at_most', days=self.count('days', guarantee.business_days))}"
        return [
            self.say("rules.cohort"),
            rule,
            self.say("rules.excluded", limit=self.exact_percent(guarantee.most_excluded)),
            self.say("rules.interval"),
            self.say(
                "rules.months_longer" if longer else "rules.months",
                months=guarantee.window_months,
                longer=guarantee.longer_window_months,
                least=self.number(guarantee.least_cases),
            ),
            self.say("rules.hold"),
        ]

    def promise(self, shop: Shop) -> str:
        """What a shop promises now, and how its days are counted."""
        country = self.locale.territories.get(shop.calendar.country, shop.calendar.country)
        days = self.count("days", shop.promise.business_days)
        text = self.say("rules.promise", days=days, country=country)
        if shop.promise.counting != "cut-off":
            return text
        return f"{text} {self.say('rules.cut_off', time=self._time(shop.promise.cut_off))}"

    def excluded(self, reason: str) -> str:
        """Why a case does not count."""
        return str(self.table["excluded"].get(reason, reason))

    def unanswered(self, figures: Figures) -> str:
        """Whether anybody still waits past the promised day."""
        if not figures.unanswered:
            return self.say("verdict.nobody")
        return self.count("unanswered", figures.unanswered, days=self.count("days", figures.longest_wait))

    def _requirement(self, name: str, need: float) -> str:
        key = f"requires.{name}"
        return self.count(key, 2, share=self.exact_percent(need)) if name in SHARES else self.count(key, need)

    def _told(self, what: str, have: float | None) -> str:
        if have is None:
            return self.say("words.no_median") if what == "median" else self.say("words.none")
        return self.percent(have, up=what == "most_excluded") if what in SHARES else self.number(have)

    def _percent(self, share: float, digits: str) -> str:
        pattern = self.locale.percent_formats[None].pattern.replace("0", digits)
        return format_percent(share, format=pattern, locale=self.locale)

    def _time(self, moment: time) -> str:
        return format_time(moment, "HH:mm", locale=self.locale)


def load_words(folder: Path) -> dict[str, Words]:
    """The words of every language in `templates/badges`."""
    return {
        code: Words(code, tomllib.loads((folder / f"{code}.toml").read_text(encoding="utf-8"))) for code in LANGUAGES
    }


def good_in_a_row(figures: Figures, lower: float) -> int:
    """How many more cases would have to be good, one after the other, for a lower bound; 0 where that is more than
    `LONGEST_ROW`."""
    for more in range(1, LONGEST_ROW + 1):
        if wilson(figures.good + more, figures.count + more)[0] >= lower:
            return more
    return 0
