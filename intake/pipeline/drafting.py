"""The draft of an answer: chosen, rendered, addressed, and asked for where the manager finds it."""

from dataclasses import replace
from datetime import date

from intake.config import Shop
from intake.errors import TemplateError
from intake.pipeline.effects import APPEND_DRAFT, PREVIEW_LETTER, of_draft
from intake.pipeline.house import House
from intake.pipeline.items import Item
from intake.pipeline.records import event_of
from intake.reading.mail import MISSING_ID
from intake.replies.compose import ANSWER, Complaint, compose, quote
from intake.rules.tokens import make_nonce, make_token
from intake.types import Channel, Message, Reply
from storage import models
from storage.models import Case
from storage.processing import Processing


def add_draft(house: House, unit: Processing, item: Item, case: Case, message_id: int) -> None:
    """Compose the answer and ask for it to be put where the manager finds it."""
    draft = make_draft(house, item, case, message_id)
    draft_id = unit.add_draft(draft)
    for kind in _draft_effects(item):
        unit.add_effect(of_draft(kind, item.shop.id, draft, draft_id))
    unit.add_event(event_of(house, item.arrival, case.id, "drafted", template=draft.template, gaps=len(draft.gaps)))


def _draft_effects(item: Item) -> list[str]:
    """In the manager's Drafts where the shop has a mailbox; a letter also as a preview where it has a post folder."""
    kinds = [APPEND_DRAFT] if item.shop.mailbox is not None else []
    if item.is_letter and item.shop.post_folder is not None:
        kinds.append(PREVIEW_LETTER)
    return kinds


def make_draft(house: House, item: Item, case: Case, message_id: int) -> models.Draft:
    """The answer to a message, rendered and addressed. A posted answer goes to the shop's post room by mail, and refers
    to an id of ours: mail programs give a draft another Message-ID when it is sent, and keep its References."""
    shop, message, examined = item.shop, item.message, item.examined
    local = item.received_at.astimezone(shop.zone)
    reply = _reply(house, shop, _complaint(house, item, case, local.date()))
    by_mail = message.channel is Channel.MAIL
    domain = shop.manager.addresses[0].rpartition("@")[2]
    recipient = case.complainant_address if by_mail else (shop.post_folder.room_address if shop.post_folder else "")
    now = house.clock()
    held = _answered_id(message) if by_mail else ""
    who = case.complainant_name or case.complainant_address
    record = (item.arrival.record or {}).get("sha256", "")  # one that comes late makes another draft
    nonce = make_nonce(house.key, str(item.arrival_id), str(message_id), now.isoformat(), record)
    anchor = make_token(house.key, shop.id, case.reference, make_nonce(house.key, "anchor", nonce), domain)
    thread = (*message.references, held) if by_mail else (anchor,)
    return models.Draft(
        case_id=case.id or 0,
        message_id=message_id,
        kind=ANSWER,
        channel=models.Channel(message.channel.value),
        language=reply.language,
        category=examined.categorisation.category,
        template=reply.template,
        explanation=reply.explanation,
        recipient=recipient,
        subject=reply.subject,
        body=reply.body,
        quote=quote(message.text, who, local, reply.language) if by_mail and message.text else "",
        gaps=list(reply.gaps),
        token=make_token(house.key, shop.id, case.reference, nonce, domain),
        in_reply_to=held,
        reference_ids=list(dict.fromkeys(filter(None, thread))),
        dated=now.astimezone(shop.zone).date(),
        made_at=now,
    )


def _answered_id(message: Message) -> str:
    """The Message-ID of the customer's own mail, which a reply answers: of a forward the original's, where known."""
    if message.forwarded_by is not None:
        return message.forwarded.message_id if message.forwarded else ""
    return "" if message.message_id.endswith(MISSING_ID) else message.message_id


def _reply(house: House, shop: Shop, complaint: Complaint) -> Reply:
    """The answer by the shop's own template; by the one delivered where the shop's is wrong, because the clock runs."""
    try:
        return compose(ANSWER, complaint, shop, house.templates[shop.id])
    except TemplateError as error:
        house.log.error("template cannot be used", shop=shop.id, case=complaint.reference, problem=str(error))
        reply = compose(ANSWER, complaint, shop, house.delivered)
        return replace(reply, explanation=f"{reply.explanation}; the shop's own template cannot be used: {error}")


def _complaint(house: House, item: Item, case: Case, received_on: date) -> Complaint:
    examined = item.examined
    return Complaint(
        reference=case.reference,
        channel=item.message.channel,
        customer=case.complainant_name,
        subject=item.message.subject,
        text=item.message.text,
        received_on=received_on,
        due_on=case.due_on,
        language=examined.language,
        categorisation=examined.categorisation,
        category_name=house.categories.name(examined.categorisation.category, "en"),
        facts=examined.facts,
    )
