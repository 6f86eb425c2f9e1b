"""Sending, anchors of drafts, second clocks, moved dates, notices, notes, alarms and undeliverable addresses

Revision: 0004, after 0003
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
DRAFT_BEFORE, DRAFT = ("waiting", "superseded", "approved"), ("sent", "deleted", "refused")
EFFECT_BEFORE, EFFECT = ("waiting", "started", "done", "failed"), ("sending", "uncertain")


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def allow(table: str, name: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Hold the column `state` to other values than before."""
    with op.batch_alter_table(table) as batch:
        batch.alter_column(
            "state", existing_type=choice(name, *before), type_=choice(name, *after), existing_nullable=False
        )


def upgrade() -> None:
    op.create_table(
        "note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("actor", sqlmodel.AutoString(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["complaint_case.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_note_case_id", "note", ["case_id"])
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sqlmodel.AutoString(), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("kind", sqlmodel.AutoString(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("made_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("told_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["complaint_case.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("notices_by_turn", "notice", ["told_at", "shop"])
    op.create_table(
        "undeliverable",
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("address", sqlmodel.AutoString(), nullable=False),
        sa.Column("since", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "address"),
    )
    op.create_table(
        "raised_alarm",
        sa.Column("key", sqlmodel.AutoString(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("since", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("complaint_case") as batch:
        batch.add_column(sa.Column("answered_how", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("closed_at", sqlmodel.UTCDateTime(), nullable=True))
        batch.add_column(sa.Column("closed_as", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("assignee", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("clocks", STRUCTURE, nullable=False, server_default="[]"))
        batch.add_column(sa.Column("first_clock", sa.Date(), nullable=True))
    with op.batch_alter_table("deadline") as batch:
        kind = choice("deadlinekind", "promise", "moved", "holding")
        batch.add_column(sa.Column("kind", kind, nullable=False, server_default="promise"))
        batch.add_column(sa.Column("because", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("actor", sqlmodel.AutoString(), nullable=False, server_default=""))
    with op.batch_alter_table("draft") as batch:
        batch.add_column(sa.Column("anchor", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("proposed_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("outcome", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.add_column(sa.Column("sent_at", sqlmodel.UTCDateTime(), nullable=True))
        batch.add_column(sa.Column("filed_sha256", sqlmodel.AutoString(), nullable=False, server_default=""))
        batch.create_index("drafts_by_recipient", ["recipient", "made_at"])
    allow("draft", "draftstate", DRAFT_BEFORE, (*DRAFT_BEFORE, *DRAFT))
    allow("effect", "effectstate", EFFECT_BEFORE, (*EFFECT_BEFORE, *EFFECT))


def downgrade() -> None:
    allow("effect", "effectstate", (*EFFECT_BEFORE, *EFFECT), EFFECT_BEFORE)
    allow("draft", "draftstate", (*DRAFT_BEFORE, *DRAFT), DRAFT_BEFORE)
    with op.batch_alter_table("draft") as batch:
        batch.drop_index("drafts_by_recipient")
        for name in ("anchor", "proposed_on", "outcome", "sent_at", "filed_sha256"):
            batch.drop_column(name)
    with op.batch_alter_table("deadline") as batch:
        for name in ("kind", "because", "actor"):
            batch.drop_column(name)
    with op.batch_alter_table("complaint_case") as batch:
        for name in ("answered_how", "closed_at", "closed_as", "assignee", "clocks", "first_clock"):
            batch.drop_column(name)
    op.drop_table("raised_alarm")
    op.drop_table("undeliverable")
    op.drop_index("notices_by_turn", "notice")
    op.drop_table("notice")
    op.drop_index("ix_note_case_id", "note")
    op.drop_table("note")
