"""Business days, due dates and post-by dates, each with a trace that a person can read.

    arrival ─► day 0 ─► the Nth business day after it = due ─► for a letter: the last day to post the answer

Two ways to count (`Counting`). *Event-day*: the local date of arrival is day 0, whatever day it is. *Cut-off*: what
arrives after the cut-off, or on a closed day, counts as arrived on the next business day, which is day 0.

This module is pure: it refuses to store, to read a clock or the process locale, and to move a date that was
promised before. It never guesses an unknown country: that is a `ConfigError`. The public days come from the
`holidays` package, always asked for in one language, because its names otherwise follow the locale of the process.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays
from holidays.constants import HOLIDAY_NAME_DELIMITER
from holidays.version import __version__ as holidays_version

from intake.errors import ConfigError
from intake.types import Calendar, Counting, Deadline, Post, Promise

NAMES_IN = "en_US"
SEARCH_DAYS = 400
"""How far any search for a day goes before the calendar is called unusable: more than a year without one."""

YEARS_TO_CHECK = range(2020, 2041)
"""Where `calendar_mistakes` looks for the names in `open`: some days are public only every fifth year."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ONE_DAY = timedelta(days=1)


# ── which days are business days ────────────────────────────────────────────────────────────────────────────────


def public_days(calendar: Calendar, year: int) -> dict[date, str]:
    """The public days of `year` on which the shop is closed, with their English names.

    The days that `calendar.open` names are left out; the shop's own `calendar.closed` is not in it, since the post is
    delivered on those. Two holidays on one day are joined by "; ", and naming either of them in `open` opens the day:
    the earlier date is the one that breaks no promise. ConfigError: an unknown country or subdivision.
    """
    return dict(_closed_public_days(calendar, year))


def is_business_day(day: date, calendar: Calendar) -> bool:
    """Whether `day` counts: Monday to Friday, no closed public day, and not in the shop's own `closed`
    (which wins over `open`). ConfigError: an unknown country or subdivision."""
    return not _why_closed(day, calendar)


def add_business_days(day: date, n: int, calendar: Calendar) -> date:
    """The `n`th business day after `day`; with a negative `n`, before it. With 0, `day` itself if it is a business
    day, else the next one. ConfigError: the calendar has no business day for more than a year."""
    if n == 0:
        return _nearest_business_day(day - _ONE_DAY, 1, calendar)
    for _ in range(abs(n)):
        day = _nearest_business_day(day, 1 if n > 0 else -1, calendar)
    return day


def business_days_between(start: date, end: date, calendar: Calendar) -> int:
    """The number of business days after `start`, up to and including `end`. When `end` is before `start`, the same
    count with the two exchanged, and negative."""
    if end < start:
        return -business_days_between(end, start, calendar)
    later = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_business_day(day, calendar) for day in later)


def calendar_mistakes(calendar: Calendar) -> list[str]:
    """What a person must correct in `calendar`, one line each, beginning with its field; [] when it can be used.

    An entry of `open` that opens nothing is a mistake: a misspelt holiday would otherwise move dates in silence.
    """
    mistakes = _region_mistakes(calendar)
    if mistakes:
        return mistakes
    return [mistake for entry in calendar.open if (mistake := _open_mistake(entry, calendar))]


# ── the promised date ───────────────────────────────────────────────────────────────────────────────────────────


def due(received: datetime, promise: Promise, calendar: Calendar, zone: ZoneInfo, post: Post | None = None) -> Deadline:
    """The date by which an arrival must be answered.

    In: `received`, an aware moment in any zone; `zone`, the shop's; `post`, given for a letter only. Out: the date,
    the internal target (`promise.target`, local wall time, on the due date; for a letter on the post-by date), the
    post-by date, and the trace. ValueError: `received` is naive, or the promise negative. ConfigError: the calendar
    or the post cannot be used. The rule: Reg. 1182/71 art. 3(1), the day of the event is not counted.
    """
    if received.utcoffset() is None:
        raise ValueError(f"The arrival {received.isoformat()} has no time zone.")
    if promise.business_days < 0:
        raise ValueError(f"A promise of {promise.business_days} business days cannot be kept.")
    local = received.astimezone(zone)
    day_zero = _day_zero(local, promise, calendar)
    due_on = add_business_days(day_zero, promise.business_days, calendar)
    posted_by = None if post is None else post_by(due_on, post, calendar)
    trace = [
        _identity(promise, calendar),
        _arrival_line(local, zone, day_zero, promise, calendar),
        *_day_lines(local.date(), day_zero, due_on, calendar),
    ]
    if post is not None and posted_by is not None:
        trace += _post_lines(local.date(), posted_by, post, calendar)
    target_at = datetime.combine(posted_by or due_on, promise.target, tzinfo=zone)
    return Deadline(due_on=due_on, target_at=target_at, post_by=posted_by, trace=tuple(trace))


def post_by(due_on: date, post: Post, calendar: Calendar) -> date:
    """The last business day on which a posted answer is still delivered by `due_on` (see `expected_delivery`): a
    declaration works when it has reached the addressee (BW 3:37(3)), so posting it on the due date is too late.
    ConfigError: there is no such day within a year."""

    def in_time(day: date) -> bool:
        return is_business_day(day, calendar) and expected_delivery(day, post, calendar) <= due_on

    return _nearest(due_on, -1, in_time, f"No posting day lets a letter arrive by {due_on.isoformat()}.")


def expected_delivery(posted_on: date, post: Post, calendar: Calendar) -> date:
    """The day on which a letter posted on `posted_on` is delivered: the Nth delivery day after it.

    Delivery days are `post.weekdays` less the calendar's closed public days: a public day on which the shop works
    (Good Friday in the Netherlands) is an ordinary day for the post too, and a day that only the shop takes off is
    none of the post's business. N is dated in `post.terms`; before the first of them, the first holds.
    ConfigError: no terms, no delivery weekday, or a letter that takes no day at all.
    """
    return _delivery_days(posted_on, post, calendar)[-1]


def in_words(due_on: date, today: date, calendar: Calendar) -> str:
    """How far off a date is, in English for a list or a mail: "due today", "due tomorrow",
    "due Thu 17 Sep, in 3 business days", "2 business days late"; "late, due Fri 18 Sep" in the weekend after."""
    if due_on == today:
        return "due today"
    if due_on == today + _ONE_DAY:
        return "due tomorrow"
    distance = business_days_between(today, due_on, calendar)
    far = _business_days(abs(distance)) if distance else ""
    day = f"due {_short_day(due_on, today.year)}"
    if due_on < today:
        return f"{far} late" if far else f"late, {day}"
    return f"{day}, in {far}" if far else day


# ── the calendar ────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=512)
def _all_public_days(country: str, subdivision: str, year: int) -> dict[date, str]:
    """Every public day of a year, before `open`. `expand` is off so that a look-up never adds years of its own."""
    try:
        found = country_holidays(country, subdiv=subdivision or None, years=year, expand=False, language=NAMES_IN)
    except NotImplementedError as error:
        region = _region(country, subdivision)
        raise ConfigError(
            f"No calendar of public holidays is known for {region}.",
            next_step="Give the country and subdivision as in ISO 3166, for example NL, or DE with NW.",
        ) from error
    return {day: name for day, name in sorted(found.items()) if day.year == year}


@lru_cache(maxsize=512)
def _closed_public_days(calendar: Calendar, year: int) -> dict[date, str]:
    found = _all_public_days(calendar.country, calendar.subdivision, year)
    return {day: name for day, name in found.items() if not _is_opened(day, name, calendar)}


def _is_opened(day: date, name: str, calendar: Calendar) -> bool:
    names = {_folded(part) for part in name.split(HOLIDAY_NAME_DELIMITER)}
    wanted = [_as_date_or_name(entry) for entry in calendar.open]
    return day in wanted or not names.isdisjoint(entry for entry in wanted if isinstance(entry, str))


def _as_date_or_name(entry: date | str) -> date | str:
    """An entry of `open` as it is compared: a date, also when written as ISO text, else a folded name."""
    if isinstance(entry, str):
        try:
            return date.fromisoformat(entry.strip())
        except ValueError:
            return _folded(entry)
    return entry


def _folded(name: str) -> str:
    """A holiday name for comparing. Word processors turn the apostrophe of "King's Day" into a curly one."""
    return " ".join(name.replace("’", "'").casefold().split())


def _why_closed(day: date, calendar: Calendar) -> str:
    """Why `day` is no business day, in words; "" when it is one."""
    if day.weekday() >= 5:
        return "weekend"
    return _closed_public_days(calendar, day.year).get(day) or (
        "the shop's own day off" if day in calendar.closed else ""
    )


def _nearest_business_day(day: date, step: int, calendar: Calendar) -> date:
    return _nearest(day, step, lambda other: is_business_day(other, calendar), "The calendar leaves no business day.")


def _nearest(day: date, step: int, wanted: Callable[[date], bool], nothing: str) -> date:
    """The first wanted day after `day` (before it, with step -1); ConfigError(`nothing`) when the search ends."""
    for distance in range(1, SEARCH_DAYS + 1):
        candidate = day + timedelta(days=step * distance)
        if wanted(candidate):
            return candidate
    raise ConfigError(
        nothing, next_step=f"Looked {SEARCH_DAYS} days from {day.isoformat()}; check [calendar] and [post]."
    )


def _region(country: str, subdivision: str) -> str:
    return f"{country}-{subdivision}" if subdivision else country or '""'


def _region_mistakes(calendar: Calendar) -> list[str]:
    """The mistake in `country` or, when the country alone is known, in `subdivision`."""
    for field, subdivision in (("country", ""), ("subdivision", calendar.subdivision)):
        try:
            _all_public_days(calendar.country, subdivision, YEARS_TO_CHECK.start)
        except ConfigError as error:
            return [f"{field}: {error}"]
    return []


def _open_mistake(entry: date | str, calendar: Calendar) -> str:
    """What is wrong with one entry of `open`, or ""."""
    wanted = _as_date_or_name(entry)
    if not isinstance(wanted, str):
        known = _all_public_days(calendar.country, calendar.subdivision, wanted.year)
        return "" if wanted in known else f"open: {wanted.isoformat()} is no public holiday; remove it."
    names = _names_of_public_days(calendar)
    if wanted in {_folded(name) for name in names}:
        return ""
    region = _region(calendar.country, calendar.subdivision)
    return f'open: "{entry}" is no public holiday of {region}; remove it, or use one of: {", ".join(names)}.'


def _names_of_public_days(calendar: Calendar) -> list[str]:
    """All names of the years to check, each once, in the order of the year."""
    found = (
        name
        for year in YEARS_TO_CHECK
        for joined in _all_public_days(calendar.country, calendar.subdivision, year).values()
        for name in joined.split(HOLIDAY_NAME_DELIMITER)
    )
    return list(dict.fromkeys(found))


# ── counting ────────────────────────────────────────────────────────────────────────────────────────────────────


def _day_zero(local: datetime, promise: Promise, calendar: Calendar) -> date:
    """The day from which is counted. A promise of 0 days cannot be kept on a closed day, so it rolls as well."""
    arrived_on = local.date()
    if promise.counting is Counting.CUT_OFF:
        after = local.time() > promise.cut_off
        return add_business_days(arrived_on + _ONE_DAY if after else arrived_on, 0, calendar)
    return arrived_on if promise.business_days else add_business_days(arrived_on, 0, calendar)


def _delivery_days(posted_on: date, post: Post, calendar: Calendar) -> tuple[date, ...]:
    """The delivery days after posting, the last of them the day of delivery."""

    def is_delivery_day(day: date) -> bool:
        return day.weekday() in post.weekdays and day not in _closed_public_days(calendar, day.year)

    days: list[date] = []
    for _ in range(_term(posted_on, post)):
        before = days[-1] if days else posted_on
        days.append(_nearest(before, 1, is_delivery_day, "The post has no delivery day."))
    return tuple(days)


def _term(posted_on: date, post: Post) -> int:
    """How many delivery days a letter posted on this day takes."""
    terms = sorted(post.terms, key=lambda term: term.since)
    begun = [term for term in terms if term.since <= posted_on] or terms[:1]
    if not begun or begun[-1].delivery_days < 1:
        raise ConfigError(
            f"The post has no usable term for {posted_on.isoformat()}.",
            next_step="Give [post] terms, each with `since` and `delivery_days` of 1 or more.",
        )
    return begun[-1].delivery_days


# ── the trace ───────────────────────────────────────────────────────────────────────────────────────────────────


def _identity(promise: Promise, calendar: Calendar) -> str:
    """What the dates rest on, so that a case shows later why it was counted so: the holidays change by release."""
    opened = ", ".join(str(entry) for entry in calendar.open) or "none"
    return (
        f"Calendar {_region(calendar.country, calendar.subdivision)} (holidays {holidays_version}); "
        f"public days kept open: {opened}; own days off: {len(calendar.closed)}; "
        f"counting: {promise.counting}, {_business_days(promise.business_days)}."
    )


def _arrival_line(local: datetime, zone: ZoneInfo, day_zero: date, promise: Promise, calendar: Calendar) -> str:
    arrived_on = local.date()
    moment = f"{_long_day(arrived_on)} {arrived_on.year} at {_clock(local.time(), promise)}"
    arrived = f"Arrived {moment} ({zone.key})"
    if day_zero == arrived_on:
        return f"{arrived}: day 0{'' if promise.business_days else ', the answer is due'}."
    closed = _why_closed(arrived_on, calendar)
    reason = f"a closed day ({closed})" if closed else f"after the cut-off of {promise.cut_off:%H:%M}"
    return f"{arrived}, {reason}: counted from the next business day."


def _clock(at: time, promise: Promise) -> str:
    """Hours and minutes; all of it when only the seconds show that the cut-off was missed."""
    return f"{at:%H:%M}" if at.replace(second=0, microsecond=0) != promise.cut_off else at.isoformat()


def _day_lines(arrived_on: date, day_zero: date, due_on: date, calendar: Calendar) -> list[str]:
    """One line for each day after the arrival, up to and including the due date."""
    days = [arrived_on + timedelta(days=n) for n in range(1, (due_on - arrived_on).days + 1)]
    lines, number = [], 0
    for day in days:
        open_day = is_business_day(day, calendar)
        number += open_day and day > day_zero
        what = _counted(day, number, calendar) if open_day else _skipped(day, calendar)
        ending = ", the answer is due." if day == due_on else "."
        lines.append(f"{_long_day(day, arrived_on.year)}: {what}{ending}")
    return lines


def _counted(day: date, number: int, calendar: Calendar) -> str:
    holiday = _all_public_days(calendar.country, calendar.subdivision, day.year).get(day)
    return f"{holiday}, but this shop is open: day {number}" if holiday else f"day {number}"


def _skipped(day: date, calendar: Calendar) -> str:
    return f"{_why_closed(day, calendar)}, {'not counted' if day.weekday() >= 5 else 'closed'}"


def _post_lines(arrived_on: date, posted_by: date, post: Post, calendar: Calendar) -> list[str]:
    """Why the answer must be posted by that day. No line begins with a day: those are the counted ones."""
    days = _delivery_days(posted_by, post, calendar)
    too_late_on = add_business_days(posted_by, 1, calendar)
    too_late = expected_delivery(too_late_on, post, calendar)
    year = arrived_on.year
    weekdays = ", ".join(WEEKDAYS[number] for number in sorted(post.weekdays))
    lines = [
        f"The post delivers on {weekdays}, not on closed public days; "
        f"a letter arrives on delivery day {len(days)} after posting.",
        f"Post by {_long_day(posted_by, year)}: "
        + ", ".join(f"delivery day {n} is {_long_day(day, year)}" for n, day in enumerate(days, start=1))
        + ".",
        f"Posted on {_long_day(too_late_on, year)}, it would arrive on {_long_day(too_late, year)}: too late.",
    ]
    if posted_by < arrived_on:
        lines.append("That is before the arrival: no posted answer can be in time, so phone or mail as well.")
    return lines


def _business_days(n: int) -> str:
    return f"{n} business day" if n == 1 else f"{n} business days"


def _long_day(day: date, plain_year: int | None = None) -> str:
    """ "Friday 11 September"; with the year where it is not the `plain_year`. Not strftime: that follows the locale."""
    year = "" if plain_year in (None, day.year) else f" {day.year}"
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}{year}"


def _short_day(day: date, plain_year: int) -> str:
    year = "" if day.year == plain_year else f" {day.year}"
    return f"{WEEKDAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]}{year}"
