"""Settle what was examined inside the transaction: ask what is known, decide, and write the outcome down.

The letters of one scan are settled together: each has a fate of its own, and the scan is filed once, with a note that
names them all.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from intake.errors import ReadingError
from intake.pipeline import notes
from intake.pipeline.acknowledging import acknowledge, came_back, heard_from
from intake.pipeline.drafting import add_draft
from intake.pipeline.effects import of_scan
from intake.pipeline.house import House
from intake.pipeline.items import POST, Item, question, scan_hash, view
from intake.pipeline.records import deadline_of, deadline_record, documents_of, event_of, message_record, promised
from intake.pipeline.renewing import draft_follow_up, is_thanks, keep_up, wants_answer
from intake.pipeline.second_clocks import add_clocks, columns_of_item
from intake.rules.alike import find_alike
from intake.rules.decision import (
    FORWARDED_BEFORE,
    HELD_ALREADY,
    NOT_HANDED_OVER,
    UNFETCHABLE,
    Decision,
    Knowledge,
    decide,
)
from intake.rules.people import participant_keys
from intake.types import CaseView, Fate
from storage import models
from storage.knowledge import Known
from storage.models import Arrival, Case, CaseState
from storage.processing import Processing

TRIES = 3
WORDS_AT_MOST = 160


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a message, for the log and for the note beside a scan."""

    arrival_id: int
    fate: Fate
    kind: str = ""
    reference: str = ""
    reason: str = ""
    case: Case | None = None
    problems: tuple[str, ...] = ()


def settle(house: House, unit: Processing, items: Sequence[Item]) -> list[Settlement]:
    """Decide the messages of one arrival that were looked up, and store everything that follows."""
    settlements = [carry_out(house, unit, item, _decision(house, unit, item)) for item in items]
    finish(house, unit, items[0], settlements)
    return settlements


def finish(house: House, unit: Processing, item: Item, settlements: Sequence[Settlement]) -> None:
    """The arrival has its fates; what was dropped in the post folder goes where it belongs."""
    unit.finish_arrival(item.arrival_id)
    if item.arrival.account == POST:
        unit.add_effect(of_scan(item.arrival, notes.filing(item.arrival, settlements, item.shop, house.clock())))


def _decision(house: House, unit: Processing, item: Item) -> Decision:
    known = unit.known(question(house, item))
    decision = decide(item.message, item.examined.facts, _knowledge(unit, item, known), item.shop, house.key)
    return _refine(item.arrival, decision)


def carry_out(house: House, unit: Processing, item: Item, decision: Decision) -> Settlement:
    """Store a decision: the rules' own, or a person's."""
    if decision.fate is Fate.OPENED:
        return _open_case(house, unit, item, decision)
    if decision.fate is Fate.JOINED and decision.case is not None:
        return _join(house, unit, item, decision, decision.case)
    return _record_aside(house, unit, item, decision)


def settle_failed(house: House, unit: Processing, arrival: Arrival, error: ReadingError) -> Settlement:
    """A scan that cannot be read: its fate is *failed*, and it goes to `failed/` with a note."""
    shop, number = house.shop(arrival.shop), arrival.id or 0
    message = models.Message(
        arrival_id=number,
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
    unit.add_effect(of_scan(arrival, notes.filing_of_failure(arrival, error, house.clock(), shop)))
    unit.add_event(event_of(house, arrival, None, "failed", code=error.code))
    unit.finish_arrival(number)
    return Settlement(number, Fate.FAILED, error.code)


def _refine(arrival: Arrival, decision: Decision) -> Decision:
    """A mail that the server did not deliver whole, or that nobody could read, says so on its case. The problem of
    a try that was followed by a good one is past."""
    past = 0 < arrival.attempts < TRIES
    if not arrival.problem or past or decision.fate is not Fate.OPENED:
        return decision
    marked = replace(decision, attention=(arrival.problem, *decision.attention))
    return replace(marked, kind=UNFETCHABLE, reason=arrival.problem) if arrival.problem == NOT_HANDED_OVER else marked


def _knowledge(unit: Processing, item: Item, known: Known) -> Knowledge:
    def seen(case: Case) -> CaseView:
        return view(case, known.participants.get(case.id or 0, frozenset()))

    return Knowledge(
        same_id=known.same_id,
        by_message_id={key: seen(case) for key, case in known.by_message_id.items()},
        by_reference={key: seen(case) for key, case in known.by_reference.items()},
        twin_scan=known.twin_scan,
        forward_of_it=seen(known.forward_of_it) if known.forward_of_it else None,
        answered_at=known.answered_at,
        alike=find_alike(item.message, item.clues, _candidates(unit, known), item.shop),
    )


def _candidates(unit: Processing, known: Known) -> list[tuple[str, CaseView]]:
    """The cases that share a clue with a message, the latest first."""
    found = []
    for clue, case_id in sorted(known.by_clue, key=lambda pair: -pair[1]):
        case = unit.case_followed(case_id)
        if case is not None:
            found.append((clue, view(case, unit.participants(case.id or 0))))
    return found


def _open_case(house: House, unit: Processing, item: Item, decision: Decision) -> Settlement:
    shop, message, examined = item.shop, item.message, item.examined
    now, answered = house.clock(), item.arrival.answered
    deadline = deadline_of(item)
    name, address = decision.complainant
    case = Case(
        shop=shop.id,
        reference=unit.next_reference(shop.id, shop.prefix, item.received_at.astimezone(shop.zone).year),
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
        state=CaseState.ANSWERED if answered else CaseState.OPEN,
        **columns_of_item(item),
    )
    case_id = unit.open_case(case, participant_keys(message, shop))
    stored = _add_message(house, unit, item, decision, case_id)
    made = deadline_record(case_id, stored.id or 0, item, deadline, now)
    unit.add_deadline(made)
    told = {"category": case.category, **promised(made, item.message.channel.value), **_told_answered(item)}
    unit.add_event(event_of(house, item.arrival, case_id, "opened", **told))
    if decision.suggested is not None and decision.alike:
        unit.add_attention(decision.suggested.id, f"may be about the same as {case.reference} ({decision.alike})")
    if not answered:
        opened = case.model_copy(update={"id": case_id})
        add_draft(house, unit, item, opened, stored)
        acknowledge(house, unit, item, opened, stored)
    return _settlement(item, decision, case)


def _join(house: House, unit: Processing, item: Item, decision: Decision, case: CaseView) -> Settlement:
    """Add a message to its case. A case that was answered is open again, with a date and a draft of its own."""
    stored = _add_message(house, unit, item, decision, case.id)
    unit.add_participants(case.id, participant_keys(item.message, item.shop))
    _complete_addresses(unit, item, decision, case.id)
    add_clocks(unit, item, case.id)
    unit.add_event(event_of(house, item.arrival, case.id, "joined", sign=decision.kind))
    if decision.reopens and not item.arrival.answered:
        unit.reopen_case(case.id)
        made = deadline_record(case.id, stored.id or 0, item, deadline_of(item), house.clock())
        unit.move_due(made)
        told = {**promised(made, item.message.channel.value), **_told_answered(item)}
        unit.add_event(event_of(house, item.arrival, case.id, "reopened", **told))
        reopened = unit.case_by_id(case.id)
        if is_thanks(house, item):
            unit.add_attention(case.id, f"mere thanks? `intake close {case.reference} --as thanks` closes it")
        elif reopened is not None:
            draft_follow_up(house, unit, item, (reopened, stored))
    else:
        _promise_earlier(house, unit, item, stored)
        if not decision.reason.startswith((HELD_ALREADY, FORWARDED_BEFORE)):
            keep_up(house, unit, item, case.id, stored)
    return _settlement(item, decision, unit.case_by_id(case.id))


def _promise_earlier(house: House, unit: Processing, item: Item, stored: models.Message) -> None:
    """A message that came before the current date of its open case was counted was promised an answer by itself, as one
    whose date is earlier than the promised one. The earlier date stands."""
    case_id = stored.case_id or 0
    case, current = unit.case_by_id(case_id), unit.deadline_of(case_id)
    if case is None or current is None or case.state is not CaseState.OPEN:
        return
    if item.arrival.answered or not wants_answer(house, item):
        return
    due = deadline_of(item, by_letter=case.post_by is not None)
    made = deadline_record(case_id, stored.id or 0, item, due, house.clock())
    # A day that was named or moved while it waited is later for a reason, and was told.
    sooner = current.kind is models.DeadlineKind.PROMISE and made.due_on < current.due_on
    if item.received_at >= current.received_at and not sooner:
        return
    if made.due_on < case.due_on:
        unit.move_due(made)
    else:
        unit.add_deadline(made)
    told = {**promised(made, item.message.channel.value), **_told_answered(item)}
    unit.add_event(event_of(house, item.arrival, case_id, "promised", **told))


def _told_answered(item: Item) -> dict[str, str]:
    """What the history says of whether a message was brought in as answered: then its promise does not count."""
    return {"answered": "yes" if item.arrival.answered else "no"}


def _complete_addresses(unit: Processing, item: Item, decision: Decision, case_id: int) -> None:
    """A case that began by mail and goes on by post, or the other way round, is answered the way that it came last."""
    case, postal = unit.case_by_id(case_id), item.message.postal
    if case is not None and not case.postal and postal is not None:
        unit.change_case(case_id, postal=asdict(postal))
    if case is not None and not case.complainant_address and decision.complainant[1]:
        unit.change_case(case_id, complainant_address=decision.complainant[1])


def _record_aside(house: House, unit: Processing, item: Item, decision: Decision) -> Settlement:
    """Duplicates and what is set aside: recorded, linked, and nothing more."""
    linked = decision.case.id if decision.case is not None else None
    _add_message(house, unit, item, decision, linked)
    unit.add_event(event_of(house, item.arrival, linked, decision.fate.value, why=decision.kind))
    known = unit.case_by_id(linked) if linked is not None else None
    if linked is not None and known is not None and known.anonymised_at is None:
        _mark_undelivered(house, unit, item, linked)
    held = linked if linked is not None else decision.held_by
    return _settlement(item, decision, unit.case_followed(held))


def _add_message(house: House, unit: Processing, item: Item, decision: Decision, case_id: int | None) -> models.Message:
    message = message_record(item, decision, house.clock(), case_id)
    message_id = unit.add_message(message, documents_of(house, item), scan_hash(item))
    if case_id is not None and decision.fate in (Fate.OPENED, Fate.JOINED):
        unit.add_clues(item.shop.id, case_id, item.clues, item.received_at)
        heard_from(house, unit, item)
    return message.model_copy(update={"id": message_id})


def _settlement(item: Item, decision: Decision, case: Case | None) -> Settlement:
    reference = case.reference if case is not None else ""
    problems = item.message.problems
    return Settlement(item.arrival_id, decision.fate, decision.kind, reference, decision.reason, case, problems)


def _mark_undelivered(house: House, unit: Processing, item: Item, case_id: int) -> None:
    """A mail of ours that did not arrive: its case says so, since nobody looks at what was set aside."""
    for bounced in item.message.undelivered:
        if bounced.final:
            words = " ".join(filter(None, (bounced.status, _shortened(bounced.words))))
            unit.add_attention(case_id, f"not delivered to {bounced.recipient}: {words or 'the server says no more'}")
            unit.add_event(event_of(house, item.arrival, case_id, "not delivered", status=bounced.status))
            came_back(house, unit, item, case_id, bounced)


def _shortened(words: str) -> str:
    """A server's words, short enough for a mark on a case."""
    return words if len(words) <= WORDS_AT_MOST else f"{words[: WORDS_AT_MOST - 1]}…"
