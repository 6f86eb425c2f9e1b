"""The chain of the history, results of guarantees, legal holds, escalations, anonymised cases and tombstones

Revision: 0005, after 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.append_only import MAY_CHANGE, NEVER_CHANGED
from storage.chain import chained

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
EVENT = sa.table(
    "event",
    *(sa.column(name, sa.Integer()) for name in ("id", "arrival_id", "case_id", "number")),
    *(sa.column(name, sa.String()) for name in ("shop", "kind", "actor", "hash")),
    sa.column("data", STRUCTURE),
    sa.column("at", sqlmodel.UTCDateTime()),
)


def upgrade() -> None:
    op.create_table(
        "standing",
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("guarantee", sqlmodel.AutoString(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("reached", sqlmodel.AutoString(), nullable=False),
        sa.Column("held", sqlmodel.AutoString(), nullable=False),
        sa.Column("figures", STRUCTURE, nullable=False),
        sa.Column("definition", sqlmodel.AutoString(), nullable=False),
        sa.Column("method", sqlmodel.AutoString(), nullable=False),
        sa.Column("holidays", sqlmodel.AutoString(), nullable=False),
        sa.Column("computed_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "guarantee", "month"),
    )
    op.create_table(
        "tombstone",
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("key", sqlmodel.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "key"),
    )
    with op.batch_alter_table("complaint_case") as batch:
        batch.add_column(sa.Column("legal_hold", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("legal_hold_since", sqlmodel.UTCDateTime(), nullable=True))
        batch.add_column(sa.Column("escalations", STRUCTURE, nullable=False, server_default="[]"))
        batch.add_column(sa.Column("anonymised_at", sqlmodel.UTCDateTime(), nullable=True))
    op.add_column("arrival", sa.Column("erased_at", sqlmodel.UTCDateTime(), nullable=True))
    op.add_column("message", sa.Column("erased_at", sqlmodel.UTCDateTime(), nullable=True))
    # Not in a batch: SQLite would make the table anew, without the triggers that keep it as it is.
    op.add_column("event", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("event", sa.Column("hash", sqlmodel.AutoString(), nullable=False, server_default=""))
    _chain_what_is_there()
    op.create_index("events_by_number", "event", ["shop", "number"], unique=True)


def _chain_what_is_there() -> None:
    connection = op.get_bind()
    dialect = connection.dialect.name
    for statement in MAY_CHANGE[dialect]:
        op.execute(statement)
    rows = [dict(row._mapping) for row in connection.execute(sa.select(EVENT).order_by(EVENT.c.id))]
    links = [{"row_id": row["id"], "n": row["number"], "h": row["hash"]} for row in chained(rows, {})]
    if links:
        linked = sa.update(EVENT).where(EVENT.c.id == sa.bindparam("row_id"))
        connection.execute(linked.values(number=sa.bindparam("n"), hash=sa.bindparam("h")), links)
    for statement in NEVER_CHANGED[dialect]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("events_by_number", "event")
    op.drop_column("event", "hash")
    op.drop_column("event", "number")
    op.drop_column("message", "erased_at")
    op.drop_column("arrival", "erased_at")
    with op.batch_alter_table("complaint_case") as batch:
        for name in ("legal_hold", "legal_hold_since", "escalations", "anonymised_at"):
            batch.drop_column(name)
    op.drop_table("tombstone")
    op.drop_table("standing")
