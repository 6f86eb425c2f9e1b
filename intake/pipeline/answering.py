"""A case is answered: its clock stops, and the drafts that lie there still are taken back where nobody touched them.
Or it waits on: a holding reply names another day, or the customer wrote again."""

from datetime import date, datetime

from intake import deadlines
from intake.pipeline.drafting import Wanted, file_draft
from intake.pipeline.house import House
from intake.pipeline.moving import Move, move_date
from intake.pipeline.records import SYSTEM, Counted, promise_record, promised
from intake.pipeline.renewing import follow_up_of
from intake.pipeline.withdrawing import withdraw_drafts
from intake.rules.sent import came_after
from intake.rules.thanks import is_mere_thanks
from intake.types import Channel as Way
from storage.models import Case, CaseState, DeadlineKind, Event, Message
from storage.processing import Processing

MAIL, LETTER = "mail", "letter"
WAYS = (MAIL, LETTER, "phone", "counter")
NO_LATER_DAY = "a holding reply was sent that does not name one later day: `intake due` sets it"
WRITTEN_AGAIN = "the customer wrote again before the answer was seen or told: read it"


def answer_case(house: House, unit: Processing, case: Case, how: str, at: datetime, actor: str, **told: str) -> None:
    """Commit that a case was answered, `how` (one of `WAYS`) and when (aware)."""
    case_id = case.id or 0
    unit.change_case(case_id, state=CaseState.ANSWERED, answered_at=at, answered_how=how)
    withdraw_drafts(unit, house.shop(case.shop), case_id)
    data = {"answered_at": at.isoformat(), **told}
    kind = f"answered by {how}"
    unit.add_event(Event(shop=case.shop, case_id=case_id, kind=kind, actor=actor, data=data, at=house.clock()))


def wait_on(house: House, unit: Processing, case: Case, at: datetime, salt: str) -> bool:
    """Open a case that was just answered as of a moment again for what its customer wrote after that, other than mere
    thanks, with a draft of its own; whether there was anything. `salt` tells drafts of the same moment apart."""
    shop, heard = house.shop(case.shop), unit.heard_of(case.id or 0)
    later = [one for one in heard if came_after(one.received_at, Way(one.channel.value), at, shop.zone)]
    waiting = [one for one in later if not is_mere_thanks(one.text, house.categories, one.language)]
    if not waiting:
        return False
    unit.add_attention(case.id or 0, WRITTEN_AGAIN)
    reopen_for(house, unit, case, waiting[0])
    before = [one for one in heard if one.id != waiting[-1].id]
    file_draft(unit, shop, follow_up_of(house, case, waiting[-1], before, Wanted(salt=salt)))
    return True


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
