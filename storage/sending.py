"""What the store knows of mail that goes out by SMTP: what is to be sent, and which addresses get nothing automatic.

One method per need, one transaction each, like the rest of the store. A mail is WAITING, then STARTED, then SENDING
(committed before its text goes out); one that another run finds in SENDING is UNCERTAIN.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, or_, select, update

from storage.database import reading, writing
from storage.models import SENDING_KINDS, Effect, EffectState, Undeliverable
from storage.rows import fetch, put
from storage.tables import CASES, DEADLINES, DRAFTS, EFFECTS, UNDELIVERABLE

ACKNOWLEDGEMENT = "acknowledgement"  # the kind of draft
VALUES_AT_MOST = 500  # in one statement
WINDOW = timedelta(days=1)  # in which acknowledgements to one address are counted


class Sending:
    """Mail to be sent. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def shops_to_send(self, now: datetime) -> list[str]:
        """The shops for which a mail is due, or was on its way when a run ended."""
        statement = select(EFFECTS.c.shop).where(or_(_due(now), _is(EffectState.SENDING))).distinct()
        with reading(self._engine) as connection:
            return list(connection.execute(statement).scalars())

    def claim(self, shop: str, now: datetime, limit: int) -> list[Effect]:
        """Take mails to send, oldest first, and commit that a try has begun. Nothing of one that was begun before has
        gone out: it would be SENDING."""
        statement = select(EFFECTS).where(EFFECTS.c.shop == shop, _due(now)).order_by(EFFECTS.c.id).limit(limit)
        with writing(self._engine) as connection:
            effects = fetch(connection, Effect, statement)
            begun = update(EFFECTS).where(EFFECTS.c.id.in_([effect.id for effect in effects]))
            connection.execute(begun.values(state=EffectState.STARTED, attempts=EFFECTS.c.attempts + 1))
        return effects

    def begin(self, effect_id: int) -> bool:
        """Commit that the text of a mail goes out from now on; False, and nothing, where its try was not begun."""
        held = update(EFFECTS).where(EFFECTS.c.id == effect_id, EFFECTS.c.state == EffectState.STARTED)
        with writing(self._engine) as connection:
            return connection.execute(held.values(state=EffectState.SENDING)).rowcount == 1

    def put_off(self, effect_id: int, problem: str, not_before: datetime) -> None:
        """Commit that a mail did not go out, and when to try again."""
        held = update(EFFECTS).where(EFFECTS.c.id == effect_id)
        with writing(self._engine) as connection:
            connection.execute(held.values(state=EffectState.WAITING, problem=problem, not_before=not_before))

    def on_their_way(self, shop: str) -> list[Effect]:
        """The mails that a run had begun to hand over when it ended: nobody knows whether they went out."""
        statement = select(EFFECTS).where(EFFECTS.c.shop == shop, _is(EffectState.SENDING))
        with reading(self._engine) as connection:
            return fetch(connection, Effect, statement.order_by(EFFECTS.c.id))

    def first_due(self, case_id: int) -> date | None:
        """The date that a case was opened with."""
        statement = select(DEADLINES.c.due_on).where(DEADLINES.c.case_id == case_id).order_by(DEADLINES.c.id).limit(1)
        with reading(self._engine) as connection:
            found: date | None = connection.execute(statement).scalar()
        return found

    def is_undeliverable(self, shop: str, address: str) -> bool:
        """Whether mail of ours to this address came back, and nobody has written from it since."""
        held = select(UNDELIVERABLE.c.address).where(
            UNDELIVERABLE.c.shop == shop, UNDELIVERABLE.c.address == address.strip().lower()
        )
        with reading(self._engine) as connection:
            return connection.execute(held).first() is not None


class Recipients:
    """What a batch of messages asks about addresses, read together, and what it adds: how many acknowledgements went to
    an address since a day before `now`, and whether mail came back from there. Addresses are in lower case.

    Part of a `Processing` unit: what is added is known at once and written at its end; `undo` goes back to `mark`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._acknowledged: dict[tuple[str, str], int] = {}
        self._undeliverable: dict[tuple[str, str], datetime | None] = {}
        self._changed: list[tuple[str, str]] = []
        self._undo: list[Callable[[], object]] = []

    def look_up(self, asked: Mapping[str, Iterable[str]], now: datetime) -> None:
        """Read what is known of these addresses, by shop."""
        for shop, addresses in asked.items():
            wanted = [one for one in dict.fromkeys(addresses) if one and (shop, one) not in self._acknowledged]
            for start in range(0, len(wanted), VALUES_AT_MOST):
                self._read(shop, wanted[start : start + VALUES_AT_MOST], now)

    def acknowledged(self, shop: str, address: str, now: datetime) -> int:
        """How many acknowledgements went to an address."""
        self.look_up({shop: [address]}, now)
        return self._acknowledged.get((shop, address), 0)

    def is_undeliverable(self, shop: str, address: str, now: datetime) -> bool:
        """Whether mail of ours to an address came back, and nobody has written from it since."""
        self.look_up({shop: [address]}, now)
        return self._undeliverable.get((shop, address)) is not None

    def sent_to(self, shop: str, tokens: Iterable[str]) -> list[str]:
        """To which addresses mails with these Message-IDs of ours went."""
        joined = select(DRAFTS.c.recipient).join(CASES, CASES.c.id == DRAFTS.c.case_id)
        statement = joined.where(CASES.c.shop == shop, DRAFTS.c.token.in_(list(tokens)))
        return [str(address).strip().lower() for address in self._connection.execute(statement).scalars()]

    def add_acknowledgement(self, shop: str, address: str) -> None:
        """Another acknowledgement goes to an address."""
        before = self._acknowledged.get((shop, address), 0)
        self._acknowledged[(shop, address)] = before + 1
        self._undo.append(lambda: self._acknowledged.update({(shop, address): before}))

    def set_undeliverable(self, shop: str, address: str, since: datetime | None) -> None:
        """Mail to an address came back; None: somebody wrote from it again."""
        before = self._undeliverable.get((shop, address))
        self._undeliverable[(shop, address)] = since
        self._changed.append((shop, address))
        self._undo.append(self._changed.pop)
        self._undo.append(lambda: self._undeliverable.update({(shop, address): before}))

    def mark(self) -> int:
        """A place to go back to."""
        return len(self._undo)

    def undo(self, mark: int) -> None:
        """Forget what was added since `mark`."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def write(self) -> None:
        """Write what was added."""
        for shop, address in self._changed:
            since = self._undeliverable[(shop, address)]
            if since is None:
                gone = (UNDELIVERABLE.c.shop == shop) & (UNDELIVERABLE.c.address == address)
                self._connection.execute(delete(UNDELIVERABLE).where(gone))
            else:
                put(self._connection, UNDELIVERABLE, Undeliverable(shop=shop, address=address, since=since))
        self._changed.clear()

    def _read(self, shop: str, addresses: list[str], now: datetime) -> None:
        self._acknowledged.update({(shop, one): 0 for one in addresses})
        counted = (
            select(DRAFTS.c.recipient, func.count())
            .join(CASES, CASES.c.id == DRAFTS.c.case_id)
            .where(DRAFTS.c.recipient.in_(addresses), DRAFTS.c.made_at > now - WINDOW)
            .where(DRAFTS.c.kind == ACKNOWLEDGEMENT, CASES.c.shop == shop)
            .group_by(DRAFTS.c.recipient)
        )
        for address, count in self._connection.execute(counted):
            self._acknowledged[(shop, address)] = int(count)
        dead = select(UNDELIVERABLE.c.address, UNDELIVERABLE.c.since).where(
            UNDELIVERABLE.c.shop == shop, UNDELIVERABLE.c.address.in_(addresses)
        )
        for address, since in self._connection.execute(dead):
            self._undeliverable.setdefault((shop, address), since)


def _is(state: EffectState) -> Any:  # noqa: ANN401 - an SQL expression
    return (EFFECTS.c.state == state) & EFFECTS.c.kind.in_(SENDING_KINDS)


def _due(now: datetime) -> Any:  # noqa: ANN401 - an SQL expression
    return or_(_is(EffectState.WAITING), _is(EffectState.STARTED)) & (EFFECTS.c.not_before <= now)
