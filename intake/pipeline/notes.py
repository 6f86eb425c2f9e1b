"""The notes beside filed scans: what a clerk reads in the folder, in plain words, and where each scan goes."""

from datetime import datetime

from intake.config import Shop
from intake.errors import ReadingError
from intake.types import Message
from storage.models import Arrival, Case


def filing_of_case(case: Case, message: Message, shop: Shop, now: datetime) -> dict[str, str]:
    """A scan that opened a case: `done/DATE/REF__scan.pdf` and its note."""
    local = case.received_at.astimezone(shop.zone)
    assumed = ", assumed from the file's date: check it" if case.assumed else ""
    lines = [
        f"Case        {case.reference}",
        f"Received    {local:%A %d %B %Y}{assumed}",
        f"Answer by   {case.due_on:%A %d %B %Y}",
        *([f"Post by     {case.post_by:%A %d %B %Y}"] if case.post_by else []),
        f"Language    {case.language}",
        f"Draft       drafts/{case.reference}.pdf, and in the manager's Drafts folder",
        *(f"Note        {problem}" for problem in message.problems),
        *(f"Look at     {mark}" for mark in case.attention),
    ]
    return _done(case.reference, shop, now, "\n".join(lines) + "\n")


def filing_of_join(reference: str, shop: Shop, now: datetime) -> dict[str, str]:
    """A scan that belongs to a case that was there."""
    return _done(reference, shop, now, f"Case        {reference}\nThis letter was added to a case that was there.\n")


def filing_of_duplicate(arrival: Arrival, shop: Shop, now: datetime) -> dict[str, str]:
    """A scan that came before: `done/duplicates/`."""
    local = now.astimezone(shop.zone)
    note = f"{arrival.name} came on {local:%A %d %B %Y} and is the same scan as one before. No new case was opened.\n"
    return {"outcome": "duplicate", "note": note}


def failed(arrival: Arrival, error: ReadingError, now: datetime, shop: Shop) -> str:
    """What went wrong with a scan, and what to do."""
    local = now.astimezone(shop.zone)
    return (
        f"What happened   {error.what}\n"
        f"What you do     {error.next_step or 'Scan the letter again.'}\n"
        f"                Then put it into incoming. No case was opened for {arrival.name}.\n\n"
        f"Code            {error.code}\n"
        f"When            {local:%A %d %B %Y %H:%M}\n"
        f"Arrival         {arrival.id}\n"
    )


def _done(reference: str, shop: Shop, now: datetime, note: str) -> dict[str, str]:
    day = now.astimezone(shop.zone).date().isoformat()
    return {"outcome": "done", "reference": reference, "day": day, "note": note}
