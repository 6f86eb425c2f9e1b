"""The case that somebody works on: found by its reference, held while it is changed, and the line in its history."""

from datetime import date

from intake.errors import NotFound, Refused
from intake.pipeline.house import House
from storage.models import Case, CaseState, Event
from storage.processing import Processing


def get_case(house: House, reference: str) -> Case:
    """A case by its reference, in any letter case. Raises `NotFound`."""
    case = house.store.find_case(reference)
    if case is None:
        raise _missing(reference)
    return case


def today(house: House, reference: str) -> date:
    """The day that it is in the shop of a case. Raises `NotFound`."""
    return house.clock().astimezone(house.shop(get_case(house, reference).shop).zone).date()


def hold(unit: Processing, reference: str) -> Case:
    """The case as it is now, held against others until the transaction ends. Raises `NotFound`; `Refused` where its
    people were forgotten: nothing more is written into it."""
    found = unit.cases.hold(reference).get(reference.strip().upper())
    if found is None:
        raise _missing(reference)
    return _not_anonymised(found)


def hold_two(unit: Processing, first: str, second: str) -> tuple[Case, Case]:
    """Two cases, held together. Raises `NotFound`, `Refused` like `hold`."""
    found = unit.cases.hold(first, second)
    for reference in (first, second):
        if reference.strip().upper() not in found:
            raise _missing(reference)
    return _not_anonymised(found[first.strip().upper()]), _not_anonymised(found[second.strip().upper()])


def _not_anonymised(case: Case) -> Case:
    if case.anonymised_at is not None:
        raise Refused(
            f"{case.reference} was anonymised on {case.anonymised_at:%Y-%m-%d}.",
            "Its dates and its outcome are all that is kept.",
        )
    return case


def hold_open(unit: Processing, reference: str) -> Case:
    """An open case, held. Raises `NotFound`; `Refused` where it is answered, closed or merged."""
    case = hold(unit, reference)
    if case.state is not CaseState.OPEN:
        raise Refused(f"{case.reference} is {case.state.value}.", _way_back(case))
    return case


def refuse_letter_on_its_way(unit: Processing, case: Case) -> None:
    """Raises `Refused` where an approved letter waits to be posted: a clerk would post it all the same."""
    name = case.reference
    if unit.cases.letter_to_post(case.id or 0) is not None:
        raise Refused(
            f"The letter of {name} is approved and waits to be posted.",
            f"`intake letters posted {name}` says that it was; `intake redraft {name}` takes it back.",
        )


def record(house: House, unit: Processing, case: Case, kind: str, actor: str, **data: str | int) -> None:
    """A line in the history of a case: who, when, and in `data` what changed from what. No personal text."""
    unit.add_event(Event(shop=case.shop, case_id=case.id, kind=kind, actor=actor, data=data, at=house.clock()))


def _way_back(case: Case) -> str:
    if case.state is CaseState.MERGED:
        return "`intake show` names the case that it was merged into."
    return f"`intake reopen {case.reference}` opens it again."


def _missing(reference: str) -> NotFound:
    return NotFound(f"There is no case {reference}.", "`intake cases` lists the open ones.")
