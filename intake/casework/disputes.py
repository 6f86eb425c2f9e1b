"""A customer takes the case to a dispute body: it is written down, and that body's own term begins.

What was answered stays answered and what was closed stays closed; the case is with the body until somebody closes it
(again).
"""

from datetime import date

from intake.casework.held import hold, record
from intake.config import DisputeBody, Shop
from intake.errors import Refused
from intake.pipeline.house import House
from intake.pipeline.second_clocks import clocks_of_case, columns, hold_words
from intake.rules.clocks import merge
from intake.rules.escalation import answer_term, closed_on, get_body
from storage.models import Case, CaseState


def escalate(house: House, reference: str, body_id: str, on: date, actor: str) -> Case:
    """Write down that a case was taken to a dispute body of its shop on a day. Its data is held from then on. Raises
    `NotFound`, `Refused`."""
    now = house.clock()
    with house.store.processing() as unit:
        case = hold(unit, reference)
        shop = house.shop(case.shop)
        body = get_body(shop, body_id)
        _check(case, shop, body, on, now.astimezone(shop.zone).date())
        term = answer_term(body, on, shop.calendar)
        words = hold_words(body.name, on.isoformat())
        taken = {
            "to": body.id,
            "name": body.name,
            "on": on.isoformat(),
            "due_on": term.due_on.isoformat() if term else "",
            "words": term.words if term else "",
            "ended": "",
        }
        changes = {
            "escalations": [*case.escalations, taken],
            **columns(merge(clocks_of_case(case), (term,) if term else ())),
            **({} if case.legal_hold else {"legal_hold": words, "legal_hold_since": now}),
        }
        unit.change_case(case.id or 0, **changes)
        unit.add_attention(case.id or 0, words)
        record(house, unit, case, "escalated", actor, to=body.id, on=on.isoformat())
        return unit.case_by_id(case.id or 0) or case


def _check(case: Case, shop: Shop, body: DisputeBody, on: date, today: date) -> None:
    if case.state is CaseState.MERGED:
        raise Refused(f"{case.reference} is merged.", "`intake show` names the case that it was merged into.")
    held = next((one for one in case.escalations if one["to"] == body.id and not one.get("ended")), None)
    if held is not None:
        raise Refused(
            f"{case.reference} was taken to {body.name} on {held['on']} already.",
            f"It is there until `intake close {case.reference}`.",
        )
    first = case.received_at.astimezone(shop.zone).date()
    if not first <= on <= today:
        raise Refused(
            f"{case.reference} cannot have been taken to {body.name} on {on}.", f"It came on {first}; today is {today}."
        )
    if not body.is_open(on):
        raise closed_on(body, on)
