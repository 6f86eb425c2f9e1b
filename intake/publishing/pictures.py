"""The charts of a shop's guarantee: how it developed month by month."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intake.guarantee import Month
from intake.measuring.levels import Verdict
from intake.publishing.charts import Heading, Look, Series, SharePoint, Threshold, columns, share_by_month
from intake.publishing.views import Result
from intake.publishing.words import Words

WIDE = Look(width=720.0, height=340.0)
NARROW = Look(width=340.0, height=320.0)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart for wide screens and for narrow ones, what it says to who cannot see it, and how to read it."""

    wide: str
    narrow: str
    alt: str
    caption: str


def chart_of(result: Result, words: Words) -> Chart | None:
    """The share by month; where no level looks at the share and some look at the median, the median. None where no
    month is rated: of few cases a share says too much."""
    months, levels = result.progress.months, result.guarantee.levels
    if not any(_is_rated(month) for month in months):
        return None
    by_share = any(level.lower_bound is not None or level.share is not None for level in levels)
    if not by_share and any(level.median is not None for level in levels):
        return _median_chart(result, months, words)
    return _share_chart(result, months, words)


def _share_chart(result: Result, months: Sequence[Month], words: Words) -> Chart:
    guarantee, last = result.guarantee, [month for month in months if _is_rated(month)][-1].rating.figures
    named = [(level.name.in_language(words.code), level.lower_bound, level.share) for level in guarantee.levels]
    by_bound = any(lower is not None for _, lower, _ in named)
    values = [(name, lower if by_bound else share) for name, lower, share in named]
    thresholds = [Threshold(name, value) for name, value in values if value]
    points = [_point(month, words) for month in months]
    alt = words.say("chart.description", share=words.share(last), interval=words.interval(last), **_ends(months, words))
    title = words.say("chart.title", name=guarantee.name.in_language(words.code))
    legend = words.say(f"share.{guarantee.measure}"), words.say("chart.interval")
    drawn = [
        share_by_month(
            Heading(title, alt), points, legend, replace(look, number=words.exact_percent, thresholds=tuple(thresholds))
        )
        for look in (WIDE, NARROW)
    ]
    return Chart(
        drawn[0], drawn[1], f"{title}. {alt}", words.say("chart.caption" if by_bound else "chart.caption_share")
    )


def _median_chart(result: Result, months: Sequence[Month], words: Words) -> Chart:
    guarantee = result.guarantee
    thresholds = [
        Threshold(level.name.in_language(words.code), level.median)
        for level in guarantee.levels
        if level.median is not None
    ]
    series = [
        Series(
            words.say("column.median"), [month.rating.figures.median if _is_rated(month) else None for month in months]
        )
    ]
    labels = [words.short_month(month.first) for month in months]
    alt = words.say("chart.median_description", **_ends(months, words))
    title = words.say("chart.median", name=guarantee.name.in_language(words.code))
    drawn = [
        columns(Heading(title, alt), labels, series, replace(look, number=words.number, thresholds=tuple(thresholds)))
        for look in (WIDE, NARROW)
    ]
    return Chart(drawn[0], drawn[1], f"{title}. {alt}", words.say("chart.median_caption"))


def _point(month: Month, words: Words) -> SharePoint:
    figures = month.rating.figures
    share = figures.share if _is_rated(month) and figures.count else None
    return SharePoint(words.short_month(month.first), share, figures.lower, figures.upper)


def _is_rated(month: Month) -> bool:
    return month.rating.verdict is not Verdict.NOT_RATED


def _ends(months: Sequence[Month], words: Words) -> dict[str, str]:
    return {"first": words.month(months[0].first), "last": words.month(months[-1].first)}
