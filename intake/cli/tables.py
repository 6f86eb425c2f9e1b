"""Stored values as lines and tables for eyes, and as plain values for JSON. Prints nothing.

Personal details are shown to who may read the database anyway; IBANs are masked even so.
"""

from datetime import date, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from intake import deadlines
from intake.casework import CLOSE_REASONS
from intake.config import Config, Shop
from intake.pipeline.second_clocks import clocks_of_case, dispute_clocks
from intake.rules.clocks import Clock
from storage.models import Case, CaseState, Draft, DraftState, Effect, EffectState
from storage.store import ArrivalLine

CLOCK_IS_NEAR = 7  # days
WHERE = {"append draft": "in Drafts", "renew draft": "in Drafts", "typeset letter": "in outgoing", "send reply": "sent"}
DRAFT_ENDS = {
    DraftState.SUPERSEDED: "replaced or taken back",
    DraftState.SENT: "sent",
    DraftState.DELETED: "deleted by the manager",
    DraftState.REFUSED: "could not be sent",
}
EFFECT_TROUBLE = {EffectState.FAILED: "failed", EffectState.UNCERTAIN: "nobody knows whether it was sent"}
FATE_STYLE = {"opened": "bold green", "joined": "cyan", "duplicate": "dim", "set aside": "yellow", "failed": "bold red"}


def due_words(case: Case, shop: Shop, now: datetime, between: str = ", ") -> Text:
    """The day that matters in words, coloured by how near it is: `due tomorrow, post by Fri 18 Sep`."""
    today = now.astimezone(shop.zone).date()
    words = deadlines.in_words(case.due_on, today, shop.calendar).split(", ")
    if case.post_by is not None:
        words.append(f"post by {case.post_by:%a %d %b}")
    left = deadlines.business_days_between(today, case.post_by or case.due_on, shop.calendar)
    style = "bold red" if left < 0 else "red" if left == 0 else "yellow" if left == 1 else ""
    return Text(between.join(words), style=style)


def when_words(case: Case, shop: Shop, now: datetime, between: str = ", ") -> Text:
    """By when a case is to be answered, with its second clocks on lines of their own; of one that is not open, what
    became of it, and by when a dispute body is to be answered."""
    is_open = case.state is CaseState.OPEN
    words = due_words(case, shop, now, between) if is_open else Text(ended_words(case, shop, between) or case.state)
    for clock in clocks_of_case(case) if is_open else dispute_clocks(case):
        words.append("\n").append(clock_words(clock, shop, now))
    return words


def ended_words(case: Case, shop: Shop, between: str = ", ") -> str:
    """How a case was answered, or why it was closed; "" while it is open."""
    if case.state is CaseState.CLOSED:
        words = CLOSE_REASONS.get(case.closed_as, case.closed_as)
        return f"closed {_moment(case.closed_at, shop)}{between}{words}"
    if case.answered_at is None:
        return ""
    how = f"{between}by {case.answered_how}" if case.answered_how else ""
    return f"answered {_moment(case.answered_at, shop)}{how}"


def clock_words(clock: Clock, shop: Shop, now: datetime) -> Text:
    """A second clock, coloured by how near its day is: `privacy: Wed 07 Oct`."""
    day = clock.due_on
    left = (day - now.astimezone(shop.zone).date()).days
    style = "bold red" if left < 0 else "red" if left == 0 else "yellow" if left <= CLOCK_IS_NEAR else "cyan"
    return Text(f"{clock.kind}: {day:%a %d %b}", style=style)


def draft_words(draft: Draft | None, effect: Effect | None) -> str:
    """Where the draft is: `in Drafts`, `on its way`, `sent`, or what is wrong."""
    if draft is None:
        return ""
    if draft.state in DRAFT_ENDS:
        return DRAFT_ENDS[draft.state]
    gaps = f", {_gaps(draft)}" if draft.gaps else ""
    if effect is None:
        return f"stored{gaps}"
    if effect.state is EffectState.DONE:
        return f"{WHERE.get(effect.kind, 'in drafts/')}{gaps}"
    if effect.state in EFFECT_TROUBLE:
        return f"{EFFECT_TROUBLE[effect.state]}: {effect.problem}"
    if effect.state is EffectState.SENDING:
        return "being sent"
    return f"waits: {effect.problem}" if effect.problem else "on its way"


def sender_words(line: ArrivalLine) -> str:
    """Who it is from, as short as is clear."""
    message = line.message
    if message is None:
        return line.arrival.name
    return message.from_name or message.from_address or line.arrival.name


def arrivals_table(lines: list[ArrivalLine], config: Config) -> Table:
    """Everything that came in, with its fate."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    # On a narrow terminal the words give way, never a number, a day or a reference.
    for heading in ("#", "arrived", "by", "from", "subject", "fate", "case", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("from", "subject", "why"))
    for line in lines:
        table.add_row(*_arrival_cells(line, config.shop(line.arrival.shop)))
    return table


def _arrival_cells(line: ArrivalLine, shop: Shop) -> list[str | Text]:
    message = line.message
    fate = message.fate.value if message else "waiting"
    reason = message.reason if message else line.arrival.problem
    suggested = f" maybe {line.suggested}" if line.suggested else ""
    return [
        str(line.arrival.id),
        f"{(message or line.arrival).received_at.astimezone(shop.zone):%a %d %b %H:%M}",
        line.arrival.channel.value,
        escape(shorten(sender_words(line), 24)),
        escape(shorten(message.subject if message else "", 34)),
        Text(fate, style=FATE_STYLE.get(fate, "")),
        line.reference + suggested,
        escape(shorten(reason, 60)),
    ]


def arrival_value(line: ArrivalLine) -> dict[str, Any]:
    """One arrival for JSON."""
    arrival, message = line.arrival, line.message
    return {
        "id": arrival.id,
        "shop": arrival.shop,
        "channel": arrival.channel.value,
        "received_at": (message or arrival).received_at.isoformat(),
        "basis": arrival.received_basis,
        "fate": message.fate.value if message else "waiting",
        "kind": message.reason_kind if message else "",
        "reason": message.reason if message else arrival.problem,
        "case": line.reference or None,
        "suggested": line.suggested or None,
        "from": message.from_address if message else "",
        "subject": message.subject if message else "",
        "message_id": message.message_id if message else "",
        "name": arrival.name,
        "sha256": arrival.sha256,
    }


def cases_table(cases: list[Case], drafts: dict[int, Draft], config: Config, now: datetime) -> Table:
    """Cases in the order given: the most urgent first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("case", "due", "complainant", "subject", "category", "draft", "look at"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("case", "due", "category", "draft"))
    for case in cases:
        shop = config.shop(case.shop)
        draft = drafts.get(case.id or 0)
        whose = [f"@{case.assignee}"] if case.assignee else []
        marks = [*whose, *(f"!{label}" for label in case.labels), *case.attention]
        table.add_row(
            case.reference,
            when_words(case, shop, now, between="\n"),
            escape(shorten(case.complainant_name or case.complainant_address, 26)),
            escape(shorten(case.subject, 40)),
            case.category,
            _draft_cell(draft),
            escape("; ".join(marks)),
        )
    return table


def _draft_cell(draft: Draft | None) -> str:
    if draft is None or draft.state is DraftState.SUPERSEDED:
        return "none"
    return draft.state.value if draft.state in DRAFT_ENDS else _gaps(draft)


def _gaps(draft: Draft) -> str:
    return f"{len(draft.gaps)} gap{'' if len(draft.gaps) == 1 else 's'}"


def case_value(case: Case) -> dict[str, Any]:
    """One case for JSON."""
    return {
        "reference": case.reference,
        "shop": case.shop,
        "state": case.state.value,
        "channel": case.channel.value,
        "due_on": case.due_on.isoformat(),
        "post_by": case.post_by.isoformat() if case.post_by else None,
        "target_at": case.target_at.isoformat(),
        "received_at": case.received_at.isoformat(),
        "assumed": case.assumed,
        "complainant": {"name": case.complainant_name, "address": case.complainant_address},
        "subject": case.subject,
        "language": case.language,
        "category": case.category,
        "labels": case.labels,
        "attention": case.attention,
        "clocks": case.clocks,
        "assignee": case.assignee,
        "answered_at": case.answered_at.isoformat() if case.answered_at else None,
        "answered_how": case.answered_how,
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "closed_as": case.closed_as,
        "escalations": case.escalations,
        "legal_hold": case.legal_hold,
        "anonymised_at": case.anonymised_at.isoformat() if case.anonymised_at else None,
    }


def shorten(text: str, width: int) -> str:
    """At most `width` characters on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def long_day(day: date) -> str:
    """`Thursday 17 September 2026`."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def _moment(moment: datetime | None, shop: Shop) -> str:
    return f"{moment.astimezone(shop.zone):%a %d %b %H:%M}" if moment is not None else ""
