"""The calendars of a bundle: their closed days listed, so that nobody needs a calendar library to count again."""

from collections.abc import Iterator, Mapping

from holidays.version import __version__ as holidays_version

from intake.errors import ConfigError
from intake.evidence.form import CalendarDefinition, CalendarPart
from intake.guarantee.collecting import calendar_id, closed_days
from intake.measuring.days import Closed

YEARS_AT_MOST = 25


def calendar_part(definition: Mapping[str, object], closed: Closed, years: tuple[int, int]) -> CalendarPart:
    """A calendar as the bundle holds it, over whole years, the first and the last."""
    first, last = (f"{year:04}-{day}" for year, day in zip(years, ("01-01", "12-31"), strict=True))
    return CalendarPart.model_validate(
        {
            "definition": definition,
            "holidays_release": holidays_version,
            "first": first,
            "last": last,
            "closed_days": sorted(closed),
        }
    )


def wrong_calendars(calendars: Mapping[str, CalendarPart]) -> Iterator[tuple[str, str]]:
    """The id of each calendar that does not hold, and why."""
    for name, calendar in calendars.items():
        yield from ((name, what) for what in _wrong(name, calendar))


def _wrong(name: str, calendar: CalendarPart) -> Iterator[str]:
    definition = _plain(calendar.definition)
    if calendar.first >= calendar.last or calendar.last.year - calendar.first.year > YEARS_AT_MOST:
        yield f"it cannot go from {calendar.first} to {calendar.last}"
        return
    if name != calendar_id(definition, calendar.holidays_release):
        yield "its id is not that of its definition"
    outside = [day for day in calendar.closed_days if not calendar.first <= day <= calendar.last or day.weekday() > 4]
    if outside:
        yield f"{outside[0]} is a weekend, or outside of it"
    if list(calendar.closed_days) != sorted(set(calendar.closed_days)):
        yield "its closed days are not in order"
    if calendar.holidays_release != holidays_version:
        return  # this installation cannot tell
    try:
        known = closed_days(definition, calendar.first.year, calendar.last.year)
    except (ConfigError, ValueError):
        yield "no such calendar is known"
        return
    for day in sorted(known.symmetric_difference(calendar.closed_days))[:5]:
        yield f"{day} is {'a closed day' if day in known else 'no closed day'} of that calendar"


def _plain(definition: CalendarDefinition) -> dict[str, object]:
    return {
        "country": definition.country,
        "subdivision": definition.subdivision,
        "open": list(definition.open),
        "closed": list(definition.closed),
    }
