"""Drafts that wait for the manager and count no more are taken back, where nobody has touched them."""

from intake.config import Shop
from intake.pipeline.effects import APPEND_DRAFT, WITHDRAW_DRAFT, of_draft
from intake.replies.compose import ACKNOWLEDGEMENT
from storage.models import Channel, Draft, DraftState
from storage.processing import Processing


def withdraw_drafts(unit: Processing, shop: Shop, case_id: int) -> None:
    """Take back what waits for the manager, as far as nobody has touched it. An acknowledgement that is on its way to
    the customer goes on; one that lies in Drafts does not."""
    for draft in unit.drafts_of(case_id):
        on_its_way = draft.kind == ACKNOWLEDGEMENT and not unit.is_asked_for(of_draft(APPEND_DRAFT, "", draft, 0).key)
        if draft.state is DraftState.WAITING and not on_its_way:
            take_back(unit, shop, draft)


def take_back(unit: Processing, shop: Shop, draft: Draft) -> None:
    """A draft counts no more: it leaves the manager's Drafts where she has not touched it, and as a letter the post
    folder."""
    unit.change_draft(draft.id or 0, state=DraftState.SUPERSEDED)
    if shop.mailbox is not None or (draft.channel is Channel.LETTER and shop.post_folder is not None):
        unit.add_effect(of_draft(WITHDRAW_DRAFT, shop.id, draft, draft.id or 0))
