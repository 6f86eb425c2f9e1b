"""A letter and a mail about the same complaint, and a letter that was scanned twice: by what they are known.

It suggests, and joins nothing. Two mails know each other by their ids, so at least one of the two is a letter.
"""

from collections.abc import Iterable

from intake.config import Shop
from intake.rules.likeness import NEAR, distance
from intake.rules.people import name_key, participant_keys
from intake.types import CaseView, Channel, Facts, Message, PostalAddress

ORDER, LIKENESS = "order:", "like:"


def clues_of(facts: Facts, likeness: int) -> tuple[str, ...]:
    """The clues of a message: its order numbers, and the likeness of a letter's text (0: none)."""
    orders = (f"{ORDER}{number.upper()}" for number in facts.order_numbers)
    return (*orders, *((f"{LIKENESS}{likeness:016x}",) if likeness else ()))


def find_alike(
    message: Message, clues: Iterable[str], candidates: Iterable[tuple[str, CaseView]], shop: Shop
) -> tuple[str, CaseView] | None:
    """The first case that is about the same complaint, with the sign of it in words. `candidates` are (clue, case)."""
    mine = frozenset(clues)
    likeness = next((clue for clue in mine if clue.startswith(LIKENESS)), "")
    known = [pair for pair in candidates if Channel.LETTER in (message.channel, pair[1].channel)]
    for clue, case in known:
        if likeness and clue.startswith(LIKENESS) and distance(_value(likeness), _value(clue)) <= NEAR:
            return "it looks like the same letter, scanned twice", case
    for clue, case in known:
        if clue.startswith(ORDER) and clue in mine and (same := _same_person(message, case, shop)):
            return f"the same order {clue.removeprefix(ORDER)} and {same}", case
    return None


def _value(clue: str) -> int:
    return int(clue.removeprefix(LIKENESS), 16)


def _same_person(message: Message, case: CaseView, shop: Shop) -> str:
    """What tells that both are of one person, in words; "" where nothing does."""
    if set(participant_keys(message, shop)) & case.participants:
        return "address"
    names = [message.sender.name if message.sender else "", message.postal.name if message.postal else ""]
    held = {name_key(case.name), name_key(case.postal.name) if case.postal else ""} - {""}
    if held & {name_key(name) for name in names if name}:
        return "name"
    return "address" if _place(message.postal) and _place(message.postal) == _place(case.postal) else ""


def _place(postal: PostalAddress | None) -> str:
    """Postcode and house number, which name one house; "" where either is missing."""
    if postal is None or not postal.postal_code:
        return ""
    number = postal.house_number or next((word for word in postal.street.split() if word[:1].isdigit()), "")
    return f"{postal.postal_code.replace(' ', '')}|{number}".upper() if number else ""
