"""A guarantee from month to month: measured on the morning of the first, and kept.

What a month was measured to be is made from what was known that morning, so it can be made again, and comes out the
same; it is kept all the same, with the definition and the method that made it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from holidays.version import __version__ as holidays_version

from intake.config import Config, Shop
from intake.errors import ConfigError
from intake.guarantee.collecting import ShopFacts, collect
from intake.measuring import METHOD
from intake.measuring.days import month_start
from intake.measuring.figures import figures_value, read_figures
from intake.measuring.guarantees import Guarantee, parse_guarantees
from intake.measuring.levels import Rating, Verdict, computed_at, held, last_measured, rate
from storage.models import Standing
from storage.store import Store

MONTHS_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Month:
    """A month as it was measured on the first of the next: `first` is its first day, `held` the level that was shown
    from then on."""

    first: date
    rating: Rating
    held: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A shop's guarantee by month, oldest first, up to the last complete one; () where nothing was ever promised."""

    shop: Shop
    guarantee: Guarantee
    months: tuple[Month, ...]

    @property
    def latest(self) -> Month | None:
        """The last month measured."""
        return self.months[-1] if self.months else None


def guarantees_of(config: Config, delivered: str) -> tuple[Guarantee, ...]:
    """The guarantees in force: those of the configured file, else the `delivered` ones, as TOML. Raises
    `ConfigError`."""
    file = config.guarantees.file
    text, source = (delivered, "templates/guarantees.toml")
    if file is not None:
        try:
            text, source = file.read_text(encoding="utf-8-sig"), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"guarantees.file: {file} cannot be read: {error}.") from error
    return parse_guarantees(text, source)


def progress(facts: ShopFacts, guarantee: Guarantee, now: datetime) -> Progress:
    """A shop's months as they are measured from its facts: at most `MONTHS_SHOWN`, none that is not complete."""
    months: list[Month] = []
    for first in _months(facts, now):
        as_of = computed_at(first, facts.zone)
        rating = rate(guarantee, facts.rows_at(as_of), as_of.astimezone(facts.zone).date())
        before = months[-1].rating.reached if months else ""
        months.append(Month(first, rating, held(guarantee, rating, before)))
    return Progress(facts.shop, guarantee, tuple(months[-MONTHS_SHOWN:]))


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a kept month is not what it is when it is computed again from the same morning: by another definition or
    method than now, or (`because` "") by what should not have changed."""

    month: date
    what: str
    kept: Any
    computed: Any
    because: str


def as_kept(one: Progress, kept: Iterable[Standing]) -> Progress:
    """A shop's months with the levels that were shown then: what was kept goes before what is computed again. A month
    that was kept under another definition is shown as it was, with its figures; what it would lack is told by this."""
    shown = {row.month: row for row in kept if _is_of(row, one)}
    return replace(one, months=tuple(_as_shown(one, month, shown.get(month.first)) for month in one.months))


def _as_shown(one: Progress, month: Month, kept: Standing | None) -> Month:
    if kept is None:
        return month
    month = replace(month, held=kept.held)
    if kept.definition == one.guarantee.fingerprint:
        return month
    figures, least = read_figures(kept.figures), one.guarantee.least_cases
    verdict = Verdict.RATED
    if not kept.reached and figures.count < least:
        verdict = Verdict.NOT_RATED
    elif not kept.reached and figures.excluded_share > one.guarantee.most_excluded:
        verdict = Verdict.WITHHELD
    return replace(month, rating=replace(month.rating, figures=figures, verdict=verdict, reached=kept.reached))


def differences(one: Progress, kept: Iterable[Standing]) -> list[Difference]:
    """Where the kept months of a shop's guarantee differ from its `progress`, oldest first."""
    months = {month.first: month for month in one.months}
    found = []
    for row in sorted((row for row in kept if _is_of(row, one)), key=lambda row: row.month):
        month = months.get(row.month)
        if month is None:
            continue
        now = {"reached": month.rating.reached, "held": month.held, **figures_value(month.rating.figures)}
        then = {"reached": row.reached, "held": row.held, **row.figures}
        because = _because(row, one.guarantee)
        found += [
            Difference(row.month, name, then.get(name), now.get(name), because)
            for name in sorted({*now, *then})
            if then.get(name) != now.get(name)
        ]
    return found


def _is_of(row: Standing, one: Progress) -> bool:
    return (row.shop, row.guarantee) == (one.shop.id, one.guarantee.id)


def _because(row: Standing, guarantee: Guarantee) -> str:
    if row.definition != guarantee.fingerprint:
        return "the guarantee was defined otherwise then"
    if row.method != METHOD:
        return f"it was counted by method {row.method} then"
    return "" if row.holidays == holidays_version else f"release {row.holidays or '?'} of the holidays was known then"


def keep_months(store: Store, shops: Iterable[Shop], guarantees: Sequence[Guarantee], now: datetime) -> int:
    """Keep the results of every complete month that has none; how many were kept. Cheap where there is nothing to
    do."""
    count = 0
    kept = {(one.shop, one.guarantee, one.month) for one in store.measuring.standings()}
    for shop in shops:
        last = last_measured(shop.zone, now)
        wanting = [one for one in guarantees if (shop.id, one.id, last) not in kept]
        if not wanting:
            continue
        facts = collect(store, shop, now.astimezone(shop.zone).date())
        found = [progress(facts, guarantee, now) for guarantee in wanting]
        fresh = [
            _standing(one, month, now)
            for one in found
            for month in one.months
            if (shop.id, one.guarantee.id, month.first) not in kept
        ]
        store.measuring.keep(fresh)
        count += len(fresh)
    return count


def _months(facts: ShopFacts, now: datetime) -> list[date]:
    """The first days of the months that are complete, and were measured by now."""
    first, today = facts.first_due(), now.astimezone(facts.zone).date()
    if first is None:
        return []
    months, month = [], max(month_start(first), month_start(today, MONTHS_SHOWN + 1))
    while month < month_start(today) and computed_at(month, facts.zone) <= now:
        months.append(month)
        month = month_start(month, -1)
    return months


def _standing(one: Progress, month: Month, now: datetime) -> Standing:
    return Standing(
        shop=one.shop.id,
        guarantee=one.guarantee.id,
        month=month.first,
        reached=month.rating.reached,
        held=month.held,
        figures=figures_value(month.rating.figures),
        definition=one.guarantee.fingerprint,
        method=METHOD,
        holidays=holidays_version,
        computed_at=now,
    )
