"""What people do: open or join an arrival against the rules' decision, and approve a letter.

The command line calls these now, the desk will call the same ones. Every change is an event with who and when.
"""

import re
import secrets
from typing import Any

from intake.errors import NotFound, Refused
from intake.examine import Examined, Job
from intake.pipeline.delivering import letter_of
from intake.pipeline.house import House
from intake.pipeline.settling import TYPESET_LETTER, carry_out, make_item, view
from intake.reading.limits import Failure
from intake.replies.templates import find_gaps
from intake.rules.decision import Decision
from intake.rules.people import complainant_of
from intake.rules.tokens import make_token
from intake.types import Channel, Fate
from storage.errors import NotStored
from storage.models import Arrival, Case, CaseState, Draft, DraftState, Effect, Event
from storage.models import Fate as StoredFate
from storage.store import ArrivalLine

REDECIDABLE = frozenset({StoredFate.SET_ASIDE, StoredFate.DUPLICATE})


def open_arrival(house: House, arrival_id: int, actor: str) -> str:
    """Open a case for an arrival that was set aside or called a duplicate; its reference. Its date counts from its
    own arrival. Raises `NotFound`, `Refused`."""
    line = _redecidable(house, arrival_id)
    examined = _examine(house, line.arrival)
    shop = house.shop(line.arrival.shop)
    decision = Decision(
        Fate.OPENED, "by a person", f"opened by {actor}", complainant=complainant_of(examined.message, shop)
    )
    return _redecide(house, line, examined, decision, actor)


def join_arrival(house: House, arrival_id: int, reference: str, actor: str) -> str:
    """Join an arrival that was set aside or called a duplicate to a case; the reference of the case it went to. A case
    that was answered is open again, unless the arrival is automatic. Raises `NotFound`, `Refused`."""
    line = _redecidable(house, arrival_id)
    case = get_case(house, reference)
    if case.shop != line.arrival.shop:
        raise Refused(f"{case.reference} is a case of another shop.", "An arrival stays with its shop.")
    examined = _examine(house, line.arrival)
    automatic = line.message is not None and line.message.reason_kind == "automatic"
    reopens = case.state is not CaseState.OPEN and not automatic
    decision = Decision(Fate.JOINED, "by a person", f"joined by {actor}", case=view(case, {}), reopens=reopens)
    return _redecide(house, line, examined, decision, actor)


def get_case(house: House, reference: str) -> Case:
    """A case by its reference. Raises `NotFound`."""
    case = house.store.find_case(reference)
    if case is None:
        raise NotFound(f"There is no case {reference}.", "`intake cases` lists the open ones.")
    return case


def approve_letter(house: House, reference: str, text: str | None, actor: str) -> None:
    """Approve the posted answer of a case: its text is frozen and asked to be typeset into `outgoing/`.

    Without `text` the draft as it was made is taken. Raises `Refused` where gaps are left, naming them, where the
    case is not answered by letter, or where it is closed.
    """
    case = get_case(house, reference)
    if case.channel.value != Channel.LETTER.value:
        raise Refused(f"{case.reference} came by mail and is answered by mail.", "Its draft is in the Drafts folder.")
    if case.state is not CaseState.OPEN:
        raise Refused(f"{case.reference} is {case.state.value}.", "Only an open case is answered.")
    with house.store.processing() as unit:
        draft = unit.latest_draft(case.id or 0)
        if draft is None:
            raise Refused(f"{case.reference} has no draft.", "Look at it with `intake show`.")
        approved = _approved(house, case, draft, text)
        # Typeset once before anything is stored: an address that does not fit is refused here.
        house.typesetter.typeset(letter_of(house.shop(case.shop), approved, case, draft_mark=False))
        draft_id = unit.add_draft(approved)
        unit.replace_draft(draft.id or 0, state=DraftState.SUPERSEDED)
        unit.add_effect(_typeset(case, approved, draft_id))
        event = Event(shop=case.shop, case_id=case.id, kind="approved", actor=actor, data={}, at=approved.made_at)
        unit.add_event(event)


def _approved(house: House, case: Case, draft: Draft, text: str | None) -> Draft:
    """The draft with its final text and today's date. Raises `Refused` where gaps are left."""
    subject, body = _subject_and_body(draft.body if text is None else text, draft.subject)
    gaps = find_gaps(f"{subject}\n{body}")
    if gaps:
        raise Refused(
            f"The letter of {case.reference} still has gaps: {' '.join(gaps)}.",
            "Fill them in a file and name it with --text.",
        )
    now, shop = house.clock(), house.shop(case.shop)
    domain = shop.manager.addresses[0].rpartition("@")[2]
    changes: dict[str, Any] = {
        "id": None,
        "subject": subject,
        "body": body,
        "gaps": [],
        "state": DraftState.APPROVED,
        "token": make_token(house.key, case.shop, case.reference, secrets.token_hex(4), domain),
        "dated": now.astimezone(shop.zone).date(),
        "made_at": now,
    }
    return draft.model_copy(update=changes)


def _typeset(case: Case, draft: Draft, draft_id: int) -> Effect:
    return Effect(
        key=f"{TYPESET_LETTER}:{draft.token}",
        shop=case.shop,
        kind=TYPESET_LETTER,
        case_id=case.id,
        draft_id=draft_id,
        not_before=draft.made_at,
        made_at=draft.made_at,
    )


def _subject_and_body(text: str, subject: str) -> tuple[str, str]:
    """A text file may begin with the subject and an empty line, as a draft is shown; then that is the subject."""
    first, blank, rest = text.strip().partition("\n\n")
    if blank and "\n" not in first and re.search(r"[(\[][A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9}[)\]]$", first.strip()):
        return first.strip(), rest.strip() + "\n"
    return subject, text.strip() + "\n"


def _redecidable(house: House, arrival_id: int) -> ArrivalLine:
    try:
        line = house.store.get_arrival(arrival_id)
    except NotStored as error:
        raise NotFound(error.what, error.next_step) from error
    if line.message is None:
        raise Refused(f"Arrival {arrival_id} has no fate yet.", "Wait until it is processed.")
    if line.message.fate not in REDECIDABLE:
        where = f" {line.reference}" if line.reference else ""
        raise Refused(
            f"Arrival {arrival_id} was {line.message.fate.value}{where}.",
            "Only what was set aside or called a duplicate can be decided anew.",
        )
    return line


def _examine(house: House, arrival: Arrival) -> Examined:
    shop = house.shop(arrival.shop)
    channel = Channel(arrival.channel.value)
    raw = house.originals.read(arrival.sha256)
    record = house.originals.read(arrival.record["sha256"]) if arrival.record else None
    moment = arrival.received_at if channel is Channel.MAIL else house.clock()
    day = moment.astimezone(shop.zone).date()
    job = Job(channel, raw, arrival.name, shop.languages, day, record, own=shop.own_names, zone=shop.time_zone)
    outcome = house.examiner.examine([job])[0]
    if isinstance(outcome, Failure):
        raise Refused(f"Arrival {arrival.id} cannot be read: {outcome.reason}", "Scan the letter again.")
    return outcome


def _redecide(house: House, line: ArrivalLine, examined: Examined, decision: Decision, actor: str) -> str:
    """Replace the message's fate by a person's decision. The old fate stays in the history."""
    item = make_item(house, line.arrival, examined)
    before = line.message.fate.value if line.message else ""
    with house.store.processing() as unit:
        if unit.fate_of(line.arrival.id or 0) not in REDECIDABLE:
            raise Refused(f"Arrival {line.arrival.id} was decided anew just now.", "Look with `intake arrivals`.")
        settlement = carry_out(house, unit, item, decision)
        unit.add_event(
            Event(
                shop=line.arrival.shop,
                arrival_id=line.arrival.id,
                case_id=None,
                kind="decided anew",
                actor=actor,
                data={"from": before, "to": decision.fate.value},
                at=house.clock(),
            )
        )
    return settlement.reference
