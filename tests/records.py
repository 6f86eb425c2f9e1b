"""Records as they are stored, made from what a test says about them."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from storage.database import writing
from storage.models import (
    Arrival,
    Case,
    CaseState,
    Channel,
    Cursor,
    Deadline,
    Document,
    Draft,
    Effect,
    Event,
    Fate,
    Message,
)
from storage.processing import Processing
from storage.rows import change
from storage.store import Store
from storage.tables import CASES, MESSAGES
from tests.builders import MONDAY


def an_arrival(uid: int = 1, **changes: Any) -> Arrival:
    """A mail that came in under a UID."""
    values = {
        "shop": "sis",
        "channel": Channel.MAIL,
        "account": "mirjam@example.nl at imap.example.nl",
        "folder": "INBOX",
        "uidvalidity": 7,
        "uid": uid,
        "sha256": f"{uid:064x}",
        "size": 100,
        "received_at": MONDAY,
        "received_basis": "internaldate",
        "stored_at": MONDAY,
    }
    return Arrival(**{**values, **changes})


def a_cursor(last_uid: int = 1, **changes: Any) -> Cursor:
    """How far the mailbox of `an_arrival` has been read."""
    values = {
        "account": "mirjam@example.nl at imap.example.nl",
        "folder": "INBOX",
        "uidvalidity": 7,
        "shop": "sis",
        "last_uid": last_uid,
        "first_uid": 1,
        "started_at": MONDAY,
    }
    return Cursor(**{**values, **changes})


def a_message(arrival_id: int, **changes: Any) -> Message:
    """What a mail said; set aside unless told otherwise."""
    values = {
        "arrival_id": arrival_id,
        "shop": "sis",
        "channel": Channel.MAIL,
        "fate": Fate.SET_ASIDE,
        "message_id": f"<{arrival_id}@example.com>",
        "received_at": MONDAY,
        "stored_at": MONDAY,
    }
    return Message(**{**values, **changes})


def a_case(reference: str = "SIS-2026-0001", **changes: Any) -> Case:
    """An open complaint."""
    values = {
        "shop": "sis",
        "reference": reference,
        "channel": Channel.MAIL,
        "language": "nl",
        "category": "del_none",
        "received_at": MONDAY,
        "received_basis": "internaldate",
        "due_on": date(2026, 9, 11),
        "target_at": MONDAY + timedelta(days=4),
        "opened_at": MONDAY,
    }
    return Case(**{**values, **changes})


def a_draft(case_id: int, message_id: int, **changes: Any) -> Draft:
    """A reply that waits."""
    values = {
        "case_id": case_id,
        "message_id": message_id,
        "kind": "answer",
        "channel": Channel.MAIL,
        "language": "nl",
        "category": "del_none",
        "template": "nl/answer.j2",
        "explanation": "Dutch",
        "recipient": "jan@example.com",
        "subject": "Re: (SIS-2026-0001)",
        "body": "Beste Jan,\n",
        "token": f"<{case_id}.{message_id}@example.nl>",
        "dated": date(2026, 9, 7),
        "made_at": MONDAY,
    }
    return Draft(**{**values, **changes})


def a_deadline(case_id: int, message_id: int, **changes: Any) -> Deadline:
    """The date that a case was promised."""
    values = {
        "case_id": case_id,
        "message_id": message_id,
        "received_at": MONDAY,
        "due_on": date(2026, 9, 11),
        "target_at": MONDAY + timedelta(days=4),
        "promise": {"business_days": 4},
        "trace": ["Mon 7 Sep: arrived, day 0"],
        "made_at": MONDAY,
    }
    return Deadline(**{**values, **changes})


def an_effect(key: str = "append:1", **changes: Any) -> Effect:
    """Something to carry out at once."""
    values = {"key": key, "shop": "sis", "kind": "append draft", "not_before": MONDAY, "made_at": MONDAY}
    return Effect(**{**values, **changes})


def an_event(**changes: Any) -> Event:
    """A line of the history."""
    return Event(**{"shop": "sis", "kind": "opened", "actor": "intake", "at": MONDAY, **changes})


def fill(store: Store, cases: int = 3, first_uid: int = 1) -> list[int]:
    """Cases with everything that belongs to one, and their ids. The first is merged into the last, whose id is
    higher, and the first message is a duplicate of the last."""
    uids = range(first_uid, first_uid + cases)
    arrival_ids = store.receive([an_arrival(uid) for uid in uids], a_cursor(uids[-1]))
    store.beat("mailbox sis", MONDAY)
    with store.processing() as unit:
        ids = [_fill_one(unit, arrival_id) for arrival_id in arrival_ids]
    with writing(store.engine) as connection:
        change(connection, CASES, ids[0], merged_into_id=ids[-1], state=CaseState.MERGED)
        messages = list(connection.execute(select(MESSAGES.c.id).order_by(MESSAGES.c.id)).scalars())
        change(connection, MESSAGES, messages[0], duplicate_of_id=messages[-1])
    return ids


def _fill_one(unit: Processing, arrival_id: int) -> int:
    reference = unit.next_reference("sis", "SIS", 2026)
    case_id = unit.open_case(a_case(reference, subject="Ondanks “alles” 🎁", labels=["safety"]), ["jan@example.com"])
    message = a_message(
        arrival_id,
        fate=Fate.OPENED,
        case_id=case_id,
        text="Waar blijft het?\nGroet, Zoë",
        facts={"order_numbers": ["104233"]},
        sent_at=MONDAY,
        postal={"city": "Zwolle"},
    )
    document = Document(
        message_id=0, kind="attachment", part=2, name="f.jpg", media_type="image/jpeg", size=9, sha256="0" * 64
    )
    message_id = unit.add_message(message, [document])
    unit.add_deadline(a_deadline(case_id, message_id))
    draft_id = unit.add_draft(a_draft(case_id, message_id, gaps=["[reden?]"]))
    unit.add_effect(an_effect(f"append:{draft_id}", case_id=case_id, draft_id=draft_id, payload={"n": 1}))
    unit.add_event(an_event(case_id=case_id, arrival_id=arrival_id, data={"fate": "opened"}))
    unit.finish_arrival(arrival_id)
    return case_id
