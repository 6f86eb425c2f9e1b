"""What the store knows of what is to be forgotten: cases that have ended, messages that opened none, and which original
files a row still names. What happens inside the transaction of a unit is `storage.forgetting`.

One method per need, one transaction each, like the rest of the store.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, func, or_, select, text, update

from storage.database import reading, told, writing
from storage.errors import Unavailable
from storage.models import ArrivalState, Case, CaseState, EffectState, Fate, Message
from storage.rows import change, fetch, insert_all
from storage.tables import ARRIVALS, CASES, DOCUMENTS, DRAFTS, EFFECTS, MESSAGES, READINGS

ENDED = (CaseState.ANSWERED, CaseState.CLOSED)
ASIDE = (Fate.SET_ASIDE, Fate.DUPLICATE, Fate.FAILED)
VALUES_AT_MOST = 500  # in one statement
MERGES_AT_MOST = 20
EMPTIED = ("arrival", "complaint_case", "document", "draft", "effect", "message", "note", "notice", "participant")


@dataclass(frozen=True, slots=True)
class Family:
    """A case that was not merged, with the cases that were merged into it."""

    case: Case
    merged: tuple[Case, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        return (self.case, *self.merged)

    @property
    def ids(self) -> list[int]:
        return [case.id or 0 for case in self.cases]


class Erasing:
    """What is to be forgotten. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ended(self, shop: str, before: datetime, after: int = 0, limit: int = 200) -> list[Family]:
        """Cases of a shop that ended before a moment and hold people still, by id, with an id above `after`."""
        ended = func.coalesce(CASES.c.closed_at, CASES.c.answered_at, CASES.c.opened_at)
        statement = select(CASES).where(
            CASES.c.shop == shop,
            CASES.c.state.in_(ENDED),
            CASES.c.anonymised_at.is_(None),
            ended < before,
            CASES.c.id > after,
        )
        with reading(self._engine) as connection:
            found = fetch(connection, Case, statement.order_by(CASES.c.id).limit(limit))
            return families(connection, found)

    def held(self, shop: str) -> list[Case]:
        """The cases of a shop that somebody has put a legal hold on."""
        statement = select(CASES).where(CASES.c.shop == shop, CASES.c.legal_hold != "")
        with reading(self._engine) as connection:
            return fetch(connection, Case, statement.order_by(CASES.c.id))

    def count_open(self, shop: str) -> int:
        """How many cases of a shop are open."""
        statement = select(func.count()).where(CASES.c.shop == shop, CASES.c.state == CaseState.OPEN)
        with reading(self._engine) as connection:
            return int(connection.execute(statement).scalar_one())

    def aside(self, shop: str, spam_before: datetime, before: datetime, limit: int | None = None) -> list[Message]:
        """Messages of a shop without a case, or with one whose people are forgotten already, that met their fate before
        these moments: what was called spam, and the rest. Oldest first."""
        alone = and_(MESSAGES.c.fate.in_(ASIDE), MESSAGES.c.case_id.is_(None))
        spam = MESSAGES.c.reason_kind == "spam"
        due = or_(and_(spam, MESSAGES.c.stored_at < spam_before), and_(~spam, MESSAGES.c.stored_at < before))
        statement = (
            select(MESSAGES)
            .outerjoin(CASES, CASES.c.id == MESSAGES.c.case_id)
            .where(MESSAGES.c.shop == shop, MESSAGES.c.erased_at.is_(None))
            .where(or_(alone, CASES.c.anonymised_at.is_not(None)), due)
            .order_by(MESSAGES.c.id)
        )
        with reading(self._engine) as connection:
            return fetch(connection, Message, statement if limit is None else statement.limit(limit))

    # Files

    def named(self, digests: Sequence[str]) -> set[str]:
        """Those of these hashes that a row names: as an original, a record, a document, a letter's PDF, or a reading
        copy of what was not processed yet."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for start in range(0, len(digests), VALUES_AT_MOST):
                part = list(digests[start : start + VALUES_AT_MOST])
                for column in (
                    ARRIVALS.c.sha256,
                    ARRIVALS.c.record["sha256"].as_string(),
                    DOCUMENTS.c.sha256,
                    DRAFTS.c.pdf_sha256,
                ):
                    found.update(connection.execute(select(column).where(column.in_(part))).scalars())
            waiting = select(READINGS.c.letters).join(ARRIVALS, ARRIVALS.c.id == READINGS.c.arrival_id)
            waiting = waiting.where(ARRIVALS.c.state == ArrivalState.RECEIVED)
            for letters in connection.execute(waiting).scalars():
                found.update(str(letter.get("copy", "")) for letter in letters)
        return found & set(digests)

    def files_are_gone(self, effect_id: int, after: dict[str, Any]) -> None:
        """Commit that the files of an effect are deleted: what it named is forgotten, and the database is to be
        cleaned, by the effect with these columns, once."""
        with writing(self._engine) as connection:
            change(connection, EFFECTS, effect_id, payload={}, problem="")
            insert_all(connection, EFFECTS, [after], ("key",))

    # The database's own files

    def is_done(self, effect_id: int) -> bool:
        """Whether an effect has happened by now."""
        statement = select(EFFECTS.c.state).where(EFFECTS.c.id == effect_id)
        with reading(self._engine) as connection:
            return connection.execute(statement).scalar() == EffectState.DONE

    def clean(self, kind: str, now: datetime) -> None:
        """Write the database anew without what was deleted in it, and commit that the effects of this kind that were
        asked for before have happened. Raises `Unavailable` where somebody is in the way."""
        with reading(self._engine) as connection:
            latest = connection.execute(select(func.max(EFFECTS.c.id)).where(EFFECTS.c.kind == kind)).scalar() or 0
        if self._engine.dialect.name == "sqlite":
            self._vacuum_sqlite()
        else:
            with told(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"VACUUM {', '.join(EMPTIED)}"))
        done = update(EFFECTS).where(EFFECTS.c.kind == kind, EFFECTS.c.id <= latest)
        with writing(self._engine) as connection:
            connection.execute(done.values(state=EffectState.DONE, done_at=now, problem=""))

    def _vacuum_sqlite(self) -> None:
        """What was deleted lies in free pages and in the write-ahead log until both are written anew."""
        with told(), self._engine.connect() as pooled:
            connection: Any = pooled.connection.driver_connection
            try:
                connection.execute("VACUUM")
                ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error as error:
                raise Unavailable(f"The database cannot be cleaned: {error}.", "It is tried again.") from error
        if busy:
            raise Unavailable("The database is being read, so its log cannot be emptied.", "It is tried again.")


def families(connection: Connection, cases: Sequence[Case]) -> list[Family]:
    """Each of these cases with those that were merged into it, or into one of those."""
    root = {case.id or 0: case.id or 0 for case in cases}
    merged: dict[int, list[Case]] = {case.id or 0: [] for case in cases}
    frontier = sorted(root)
    for _ in range(MERGES_AT_MOST):
        following: list[int] = []
        for start in range(0, len(frontier), VALUES_AT_MOST):
            part = frontier[start : start + VALUES_AT_MOST]
            for one in fetch(connection, Case, select(CASES).where(CASES.c.merged_into_id.in_(part))):
                if one.merged_into_id is not None and one.id not in root:
                    root[one.id or 0] = root[one.merged_into_id]
                    merged[root[one.id or 0]].append(one)
                    following.append(one.id or 0)
        frontier = following
        if not frontier:
            break
    return [Family(case, tuple(merged[case.id or 0])) for case in cases]
