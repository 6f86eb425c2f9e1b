"""What is stored, against what the history says: the chain of hashes, the states and dates of cases, the results that
were kept, the originals.

The history is written once and chained (`storage.chain`); cases, dates and results are rows that a person with access
to the database could change. So whoever changes one of them has to change the history too, and then its chain breaks,
or does not lead any more to a head that somebody kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from intake.config import Shop
from intake.evidence.form import Finding, differences
from intake.evidence.lines import pseudonyms
from intake.evidence.verify import verify
from intake.guarantee import ShopFacts, collect
from intake.measuring import METHOD
from intake.measuring.days import month_start
from intake.measuring.figures import figures_value
from intake.measuring.guarantees import Guarantee
from intake.measuring.levels import Rating, computed_at, held, rate
from storage.auditing import Audited, AuditedCase, AuditedDeadline, AuditedEvent
from storage.errors import StorageError
from storage.models import CaseState, Standing
from storage.originals import Originals
from storage.store import Store

HISTORY = "history"
SLACK = timedelta(minutes=10)  # between a row's moment and that of its line in the history
# The lines that give a case a date, and where it stands in them; "" where it did not change.
DATED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("opened", "corrected by its record", "took in another case"), ("due_on",)),
    **dict.fromkeys(("date moved", "holding reply"), ("to",)),
    "reopened": ("due_on", "to"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: the number of lines and the last hash of each shop's history, the shops whose chain is broken,
    and everything that does not hold."""

    heads: Mapping[str, tuple[int, str]]
    broken: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _State:
    """A case as the history tells it. `known` is false where a row may be one of two."""

    state: CaseState = CaseState.OPEN
    answered_at: datetime | None = None
    answered_how: str = ""
    closed_at: datetime | None = None
    closed_as: str = ""
    merged_into: str = ""
    opened: bool = False
    due_on: date | None = None
    dates: list[tuple[date, datetime | None]] = field(default_factory=list)
    untold: int = 0


def audit(store: Store, shops: Iterable[Shop], guarantees: Sequence[Guarantee]) -> Report:
    """Follow the chain of each shop, and compare what is stored with the history. Raises `StorageError`."""
    heads: dict[str, tuple[int, str]] = {}
    broken: set[str] = set()
    findings: list[Finding] = []
    for shop in shops:
        chain = store.chain.audit(shop.id)
        heads[shop.id] = chain.heads.get(shop.id, (0, ""))
        broken |= {one.shop for one in chain.breaks}
        findings += [
            Finding(HISTORY, f"{shop.id}, line {one.number} (id {one.event_id})", one.what) for one in chain.breaks
        ]
        findings += compare(store.auditing.of_shop(shop.id))
        findings += [
            Finding(f"arrival {number}", "", "it was processed, and its messages are gone")
            for number in store.auditing.unheard(shop.id)
        ]
        findings += _standings(store, shop, guarantees)
    return Report(heads, frozenset(broken), tuple(findings))


def compare(audited: Audited) -> Iterator[Finding]:
    """Cases and their dates against the history of the shop. Pure."""
    told: dict[int, _State] = {}
    for event in audited.events:
        _tell(told.setdefault(event.case_id, _State()), event)
    dates: dict[int, list[AuditedDeadline]] = {}
    for deadline in audited.deadlines:
        dates.setdefault(deadline.case_id, []).append(deadline)
    for case in audited.cases:
        state = told.pop(case.id, None)
        if state is None or not state.opened:
            yield Finding(case.reference, "", "the history does not say that it was opened")
            continue
        yield from _states(case, state)
        yield from _dates(case, state, dates.get(case.id, []))
    for case_id in sorted(told):
        yield Finding(HISTORY, f"case {case_id}", "the history speaks of it, and it is not there")


def audit_head(store: Store, head: str) -> list[Finding]:
    """Whether a hash that somebody kept is still in the history."""
    if store.chain.has(head.strip().lower()):
        return []
    return [Finding(HISTORY, "", f"no line has the hash {head}: the history is not the one that it was taken from")]


def audit_against(store: Store, folder: Path) -> list[Finding]:
    """Whether the history still contains what it was when a bundle was made."""
    checked = verify(folder)
    kept, manifest = checked.chain, checked.manifest
    if checked.findings or kept is None or manifest is None:
        return list(checked.findings)
    shop = manifest.shop.id
    found = store.chain.hash_at(shop, kept.number) if kept.number else ""
    if found == kept.hash:
        return []
    what = "it is not the one that stands in the bundle" if found is not None else "the bundle has it, and it is gone"
    return [Finding(HISTORY, f"{shop}, line {kept.number}", what, kept.hash, found or "")]


def audit_originals(store: Store, originals: Originals, shops: Iterable[Shop]) -> Iterator[Finding]:
    """Whether the bytes of every arrival are there, and are those that came; but for what was erased."""
    for shop in shops:
        for number, digest in store.auditing.files(shop.id):
            try:
                originals.read(digest)
            except StorageError as error:
                yield Finding(f"arrival {number}", "", error.what.removesuffix("."))


def name_of(store: Store, shop: Shop, key: bytes, pseudonym: str) -> str | None:
    """The case or the person that the bundles of a shop call by a pseudonym; None where there is none."""
    of = pseudonyms(key, shop.id)
    wanted = pseudonym.strip().lower()
    kind = wanted.partition("-")[0]
    names = store.auditing.actors(shop.id) if kind == "person" else store.auditing.references(shop.id)
    return next((name for name in names if of(kind, name) == wanted), None)


def _tell(state: _State, event: AuditedEvent) -> None:
    """Let a line of the history change what it tells of its case."""
    kind, data = event.kind, event.data
    if kind == "opened":
        state.opened = True
        # What was brought in as answered, was; nobody knows when.
        state.state = CaseState.ANSWERED if event.answered else CaseState.OPEN
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
        state.due_on = date.fromisoformat(str(event.data[names[0]]))
        state.dates.append((state.due_on, _moment(event.data.get("received_at"))))
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
            yield Finding(case.reference, name, "the history says otherwise", str(stored), str(wanted))
    if (case.closed_at is None) != (told.closed_at is None) or (
        case.closed_at and told.closed_at and abs(case.closed_at - told.closed_at) > SLACK
    ):
        yield Finding(
            case.reference, "closed_at", "the history says otherwise", _plain(case.closed_at), _plain(told.closed_at)
        )


def _dates(case: AuditedCase, told: _State, stored: Sequence[AuditedDeadline]) -> Iterator[Finding]:
    """Each date that was told has its row, and no row is there that nobody told of."""
    left = Counter(one.due_on for one in stored)
    for day, _ in told.dates:
        if not left[day]:
            yield Finding(case.reference, "its dates", f"the history says {day}, and no date of it does")
        left[day] -= 1
    more = [day for day, count in left.items() for _ in range(count)]
    if len(more) > told.untold:
        listed = ", ".join(day.isoformat() for day in sorted(more))
        yield Finding(case.reference, "its dates", f"the history does not know {listed}")
    moments = {(day, moment) for day, moment in told.dates if moment is not None}
    for one in stored:
        wanted = {moment for day, moment in moments if day == one.due_on}
        if wanted and one.received_at not in wanted and not one.because and not told.untold:
            yield Finding(
                case.reference,
                f"the arrival of what is due on {one.due_on}",
                "the history says otherwise",
                _plain(one.received_at),
                " or ".join(sorted(map(_plain, wanted))),
            )
    if stored and stored[-1].due_on != case.due_on:
        yield Finding(case.reference, "due_on", "its latest date differs", str(case.due_on), str(stored[-1].due_on))


def _standings(store: Store, shop: Shop, guarantees: Sequence[Guarantee]) -> Iterator[Finding]:
    """The results that were kept, against the same months measured again; where the definition or the method was
    another one then, they cannot be compared."""
    kept = store.measuring.standings(shop.id)
    if not kept:
        return
    facts = collect(store, shop, max(one.month for one in kept) + timedelta(days=62))
    known = {one.id: one for one in guarantees}
    for one in kept:
        guarantee = known.get(one.guarantee)
        if guarantee is None or (one.definition, one.method) != (guarantee.fingerprint, METHOD):
            continue
        now, before = _rating(facts, guarantee, one.month), _rating(facts, guarantee, month_start(one.month, 1))
        wanted = {
            "figures": figures_value(now.figures),
            "reached": now.reached,
            "held": held(guarantee, now, before.reached),
        }
        stored = {"figures": one.figures, "reached": one.reached, "held": one.held}
        yield from differences(f"result of {_name(one)}", stored, wanted)


def _rating(facts: ShopFacts, guarantee: Guarantee, month: date) -> Rating:
    as_of = computed_at(month, facts.zone)
    return rate(guarantee, facts.rows_at(as_of), as_of.astimezone(facts.zone).date())


def _name(one: Standing) -> str:
    return f"{one.shop}, {one.guarantee}, {one.month:%Y-%m}"


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None


def _plain(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat()
