"""What is stored, against what the history says: the chain of hashes, the states and dates of cases, the results that
were kept, the originals.

The history is written once and chained (`storage.chain`); cases, dates and results are rows that a person with access
to the database could change. So whoever changes one of them has to change the history too, and then its chain breaks,
or does not lead any more to a head that somebody kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from holidays.version import __version__ as holidays_version

from intake.config import Shop
from intake.evidence.form import Finding, differences
from intake.evidence.history import HISTORY, compare
from intake.evidence.lines import pseudonyms
from intake.evidence.verify import verify
from intake.guarantee import ShopFacts, collect
from intake.measuring import METHOD
from intake.measuring.days import month_start
from intake.measuring.figures import figures_value
from intake.measuring.guarantees import Guarantee
from intake.measuring.levels import Rating, computed_at, held, rate
from storage.errors import StorageError
from storage.measuring import standing_hash
from storage.models import Event, Standing
from storage.originals import Originals
from storage.store import Store

OTHERS = (
    "{shop}: {count} of {all} kept months cannot be counted again: their definition, method or release of the holidays "
    "is another one now"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: the number of lines and the last hash of each shop's history, the shops whose chain is broken,
    and everything that does not hold. `notes` is what could not be looked at."""

    heads: Mapping[str, tuple[int, str]]
    broken: frozenset[str]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def audit(store: Store, shops: Iterable[Shop], guarantees: Sequence[Guarantee]) -> Report:
    """Follow the chain of each shop, and compare what is stored with the history. Raises `StorageError`."""
    heads: dict[str, tuple[int, str]] = {}
    broken: set[str] = set()
    findings: list[Finding] = []
    notes: list[str] = []
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
        kept = store.measuring.standings(shop.id)
        findings += _as_told(kept, store.measuring.measured(shop.id))
        alike = _comparable(kept, guarantees)
        findings += _standings(store, shop, alike)
        if len(alike) < len(kept):
            notes.append(OTHERS.format(shop=shop.id, count=len(kept) - len(alike), all=len(kept)))
    return Report(heads, frozenset(broken), tuple(findings), tuple(notes))


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


def _as_told(kept: Sequence[Standing], events: Sequence[Event]) -> Iterator[Finding]:
    """The results that were kept, against the lines of the history that hold their hashes."""
    told = {(str(one.data["guarantee"]), str(one.data["month"])): str(one.data["sha256"]) for one in events}
    for one in kept:
        wanted = told.pop((one.guarantee, one.month.isoformat()), None)
        if wanted is None:
            yield Finding(f"result of {_name(one)}", "", "the history does not know of it")
        elif wanted != (found := standing_hash(one)):
            yield Finding(f"result of {_name(one)}", "", "it is not what was kept", found, wanted)
    for guarantee, month in sorted(told):
        yield Finding(f"result of {guarantee}, {month[:7]}", "", "the history says that it was kept, and it is gone")


def _comparable(kept: Iterable[Standing], guarantees: Sequence[Guarantee]) -> list[tuple[Standing, Guarantee]]:
    """The results that were counted as they would be now: by the same definition, method and closed days."""
    known = {(one.id, one.fingerprint): one for one in guarantees}
    now = (METHOD, holidays_version)
    pairs = ((one, known.get((one.guarantee, one.definition))) for one in kept if (one.method, one.holidays) == now)
    return [(one, guarantee) for one, guarantee in pairs if guarantee is not None]


def _standings(store: Store, shop: Shop, kept: Sequence[tuple[Standing, Guarantee]]) -> Iterator[Finding]:
    """The results that were kept, against the same months measured again."""
    if not kept:
        return
    facts = collect(store, shop, max(one.month for one, _ in kept) + timedelta(days=62))
    for one, guarantee in kept:
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
