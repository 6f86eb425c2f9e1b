"""What people do about a posted answer: approve it, say where it goes, print it, say that it was posted."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from intake.casework.held import get_case, hold, hold_open
from intake.config import Shop
from intake.errors import Refused
from intake.outlets.printed import lies_in, put_run
from intake.pipeline import posting
from intake.pipeline.approving import approved, store_approval, subject_and_body
from intake.pipeline.delivering import NOT_PRINTED, letter_of
from intake.pipeline.effects import PREVIEW_LETTER, of_draft
from intake.pipeline.house import House
from intake.replies.addresses import address_lines
from intake.replies.print_run import RunLetter, print_run
from intake.types import Channel, PostalAddress
from storage.models import Case, Draft, DraftState, Event


def approve_letter(house: House, reference: str, text: str | None, actor: str) -> None:
    """Approve the posted answer of a case: its text is frozen and asked to be typeset into `outgoing/`.

    Without `text` the draft as it was made is taken. Raises `Refused` where gaps are left, naming them, where the
    case is not answered by letter, or where it is closed.
    """
    with house.store.processing() as unit:
        case = hold_open(unit, reference)
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
    with house.store.processing() as unit:
        case = hold(unit, reference)
        shop = house.shop(case.shop)
        address_lines(address, shop.address.country)
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
