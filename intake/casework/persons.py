"""A person's data: found by a mail address, a name or a case, and erased on request across cases.

The cases in which they complain are anonymised whole, as after their term; messages of theirs elsewhere are emptied.
What is kept, and why, is told: nothing is silently left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from intake.errors import NotFound, Refused, UsageError
from intake.pipeline.erasing import Wish, forget_case, forget_messages
from intake.pipeline.house import House
from intake.pipeline.retaining import COPIES_FOR, ending_of, keeping_of
from intake.pipeline.second_clocks import is_disputed
from intake.rules.people import is_entry, name_key
from intake.rules.retention import DISPUTED, HELD, OPEN, add_months
from storage.database import old_copies
from storage.erasing import ENDED, Family
from storage.models import Case, Message
from storage.persons import Identity
from storage.store import Store

# The grounds of art. 17(1) GDPR, and what they are called here. The history keeps the word, which tells of nobody.
GROUNDS = {
    "request": "the person asks for it",
    "no-longer-needed": "art. 17(1)(a)",
    "consent-withdrawn": "art. 17(1)(b)",
    "objection": "art. 17(1)(c)",
    "unlawful": "art. 17(1)(d)",
    "legal-duty": "art. 17(1)(e)",
    "child": "art. 17(1)(f)",
}
LEAST_NAME = 3  # letters


@dataclass(frozen=True, slots=True)
class Person:
    """One person as Intake knows them: by what, and in which cases (merged ones with those that they went into).
    `elsewhere` are messages of theirs in no case of theirs, each with the case that it is in."""

    addresses: tuple[str, ...]
    names: tuple[str, ...]
    postcodes: tuple[str, ...]
    families: tuple[Family, ...]
    elsewhere: tuple[tuple[Message, Case | None], ...]

    @property
    def keys(self) -> frozenset[str]:
        """By what they take part in cases."""
        named = {name_key(name) for name in self.names} - {""}
        return frozenset((*self.addresses, *(f"post:{name}|{place}" for name in named for place in self.postcodes)))

    @property
    def case_ids(self) -> set[int]:
        return {number for family in self.families for number in family.ids}


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept (a case, a message, something else), and why. `needs` a person to decide, now or later."""

    what: str
    why: str
    needs: bool = True


@dataclass
class Erasure:
    """What was erased, or would be, and what is kept."""

    cases: list[str] = field(default_factory=list)
    messages: int = 0
    kept: list[Kept] = field(default_factory=list)


def find_person(store: Store, shops: Sequence[str], who: str, postcode: str = "") -> Person:
    """The person whom an address, a name or the reference of a case means; `postcode` tells people of one name apart. A
    name is the whole name, however it is written in capitals and blanks. Raises `NotFound`; `Refused` where it means
    several people."""
    known = list(store.persons.identities(shops))
    asked = _plain(who)
    if len(asked) < LEAST_NAME:
        raise UsageError(f"{who!r} names nobody.", "Give a mail address, a whole name in quotes, or a case.")
    case = store.find_case(who)
    if case is not None and case.shop in shops:
        group = _by_case(known, case)
    elif "@" in asked:
        group = _by_address(known, asked, store.persons.opened_by(shops, {asked}))
    else:
        group = _by_name(store, known, asked, "".join(postcode.split()).upper())
    addresses = {one.address for one in group} - {""}
    case_ids = {one.case_id for one in group if one.case_id is not None}
    case_ids |= store.persons.opened_by(shops, addresses, alone=True)
    families = store.persons.families(case_ids)
    elsewhere = store.persons.elsewhere(shops, addresses, {one for family in families for one in family.ids})
    if not families and not elsewhere:
        raise NotFound(f"Nothing is held about {who}.", "Look for another address or name of theirs, too.")
    names = {one.name for one in group} | {message.from_name for message, _ in elsewhere if not message.outgoing}
    return Person(
        addresses=tuple(sorted(addresses)),
        names=tuple(sorted(names - {""})),
        postcodes=tuple(sorted({one.postcode for one in group} - {""})),
        families=tuple(family for family in families if family.case.anonymised_at is None),
        elsewhere=tuple(elsewhere),
    )


def erase_person(house: House, person: Person, ground: str, actor: str, *, preview: bool = False) -> Erasure:
    """Erase what is held about a person, as far as it may be; what was (or, for a `preview`, would be) erased, and what
    is kept. Raises `UsageError` for a ground that is none of `GROUNDS`, `Refused` for an address of ours."""
    refuse_ours(house, person.addresses)
    if ground not in GROUNDS:
        listed = ", ".join(f"{name} ({words})" for name, words in GROUNDS.items())
        raise UsageError(f"There is no ground {ground!r}.", f"Use one of: {listed}.")
    done, wish = Erasure(), Wish("asked", actor, ground)
    words = {*person.keys, *(name.lower() for name in person.names if " " in name.strip())}
    for family in person.families:
        why = _refusal(house, family) or _stop(house, family, wish, preview=preview)
        if why:
            done.kept.append(Kept(f"case {family.case.reference}", why))
        else:
            done.cases += [case.reference for case in family.cases]
    _erase_elsewhere(house, person, done, wish, preview=preview)
    _tell_rest(house, person, words, done)
    return done


def refuse_ours(house: House, addresses: Iterable[str]) -> None:
    """Raises `Refused` where one of these is an address of a shop or of its forms: what comes from there was written by
    the shop, or by many people."""
    for address in addresses:
        for shop in house.config.shops:
            forms = shop.mailbox.forms if shop.mailbox is not None else ()
            if "@" in address and (shop.owns(address) or is_entry(address, forms)):
                raise Refused(f"{address} is no customer's: it belongs to {shop.name}.", "Name the customer's own.")


def _erase_elsewhere(house: House, person: Person, done: Erasure, wish: Wish, *, preview: bool) -> None:
    wanted: dict[str, list[int]] = {}
    families = house.store.persons.families({case.id or 0 for _, case in person.elsewhere if case is not None})
    state = {number: _why_whole(family) for family in families for number in family.ids}
    for message, case in person.elsewhere:
        why = state.get(case.id or 0, "") if case is not None else ""
        if case is not None and why:
            kept = Kept(f"case {case.reference}", f"a message of theirs in a case of somebody else that is {why}")
            done.kept += [kept] if kept not in done.kept else []
        else:
            wanted.setdefault(message.shop, []).append(message.id or 0)
    for shop, ids in wanted.items():
        forgotten = len(ids) if preview else forget_messages(house, house.shop(shop), ids, wish, theirs=person.keys)
        done.messages += forgotten


def _why_whole(family: Family) -> str:
    """Why nothing is taken out of somebody else's case now; "" where it may be."""
    if family.case.anonymised_at is not None:
        return ""
    if any(case.legal_hold for case in family.cases) or is_disputed(family.case):
        return "held"
    return "" if family.case.state in ENDED else "open"


def _stop(house: House, family: Family, wish: Wish, *, preview: bool) -> str:
    """Forget a case, unless this is a preview; why it is kept."""
    if preview:
        return ""
    return forget_case(house, family.case.id or 0, wish, lambda now: _refusal(house, now))


def _refusal(house: House, family: Family) -> str:
    """Why a case is kept whoever asks: it is open, disputed or held, or the law asks for more than the general term."""
    if family.case.state not in ENDED:
        return f"{OPEN}: answer or close it first"
    if is_disputed(family.case):
        return f"{DISPUTED}: `intake close {family.case.reference}` when that is over"
    if any(case.legal_hold for case in family.cases):
        return f"{HELD}: `intake release {family.case.reference}` ends it"
    shop = house.shop(family.case.shop)
    keeping, ended = keeping_of(family, shop), ending_of(family, shop).ended_on
    today = house.clock().astimezone(shop.zone).date()
    general = add_months(ended, shop.retention.months) if ended is not None else None
    if keeping.until is not None and general is not None and keeping.until > general and today <= keeping.until:
        return f"{keeping.why}, until {keeping.until}"
    return ""


def _tell_rest(house: House, person: Person, words: set[str], done: Erasure) -> None:
    """What stays in any case."""
    shops = [shop.id for shop in house.config.shops]
    own = {message.id or 0 for message, _ in person.elsewhere}
    kept_ids = person.case_ids
    for family in person.families:
        own |= {one.id or 0 for number in family.ids for one in house.store.case_file(number).messages}
    named: dict[str, list[str]] = {}
    for mention in house.store.persons.mentions(shops, words, own) if words else []:
        where = f"case {mention.reference}" if mention.reference else f"arrival {mention.arrival_id}"
        if mention.arrival_id is not None or not _is_of(house, mention.reference, kept_ids):
            named.setdefault(where, []).append(mention.words)
    done.kept += [Kept(where, "; ".join(dict.fromkeys(told))) for where, told in named.items()]
    if done.cases or done.messages:
        done.kept.append(Kept("history and dates", "they hold no personal text, and the figures rest on them", False))
        done.kept.append(Kept("tombstones", "keyed hashes that keep what was erased from coming back", False))
    for copy in old_copies(house.config.data / "copies"):
        until = (datetime.fromtimestamp(copy.stat().st_mtime, UTC) + COPIES_FOR + timedelta(days=1)).date()
        done.kept.append(Kept(f"copies/{copy.name}", f"the database before an update; deleted by {until}", False))
    done.kept.append(Kept("mailbox", "Intake deletes nothing in INBOX and Sent: that is the shop's to do", False))
    done.kept.append(Kept("backups", "they hold what was erased until they are deleted", False))


def _is_of(house: House, reference: str, case_ids: set[int]) -> bool:
    case = house.store.find_case(reference)
    return case is not None and case.id in case_ids


def _by_case(known: Sequence[Identity], case: Case) -> list[Identity]:
    """Whoever complains in a case, with what is known by the same address, or name and postcode. Raises `Refused`."""
    own = [one for one in known if one.case_id == case.id]
    if not own:
        raise Refused(f"{case.reference} was anonymised already.", "Nobody is named in it any more.")
    addresses = {one.address for one in own} - {""}
    posts = {_post(one) for one in own if one.postcode and one.name}
    return [*own, *(one for one in _same_person(known, addresses, posts) if one not in own)]


def _by_address(known: Sequence[Identity], asked: str, opened: set[int]) -> list[Identity]:
    """Whoever is answered at an address or wrote from it. Raises `Refused` where cases that were `opened` from it are
    answered to several others: then it passes on what people write."""
    own = [one for one in known if one.case_id in opened]
    others = {one.address for one in own} - {"", asked}
    if len(others) > 1:
        listed = ", ".join(sorted(others)[:20])
        raise Refused(f"{len(others)} people wrote by way of {asked}: {listed}.", "Name one by their own address.")
    found = _same_person(known, {asked, *others}, {_post(one) for one in own if one.postcode and one.name})
    return [*found, *(one for one in own if one not in found), Identity(None, "", asked, "")]


def _by_name(store: Store, known: Sequence[Identity], asked: str, postcode: str) -> list[Identity]:
    """Those of one name who are one person. Raises `NotFound`, `Refused`."""
    named = [one for one in known if _plain(one.name) == asked and postcode in ("", one.postcode)]
    groups: list[list[Identity]] = []
    while named:
        first = named[0]
        group = _same_person(known, {first.address} - {""}, {(asked, first.postcode)} if first.postcode else set())
        group = group or [first]
        groups.append(group)
        named = [one for one in named if one not in group and one != first]
    if not groups:
        raise NotFound(f"Nothing is held about {asked!r}.", "A name is looked for whole; try the mail address.")
    if len(groups) > 1:
        listed = "; ".join(_words(store, group) for group in groups[:20])
        raise Refused(
            f"{len(groups)} people have that name: {listed}.",
            "Name one by the address, with --postal-code, or by the reference of a case.",
        )
    return groups[0]


def _same_person(known: Sequence[Identity], addresses: set[str], posts: set[tuple[str, str]]) -> list[Identity]:
    """Everything known by one of these addresses, or by a name with postcode, and by what that is known by in turn."""
    found: list[Identity] = []
    while True:
        more = [
            one
            for one in known
            if one not in found and (one.address in addresses or (one.postcode and _post(one) in posts))
        ]
        if not more:
            return found
        found += more
        addresses = addresses | {one.address for one in more} - {""}
        posts = posts | {_post(one) for one in more if one.postcode and one.name}


def _post(one: Identity) -> tuple[str, str]:
    return _plain(one.name), one.postcode


def _words(store: Store, group: Sequence[Identity]) -> str:
    told = ({one.address for one in group} | {one.postcode for one in group}) - {""}
    if not told:
        families = store.persons.families({one.case_id for one in group if one.case_id is not None})
        told = {f"case {family.case.reference}" for family in families}
    return ", ".join(sorted(told)) or "by name alone"


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
