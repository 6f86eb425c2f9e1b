"""The notes beside filed scans: what a clerk reads in the folder, in plain words, and where each scan goes.

done/DATE/REF__scan.pdf + .txt    its case, or its cases, with the dates
done/duplicates/…                 the same scan as one before
failed/scan.pdf + "scan.pdf - CODE.txt"
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from intake import deadlines
from intake.config import Shop
from intake.errors import IntakeError, ReadingError
from intake.types import Fate
from storage.models import Arrival, Case

SET_ASIDE = "SET-ASIDE"
LATE_AFTER = 1  # business days between the letterbox and the scanner


class Outcome(Protocol):
    """What a note tells of one message."""

    @property
    def fate(self) -> Fate: ...
    @property
    def reference(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def case(self) -> Case | None: ...
    @property
    def problems(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class _Local:
    """The shop, and its day."""

    shop: Shop
    today: date


def filing(arrival: Arrival, outcomes: Sequence[Outcome], shop: Shop, now: datetime) -> dict[str, str]:
    """Where a scan goes whose messages have their fates, and the note beside it."""
    here = _Local(shop, now.astimezone(shop.zone).date())
    good = [one for one in outcomes if one.fate in (Fate.OPENED, Fate.JOINED)]
    if good:
        blocks = [_case_note(one, here) for one in good]
        head = [f"This scan holds {len(outcomes)} letters.\n"] if len(outcomes) > 1 else []
        return _done(good[0].reference, here, "\n".join([*head, *blocks]))
    if all(one.fate is Fate.DUPLICATE for one in outcomes):
        known = f"It belongs to case {outcomes[0].reference}. " if outcomes[0].reference else ""
        note = (
            f"{arrival.name} came on {_day(here.today)} and is the same as one that came before.\n"
            f"{known}No new case was opened.\n"
        )
        return {"outcome": "duplicate", "note": note}
    note = (
        f"{arrival.name} opened no case: {outcomes[0].reason}.\n"
        f"Is it a complaint all the same? Then: intake open {arrival.id}\n"
    )
    return _done(SET_ASIDE, here, note)


def filing_of_failure(arrival: Arrival, error: ReadingError, now: datetime, shop: Shop) -> dict[str, str]:
    """What went wrong with a scan, and what to do."""
    local = now.astimezone(shop.zone)
    note = (
        f"What happened   {error.what}\n"
        f"What you do     {error.next_step or 'Scan the letter again.'}\n"
        f"                Then put it into incoming. No case was opened for {arrival.name}.\n\n"
        f"Code            {error.code}\n"
        f"When            {_day(local.date())} {local:%H:%M}\n"
        f"Arrival         {arrival.id}\n"
    )
    return {"outcome": "failed", "code": error.code, "note": note}


def of_failed_record(error: IntakeError, code: str) -> str:
    """What is wrong with a record that is no scan's, or with a batch, and what to do."""
    return (
        f"What happened   {error.what}\n"
        f"What you do     {error.next_step or 'Mend it.'}\n"
        f"                Then put it into incoming.\n\nCode            {code}\n"
    )


def of_late_record(case: Case, shop: Shop) -> str:
    """What a clerk reads beside a record that came after its scan."""
    local = case.received_at.astimezone(shop.zone).date()
    return (
        f"This record came after its scan and was added to case {case.reference}.\n\n"
        f"Received    {_day(local)}\nAnswer by   {_day(case.due_on)}\n"
        + (f"Post by     {_day(case.post_by)}\n" if case.post_by else "")
    )


def _case_note(one: Outcome, here: _Local) -> str:
    if one.fate is Fate.JOINED or one.case is None:
        return f"Case        {one.reference}\nThis letter was added to a case that was there.\n"
    case = one.case
    received = case.received_at.astimezone(here.shop.zone).date()
    assumed = ", assumed from the file's date: check it" if case.assumed else ""
    lines = [
        f"Case        {case.reference}",
        f"Received    {_day(received)}{assumed}",
        *_late(received, here),
        f"Answer by   {_day(case.due_on)}",
        *([f"Post by     {_day(case.post_by)}"] if case.post_by else []),
        f"Language    {case.language}",
        f"Draft       {_where(case)}",
        *(f"Note        {problem}" for problem in one.problems),
        *(f"Look at     {mark}" for mark in case.attention),
    ]
    return "\n".join(lines) + "\n"


def _where(case: Case) -> str:
    postal = case.postal or {}
    if case.channel.value == "letter" and all(postal.get(part) for part in ("street", "postal_code", "city")):
        return f"drafts/{case.reference}.pdf, and in the manager's Drafts folder"
    return "in the manager's Drafts folder"


def _late(received: date, here: _Local) -> list[str]:
    """A letter that lay about before it was scanned has less time left than it seems."""
    days = deadlines.business_days_between(received, here.today, here.shop.calendar)
    return [f"LATE        it came {days} business days ago: there is less time left"] if days > LATE_AFTER else []


def _done(reference: str, here: _Local, note: str) -> dict[str, str]:
    return {"outcome": "done", "reference": reference, "day": here.today.isoformat(), "note": note}


def _day(day: date) -> str:
    return f"{day:%A %d %B %Y}"
