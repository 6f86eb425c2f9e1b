"""An examined message on its way into the database: what it is, when it came, and what storage is asked about it.

Nothing is stored here, and nothing decided.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from intake.config import Shop
from intake.examine import Examined
from intake.pipeline.house import House
from intake.rules.alike import clues_of
from intake.rules.decision import references_to_look_up, thread_ids
from intake.rules.tokens import read_token
from intake.rules.tombstones import keys_of
from intake.types import CaseView, Channel, Message, PostalAddress
from storage.knowledge import Question
from storage.models import Arrival, Case, CaseState

POST = "post"  # the account of what was dropped in a post folder
LETTERS_ARRIVE_AT = time(12)
ALIKE_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Item:
    """An examined message of an arrival; `part` counts the letters of a stack from 0. `received_at` is aware; `basis`
    says where it is from. `copy` is the SHA-256 of a letter's reading copy ("" where there is none)."""

    arrival: Arrival
    examined: Examined
    shop: Shop
    received_at: datetime
    basis: str
    assumed: bool
    part: int = 0
    copy: str = ""

    @property
    def arrival_id(self) -> int:
        return self.arrival.id or 0

    @property
    def message(self) -> Message:
        return self.examined.message

    @property
    def is_letter(self) -> bool:
        return self.message.channel is Channel.LETTER

    @property
    def clues(self) -> tuple[str, ...]:
        """By what another message about the same complaint may be known."""
        return clues_of(self.examined.facts, self.examined.likeness)


def make_item(house: House, arrival: Arrival, examined: Examined, part: int = 0, copy: str = "") -> Item:
    """The moment of arrival: a letter's day is the record's, else the separator sheet's, else the file's; a mail's is
    what its source says, of a saved mail what it says itself."""
    shop = house.shop(arrival.shop)
    if examined.received_on is not None:
        moment = datetime.combine(examined.received_on, LETTERS_ARRIVE_AT, shop.zone)
        return Item(arrival, examined, shop, moment, examined.basis, False, part, copy)
    if examined.received_at is not None:
        moment = min(examined.received_at, arrival.received_at)
        return Item(arrival, examined, shop, moment, examined.basis, True, part, copy)
    return Item(arrival, examined, shop, arrival.received_at, arrival.received_basis, arrival.assumed, part, copy)


def question(house: House, item: Item) -> Question:
    """What storage is asked about an item before it is decided."""
    message, shop = item.message, item.shop
    ids = (*thread_ids(message), *message.bounced_ids)
    references = references_to_look_up(message, item.examined.facts, shop, house.key)
    if item.arrival.sent:  # a draft of ours may have kept its own id
        own = read_token(house.key, shop.id, message.message_id)
        ids, references = (message.message_id, *ids), (*((own,) if own else ()), *references)
    return Question(
        shop=shop.id,
        arrival_id=item.arrival_id,
        message_id=message.message_id,
        thread_ids=ids,
        references=references,
        sha256=scan_hash(item),
        part=item.part,
        clues=item.clues,
        clues_since=item.received_at - ALIKE_FOR,
        tombstones=keys_of(house.key, shop.id, item.arrival.sha256, message.message_id, message.content_hash),
    )


def scan_hash(item: Item) -> str:
    """The hash by which a scan that comes twice is known; "" for mail."""
    return item.arrival.sha256 if item.is_letter else ""


def view(case: Case, participants: frozenset[str] = frozenset()) -> CaseView:
    """A case as the rules see it."""
    return CaseView(
        id=case.id or 0,
        reference=case.reference,
        is_open=case.state is CaseState.OPEN,
        participants=participants,
        channel=Channel(case.channel.value),
        name=case.complainant_name,
        postal=PostalAddress(**case.postal) if case.postal else None,
    )
