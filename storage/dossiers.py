"""What the store knows for a dossier: the cases that became one, and what their messages came in; and for whoever keeps
an eye on disputes: the cases that are with a dispute body.

One method per need, one transaction each, like the rest of the store.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, String, cast, select

from storage.database import reading
from storage.models import Arrival, Case, CaseState
from storage.rows import fetch
from storage.tables import ARRIVALS, CASES, MESSAGES

MERGES_AT_MOST = 50
VALUES_AT_MOST = 500  # in one statement
ENDED = (CaseState.ANSWERED, CaseState.CLOSED)


@dataclass(frozen=True)
class Source:
    """What messages of a dossier came in; `shared` with messages that are not of its cases, as a stack of letters."""

    arrival: Arrival
    shared: bool


class Dossiers:
    """Cases as they are handed to a dispute body. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def merged_into(self, case_id: int) -> list[int]:
        """The cases that ended up in a case, those merged into one that was merged too; oldest first."""
        found: list[int] = []
        wanted = [case_id]
        with reading(self._engine) as connection:
            for _ in range(MERGES_AT_MOST):
                statement = select(CASES.c.id).where(CASES.c.merged_into_id.in_(wanted[:VALUES_AT_MOST]))
                held = connection.execute(statement).scalars()
                wanted = [one for one in held if one not in found and one != case_id]
                found += wanted
                if not wanted:
                    break
        return sorted(found)

    def sources(self, arrival_ids: Collection[int], case_ids: Collection[int]) -> dict[int, Source]:
        """These arrivals by id, for a dossier of these cases."""
        ids, found = sorted(arrival_ids), {}
        with reading(self._engine) as connection:
            for part in (ids[start : start + VALUES_AT_MOST] for start in range(0, len(ids), VALUES_AT_MOST)):
                columns = select(MESSAGES.c.arrival_id, MESSAGES.c.case_id).where(MESSAGES.c.arrival_id.in_(part))
                shared = {row.arrival_id for row in connection.execute(columns) if row.case_id not in case_ids}
                for arrival in fetch(connection, Arrival, select(ARRIVALS).where(ARRIVALS.c.id.in_(part))):
                    found[arrival.id or 0] = Source(arrival, arrival.id in shared)
        return found

    def in_dispute(self, shop: str | None = None) -> list[Case]:
        """The answered and closed cases that are with a dispute body still, by the day on which that is to be answered;
        those without such a day last."""
        # Compared as text: the two databases agree in no other way to look into JSON.
        taken = cast(CASES.c.escalations, String) != "[]"
        statement = select(CASES).where(CASES.c.state.in_(ENDED), taken)
        if shop is not None:
            statement = statement.where(CASES.c.shop == shop)
        order = (CASES.c.first_clock.is_(None), CASES.c.first_clock, CASES.c.id)
        with reading(self._engine) as connection:
            cases = fetch(connection, Case, statement.order_by(*order))
        return [case for case in cases if any(not one.get("ended") for one in case.escalations)]
