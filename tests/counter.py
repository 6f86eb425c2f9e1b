"""A shop's counter for tests: mails that its mailbox brings, without an IMAP server, and a clock that can be moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from intake.pipeline import House, process, send
from storage.models import Arrival, Case, Channel, Draft, Effect, Notice
from storage.store import CaseFile
from tests.builders import MONDAY, mail, make_config, make_house, shop_settings
from tests.smtp_sink import Sink

CLEAN: dict[str, Any] = {"x_spam_status": "No, score=-1.0"}


class Clock:
    """The time of a house."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **time: float) -> None:
        """Let time pass: `hours=2`."""
        self.now += timedelta(**time)


class Counter:
    """A house with one shop that sends by a sink."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house, self.clock, self.shop = house, clock, house.config.shops[0]
        self._uids = count(1)

    def take_in(self, *mails: bytes, at: datetime | None = None) -> None:
        """Mails arrive in the mailbox, and are processed."""
        digests = self.house.originals.add_all(mails)
        arrivals = [self._arrival(raw, digest, at) for raw, digest in zip(mails, digests, strict=True)]
        self.house.store.receive(arrivals)
        process(self.house)

    def complain(self, number: int = 1, **changes: Any) -> None:
        """A complaint of a customer of its own, with a clean verdict."""
        values = {"sender": f"K <k{number}@example.com>", "message_id": f"<m{number}@example.com>", **CLEAN, **changes}
        self.take_in(mail(**values))

    def send(self) -> int:
        return send(self.house, self.shop)

    def file(self, reference: str = "SIS-2026-0001") -> CaseFile:
        """Everything about a case."""
        case = self.house.store.find_case(reference)
        assert case is not None
        return self.house.store.case_file(case.id or 0)

    def case(self) -> Case:
        return self.file().case

    def acknowledgement(self) -> Draft:
        (draft,) = (draft for draft in self.file().drafts if draft.kind == "acknowledgement")
        return draft

    def effect(self, kind: str = "send reply") -> Effect:
        (effect,) = (effect for effect in self.file().effects if effect.kind == kind)
        return effect

    def events(self) -> list[str]:
        return [event.kind for event in self.file().events]

    def notices(self) -> list[Notice]:
        return self.house.store.notices.waiting(self.shop.id)

    def why_not(self) -> str:
        """Why the case was not acknowledged."""
        (why,) = (event.data["why"] for event in self.file().events if event.kind == "not acknowledged")
        return str(why)

    def _arrival(self, raw: bytes, digest: str, at: datetime | None) -> Arrival:
        moment = at or self.clock()
        return Arrival(
            shop=self.shop.id,
            channel=Channel.MAIL,
            account="mirjam at imap.example.nl",
            folder="INBOX",
            uidvalidity=1,
            uid=next(self._uids),
            sha256=digest,
            size=len(raw),
            received_at=moment,
            received_basis="internaldate",
            stored_at=self.clock(),
        )


@contextmanager
def counter(folder: Path, sink: Sink | None = None, database: str = "", **changes: Any) -> Iterator[Counter]:
    """A shop whose mail goes out by a sink; without a mailbox, so nothing goes to an IMAP server."""
    clock = Clock()
    outgoing = {"outgoing": sink.settings()} if sink is not None else {}
    shop = shop_settings(**{**outgoing, **changes})
    with make_house(make_config(folder / "data", database, [shop]), clock) as house:
        yield Counter(house, clock)
