"""Mail of our own from the Sent folder, which the manager sent from her own mail program.

The draft of a posted answer that goes to the post room approves the letter: her text is what is typeset. Everything
else that is sent is looked at by its headers alone and not stored.
"""

from intake.errors import Refused
from intake.pipeline.approving import approved, store_approval, subject_and_body, unwrapped
from intake.pipeline.house import House
from intake.pipeline.items import Item, question
from intake.pipeline.records import SYSTEM, documents_of, event_of, message_record
from intake.pipeline.settling import Settlement, finish
from intake.rules.decision import Decision
from intake.rules.tokens import find_reference
from intake.types import CaseView, Fate, Message
from storage.models import Case, CaseState, Channel, DraftState
from storage.processing import Processing

MANAGER = "manager"


def settle_sent(house: House, unit: Processing, item: Item) -> Settlement:
    """Store a sent mail with its case. One to the post room approves the letter."""
    message, shop = item.message, item.shop
    known = unit.known(question(house, item))
    repeated = next((number for number, content in known.same_id if content == message.content_hash), None)
    reference = find_reference(house.key, shop.id, ids_of(message))
    case = known.by_reference.get(reference or "")
    if repeated is not None:
        decision = Decision(Fate.DUPLICATE, "same mail", "the same mail came before", duplicate_of=repeated)
    elif case is None:
        decision = Decision(Fate.SET_ASIDE, "internal", "it is a mail of our own from Sent, of no case")
    else:
        seen = CaseView(case.id or 0, case.reference, case.state is CaseState.OPEN, frozenset())
        decision = Decision(Fate.JOINED, "sent", "it was sent from the manager's mail program", case=seen)
    case_id = case.id if case is not None and decision.fate is Fate.JOINED else None
    unit.add_message(message_record(item, decision, house.clock(), case_id), documents_of(house, item))
    if case is not None and case_id is not None:
        unit.add_event(event_of(house, item.arrival, case_id, "sent"))
        _approve(house, unit, item, case)
    settlement = Settlement(item.arrival_id, decision.fate, decision.kind, case.reference if case else "", case=case)
    finish(house, unit, item, [settlement])
    return settlement


def ids_of(message: Message) -> tuple[str, ...]:
    """The ids by which a sent draft is known: mail programs may give it another of its own, and keep the rest."""
    return (message.message_id, *message.in_reply_to, *reversed(message.references))


def _approve(house: House, unit: Processing, item: Item, case: Case) -> None:
    """Approve the letter with the text that was sent, or say on the case why not."""
    case_id = case.id or 0
    draft = unit.latest_draft(case_id)
    if draft is None or draft.channel is not Channel.LETTER:
        return
    subject, body = subject_and_body(unwrapped(item.message.text), item.message.subject)
    if case.state is not CaseState.OPEN:
        unit.add_attention(case_id, f"a letter was sent to the post room, and the case is {case.state.value}")
        return
    if draft.state is DraftState.APPROVED and (draft.subject, draft.body) == (subject, body):
        return
    try:
        letter = approved(house, case, draft, subject, body)
    except Refused as error:
        unit.add_attention(case_id, f"the letter that was sent is not printed: {error.what} Send it again, complete.")
        unit.add_event(event_of(house, item.arrival, case_id, "not approved"))
        return
    store_approval(unit, case, draft, letter, f"{MANAGER}, by mail" if item.shop.manager.name else SYSTEM)
