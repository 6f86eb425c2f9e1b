"""What the store knows of letters alone: what was recognised of scans, batches of them, and what is to be posted.

One method per need, one transaction each, like the rest of the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, func, select, update

from storage.database import reading, writing
from storage.models import (
    SUBSTANTIVE,
    Arrival,
    ArrivalState,
    Case,
    CaseState,
    Channel,
    Draft,
    DraftState,
    Fate,
    Message,
    Reading,
)
from storage.rows import change, fetch, fetch_one, put
from storage.tables import ARRIVALS, CASES, DRAFTS, MESSAGES, READINGS

CLAIMS_AT_MOST = 500  # in one statement


@dataclass(frozen=True)
class BatchLine:
    """What became of a row of a batch: its arrival, and of what it has so far its message and its case."""

    arrival: Arrival
    message: Message | None
    case: Case | None


class Letters:
    """Letters in the database. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # Recognise

    def to_recognise(self, now: datetime, limit: int) -> list[Arrival]:
        """Scans of which nothing was recognised yet and whose turn it is, oldest first."""
        joined = ARRIVALS.outerjoin(READINGS, READINGS.c.arrival_id == ARRIVALS.c.id)
        waits = READINGS.c.arrival_id.is_(None) | (READINGS.c.done.is_(False) & (READINGS.c.not_before <= now))
        statement = (
            select(ARRIVALS)
            .select_from(joined)
            .where(ARRIVALS.c.state == ArrivalState.RECEIVED, ARRIVALS.c.channel == Channel.LETTER, waits)
            .order_by(ARRIVALS.c.id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return fetch(connection, Arrival, statement)

    def begin_reading(self, arrival_id: int, now: datetime) -> int:
        """Commit that a try begins; which one it is, from 1."""
        with writing(self._engine) as connection:
            before = fetch_one(connection, Reading, select(READINGS).where(READINGS.c.arrival_id == arrival_id))
            attempts = (before.attempts if before is not None else 0) + 1
            noted = before.letters if before is not None else []
            begun = Reading(arrival_id=arrival_id, attempts=attempts, letters=noted, not_before=now, made_at=now)
            put(connection, READINGS, begun)
        return attempts

    def note_copies(self, arrival_id: int, copies: Sequence[str]) -> None:
        """Commit which reading copies a try is about to write, so that none is left over where it dies."""
        with writing(self._engine) as connection:
            statement = select(READINGS.c.letters).where(READINGS.c.arrival_id == arrival_id)
            noted = [str(letter["copy"]) for letter in connection.execute(statement).scalar() or []]
            kept = [{"copy": copy} for copy in dict.fromkeys((*noted, *copies))]
            connection.execute(update(READINGS).where(READINGS.c.arrival_id == arrival_id).values(letters=kept))

    def put_reading(self, found: Reading) -> list[str]:
        """Commit what was recognised, or why nothing was; the hashes of reading copies that tries before had noted."""
        with writing(self._engine) as connection:
            before = select(READINGS.c.letters).where(READINGS.c.arrival_id == found.arrival_id)
            noted = [str(letter["copy"]) for letter in connection.execute(before).scalar() or []]
            put(connection, READINGS, found)
        return [copy for copy in noted if copy not in {letter["copy"] for letter in found.letters}]

    def forget_attempt(self, arrival_id: int) -> None:
        """Commit that a try was broken off by no fault of the scan's."""
        with writing(self._engine) as connection:
            statement = update(READINGS).where(READINGS.c.arrival_id == arrival_id, READINGS.c.attempts > 0)
            connection.execute(statement.values(attempts=READINGS.c.attempts - 1))

    def postpone_reading(self, arrival_id: int, not_before: datetime) -> None:
        """Commit when a scan is tried again."""
        with writing(self._engine) as connection:
            statement = update(READINGS).where(READINGS.c.arrival_id == arrival_id)
            connection.execute(statement.values(not_before=not_before))

    def readings(self, arrival_ids: Sequence[int]) -> dict[int, Reading]:
        """What was recognised of these arrivals, by arrival."""
        statement = select(READINGS).where(READINGS.c.arrival_id.in_(arrival_ids), READINGS.c.done.is_(True))
        with reading(self._engine) as connection:
            return {found.arrival_id: found for found in fetch(connection, Reading, statement)}

    # Records

    def batch_outcomes(self, shop: str, batch: str) -> list[BatchLine]:
        """What became of the rows of a CSV batch, of those whose scan was taken in."""
        with reading(self._engine) as connection:
            arrivals = fetch(connection, Arrival, _of_batch(shop, batch))
            messages = {
                message.arrival_id: message
                for message in fetch(
                    connection,
                    Message,
                    select(MESSAGES)
                    .where(MESSAGES.c.arrival_id.in_([arrival.id for arrival in arrivals]), MESSAGES.c.part == 0)
                    .order_by(MESSAGES.c.id),
                )
            }
            wanted = {message.case_id for message in messages.values() if message.case_id is not None}
            cases = {case.id: case for case in fetch(connection, Case, select(CASES).where(CASES.c.id.in_(wanted)))}
        found = [(arrival, messages.get(arrival.id or 0)) for arrival in arrivals]
        return [
            BatchLine(arrival, message, cases.get(message.case_id) if message is not None else None)
            for arrival, message in found
        ]

    def recent_scans(self, shop: str, account: str, since: datetime) -> list[Arrival]:
        """Scans from the folder `account` that were taken in since then and wait for a fate or opened a case, newest
        first."""
        mine = (ARRIVALS.c.shop == shop) & (ARRIVALS.c.account == account) & (ARRIVALS.c.channel == Channel.LETTER)
        opened = select(MESSAGES.c.id).where(MESSAGES.c.arrival_id == ARRIVALS.c.id, MESSAGES.c.fate == Fate.OPENED)
        useful = (ARRIVALS.c.state == ArrivalState.RECEIVED) | opened.exists()
        statement = select(ARRIVALS).where(mine, useful, ARRIVALS.c.stored_at >= since)
        statement = statement.order_by(ARRIVALS.c.id.desc())
        with reading(self._engine) as connection:
            return fetch(connection, Arrival, statement)

    def claims_held(self, shop: str, account: str, claims: Sequence[str]) -> set[str]:
        """Those of these claims of the folder `account` that have an arrival."""
        mine = (ARRIVALS.c.shop == shop) & (ARRIVALS.c.account == account)
        with reading(self._engine) as connection:
            return {
                found
                for start in range(0, len(claims), CLAIMS_AT_MOST)
                for found in connection.execute(
                    select(ARRIVALS.c.folder).where(mine, ARRIVALS.c.folder.in_(claims[start : start + CLAIMS_AT_MOST]))
                ).scalars()
            }

    # Posted

    def to_post(self, shop: str) -> list[tuple[Draft, Case]]:
        """Approved letters of any kind that were not posted yet, each with its case, the most urgent first."""
        return self._letters(CASES.c.shop == shop, DRAFTS.c.posted_on.is_(None))

    def answers_to_post(self, shop: str) -> list[tuple[Draft, Case]]:
        """Those of them that answer their case."""
        return self._letters(CASES.c.shop == shop, DRAFTS.c.posted_on.is_(None), DRAFTS.c.kind.in_(SUBSTANTIVE))

    def printed_in(self, shop: str, run: str) -> list[tuple[Draft, Case]]:
        """The letters that a PDF of many holds and that were not posted yet."""
        return self._letters(CASES.c.shop == shop, DRAFTS.c.posted_on.is_(None), DRAFTS.c.run == run)

    def set_run(self, draft_ids: Sequence[int], run: str) -> None:
        """Commit that these letters are printed in a PDF of many."""
        with writing(self._engine) as connection:
            connection.execute(update(DRAFTS).where(DRAFTS.c.id.in_(draft_ids)).values(run=run))

    def set_pdf(self, draft_id: int, sha256: str) -> str:
        """Commit which PDF a letter became; which one it was before ("" for none)."""
        with writing(self._engine) as connection:
            before = connection.execute(select(DRAFTS.c.pdf_sha256).where(DRAFTS.c.id == draft_id)).scalar() or ""
            change(connection, DRAFTS, draft_id, pdf_sha256=sha256)
        return before if before != sha256 else ""

    def overdue_to_post(self, shop: str, today: date) -> int:
        """How many approved answers should have been posted before today."""
        return sum(1 for _, case in self.answers_to_post(shop) if case.post_by is not None and case.post_by < today)

    def counts(self, shop: str, account: str, since: datetime) -> dict[str, int]:
        """Of the scans from the folder `account`: how many wait for a fate; how many met a good one, and how many
        failed, of those taken in since then."""
        mine = (ARRIVALS.c.shop == shop) & (ARRIVALS.c.account == account)
        joined = ARRIVALS.join(MESSAGES, MESSAGES.c.arrival_id == ARRIVALS.c.id)
        of_today = mine & (MESSAGES.c.stored_at >= since) & (MESSAGES.c.part == 0)
        counted = select(func.count())
        failed = of_today & (MESSAGES.c.fate == Fate.FAILED)
        good = of_today & (MESSAGES.c.fate != Fate.FAILED)
        wanted: dict[str, Any] = {
            "working": counted.where(mine, ARRIVALS.c.state == ArrivalState.RECEIVED),
            "done": counted.select_from(joined).where(good),
            "failed": counted.select_from(joined).where(failed),
        }
        with reading(self._engine) as connection:
            return {name: int(connection.execute(statement).scalar_one()) for name, statement in wanted.items()}

    def _letters(self, *conditions: Any) -> list[tuple[Draft, Case]]:  # noqa: ANN401 - SQL expressions
        with reading(self._engine) as connection:
            statement = (
                select(DRAFTS)
                .join(CASES, CASES.c.id == DRAFTS.c.case_id)
                .where(DRAFTS.c.state == DraftState.APPROVED, DRAFTS.c.channel == Channel.LETTER, *conditions)
                .where(CASES.c.state == CaseState.OPEN)
                .order_by(func.coalesce(CASES.c.post_by, CASES.c.due_on), DRAFTS.c.id)
            )
            drafts = fetch(connection, Draft, statement)
            held = select(CASES).where(CASES.c.id.in_({draft.case_id for draft in drafts}))
            cases = {case.id: case for case in fetch(connection, Case, held)}
        return [(draft, cases[draft.case_id]) for draft in drafts]


def _of_batch(shop: str, batch: str) -> Any:  # noqa: ANN401 - a SELECT
    return (
        select(ARRIVALS)
        .where(ARRIVALS.c.shop == shop, ARRIVALS.c.batch == batch)
        .order_by(ARRIVALS.c.batch_row, ARRIVALS.c.id)
    )
