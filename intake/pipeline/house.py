"""What the three steps work with. Built once, in `intake.bootstrap`; tests build their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from intake.config import Config, Shop
from intake.examine import Examiner
from intake.measuring.guarantees import Guarantee
from intake.reading.recognition import Recogniser
from intake.replies.letter import LetterTypesetter
from intake.replies.notices import Words
from intake.replies.templates import Templates
from intake.rules.categories import Categories
from storage.originals import Originals
from storage.store import Store


@dataclass(frozen=True)
class House:
    """The wired-up parts. `clock` returns the aware present; `templates` are the shops' own before those `delivered`;
    `guarantees` are what the shops are measured by; `words` are those of mail to the manager, by language; `key` signs
    our Message-IDs; `checkpoint` is called by name between durable steps (a test may end the process there; otherwise
    it does nothing)."""

    config: Config
    store: Store
    originals: Originals
    examiner: Examiner
    recogniser: Recogniser
    categories: Categories
    templates: Mapping[str, Templates]
    delivered: Templates
    typesetter: LetterTypesetter
    words: Mapping[str, Words]
    guarantees: tuple[Guarantee, ...]
    key: bytes
    clock: Callable[[], datetime]
    log: FilteringBoundLogger
    checkpoint: Callable[[str], None]

    def shop(self, shop_id: str) -> Shop:
        """A shop by id."""
        return self.config.shop(shop_id)
