"""Guarantees as data: what is measured, over which time, and which levels there are. Read from `guarantees.toml`.

A guarantee that nobody could ever reach, or whose measure is unknown, is a mistake that is told at the start.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from intake.errors import ConfigError
from intake.measuring.figures import MEASURES, WITH_DAYS, WITH_NUMBER

LANGUAGES = ("nl", "en", "de", "fr")
DAYS_IN_A_MONTH = 28  # at least
Id = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]{0,40}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Count = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
MANY = 1_000_000  # more than there is of anything: a number beyond would only stop the measuring


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Words(_Part):
    """The same in each language."""

    nl: Text
    en: Text
    de: Text
    fr: Text

    def in_language(self, code: str) -> str:
        """The words in a language (a code of `LANGUAGES`)."""
        return str(getattr(self, code))


class Level(_Part):
    """What a level asks for; None asks nothing. `lower_bound` and `share` are from 0 to 1, `median` is in business
    days, `longest_wait` the most business days that anybody waits who was not answered, and `unanswered` the most
    promises that are past due without an answer."""

    id: Id
    name: Words
    least_cases: Count = Field(default=0, ge=0, le=MANY)
    lower_bound: Number | None = None
    share: Number | None = None
    median: Number | None = Field(default=None, le=MANY)
    longest_wait: Count | None = Field(default=None, le=MANY)
    unanswered: Count | None = Field(default=None, le=MANY)


class Guarantee(_Part):
    """One guarantee. `measure` is a key of `MEASURES`, `within` its hours or days where it has some. `business_days` is
    the most that an answer in time may have taken, whatever was promised (None: as many as were). It is measured
    over `window_months`, and over `longer_window_months` where that has fewer than `least_cases`; nothing is issued
    where more than `most_excluded` (a share) do not count. `levels` go from the lowest to the highest."""

    id: Id
    name: Words
    sentence: Words
    measure: Literal["answered-in-time", "acknowledged-within", "median-days", "not-reopened-within", "letters-dated"]
    within: Count = Field(default=0, ge=0, le=MANY)
    business_days: Count | None = Field(default=None, ge=1, le=60)
    window_months: Count = Field(default=12, ge=1, le=60)
    longer_window_months: Count = Field(default=24, ge=1, le=120)
    least_cases: Count = Field(default=10, ge=1, le=MANY)
    most_excluded: Number = Field(default=0.10, ge=0, le=1)
    levels: tuple[Level, ...] = Field(min_length=1)

    @property
    def number(self) -> int:
        """The number of its measure: hours, days or business days; 0 where it has none."""
        return self.business_days or self.within

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the definition, as canonical JSON."""
        text = json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Demand:
    """A requirement of a level: its name, and whether more of it is stricter."""

    name: str
    more_is_stricter: bool


DEMANDS = (
    _Demand("least_cases", True),
    _Demand("lower_bound", True),
    _Demand("share", True),
    _Demand("median", False),
    _Demand("longest_wait", False),
    _Demand("unanswered", False),
)


def parse_guarantees(text: str, source: str) -> tuple[Guarantee, ...]:
    """The guarantees of a TOML file with `[[guarantees]]`. Raises `ConfigError` with every mistake; `source` names the
    file."""
    try:
        raw = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{source} cannot be read as TOML: it is nested too deep.") from error
    except ValueError as error:  # a number of thousands of digits is no TOMLDecodeError
        raise ConfigError(f"{source} cannot be read as TOML: {error}.") from error
    listed = raw.get("guarantees")
    if not isinstance(listed, list) or not listed or set(raw) != {"guarantees"}:
        raise ConfigError(f"{source} should hold one or more [[guarantees]], and nothing else.")
    found, mistakes = [], []
    for number, one in enumerate(listed):
        name = _name(one, number)
        try:
            guarantee = Guarantee.model_validate(one)
        except ValidationError as error:
            mistakes += [f"{name}: {line}" for line in _in_words(error)]
            continue
        mistakes += [f"{name}: {line}" for line in mistakes_of(guarantee)]
        found.append(guarantee)
    twice = {one.id for one in found if [other.id for other in found].count(one.id) > 1}
    mistakes += [f"{name}: there are two guarantees of this id" for name in sorted(twice)]
    if mistakes:
        raise ConfigError(f"{source} cannot be used:", tuple(mistakes))
    return tuple(found)


def _name(one: object, number: int) -> str:
    name = one.get("id") if isinstance(one, dict) else None
    return name if isinstance(name, str) else f"guarantees[{number}]"


def _in_words(error: ValidationError) -> Iterator[str]:
    for detail in error.errors():
        where = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "missing":
            yield f"{where} is missing"
        elif detail["type"] == "extra_forbidden":
            yield f"there is no setting {where}"
        elif where == "measure":
            yield f"there is no measure {str(detail['input'])[:60]!r}; there are {', '.join(MEASURES)}"
        else:
            yield f"{where}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def mistakes_of(guarantee: Guarantee) -> Iterator[str]:
    """What nobody could ever reach in a guarantee, or what means nothing in it."""
    yield from _numbers(guarantee)
    if guarantee.longer_window_months < guarantee.window_months:
        yield "longer_window_months is shorter than window_months"
    longest = max(guarantee.window_months, guarantee.longer_window_months)
    if guarantee.measure == "not-reopened-within" and guarantee.within >= longest * DAYS_IN_A_MONTH:
        yield f"within cannot be reached: nothing in {longest} months was answered {guarantee.within} days ago"
    names = [level.id for level in guarantee.levels]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"there are two levels {name!r}"
    for level in guarantee.levels:
        yield from _unreachable(guarantee, level)
    for lower, higher in zip(guarantee.levels, guarantee.levels[1:], strict=False):
        yield from _not_above(lower, higher)


def _numbers(guarantee: Guarantee) -> Iterator[str]:
    if guarantee.measure in WITH_NUMBER and guarantee.within == 0:
        yield f"within is missing: {guarantee.measure} needs its hours or days"
    if guarantee.measure not in WITH_NUMBER and guarantee.within:
        yield f"within means nothing to {guarantee.measure}"
    if guarantee.measure != "answered-in-time" and guarantee.business_days is not None:
        yield f"business_days means nothing to {guarantee.measure}"


def _unreachable(guarantee: Guarantee, level: Level) -> Iterator[str]:
    """What no shop could ever show."""
    where = f"level {level.id!r} cannot be reached"
    # The lower bound of a Wilson interval is below 1, whatever the number of cases.
    if level.lower_bound is not None and not 0 <= level.lower_bound < 1:
        yield f"{where}: lower_bound {level.lower_bound} is not from 0 to less than 1"
    if level.share is not None and not 0 <= level.share <= 1:
        yield f"{where}: share {level.share} is not from 0 to 1"
    if level.median is not None and level.median < 0:
        yield f"{where}: a median of {level.median} business days is less than none"
    if level.median is not None and guarantee.measure not in WITH_DAYS:
        yield f"{where}: {guarantee.measure} has no median"
    for name in ("longest_wait", "unanswered"):
        value = getattr(level, name)
        if value is not None and value < 0:
            yield f"{where}: {name} {value} is less than none"
    # None of something is the strictest demand where less is stricter, and no demand where more is.
    if all(getattr(level, demand.name) in ((None, 0) if demand.more_is_stricter else (None,)) for demand in DEMANDS):
        yield f"level {level.id!r} asks for nothing"


def _not_above(lower: Level, higher: Level) -> Iterator[str]:
    """A level above another asks for as much in everything, and for more in something; else the lower one is never
    shown."""
    stricter = False
    for demand in DEMANDS:
        low, high = getattr(lower, demand.name), getattr(higher, demand.name)
        if low == high or low is None:
            stricter = stricter or (high is not None and low != high)
            continue
        if high is None or (high < low) == demand.more_is_stricter:
            yield f"level {higher.id!r} stands above {lower.id!r}, and asks for less in {demand.name}"
            return
        stricter = True
    if not stricter:
        yield f"level {lower.id!r} cannot be reached: {higher.id!r} asks for nothing more"
