"""Cases, their dates and their acknowledgements, as they are stored, against what the history says of them. Pure.

The history is the measure: what it says has its row, what is stored was told, and both say the same of whatever a
figure could depend on. Earlier versions said less: what their lines do not tell is believed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from intake.evidence.form import Finding
from intake.pipeline.records import promise_hash
from storage.auditing import Audited, AuditedCase, AuditedDeadline, AuditedEvent, AuditedReceipt
from storage.models import CaseState, DeadlineKind

HISTORY = "history"
PROMISED = "promised"  # for what joined later and came earlier: it moves the case's date to an earlier day only
OTHERWISE = "the history says otherwise"
SLACK = timedelta(minutes=10)  # between a row's moment and that of its line in the history
# The lines that give a case a date, and where it stands in them; "" where it did not change.
DATED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("opened", "corrected by its record", "took in another case", "promised"), ("due_on",)),
    **dict.fromkeys(("date moved", "holding reply"), ("to",)),
    "reopened": ("due_on", "to"),
}
PROMISING = ("opened", "reopened", "promised", "corrected by its record")  # and not: moved, or taken over


@dataclass(frozen=True, slots=True)
class _Date:
    """A date as the history tells it: the day, whether it is a promise, and the line that tells it."""

    day: date
    promises: bool
    event: AuditedEvent


@dataclass(slots=True)
class _State:
    """A case as the history tells it. `untold` are the dates that earlier versions gave it without saying which."""

    state: CaseState = CaseState.OPEN
    answered_at: datetime | None = None
    answered_how: str = ""
    closed_at: datetime | None = None
    closed_as: str = ""
    merged_into: str = ""
    opened_at: datetime | None = None
    due_on: date | None = None
    dates: list[_Date] = field(default_factory=list)
    untold: int = 0
    events: list[AuditedEvent] = field(default_factory=list)


def compare(audited: Audited) -> Iterator[Finding]:
    """Cases and their dates against the history of the shop."""
    told: dict[int, _State] = {}
    for event in audited.events:
        _tell(told.setdefault(event.case_id, _State()), event)
    dates: dict[int, list[AuditedDeadline]] = {}
    for deadline in audited.deadlines:
        dates.setdefault(deadline.case_id, []).append(deadline)
    receipts: dict[int, list[AuditedReceipt]] = {}
    for receipt in audited.receipts:
        receipts.setdefault(receipt.case_id, []).append(receipt)
    for case in audited.cases:
        state = told.pop(case.id, None)
        if state is None or state.opened_at is None:
            yield Finding(case.reference, "", "the history does not say that it was opened")
            continue
        yield from _states(case, state)
        yield from _dates(case, state, dates.get(case.id, []))
        yield from _receipts(case, state.events, receipts.get(case.id, []))
    for case_id in sorted(told):
        yield Finding(HISTORY, f"case {case_id}", "the history speaks of it, and it is not there")


def _tell(state: _State, event: AuditedEvent) -> None:
    """Let a line of the history change what it tells of its case."""
    kind, data = event.kind, event.data
    state.events.append(event)
    if kind == "opened":
        state.opened_at = event.at
        # What was brought in as answered, was; nobody knows when. Earlier versions did not say it in the line.
        answered = data["answered"] == "yes" if "answered" in data else event.answered
        state.state = CaseState.ANSWERED if answered else CaseState.OPEN
    elif kind.startswith("answered by "):
        state.state, state.answered_how = CaseState.ANSWERED, kind.removeprefix("answered by ")
        state.answered_at = _moment(data.get("answered_at"))
    elif kind == "closed":
        state.state, state.closed_as, state.closed_at = CaseState.CLOSED, str(data.get("why")), event.at
    elif kind == "reopened":
        state.state, state.answered_at, state.answered_how = CaseState.OPEN, None, ""
        state.closed_at, state.closed_as = None, ""
    elif kind == "merged":
        state.state, state.merged_into = CaseState.MERGED, str(data.get("into"))
    _tell_date(state, event)


def _tell_date(state: _State, event: AuditedEvent) -> None:
    names = [name for name in DATED.get(event.kind, ()) if name in event.data]
    if names and event.data[names[0]]:
        day = date.fromisoformat(str(event.data[names[0]]))
        promises = event.kind in PROMISING and names[0] == "due_on"
        state.dates.append(_Date(day, promises, event))
        # What came earlier and was added later moves no date back.
        if event.kind != "promised" or (state.due_on is not None and day < state.due_on):
            state.due_on = day
    elif event.kind in DATED and not names:
        # Earlier versions did not say.
        state.untold += 1
        state.due_on = None


def _states(case: AuditedCase, told: _State) -> Iterator[Finding]:
    pairs: list[tuple[str, Any, Any]] = [("state", case.state.value, told.state.value)]
    pairs += [(name, getattr(case, name), getattr(told, name)) for name in ("answered_how", "closed_as", "merged_into")]
    pairs.append(("answered_at", _plain(case.answered_at), _plain(told.answered_at)))
    if told.due_on is not None:
        pairs.append(("due_on", case.due_on.isoformat(), told.due_on.isoformat()))
    for name, stored, wanted in pairs:
        if stored != wanted:
            yield Finding(case.reference, name, OTHERWISE, str(stored), str(wanted))
    moments = (("closed_at", case.closed_at, told.closed_at), ("opened_at", case.opened_at, told.opened_at))
    for name, at, told_at in moments:
        if (at is None) != (told_at is None) or (at and told_at and abs(at - told_at) > SLACK):
            yield Finding(case.reference, name, OTHERWISE, _plain(at), _plain(told_at))


def _dates(case: AuditedCase, told: _State, stored: Sequence[AuditedDeadline]) -> Iterator[Finding]:
    """Each date that was told has its row, of its kind, and no row is there that nobody told of."""
    left = Counter((one.due_on, _is_promise(one)) for one in stored)
    for one in told.dates:
        if not left[one.day, one.promises]:
            kind = "promise" if one.promises else "date"
            yield Finding(case.reference, "its dates", f"the history says {one.day}, and no {kind} of it does")
        left[one.day, one.promises] -= 1
    more = [day for (day, _), count in left.items() for _ in range(count)]
    if len(more) > told.untold:
        listed = ", ".join(day.isoformat() for day in sorted(more))
        yield Finding(case.reference, "its dates", f"the history does not know {listed}")
    for row in stored:
        if _is_promise(row):
            yield from _promise(case, row, told)
    current = [row for row in stored if not _is_promise(row) or row.due_on <= case.due_on]
    if stored and (not current or current[-1].due_on != case.due_on):
        yield Finding(case.reference, "due_on", "its latest date differs", str(case.due_on), str(stored[-1].due_on))


def _is_promise(row: AuditedDeadline) -> bool:
    """Whether a date is measured. A copy that a merge made says why."""
    return row.kind is DeadlineKind.PROMISE and not row.because


def _promise(case: AuditedCase, row: AuditedDeadline, told: _State) -> Iterator[Finding]:
    """A promise against the line that told of it: what was promised, for which message, and when."""
    lines = [one.event for one in told.dates if one.promises and one.day == row.due_on]
    if not lines or (told.untold and all("message" not in one.data for one in lines)):
        return
    pairs = [list(_pairs(row, event)) for event in lines]
    # Of several lines of the same day the row has the one that it agrees with best.
    nearest = min(pairs, key=lambda found: sum(stored != wanted for _, stored, wanted in found))
    for name, stored, wanted in nearest:
        if stored != wanted:
            yield Finding(case.reference, f"{name} of what is due on {row.due_on}", OTHERWISE, stored, wanted)


def _pairs(row: AuditedDeadline, event: AuditedEvent) -> Iterator[tuple[str, str, str]]:
    """What a promise and its line both tell: its name, as stored and as told."""
    data = event.data
    if data.get("received_at"):
        yield "the arrival", _plain(row.received_at), _plain(_moment(data["received_at"]))
    if "message" not in data:
        return
    yield "the message", str(row.message_id), str(data["message"])
    yield "the channel", row.channel.value, str(data["channel"])
    yield "the promise", promise_hash(row.promise), str(data["promise"])
    yield "the shop", row.shop, event.shop
    if "answered" in data:
        yield "whether it was brought in as answered,", "yes" if row.answered else "no", str(data["answered"])
    if abs(row.made_at - event.at) > SLACK:
        yield "the making", _plain(row.made_at), _plain(event.at)


def _receipts(case: AuditedCase, events: Sequence[AuditedEvent], stored: Sequence[AuditedReceipt]) -> Iterator[Finding]:
    """Acknowledgements that went out: each when the history says, and none that it does not know."""
    sent = [one.at for one in events if one.kind == "acknowledged"]
    seen = [one for one in events if one.kind == "sent"]
    sent += [at for one in seen if (at := _moment(one.data.get("sent_at"))) is not None]
    letters = [one for one in events if one.kind == "acknowledged by letter"]
    days = {str(one.data["delivery_on"]) for one in letters if "delivery_on" in one.data}
    believed = any("sent_at" not in one.data for one in seen)  # earlier versions did not say
    for row in stored:
        if row.delivery_on is not None:
            known = len(days) < len(letters) or row.delivery_on.isoformat() in days
        else:
            known = believed or any(abs(row.sent_at - at) <= SLACK for at in sent if row.sent_at)
        if not known:
            when = str(row.delivery_on or _plain(row.sent_at))
            yield Finding(case.reference, "its acknowledgement", "the history does not know of it", when)
    told = sum(one.kind.startswith("acknowledged") for one in events)
    if told > len(stored):
        yield Finding(
            case.reference, "its acknowledgement", f"the history knows of {told}, and {len(stored)} are there"
        )


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None


def _plain(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat()
