"""Second clocks on a case: found in its messages by `intake.rules.clocks`, or begun by a dispute body that it was taken
to, and kept in its row."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from intake.config import Shop
from intake.pipeline.items import Item
from intake.rules.clocks import DISPUTE, Clock, find_clocks, merge
from intake.types import Categorisation
from storage.models import Case, Message
from storage.processing import Processing

BETWEEN_HOLDS = "; "


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


def is_disputed(case: Case) -> bool:
    """Whether a case is with a dispute body: taken there, and not closed since."""
    return any(not one.get("ended") for one in case.escalations)


def dispute_clocks(case: Case) -> tuple[Clock, ...]:
    """The terms by which dispute bodies are to be answered; they run on when the customer has an answer."""
    held = [one for one in case.escalations if one.get("due_on") and not one.get("ended")]
    return tuple(Clock(DISPUTE, date.fromisoformat(one["due_on"]), str(one["words"])) for one in held)


def dispute_ended(case: Case, on: date) -> dict[str, Any]:
    """The columns of a case that is closed on a day: no dispute body waits for an answer any more, and what held the
    data for its sake is gone. Nothing where it was with none."""
    if not is_disputed(case):
        return {}
    over = dispute_clocks(case)
    ended = [{**one, "ended": one.get("ended") or on.isoformat()} for one in case.escalations]
    left = [clock for clock in clocks_of_case(case) if clock not in over]
    held_for_it = {hold_words(str(one["name"]), str(one["on"])) for one in case.escalations}
    held = join_holds(*(why for why in case.legal_hold.split(BETWEEN_HOLDS) if why not in held_for_it))
    since = case.legal_hold_since if held else None
    return {"escalations": ended, **columns(left), "legal_hold": held, "legal_hold_since": since}


def join_holds(*whys: str) -> str:
    """Why a case is held, where it is for several reasons."""
    return BETWEEN_HOLDS.join(dict.fromkeys(filter(None, whys)))


def hold_words(name: str, on: str) -> str:
    """Why the data of a case that a dispute body has is kept (GDPR art. 17(3)(e)); on the case, too."""
    return f"taken to {name} on {on}"


def columns(clocks: Iterable[Clock]) -> dict[str, Any]:
    """Terms as a case stores them."""
    held = list(clocks)
    return {
        "clocks": [{"kind": one.kind, "due_on": one.due_on.isoformat(), "words": one.words} for one in held],
        "first_clock": min((one.due_on for one in held), default=None),
    }


def _clock(value: Mapping[str, Any]) -> Clock:
    return Clock(str(value["kind"]), date.fromisoformat(value["due_on"]), str(value["words"]))
