"""A case is answered: its clock stops, and the drafts that lie there still are taken back where nobody touched them."""

from datetime import datetime

from intake.config import Shop
from intake.pipeline.effects import WITHDRAW_DRAFT, of_draft
from intake.pipeline.house import House
from storage.models import Case, CaseState, Channel, Draft, DraftState, Event
from storage.processing import Processing

MAIL, LETTER = "mail", "letter"
WAYS = (MAIL, LETTER, "phone", "counter")


def answer_case(house: House, unit: Processing, case: Case, how: str, at: datetime, actor: str, **told: str) -> None:
    """Commit that a case was answered, `how` (one of `WAYS`) and when (aware)."""
    case_id = case.id or 0
    unit.change_case(case_id, state=CaseState.ANSWERED, answered_at=at, answered_how=how)
    withdraw_drafts(unit, house.shop(case.shop), case_id)
    kind = f"answered by {how}"
    unit.add_event(Event(shop=case.shop, case_id=case_id, kind=kind, actor=actor, data=dict(told), at=house.clock()))


def withdraw_drafts(unit: Processing, shop: Shop, case_id: int) -> None:
    """Take back what waits to be sent, as far as nobody has touched it. An acknowledgement on its way goes on."""
    for draft in unit.waiting_drafts(case_id):
        take_back(unit, shop, draft)


def take_back(unit: Processing, shop: Shop, draft: Draft) -> None:
    """A draft counts no more: it leaves the manager's Drafts where she has not touched it, and as a letter the post
    folder."""
    unit.change_draft(draft.id or 0, state=DraftState.SUPERSEDED)
    if shop.mailbox is not None or (draft.channel is Channel.LETTER and shop.post_folder is not None):
        unit.add_effect(of_draft(WITHDRAW_DRAFT, shop.id, draft, draft.id or 0))
