"""What the store knows that tells whether a case was answered: the ids of its mails, and where its drafts are.

One method per need, one transaction each, like the rest of the store.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Engine, select, union_all

from storage.database import reading, writing
from storage.models import ArrivalState, Case, CaseState, Channel, Draft, DraftState, EffectState
from storage.rows import change, fetch
from storage.tables import ARRIVALS, CASES, DRAFTS, EFFECTS, MESSAGES

IDS_AT_ONCE = 500


class Answers:
    """Answers and drafts in the database. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ids_of_cases(self, shop: str, ids: Sequence[str]) -> set[str]:
        """Those of these Message-IDs that belong to a mail or a draft of a case of the shop."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for start in range(0, len(ids), IDS_AT_ONCE):
                part = ids[start : start + IDS_AT_ONCE]
                mine = (MESSAGES.c.shop == shop) & MESSAGES.c.case_id.is_not(None)
                drafts = select(DRAFTS.c.token).join(CASES, CASES.c.id == DRAFTS.c.case_id)
                statement = union_all(
                    select(MESSAGES.c.message_id).where(mine, MESSAGES.c.message_id.in_(part)),
                    select(MESSAGES.c.forwarded_id).where(mine, MESSAGES.c.forwarded_id.in_(part)),
                    drafts.where(CASES.c.shop == shop, DRAFTS.c.token.in_(part)),
                )
                found.update(connection.execute(statement).scalars())
        return found

    def is_settled(self, shop: str) -> bool:
        """Whether every mail of the shop that was taken in has met its fate."""
        waiting = select(ARRIVALS.c.id).where(
            ARRIVALS.c.state == ArrivalState.RECEIVED, ARRIVALS.c.shop == shop, ARRIVALS.c.channel == Channel.MAIL
        )
        with reading(self._engine) as connection:
            return connection.execute(waiting.limit(1)).first() is None

    def drafts_of(self, case_id: int) -> list[Draft]:
        """All drafts of a case, oldest first."""
        with reading(self._engine) as connection:
            return fetch(connection, Draft, select(DRAFTS).where(DRAFTS.c.case_id == case_id).order_by(DRAFTS.c.id))

    def note_filed(self, fingerprints: Mapping[int, str]) -> None:
        """Commit how drafts, by id, are put into Drafts just now."""
        with writing(self._engine) as connection:
            for draft_id, fingerprint in fingerprints.items():
                change(connection, DRAFTS, draft_id, filed_sha256=fingerprint)

    def delivered(self, draft_ids: Sequence[int], kinds: Sequence[str]) -> set[int]:
        """Those of these drafts that an effect of one of these kinds has put where it belongs."""
        statement = select(DRAFTS.c.id).join(EFFECTS, EFFECTS.c.key.in_([_key(kind) for kind in kinds]))
        statement = statement.where(DRAFTS.c.id.in_(draft_ids), EFFECTS.c.state == EffectState.DONE)
        with reading(self._engine) as connection:
            return set(connection.execute(statement).scalars())

    def lying(self, shop: str, kinds: Sequence[str]) -> list[tuple[Draft, Case]]:
        """The drafts that wait for a person and were delivered so, each with its open case, oldest first."""
        statement = (
            select(DRAFTS)
            .join(CASES, CASES.c.id == DRAFTS.c.case_id)
            .join(EFFECTS, EFFECTS.c.key.in_([_key(kind) for kind in kinds]))
            .where(DRAFTS.c.state == DraftState.WAITING, EFFECTS.c.state == EffectState.DONE)
            .where(CASES.c.shop == shop, CASES.c.state == CaseState.OPEN)
            .order_by(DRAFTS.c.id)
        )
        with reading(self._engine) as connection:
            drafts = fetch(connection, Draft, statement)
            ids = sorted({draft.case_id for draft in drafts})
            cases = {
                case.id: case
                for start in range(0, len(ids), IDS_AT_ONCE)
                for case in fetch(
                    connection, Case, select(CASES).where(CASES.c.id.in_(ids[start : start + IDS_AT_ONCE]))
                )
            }
        return [(draft, cases[draft.case_id]) for draft in drafts if draft.case_id in cases]


def _key(kind: str):  # type: ignore[no-untyped-def] # noqa: ANN202 - an SQL expression
    """The key of an effect on a draft; see `intake.pipeline.effects`."""
    return f"{kind}:" + DRAFTS.c.token
