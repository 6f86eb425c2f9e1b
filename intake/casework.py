"""What people do: open or join an arrival against the rules' decision; approve, print and post a letter.

The command line calls these now, the desk will call the same ones. Every change is an event with who and when.
"""

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from intake.config import Shop
from intake.errors import NotFound, Refused
from intake.outlets.printed import lies_in, put_run
from intake.pipeline import posting
from intake.pipeline.approving import approved, store_approval, subject_and_body
from intake.pipeline.delivering import NOT_PRINTED, letter_of
from intake.pipeline.effects import PREVIEW_LETTER, of_draft
from intake.pipeline.house import House
from intake.pipeline.items import Item, view
from intake.pipeline.processing import examine_anew
from intake.pipeline.settling import carry_out, finish
from intake.replies.addresses import address_lines
from intake.replies.print_run import RunLetter, print_run
from intake.rules.decision import Decision
from intake.rules.people import complainant_of
from intake.types import Channel, Fate, PostalAddress
from storage.errors import NotStored
from storage.models import Case, CaseState, Draft, DraftState, Event
from storage.models import Fate as StoredFate
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
    return _redecide(house, line, items, decisions, actor)


def join_arrival(house: House, arrival_id: int, reference: str, actor: str) -> str:
    """Join an arrival that was set aside or called a duplicate to a case; the reference of the case it went to. A case
    that was answered is open again, unless the arrival is automatic. Raises `NotFound`, `Refused`."""
    line = _redecidable(house, arrival_id)
    case = get_case(house, reference)
    if case.shop != line.arrival.shop:
        raise Refused(f"{case.reference} is a case of another shop.", "An arrival stays with its shop.")
    items = examine_anew(house, line.arrival)
    automatic = line.message is not None and line.message.reason_kind == "automatic"
    reopens = case.state is not CaseState.OPEN and not automatic
    decision = Decision(Fate.JOINED, "by a person", f"joined by {actor}", case=view(case), reopens=reopens)
    return _redecide(house, line, items, [decision] * len(items), actor)


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
    if case.state is not CaseState.OPEN:
        raise Refused(f"{case.reference} is {case.state.value}.", "Only an open case is answered.")
    with house.store.processing() as unit:
        draft = unit.latest_draft(case.id or 0)
        if draft is None:
            raise Refused(f"{case.reference} has no draft.", "Look at it with `intake show`.")
        if draft.channel.value != Channel.LETTER.value:
            raise Refused(f"{case.reference} is answered by mail.", "Its draft is in the Drafts folder.")
        letter = approved(house, case, draft, *subject_and_body(draft.body if text is None else text, draft.subject))
        # Typeset once before anything is stored: an address that does not fit is refused here.
        house.typesetter.typeset(letter_of(house.shop(case.shop), letter, case, draft_mark=False))
        store_approval(unit, case, draft, letter, actor)


def set_address(house: House, reference: str, address: PostalAddress, actor: str) -> None:
    """Say where the complainant of a case lives, where nobody could read the letter. The preview is made anew.
    Raises `NotFound`, `Refused` where the post could not deliver there."""
    case = get_case(house, reference)
    shop = house.shop(case.shop)
    address_lines(address, shop.address.country)
    with house.store.processing() as unit:
        unit.change_case(case.id or 0, postal=asdict(address), complainant_name=address.name or case.complainant_name)
        left = [mark for mark in case.attention if not mark.startswith(NOT_PRINTED)]
        unit.change_case(case.id or 0, attention=left)
        draft = unit.latest_draft(case.id or 0)
        if draft is not None and draft.state is DraftState.WAITING and shop.post_folder is not None:
            effect = of_draft(PREVIEW_LETTER, case.shop, draft, draft.id or 0)
            unit.add_effect(effect.model_copy(update={"key": f"{effect.key}:{secrets.token_hex(4)}"}))
        unit.add_event(
            Event(shop=case.shop, case_id=case.id, kind="address corrected", actor=actor, data={}, at=house.clock())
        )


def print_letters(
    house: House, shop: Shop, *, duplex: bool, target: Path | None = None, again: bool = False
) -> tuple[Path, list[str]]:
    """The letters of a shop that wait to be posted, in one PDF with a list in front: where it lies, and their cases.
    What lies in an earlier PDF of many that was not posted yet is left out, unless it is printed `again`. It lies in
    `outgoing/` where no `target` is named; moved to `posted/`, it posts all of them. Raises `Refused` where none waits
    or the shop has no post folder."""
    place = shop.post_folder.path if shop.post_folder else None
    waiting = [pair for pair in house.store.letters.to_post(shop.id) if pair[0].pdf_sha256]
    letters = [
        (draft, case)
        for draft, case in waiting
        if again or place is None or not draft.run or not lies_in(place, draft.run)
    ]
    if not letters:
        printed = " They were printed before; `--again` prints them once more." if waiting else ""
        raise Refused(f"No letter of {shop.name} waits to be printed.{printed}", "Letters wait once they are approved.")
    if shop.post_folder is None and target is None:
        raise Refused(f"Shop {shop.id} has no post folder.", "Name a file with --to.")
    now = house.clock()
    run = [
        RunLetter(
            case.reference,
            case.complainant_name,
            str((case.postal or {}).get("city", "")),
            case.post_by,
            house.originals.read(draft.pdf_sha256),
        )
        for draft, case in letters
    ]
    local = now.astimezone(shop.zone)
    pdf = print_run(house.typesetter.press, run, language=shop.languages[0], dated=local.date(), duplex=duplex)
    name = f"PRINT-RUN__{local:%Y-%m-%d_%H%M%S}.pdf"
    house.store.letters.set_run([draft.id or 0 for draft, _ in letters], name)
    return put_run(place, name, pdf, target), [case.reference for _, case in letters]


def mark_posted(house: House, references: Sequence[str], day: date | None, actor: str) -> list[tuple[Case, Draft]]:
    """Letters were posted on a day (None: today), and answer their cases. Nothing is changed where one of them cannot
    have been. Raises `NotFound`, `Refused`."""
    cases = [get_case(house, reference) for reference in references]
    found = []
    for case in cases:
        today = house.clock().astimezone(house.shop(case.shop).zone).date()
        found.append((case, posting.letter_to_post(house, case, day or today), day or today))
    return [(case, posting.mark_posted(house, draft, case, on, actor)) for case, draft, on in found]


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


def _redecide(house: House, line: ArrivalLine, items: Sequence[Item], decisions: Sequence[Decision], actor: str) -> str:
    """Replace the fates by a person's decision. The old fate stays in the history."""
    before = line.message.fate.value if line.message else ""
    with house.store.processing() as unit:
        if unit.fate_of(line.arrival.id or 0) not in REDECIDABLE:
            raise Refused(f"Arrival {line.arrival.id} was decided anew just now.", "Look with `intake arrivals`.")
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
