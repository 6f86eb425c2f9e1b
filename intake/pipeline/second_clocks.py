"""Second clocks on a case: found in its messages by `intake.rules.clocks`, and kept in its row."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from intake.config import Shop
from intake.pipeline.items import Item
from intake.rules.clocks import Clock, find_clocks, merge
from intake.types import Categorisation
from storage.models import Case, Message
from storage.processing import Processing


def columns_of_item(item: Item) -> dict[str, Any]:
    """The columns of a case that a message opens."""
    return columns(clocks_of_item(item))


def clocks_of_item(item: Item) -> tuple[Clock, ...]:
    """The terms that begin with a message that was just examined."""
    examined, shop = item.examined, item.shop
    received_on = item.received_at.astimezone(shop.zone).date()
    return find_clocks(item.message.text, examined.language.code, examined.categorisation, received_on, shop.calendar)


def clocks_of_message(message: Message, shop: Shop) -> tuple[Clock, ...]:
    """The terms that began with a stored message."""
    matched = {topic: tuple(words) for topic, words in message.matched.items()}
    categorisation = Categorisation(message.category, tuple(message.labels), matched)
    received_on = message.received_at.astimezone(shop.zone).date()
    return find_clocks(message.text, message.language, categorisation, received_on, shop.calendar)


def add_clocks(unit: Processing, item: Item, case_id: int) -> None:
    """Add the terms that begin with a message to the case that it joined. Most messages begin none."""
    found = clocks_of_item(item)
    case = unit.case_by_id(case_id) if found else None
    if case is not None:
        unit.change_case(case_id, **columns(merge(clocks_of_case(case), found)))


def clocks_of_case(case: Case) -> tuple[Clock, ...]:
    """The terms that a case holds."""
    return tuple(_clock(value) for value in case.clocks)


def columns(clocks: Iterable[Clock]) -> dict[str, Any]:
    """Terms as a case stores them."""
    held = list(clocks)
    return {
        "clocks": [{"kind": one.kind, "due_on": one.due_on.isoformat(), "words": one.words} for one in held],
        "first_clock": min((one.due_on for one in held), default=None),
    }


def _clock(value: Mapping[str, Any]) -> Clock:
    return Clock(str(value["kind"]), date.fromisoformat(value["due_on"]), str(value["words"]))
