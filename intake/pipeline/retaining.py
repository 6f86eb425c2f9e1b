"""Retention: what has been kept for its term is forgotten, each night.

`preview` tells what the next run takes and what is kept and why; `forget_what_is_due` takes it, case by case, each in a
transaction of its own. How long is for `rules.retention`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from intake.config import Config, Shop
from intake.outlets.erased import drop_failed
from intake.pipeline.erasing import Wish, forget_case, forget_messages
from intake.pipeline.house import House
from intake.pipeline.second_clocks import is_disputed
from intake.rules.retention import (
    DISPUTED,
    HELD,
    Ending,
    Keeping,
    add_months,
    first_kept,
    is_time,
    keep,
    latest,
    shortest_term,
)
from storage.database import drop_copies
from storage.erasing import Family
from storage.models import Message
from storage.store import Store

RETENTION = Wish("retention")
BEAT = "retention"
COPIES_FOR = timedelta(days=30)
MESSAGES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in the preview, with those that were merged into it: until which day it is kept (None: without an end),
    and why."""

    reference: str
    merged: tuple[str, ...]
    until: date | None
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What the next run takes of a shop, and what it leaves. `messages` counts what opened no case by its reason;
    `kept` are the cases that are kept for longer than the general term; `open` and `later` count the others, and
    `next_on` is the day on which the first of these is due."""

    shop: str
    due: tuple[CaseLine, ...]
    messages: dict[str, int]
    kept: tuple[CaseLine, ...]
    open: int
    later: int
    next_on: date | None


@dataclass
class Report:
    """What a run has done: cases (with those merged into them), messages without a case, and what it had to leave."""

    cases: list[str] = field(default_factory=list)
    messages: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


def preview(store: Store, config: Config, now: datetime, shop_id: str | None = None) -> list[Preview]:
    """What the next run takes, shop by shop."""
    return [_preview(store, shop, now) for shop in config.shops if shop_id in (None, shop.id)]


def forget_what_is_due(house: House, ending: Callable[[], bool] = lambda: False, shop_id: str | None = None) -> Report:
    """Forget everything that has been kept for its term, and delete old copies of the database; `ending` is asked
    before each case whether the rest may wait. Raises `StorageError`."""
    report = Report()
    for shop in house.config.shops:
        if shop_id in (None, shop.id):
            _forget_of(house, shop, ending, report)
    now = house.clock()
    if not ending() and shop_id is None:
        drop_copies(house.config.data / "copies", now - COPIES_FOR)
        house.store.beat(BEAT, now)
    if report.cases or report.messages:
        house.log.info("retention", cases=len(report.cases), messages=report.messages)
    return report


def keep_retention(house: House, ending: Callable[[], bool] = lambda: False) -> bool:
    """Run once a night; whether it was time."""
    zone, now = house.config.shops[0].zone, house.clock()
    beat = next((one for one in house.store.heartbeats() if one.name == BEAT), None)
    last = beat.good_at.astimezone(zone) if beat is not None and beat.good_at is not None else None
    if not is_time(now.astimezone(zone), last):
        return False
    forget_what_is_due(house, ending)
    return True


def ending_of(family: Family, shop: Shop) -> Ending:
    """What counts of a case and those merged into it. They ended when the last of them was closed, else answered; what
    was taken to a dispute body since then ended on that day. Of one that came as history, answered elsewhere, nobody
    knows the day: it counts from when it was brought in."""
    moments = [case.closed_at or case.answered_at or case.opened_at for case in family.cases]
    escalated = [date.fromisoformat(str(one["on"])) for each in family.cases for one in each.escalations]
    return Ending(
        ended_on=latest((*(moment.astimezone(shop.zone).date() for moment in moments), *escalated)),
        topics=frozenset(topic for each in family.cases for topic in (each.category, *each.labels)),
        held=any(each.legal_hold for each in family.cases),
        disputed=is_disputed(family.case),
    )


def keeping_of(family: Family, shop: Shop) -> Keeping:
    """How long a case is kept, with those that were merged into it."""
    return keep(ending_of(family, shop), shop.retention)


def _forget_of(house: House, shop: Shop, ending: Callable[[], bool], report: Report) -> None:
    today = _today(shop, house.clock())
    for family in ended_cases(house.store, shop, _latest_end(shop, today)):
        if ending():
            return
        if keeping_of(family, shop).is_over(today):
            _forget_one(house, shop, family, today, report)
    _forget_messages(house, shop, today, ending, report)
    if shop.post_folder is not None:
        drop_failed(shop.post_folder.path, _midnight(shop, first_kept(today, shop.retention.set_aside_days)))


def _forget_one(house: House, shop: Shop, family: Family, today: date, report: Report) -> None:
    def refusal(now: Family) -> str:
        kept = keeping_of(now, shop)
        return "" if kept.is_over(today) else kept.why

    left = forget_case(house, family.case.id or 0, RETENTION, refusal)
    if left:
        report.left.append((family.case.reference, left))
    else:
        report.cases += [case.reference for case in family.cases]


def _forget_messages(house: House, shop: Shop, today: date, ending: Callable[[], bool], report: Report) -> None:
    done = 1
    while done and not ending():
        found = _messages(house.store, shop, today, MESSAGES_AT_ONCE)
        done = forget_messages(house, shop, [message.id or 0 for message in found], RETENTION)
        report.messages += done


def _preview(store: Store, shop: Shop, now: datetime) -> Preview:
    today = _today(shop, now)
    due, kept, later = [], [], []
    for family in ended_cases(store, shop, now + timedelta(days=1)):
        keeping, ended = keeping_of(family, shop), ending_of(family, shop).ended_on
        line = CaseLine(
            family.case.reference, tuple(case.reference for case in family.merged), keeping.until, keeping.why
        )
        if keeping.is_over(today):
            due.append(line)
        elif keeping.why in (HELD, DISPUTED) or (
            ended is not None and today > add_months(ended, shop.retention.months)
        ):
            kept.append(line)
        elif keeping.until is not None:
            later.append(keeping.until)
    held = [CaseLine(case.reference, (), None, HELD) for case in store.erasing.held(shop.id)]
    named = {name for line in kept for name in (line.reference, *line.merged)}
    messages = Counter(message.reason_kind or message.fate.value for message in _messages(store, shop, today))
    return Preview(
        shop=shop.id,
        due=tuple(due),
        messages=dict(sorted(messages.items())),
        kept=(*kept, *(line for line in held if line.reference not in named)),
        open=store.erasing.count_open(shop.id),
        later=len(later),
        next_on=min(later) + timedelta(days=1) if later else None,
    )


def ended_cases(store: Store, shop: Shop, before: datetime) -> Iterator[Family]:
    """The cases of a shop that ended before a moment and hold people still, page by page."""
    after = 0
    while found := store.erasing.ended(shop.id, before, after):
        yield from found
        after = found[-1].case.id or 0


def _messages(store: Store, shop: Shop, today: date, limit: int | None = None) -> list[Message]:
    terms = shop.retention
    spam, others = (_midnight(shop, first_kept(today, days)) for days in (terms.spam_days, terms.set_aside_days))
    return store.erasing.aside(shop.id, spam, others, limit)


def _latest_end(shop: Shop, today: date) -> datetime:
    """Nothing that ended later can be due: by the shortest term, a few days of grace for months of other lengths."""
    return _midnight(shop, add_months(today, -shortest_term(shop.retention)) + timedelta(days=4))


def _midnight(shop: Shop, day: date) -> datetime:
    return datetime.combine(day, time(), shop.zone).astimezone(UTC)


def _today(shop: Shop, now: datetime) -> date:
    return now.astimezone(shop.zone).date()
