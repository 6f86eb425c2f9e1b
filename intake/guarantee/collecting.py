"""From the store to the plain facts that are measured."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from holidays.version import __version__ as holidays_version

from intake import deadlines
from intake.config import Shop
from intake.measuring.days import Closed
from intake.measuring.facts import Answer, CaseFacts, Closing, Merge, Promised, Reopening
from intake.measuring.report import Aside, ShopRows
from intake.measuring.rows import Row, rows_of
from intake.pipeline.records import SYSTEM, in_force
from intake.replies.compose import ACKNOWLEDGEMENT
from intake.types import Calendar
from storage.measuring import ANSWERED, Measured, MeasuredDraft, MeasuredEvent, MeasuredPromise
from storage.models import SUBSTANTIVE
from storage.store import Store

LETTERS_COME_AT = time(17)  # of the day; the hour says nothing


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """A shop's cases, and the calendars that their promises were counted by: as they were written down, and their
    closed days in the `years` from the first to the last."""

    shop: Shop
    cases: tuple[CaseFacts, ...]
    calendars: Mapping[str, dict[str, Any]]
    closed: Mapping[str, Closed]
    years: tuple[int, int]

    @property
    def zone(self) -> ZoneInfo:
        """The shop's zone, in which days are counted."""
        return self.shop.zone

    def rows_at(self, as_of: datetime) -> tuple[Row, ...]:
        """The rows as they were at a moment (aware)."""
        return rows_of(self.cases, self.zone, self.closed, as_of)

    def first_due(self) -> date | None:
        """The earliest day on which a promise that was known was due."""
        promised = (one for case in self.cases for one in case.promised)
        return min((max(one.due_on, one.made_at.astimezone(self.zone).date()) for one in promised), default=None)


def reported(store: Store, shop: Shop, now: datetime) -> ShopRows:
    """What the reports tell of a shop, as of now (aware)."""
    today = now.astimezone(shop.zone).date()
    facts = collect(store, shop, today)
    aside = [
        Aside(reason or "other", channel.value, at.astimezone(shop.zone).date())
        for reason, channel, at in store.measuring.set_aside(shop.id)
    ]
    return ShopRows(shop.id, facts.rows_at(now), {case.reference: case for case in facts.cases}, aside, today)


def collect(store: Store, shop: Shop, until: date) -> ShopFacts:
    """Everything that a shop is measured by. Business days can be counted up to a year after `until`."""
    measured = store.measuring.of_shop(shop.id)
    calendars: dict[str, dict[str, Any]] = {}
    by_case: dict[int, list[Promised]] = {}
    assumed = {case.id: case.assumed for case in measured.cases}
    latest = {(one.case_id, one.message_id): one.made_at for one in measured.promises}
    for one in measured.promises:
        calendar = one.promise.get("calendar") or in_force(shop)["calendar"]
        name = calendar_id(calendar)
        calendars[name] = calendar
        # A record that came later tells the day of the letter that opened the case, and no sooner.
        sure = one.sure or (one.opened and not assumed.get(one.case_id, True))
        sure = sure and one.made_at == latest[one.case_id, one.message_id]
        by_case.setdefault(one.case_id, []).append(_promised(one, name, sure))
    first = min((one.received_at.year for one in measured.promises), default=until.year)
    years = (first - 1, until.year + 1)
    closed = {name: closed_days(value, *years) for name, value in calendars.items()}
    return ShopFacts(shop, tuple(_cases(measured, shop, by_case)), calendars, closed, years)


def calendar_id(calendar: Mapping[str, Any], release: str = holidays_version) -> str:
    """A name for a calendar as it is written down, the same for the same days of the same release of `holidays`."""
    text = json.dumps([calendar, release], sort_keys=True, ensure_ascii=False)
    return f"{calendar['country'].lower()}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def closed_days(calendar: Mapping[str, Any], first_year: int, last_year: int) -> Closed:
    """The days from Monday to Friday of these years that are no business days."""
    known = Calendar(
        country=calendar["country"],
        subdivision=calendar["subdivision"],
        open=tuple(calendar["open"]),
        closed=tuple(date.fromisoformat(day) for day in calendar["closed"]),
    )
    start = date(first_year, 1, 1)
    days = (start + timedelta(days=n) for n in range((date(last_year + 1, 1, 1) - start).days))
    return frozenset(day for day in days if day.weekday() < 5 and not deadlines.is_business_day(day, known))


def _promised(one: MeasuredPromise, calendar: str, sure: bool) -> Promised:
    return Promised(
        message=one.message_id,
        received_at=one.received_at,
        due_on=one.due_on,
        business_days=int(one.promise["business_days"]),
        counting=str(one.promise["counting"]),
        calendar=calendar,
        channel=one.channel.value,
        dated=sure,
        made_at=one.made_at,
        answered_before=one.answered and one.opened,
        holidays=str(one.promise.get("holidays", "")),
        time_zone=str(one.promise.get("time_zone", "")),
        cut_off=str(one.promise.get("cut_off", "")),
    )


def _cases(measured: Measured, shop: Shop, by_case: Mapping[int, list[Promised]]) -> Iterable[CaseFacts]:
    events: dict[int, list[MeasuredEvent]] = {}
    for event in measured.events:
        events.setdefault(event.case_id, []).append(event)
    drafts: dict[int, list[MeasuredDraft]] = {}
    for draft in measured.drafts:
        drafts.setdefault(draft.case_id, []).append(draft)
    for case in measured.cases:
        said, sent = events.get(case.id, []), drafts.get(case.id, [])
        yield CaseFacts(
            reference=case.reference,
            shop=shop.id,
            category=case.category,
            opened_at=case.opened_at,
            promised=tuple(by_case.get(case.id, ())),
            answers=tuple(_answer(one, sent) for one in said if one.kind in ANSWERED),
            closings=tuple(Closing(one.at, str(one.data["why"]), one.actor) for one in said if one.kind == "closed"),
            merges=tuple(Merge(one.at, str(one.data["into"]), one.actor) for one in said if one.kind == "merged"),
            reopened=tuple(Reopening(one.at, one.actor != SYSTEM) for one in said if one.kind == "reopened"),
            acknowledged=tuple(_told_at(one, shop.zone) for one in sent if one.kind == ACKNOWLEDGEMENT),
            held=tuple(one.at for one in said if one.kind == "holding reply"),
            moved=tuple(one.at for one in said if one.kind == "date moved"),
        )


def _answer(event: MeasuredEvent, drafts: Iterable[MeasuredDraft]) -> Answer:
    """An answer as the history tells it: what was seen in Sent names its draft, what somebody told names its day."""
    data, how = event.data, event.kind.rpartition(" ")[2]
    at = datetime.fromisoformat(str(data["answered_at"])).astimezone(UTC)
    told = data.get("delivery_on") or data.get("on")
    on = date.fromisoformat(str(told)) if told else None
    template = next((one.template for one in drafts if _is_its(one, event, on)), "")
    return Answer(event.at, at, on, how, "draft" in data, event.actor, template, word="on" in data)


def _told_at(draft: MeasuredDraft, zone: ZoneInfo) -> datetime:
    """When the customer was told by an acknowledgement; of a letter the day is known on which it should come."""
    moments = [datetime.combine(draft.delivery_on, LETTERS_COME_AT, zone)] if draft.delivery_on is not None else []
    return max(moment for moment in (draft.sent_at, *moments) if moment is not None)


def _is_its(draft: MeasuredDraft, event: MeasuredEvent, on: date | None) -> bool:
    """Whether an answer was made from a draft."""
    if "draft" in event.data:
        return str(draft.id) == str(event.data["draft"])
    return on is not None and draft.kind in SUBSTANTIVE and draft.delivery_on == on and "on" not in event.data
