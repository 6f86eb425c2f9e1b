"""What people's work on a case reads inside its transaction: the case held against others, and what belongs to it.

`Processing.cases` is one of these; what it is told to change goes through `Processing` itself.
"""

from sqlalchemy import Connection, func, select

from storage.models import SUBSTANTIVE, Arrival, Case, Clue, Deadline, Draft, DraftState, Fate, Message
from storage.rows import fetch, fetch_one
from storage.tables import ARRIVALS, CASES, CLUES, DEADLINES, DRAFTS, MESSAGES

HEARD = (Fate.OPENED, Fate.JOINED)


class Casework:
    """The rows of a case, as they are now. What this transaction has not written yet is not among them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, *references: str) -> dict[str, Case]:
        """Cases by their references in capitals, as they are now; one that is not there is missing. Nobody else changes
        them until the transaction ends: it is the only one of its kind (`database.writing_alone`)."""
        wanted = [reference.strip().upper() for reference in references]
        statement = select(CASES).where(func.upper(CASES.c.reference).in_(wanted))
        found = fetch(self._connection, Case, statement)
        return {case.reference.upper(): case for case in found}

    def messages(self, case_id: int) -> list[Message]:
        """What the customer wrote in a case, oldest first: what opened it and what joined it."""
        statement = select(MESSAGES).where(
            MESSAGES.c.case_id == case_id, MESSAGES.c.outgoing.is_(False), MESSAGES.c.fate.in_(HEARD)
        )
        return fetch(self._connection, Message, statement.order_by(MESSAGES.c.received_at, MESSAGES.c.id))

    def deadlines(self, case_id: int) -> list[Deadline]:
        """The dates of a case, oldest first."""
        statement = select(DEADLINES).where(DEADLINES.c.case_id == case_id)
        return fetch(self._connection, Deadline, statement.order_by(DEADLINES.c.id))

    def clues(self, case_id: int) -> list[Clue]:
        """By what a case may be known as the same complaint."""
        return fetch(self._connection, Clue, select(CLUES).where(CLUES.c.case_id == case_id))

    def letter_to_post(self, case_id: int) -> Draft | None:
        """The approved letter of a case that was not posted yet."""
        statement = (
            select(DRAFTS)
            .where(DRAFTS.c.case_id == case_id, DRAFTS.c.state == DraftState.APPROVED, DRAFTS.c.posted_on.is_(None))
            .where(DRAFTS.c.kind.in_(SUBSTANTIVE))
        )
        return fetch_one(self._connection, Draft, statement.order_by(DRAFTS.c.id.desc()))

    def arrival(self, arrival_id: int) -> Arrival | None:
        """The arrival that a message came in."""
        return fetch_one(self._connection, Arrival, select(ARRIVALS).where(ARRIVALS.c.id == arrival_id))
