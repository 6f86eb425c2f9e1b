"""A letter is approved: its text and date are frozen, and it is asked to be typeset for the clerk to print.

Gaps never get so far. What was approved before and not posted yet is replaced by the newer text.
"""

import re
from itertools import pairwise
from typing import Any

from intake.errors import Refused
from intake.pipeline.effects import TYPESET_LETTER, of_draft
from intake.pipeline.house import House
from intake.replies.templates import find_gaps
from intake.rules.tokens import make_nonce, make_token
from storage.models import Case, Draft, DraftState, Event
from storage.processing import Processing

SUBJECT_WITH_REFERENCE = re.compile(r"[(\[][A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9}[)\]]$")
LIST_ITEM = re.compile(r"\s*([-–•*]|\d{1,2}[.)])\s")
# No program wraps shorter lines than the first, and whoever writes longer ones than the second does not wrap.
SHORTEST_WRAP, WIDEST_WRAP = 50, 100


def approved(house: House, case: Case, draft: Draft, subject: str, body: str) -> Draft:
    """The draft with its final text and today's date. Raises `Refused` where gaps are left, naming them."""
    gaps = find_gaps(f"{subject}\n{body}")
    if gaps:
        raise Refused(
            f"The letter of {case.reference} still has gaps: {' '.join(gaps)}.",
            "Fill them in a file and name it with --text, or in the draft, and send it again.",
        )
    if not body.strip():
        raise Refused(f"The letter of {case.reference} is empty.", "Write its text.")
    now, shop = house.clock(), house.shop(case.shop)
    nonce = make_nonce(house.key, draft.token, subject, body, now.isoformat())
    changes: dict[str, Any] = {
        "id": None,
        "subject": subject,
        "body": body,
        "gaps": [],
        "state": DraftState.APPROVED,
        "token": make_token(house.key, case.shop, case.reference, nonce, shop.mail_domain),
        "pdf_sha256": "",
        "run": "",
        "filed_sha256": "",
        "dated": now.astimezone(shop.zone).date(),
        "made_at": now,
    }
    return draft.model_copy(update=changes)


def store_approval(unit: Processing, case: Case, before: Draft, letter: Draft, actor: str) -> None:
    """Store an approved letter in the place of the draft, and ask for it to be typeset."""
    draft_id = unit.add_draft(letter)
    unit.change_draft(before.id or 0, state=DraftState.SUPERSEDED)
    for older in unit.drafts_of(case.id or 0):
        waits = older.state is DraftState.APPROVED and older.posted_on is None
        if waits and older.kind == letter.kind and older.id not in (before.id, draft_id):
            unit.change_draft(older.id or 0, state=DraftState.SUPERSEDED)
    if before.run:
        unit.add_attention(case.id or 0, f"its letter was changed after it was printed in {before.run}: take it out")
    unit.add_effect(of_draft(TYPESET_LETTER, case.shop, letter, draft_id))
    unit.add_event(Event(shop=case.shop, case_id=case.id, kind="approved", actor=actor, data={}, at=letter.made_at))


def subject_and_body(text: str, subject: str) -> tuple[str, str]:
    """A text may begin with the subject and an empty line, as a draft is shown; then that is the subject."""
    first, blank, rest = text.strip().partition("\n\n")
    if blank and "\n" not in first and SUBJECT_WITH_REFERENCE.search(first.strip()):
        return first.strip(), rest.strip() + "\n"
    return subject, text.strip() + "\n"


def unwrapped(text: str) -> str:
    """A text without the line ends that a mail program put in to keep its lines short: a line goes on in the next where
    the next word would not have fitted on it."""
    lines = text.split("\n")
    width = max((len(line.rstrip()) for line in lines), default=0)
    if width > WIDEST_WRAP:
        return text
    joined = lines[:1]
    for before, line in pairwise(lines):
        if _goes_on(before.rstrip(), line, width):
            joined[-1] = f"{joined[-1].rstrip()} {line.strip()}"
        else:
            joined.append(line)
    return "\n".join(joined)


def _goes_on(before: str, line: str, width: int) -> bool:
    if not line.strip() or LIST_ITEM.match(line):
        return False
    return len(before) >= SHORTEST_WRAP and len(before) + 1 + len(line.split(maxsplit=1)[0]) > width
