"""The first schema

Revision: 0001, after
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.append_only import MAY_CHANGE, NEVER_CHANGED

STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_tables()
    _execute(NEVER_CHANGED)


def _make_tables() -> None:
    op.create_table(
        "arrival",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("mail", "letter", name="channel", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("account", sqlmodel.AutoString(), nullable=False),
        sa.Column("folder", sqlmodel.AutoString(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("uid", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("sha256", sqlmodel.AutoString(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("name", sqlmodel.AutoString(), nullable=False),
        sa.Column("received_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("received_basis", sqlmodel.AutoString(), nullable=False),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column(
            "record",
            STRUCTURE,
            nullable=True,
        ),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "processed",
                name="arrivalstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stored_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("shop", "account", "folder", "uidvalidity", "uid", name="one_source_one_arrival"),
    )
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.create_index("arrivals_by_content", ["shop", "sha256"], unique=False)
        batch_op.create_index("arrivals_by_state", ["state", "id"], unique=False)

    op.create_table(
        "complaint_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("reference", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("mail", "letter", name="channel", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "answered",
                "closed",
                "merged",
                name="casestate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("complainant_name", sa.Text(), nullable=False),
        sa.Column("complainant_address", sa.Text(), nullable=False),
        sa.Column(
            "postal",
            STRUCTURE,
            nullable=True,
        ),
        sa.Column("language", sqlmodel.AutoString(), nullable=False),
        sa.Column("category", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "labels",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "attention",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column("received_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("received_basis", sqlmodel.AutoString(), nullable=False),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("post_by", sa.Date(), nullable=True),
        sa.Column("target_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("opened_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("answered_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into_id"],
            ["complaint_case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    with op.batch_alter_table("complaint_case", schema=None) as batch_op:
        batch_op.create_index("cases_by_due", ["state", "due_on"], unique=False)

    op.create_table(
        "counter",
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "year"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("name", sqlmodel.AutoString(), nullable=False),
        sa.Column("good_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_since", sqlmodel.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "mailbox_cursor",
        sa.Column("account", sqlmodel.AutoString(), nullable=False),
        sa.Column("folder", sqlmodel.AutoString(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("last_uid", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("first_uid", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("since", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("started_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account", "folder", "uidvalidity"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("kind", sqlmodel.AutoString(), nullable=False),
        sa.Column("actor", sqlmodel.AutoString(), nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.Column("at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["arrival_id"],
            ["arrival.id"],
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["complaint_case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_case_id"), ["case_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("mail", "letter", name="channel", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column(
            "fate",
            sa.Enum(
                "opened",
                "joined",
                "duplicate",
                "set aside",
                "failed",
                name="fate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason_kind", sqlmodel.AutoString(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("suggested_case_id", sa.Integer(), nullable=True),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "in_reply_to",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "reference_ids",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column(
            "reply_to",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "recipients",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "postal",
            STRUCTURE,
            nullable=True,
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("quoted", sa.Text(), nullable=False),
        sa.Column("sent_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("received_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("language", sqlmodel.AutoString(), nullable=False),
        sa.Column("category", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "labels",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "matched",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "facts",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column("readable", sa.Boolean(), nullable=False),
        sa.Column(
            "problems",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column("stored_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["arrival_id"],
            ["arrival.id"],
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["complaint_case.id"],
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of_id"],
            ["message.id"],
        ),
        sa.ForeignKeyConstraint(
            ["suggested_case_id"],
            ["complaint_case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("arrival_id", "part", name="one_part_one_message"),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("messages_by_case", ["case_id"], unique=False)
        batch_op.create_index("messages_by_id", ["shop", "message_id"], unique=False)

    op.create_table(
        "participant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("key", sqlmodel.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["complaint_case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "key", name="one_participant_once"),
    )
    op.create_table(
        "deadline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("received_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("post_by", sa.Date(), nullable=True),
        sa.Column("target_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column(
            "promise",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "trace",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column("made_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["complaint_case.id"],
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("deadline", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deadline_case_id"), ["case_id"], unique=False)

    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.AutoString(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sqlmodel.AutoString(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("sha256", sqlmodel.AutoString(), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_document_message_id"), ["message_id"], unique=False)

    op.create_table(
        "draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.AutoString(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("mail", "letter", name="channel", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("language", sqlmodel.AutoString(), nullable=False),
        sa.Column("category", sqlmodel.AutoString(), nullable=False),
        sa.Column("template", sqlmodel.AutoString(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("gaps", STRUCTURE, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("in_reply_to", sa.Text(), nullable=False),
        sa.Column(
            "reference_ids",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "superseded",
                "approved",
                name="draftstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("made_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["complaint_case.id"],
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    with op.batch_alter_table("draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_draft_case_id"), ["case_id"], unique=False)

    op.create_table(
        "effect",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sqlmodel.AutoString(), nullable=False),
        sa.Column("shop", sqlmodel.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.AutoString(), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("draft_id", sa.Integer(), nullable=True),
        sa.Column(
            "payload",
            STRUCTURE,
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "started",
                "done",
                "failed",
                name="effectstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("made_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("done_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["arrival_id"],
            ["arrival.id"],
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["complaint_case.id"],
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["draft.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.create_index("effects_by_state", ["state", "shop", "not_before"], unique=False)


def downgrade() -> None:
    _execute(MAY_CHANGE)
    _drop_tables()


def _drop_tables() -> None:
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.drop_index("effects_by_state")

    op.drop_table("effect")
    with op.batch_alter_table("draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_draft_case_id"))

    op.drop_table("draft")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_message_id"))

    op.drop_table("document")
    with op.batch_alter_table("deadline", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deadline_case_id"))

    op.drop_table("deadline")
    op.drop_table("participant")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("messages_by_id")
        batch_op.drop_index("messages_by_case")

    op.drop_table("message")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_case_id"))

    op.drop_table("event")
    op.drop_table("mailbox_cursor")
    op.drop_table("heartbeat")
    op.drop_table("counter")
    with op.batch_alter_table("complaint_case", schema=None) as batch_op:
        batch_op.drop_index("cases_by_due")

    op.drop_table("complaint_case")
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.drop_index("arrivals_by_state")
        batch_op.drop_index("arrivals_by_content")

    op.drop_table("arrival")


def _execute(statements: dict[str, tuple[str, ...]]) -> None:
    for statement in statements[op.get_bind().dialect.name]:
        op.execute(statement)
