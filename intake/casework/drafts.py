"""A reply made anew because a person asks for it, or because what it rests on was corrected."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from intake import deadlines
from intake.casework.held import hold_open, record
from intake.errors import Refused, UsageError
from intake.pipeline.drafting import Wanted, file_draft
from intake.pipeline.effects import RENEW_DRAFT
from intake.pipeline.house import House
from intake.pipeline.renewing import follow_up_of
from intake.pipeline.withdrawing import take_back
from intake.replies.compose import ACKNOWLEDGEMENT, ANSWER, FINAL, HOLDING, LANGUAGE_NAMES
from intake.types import Language
from storage.models import SUBSTANTIVE, Case, Draft, DraftState, Message
from storage.processing import Processing

KINDS = (ANSWER, HOLDING, FINAL, ACKNOWLEDGEMENT)
OUTCOMES = ("accepted", "offered", "rejected")


@dataclass(frozen=True, slots=True)
class Asked:
    """What reply a person asks for; `category` and `language` where they are not the case's, `outcome` of a final
    position."""

    kind: str = ANSWER
    outcome: str = ""
    category: str = ""
    language: str = ""


def redraft(house: House, reference: str, asked: Asked, actor: str) -> Draft:
    """Make a reply to the customer's last message. One of its kind that waits is taken back where nobody has touched
    it, and so is an approved letter that was not posted. Raises `NotFound`, `Refused`, `UsageError`."""
    check(house, asked)
    with house.store.processing() as unit:
        case = hold_open(unit, reference)
        _make_room(house, unit, case, asked.kind)
        language = Language(asked.language, 1.0, True) if asked.language else None
        shop = house.shop(case.shop)
        proposed_on = None
        if asked.kind == HOLDING:
            begin = max(case.due_on, house.clock().astimezone(shop.zone).date())
            proposed_on = deadlines.add_business_days(begin, shop.promise.holding_days, shop.calendar)
        wanted = Wanted(
            kind=asked.kind,
            language=language,
            category=asked.category,
            proposed_on=proposed_on,
            outcome=asked.outcome,
        )
        return draft_anew(house, unit, case, wanted, actor)


def draft_anew(
    house: House, unit: Processing, case: Case, wanted: Wanted, actor: str, heard: Sequence[Message] | None = None
) -> Draft:
    """Compose a reply to the last of the messages (None: all that the customer wrote in the case), and have it put
    where the manager finds it. Raises `Refused` where the case has no message to answer."""
    draft = _composed(house, unit, case, wanted, heard)
    draft_id = file_draft(unit, house.shop(case.shop), draft)
    record(house, unit, case, "drafted", actor, template=draft.template, gaps=len(draft.gaps))
    return draft.model_copy(update={"id": draft_id})


def renew(house: House, unit: Processing, case: Case, actor: str, heard: Sequence[Message] | None = None) -> None:
    """Make the replies that wait anew, after the case was corrected. One that the manager has begun to edit is hers."""
    shop = house.shop(case.shop)
    for old in unit.waiting_drafts(case.id or 0):
        wanted = Wanted(kind=old.kind, proposed_on=old.proposed_on, outcome=old.outcome)
        if shop.mailbox is None or old.kind not in SUBSTANTIVE:
            take_back(unit, shop, old)
            draft_anew(house, unit, case, wanted, actor, heard)
        else:
            draft = _composed(house, unit, case, wanted, heard)
            file_draft(unit, shop, draft, RENEW_DRAFT)
            record(house, unit, case, "draft renewed", actor, template=draft.template, gaps=len(draft.gaps))


def _composed(house: House, unit: Processing, case: Case, wanted: Wanted, heard: Sequence[Message] | None) -> Draft:
    messages = unit.cases.messages(case.id or 0) if heard is None else heard
    if not messages:
        raise Refused(f"{case.reference} has no message to answer.", "Look at it with `intake show`.")
    # What a person says of the case goes before what the words of the message say.
    category = wanted.category or case.category
    named = case.model_copy(update={"category": category})
    last = messages[-1].model_copy(update={"category": category})
    return follow_up_of(house, named, last, messages[:-1], replace(wanted, salt=secrets.token_hex(8)))


def check(house: House, asked: Asked) -> None:
    """Raises `UsageError` where nothing of that kind can be made."""
    if asked.kind not in KINDS:
        raise UsageError(f"There is no kind of reply {asked.kind!r}.", f"Use one of: {', '.join(KINDS)}.")
    if asked.outcome and asked.outcome not in OUTCOMES:
        raise UsageError(f"There is no outcome {asked.outcome!r}.", f"Use one of: {', '.join(OUTCOMES)}.")
    if asked.outcome and asked.kind != FINAL:
        raise UsageError("Only a final position has an outcome.", "Add --kind final, or leave --outcome out.")
    if asked.kind == FINAL and not asked.outcome:
        raise UsageError("A final position needs its outcome.", f"Add --outcome: {', '.join(OUTCOMES)}.")
    if asked.category:
        check_category(house, asked.category)
    if asked.language:
        check_language(asked.language)


def check_category(house: House, category: str) -> None:
    """Raises `UsageError` where there is no such category."""
    known = [topic.id for topic in house.categories.categories]
    if category not in known:
        raise UsageError(f"There is no category {category!r}.", f"Use one of: {', '.join(known)}.")


def check_language(language: str) -> None:
    """Raises `UsageError` where no reply is written in that language."""
    if language not in LANGUAGE_NAMES:
        raise UsageError(f"There is no language {language!r}.", f"Use one of: {', '.join(LANGUAGE_NAMES)}.")


def _make_room(house: House, unit: Processing, case: Case, kind: str) -> None:
    """Take back what the new reply takes the place of."""
    case_id, shop = case.id or 0, house.shop(case.shop)
    if kind == ACKNOWLEDGEMENT:
        held = unit.latest_draft(case_id, (ACKNOWLEDGEMENT,))
        if held is not None and held.state is DraftState.WAITING:
            raise Refused(f"{case.reference} has an acknowledgement that waits.", "Send that one, or delete it.")
        return
    kinds = SUBSTANTIVE if kind in SUBSTANTIVE else (kind,)
    for draft in unit.waiting_drafts(case_id):
        if draft.kind in kinds:
            take_back(unit, shop, draft)
    letter = unit.cases.letter_to_post(case_id) if kind in SUBSTANTIVE else None
    if letter is not None:
        take_back(unit, shop, letter)
        record(house, unit, case, "letter taken back", "intake")
        if letter.run:
            unit.add_attention(case_id, f"its letter was taken back after it was printed in {letter.run}: take it out")
