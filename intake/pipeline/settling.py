"""Settle one examined item inside the transaction: ask what is known, decide, and write the outcome down.

Values become records here: message, case, deadline with its trace, draft, effects, and the lines of the history,
which hold ids and field names and no personal text.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time

from intake import deadlines
from intake.config import Shop
from intake.errors import ReadingError, TemplateError
from intake.examine import Examined
from intake.pipeline import notes
from intake.pipeline.house import House
from intake.reading.mail import MISSING_ID
from intake.replies.compose import ANSWER, Complaint, compose, quote
from intake.rules.decision import (
    NOT_HANDED_OVER,
    UNFETCHABLE,
    CaseView,
    Decision,
    Knowledge,
    decide,
    references_to_look_up,
    thread_ids,
)
from intake.rules.people import participant_keys
from intake.rules.tokens import make_nonce, make_token
from intake.rules.verification import verified_sender
from intake.types import Channel, Deadline, Facts, Fate, Message, Reply
from storage import models
from storage.knowledge import Known, Question
from storage.models import Arrival, Case, CaseState
from storage.processing import Processing

SYSTEM = "intake"
APPEND_DRAFT, PREVIEW_LETTER, FILE_SCAN, TYPESET_LETTER = (
    "append draft",
    "preview letter",
    "file scan",
    "typeset letter",
)
LETTERS_ARRIVE_AT = time(12)
TRIES = 3
WORDS_AT_MOST = 160


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an arrival, for the log."""

    arrival_id: int
    fate: Fate
    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class Item:
    """An examined arrival on its way into the database. `received_at` is aware; `basis` says where it is from."""

    arrival: Arrival
    examined: Examined
    shop: Shop
    received_at: datetime
    basis: str
    assumed: bool

    @property
    def arrival_id(self) -> int:
        return self.arrival.id or 0

    @property
    def message(self) -> Message:
        return self.examined.message


def settle(house: House, unit: Processing, item: Item) -> Settlement:
    """Decide one item that was looked up, and store everything that follows."""
    known = _knowledge(unit.known(question(house, item)))
    decision = decide(item.message, item.examined.facts, known, item.shop, house.key)
    return carry_out(house, unit, item, _refine(item.arrival, decision))


def carry_out(house: House, unit: Processing, item: Item, decision: Decision) -> Settlement:
    """Store a decision: the rules' own, or a person's."""
    reference = ""
    if decision.fate is Fate.OPENED:
        reference = open_case(house, unit, item, decision)
    elif decision.fate is Fate.JOINED and decision.case is not None:
        reference = decision.case.reference
        _join(house, unit, item, decision, decision.case)
    else:
        _record_aside(house, unit, item, decision)
    unit.finish_arrival(item.arrival_id)
    return Settlement(item.arrival_id, decision.fate, decision.kind, reference)


def settle_failed(house: House, unit: Processing, arrival: Arrival, error: ReadingError) -> Settlement:
    """A scan that cannot be read: its fate is *failed*, and it goes to `failed/` with a note."""
    shop = house.shop(arrival.shop)
    message = models.Message(
        arrival_id=arrival.id or 0,
        shop=shop.id,
        channel=arrival.channel,
        fate=models.Fate.FAILED,
        reason_kind=error.code,
        reason=str(error),
        received_at=arrival.received_at,
        readable=False,
        stored_at=house.clock(),
    )
    unit.add_message(message)
    filing = {"outcome": "failed", "code": error.code, "note": notes.failed(arrival, error, house.clock(), shop)}
    unit.add_effect(_scan_effect(house, arrival, filing))
    _event(house, unit, arrival, None, "failed", code=error.code)
    unit.finish_arrival(arrival.id or 0)
    return Settlement(arrival.id or 0, Fate.FAILED, error.code, "")


def make_item(house: House, arrival: Arrival, examined: Examined) -> Item:
    """The moment of arrival: a letter's day is the record's, else the file's; a mail's is what its source says."""
    shop = house.shop(arrival.shop)
    if examined.received_on is not None:
        moment = datetime.combine(examined.received_on, LETTERS_ARRIVE_AT, shop.zone)
        return Item(arrival, examined, shop, moment, "the clerk's record", False)
    return Item(arrival, examined, shop, arrival.received_at, arrival.received_basis, arrival.assumed)


def _refine(arrival: Arrival, decision: Decision) -> Decision:
    """A mail that the server did not deliver whole, or that nobody could read, says so on its case. The problem of
    a try that was followed by a good one is past."""
    past = 0 < arrival.attempts < TRIES
    if not arrival.problem or past or decision.fate is not Fate.OPENED:
        return decision
    marked = replace(decision, attention=(arrival.problem, *decision.attention))
    return replace(marked, kind=UNFETCHABLE, reason=arrival.problem) if arrival.problem == NOT_HANDED_OVER else marked


def question(house: House, item: Item) -> Question:
    """What storage is asked about an item before it is decided."""
    message, shop = item.message, item.shop
    return Question(
        shop=shop.id,
        arrival_id=item.arrival_id,
        message_id=message.message_id,
        thread_ids=(*thread_ids(message), *message.bounced_ids),
        references=references_to_look_up(message, item.examined.facts, shop, house.key),
        sha256=_scan_hash(item),
    )


def _scan_hash(item: Item) -> str:
    return item.arrival.sha256 if item.message.channel is Channel.LETTER else ""


def _knowledge(known: Known) -> Knowledge:
    return Knowledge(
        same_id=known.same_id,
        by_message_id={key: view(case, known.participants) for key, case in known.by_message_id.items()},
        by_reference={key: view(case, known.participants) for key, case in known.by_reference.items()},
        twin_scan=known.twin_scan,
        forward_of_it=view(known.forward_of_it, known.participants) if known.forward_of_it else None,
        answered_at=known.answered_at,
    )


def view(case: Case, participants: dict[int, frozenset[str]]) -> CaseView:
    """A case as the rules see it."""
    case_id = case.id or 0
    is_open = case.state is CaseState.OPEN
    return CaseView(case_id, case.reference, is_open, participants.get(case_id, frozenset()))


def open_case(house: House, unit: Processing, item: Item, decision: Decision) -> str:
    """Open a case for a message; its reference."""
    shop, message, examined = item.shop, item.message, item.examined
    now = house.clock()
    deadline = _deadline(item)
    opened_in = item.received_at.astimezone(shop.zone).year
    reference = unit.next_reference(shop.id, shop.prefix, opened_in)
    name, address = decision.complainant
    case = Case(
        shop=shop.id,
        reference=reference,
        channel=models.Channel(message.channel.value),
        subject=message.subject,
        complainant_name=name,
        complainant_address=address,
        postal=asdict(message.postal) if message.postal else None,
        language=examined.language.code,
        category=examined.categorisation.category,
        labels=list(examined.categorisation.labels),
        attention=[*decision.attention],
        received_at=item.received_at,
        received_basis=item.basis,
        assumed=item.assumed,
        due_on=deadline.due_on,
        post_by=deadline.post_by,
        target_at=deadline.target_at,
        opened_at=now,
        state=CaseState.ANSWERED if item.arrival.answered else CaseState.OPEN,
    )
    case_id = unit.open_case(case, participant_keys(message, shop))
    message_id = unit.add_message(_message(item, decision, now, case_id), _documents(message), _scan_hash(item))
    unit.add_deadline(_deadline_record(case_id, message_id, item, deadline, now))
    _event(house, unit, item.arrival, case_id, "opened", category=case.category, due_on=deadline.due_on.isoformat())
    if not item.arrival.answered:
        _add_draft(house, unit, item, case.model_copy(update={"id": case_id}), message_id)
    if message.channel is Channel.LETTER:
        unit.add_effect(_scan_effect(house, item.arrival, notes.filing_of_case(case, message, shop, now)))
    return reference


def _join(house: House, unit: Processing, item: Item, decision: Decision, case: CaseView) -> None:
    """Add a message to its case. A case that was answered is open again, with a date and a draft of its own."""
    now = house.clock()
    message_id = unit.add_message(_message(item, decision, now, case.id), _documents(item.message), _scan_hash(item))
    unit.add_participants(case.id, participant_keys(item.message, item.shop))
    _event(house, unit, item.arrival, case.id, "joined", sign=decision.kind)
    if decision.reopens and not item.arrival.answered:
        unit.reopen_case(case.id)
        unit.move_due(_deadline_record(case.id, message_id, item, _deadline(item), now))
        _event(house, unit, item.arrival, case.id, "reopened")
        reopened = unit.case_by_id(case.id)
        if reopened is not None:
            _add_draft(house, unit, item, reopened, message_id)
    if item.message.channel is Channel.LETTER:
        unit.add_effect(_scan_effect(house, item.arrival, notes.filing_of_join(case.reference, item.shop, now)))


def _record_aside(house: House, unit: Processing, item: Item, decision: Decision) -> None:
    """Duplicates and what is set aside: recorded, linked, and nothing more."""
    now = house.clock()
    linked = decision.case.id if decision.case is not None else None
    unit.add_message(_message(item, decision, now, linked), _documents(item.message))
    _event(house, unit, item.arrival, linked, decision.fate.value, why=decision.kind)
    if linked is not None:
        _mark_undelivered(house, unit, item, linked)
    if item.message.channel is Channel.LETTER:
        unit.add_effect(_scan_effect(house, item.arrival, notes.filing_of_duplicate(item.arrival, item.shop, now)))


def _mark_undelivered(house: House, unit: Processing, item: Item, case_id: int) -> None:
    """A mail of ours that did not arrive: its case says so, since nobody looks at what was set aside."""
    for bounced in item.message.undelivered:
        if bounced.final:
            words = " ".join(filter(None, (bounced.status, _shortened(bounced.words))))
            unit.add_attention(case_id, f"not delivered to {bounced.recipient}: {words or 'the server says no more'}")
            _event(house, unit, item.arrival, case_id, "not delivered", status=bounced.status)


def _shortened(words: str) -> str:
    """A server's words, short enough for a mark on a case."""
    return words if len(words) <= WORDS_AT_MOST else f"{words[: WORDS_AT_MOST - 1]}…"


def _deadline(item: Item) -> Deadline:
    shop = item.shop
    post = shop.post_for(item.message.channel)
    return deadlines.due(item.received_at, shop.promise_for(), shop.calendar, shop.zone, post)


def _deadline_record(case_id: int, message_id: int, item: Item, deadline: Deadline, now: datetime) -> models.Deadline:
    promise = item.shop.promise
    return models.Deadline(
        case_id=case_id,
        message_id=message_id,
        received_at=item.received_at,
        due_on=deadline.due_on,
        post_by=deadline.post_by,
        target_at=deadline.target_at,
        promise={"business_days": promise.business_days, "counting": promise.counting},
        trace=list(deadline.trace),
        made_at=now,
    )


def _message(item: Item, decision: Decision, now: datetime, case_id: int | None) -> models.Message:
    message, examined = item.message, item.examined
    categorisation = examined.categorisation
    return models.Message(
        arrival_id=item.arrival_id,
        shop=item.shop.id,
        channel=models.Channel(message.channel.value),
        fate=models.Fate(decision.fate.value),
        reason_kind=decision.kind,
        reason=decision.reason,
        case_id=case_id,
        suggested_case_id=decision.suggested.id if decision.suggested else None,
        duplicate_of_id=decision.duplicate_of,
        message_id=message.message_id,
        content_hash=message.content_hash,
        in_reply_to=list(message.in_reply_to),
        reference_ids=list(message.references),
        from_name=message.sender.name if message.sender else "",
        from_address=message.sender.address if message.sender else "",
        reply_to=_listed(message.reply_to),
        verified=models.Verified(verified_sender(message, item.shop.mailbox).value),
        signed_by=message.signed_by,
        encrypted=message.encrypted,
        forwarded_by=str(message.forwarded_by or ""),
        forward_note=message.forwarded.note if message.forwarded and message.forwarded_by else "",
        forwarded_id=message.forwarded.message_id if message.forwarded and message.forwarded_by else "",
        recipients=_listed((*message.to, *message.cc)),
        postal=asdict(message.postal) if message.postal else None,
        subject=message.subject,
        text=message.text,
        quoted=message.quoted,
        sent_at=message.sent_at,
        received_at=item.received_at,
        language=examined.language.code,
        category=categorisation.category,
        labels=list(categorisation.labels),
        matched={topic: list(words) for topic, words in categorisation.matched.items()},
        facts={name: list(values) for name in Facts.__dataclass_fields__ if (values := getattr(examined.facts, name))},
        readable=message.readable,
        problems=list(message.problems),
        stored_at=now,
    )


def _listed(people: Iterable[object]) -> list[str]:
    return [str(person) for person in people]


def _documents(message: Message) -> list[models.Document]:
    kind = "scan" if message.channel is Channel.LETTER else "attachment"
    return [
        models.Document(
            message_id=0,
            kind=kind,
            part=item.part,
            name=item.name,
            media_type=item.media_type,
            size=item.size,
            sha256=item.sha256,
            inline=item.inline,
        )
        for item in message.attachments
    ]


def _add_draft(house: House, unit: Processing, item: Item, case: Case, message_id: int) -> None:
    """Compose the answer and ask for it to be put where the manager finds it."""
    draft = make_draft(house, item, case, message_id)
    draft_id = unit.add_draft(draft)
    for kind in _draft_effects(item):
        unit.add_effect(
            models.Effect(
                key=f"{kind}:{draft.token}",
                shop=item.shop.id,
                kind=kind,
                case_id=case.id,
                draft_id=draft_id,
                not_before=draft.made_at,
                made_at=draft.made_at,
            )
        )
    _event(house, unit, item.arrival, case.id, "drafted", template=draft.template, gaps=len(draft.gaps))


def _draft_effects(item: Item) -> list[str]:
    """In the manager's Drafts where the shop has a mailbox; a letter also as a preview where it has a post folder."""
    kinds = [APPEND_DRAFT] if item.shop.mailbox is not None else []
    if item.message.channel is Channel.LETTER and item.shop.post_folder is not None:
        kinds.append(PREVIEW_LETTER)
    return kinds


def make_draft(house: House, item: Item, case: Case, message_id: int) -> models.Draft:
    """The answer to a message, rendered and addressed. A posted answer goes to the shop's post room by mail."""
    shop, message, examined = item.shop, item.message, item.examined
    local = item.received_at.astimezone(shop.zone)
    reply = _reply(house, shop, _complaint(house, item, case, local.date()))
    by_mail = message.channel is Channel.MAIL
    domain = shop.manager.addresses[0].rpartition("@")[2]
    recipient = case.complainant_address if by_mail else (shop.post_folder.room_address if shop.post_folder else "")
    now = house.clock()
    held = _answered_id(message) if by_mail else ""
    who = case.complainant_name or case.complainant_address
    nonce = make_nonce(house.key, str(item.arrival_id), str(message_id), now.isoformat())
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
        reference_ids=list(dict.fromkeys((*message.references, *filter(None, (held,))))),
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


def _scan_effect(house: House, arrival: Arrival, filing: dict[str, str]) -> models.Effect:
    now = house.clock()
    return models.Effect(
        key=f"{FILE_SCAN}:{arrival.id}",
        shop=arrival.shop,
        kind=FILE_SCAN,
        arrival_id=arrival.id,
        payload={"claim": arrival.folder, **filing},
        not_before=now,
        made_at=now,
    )


def _event(house: House, unit: Processing, arrival: Arrival, case_id: int | None, kind: str, **data: str | int) -> None:
    event = models.Event(
        shop=arrival.shop, arrival_id=arrival.id, case_id=case_id, kind=kind, actor=SYSTEM, data=data, at=house.clock()
    )
    unit.add_event(event)
