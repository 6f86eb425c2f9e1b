"""A case is answered: its clock stops, and the drafts that lie there still are taken back where nobody touched them.
Or it waits on: a holding reply names another day, or the customer wrote again."""

from datetime import date, datetime

from intake import deadlines
from intake.pipeline.house import House
from intake.pipeline.moving import Move, move_date
from intake.pipeline.records import SYSTEM, Counted, promise_record, promised
from intake.pipeline.withdrawing import withdraw_drafts
from intake.types import Channel as Way
from storage.models import Case, CaseState, DeadlineKind, Event, Message
from storage.processing import Processing

MAIL, LETTER = "mail", "letter"
WAYS = (MAIL, LETTER, "phone", "counter")
NO_LATER_DAY = "a holding reply was sent that does not name one later day: `intake due` sets it"
WRITTEN_AGAIN = "the customer wrote again before the answer was seen: read it"


def answer_case(house: House, unit: Processing, case: Case, how: str, at: datetime, actor: str, **told: str) -> None:
    """Commit that a case was answered, `how` (one of `WAYS`) and when (aware)."""
    case_id = case.id or 0
    unit.change_case(case_id, state=CaseState.ANSWERED, answered_at=at, answered_how=how)
    withdraw_drafts(unit, house.shop(case.shop), case_id)
    data = {"answered_at": at.isoformat(), **told}
    kind = f"answered by {how}"
    unit.add_event(Event(shop=case.shop, case_id=case_id, kind=kind, actor=actor, data=data, at=house.clock()))


def reopen_for(house: House, unit: Processing, case: Case, message: Message) -> None:
    """Open an answered case again for a message that joined it, with the date that the message has by itself."""
    shop, case_id = house.shop(case.shop), case.id or 0
    post = shop.post_for(Way(message.channel.value))
    due = deadlines.due(message.received_at, shop.promise_for(), shop.calendar, shop.zone, post)
    unit.reopen_case(case_id)
    now = house.clock()
    made = promise_record(shop, Counted(case_id, message.id or 0, message.received_at), due, now)
    unit.move_due(made)
    data = promised(made, message.channel.value)
    unit.add_event(Event(shop=case.shop, case_id=case_id, kind="reopened", actor=SYSTEM, data=data, at=now))


def hold_case(house: House, unit: Processing, case: Case, day: date, said: tuple[int, str]) -> None:
    """A holding reply went out that names a later `day`: the case is due then. The promise's own date stays in its
    deadlines. `said`: the message that names it (its id), and who sent it."""
    case_id, (message_id, actor) = case.id or 0, said
    before = unit.deadline_of(case_id)
    received_at = before.received_at if before is not None else case.received_at
    move_date(house, unit, case, Move(DeadlineKind.HOLDING, day, "holding reply", actor, message_id, received_at))
    data = {"from": case.due_on.isoformat(), "to": day.isoformat()}
    kind, now = "holding reply", house.clock()
    unit.add_event(Event(shop=case.shop, case_id=case_id, kind=kind, actor=actor, data=data, at=now))
