"""What people say of a case: whose it is, what it is about, in which language, that it is answered, closed or open
again, and notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from intake import deadlines
from intake.casework.drafts import check_category, check_language, draft_anew, renew
from intake.casework.held import hold, hold_open, record, refuse_letter_on_its_way
from intake.config import Shop
from intake.errors import Refused, UsageError
from intake.pipeline.answering import LETTER, WAYS, answer_case, wait_on
from intake.pipeline.drafting import Wanted
from intake.pipeline.house import House
from intake.pipeline.moving import Move, move_date
from intake.pipeline.second_clocks import dispute_ended, is_disputed
from intake.pipeline.withdrawing import withdraw_drafts
from storage.models import Case, CaseState, DeadlineKind, Note
from storage.processing import Processing

ANSWERED_AT = time(17)  # of a day in the past; the hour says nothing
NOTE_AT_MOST = 20_000
NAME_AT_MOST = 80

# What a case may be closed as without an answer of its own. The words are what the evidence for the badge says.
CLOSE_REASONS: Mapping[str, str] = {
    "thanks": "the customer only said thanks",
    "agreed": "agreed with the customer",
    "settled": "settled otherwise, for example by the dispute body",
    "withdrawn": "the customer withdrew the complaint",
    "duplicate": "the same complaint is a case already",
    "no-complaint": "it is no complaint",
    "business": "the complainant is no consumer",
    "spam": "it is spam",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was given otherwise than from a draft: how (one of `WAYS`), on which day, and a note ("" for
    none)."""

    how: str
    on: date
    note: str = ""


def assign(house: House, reference: str, who: str, actor: str) -> Case:
    """Give a case to somebody; to nobody where `who` is empty. Raises `NotFound`, `Refused`."""
    name = " ".join(who.split())
    if len(name) > NAME_AT_MOST:
        raise UsageError(f"That is no name: it has more than {NAME_AT_MOST} characters.", "Name one person.")
    with house.store.processing() as unit:
        case = _not_merged(hold(unit, reference))
        unit.change_case(case.id or 0, assignee=name)
        record(house, unit, case, "assigned", actor, **{"from": case.assignee, "to": name})
    return case.model_copy(update={"assignee": name})


def set_category(house: House, reference: str, category: str, actor: str) -> Case:
    """Say what a case is about. A draft that waits is made anew. Raises `NotFound`, `Refused`, `UsageError`."""
    check_category(house, category)
    with house.store.processing() as unit:
        case = _not_merged(hold(unit, reference))
        changed = case.model_copy(update={"category": category})
        unit.change_case(case.id or 0, category=category)
        record(house, unit, case, "category changed", actor, **{"from": case.category, "to": category})
        renew(house, unit, changed, actor)
    return changed


def set_language(house: House, reference: str, language: str, actor: str) -> Case:
    """Say in which language a case is answered. A draft that waits is made anew. Raises `NotFound`, `Refused`,
    `UsageError`."""
    check_language(language)
    with house.store.processing() as unit:
        case = _not_merged(hold(unit, reference))
        changed = case.model_copy(update={"language": language})
        unit.change_case(case.id or 0, language=language)
        record(house, unit, case, "language changed", actor, **{"from": case.language, "to": language})
        renew(house, unit, changed, actor)
    return changed


def answer(house: House, reference: str, answered: Answered, actor: str) -> Case:
    """Say that a case was answered otherwise: on the phone, by a mail or a letter of one's own, at the counter; the
    case as it is then. Drafts that wait are taken back. What the customer wrote after the answer opens it again. Raises
    `NotFound`, `UsageError`; `Refused` where the day cannot be, or an approved letter waits to be posted."""
    if answered.how not in WAYS:
        raise UsageError(f"There is no way {answered.how!r} to answer.", f"Use one of: {', '.join(WAYS)}.")
    _check_note(answered.note)
    with house.store.processing() as unit:
        case = hold_open(unit, reference)
        refuse_letter_on_its_way(unit, case)
        at = _moment(house, unit, case, answered.on)
        answer_case(house, unit, case, answered.how, at, actor, **_told(house.shop(case.shop), answered))
        _add_note(house, unit, case, answered.note, actor)
        wait_on(house, unit, case, at, f"told {house.clock().isoformat()}")
        return unit.case_by_id(case.id or 0) or case


def close(house: House, reference: str, reason: str, actor: str) -> Case:
    """Close a case for one of `CLOSE_REASONS`. Drafts that wait are taken back. One that is closed and with a dispute
    body can be closed again, when that is over. Raises `NotFound`, `Refused`, `UsageError`."""
    if reason not in CLOSE_REASONS:
        listed = ", ".join(f"{name} ({words})" for name, words in CLOSE_REASONS.items())
        raise UsageError(f"There is no reason {reason!r}.", f"Use one of: {listed}.")
    now = house.clock()
    with house.store.processing() as unit:
        case = _not_merged(hold(unit, reference))
        if case.state is CaseState.CLOSED and not is_disputed(case):
            raise Refused(f"{case.reference} is closed already, as {case.closed_as}.", "Nothing is left to do.")
        refuse_letter_on_its_way(unit, case)
        over = dispute_ended(case, now.astimezone(house.shop(case.shop).zone).date())
        unit.change_case(case.id or 0, state=CaseState.CLOSED, closed_at=now, closed_as=reason, **over)
        withdraw_drafts(unit, house.shop(case.shop), case.id or 0)
        record(house, unit, case, "closed", actor, **{"from": case.state.value, "why": reason})
    return case.model_copy(update={"state": CaseState.CLOSED, "closed_at": now, "closed_as": reason, **over})


def reopen(house: House, reference: str, actor: str) -> Case:
    """Open an answered or closed case again. Its date counts from now; the dates that were promised before stay beside
    it. A new draft is made unless one waits. Raises `NotFound`, `Refused`."""
    with house.store.processing() as unit:
        case = _not_merged(hold(unit, reference))
        if case.state is CaseState.OPEN:
            raise Refused(f"{case.reference} is open.", "`intake show` tells its date.")
        shop, now = house.shop(case.shop), house.clock()
        due_on = deadlines.due(now, shop.promise_for(), shop.calendar, shop.zone).due_on
        message = unit.cases.messages(case.id or 0)[-1]
        unit.reopen_case(case.id or 0)
        because = "reopened by a person"
        move_date(house, unit, case, Move(DeadlineKind.MOVED, due_on, because, actor, message.id or 0, now))
        record(house, unit, case, "reopened", actor, **{"from": case.state.value, "to": due_on.isoformat()})
        opened = unit.case_by_id(case.id or 0) or case
        if not unit.waiting_drafts(case.id or 0):
            draft_anew(house, unit, opened, Wanted(), actor)
    return opened


def note(house: House, reference: str, text: str, actor: str) -> Case:
    """Write something down about a case. Raises `NotFound`, `UsageError` where there is nothing to write."""
    _check_note(text)
    if not text.strip():
        raise UsageError("The note is empty.", "Write its text behind the reference.")
    with house.store.processing() as unit:
        case = hold(unit, reference)
        _add_note(house, unit, case, text, actor)
        record(house, unit, case, "noted", actor)
    return case


def _told(shop: Shop, answered: Answered) -> dict[str, str]:
    """What the history keeps of it: the day, and of a letter the day on which it should be delivered."""
    told = {"on": answered.on.isoformat()}
    if answered.how == LETTER:
        expected = deadlines.expected_delivery(answered.on, shop.post, shop.calendar)
        told |= {"posted_on": answered.on.isoformat(), "delivery_on": expected.isoformat()}
    return told


def _not_merged(case: Case) -> Case:
    if case.state is CaseState.MERGED:
        raise Refused(f"{case.reference} is merged.", "`intake show` names the case that it was merged into.")
    return case


def _moment(house: House, unit: Processing, case: Case, on: date) -> datetime:
    """When a case was answered on a day. Raises `Refused` for a day in the future, or before the message came that is
    to be answered."""
    zone, now = house.shop(case.shop).zone, house.clock()
    promised = [one.received_at for one in unit.cases.deadlines(case.id or 0) if one.kind is DeadlineKind.PROMISE]
    received = max(promised, default=case.received_at)
    first, today = received.astimezone(zone).date(), now.astimezone(zone).date()
    if not first <= on <= today:
        raise Refused(
            f"{case.reference} cannot have been answered on {on}.", f"It came on {first}, and today is {today}."
        )
    return now if on == today else max(received, datetime.combine(on, ANSWERED_AT, zone))


def _check_note(text: str) -> None:
    if len(text) > NOTE_AT_MOST:
        raise UsageError(f"The note has {len(text)} characters.", f"Write {NOTE_AT_MOST} at most.")


def _add_note(house: House, unit: Processing, case: Case, text: str, actor: str) -> None:
    if text.strip():
        unit.add_note(Note(case_id=case.id or 0, actor=actor, text=text.strip(), at=house.clock()))
