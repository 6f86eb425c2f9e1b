"""What came in: arrivals, what was recognised of them, messages and their files, and how far a folder was read."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field
from sqlmodel._compat import SQLModelConfig

from storage.models.base import BIG, STRUCTURE, ArrivalState, Channel, Fate, Record, Verified, choice


class Arrival(Record):
    """The raw thing, as it came in. Its bytes lie in the originals under `sha256`.

    For mail the source is (`account`, `folder`, `uidvalidity`, `uid`); for a scan `folder` is its claim; for an
    import `folder` is the hash of the bytes. `received_basis` says where the moment came from, `assumed` that it
    is a guess. `answered` says that whoever imported it knows that it was answered. `record` is the SHA-256 of the
    clerk's record beside a scan; one made from row `batch_row` of a CSV has that file's claim as `batch`. The `name` of
    a folder of pages ends in a slash; its bytes are a ZIP of the untouched files. `sent` is mail of our own, from Sent.
    `erased_at` is when its bytes were deleted: the row stays, so that the same source is not taken again.
    """

    id: int | None = Field(default=None, primary_key=True)
    shop: str
    channel: Channel = Field(sa_type=choice(Channel))
    account: str
    folder: str
    uidvalidity: int = Field(default=0, sa_type=BIG)
    uid: int = Field(default=0, sa_type=BIG)
    sha256: str
    size: int = Field(sa_type=BIG)
    name: str = ""
    received_at: datetime
    received_basis: str
    assumed: bool = False
    imported: bool = False
    answered: bool = False
    sent: bool = False
    record: dict[str, Any] | None = Field(default=None, sa_type=STRUCTURE)
    batch: str = ""
    batch_row: int = 0
    problem: str = Field(default="", sa_type=Text)
    state: ArrivalState = Field(default=ArrivalState.RECEIVED, sa_type=choice(ArrivalState))
    attempts: int = 0
    stored_at: datetime
    erased_at: datetime | None = None


class ArrivalRow(Arrival, table=True):
    __tablename__ = "arrival"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (
        UniqueConstraint("shop", "account", "folder", "uidvalidity", "uid", name="one_source_one_arrival"),
        Index("arrivals_by_state", "state", "id"),
        Index("arrivals_by_content", "shop", "sha256"),
        Index("arrivals_by_batch", "batch"),
    )


class Reading(Record):
    """What was recognised of a scan, before it is processed: its letters, each with its pages, texts and the SHA-256 of
    its reading copy; or why it cannot be read. `attempts` counts the tries begun; while `done` is false it is one."""

    arrival_id: int = Field(primary_key=True, sa_column_args=[ForeignKey("arrival.id")])
    done: bool = False
    attempts: int = 0
    letters: list[dict[str, Any]] = Field(default_factory=list, sa_type=STRUCTURE)
    page_count: int = 0
    problems: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    error_code: str = ""
    error: str = Field(default="", sa_type=Text)
    next_step: str = Field(default="", sa_type=Text)
    not_before: datetime
    made_at: datetime


class ReadingRow(Reading, table=True):
    __tablename__ = "reading"
    model_config = SQLModelConfig(frozen=False)


class Message(Record):
    """What one mail or letter said, and the one fate it met.

    `verified` is whether the shop's own mail server vouches for the sender; `signed_by` and `encrypted` are what a
    signature or an encryption claims. Of a forward, sender and text are the customer's; `forwarded_by` is the
    colleague, `forward_note` what he wrote above it, and `forwarded_id` the original's Message-ID where it is known.

    `outgoing` is a reply of ours. `record` is what the clerk's record says of a letter; `recognised` names what was
    read by OCR and not told by a record, so that a person checks it, and `confidence` how sure Tesseract was of the
    words (0 to 100). `erased_at` is when the people in it were forgotten: what stays says when, how and what became of
    it.
    """

    id: int | None = Field(default=None, primary_key=True)
    arrival_id: int = Field(sa_column_args=[ForeignKey("arrival.id")])
    part: int = 0
    shop: str
    channel: Channel = Field(sa_type=choice(Channel))
    fate: Fate = Field(sa_type=choice(Fate))
    reason_kind: str = ""
    reason: str = Field(default="", sa_type=Text)
    case_id: int | None = Field(default=None, sa_column_args=[ForeignKey("complaint_case.id")])
    suggested_case_id: int | None = Field(default=None, sa_column_args=[ForeignKey("complaint_case.id")])
    duplicate_of_id: int | None = Field(default=None, sa_column_args=[ForeignKey("message.id")])
    message_id: str = Field(default="", sa_type=Text)
    content_hash: str = ""
    in_reply_to: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    reference_ids: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    from_name: str = Field(default="", sa_type=Text)
    from_address: str = Field(default="", sa_type=Text)
    reply_to: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    verified: Verified = Field(default=Verified.UNKNOWN, sa_type=choice(Verified))
    signed_by: str = Field(default="", sa_type=Text)
    encrypted: str = ""
    forwarded_by: str = Field(default="", sa_type=Text)
    forward_note: str = Field(default="", sa_type=Text)
    forwarded_id: str = Field(default="", sa_type=Text)
    recipients: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    postal: dict[str, Any] | None = Field(default=None, sa_type=STRUCTURE)
    subject: str = Field(default="", sa_type=Text)
    text: str = Field(default="", sa_type=Text)
    quoted: str = Field(default="", sa_type=Text)
    sent_at: datetime | None = None
    received_at: datetime
    language: str = ""
    category: str = ""
    labels: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    matched: dict[str, list[str]] = Field(default_factory=dict, sa_type=STRUCTURE)
    facts: dict[str, list[str]] = Field(default_factory=dict, sa_type=STRUCTURE)
    outgoing: bool = False
    record: dict[str, str] = Field(default_factory=dict, sa_type=STRUCTURE)
    recognised: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    confidence: float | None = None
    readable: bool = True
    problems: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    stored_at: datetime
    erased_at: datetime | None = None


class MessageRow(Message, table=True):
    __tablename__ = "message"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (
        UniqueConstraint("arrival_id", "part", name="one_part_one_message"),
        Index("messages_by_id", "shop", "message_id"),
        Index("messages_by_case", "case_id"),
        Index("messages_by_forward", "shop", "forwarded_id"),
    )


class Document(Record):
    """A file that belongs to a message: an attachment, a scan, or a scan's searchable reading copy. `part` finds an
    attachment in the original."""

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(index=True, sa_column_args=[ForeignKey("message.id")])
    kind: str
    part: int = 0
    name: str = Field(sa_type=Text)
    media_type: str
    size: int = Field(sa_type=BIG)
    sha256: str
    inline: bool = False


class DocumentRow(Document, table=True):
    __tablename__ = "document"
    model_config = SQLModelConfig(frozen=False)


class Cursor(Record):
    """How far a folder has been read in one UIDVALIDITY epoch.

    `since` is where the mailbox starts for us (None: everything), kept over epochs. `first_uid` was the next UID
    when the epoch was first seen: below it lies what was there before us, above it everything counts.
    """

    account: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uidvalidity: int = Field(primary_key=True, sa_type=BIG)
    shop: str
    last_uid: int = Field(sa_type=BIG)
    first_uid: int = Field(sa_type=BIG)
    since: datetime | None = None
    started_at: datetime


class CursorRow(Cursor, table=True):
    __tablename__ = "mailbox_cursor"
    model_config = SQLModelConfig(frozen=False)


class Answered(Record):
    """A mail that was answered before Intake came: its Message-ID, by the Sent folder. Such a mail is not a case again
    where a mailbox starts in the past."""

    shop: str = Field(primary_key=True)
    message_id: str = Field(primary_key=True, sa_type=Text)
    answered_at: datetime


class AnsweredRow(Answered, table=True):
    __tablename__ = "answered"
    model_config = SQLModelConfig(frozen=False)
