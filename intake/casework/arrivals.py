"""What people do about an arrival: open or join it against the rules' decision."""

from collections.abc import Callable, Sequence

from intake.casework.held import get_case, hold
from intake.errors import NotFound, Refused
from intake.pipeline.house import House
from intake.pipeline.items import Item, view
from intake.pipeline.processing import examine_anew
from intake.pipeline.settling import carry_out, finish
from intake.rules.decision import Decision
from intake.rules.people import complainant_of
from intake.types import Fate
from storage.errors import NotStored
from storage.models import CaseState, Event
from storage.models import Fate as StoredFate
from storage.processing import Processing
from storage.store import ArrivalLine

REDECIDABLE = frozenset({StoredFate.SET_ASIDE, StoredFate.DUPLICATE})


def open_arrival(house: House, arrival_id: int, actor: str) -> str:
    """Open a case for an arrival that was set aside or called a duplicate; its reference. Its date counts from its
    own arrival. Raises `NotFound`, `Refused`."""
    line = _redecidable(house, arrival_id)
    items = examine_anew(house, line.arrival)
    decisions = [
        Decision(Fate.OPENED, "by a person", f"opened by {actor}", complainant=complainant_of(item.message, item.shop))
        for item in items
    ]
    return _redecide(house, line, items, lambda _unit: decisions, actor)


def join_arrival(house: House, arrival_id: int, reference: str, actor: str) -> str:
    """Join an arrival that was set aside or called a duplicate to a case; the reference of the case it went to. A case
    that was merged stands for the one it is in; one that was answered is open again, unless the arrival is automatic.
    Raises `NotFound`, `Refused`."""
    line = _redecidable(house, arrival_id)
    if get_case(house, reference).shop != line.arrival.shop:
        raise Refused(f"{reference} is a case of another shop.", "An arrival stays with its shop.")
    items = examine_anew(house, line.arrival)
    automatic = line.message is not None and line.message.reason_kind == "automatic"

    def decide(unit: Processing) -> list[Decision]:
        named = hold(unit, reference)
        case = unit.case_followed(named.id) or named
        reopens = case.state is not CaseState.OPEN and not automatic
        told = f"joined by {actor}"
        return [Decision(Fate.JOINED, "by a person", told, case=view(case), reopens=reopens)] * len(items)

    return _redecide(house, line, items, decide, actor)


def _redecidable(house: House, arrival_id: int) -> ArrivalLine:
    try:
        line = house.store.get_arrival(arrival_id)
    except NotStored as error:
        raise NotFound(error.what, error.next_step) from error
    if line.arrival.erased_at is not None:
        raise Refused(f"Arrival {arrival_id} was erased.", "Nothing is left of it but when it came.")
    if line.message is None:
        raise Refused(f"Arrival {arrival_id} has no fate yet.", "Wait until it is processed.")
    if line.message.fate not in REDECIDABLE:
        where = f" {line.reference}" if line.reference else ""
        raise Refused(
            f"Arrival {arrival_id} was {line.message.fate.value}{where}.",
            "Only what was set aside or called a duplicate can be decided anew.",
        )
    return line


def _redecide(
    house: House,
    line: ArrivalLine,
    items: Sequence[Item],
    decide: Callable[[Processing], Sequence[Decision]],
    actor: str,
) -> str:
    """Replace the fates by a person's decision, which `decide` gives for each item from the cases as they are in the
    transaction. The old fate stays in the history."""
    before = line.message.fate.value if line.message else ""
    with house.store.processing() as unit:
        if unit.fate_of(line.arrival.id or 0) not in REDECIDABLE:
            raise Refused(f"Arrival {line.arrival.id} was decided anew just now.", "Look with `intake arrivals`.")
        decisions = decide(unit)
        settlements = [carry_out(house, unit, item, told) for item, told in zip(items, decisions, strict=True)]
        finish(house, unit, items[0], settlements)
        unit.add_event(
            Event(
                shop=line.arrival.shop,
                arrival_id=line.arrival.id,
                case_id=None,
                kind="decided anew",
                actor=actor,
                data={"from": before, "to": decisions[0].fate.value},
                at=house.clock(),
            )
        )
    return settlements[0].reference
