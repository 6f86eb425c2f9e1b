"""From values to records: message, documents, deadline, and the lines of the history.

The history holds ids and field names and no personal text, so that erasure stays possible.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from holidays.version import __version__ as holidays_version

from intake import deadlines
from intake.config import Shop
from intake.pipeline.house import House
from intake.pipeline.items import Item
from intake.rules.decision import Decision
from intake.rules.verification import verified_sender
from intake.types import Deadline, Facts
from storage import models
from storage.models import Arrival

SYSTEM = "intake"
SCAN, COPY, ATTACHMENT = "scan", "reading copy", "attachment"


@dataclass(frozen=True, slots=True)
class Counted:
    """What a date is counted from: a message of a case, by their ids, and when it came (aware)."""

    case_id: int
    message_id: int
    received_at: datetime


def deadline_of(item: Item, *, by_letter: bool = False) -> Deadline:
    """The date by which a message must be answered; `by_letter` where its case is, whatever way it came itself."""
    shop = item.shop
    post = shop.post if by_letter else shop.post_for(item.message.channel)
    return deadlines.due(item.received_at, shop.promise_for(), shop.calendar, shop.zone, post)


def deadline_record(case_id: int, message_id: int, item: Item, deadline: Deadline, now: datetime) -> models.Deadline:
    """The date by which a message must be answered, as it is stored."""
    return promise_record(item.shop, Counted(case_id, message_id, item.received_at), deadline, now)


def promise_record(shop: Shop, counted: Counted, deadline: Deadline, now: datetime) -> models.Deadline:
    """A date as it is stored, with what the shop promised at the time."""
    return models.Deadline(
        case_id=counted.case_id,
        message_id=counted.message_id,
        received_at=counted.received_at,
        due_on=deadline.due_on,
        post_by=deadline.post_by,
        target_at=deadline.target_at,
        promise=in_force(shop),
        trace=list(deadline.trace),
        made_at=now,
    )


def promised(record: models.Deadline, channel: str) -> dict[str, str]:
    """What the history says of a date that was promised for a message that came by a channel, so that no row that
    tells of it can be changed without it."""
    return {
        "due_on": record.due_on.isoformat(),
        "received_at": record.received_at.isoformat(),
        "message": str(record.message_id),
        "channel": channel,
        "promise": promise_hash(record.promise),
    }


def promise_hash(promise: Mapping[str, Any]) -> str:
    """The SHA-256 of what was in force, as canonical JSON."""
    text = json.dumps(promise, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def in_force(shop: Shop) -> dict[str, Any]:
    """What a shop promises now, as plain values: with the zone and the calendar that its days are counted by, and the
    release of `holidays` that knew the closed days."""
    calendar = shop.calendar
    return {
        "business_days": shop.promise.business_days,
        "counting": shop.promise.counting,
        "cut_off": shop.promise.cut_off.isoformat().removesuffix(":00"),
        "time_zone": shop.time_zone,
        "holidays": holidays_version,
        "calendar": {
            "country": calendar.country,
            "subdivision": calendar.subdivision,
            "open": [str(day) for day in calendar.open],
            "closed": [day.isoformat() for day in calendar.closed],
        },
    }


def message_record(item: Item, decision: Decision, now: datetime, case_id: int | None) -> models.Message:
    """One message with the fate that it met."""
    message, examined = item.message, item.examined
    categorisation = examined.categorisation
    return models.Message(
        arrival_id=item.arrival_id,
        part=item.part,
        shop=item.shop.id,
        channel=models.Channel(message.channel.value),
        fate=models.Fate(decision.fate.value),
        reason_kind=decision.kind,
        reason=decision.reason,
        case_id=case_id,
        suggested_case_id=decision.suggested.id if decision.suggested else None,
        duplicate_of_id=decision.duplicate_of,
        message_id=message.message_id,
        content_hash=message.content_hash,
        in_reply_to=list(message.in_reply_to),
        reference_ids=list(message.references),
        from_name=message.sender.name if message.sender else "",
        from_address=message.sender.address if message.sender else "",
        reply_to=_listed(message.reply_to),
        verified=models.Verified(verified_sender(message, item.shop.mailbox).value),
        signed_by=message.signed_by,
        encrypted=message.encrypted,
        forwarded_by=str(message.forwarded_by or ""),
        forward_note=message.forwarded.note if message.forwarded and message.forwarded_by else "",
        forwarded_id=message.forwarded.message_id if message.forwarded and message.forwarded_by else "",
        recipients=_listed((*message.to, *message.cc)),
        postal=asdict(message.postal) if message.postal else None,
        subject=message.subject,
        text=message.text,
        quoted=message.quoted,
        sent_at=message.sent_at,
        received_at=item.received_at,
        language=examined.language.code,
        category=categorisation.category,
        labels=list(categorisation.labels),
        matched={topic: list(words) for topic, words in categorisation.matched.items()},
        facts={name: list(values) for name in Facts.__dataclass_fields__ if (values := getattr(examined.facts, name))},
        record=dict(message.record),
        recognised=list(message.recognised),
        confidence=message.confidence,
        outgoing=item.arrival.sent,
        readable=message.readable,
        problems=list(message.problems),
        stored_at=now,
    )


def _listed(people: Iterable[object]) -> list[str]:
    return [str(person) for person in people]


def documents_of(house: House, item: Item) -> list[models.Document]:
    """The files of a message; of a letter the scan as it was dropped, and its reading copy."""
    kind = SCAN if item.is_letter else ATTACHMENT
    found = [
        models.Document(
            message_id=0,
            kind=kind,
            part=one.part,
            name=one.name,
            media_type=one.media_type,
            size=one.size,
            sha256=one.sha256,
            inline=one.inline,
        )
        for one in item.message.attachments
    ]
    return [*found, *_copy(house, item)]


def _copy(house: House, item: Item) -> list[models.Document]:
    if not item.copy:
        return []
    name = f"{item.arrival.name.rstrip('/').rpartition('.')[0] or item.arrival.name.rstrip('/')}.pdf"
    try:
        size = house.originals.path(item.copy).stat().st_size
    except FileNotFoundError:
        return []  # it can be made again from the scan
    return [
        models.Document(message_id=0, kind=COPY, name=name, media_type="application/pdf", size=size, sha256=item.copy)
    ]


def event_of(
    house: House, arrival: Arrival, case_id: int | None, kind: str, actor: str = SYSTEM, **data: str | int
) -> models.Event:
    """A line of the history."""
    return models.Event(
        shop=arrival.shop, arrival_id=arrival.id, case_id=case_id, kind=kind, actor=actor, data=data, at=house.clock()
    )
