"""A draft keeps up with its case: when the customer writes again, an untouched one is made anew, a touched one is hers.

    the customer's message joins an open case ─► a new draft, composed of all that was written ─► asked for
    over IMAP: the old one untouched ─► the new one appended, the old one withdrawn
               touched               ─► hers stays, and she is told
               deleted               ─► none is put back, and the case says so

The first half is part of the transaction in which the message joins; the second looks at the manager's Drafts and can
be repeated after a kill at any point.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from intake.errors import ServerRefused
from intake.outlets.drafts_folder import DraftsFolder, Place, fingerprint
from intake.pipeline.drafting import Wanted, file_draft, make_draft
from intake.pipeline.effects import APPEND_DRAFT, RENEW_DRAFT
from intake.pipeline.house import House
from intake.pipeline.items import Item
from intake.pipeline.records import event_of
from intake.replies.compose import ANSWER, quote
from intake.rules.automatic import find_automatic
from intake.rules.categories import OTHER
from intake.rules.thanks import is_mere_thanks
from storage import models
from storage.models import SUBSTANTIVE, Case, CaseState, Draft, DraftState, Event, Notice
from storage.processing import Processing

PUT = (APPEND_DRAFT, RENEW_DRAFT)  # the effects that put a draft into Drafts
# Of one case: for two programs that answer each other, or for a flood, no draft is drawn up for each mail.
DRAFTS_A_DAY, A_DAY = 5, timedelta(days=1)
LOOKS = 3  # before a draft counts as deleted: a mail program may be sending it
TOUCHED = "the customer wrote again after you began to edit the draft: read it"
DELETED = "the customer wrote again after its draft was deleted: `intake redraft {}` makes another"
CORRECTED = "the case was corrected, and its draft was edited or deleted before: `intake redraft {}` makes another"
APPROVED = "the customer wrote again after its letter was approved: read it before it is posted"
OFTEN = "the customer writes often today: the draft is not made anew for each mail"
OLDER_LIES = "an older draft of it lies in Drafts, too, since the server does not let it be removed: delete it"


def is_thanks(house: House, item: Item) -> bool:
    """Whether a message is mere thanks."""
    message = item.message
    plain = message.readable and all(one.inline for one in message.attachments)
    return plain and is_mere_thanks(message.text, house.categories, item.examined.language.code)


def wants_answer(house: House, item: Item) -> bool:
    """Whether a person wrote a message, and more than mere thanks."""
    own_lists = item.shop.mailbox.own_lists if item.shop.mailbox else ()
    return find_automatic(item.message, own_lists) is None and not is_thanks(house, item)


def keep_up(house: House, unit: Processing, item: Item, case_id: int, message: models.Message) -> None:
    """A message that was just stored has joined a case that is open: its draft is made anew. Thanks, and what no person
    wrote, change nothing."""
    case = unit.case_by_id(case_id)
    if case is None or case.state is not CaseState.OPEN or item.arrival.answered:
        return
    if not wants_answer(house, item):
        return
    drafts = [one for one in unit.drafts_of(case_id) if one.kind in SUBSTANTIVE]
    counting = [one for one in drafts if one.state is not DraftState.SUPERSEDED]
    latest = counting[-1].state if counting else None
    number = f"{message.arrival_id}.{message.part}"
    if latest is DraftState.APPROVED:
        _tell(house, unit, case, number, APPROVED)
    elif latest is DraftState.DELETED:
        _tell(house, unit, case, number, DELETED.format(case.reference))
    elif sum(one.made_at > house.clock() - A_DAY for one in drafts) >= DRAFTS_A_DAY:
        _tell(house, unit, case, f"{house.clock():%Y-%m-%d}", OFTEN)
    else:
        waiting = [one for one in counting if one.state is DraftState.WAITING]
        draft_follow_up(house, unit, item, (case, message), waiting)


def draft_follow_up(
    house: House, unit: Processing, item: Item, told: tuple[Case, models.Message], waiting: Sequence[Draft] = ()
) -> None:
    """Compose the answer to a message of a case that had others before it, and ask for it to be put where the manager
    finds it: in the place of what is `waiting` there."""
    (case, message), shop = told, item.shop
    case_id = case.id or 0
    before = [one for one in unit.heard_of(case_id) if one.id != message.id]
    draft = follow_up_of(house, case, message, before, _wanted(item, waiting))
    if shop.mailbox is None:
        for old in waiting:
            unit.change_draft(old.id or 0, state=DraftState.SUPERSEDED)
    file_draft(unit, shop, draft, RENEW_DRAFT if waiting else APPEND_DRAFT)
    kind = "draft renewed" if waiting else "drafted"
    unit.add_event(event_of(house, item.arrival, case_id, kind, template=draft.template, gaps=len(draft.gaps)))


def follow_up_of(
    house: House, case: Case, message: models.Message, before: Sequence[models.Message], wanted: Wanted
) -> Draft:
    """The reply to a message with what the earlier ones told: facts, labels, and what the complaint is about. It quotes
    the message alone."""
    whole = _whole(message, before)
    category = message.category if message.category not in ("", OTHER) else case.category
    draft = make_draft(house, case, whole, replace(wanted, category=category))
    if not draft.quote:
        return draft
    local = message.received_at.astimezone(house.shop(case.shop).zone)
    who = case.complainant_name or case.complainant_address
    return draft.model_copy(update={"quote": quote(message.text, who, local, draft.language) if message.text else ""})


def _wanted(item: Item, waiting: Sequence[Draft]) -> Wanted:
    """A final position that waits is not replaced by an answer; a short text does not tell its language."""
    old = waiting[-1] if waiting else None
    language = item.examined.language if item.examined.language.sure else None
    return Wanted(kind=old.kind if old else ANSWER, language=language, outcome=old.outcome if old else "")


def _whole(message: models.Message, before: Sequence[models.Message]) -> models.Message:
    """A message with what the earlier ones of its case told, its own first."""
    said = (message, *reversed(before))
    names = dict.fromkeys(name for one in said for name in one.facts)
    topics = dict.fromkeys(topic for one in said for topic in one.matched)
    return message.model_copy(
        update={
            "text": "\n\n".join(one.text for one in said if one.text),
            "facts": {name: _joined(one.facts.get(name, ()) for one in said) for name in names},
            "labels": _joined(one.labels for one in said),
            "matched": {topic: _joined(one.matched.get(topic, ()) for one in said) for topic in topics},
        }
    )


def _joined(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(value for one in lists for value in one))


def _tell(house: House, unit: Processing, case: Case, key: str, what: str) -> None:
    """Say on the case, and to the manager at once, that the customer wrote and no draft says so."""
    unit.add_attention(case.id or 0, what)
    unit.add_notice(
        Notice(
            key=f"wrote again:{case.id}:{key}",
            shop=case.shop,
            case_id=case.id,
            kind="wrote again",
            text=f"{case.reference}: {what}.",
            urgent=True,
            made_at=house.clock(),
        )
    )


# Over IMAP


@dataclass(frozen=True, slots=True)
class Renewal:
    """A draft that is to take the place of others: its case, how often it was tried before, and what builds the bytes
    of a draft."""

    draft: Draft
    case: Case
    tries: int
    mail_of: Callable[[Draft], bytes]


def replace_drafts(house: House, work: Renewal, folder: DraftsFolder) -> DraftState:
    """Put a draft in the place of those that wait, if nobody has touched or deleted them; what became of it. Raises
    `ServerError`; `ServerRefused` where it has to be looked at once more."""
    drafts = [one for one in house.store.answers.drafts_of(work.case.id or 0) if one.kind in SUBSTANTIVE]
    fresh = next((one for one in drafts if one.id == work.draft.id), work.draft)
    before = [one for one in drafts if (one.id or 0) < (work.draft.id or 0) and one.state is not DraftState.SUPERSEDED]
    if fresh.state is not DraftState.WAITING:
        return fresh.state
    if before and before[-1].state is DraftState.APPROVED:
        return _give_up(house, work, APPROVED, ())
    places = {one.id: _find(folder, work, one) for one in before if one.state is DraftState.WAITING}
    here = _find(folder, work, fresh) if work.tries else Place.GONE
    if Place.TOUCHED in places.values():
        if here is Place.UNTOUCHED:
            _withdraw(folder, work, fresh)
        return _give_up(house, work, _reason(work, before, TOUCHED), ())
    deleted = _deleted(house, work, before, places) if here is Place.GONE else []
    if deleted:
        return _give_up(house, work, _reason(work, before, DELETED), deleted)
    if here is Place.GONE:
        raw = work.mail_of(fresh)
        house.store.answers.note_filed({fresh.id or 0: fingerprint(raw)})
        folder.put(raw, fresh.made_at)
        house.checkpoint("draft appended")
    lying = [one for one in before if places.get(one.id) is Place.UNTOUCHED]
    left = [one for one in lying if not _withdraw(folder, work, one)]
    house.checkpoint("old draft withdrawn")
    _taken_over(house, work, [one for one in before if places.get(one.id) in (Place.UNTOUCHED, Place.GONE)], left)
    return DraftState.WAITING


def _reason(work: Renewal, before: Sequence[Draft], wrote: str) -> str:
    """Why there was to be another draft: the customer wrote, or a person corrected what the reply to the same message
    rests on."""
    corrected = bool(before) and before[-1].message_id == work.draft.message_id
    return (CORRECTED if corrected else wrote).format(work.case.reference)


def _find(folder: DraftsFolder, work: Renewal, draft: Draft) -> Place:
    return folder.find(draft.token, draft.anchor, work.mail_of(draft), draft.filed_sha256)


def _withdraw(folder: DraftsFolder, work: Renewal, draft: Draft) -> bool:
    return folder.withdraw(draft.token, work.mail_of(draft), draft.filed_sha256)


def _deleted(
    house: House, work: Renewal, before: Sequence[Draft], places: dict[int | None, Place]
) -> Sequence[Draft] | None:
    """The drafts that the manager has deleted, where nothing else waits; one that is missing is looked for some times,
    since a mail program takes it out of Drafts before it lies in Sent."""
    if before and before[-1].state is DraftState.DELETED:
        return [before[-1]]
    missing = [one for one in before if places.get(one.id) is Place.GONE]
    delivered = house.store.answers.delivered([one.id or 0 for one in missing], PUT) if missing else set()
    deleted = [one for one in missing if one.id in delivered]
    if Place.UNTOUCHED in places.values():
        return []
    if deleted and work.tries < LOOKS - 1:
        raise ServerRefused(
            f"The draft of {work.case.reference} is not in Drafts any more.", "It is looked for once more."
        )
    return deleted


def _give_up(house: House, work: Renewal, what: str, deleted: Sequence[Draft]) -> DraftState:
    """Keep what the manager has, or has deleted; the new draft is not put anywhere."""
    case_id = work.case.id or 0
    with house.store.processing() as unit:
        waiting = {one.id for one in unit.waiting_drafts(case_id)}
        for one in deleted:
            if one.id in waiting:
                unit.change_draft(one.id or 0, state=DraftState.DELETED)
        if work.draft.id in waiting:
            unit.change_draft(work.draft.id or 0, state=DraftState.SUPERSEDED)
            _tell(house, unit, work.case, str(work.draft.id), what)
            unit.add_event(_event(house, work.case, "draft not renewed", "deleted" if deleted else "edited"))
    return DraftState.SUPERSEDED


def _taken_over(house: House, work: Renewal, replaced: Sequence[Draft], left: Sequence[Draft]) -> None:
    with house.store.processing() as unit:
        waiting = {one.id for one in unit.waiting_drafts(work.case.id or 0)}
        for one in replaced:
            if one.id in waiting:
                unit.change_draft(one.id or 0, state=DraftState.SUPERSEDED)
        if left:
            unit.add_attention(work.case.id or 0, OLDER_LIES)


def _event(house: House, case: Case, kind: str, why: str) -> Event:
    return Event(shop=case.shop, case_id=case.id, kind=kind, actor="intake", data={"why": why}, at=house.clock())
