"""Drafts that the manager has deleted: the case says so, and none is put back.

A draft counts as deleted once it is missing from Drafts and from Sent at two looks in a row: a mail program that sends
one takes it out of Drafts before its copy lies in Sent.
"""

from collections.abc import Sequence

from intake.config import Shop
from intake.imap import Session
from intake.pipeline.house import House
from intake.pipeline.renewing import PUT
from intake.sources.drafts import DraftsSource
from storage.models import SUBSTANTIVE, Case, Draft, DraftState, Event, Notice

GONE = "its draft was deleted: `intake redraft {}` makes another"


def notice_deleted(house: House, shop: Shop, source: DraftsSource, session: Session) -> int:
    """Look at Drafts, if anything was taken out of it; how many drafts are deleted for good. Raises `ServerError`."""
    if not (source.missing or source.has_lost(session)):
        return 0
    # Asked before the folder is read: what is put there meanwhile is not missing.
    lying = house.store.answers.lying(shop.id, PUT)
    there = source.ids(session)
    if there is None:
        return 0
    missing = [(draft, case) for draft, case in lying if not {draft.token, draft.anchor} & there]
    twice = [pair for pair in missing if pair[0].token in source.missing]
    deleted = [(draft, case) for draft, case in twice if not source.was_sent(session, (draft.token, draft.anchor))]
    source.missing = frozenset(draft.token for draft, _ in missing) - {draft.token for draft, _ in twice}
    return _note(house, deleted)


def _note(house: House, deleted: Sequence[tuple[Draft, Case]]) -> int:
    count = 0
    for draft, case in deleted:
        with house.store.processing() as unit:
            if draft.id not in {one.id for one in unit.waiting_drafts(case.id or 0)}:
                continue  # it was sent, or replaced, meanwhile
            count += 1
            unit.change_draft(draft.id or 0, state=DraftState.DELETED)
            data = {"kind": draft.kind}
            unit.add_event(
                Event(
                    shop=case.shop,
                    case_id=case.id,
                    kind="draft deleted",
                    actor="manager",
                    data=data,
                    at=house.clock(),
                )
            )
            if draft.kind in SUBSTANTIVE:
                what = GONE.format(case.reference)
                unit.add_attention(case.id or 0, what)
                unit.add_notice(
                    Notice(
                        key=f"draft deleted:{draft.id}",
                        shop=case.shop,
                        case_id=case.id,
                        kind="draft deleted",
                        text=f"{case.reference}: {what}.",
                        made_at=house.clock(),
                    )
                )
    return count
