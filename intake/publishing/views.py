"""What a page shows, as plain values in one language: made from what was measured, ready to be laid out.

No reference of a case and no name of a person gets in here: of what does not count there are reason, number and days.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from intake.config import Shop
from intake.guarantee import Month, Progress, ShopFacts
from intake.measuring.figures import MEASURES
from intake.measuring.guarantees import Guarantee, Level
from intake.measuring.levels import Rating, Verdict, computed_at
from intake.measuring.rows import THANKS, Row
from intake.publishing.badge import Face
from intake.publishing.lettering import clean
from intake.publishing.words import Words

SELF = "self"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose result it is: the name of the trust mark that runs Intake for its members, "" for the shops' own."""

    name: str

    @classmethod
    def called(cls, name: str) -> "Issuer":
        """As the configuration says it."""
        plain = clean(name).strip()
        return cls("" if plain.lower() == SELF else plain)

    def on_badge(self, words: Words, *, holds: bool = True) -> str:
        """The line on a badge; what holds no level is no badge of anybody."""
        if not self.name:
            return words.say("badge.self")
        return words.say("badge.issued" if holds else "badge.measured", issuer=self.name)

    def of_shop(self, words: Words, shop: str, *, holds: bool) -> str:
        """The sentence on a shop's page."""
        if not self.name:
            return words.say("issuer.self", shop=shop)
        return words.say("issuer.issued" if holds else "issuer.measured", issuer=self.name)

    def of_all(self, words: Words) -> str:
        """The sentence on the page of all shops."""
        return words.say("issuer.issued_all", issuer=self.name) if self.name else words.say("issuer.self_all")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why some cases do not count, how many, and on which days that was decided, each once."""

    reason: str
    count: int
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a shop has of one guarantee."""

    progress: Progress
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def shop(self) -> Shop:
        """Whose it is."""
        return self.progress.shop

    @property
    def guarantee(self) -> Guarantee:
        """What it is about."""
        return self.progress.guarantee

    @property
    def latest(self) -> Month | None:
        """The last month measured."""
        return self.progress.latest

    @property
    def level(self) -> Level | None:
        """The level that is shown."""
        return self._level(self.latest.held if self.latest else "")

    @property
    def reached(self) -> Level | None:
        """The level that the last figures reach."""
        return self._level(self.latest.rating.reached if self.latest else "")

    @property
    def tier(self) -> int:
        """The place of the level that is shown: 1 is the lowest, 0 none."""
        return self.guarantee.levels.index(self.level) + 1 if self.level else 0

    @property
    def computed_on(self) -> date | None:
        """The day of the last measuring."""
        if self.latest is None:
            return None
        return computed_at(self.latest.first, self.shop.zone).astimezone(self.shop.zone).date()

    def _level(self, name: str) -> Level | None:
        return next((level for level in self.guarantee.levels if level.id == name), None)


def result_of(facts: ShopFacts, progress: Progress) -> Result:
    """A shop's months with what was left out in the last window."""
    latest = progress.latest
    if latest is None:
        return Result(progress)
    as_of = computed_at(latest.first, facts.zone)
    today = as_of.astimezone(facts.zone).date()
    window, guarantee = latest.rating.figures.window, progress.guarantee
    applies = MEASURES[guarantee.measure].applies
    inside = [
        row
        for row in facts.rows_at(as_of)
        if window.first <= row.due_on <= window.last and applies(row, today, guarantee.number)
    ]
    return Result(progress, tuple(_exclusions(inside, latest.rating, facts)))


def _exclusions(rows: Sequence[Row], rating: Rating, facts: ShopFacts) -> Iterable[Exclusion]:
    """What was left out, by reason, with the days on which that was decided. Those that were merged say no day: it
    was not decided that they do not count."""
    counted = {row.case for row in rows if not row.excluded}
    days: dict[str, set[date]] = {}
    for row in rows:
        if row.excluded_at is not None and (row.case not in counted or row.excluded != THANKS):
            days.setdefault(row.excluded, set()).add(row.excluded_at.astimezone(facts.zone).date())
    for reason, count in rating.figures.excluded.items():
        yield Exclusion(reason, count, tuple(sorted(days.get(reason, ()))))


def best_first(results: Iterable[Result]) -> list[Result]:
    """Shops by level, then by the lower end of the interval, then by name."""

    def place(one: Result) -> tuple[int, float, str, str]:
        lower = one.latest.rating.figures.lower if one.latest else -1.0
        return -one.tier, -lower, one.shop.name.casefold(), one.shop.id

    return sorted(results, key=place)


def face_of(result: Result, words: Words, issuer: Issuer) -> Face:
    """The badge of what a shop holds now."""
    guarantee, latest, level = result.guarantee, result.latest, result.level
    figure, window = "", ""
    if latest is not None and latest.rating.verdict is not Verdict.WITHHELD:
        figures = latest.rating.figures
        figure = words.say("badge.figure", good=words.number(figures.good), count=words.number(figures.count))
        window = f"{figures.window.first:%m/%Y} – {figures.window.last:%m/%Y}"
    whose = issuer.on_badge(words, holds=level is not None)
    name = guarantee.name.in_language(words.code)
    shown = level.name.in_language(words.code) if level else words.say(f"badge.{verdict_of(result)}")
    told = ", ".join(part for part in (shown, figure, window) if part)
    said = issuer.of_shop(words, result.shop.name, holds=level is not None)
    return Face(
        title=f"{name}: {shown} ({whose})",
        description=f"{result.shop.name}. {name}: {told}. {said}",
        issuer=whose,
        awarded=bool(issuer.name),
        name=name,
        level=level.id if level else "",
        level_name=shown,
        tier=result.tier,
        tiers=len(guarantee.levels),
        figure=figure,
        window=window,
    )


def specimen(guarantee: Guarantee, level: Level | None, words: Words, issuer: Issuer) -> Face:
    """What a badge of a level looks like; of None one without a level. It says that it is an example."""
    name, example = guarantee.name.in_language(words.code), words.say("badge.example")
    shown = level.name.in_language(words.code) if level else words.say("badge.none")
    return Face(
        title=f"{name}: {shown} ({example})",
        description="; ".join(words.requirements(guarantee, level)) if level else f"{name}: {shown}",
        issuer=issuer.on_badge(words, holds=level is not None),
        awarded=bool(issuer.name),
        name=name,
        level=level.id if level else "",
        level_name=shown,
        tier=guarantee.levels.index(level) + 1 if level else 0,
        tiers=len(guarantee.levels),
        figure=example,
        window="",
    )


def verdict_of(result: Result) -> str:
    """Why no level is shown, as a key of the words: `none`, `not rated`, `withheld`, `unmeasured`."""
    if result.latest is None:
        return "unmeasured"
    verdict = result.latest.rating.verdict
    return "none" if verdict is Verdict.RATED else str(verdict)


def because(result: Result, words: Words) -> list[str]:
    """What a shop holds and why, in sentences."""
    latest, guarantee, level = result.latest, result.guarantee, result.level
    if latest is None:
        return [words.say("verdict.unmeasured")]
    figures = latest.rating.figures
    said = []
    if level is not None:
        said.append(words.say("verdict.held", shop=result.shop.name, level=level.name.in_language(words.code)))
        if latest.rating.reached != latest.held:
            now = result.reached.name.in_language(words.code) if result.reached else words.say("verdict.no_level")
            said.append(words.say("verdict.kept", level=level.name.in_language(words.code), reached=now))
    else:
        values = {
            "least": words.number(guarantee.least_cases),
            "months": figures.window.months,
            "share": words.percent(figures.excluded_share, up=True),
            "limit": words.exact_percent(guarantee.most_excluded),
        }
        said.append(words.say(f"verdict.{verdict_of(result)}", **values))
    if figures.window.months > guarantee.window_months:
        months, shorter = figures.window.months, guarantee.window_months
        least = words.number(guarantee.least_cases)
        said.append(words.say("verdict.longer", months=months, shorter=shorter, least=least))
    return said


@dataclass(frozen=True, slots=True)
class LevelView:
    """A level on a shop's page: whether it is reached, what it asks for, and what is missing."""

    name: str
    reached: bool
    requires: Sequence[str]
    missing: Sequence[str]


def levels_of(result: Result, words: Words) -> list[LevelView]:
    """The levels of a guarantee, the highest first."""
    missing: Mapping[str, Sequence[str]] = {}
    if result.latest is not None:
        figures = result.latest.rating.figures
        missing = {
            name: [words.missing(one, figures) for one in lacking] for name, lacking in result.latest.rating.missing
        }
    return [
        LevelView(
            name=level.name.in_language(words.code),
            reached=result.latest is not None and not missing[level.id],
            requires=words.requirements(result.guarantee, level),
            missing=missing.get(level.id, ()),
        )
        for level in reversed(result.guarantee.levels)
    ]
