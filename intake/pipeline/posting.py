"""Posted: a letter that the clerk moved to `posted/`, or that somebody says was posted, answers its case.

The case is answered on the day that it was posted; the post's own days say when it will be delivered.
"""

import contextlib
import hashlib
from datetime import date, datetime, time
from pathlib import Path

from intake import deadlines
from intake.config import Shop
from intake.errors import Refused
from intake.outlets.outgoing_post import BESIDE, drop_beside
from intake.outlets.printed import clear_outgoing
from intake.pipeline.answering import LETTER, NO_LATER_DAY, answer_case, hold_case, wait_on
from intake.pipeline.house import House
from intake.pipeline.records import SYSTEM
from intake.replies.compose import ACKNOWLEDGEMENT, HOLDING
from intake.rules.facts import find_facts
from intake.rules.sent import named_day
from intake.sources.posted import PostedFile, outgoing_files, posted_files, reference_in
from storage.models import SUBSTANTIVE, Case, CaseState, Draft, DraftState, Event

POSTED_AT = time(17)  # of the day; the hour says nothing


def notice_posted(house: House, shop: Shop) -> list[str]:
    """Answer the cases whose letters lie in `posted/`; their references. A PDF of many letters stands for all of
    them. What lies there and is no letter of ours that waits, is left alone."""
    folder = shop.post_folder
    if folder is None:
        return []
    waiting = house.store.letters.to_post(shop.id)
    _clear_what_was_posted(house, folder.path, {case.reference for _, case in waiting})
    if not waiting:
        return []
    done = []
    for file in posted_files(folder.path):
        letters = [pair for pair in waiting if _is_in(pair, file)]
        for draft, case in letters:
            day = _day_of(file.moved_at, draft, shop, house.clock())
            waiting.remove((draft, case))
            with contextlib.suppress(Refused):  # a newer text was approved meanwhile: that one waits now
                mark_posted(house, draft, case, day, SYSTEM)
                done.append(case.reference)
    return done


def letter_to_post(house: House, case: Case, day: date) -> Draft:
    """The approved letter of a case that waits to be posted. Raises `Refused` where there is none, or where it cannot
    have been posted on that day."""
    found = [draft for draft, held in house.store.letters.to_post(case.shop) if held.id == case.id]
    found.sort(key=lambda draft: draft.kind in SUBSTANTIVE)  # the answer, where another letter waits too
    if not found:
        raise Refused(
            f"{case.reference} has no approved letter that waits to be posted.", "Look at it with `intake show`."
        )
    today = house.clock().astimezone(house.shop(case.shop).zone).date()
    if not found[-1].dated <= day <= today:
        raise Refused(
            f"The letter of {case.reference} cannot have been posted on {day}.",
            f"It is dated {found[-1].dated}, and today is {today}.",
        )
    return found[-1]


def mark_posted(house: House, draft: Draft, case: Case, day: date, actor: str) -> Draft:
    """Commit that a letter was posted on a day, and that its case is answered by it; an acknowledgement answers
    nothing, and a holding reply moves the date."""
    if draft.kind == ACKNOWLEDGEMENT:
        return _mark_told(house, draft, case, day, actor)
    if draft.kind == HOLDING:
        return _mark_held(house, draft, case, day, actor)
    shop, now = house.shop(case.shop), house.clock()
    expected = deadlines.expected_delivery(day, shop.post, shop.calendar)
    answered_at = min(datetime.combine(day, POSTED_AT, shop.zone), now)
    with house.store.processing() as unit:
        latest, held = unit.latest_draft(case.id or 0), unit.case_by_id(case.id or 0)
        if latest is None or latest.id != draft.id or held is None or held.state is not CaseState.OPEN:
            raise Refused(f"The letter of {case.reference} has changed just now.", "Look at it with `intake show`.")
        unit.change_draft(draft.id or 0, posted_on=day, delivery_on=expected)
        if expected > held.due_on:
            unit.add_attention(case.id or 0, f"posted on {day}, its letter comes on {expected}: after the due date")
        told = {"posted_on": day.isoformat(), "delivery_on": expected.isoformat()}
        answer_case(house, unit, case, LETTER, answered_at, actor, **told)
        wait_on(house, unit, case, answered_at, f"posted {now.isoformat()}")
    house.checkpoint("posted")
    if shop.post_folder is not None:
        run_is_posted = draft.run and not house.store.letters.printed_in(shop.id, draft.run)
        clear_outgoing(shop.post_folder.path, case.reference, draft.run if run_is_posted else "")
        drop_beside(shop.post_folder.path, case.reference)
    house.log.info("posted", case=case.reference, on=day.isoformat(), delivery=expected.isoformat())
    return draft.model_copy(update={"posted_on": day, "delivery_on": expected})


def _mark_told(house: House, draft: Draft, case: Case, day: date, actor: str) -> Draft:
    """Commit that an acknowledgement was posted on a day. The clock runs on."""
    shop, now = house.shop(case.shop), house.clock()
    expected = deadlines.expected_delivery(day, shop.post, shop.calendar)
    with house.store.processing() as unit:
        unit.change_draft(draft.id or 0, posted_on=day, delivery_on=expected, state=DraftState.SENT, sent_at=now)
        data = {"posted_on": day.isoformat(), "delivery_on": expected.isoformat()}
        unit.add_event(
            Event(shop=shop.id, case_id=case.id, kind="acknowledged by letter", actor=actor, data=data, at=now)
        )
    if shop.post_folder is not None:
        drop_beside(shop.post_folder.path, case.reference, (BESIDE[ACKNOWLEDGEMENT],))
    house.log.info("acknowledgement posted", case=case.reference, on=day.isoformat())
    return draft.model_copy(update={"posted_on": day, "delivery_on": expected})


def _mark_held(house: House, draft: Draft, case: Case, day: date, actor: str) -> Draft:
    """Commit that a holding reply was posted on a day: the case is due on the day that stands in it."""
    shop, now = house.shop(case.shop), house.clock()
    expected = deadlines.expected_delivery(day, shop.post, shop.calendar)
    dates = find_facts("", draft.body, draft.language, now.astimezone(shop.zone).date()).dates
    with house.store.processing() as unit:
        held = unit.case_by_id(case.id or 0)
        if held is None or held.state is not CaseState.OPEN:
            raise Refused(f"The letter of {case.reference} has changed just now.", "Look at it with `intake show`.")
        unit.change_draft(draft.id or 0, posted_on=day, delivery_on=expected, state=DraftState.SENT, sent_at=now)
        named = named_day(dates, held.due_on, draft.proposed_on)
        if named is not None:
            hold_case(house, unit, held, named, (draft.message_id, actor))
        else:
            unit.add_attention(case.id or 0, NO_LATER_DAY)
    house.checkpoint("posted")
    if shop.post_folder is not None:
        clear_outgoing(shop.post_folder.path, f"{case.reference}{BESIDE[HOLDING]}", "")
    return draft.model_copy(update={"posted_on": day, "delivery_on": expected})


def _is_in(letter: tuple[Draft, Case], file: PostedFile) -> bool:
    """Whether a file is this letter, byte for byte, or the PDF of many that it was printed in. An earlier letter of the
    same case bears the same reference, and may have been posted a year ago."""
    draft, case = letter
    if draft.run and file.name.startswith(Path(draft.run).stem):
        return True
    return bool(draft.pdf_sha256) and reference_in(file.name) == case.reference and _hash(file) == draft.pdf_sha256


def _hash(file: PostedFile) -> str:
    try:
        return hashlib.sha256(file.path.read_bytes()).hexdigest()
    except OSError:
        return ""  # it is being moved


def _day_of(moved_at: datetime, draft: Draft, shop: Shop, now: datetime) -> date:
    """The day on which a file came to `posted/`; not before the letter was written, nor in the future."""
    local = min(moved_at, now).astimezone(shop.zone).date()
    return max(local, draft.dated)


def _clear_what_was_posted(house: House, post: Path, waiting: set[str]) -> None:
    """A run that died may have left a letter in `outgoing/` that was posted: it would be printed again."""
    for file in outgoing_files(post):
        reference = reference_in(file.name)
        if reference is None or reference in waiting:
            continue
        case = house.store.find_case(reference)
        drafts = house.store.drafts_of_cases([case.id or 0]) if case is not None else {}
        if case is not None and any(draft.posted_on is not None for draft in drafts.values()):
            clear_outgoing(post, case.reference, "")
