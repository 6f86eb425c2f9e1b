"""Mail of our own from the Sent folder, which the manager sent from her own mail program.

What it means for its case is for `rules.sent`; here that is written down: the case is answered, the letter approved,
the date moved, or nothing. Everything else that is sent is looked at by its headers alone and not stored.
"""

from intake.errors import Refused
from intake.pipeline.answering import MAIL, NO_LATER_DAY, answer_case, hold_case, wait_on
from intake.pipeline.approving import approved, store_approval, subject_and_body, unwrapped
from intake.pipeline.house import House
from intake.pipeline.items import Item, question, view
from intake.pipeline.records import documents_of, event_of, message_record
from intake.pipeline.settling import Settlement, finish
from intake.replies.templates import find_gaps
from intake.rules.decision import Decision
from intake.rules.sent import (
    Meaning,
    Meant,
    Proposed,
    came_after,
    ids_of,
    meaning_of,
    named_day,
    our_words,
    recipients_of,
)
from intake.rules.tokens import read_token
from intake.types import Channel, Fate
from storage import models
from storage.knowledge import Known
from storage.models import Case, CaseState, Draft, DraftState, Notice
from storage.processing import Processing

MANAGER = "manager, by mail"
# The states in which a draft can still lie in her Drafts: of a deleted one she may have a copy.
IN_DRAFTS = (DraftState.WAITING, DraftState.SUPERSEDED, DraftState.DELETED)


def settle_sent(house: House, unit: Processing, item: Item) -> Settlement:
    """Store a sent mail with its case, and what it means for it. A copy of it that came to the mailbox, because she
    sent it to herself too, said nothing of its case."""
    known = unit.known(question(house, item))
    repeated = next((number for number, content in known.sent_before if content == item.message.content_hash), None)
    case = _case_of(house, unit, item, known)
    if repeated is not None:
        decision = Decision(Fate.DUPLICATE, "same mail", "the same mail came before", duplicate_of=repeated)
    elif case is None:
        decision = Decision(Fate.SET_ASIDE, "internal", "it is a mail of our own from Sent, of no case")
    else:
        decision = Decision(Fate.JOINED, "sent", "it was sent from the manager's mail program", case=view(case))
    case_id = case.id if case is not None and decision.fate is Fate.JOINED else None
    message_id = unit.add_message(message_record(item, decision, house.clock(), case_id), documents_of(house, item))
    if case is not None and case_id is not None:
        _take_up(house, unit, item, case, message_id)
    settlement = Settlement(item.arrival_id, decision.fate, decision.kind, case.reference if case else "", case=case)
    finish(house, unit, item, [settlement])
    return settlement


def _case_of(house: House, unit: Processing, item: Item, known: Known) -> Case | None:
    """The case that the nearest id leads to, whose customer it went to if there is one: a thread may name another case
    of old."""
    found: list[Case] = []
    for one in ids_of(item.message):
        reference = read_token(house.key, item.shop.id, one)
        case = known.by_reference.get(reference) if reference else known.by_message_id.get(one)
        if case is not None and case.anonymised_at is None and case not in found:
            found.append(case)
    recipients = recipients_of(item.message)
    reached = (case for case in found if recipients & {*unit.participants(case.id or 0), case.complainant_address})
    return next(reached, found[0] if found else None)


def _take_up(house: House, unit: Processing, item: Item, case: Case, message_id: int) -> None:
    """Write down what a sent mail means for its case."""
    case_id = case.id or 0
    drafts = unit.drafts_of(case_id)
    participants = {*unit.participants(case_id), case.complainant_address.lower()}
    meant = meaning_of(item.message, [_proposed(draft) for draft in drafts], participants, item.shop)
    draft = next((one for one in drafts if one.id == meant.draft), None)
    said = {"meaning": meant.meaning.value, "why": meant.why, "sent_at": item.received_at.isoformat()}
    unit.add_event(event_of(house, item.arrival, case_id, "sent", MANAGER, **said))
    if meant.meaning is Meaning.LETTER and draft is not None:
        _approve(house, unit, item, case, draft)
    elif meant.meaning is Meaning.ELSEWHERE and case.state is CaseState.OPEN:
        unit.add_attention(
            case_id,
            f"its draft was sent to an address that is not the customer's: `intake answer {case.reference} --how mail` "
            "if that was the answer",
        )
    elif meant.meaning is Meaning.ANSWER:
        _answer(house, unit, item, case, meant)
    elif meant.meaning is Meaning.HOLDING and draft is not None and case.state is CaseState.OPEN:
        _hold(house, unit, item, case, (draft, message_id))
    counted = meant.meaning not in (Meaning.LETTER, Meaning.NOTHING)
    if draft is not None and counted:
        unit.change_draft(draft.id or 0, state=DraftState.SENT, sent_at=item.received_at)


def _proposed(draft: Draft) -> Proposed:
    return Proposed(
        id=draft.id or 0,
        kind=draft.kind,
        ids=frozenset(filter(None, (draft.token, draft.anchor))),
        recipient=draft.recipient,
        waiting=draft.state is DraftState.WAITING,
        gone=draft.state not in IN_DRAFTS,
        letter=draft.channel is models.Channel.LETTER,
    )


def _answer(house: House, unit: Processing, item: Item, case: Case, meant: Meant) -> None:
    """The case is answered at the moment of sending, unless it is dealt with, or what it waits for came later."""
    case_id, sent_at, zone = case.id or 0, item.received_at, item.shop.zone
    if case.state is not CaseState.OPEN:
        return
    later = [
        one for one in unit.heard_of(case_id) if came_after(one.received_at, Channel(one.channel.value), sent_at, zone)
    ]
    deadline = unit.deadline_of(case_id)
    if deadline is not None and any(one.id == deadline.message_id for one in later):
        return  # it was opened, or is open again, by what came after this was sent
    _tell_gaps(house, unit, item, case)
    answer_case(house, unit, case, MAIL, min(sent_at, house.clock()), MANAGER, draft=str(meant.draft or "by hand"))
    wait_on(house, unit, case, sent_at, f"after {item.arrival_id}")


def _tell_gaps(house: House, unit: Processing, item: Item, case: Case) -> None:
    """Gaps that went to the customer: a person should write once more, soon."""
    gaps = find_gaps(our_words(item.message))
    if not gaps:
        return
    unit.add_attention(case.id or 0, f"sent with gaps in it: {' '.join(gaps)}")
    text = f"{case.reference}: the answer was sent with {len(gaps)} gap(s) left in it. Write to the customer once more."
    unit.add_notice(
        Notice(
            key=f"gaps sent:{item.arrival_id}",
            shop=case.shop,
            case_id=case.id,
            kind="gaps sent",
            text=text,
            urgent=True,
            made_at=house.clock(),
        )
    )


def _hold(house: House, unit: Processing, item: Item, case: Case, sent: tuple[Draft, int]) -> None:
    """A holding reply sets the day that stands in it as it was sent; `sent`: its draft, and it as a message."""
    draft, message_id = sent
    _tell_gaps(house, unit, item, case)
    day = named_day(item.examined.facts.dates, case.due_on, draft.proposed_on)
    if day is None:
        unit.add_attention(case.id or 0, NO_LATER_DAY)
        return
    hold_case(house, unit, case, day, (message_id, MANAGER))


def _approve(house: House, unit: Processing, item: Item, case: Case, sent: Draft) -> None:
    """Approve the letter with the text that was sent, or say on the case why not."""
    case_id = case.id or 0
    of_its_kind = [one for one in unit.drafts_of(case_id) if one.kind == sent.kind]
    draft = of_its_kind[-1]
    if draft.channel is not models.Channel.LETTER:
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
    store_approval(unit, case, draft, letter, MANAGER)
