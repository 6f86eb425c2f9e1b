"""A legal hold: a case that is needed to establish, exercise or defend a claim is not anonymised, whatever its age
(art. 17(3)(e) GDPR). Why is kept with the case, not in its history."""

from intake.casework.held import hold, record
from intake.errors import Refused, UsageError
from intake.pipeline.house import House
from storage.models import Case

WHY_AT_MOST = 500


def put_on_hold(house: House, reference: str, because: str, actor: str) -> Case:
    """Keep a case, and what it was merged with, until it is released. Raises `NotFound`, `Refused`, `UsageError`."""
    words = " ".join(because.split())
    if not words or len(words) > WHY_AT_MOST:
        raise UsageError("A case is held for a reason.", f"Give it with --because, in {WHY_AT_MOST} characters.")
    now = house.clock()
    with house.store.processing() as unit:
        case = hold(unit, reference)
        since = case.legal_hold_since if case.legal_hold else now
        unit.change_case(case.id or 0, legal_hold=words, legal_hold_since=since)
        record(house, unit, case, "held", actor)
    return case.model_copy(update={"legal_hold": words, "legal_hold_since": since})


def release(house: House, reference: str, actor: str) -> Case:
    """End a legal hold: the case is kept as long as any other. Raises `NotFound`, `Refused`."""
    with house.store.processing() as unit:
        case = hold(unit, reference)
        if not case.legal_hold:
            raise Refused(f"{case.reference} is not held.", "`intake retention` lists the cases that are.")
        unit.change_case(case.id or 0, legal_hold="", legal_hold_since=None)
        record(house, unit, case, "released", actor)
    return case.model_copy(update={"legal_hold": "", "legal_hold_since": None})
