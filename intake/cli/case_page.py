"""One case on a page for eyes, and whole for JSON. Prints nothing; IBANs are masked."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from intake.cli.tables import EFFECT_TROUBLE, case_value, clock_words, draft_words, due_words, ended_words
from intake.config import Shop
from intake.pipeline.second_clocks import clocks_of_case
from intake.rules.facts import mask_iban
from storage.models import Case, CaseState, Channel, Deadline, DeadlineKind, Draft, DraftState, Message
from storage.store import CaseFile

ACKNOWLEDGED = ("acknowledged", "not acknowledged")


def case_page(file: CaseFile, shop: Shop, now: datetime) -> list[str | Text | Table]:
    """Everything about one case, as blocks to print."""
    case = file.case
    blocks: list[str | Text | Table] = [Text(f"{case.reference} · {case.state.value}", style="bold")]
    blocks.append(_head(file, shop, now))
    for deadline in file.deadlines:
        blocks += [Text(f"\n{_deadline_title(deadline)}", style="bold")]
        blocks += [Text("\n".join(f"  {line}" for line in deadline.trace))]
    for message in file.messages:
        blocks += [Text(f"\n{_message_title(message, shop)}", style="bold"), Text(_indented(message.text))]
        blocks += [Text(f"  {line}", style="dim") for line in _sender_lines(message)]
        blocks += [Text(f"  facts: {_facts(message)}", style="dim")] if message.facts else []
        blocks += [Text(f"  note: {item}", style="yellow") for item in message.problems]
    effects = {effect.draft_id: effect for effect in file.effects if effect.draft_id}
    for draft in file.drafts:
        where = draft_words(draft, effects.get(draft.id or 0))
        title = f"\nDraft · {_kind(draft)}{draft.explanation} · {where}{_posted(draft, shop)}"
        gone = draft.state is DraftState.SUPERSEDED
        blocks.append(Text(title, style="dim" if gone else "bold"))
        blocks += [] if gone else [Text(f"  {draft.subject}\n\n{_indented(draft.body)}")]
    for note in file.notes:
        title = f"\nNote · {note.at.astimezone(shop.zone):%a %d %b %H:%M} · {note.actor}"
        blocks += [Text(title, style="bold"), Text(_indented(note.text))]
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
        "notes": [item.model_dump(mode="json") for item in file.notes],
        "merged": list(file.merged),
        "merged_into": file.merged_into or None,
        "events": [item.model_dump(mode="json") for item in file.events],
    }


def _head(file: CaseFile, shop: Shop, now: datetime) -> Table:
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_column(style="dim")
    head.add_column()
    for name, words in _head_rows(file, shop, now):
        head.add_row(name, words)
    return head


def _head_rows(file: CaseFile, shop: Shop, now: datetime) -> Iterator[tuple[str, str | Text]]:
    case = file.case
    yield "complainant", escape(f"{case.complainant_name} {case.complainant_address}".strip())
    yield "received", f"{case.received_at.astimezone(shop.zone):%A %d %B %Y %H:%M} ({_basis(case)})"
    yield from _date_rows(file, shop, now)
    if case.assignee:
        yield "assigned to", escape(case.assignee)
    yield "category", f"{case.category} · {case.language} {' '.join(f'!{label}' for label in case.labels)}"
    if file.merged_into:
        yield "merged into", file.merged_into
    if file.merged:
        yield "took in", ", ".join(file.merged)
    yield from _standing_rows(case, shop)
    told = next((event for event in reversed(file.events) if event.kind in ACKNOWLEDGED), None)
    if told is not None:
        why = f": {told.data['why']}" if told.data.get("why") else ""
        yield "first reply", Text(f"{told.kind}{why}", style="" if told.kind == ACKNOWLEDGED[0] else "yellow")
    for effect in file.effects:
        if effect.state in EFFECT_TROUBLE:
            words = f"{effect.kind}: {EFFECT_TROUBLE[effect.state]}. {effect.problem}".strip()
            yield "delivery", Text(words, style="bold red")
    for mark in case.attention:
        yield "look at", Text(mark, style="yellow")


def _standing_rows(case: Case, shop: Shop) -> Iterator[tuple[str, str | Text]]:
    """Who has the case, and whether what is in it is kept or gone."""
    for taken in case.escalations:
        ended = f", closed on {taken['ended']}" if taken.get("ended") else ""
        yield "taken to", Text(f"{taken['name']} on {taken['on']}{ended}", style="" if ended else "bold yellow")
    if case.legal_hold:
        since = f" (since {case.legal_hold_since.astimezone(shop.zone):%d %b %Y})" if case.legal_hold_since else ""
        yield "legal hold", Text(f"{case.legal_hold}{since}", style="yellow")
    if case.anonymised_at is not None:
        yield "anonymised", f"{case.anonymised_at.astimezone(shop.zone):%A %d %B %Y}: who took part is forgotten"


def _date_rows(file: CaseFile, shop: Shop, now: datetime) -> Iterator[tuple[str, str | Text]]:
    """The date that counts; beside a moved one, that of the promise; and the second clocks."""
    case = file.case
    if case.state is CaseState.OPEN:
        yield "answer", due_words(case, shop, now)
    else:
        yield "answer", Text(f"{ended_words(case, shop) or case.state.value}; it was due on {case.due_on:%a %d %b}")
    promised = [one.due_on for one in file.deadlines if one.kind is DeadlineKind.PROMISE and not one.because]
    if promised and promised[-1] != case.due_on:
        yield "promised", f"{promised[-1]:%a %d %b}, which stays beside the moved date"
    for clock in clocks_of_case(case):
        yield "also due", clock_words(clock, shop, now).append(f", {clock.words}", style="default")


def _deadline_title(deadline: Deadline) -> str:
    if deadline.kind is DeadlineKind.PROMISE and not deadline.because:
        return "Why this date"
    return f"Date moved · {deadline.actor or 'intake'} · {deadline.because}"


def _kind(draft: Draft) -> str:
    outcome = f", {draft.outcome}" if draft.outcome else ""
    return "" if draft.kind == "answer" else f"{draft.kind}{outcome} · "


def _basis(case: Case) -> str:
    return f"{case.received_basis}, assumed" if case.assumed else case.received_basis


def _message_title(message: Message, shop: Shop) -> str:
    when = f"{message.received_at.astimezone(shop.zone):%a %d %b %H:%M}"
    way = f"#{message.id} {'Sent' if message.outgoing else message.channel.value.title()}"
    return f"{way} · {when} · {message.from_name or message.from_address} · {message.subject}"


def _posted(draft: Draft, shop: Shop) -> str:
    if draft.sent_at is not None:
        return f" on {draft.sent_at.astimezone(shop.zone):%a %d %b %H:%M}"
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
        + "".join(f"  {name}={value}" for name, value in event.data.items() if name != "promise")
        for event in file.events
    ]
