"""Another date for a case than the one promised: moved by a person, named in a holding reply, or taken over.

The promise's own row stays beside it for the record; the case counts by the latest.
"""

from dataclasses import dataclass
from datetime import date, datetime

from intake import deadlines
from intake.pipeline.effects import TYPESET_LETTER, of_draft
from intake.pipeline.house import House
from intake.pipeline.records import in_force
from intake.pipeline.withdrawing import take_back
from intake.replies.compose import HOLDING
from storage.models import Case, Deadline, DeadlineKind
from storage.processing import Processing


@dataclass(frozen=True, slots=True)
class Move:
    """Where a date is moved: its kind, the day, why (for people; it may hold personal text) and by whom. `message_id`
    and `received_at` are of the message that it counts from."""

    kind: DeadlineKind
    due_on: date
    because: str
    actor: str
    message_id: int
    received_at: datetime


def post_by_for(house: House, case: Case, due_on: date) -> date | None:
    """The last day to post the answer to a case that is due on a day; None where it is not answered by letter."""
    shop = house.shop(case.shop)
    return deadlines.post_by(due_on, shop.post, shop.calendar) if case.post_by is not None else None


def move_date(house: House, unit: Processing, case: Case, move: Move) -> Deadline:
    """Store another date for a case and make it the one that counts. A letter that is approved is set once more, under
    its new last day; a holding reply that waits speaks of the old date, and is taken back."""
    shop = house.shop(case.shop)
    post_by = post_by_for(house, case, move.due_on)
    trace = [f"Moved from {case.due_on} to {move.due_on} by {move.actor}."]
    trace += [f"Post by {post_by}, to be there by then."] if post_by is not None else []
    deadline = Deadline(
        case_id=case.id or 0,
        message_id=move.message_id,
        received_at=move.received_at,
        due_on=move.due_on,
        post_by=post_by,
        target_at=datetime.combine(post_by or move.due_on, shop.promise.target, tzinfo=shop.zone),
        promise=in_force(shop),
        trace=trace,
        kind=move.kind,
        because=move.because,
        actor=move.actor,
        made_at=house.clock(),
    )
    unit.move_due(deadline)
    for draft in unit.waiting_drafts(case.id or 0):
        if draft.kind == HOLDING:
            take_back(unit, shop, draft)
    letter = unit.cases.letter_to_post(case.id or 0)
    if letter is not None:
        effect = of_draft(TYPESET_LETTER, case.shop, letter, letter.id or 0)
        unit.add_effect(effect.model_copy(update={"key": f"{effect.key}:{move.due_on}"}))
    return deadline
