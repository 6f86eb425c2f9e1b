"""Two cases become one, and a message of a case becomes a case of its own.

What a merged case holds stays where it is; whoever looks for it is led on. What was promised is kept: the earlier date
of the two stands.
"""

from typing import Any

from intake.casework.drafts import renew
from intake.casework.held import get_case, hold, hold_two, record, refuse_letter_on_its_way
from intake.errors import NotFound, Refused
from intake.pipeline.house import House
from intake.pipeline.items import Item
from intake.pipeline.moving import Move, move_date
from intake.pipeline.processing import examine_anew
from intake.pipeline.second_clocks import clocks_of_case, clocks_of_message, columns, dispute_clocks, join_holds
from intake.pipeline.settling import carry_out
from intake.pipeline.withdrawing import withdraw_drafts
from intake.rules.clocks import merge as merge_clocks
from intake.rules.decision import Decision
from intake.rules.people import complainant_of
from intake.types import Fate
from storage.models import Case, CaseState, Message
from storage.models import Fate as StoredFate
from storage.processing import Processing


def merge(house: House, reference: str, into: str, actor: str) -> Case:
    """Merge a case into another one of its shop; that one, as it is then. Raises `NotFound`; `Refused` where they
    cannot be one."""
    with house.store.processing() as unit:
        case, target = hold_two(unit, reference, into)
        _check_merge(unit, case, target)
        case_id, target_id = case.id or 0, target.id or 0
        unit.add_participants(target_id, sorted(unit.participants(case_id)))
        for clue in unit.cases.clues(case_id):
            unit.add_clues(case.shop, target_id, [clue.key], clue.at)
        earlier = case.state is CaseState.OPEN and case.due_on < target.due_on
        if earlier:
            _keep_earlier(house, unit, case, target)
        unit.change_case(target_id, **_joined(case, target))
        withdraw_drafts(unit, house.shop(case.shop), case_id)
        # The hold is the target's from now on, so that whoever releases that one has released both.
        unit.change_case(
            case_id, state=CaseState.MERGED, merged_into_id=target_id, legal_hold="", legal_hold_since=None
        )
        record(house, unit, case, "merged", actor, **{"from": case.state.value, "into": target.reference})
        told = {"merged": case.reference, "due_on": case.due_on.isoformat() if earlier else ""}
        record(house, unit, target, "took in another case", actor, **told)
        return unit.case_by_id(target_id) or target


def split(house: House, reference: str, message_id: int, actor: str) -> Case:
    """Make a message of a case, by its number in `intake show`, a case of its own, with a date from its own arrival.
    Raises `NotFound`; `Refused` for the message that opened the case, and for one that was erased; `ReadingError` where
    its original is unreadable."""
    number = get_case(house, reference).id or 0
    stored = next((one for one in house.store.case_file(number).messages if one.id == message_id), None)
    if stored is None or stored.outgoing:
        raise NotFound(f"{reference} has no message {message_id} of the customer's.", "`intake show` numbers them.")
    if stored.erased_at is not None:
        raise Refused(f"Message {message_id} was erased.", "Nothing is left of it but when it came.")
    items = examine_anew(house, house.store.get_arrival(stored.arrival_id).arrival)
    item = next((one for one in items if one.part == stored.part), None)
    if item is None:
        raise Refused(f"Message {message_id} is not in its original any more.", "Look at the original.")
    with house.store.processing() as unit:
        case = hold(unit, reference)
        rest = _check_split(unit, case, message_id)
        opened = _open_own(house, unit, item, actor)
        _leave(house, unit, case, rest, message_id, actor)
        record(house, unit, case, "a message was split off", actor, message=message_id, to=opened)
    return get_case(house, opened)


def _check_merge(unit: Processing, case: Case, target: Case) -> None:
    if case.id == target.id:
        raise Refused(f"{case.reference} cannot be merged into itself.", "Name another case.")
    if case.shop != target.shop:
        raise Refused(f"{target.reference} is a case of another shop.", "A case stays with its shop.")
    for one in (case, target):
        # So no ring can come about: what is merged already leads nowhere else.
        if one.state is CaseState.MERGED:
            raise Refused(
                f"{one.reference} is merged already.", "`intake show` names the case that it was merged into."
            )
    if case.state is CaseState.OPEN and target.state is not CaseState.OPEN:
        raise Refused(
            f"{case.reference} waits for an answer, and {target.reference} is {target.state.value}.",
            f"`intake reopen {target.reference}` first, or merge them the other way round.",
        )
    refuse_letter_on_its_way(unit, case)


def _keep_earlier(house: House, unit: Processing, case: Case, target: Case) -> None:
    """The date of the case that goes holds for the one that stays: it was promised to the same customer."""
    latest = unit.cases.deadlines(case.id or 0)[-1]
    because = f"promised in {case.reference}"
    move = Move(latest.kind, case.due_on, because, latest.actor or "intake", latest.message_id, latest.received_at)
    move_date(house, unit, target, move)


def _joined(case: Case, target: Case) -> dict[str, Any]:
    """What the case that stays takes over."""
    return {
        "attention": list(dict.fromkeys((*target.attention, *case.attention))),
        "labels": list(dict.fromkeys((*target.labels, *case.labels))),
        "complainant_name": target.complainant_name or case.complainant_name,
        "complainant_address": target.complainant_address or case.complainant_address,
        "postal": target.postal or case.postal,
        "assignee": target.assignee or case.assignee,
        "escalations": [*target.escalations, *(one for one in case.escalations if one not in target.escalations)],
        "legal_hold": join_holds(target.legal_hold, case.legal_hold),
        "legal_hold_since": min(filter(None, (target.legal_hold_since, case.legal_hold_since)), default=None),
        **columns(merge_clocks(clocks_of_case(target), clocks_of_case(case))),
    }


def _check_split(unit: Processing, case: Case, message_id: int) -> list[Message]:
    """The messages that stay. Raises `NotFound`, `Refused`."""
    if case.state is CaseState.MERGED:
        raise Refused(f"{case.reference} is merged.", "`intake show` names the case that it was merged into.")
    messages = unit.cases.messages(case.id or 0)
    message = next((one for one in messages if one.id == message_id), None)
    if message is None:
        raise NotFound(
            f"{case.reference} has no message {message_id} of the customer's.", "`intake show` numbers them."
        )
    if message.fate is StoredFate.OPENED:
        raise Refused(f"Message {message_id} opened {case.reference}.", "Split off what joined it later.")
    return [one for one in messages if one.id != message_id]


def _open_own(house: House, unit: Processing, item: Item, actor: str) -> str:
    """Open a case for the message alone, as the rules would have; its reference."""
    complainant = complainant_of(item.message, item.shop)
    decision = Decision(Fate.OPENED, "by a person", f"split off by {actor}", complainant=complainant)
    return carry_out(house, unit, item, decision).reference


def _leave(house: House, unit: Processing, case: Case, rest: list[Message], message_id: int, actor: str) -> None:
    """What began with the message goes with it: a draft that answers it, and its second clocks."""
    shop = house.shop(case.shop)
    clocks = [clock for one in rest for clock in clocks_of_message(one, shop)]
    unit.change_case(case.id or 0, **columns(merge_clocks(dispute_clocks(case), clocks)))
    if any(draft.message_id == message_id for draft in unit.waiting_drafts(case.id or 0)):
        renew(house, unit, case, actor, rest)
