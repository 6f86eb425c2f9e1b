"""Verified senders, forwards, signatures; mail that was answered before Intake came

Revision: 0002, after 0001
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VERIFIED = sa.Enum("yes", "no", "unknown", name="verified", native_enum=False, create_constraint=True, length=20)
WORDS = ("signed_by", "forwarded_by", "forward_note", "forwarded_id")


def upgrade() -> None:
    op.create_table(
        "answered",
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("answered_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "message_id"),
    )
    with op.batch_alter_table("arrival") as batch:
        batch.add_column(sa.Column("answered", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("message") as batch:
        batch.add_column(sa.Column("verified", VERIFIED, nullable=False, server_default="unknown"))
        batch.add_column(sa.Column("encrypted", sqlmodel.AutoString(), nullable=False, server_default=""))
        for name in WORDS:
            batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        batch.create_index("messages_by_forward", ["shop", "forwarded_id"])


def downgrade() -> None:
    with op.batch_alter_table("message") as batch:
        batch.drop_index("messages_by_forward")
        for name in ("verified", "encrypted", *WORDS):
            batch.drop_column(name)
    with op.batch_alter_table("arrival") as batch:
        batch.drop_column("answered")
    op.drop_table("answered")
