"""Acknowledge: say at once what was received and when the answer comes, where that may be said without a person.

Part of the transaction that opens a case: the acknowledgement is a draft of its own kind, with an effect that sends it
(`pipeline.sending`) or that lays it where the manager finds it. Why a case is not acknowledged stands in its history.
"""

from intake.config import Shop
from intake.errors import TemplateError
from intake.pipeline.drafting import Wanted, file_draft, make_draft
from intake.pipeline.effects import APPEND_DRAFT, SEND_REPLY, TYPESET_LETTER, of_draft
from intake.pipeline.house import House
from intake.pipeline.items import POST, Item
from intake.pipeline.records import event_of
from intake.replies.compose import ACKNOWLEDGEMENT
from intake.rules.acknowledging import Came, Held, Verdict, address_to_tell, may_acknowledge
from intake.types import Undelivered
from storage import models
from storage.models import Case, Notice
from storage.processing import Processing

NOT_ACKNOWLEDGED = "not acknowledged"
NO_SERVER = "the shop has no server to send by"


def addresses_of(item: Item) -> tuple[str, ...]:
    """The addresses that are asked about before an item is settled: who wrote it, and who would be told."""
    sender = item.message.sender
    found = (address_to_tell(item.message, item.shop), sender.key if sender is not None else "")
    return tuple(dict.fromkeys(filter(None, found)))


def acknowledge(house: House, unit: Processing, item: Item, case: Case, stored: models.Message) -> None:
    """Acknowledge a case that `stored` has just opened, or write down why not. `case` has its id."""
    shop = item.shop
    if shop.acknowledge == "off":
        return
    verdict = _verdict(house, unit, item)
    if not verdict.address and item.is_letter and shop.acknowledge_letters and _may_write(verdict, case, shop):
        _make(house, unit, item, case, stored, Verdict(""))  # by post
    elif verdict.why:
        _not_acknowledged(house, unit, item, case, verdict.why)
    elif shop.outgoing is None and shop.mailbox is None:
        _not_acknowledged(house, unit, item, case, NO_SERVER)
    else:
        _make(house, unit, item, case, stored, verdict)


def heard_from(house: House, unit: Processing, item: Item) -> None:
    """Somebody wrote: mail reaches that address again, as far as we know."""
    sender, shop = item.message.sender, item.shop.id
    passed_on = item.is_letter or item.message.forwarded_by is not None or item.arrival.imported
    if sender is None or passed_on:
        return
    if unit.recipients.is_undeliverable(shop, sender.key, house.clock()):
        unit.recipients.set_undeliverable(shop, sender.key, None)


def came_back(house: House, unit: Processing, item: Item, case_id: int, bounced: Undelivered) -> None:
    """A mail of ours did not arrive: nothing automatic goes there any more, and the manager is told.

    Anybody can write a bounce. It counts against an address that a mail of ours went to, by its signed id, or that of
    somebody who takes part in the case."""
    shop, now = item.shop.id, house.clock()
    case, address = unit.case_by_id(case_id), bounced.recipient.strip().lower()
    if case is None:
        return
    known = set(unit.recipients.sent_to(shop, item.message.bounced_ids))
    if address in unit.participants(case_id) or address == case.complainant_address.strip().lower():
        known.add(address)
    for one in sorted(known):
        if not item.shop.owns(one):
            unit.recipients.set_undeliverable(shop, one, now)
    status = f" ({bounced.status})" if bounced.status else ""
    unit.add_notice(
        Notice(
            key=f"not delivered:{item.arrival_id}:{case_id}",
            shop=shop,
            case_id=case_id,
            kind="not delivered",
            text=f"{case.reference}: a mail to the customer did not arrive{status}. Answer another way.",
            urgent=True,
            made_at=now,
        )
    )


def _verdict(house: House, unit: Processing, item: Item) -> Verdict:
    arrival, shop, now = item.arrival, item.shop, house.clock()
    address = address_to_tell(item.message, shop)
    held = Held(
        unit.recipients.acknowledged(shop.id, address, now), unit.recipients.is_undeliverable(shop.id, address, now)
    )
    dropped = not item.is_letter and arrival.account == POST
    return may_acknowledge(item.message, Came(item.received_at, arrival.imported, dropped), held, shop, now)


def _may_write(verdict: Verdict, case: Case, shop: Shop) -> bool:
    """Whether a letter may say it: one that has just come, from somebody whose postal address is known."""
    postal = case.postal or {}
    there = all(postal.get(part) for part in ("street", "postal_code", "city"))
    return shop.post_folder is not None and there and "arrived before" not in verdict.why


def _make(house: House, unit: Processing, item: Item, case: Case, stored: models.Message, verdict: Verdict) -> None:
    """Store the acknowledgement, and ask for it to be sent, or to be laid where the manager finds it."""
    shop, examined = item.shop, item.examined
    wanted = Wanted(
        kind=ACKNOWLEDGEMENT,
        language=examined.language,
        category=examined.categorisation.category,
        mail_to=verdict.address,
    )
    try:
        draft = make_draft(house, case, stored, wanted)
    except TemplateError as error:
        # A case is opened whatever its templates are like.
        house.log.error("cannot be acknowledged", shop=shop.id, case=case.reference, problem=str(error))
        _not_acknowledged(house, unit, item, case, "its template cannot be used")
        return
    if verdict.address:
        unit.recipients.add_acknowledgement(shop.id, verdict.address)
    if verdict.address and not verdict.unsure and shop.acknowledge == "send" and shop.outgoing is not None:
        draft_id = unit.add_draft(draft)
        unit.add_effect(of_draft(SEND_REPLY, shop.id, draft, draft_id))
        return
    if draft.channel is models.Channel.LETTER:
        _print(unit, shop, draft)
    else:
        file_draft(unit, shop, draft)
    unit.add_event(event_of(house, item.arrival, case.id, "acknowledgement drafted", template=draft.template))


def _print(unit: Processing, shop: Shop, draft: models.Draft) -> None:
    """A letter that acknowledges: for the clerk to print at once, or for the manager to send to the post room. It has
    no preview: that place is the answer's."""
    by_hand = shop.acknowledge == "draft" and shop.mailbox is not None
    state = models.DraftState.WAITING if by_hand else models.DraftState.APPROVED
    draft_id = unit.add_draft(draft.model_copy(update={"state": state}))
    unit.add_effect(of_draft(APPEND_DRAFT if by_hand else TYPESET_LETTER, shop.id, draft, draft_id))


def _not_acknowledged(house: House, unit: Processing, item: Item, case: Case, why: str) -> None:
    unit.add_event(event_of(house, item.arrival, case.id, NOT_ACKNOWLEDGED, why=why))
