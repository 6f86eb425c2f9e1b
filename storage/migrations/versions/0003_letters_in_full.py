"""What is recognised of scans, CSV batches, clues of one complaint, answers from Sent, posted letters

Revision: 0003, after 0002
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "reading",
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("letters", STRUCTURE, nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("problems", STRUCTURE, nullable=False),
        sa.Column("error_code", sqlmodel.AutoString(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("not_before", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("made_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"]),
        sa.PrimaryKeyConstraint("arrival_id"),
    )
    op.create_table(
        "clue",
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("key", sqlmodel.AutoString(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["complaint_case.id"]),
        sa.PrimaryKeyConstraint("shop", "key", "case_id"),
    )
    op.create_index("clues_by_case", "clue", ["case_id"])
    with op.batch_alter_table("arrival") as batch:
        batch.add_column(sa.Column("sent", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("batch", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("batch_row", sa.Integer(), nullable=False, server_default="0"))
        batch.create_index("arrivals_by_batch", ["batch"])
    with op.batch_alter_table("message") as batch:
        batch.add_column(sa.Column("outgoing", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("record", STRUCTURE, nullable=False, server_default="{}"))
        batch.add_column(sa.Column("recognised", STRUCTURE, nullable=False, server_default="[]"))
        batch.add_column(sa.Column("confidence", sa.Float(), nullable=True))
    with op.batch_alter_table("draft") as batch:
        batch.add_column(sa.Column("pdf_sha256", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("run", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("posted_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("delivery_on", sa.Date(), nullable=True))
        batch.create_index("drafts_by_state", ["state", "posted_on"])


def downgrade() -> None:
    with op.batch_alter_table("draft") as batch:
        batch.drop_index("drafts_by_state")
        for name in ("pdf_sha256", "run", "posted_on", "delivery_on"):
            batch.drop_column(name)
    with op.batch_alter_table("message") as batch:
        for name in ("outgoing", "record", "recognised", "confidence"):
            batch.drop_column(name)
    with op.batch_alter_table("arrival") as batch:
        batch.drop_index("arrivals_by_batch")
        for name in ("sent", "batch", "batch_row"):
            batch.drop_column(name)
    op.drop_index("clues_by_case", "clue")
    op.drop_table("clue")
    op.drop_table("reading")
