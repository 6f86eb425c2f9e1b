"""The draft of a reply: chosen, rendered, addressed, and asked for where the manager finds it.

A reply is made from what is stored of a case and of the message that it answers, so that it can be made again later.
"""

from dataclasses import dataclass, replace
from datetime import date

from intake.config import Shop
from intake.errors import TemplateError
from intake.pipeline.effects import APPEND_DRAFT, PREVIEW_LETTER, of_draft
from intake.pipeline.house import House
from intake.pipeline.items import Item
from intake.pipeline.records import event_of
from intake.reading.mail import MISSING_ID
from intake.replies.compose import ACKNOWLEDGEMENT, ANSWER, Complaint, compose, quote
from intake.rules.tokens import make_nonce, make_token
from intake.types import Categorisation, Channel, Facts, Language, Reply
from storage import models
from storage.models import Case
from storage.processing import Processing


@dataclass(frozen=True, slots=True)
class Wanted:
    """What reply is asked for: its kind; the day that a holding reply names, the outcome of a final position;
    `language` and `category` where they are not the case's. `mail_to` is where it goes by mail, whatever it answers;
    else it goes the way that the message came. `salt` tells drafts of the same moment apart."""

    kind: str = ANSWER
    language: Language | None = None
    category: str = ""
    proposed_on: date | None = None
    outcome: str = ""
    mail_to: str = ""
    salt: str = ""


def add_draft(house: House, unit: Processing, item: Item, case: Case, message: models.Message) -> None:
    """Compose the answer to a message that was just stored, and ask for it to be put where the manager finds it."""
    examined = item.examined
    record = (item.arrival.record or {}).get("sha256", "")  # one that comes late makes another draft
    wanted = Wanted(language=examined.language, category=examined.categorisation.category, salt=record)
    draft = make_draft(house, case, message, wanted)
    file_draft(unit, item.shop, draft)
    unit.add_event(event_of(house, item.arrival, case.id, "drafted", template=draft.template, gaps=len(draft.gaps)))


def file_draft(unit: Processing, shop: Shop, draft: models.Draft, put: str = APPEND_DRAFT) -> int:
    """Store a draft and ask for it to be put where the manager finds it: in her Drafts where the shop has a mailbox
    (`put` may say that it renews another); a letter also as a preview where it has a post folder. Its id."""
    draft_id = unit.add_draft(draft)
    kinds = [put] if shop.mailbox is not None else []
    if draft.channel is models.Channel.LETTER and shop.post_folder is not None:
        kinds.append(PREVIEW_LETTER)
    for kind in kinds:
        unit.add_effect(of_draft(kind, shop.id, draft, draft_id))
    return draft_id


def make_draft(house: House, case: Case, message: models.Message, wanted: Wanted) -> models.Draft:
    """A reply to a stored message (its id is set), rendered and addressed.

    A posted reply goes to the shop's post room by mail. Every reply refers to an id of ours, its anchor: mail programs
    give a draft another Message-ID when it is sent, and keep its References.
    """
    shop = house.shop(case.shop)
    local = message.received_at.astimezone(shop.zone)
    reply = _reply(house, shop, wanted.kind, _complaint(house, case, message, wanted))
    came_by_mail = message.channel is models.Channel.MAIL
    by_mail = came_by_mail or bool(wanted.mail_to)
    room = shop.post_folder.room_address if shop.post_folder else ""
    recipient = wanted.mail_to or (case.complainant_address if by_mail else room)
    now = house.clock()
    held = _answered_id(message) if came_by_mail else ""
    who = case.complainant_name or case.complainant_address
    # An acknowledgement goes out unread: a stranger's words in it would go to whom he calls the sender.
    quoted = by_mail and bool(message.text) and wanted.kind != ACKNOWLEDGEMENT
    parts = (str(message.arrival_id), str(message.id), now.isoformat(), wanted.salt)
    nonce = make_nonce(house.key, *parts, *(() if wanted.kind == ANSWER else (wanted.kind,)))
    anchor = make_token(house.key, shop.id, case.reference, make_nonce(house.key, "anchor", nonce), shop.mail_domain)
    # The mail that it answers stands last, where programs look for it; the anchor before it, where none is cut off.
    thread = (*message.reference_ids, anchor, held) if came_by_mail else (anchor,)
    return models.Draft(
        case_id=case.id or 0,
        message_id=message.id or 0,
        kind=wanted.kind,
        channel=models.Channel.MAIL if by_mail else message.channel,
        language=reply.language,
        category=wanted.category or case.category,
        template=reply.template,
        explanation=reply.explanation,
        recipient=recipient,
        subject=reply.subject,
        body=reply.body,
        quote=quote(message.text, who, local, reply.language) if quoted else "",
        gaps=list(reply.gaps),
        token=make_token(house.key, shop.id, case.reference, nonce, shop.mail_domain),
        anchor=anchor,
        in_reply_to=held,
        reference_ids=list(dict.fromkeys(filter(None, thread))),
        proposed_on=wanted.proposed_on,
        outcome=wanted.outcome,
        dated=now.astimezone(shop.zone).date(),
        made_at=now,
    )


def _answered_id(message: models.Message) -> str:
    """The Message-ID of the customer's own mail, which a reply answers: of a forward the original's, where known."""
    if message.forwarded_by:
        return message.forwarded_id
    return "" if message.message_id.endswith(MISSING_ID) else message.message_id


def _reply(house: House, shop: Shop, kind: str, complaint: Complaint) -> Reply:
    """The reply by the shop's own template; by the one delivered where the shop's is wrong, because the clock runs."""
    try:
        return compose(kind, complaint, shop, house.templates[shop.id])
    except TemplateError as error:
        house.log.error("template cannot be used", shop=shop.id, case=complaint.reference, problem=str(error))
        reply = compose(kind, complaint, shop, house.delivered)
        return replace(reply, explanation=f"{reply.explanation}; the shop's own template cannot be used: {error}")


def _complaint(house: House, case: Case, message: models.Message, wanted: Wanted) -> Complaint:
    zone = house.shop(case.shop).zone
    category = wanted.category or case.category
    return Complaint(
        reference=case.reference,
        channel=Channel(message.channel.value),
        customer=case.complainant_name,
        subject=message.subject,
        text=message.text,
        received_on=message.received_at.astimezone(zone).date(),
        due_on=case.due_on,
        language=wanted.language or Language(case.language, 1.0, True),
        categorisation=Categorisation(
            category,
            tuple(message.labels),
            {topic: tuple(words) for topic, words in message.matched.items()},
        ),
        category_name=house.categories.name(category, "en"),
        facts=Facts(**{name: tuple(values) for name, values in message.facts.items()}),
        now=house.clock().astimezone(zone),
        first_received_on=case.received_at.astimezone(zone).date(),
        proposed_on=wanted.proposed_on,
        outcome=wanted.outcome,
        country=str((case.postal or {}).get("country") or ""),
    )
