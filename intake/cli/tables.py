"""Stored values as lines and tables for eyes, and as plain values for JSON. Prints nothing.

Personal details are shown to who may read the database anyway; IBANs are masked even so.
"""

from datetime import date, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from intake import deadlines
from intake.config import Config, Shop
from intake.rules.facts import mask_iban
from storage.models import Case, Channel, Draft, DraftState, Effect, EffectState, Message
from storage.store import ArrivalLine, CaseFile

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


def draft_words(draft: Draft | None, effect: Effect | None) -> str:
    """Where the draft is: `in Drafts`, `on its way`, or what is wrong."""
    if draft is None:
        return ""
    gaps = f", {len(draft.gaps)} gaps" if draft.gaps else ""
    if effect is None:
        return f"stored{gaps}"
    if effect.state is EffectState.DONE:
        where = {"append draft": "in Drafts", "typeset letter": "in outgoing"}.get(effect.kind, "in drafts/")
        return f"{where}{gaps}"
    if effect.state is EffectState.FAILED:
        return f"failed: {effect.problem}"
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
    """Cases sorted by due date."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("case", "due", "complainant", "subject", "category", "draft", "look at"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("case", "due", "category", "draft"))
    for case in cases:
        shop = config.shop(case.shop)
        draft = drafts.get(case.id or 0)
        marks = [*(f"!{label}" for label in case.labels), *case.attention]
        table.add_row(
            case.reference,
            due_words(case, shop, now, between="\n"),
            escape(shorten(case.complainant_name or case.complainant_address, 26)),
            escape(shorten(case.subject, 40)),
            case.category,
            f"{len(draft.gaps)} gaps" if draft else "none",
            escape("; ".join(marks)),
        )
    return table


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
    }


def case_page(file: CaseFile, shop: Shop, now: datetime) -> list[str | Text | Table]:
    """Everything about one case, as blocks to print."""
    case = file.case
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_column(style="dim")
    head.add_column()
    head.add_row("complainant", escape(f"{case.complainant_name} {case.complainant_address}".strip()))
    head.add_row("received", f"{case.received_at.astimezone(shop.zone):%A %d %B %Y %H:%M} ({_basis(case)})")
    head.add_row("answer", due_words(case, shop, now))
    head.add_row("category", f"{case.category} · {case.language} {' '.join(f'!{label}' for label in case.labels)}")
    for mark in case.attention:
        head.add_row("look at", Text(mark, style="yellow"))
    blocks: list[str | Text | Table] = [Text(f"{case.reference} · {case.state.value}", style="bold"), head]
    for deadline in file.deadlines:
        blocks += [Text("\nWhy this date", style="bold"), Text("\n".join(f"  {line}" for line in deadline.trace))]
    for message in file.messages:
        blocks += [Text(f"\n{_message_title(message, shop)}", style="bold"), Text(_indented(message.text))]
        blocks += [Text(f"  {line}", style="dim") for line in _sender_lines(message)]
        blocks += [Text(f"  facts: {_facts(message)}", style="dim")] if message.facts else []
        blocks += [Text(f"  note: {item}", style="yellow") for item in message.problems]
    effects = {effect.draft_id: effect for effect in file.effects if effect.draft_id}
    for draft in file.drafts:
        where = draft_words(draft, effects.get(draft.id or 0))
        blocks += [
            Text(f"\nDraft · {draft.explanation} · {where}{_posted(draft)}", style="bold"),
            Text(f"  {draft.subject}\n\n{_indented(draft.body)}"),
        ]
    blocks += [Text("\nHistory", style="bold"), Text("\n".join(_history(file, shop)))]
    return blocks


def case_file_value(file: CaseFile) -> dict[str, Any]:
    """Everything about one case for JSON."""
    return {
        **case_value(file.case),
        "deadlines": [item.model_dump(mode="json") for item in file.deadlines],
        "messages": [item.model_dump(mode="json") for item in file.messages],
        "documents": [item.model_dump(mode="json") for item in file.documents],
        "drafts": [item.model_dump(mode="json") for item in file.drafts],
        "effects": [item.model_dump(mode="json") for item in file.effects],
        "events": [item.model_dump(mode="json") for item in file.events],
    }


def shorten(text: str, width: int) -> str:
    """At most `width` characters on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _basis(case: Case) -> str:
    return f"{case.received_basis}, assumed" if case.assumed else case.received_basis


def _message_title(message: Message, shop: Shop) -> str:
    when = f"{message.received_at.astimezone(shop.zone):%a %d %b %H:%M}"
    return f"{message.channel.value.title()} · {when} · {message.from_name or message.from_address} · {message.subject}"


def _posted(draft: Draft) -> str:
    if draft.posted_on is None:
        return " · approved" if draft.state is DraftState.APPROVED else ""
    return f" · posted on {draft.posted_on}, delivered on {draft.delivery_on}"


def _sender_lines(message: Message) -> list[str]:
    """What is known of who wrote it: whether our own mail server vouches for him, and what came along the way."""
    if message.channel is not Channel.MAIL:
        return _letter_lines(message)
    lines = [f"from: {message.from_address}; verified sender: {message.verified.value}"]
    lines += [f"answer to: {', '.join(message.reply_to)}"] if message.reply_to else []
    lines += [f"signed by {message.signed_by}, as the signature says; it is not checked"] if message.signed_by else []
    lines += [f"encrypted ({message.encrypted}): read it in your mail program"] if message.encrypted else []
    lines += [f"forwarded by {message.forwarded_by}"] if message.forwarded_by else []
    return [*lines, *(f"with the forward: {line}" for line in message.forward_note.splitlines()[:5])]


def _letter_lines(message: Message) -> list[str]:
    """What is known of a letter: from where, how it came, and what a machine read."""
    postal, record = message.postal or {}, message.record
    place = " ".join(filter(None, (postal.get("postal_code"), postal.get("city"))))
    street = " ".join(filter(None, (postal.get("street"), postal.get("house_number"))))
    lines = [f"from: {', '.join(filter(None, (postal.get('name'), street, place)))}"] if place else []
    if record.get("registered_no") or record.get("channel") == "registered":
        lines.append(f"registered post {record.get('registered_no', '')}".rstrip())
    lines += [f"clerk's note: {record['note']}"] if record.get("note") else []
    if message.recognised:
        sure = f" ({message.confidence:.0f} % sure of its words)" if message.confidence is not None else ""
        lines.append(f"read by machine{sure}, check: {', '.join(message.recognised).replace('_', ' ')}")
    return lines


def _facts(message: Message) -> str:
    shown = dict(message.facts)
    shown["ibans"] = [mask_iban(iban) for iban in shown.get("ibans", [])]
    return "; ".join(f"{name.replace('_', ' ')}: {', '.join(values)}" for name, values in shown.items() if values)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.rstrip().split("\n"))


def _history(file: CaseFile, shop: Shop) -> list[str]:
    return [
        f"  {event.at.astimezone(shop.zone):%a %d %b %H:%M:%S}  {event.actor:<10} {event.kind}"
        + "".join(f"  {name}={value}" for name, value in event.data.items())
        for event in file.events
    ]


def long_day(day: date) -> str:
    """`Thursday 17 September 2026`."""
    return f"{day:%A} {day.day} {day:%B %Y}"
