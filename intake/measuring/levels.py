"""From figures to a level: what is reached, what is missing for the next, and what is held from month to month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from intake.measuring.days import month_start
from intake.measuring.figures import Figures, Window, measure
from intake.measuring.guarantees import DEMANDS, Guarantee, Level
from intake.measuring.rows import Row

COMPUTED_AT = time(6)  # on the first of the month, in the shop's zone


class Verdict(StrEnum):
    """`rated`: a level or none was found; `not rated`: too few cases; `withheld`: too many do not count."""

    RATED = "rated"
    NOT_RATED = "not rated"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Missing:
    """What a level lacks: the requirement (a name of `DEMANDS`, or `most_excluded`), what is there (None: nothing to
    measure), and what it needs."""

    what: str
    have: float | None
    need: float


@dataclass(frozen=True, slots=True)
class Rating:
    """A guarantee as measured: `reached` is the id of the highest level that the figures reach ("" for none), `missing`
    has what each level lacks, from the lowest to the highest; () for one that is reached."""

    guarantee: str
    figures: Figures
    verdict: Verdict
    reached: str
    missing: tuple[tuple[str, tuple[Missing, ...]], ...]


def rate(guarantee: Guarantee, rows: Sequence[Row], today: date) -> Rating:
    """Measure a shop's rows as of a local day, over the months that are complete by then."""
    figures = measure(guarantee.measure, rows, window(guarantee.window_months, today), today, guarantee.number)
    if figures.count < guarantee.least_cases and guarantee.longer_window_months > guarantee.window_months:
        longer = window(guarantee.longer_window_months, today)
        figures = measure(guarantee.measure, rows, longer, today, guarantee.number)
    missing = tuple((level.id, tuple(_missing(guarantee, level, figures))) for level in guarantee.levels)
    if figures.count < guarantee.least_cases:
        return Rating(guarantee.id, figures, Verdict.NOT_RATED, "", missing)
    if figures.excluded_share > guarantee.most_excluded:
        return Rating(guarantee.id, figures, Verdict.WITHHELD, "", missing)
    reached = [name for name, lacking in missing if not lacking]
    return Rating(guarantee.id, figures, Verdict.RATED, reached[-1] if reached else "", missing)


def window(months: int, today: date) -> Window:
    """So many months, up to the end of the last one that is complete on a day."""
    return Window(month_start(today, months), month_start(today) - timedelta(days=1), months)


def computed_at(month: date, zone: ZoneInfo) -> datetime:
    """When a month (given by any of its days) is measured: in the morning of the first of the next one."""
    return datetime.combine(month_start(month, -1), COMPUTED_AT, zone)


def last_measured(zone: ZoneInfo, now: datetime) -> date:
    """The last month that is measured by a moment, by its first day."""
    today = now.astimezone(zone).date()
    last = month_start(today, 1)
    return last if computed_at(last, zone) <= now else month_start(today, 2)


def held(guarantee: Guarantee, now: Rating, before: str) -> str:
    """The level that is shown: one is held while it was reached in this month or in the one before (`before`, "" for
    none), so that it rises at once and falls after two months. Nothing is shown of what is withheld."""
    if now.verdict is Verdict.WITHHELD:
        return ""
    order = ["", *(level.id for level in guarantee.levels)]
    return max(now.reached, before if before in order else "", key=order.index)


def _missing(guarantee: Guarantee, level: Level, figures: Figures) -> list[Missing]:
    least = max(level.least_cases, guarantee.least_cases)
    have = {
        "least_cases": float(figures.count),
        "lower_bound": figures.lower,
        "share": figures.share,
        "median": figures.median,
        "longest_wait": float(figures.longest_wait),
        "unanswered": float(figures.unanswered),
    }
    lacking = []
    for demand in DEMANDS:
        need = least if demand.name == "least_cases" else getattr(level, demand.name)
        value = have[demand.name]
        if need is None:
            continue
        if value is None or (value < need if demand.more_is_stricter else value > need):
            lacking.append(Missing(demand.name, value, float(need)))
    if figures.excluded_share > guarantee.most_excluded:
        lacking.append(Missing("most_excluded", figures.excluded_share, guarantee.most_excluded))
    return lacking
