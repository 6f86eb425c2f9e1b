"""What stands in the morning digest, and in which order: pure functions over what is known of the shop's open cases.

The digest is a list of work: what is too late first, then day by day. A case stands in one of the groups by date; a
letter by its post-by date, and once it is approved it only waits to be posted. Nothing in it names a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from intake import deadlines
from intake.config import Shop
from intake.rules.reminders import Dates, Nearness, nearness
from intake.types import Line, Section

CLOCK_DAYS = 3  # business days before its end on which a second clock is told
NOISE = frozenset({"internal", "erased"})  # what is set aside for these reasons alone makes no digest
GROUPS = (Nearness.OVERDUE, Nearness.TODAY, Nearness.TOMORROW, Nearness.THIS_WEEK)


@dataclass(frozen=True, slots=True)
class Clock:
    """A term that runs besides the promise: of which case, of what kind, until when."""

    reference: str
    kind: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Promised:
    """The date that an open case was promised, and from when it was counted."""

    reference: str
    received_at: datetime
    due_on: date
    post_by: date | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """An open case that would have another date by the present calendar and promise. What was promised stays. With
    `posting` it is the last day to post its letter."""

    reference: str
    promised: date
    would_be: date
    posting: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known in the morning. Where a list holds strings, they are references; `suggestions` are pairs of a case
    and the one that it may belong to, or "" where it may be mere thanks; `set_aside` counts by reason."""

    cases: Sequence[Dates] = ()
    clocks: Sequence[Clock] = ()
    not_delivered: Sequence[str] = ()
    uncertain: Sequence[str] = ()
    suggestions: Sequence[tuple[str, str]] = ()
    touched: Sequence[Touched] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)


def sections(found: Findings, shop: Shop, today: date) -> list[Section]:
    """The digest of a day, without what is empty; [] where there is nothing to say."""
    dated = [_clocks(found.clocks, shop, today), *_by_date(found.cases, shop, today), _to_post(found.cases)]
    undelivered = Section("not delivered", tuple(Line(one, "not delivered") for one in found.not_delivered))
    uncertain = Section("uncertain", tuple(Line(one, "uncertain") for one in found.uncertain))
    listed = [*dated, undelivered, uncertain, _suggestions(found.suggestions), _touched(found.touched)]
    aside = Section(
        "set aside", tuple(Line("", "set aside", name=name, count=count) for name, count in _ranked(found.set_aside))
    )
    worth_it = [section for section in listed if section.lines]
    if not worth_it and not found.set_aside.keys() - NOISE:
        return []
    return [*worth_it, *([aside] if aside.lines else [])]


def touched(promised: Sequence[Promised], shop: Shop) -> list[Touched]:
    """The open cases that a change of calendar or promise would touch, if dates were counted anew."""
    return [found for one in promised if (found := _counted_anew(one, shop)) is not None]


def _counted_anew(one: Promised, shop: Shop) -> Touched | None:
    post = shop.post if one.post_by is not None else None
    anew = deadlines.due(one.received_at, shop.promise_for(), shop.calendar, shop.zone, post)
    if anew.due_on != one.due_on:
        return Touched(one.reference, one.due_on, anew.due_on)
    if one.post_by is not None and anew.post_by is not None and anew.post_by != one.post_by:
        return Touched(one.reference, one.post_by, anew.post_by, posting=True)
    return None


def _clocks(clocks: Sequence[Clock], shop: Shop, today: date) -> Section:
    soon = deadlines.add_business_days(today, CLOCK_DAYS, shop.calendar)
    due = sorted((clock for clock in clocks if clock.due_on <= soon), key=lambda clock: (clock.due_on, clock.reference))
    return Section("clocks", tuple(Line(one.reference, "clock", day=one.due_on, name=one.kind) for one in due))


def _by_date(cases: Sequence[Dates], shop: Shop, today: date) -> Iterator[Section]:
    groups: dict[Nearness, list[Dates]] = {group: [] for group in Nearness}
    for case in sorted(cases, key=lambda one: (one.day, one.reference)):
        if not case.approved:
            groups[nearness(case.day, today, shop.calendar)].append(case)
    tomorrow = deadlines.add_business_days(today, 1, shop.calendar)
    for group in GROUPS:
        day = tomorrow if group is Nearness.TOMORROW else None
        yield Section(group.value, tuple(_case_line(case, group) for case in groups[group]), day)


def _case_line(case: Dates, group: Nearness) -> Line:
    letter = " letter" if case.post_by is not None else ""
    what = "was due" if group is Nearness.OVERDUE else "due"
    return Line(case.reference, f"{what}{letter}", day=case.day, due_on=case.due_on)


def _to_post(cases: Sequence[Dates]) -> Section:
    ready = sorted((case for case in cases if case.approved), key=lambda one: (one.day, one.reference))
    return Section("to post", tuple(Line(one.reference, "post", day=one.day, due_on=one.due_on) for one in ready))


def _suggestions(pairs: Sequence[tuple[str, str]]) -> Section:
    return Section(
        "suggestions", tuple(Line(one, "may belong" if other else "mere thanks", name=other) for one, other in pairs)
    )


def _touched(cases: Sequence[Touched]) -> Section:
    kinds = {True: "touched letter", False: "touched"}
    return Section(
        "touched",
        tuple(Line(one.reference, kinds[one.posting], day=one.promised, due_on=one.would_be) for one in cases),
    )


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
