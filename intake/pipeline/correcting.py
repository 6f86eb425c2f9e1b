"""A record that came after its scan: the case gets the day, the sender and the draft that it would have had.

The date that was promised on a guess is kept in the history beside the new one.
"""

from dataclasses import asdict

from intake.pipeline.drafting import add_draft
from intake.pipeline.effects import TYPESET_LETTER, WITHDRAW_DRAFT, of_draft
from intake.pipeline.house import House
from intake.pipeline.items import Item
from intake.pipeline.processing import examine_anew
from intake.pipeline.records import SYSTEM, deadline_of, deadline_record, event_of, message_record, promised
from intake.pipeline.second_clocks import add_clocks
from intake.rules.decision import Decision
from intake.rules.people import complainant_of, participant_keys
from intake.types import Fate
from storage import models
from storage.models import Arrival, Case, CaseState, DraftState
from storage.processing import Processing

# What the record, or an examination with it, can tell otherwise than before.
CORRECTED = ("postal", "subject", "record", "recognised", "problems", "received_at", "language", "facts")


def attach_record(house: House, arrival: Arrival, record: bytes) -> list[Case]:
    """Add a clerk's record to a scan that was processed without one; the cases that it changed. Raises `RecordError`
    where the record is wrong, `Refused` where the scan cannot be examined with it."""
    digest = ""
    cases: list[Case] = []
    try:
        with house.originals.held():
            digest = house.originals.add(record)
            house.checkpoint("original written")
            cases = _attach(house, arrival, digest)
    finally:
        if digest and not cases:
            house.originals.remove([digest], house.store.erasing.named)
    house.checkpoint("record attached")
    return cases


def _attach(house: House, arrival: Arrival, digest: str) -> list[Case]:
    items = examine_anew(house, arrival.model_copy(update={"record": {"sha256": digest}}))
    with house.store.processing() as unit:
        changed = [_correct(house, unit, item) for item in items]
        if any(changed):
            unit.change_arrival(arrival.id or 0, record={"sha256": digest})
            unit.add_event(event_of(house, arrival, None, "record attached", SYSTEM))
    return [case for case in changed if case is not None]


def _correct(house: House, unit: Processing, item: Item) -> Case | None:
    """Correct the case that one letter of the scan opened; None where it opened none, or is dealt with."""
    message = unit.message_of(item.arrival_id, item.part)
    if message is None or message.case_id is None or message.fate is not models.Fate.OPENED:
        return None
    case = unit.case_by_id(message.case_id)
    if case is None or case.state is not CaseState.OPEN:
        return None
    case_id, now = case.id or 0, house.clock()
    name, address = complainant_of(item.message, item.shop)
    fresh = message_record(item, Decision(Fate.OPENED), now, case_id)
    changes = {name: getattr(fresh, name) for name in CORRECTED} | {"from_name": name, "from_address": address}
    unit.change_message(message.id or 0, **changes)
    unit.change_case(
        case_id,
        subject=item.message.subject or case.subject,
        complainant_name=name or case.complainant_name,
        complainant_address=address or case.complainant_address,
        postal=asdict(item.message.postal) if item.message.postal else case.postal,
        language=item.examined.language.code,
        received_at=item.received_at,
        received_basis=item.basis,
        assumed=item.assumed,
    )
    unit.add_participants(case_id, participant_keys(item.message, item.shop))
    add_clocks(unit, item, case_id)
    made = deadline_record(case_id, message.id or 0, item, deadline_of(item), now)
    unit.move_due(made)
    told = promised(made, item.message.channel.value)
    unit.add_event(event_of(house, item.arrival, case_id, "corrected by its record", why=item.basis, **told))
    _renew_draft(house, unit, item, message.model_copy(update=changes), case_id)
    return unit.case_by_id(case_id)


def _renew_draft(house: House, unit: Processing, item: Item, message: models.Message, case_id: int) -> None:
    """A draft that nobody has sent or approved is made anew; the old one is taken back where nobody has touched it."""
    draft, case = unit.latest_draft(case_id), unit.case_by_id(case_id)
    if draft is None or case is None:
        return
    if draft.state is not DraftState.WAITING:
        unit.add_attention(case_id, "its record came after the letter was approved: check date and address")
        if draft.state is DraftState.APPROVED and draft.posted_on is None:
            # Set once more, with the new address and under its new last day.
            effect = of_draft(TYPESET_LETTER, item.shop.id, draft, draft.id or 0)
            unit.add_effect(effect.model_copy(update={"key": f"{effect.key}:{case.due_on}"}))
        return
    unit.change_draft(draft.id or 0, state=DraftState.SUPERSEDED)
    if item.shop.mailbox is not None:
        unit.add_effect(of_draft(WITHDRAW_DRAFT, item.shop.id, draft, draft.id or 0))
    add_draft(house, unit, item, case, message)
