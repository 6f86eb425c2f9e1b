"""Moments as mail programs write them into a text: "maandag 7 september 2026 10:00", "07.09.26 um 10:00 Uhr".

Dutch, English, German and French, and the forms of RFC 5322 and ISO 8601. Nothing is guessed: what is no whole date
gives None. A `Date:` header is not read here; the standard library reads those.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

LONGEST = 200
MONTHS = (
    ("januari", "january", "januar", "janvier", "janv", "jan"),
    ("februari", "february", "februar", "février", "fevrier", "févr", "fevr", "feb"),
    ("maart", "march", "märz", "mars", "mrt", "mar", "mär"),
    ("april", "avril", "apr", "avr"),
    ("mei", "may", "mai"),
    ("juni", "june", "juin", "jun"),
    ("juli", "july", "juillet", "juil", "jul"),
    ("augustus", "august", "août", "aout", "aug"),
    ("september", "septembre", "sept", "sep"),
    ("oktober", "october", "octobre", "okt", "oct"),
    ("november", "novembre", "nov"),
    ("december", "dezember", "décembre", "decembre", "déc", "dec", "dez"),
)
MONTH = {name: number for number, names in enumerate(MONTHS, 1) for name in names}
NAMES = "|".join(sorted(MONTH, key=len, reverse=True))
ISO = re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)")
NUMERIC = re.compile(r"(?<!\d)(?P<day>\d{1,2})(?P<mark>[-./])(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4}|\d\d)(?!\d)")
DAY_FIRST = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:\.|er|st|nd|rd|th|e)?\s+(?:of\s+|de\s+)?(?P<name>{NAMES})\b\.?,?\s+(?P<year>\d{{4}})",
    re.IGNORECASE,
)
MONTH_FIRST = re.compile(
    rf"\b(?P<name>{NAMES})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})", re.IGNORECASE
)
FORMS = (ISO, DAY_FIRST, MONTH_FIRST, NUMERIC)
DATE = re.compile(
    rf"\b\d{{4}}-\d{{1,2}}-\d{{1,2}}\b|(?<!\d)\d{{1,2}}[-./]\d{{1,2}}[-./]\d{{2,4}}\b|"
    rf"(?<!\d)\d{{1,2}}(?:\.|er|st|nd|rd|th|e)?\s+(?:of\s+|de\s+)?(?:{NAMES})\b|\b(?:{NAMES})\.?\s+\d{{1,2}}\b",
    re.IGNORECASE,
)
CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})\s?[:.hu]\s?(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\.\d{1,6})?(?!\d)"
    r"\s?(?P<half>[ap]\.?m\b)?",
    re.IGNORECASE,
)
OFFSET = re.compile(r"(?<![\d-])(?:GMT|UTC)?\s?(?P<sign>[+\-−])(?P<hours>\d{1,2}):?(?P<minutes>\d\d)?(?!\d)")
ZONE = re.compile(r"\b(CEST|CET|MESZ|MEZ|WEST|WET|BST|EEST|EET|UTC|GMT|Z)\b")
HOURS_OF = {"CEST": 2, "CET": 1, "MESZ": 2, "MEZ": 1, "WEST": 1, "WET": 0, "BST": 1, "EEST": 3, "EET": 2}
SPACES = re.compile(r"[\s\u00a0\u202f\u2009\u200e\u200f\u2068\u2069]+")


def read_moment(text: str, zone: tzinfo = UTC) -> datetime | None:
    """The first moment in a text, in UTC; None where there is no whole date, with day, month and year. A date without
    a time is that day's midnight. `zone` holds where the text names none."""
    line = SPACES.sub(" ", text[:LONGEST])
    found = min(filter(None, (form.search(line) for form in FORMS)), key=lambda match: match.start(), default=None)
    if found is None:
        return None
    clock = _clock(line, found)
    try:
        where = _zone(line[clock.end() :], zone) if clock is not None else zone
        return datetime(*_day(found, clock), *_time(clock), tzinfo=where).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_timed(text: str) -> bool:
    """Whether a text has both a date (of which the year may be missing) and a time of day."""
    line = SPACES.sub(" ", text[:LONGEST])
    found = DATE.search(line)
    return found is not None and _clock(line, found) is not None


def _clock(line: str, date: re.Match[str]) -> re.Match[str] | None:
    """The time of day: behind the date, else before it."""
    return CLOCK.search(line, date.end()) or CLOCK.search(line, 0, date.start())


def _day(found: re.Match[str], clock: re.Match[str] | None) -> tuple[int, int, int]:
    """Year, month and day. `9/7/2026 10:00 AM` is American, and so is 9/27/2026; everything else has the day first."""
    parts = found.groupdict()
    year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)
    day = int(parts["day"])
    month = int(parts["month"]) if parts.get("month") else MONTH[parts["name"].lower()]
    mark = parts.get("mark")
    american = mark == "/" and clock is not None and clock["half"] is not None and day <= 12
    return (year, day, month) if mark and (american or month > 12) else (year, month, day)


def _time(clock: re.Match[str] | None) -> tuple[int, int, int]:
    if clock is None:
        return 0, 0, 0
    hour = int(clock["hour"])
    if clock["half"] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if clock["half"].lower().startswith("p") else 0)
    return hour, int(clock["minute"]), int(clock["second"] or 0)


def _zone(behind: str, zone: tzinfo) -> tzinfo:
    """The zone that stands behind the time, as an offset or by one of the names in use in Europe."""
    offset = OFFSET.search(behind)
    if offset is not None:
        span = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        return timezone(span if offset["sign"] == "+" else -span)
    name = ZONE.search(behind)
    return timezone(timedelta(hours=HOURS_OF.get(name[1], 0))) if name is not None else zone
