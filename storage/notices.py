"""What the store knows for those who are told by mail: notices, raised alarms, and what a digest or a status page
counts.

One method per need, one transaction each, like the rest of the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, delete, func, select, update

from storage.database import reading, writing
from storage.models import (
    SUBSTANTIVE,
    Case,
    CaseState,
    Deadline,
    Draft,
    DraftState,
    Effect,
    EffectState,
    Fate,
    Message,
    Notice,
    RaisedAlarm,
)
from storage.rows import fetch, fetch_one, insert_all, insert_new, values_of
from storage.tables import (
    CASES,
    DEADLINES,
    DRAFTS,
    EFFECTS,
    EVENTS,
    MESSAGES,
    NOTICES,
    RAISED_ALARMS,
    UNDELIVERABLE,
)

NOT_DELIVERED = "not delivered"  # the kind of the event that a bounce leaves on its case
THANKS = "mere thanks"  # how the mark begins that suggests to close a case
VALUES_AT_MOST = 500  # in one statement
T = TypeVar("T")
UNDONE = (EffectState.WAITING, EffectState.STARTED, EffectState.SENDING)


@dataclass(frozen=True)
class EffectCount:
    """How many effects of a kind are in a state, and since when the oldest of them."""

    kind: str
    state: EffectState
    count: int
    oldest: datetime


class Notices:
    """Notices in the database, and what they are made from. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # Notices

    def add(self, notices: Sequence[Notice]) -> int:
        """Commit that somebody is to be told these, each once; how many are new."""
        with writing(self._engine) as connection:
            return len(insert_new(connection, NOTICES, notices, ("key",)))

    def held(self, keys: Sequence[str]) -> set[str]:
        """Those of these keys under which there is a notice already."""
        with reading(self._engine) as connection:
            return {
                str(found)
                for part in _parts(keys)
                for found in connection.execute(select(NOTICES.c.key).where(NOTICES.c.key.in_(part))).scalars()
            }

    def waiting(self, shop: str) -> list[Notice]:
        """The notices of a shop (of the operator, where it is "") that nobody was told yet, oldest first."""
        statement = select(NOTICES).where(NOTICES.c.told_at.is_(None), NOTICES.c.shop == shop)
        with reading(self._engine) as connection:
            return fetch(connection, Notice, statement.order_by(NOTICES.c.id))

    def since(self, shop: str, moment: datetime) -> list[Notice]:
        """The notices of a shop that were made since then and say something, oldest first."""
        statement = select(NOTICES).where(NOTICES.c.shop == shop, NOTICES.c.made_at >= moment, NOTICES.c.text != "")
        with reading(self._engine) as connection:
            return fetch(connection, Notice, statement.order_by(NOTICES.c.id))

    def tell(self, notices: Sequence[Notice], effect: Effect | None, now: datetime) -> None:
        """Commit that these waiting notices are told: the mail is stored to be sent. Without a mail they are settled
        without one."""
        with writing(self._engine) as connection:
            if _settle(connection, notices, now) and effect is not None:
                insert_all(connection, EFFECTS, [values_of(effect)], ("key",))

    def tell_once(self, notice: Notice, effect: Effect | None, together: Sequence[Notice] = ()) -> bool:
        """Commit a notice that is told with this, its mail, and that the waiting ones in the same mail are told; False,
        and nothing, where it was told before."""
        with writing(self._engine) as connection:
            fresh = bool(insert_new(connection, NOTICES, [notice], ("key",)))
            if fresh and effect is not None:
                insert_all(connection, EFFECTS, [values_of(effect)], ("key",))
            if fresh:
                _settle(connection, together, notice.made_at)
        return fresh

    def last_digest(self, shop: str) -> datetime | None:
        """When the last digest of a shop was made, or looked for in vain."""
        statement = select(func.max(NOTICES.c.made_at)).where(NOTICES.c.shop == shop, NOTICES.c.kind == "digest")
        with reading(self._engine) as connection:
            found: datetime | None = connection.execute(statement).scalar()
        return found

    # Alarms

    def raised(self) -> list[RaisedAlarm]:
        """The alarms that the operator knows of and that are not over."""
        with reading(self._engine) as connection:
            return fetch(connection, RaisedAlarm, select(RAISED_ALARMS).order_by(RAISED_ALARMS.c.key))

    def change_raised(self, new: Sequence[RaisedAlarm], over: Sequence[str], notices: Sequence[Notice]) -> None:
        """Commit which alarms are new and which are over, and what the operator is told of it."""
        with writing(self._engine) as connection:
            insert_all(connection, RAISED_ALARMS, [values_of(alarm) for alarm in new], ("key",))
            connection.execute(delete(RAISED_ALARMS).where(RAISED_ALARMS.c.key.in_(over)))
            insert_all(connection, NOTICES, [values_of(notice) for notice in notices], ("key",))

    # What notices are made from

    def cases_until(self, shop: str, day: date) -> list[Case]:
        """The open cases of a shop whose day, post-by or due, is not after `day`."""
        statement = select(CASES).where(CASES.c.shop == shop, CASES.c.state == CaseState.OPEN)
        near = func.coalesce(CASES.c.post_by, CASES.c.due_on) <= day
        with reading(self._engine) as connection:
            return fetch(connection, Case, statement.where(near).order_by(CASES.c.id))

    def references(self, case_ids: Sequence[int]) -> dict[int, str]:
        """The references of these cases."""
        columns = select(CASES.c.id, CASES.c.reference)
        with reading(self._engine) as connection:
            return {
                int(case_id): str(reference)
                for part in _parts(case_ids)
                for case_id, reference in connection.execute(columns.where(CASES.c.id.in_(part)))
            }

    def dated_cases(self, shop: str) -> list[tuple[Case, Deadline]]:
        """The open cases of a shop, each with its latest deadline, by the day that counts."""
        day = func.coalesce(CASES.c.post_by, CASES.c.due_on)
        open_here = (CASES.c.shop == shop) & (CASES.c.state == CaseState.OPEN)
        latest = (
            select(func.max(DEADLINES.c.id))
            .join(CASES, CASES.c.id == DEADLINES.c.case_id)
            .where(open_here)
            .group_by(DEADLINES.c.case_id)
        )
        with reading(self._engine) as connection:
            held = fetch(connection, Deadline, select(DEADLINES).where(DEADLINES.c.id.in_(latest)))
            deadlines = {deadline.case_id: deadline for deadline in held}
            cases = fetch(connection, Case, select(CASES).where(open_here).order_by(day, CASES.c.id))
        return [(case, deadlines[case.id or 0]) for case in cases if (case.id or 0) in deadlines]

    def last_message(self, case_id: int) -> Message | None:
        """The newest message of a case that a customer wrote."""
        statement = select(MESSAGES).where(
            MESSAGES.c.case_id == case_id,
            MESSAGES.c.outgoing.is_(False),
            MESSAGES.c.fate.in_((Fate.OPENED, Fate.JOINED)),
        )
        with reading(self._engine) as connection:
            return fetch_one(connection, Message, statement.order_by(MESSAGES.c.id.desc()))

    def waiting_drafts(self, case_ids: Sequence[int], kinds: Sequence[str]) -> list[Draft]:
        """The drafts of these kinds of these cases that wait for a person, oldest first."""
        statement = select(DRAFTS).where(DRAFTS.c.kind.in_(kinds), DRAFTS.c.state == DraftState.WAITING)
        statement = statement.order_by(DRAFTS.c.id)
        with reading(self._engine) as connection:
            return [
                draft
                for part in _parts(case_ids)
                for draft in fetch(connection, Draft, statement.where(DRAFTS.c.case_id.in_(part)))
            ]

    def without_draft(self) -> list[str]:
        """The open cases that no draft waits for or was approved for: none was made, or the manager deleted it."""
        ready = select(DRAFTS.c.id).where(
            DRAFTS.c.case_id == CASES.c.id,
            DRAFTS.c.kind.in_(SUBSTANTIVE),
            DRAFTS.c.state.in_((DraftState.WAITING, DraftState.APPROVED)),
        )
        statement = select(CASES.c.reference).where(CASES.c.state == CaseState.OPEN, ~ready.exists())
        with reading(self._engine) as connection:
            return list(connection.execute(statement.order_by(CASES.c.id)).scalars())

    def set_aside(self, shop: str, since: datetime, but: str) -> dict[str, int]:
        """How many messages were set aside since then, by the kind of reason; not those with the reason `but`."""
        statement = (
            select(MESSAGES.c.reason_kind, func.count())
            .where(MESSAGES.c.shop == shop, MESSAGES.c.fate == Fate.SET_ASIDE, MESSAGES.c.stored_at > since)
            .where(MESSAGES.c.reason != but)
            .group_by(MESSAGES.c.reason_kind)
        )
        with reading(self._engine) as connection:
            return {str(kind): int(count) for kind, count in connection.execute(statement)}

    def not_delivered(self, shop: str, since: datetime, sending: Sequence[str]) -> list[str]:
        """The cases of which a mail came back or was refused for good: open ones, and what happened since then."""
        return sorted({*self._bounced(shop, since), *filter(None, self.refused(since, sending, shop))})

    def refused(self, since: datetime, sending: Sequence[str], shop: str | None = None) -> list[str]:
        """The cases of which a mail was refused for good: open ones, and what happened since then; "" for a mail of no
        case."""
        return self._sends(EffectState.FAILED, since, sending, shop)

    def uncertain(self, since: datetime, sending: Sequence[str], shop: str | None = None) -> list[str]:
        """The cases of which nobody knows whether a mail was sent, like `refused`."""
        return self._sends(EffectState.UNCERTAIN, since, sending, shop)

    def suggestions(self, shop: str) -> list[tuple[str, str]]:
        """Open cases and those that they may belong to; "" where one may be mere thanks."""
        other = CASES.alias("suggested")
        statement = (
            select(CASES.c.reference, other.c.reference)
            .join(MESSAGES, MESSAGES.c.case_id == CASES.c.id)
            .join(other, other.c.id == MESSAGES.c.suggested_case_id)
            .where(CASES.c.shop == shop, CASES.c.state == CaseState.OPEN, other.c.id != CASES.c.id)
            .distinct()
        )
        marked = select(CASES).where(CASES.c.shop == shop, CASES.c.state == CaseState.OPEN)
        with reading(self._engine) as connection:
            pairs = {(str(one), str(two)) for one, two in connection.execute(statement)}
            for case in fetch(connection, Case, marked):
                if any(mark.startswith(THANKS) for mark in case.attention):
                    pairs.add((case.reference, ""))
        return sorted(pairs)

    # Counts

    def effects(self) -> list[EffectCount]:
        """What is not done, by kind and state; what failed and what is uncertain, too."""
        columns = (EFFECTS.c.kind, EFFECTS.c.state)
        statement = (
            select(*columns, func.count(), func.min(EFFECTS.c.made_at))
            .where(EFFECTS.c.state != EffectState.DONE)
            .group_by(*columns)
            .order_by(*columns)
        )
        with reading(self._engine) as connection:
            return [EffectCount(*row) for row in connection.execute(statement)]

    def stuck(self, before: datetime) -> dict[str, int]:
        """How many effects of each kind are undone since `before`, after a try or more."""
        tried = (EFFECTS.c.problem != "") | (EFFECTS.c.state == EffectState.SENDING)
        statement = select(EFFECTS.c.kind, func.count()).where(EFFECTS.c.state.in_(UNDONE), tried)
        statement = statement.where(EFFECTS.c.made_at < before).group_by(EFFECTS.c.kind)
        with reading(self._engine) as connection:
            return {str(kind): int(count) for kind, count in connection.execute(statement)}

    def undeliverable(self) -> int:
        """How many addresses get no automatic mail, because mail of ours did not arrive there."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(UNDELIVERABLE)).scalar_one())

    def count_waiting(self) -> int:
        """How many notices nobody was told yet."""
        statement = select(func.count()).where(NOTICES.c.told_at.is_(None))
        with reading(self._engine) as connection:
            return int(connection.execute(statement).scalar_one())

    def _bounced(self, shop: str, since: datetime) -> list[str]:
        statement = select(CASES.c.reference).join(EVENTS, EVENTS.c.case_id == CASES.c.id)
        lately = (CASES.c.state == CaseState.OPEN) | (EVENTS.c.at > since)
        statement = statement.where(CASES.c.shop == shop, EVENTS.c.kind == NOT_DELIVERED, lately).distinct()
        with reading(self._engine) as connection:
            return list(connection.execute(statement).scalars())

    def _sends(self, state: EffectState, since: datetime, sending: Sequence[str], shop: str | None) -> list[str]:
        moment = func.coalesce(EFFECTS.c.done_at, EFFECTS.c.made_at)
        statement = select(func.coalesce(CASES.c.reference, "")).select_from(
            EFFECTS.outerjoin(CASES, CASES.c.id == EFFECTS.c.case_id)
        )
        statement = statement.where(EFFECTS.c.state == state, EFFECTS.c.kind.in_(sending))
        statement = statement.where((CASES.c.state == CaseState.OPEN) | (moment > since)).distinct()
        if shop is not None:
            statement = statement.where(EFFECTS.c.shop == shop)
        with reading(self._engine) as connection:
            return sorted(connection.execute(statement).scalars())


def _settle(connection: Connection, notices: Sequence[Notice], now: datetime) -> int:
    """Mark those of these notices that wait as told; how many."""
    told = update(NOTICES).where(NOTICES.c.told_at.is_(None)).values(told_at=now)
    ids = [notice.id for notice in notices]
    return sum(connection.execute(told.where(NOTICES.c.id.in_(part))).rowcount for part in _parts(ids))


def _parts(values: Sequence[T]) -> list[Sequence[T]]:
    """As many at a time as every database takes in one statement."""
    return [values[start : start + VALUES_AT_MOST] for start in range(0, len(values), VALUES_AT_MOST)]
