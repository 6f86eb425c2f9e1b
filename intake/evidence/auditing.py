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
from storage.models import Standing
from storage.originals import Originals
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: the number of lines and the last hash of each shop's history, the shops whose chain is broken,
    and everything that does not hold."""

    heads: Mapping[str, tuple[int, str]]
    broken: frozenset[str]
    findings: tuple[Finding, ...]


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
