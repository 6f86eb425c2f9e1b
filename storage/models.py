"""The tables, and the frozen values that are read from them and written to them.

Each record is declared once as a frozen value (`Case`); its table (`CaseRow`) inherits the columns. A SQLModel
class with `table=True` does not validate, so values are built and checked as records and written from there.
Moments are aware and in UTC; days are plain dates in the shop's zone.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Enum, ForeignKey, Index, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

BIG = BigInteger
SUBSTANTIVE = ("answer", "final")  # the kinds of drafts that answer a case; the others only say that it is in hand
SENDING_KINDS = ("send reply", "send notice")  # the kinds of effects that go out by SMTP; see `storage.sending`
STRUCTURE = JSON().with_variant(JSONB(), "postgresql")


def choice(enum: type[StrEnum]) -> Enum:
    """A text column that the database itself holds to the values of `enum`."""
    return Enum(
        enum,
        native_enum=False,
        create_constraint=True,
        length=20,
        name=enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


class Channel(StrEnum):
    MAIL = "mail"
    LETTER = "letter"


class ArrivalState(StrEnum):
    RECEIVED = "received"
    PROCESSED = "processed"


class Fate(StrEnum):
    OPENED = "opened"
    JOINED = "joined"
    DUPLICATE = "duplicate"
    SET_ASIDE = "set aside"
    FAILED = "failed"


class Verified(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class CaseState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"
    MERGED = "merged"


class DraftState(StrEnum):
    """`waiting` for a person or for the mail server; `sent`: seen in Sent, or sent by us; `deleted` by the manager;
    `refused` by the server for good, or not known to have been sent."""

    WAITING = "waiting"
    SUPERSEDED = "superseded"
    APPROVED = "approved"
    SENT = "sent"
    DELETED = "deleted"
    REFUSED = "refused"


class EffectState(StrEnum):
    """`sending` is committed before the text of a mail goes out (RFC 5321 DATA); one found in that state by another
    run is `uncertain`, and never carried out again by itself."""

    WAITING = "waiting"
    STARTED = "started"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    DONE = "done"
    FAILED = "failed"


class DeadlineKind(StrEnum):
    """The shop's `promise`; `moved` by a person; named in a `holding` reply. Only a promise counts for the
    guarantee."""

    PROMISE = "promise"
    MOVED = "moved"
    HOLDING = "holding"


class Record(SQLModel):
    model_config = SQLModelConfig(frozen=True)


class Arrival(Record):
    """The raw thing, as it came in. Its bytes lie in the originals under `sha256`.

    For mail the source is (`account`, `folder`, `uidvalidity`, `uid`); for a scan `folder` is its claim; for an
    import `folder` is the hash of the bytes. `received_basis` says where the moment came from, `assumed` that it
    is a guess. `answered` says that whoever imported it knows that it was answered. `record` is the SHA-256 of the
    clerk's record beside a scan; one made from row `batch_row` of a CSV has that file's claim as `batch`. The `name` of
    a folder of pages ends in a slash; its bytes are a ZIP of the untouched files. `sent` is mail of our own, from Sent.
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
    words (0 to 100).
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


class Case(Record):
    """One complaint. `due_on`, `post_by` and `target_at` are those of its latest deadline.

    `clocks` are terms that run besides the promise, each `{"kind", "due_on" (ISO), "words"}`, and `first_clock` is the
    earliest of their days. `answered_how` is mail, letter, phone or counter; `closed_as` the reason in one word.
    """

    id: int | None = Field(default=None, primary_key=True)
    shop: str
    reference: str = Field(unique=True)
    channel: Channel = Field(sa_type=choice(Channel))
    state: CaseState = Field(default=CaseState.OPEN, sa_type=choice(CaseState))
    subject: str = Field(default="", sa_type=Text)
    complainant_name: str = Field(default="", sa_type=Text)
    complainant_address: str = Field(default="", sa_type=Text)
    postal: dict[str, Any] | None = Field(default=None, sa_type=STRUCTURE)
    language: str
    category: str
    labels: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    attention: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    received_at: datetime
    received_basis: str
    assumed: bool = False
    due_on: date
    post_by: date | None = None
    target_at: datetime
    opened_at: datetime
    answered_at: datetime | None = None
    answered_how: str = ""
    closed_at: datetime | None = None
    closed_as: str = ""
    assignee: str = ""
    clocks: list[dict[str, Any]] = Field(default_factory=list, sa_type=STRUCTURE)
    first_clock: date | None = None
    merged_into_id: int | None = Field(default=None, sa_column_args=[ForeignKey("complaint_case.id")])


class CaseRow(Case, table=True):
    __tablename__ = "complaint_case"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (Index("cases_by_due", "state", "due_on"),)


class Participant(Record):
    """Somebody whose messages may join the case without being asked: an address, or a name with postcode."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(sa_column_args=[ForeignKey("complaint_case.id")])
    key: str


class ParticipantRow(Participant, table=True):
    __tablename__ = "participant"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (UniqueConstraint("case_id", "key", name="one_participant_once"),)


class Clue(Record):
    """Something by which a letter and a mail about one complaint are known: `order:4711`, `like:9f3c…` (the likeness of
    a letter's text). It suggests a case, and joins none."""

    shop: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    case_id: int = Field(primary_key=True, sa_column_args=[ForeignKey("complaint_case.id")])
    at: datetime


class ClueRow(Clue, table=True):
    __tablename__ = "clue"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (Index("clues_by_case", "case_id"),)


class Deadline(Record):
    """A date with its working, frozen when it was made. A reopened case gets another one; so does one whose date a
    person moved (`because` says why, `actor` who), or a holding reply named."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(index=True, sa_column_args=[ForeignKey("complaint_case.id")])
    message_id: int = Field(sa_column_args=[ForeignKey("message.id")])
    received_at: datetime
    due_on: date
    post_by: date | None = None
    target_at: datetime
    promise: dict[str, Any] = Field(sa_type=STRUCTURE)
    trace: list[str] = Field(sa_type=STRUCTURE)
    kind: DeadlineKind = Field(default=DeadlineKind.PROMISE, sa_type=choice(DeadlineKind))
    because: str = Field(default="", sa_type=Text)
    actor: str = ""
    made_at: datetime


class DeadlineRow(Deadline, table=True):
    __tablename__ = "deadline"
    model_config = SQLModelConfig(frozen=False)


class Draft(Record):
    """A reply, ready to edit: its `kind` is acknowledgement, answer, holding or final. `token` is its Message-ID, ours
    and signed; `quote` stands below the body in mail. `anchor` is an id of ours in its References alone, by which it is
    known once it was sent: mail programs give it another Message-ID. A holding reply names the day `proposed_on`; a
    final position has an `outcome`: accepted, offered or rejected. `filed_sha256` is the fingerprint of the bytes that
    were put into Drafts, noted before they are.

    A letter that is approved is typeset (`pdf_sha256`), printed (`run` names the PDF of many in which it was printed
    last) and posted: on `posted_on`, to be delivered on `delivery_on`."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(index=True, sa_column_args=[ForeignKey("complaint_case.id")])
    message_id: int = Field(sa_column_args=[ForeignKey("message.id")])
    kind: str
    channel: Channel = Field(sa_type=choice(Channel))
    language: str
    category: str
    template: str
    explanation: str = Field(sa_type=Text)
    recipient: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    quote: str = Field(default="", sa_type=Text)
    gaps: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    token: str = Field(sa_type=Text, unique=True)
    in_reply_to: str = Field(default="", sa_type=Text)
    reference_ids: list[str] = Field(default_factory=list, sa_type=STRUCTURE)
    state: DraftState = Field(default=DraftState.WAITING, sa_type=choice(DraftState))
    pdf_sha256: str = ""
    run: str = ""
    posted_on: date | None = None
    delivery_on: date | None = None
    anchor: str = Field(default="", sa_type=Text)
    proposed_on: date | None = None
    outcome: str = ""
    sent_at: datetime | None = None
    filed_sha256: str = ""
    dated: date
    made_at: datetime


class DraftRow(Draft, table=True):
    __tablename__ = "draft"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (
        Index("drafts_by_state", "state", "posted_on"),
        Index("drafts_by_recipient", "recipient", "made_at"),
    )


class Effect(Record):
    """Something to happen outside the database, once. `key` is unique; `started` means that a try has begun."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    shop: str
    kind: str
    arrival_id: int | None = Field(default=None, sa_column_args=[ForeignKey("arrival.id")])
    case_id: int | None = Field(default=None, sa_column_args=[ForeignKey("complaint_case.id")])
    draft_id: int | None = Field(default=None, sa_column_args=[ForeignKey("draft.id")])
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=STRUCTURE)
    state: EffectState = Field(default=EffectState.WAITING, sa_type=choice(EffectState))
    attempts: int = 0
    not_before: datetime
    problem: str = Field(default="", sa_type=Text)
    made_at: datetime
    done_at: datetime | None = None


class EffectRow(Effect, table=True):
    __tablename__ = "effect"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (Index("effects_by_state", "state", "shop", "not_before"),)


class Event(Record):
    """One line of the history: append-only, ids and field names, no personal text."""

    id: int | None = Field(default=None, primary_key=True)
    shop: str
    arrival_id: int | None = Field(default=None, sa_column_args=[ForeignKey("arrival.id")])
    case_id: int | None = Field(default=None, index=True, sa_column_args=[ForeignKey("complaint_case.id")])
    kind: str
    actor: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=STRUCTURE)
    at: datetime


class EventRow(Event, table=True):
    __tablename__ = "event"
    model_config = SQLModelConfig(frozen=False)


class Note(Record):
    """What somebody at the shop wrote down about a case. It may hold personal text, so it is no event."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(index=True, sa_column_args=[ForeignKey("complaint_case.id")])
    actor: str
    text: str = Field(sa_type=Text)
    at: datetime


class NoteRow(Note, table=True):
    __tablename__ = "note"
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


class Heartbeat(Record):
    """The last good moment and the present trouble of a part: a mailbox, a post folder, a job."""

    name: str = Field(primary_key=True)
    good_at: datetime | None = None
    trouble: str = Field(default="", sa_type=Text)
    trouble_since: datetime | None = None


class HeartbeatRow(Heartbeat, table=True):
    __tablename__ = "heartbeat"
    model_config = SQLModelConfig(frozen=False)


class Notice(Record):
    """Something that the manager is to be told by mail (the operator, where `shop` is empty), once: `key` is unique.

    `text` is one line without names, addresses and account numbers. What is `urgent` goes out at once, the rest within
    the hours in which the shop wants mail. Notices that wait are bundled into one mail; `told_at` is when that was
    stored to be sent."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    shop: str
    case_id: int | None = Field(default=None, sa_column_args=[ForeignKey("complaint_case.id")])
    kind: str
    text: str = Field(sa_type=Text)
    urgent: bool = False
    made_at: datetime
    told_at: datetime | None = None


class NoticeRow(Notice, table=True):
    __tablename__ = "notice"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (Index("notices_by_turn", "told_at", "shop"),)


class Undeliverable(Record):
    """An address that mail of ours did not reach: no automatic mail goes there until somebody writes from it again.
    `address` is in lower case."""

    shop: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    since: datetime


class UndeliverableRow(Undeliverable, table=True):
    __tablename__ = "undeliverable"
    model_config = SQLModelConfig(frozen=False)


class RaisedAlarm(Record):
    """An alarm that the operator knows of, until it is over."""

    key: str = Field(primary_key=True)
    what: str = Field(sa_type=Text)
    next_step: str = Field(default="", sa_type=Text)
    since: datetime


class RaisedAlarmRow(RaisedAlarm, table=True):
    __tablename__ = "raised_alarm"
    model_config = SQLModelConfig(frozen=False)


class CounterRow(SQLModel, table=True):
    """The last number given out, per shop and year."""

    __tablename__: ClassVar[str] = "counter"
    shop: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    last: int


def table(row: type[SQLModel]) -> Table:
    """The Core table of a row class."""
    return SQLModel.metadata.tables[str(row.__tablename__)]


METADATA = SQLModel.metadata
