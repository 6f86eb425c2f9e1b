"""The calendar feed of a shop: its open cases' days as entries, and the file that a calendar program reads.

A case has one entry, on the day that counts, and one for each second clock; one that is answered and with a dispute
body has that body's. The titles hold the reference alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from intake.config import Config, Shop
from intake.outlets.calendar_feed import Entry, feed, keep_fresh
from intake.pipeline.house import House
from intake.pipeline.second_clocks import clocks_of_case, dispute_clocks
from intake.replies.notices import Words
from intake.rules.clocks import Clock
from storage.models import Case, Deadline
from storage.store import Store


def keep_calendar(house: House, shop: Shop) -> bool:
    """Keep DATA/calendar/SHOP.ics fresh; whether it was written. Raises `StorageError`, `OSError`."""
    return keep_fresh(calendar_path(house.config, shop), calendar_of(house.store, [shop], house.words))


def calendar_path(config: Config, shop: Shop) -> Path:
    """Where the feed of a shop lies."""
    return config.data / "calendar" / f"{shop.id}.ics"


def calendar_of(store: Store, shops: Sequence[Shop], words: Mapping[str, Words]) -> bytes:
    """The calendar of these shops together, in the first one's language."""
    names = words[shops[0].languages[0]].mail["calendar"].format(name=", ".join(shop.name for shop in shops))
    return feed(names, [entry for shop in shops for entry in _entries(store, shop, words[shop.languages[0]])])


def _entries(store: Store, shop: Shop, words: Words) -> list[Entry]:
    waiting = [
        entry
        for case, deadline in store.notices.dated_cases(shop.id)
        for entry in (_answer(case, deadline, shop, words), *_clocks(case, clocks_of_case(case), shop, words))
    ]
    disputed = store.dossiers.in_dispute(shop.id)
    return [*waiting, *(one for case in disputed for one in _clocks(case, dispute_clocks(case), shop, words))]


def _answer(case: Case, deadline: Deadline, shop: Shop, words: Words) -> Entry:
    what = words.short["mail" if case.post_by is None else "letter"]
    title = f"{case.reference}{words.mail['colon']}{what}"
    return Entry(f"{case.reference}@{shop.mail_domain}", case.post_by or case.due_on, title, deadline.made_at)


def _clocks(case: Case, wanted: Sequence[Clock], shop: Shop, words: Words) -> list[Entry]:
    """Those of its clocks that are wanted; each is numbered among all of them."""
    return [
        Entry(
            f"{case.reference}-{clock.kind}-{number}@{shop.mail_domain}",
            clock.due_on,
            f"{case.reference}{words.mail['colon']}{words.names.get(clock.kind, clock.kind)}",
            case.opened_at,
        )
        for number, clock in enumerate(clocks_of_case(case), 1)
        if clock in wanted
    ]
