"""A holding reply is drafted on the business day before an answer is due, so that it lies there when it is needed.

It asks for a few days more and says when. Nothing is sent by itself: whether it goes out is the manager's decision. One
is made once for each date: a notice under its key remembers it, so that one that she deletes is not put back.
"""

from collections.abc import Sequence
from datetime import datetime

from intake import deadlines
from intake.config import Shop
from intake.errors import TemplateError
from intake.pipeline.drafting import Wanted, file_draft, make_draft
from intake.pipeline.house import House
from intake.pipeline.records import SYSTEM
from intake.pipeline.withdrawing import take_back
from intake.replies.compose import HOLDING
from storage.models import Case, CaseState, Draft, Event, Notice


def draft_holding_replies(house: House, shop: Shop, cases: Sequence[Case]) -> int:
    """Draft a holding reply for each of these open cases that has none for its present date; how many."""
    keys = {_key(case): case for case in cases}
    held = house.store.notices.held(list(keys)) if keys else set()
    return sum(_draft(house, shop, case, house.clock()) for key, case in keys.items() if key not in held)


def _key(case: Case) -> str:
    return f"{HOLDING}:{case.id}:{case.due_on}"


def _draft(house: House, shop: Shop, case: Case, now: datetime) -> bool:
    """One case: its draft, or a notice that none can be made. Whether there is a draft."""
    case_id = case.id or 0
    notice = Notice(key=_key(case), shop=shop.id, case_id=case_id, kind=HOLDING, text="", made_at=now, told_at=now)
    message = house.store.notices.last_message(case_id)
    waiting = house.store.notices.waiting_drafts([case_id], [HOLDING])
    if message is None or not all(_is_past(one, case) for one in waiting):
        house.store.notices.add([notice])  # a person has asked for one
        return False
    asked_until = deadlines.add_business_days(case.due_on, shop.promise.holding_days, shop.calendar)
    wanted = Wanted(kind=HOLDING, proposed_on=asked_until, salt=case.due_on.isoformat())
    try:
        draft = make_draft(house, case, message, wanted)
    except TemplateError as error:
        house.log.error("no holding reply can be made", case=case.reference, problem=str(error))
        text = house.words[shop.languages[0]].lines["no holding"]
        house.store.notices.add([notice.model_copy(update={"text": text, "told_at": None})])
        return False
    with house.store.processing() as unit:
        held = unit.case_by_id(case_id)
        if held is None or held.state is not CaseState.OPEN or held.due_on != case.due_on:
            return False  # answered, or moved, just now
        for old in unit.waiting_drafts(case_id):
            if old.kind == HOLDING and _is_past(old, held):
                take_back(unit, shop, old)
        file_draft(unit, shop, draft)
        unit.add_notice(notice)
        told = {"kind": HOLDING, "template": draft.template, "proposed_on": asked_until.isoformat()}
        unit.add_event(Event(shop=shop.id, case_id=case_id, kind="drafted", actor=SYSTEM, data=told, at=now))
    house.checkpoint("holding reply drafted")
    return True


def _is_past(draft: Draft, case: Case) -> bool:
    """Whether a holding reply names no later day than the one by which its case is due: its date has moved since."""
    return draft.proposed_on is not None and draft.proposed_on <= case.due_on
