"""Cases and what belongs to them: who takes part, dates, drafts, effects, the history, notes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field
from sqlmodel._compat import SQLModelConfig

from storage.models.base import (
    BIG,
    STRUCTURE,
    CaseState,
    Channel,
    DeadlineKind,
    DraftState,
    EffectState,
    Record,
    choice,
)


class Case(Record):
    """One complaint. `due_on`, `post_by` and `target_at` are those of its latest deadline.

    `clocks` are terms that run besides the promise, each `{"kind", "due_on" (ISO), "words"}`, and `first_clock` is the
    earliest of their days. `answered_how` is mail, letter, phone or counter; `closed_as` the reason in one word.
    `legal_hold` says why the case may not be anonymised ("" where it may). `escalations` are the dispute bodies that it
    was taken to, each `{"to" (the body's id), "name", "on" (ISO), "due_on" (ISO), "words", "ended" (ISO)}`: by when the
    body is to be answered and why ("" without such a term), and when the case was closed after it ("" until then).
    `anonymised_at` is when the people in it were forgotten.
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
    legal_hold: str = Field(default="", sa_type=Text)
    legal_hold_since: datetime | None = None
    escalations: list[dict[str, Any]] = Field(default_factory=list, sa_type=STRUCTURE)
    anonymised_at: datetime | None = None


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
    person moved (`because` says why, `actor` who), or a holding reply named. `promise` is what the shop promised then:
    `business_days`, `counting`, and the `calendar` that they were counted by."""

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
    """One line of the history: append-only, ids and field names, no personal text.

    The lines of a shop are a chain: `number` counts them from 1, and `hash` is over the line and the hash of the one
    before it; see `storage.chain`. Both are given when it is written."""

    id: int | None = Field(default=None, primary_key=True)
    shop: str
    arrival_id: int | None = Field(default=None, sa_column_args=[ForeignKey("arrival.id")])
    case_id: int | None = Field(default=None, index=True, sa_column_args=[ForeignKey("complaint_case.id")])
    kind: str
    actor: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=STRUCTURE)
    at: datetime
    number: int = Field(default=0, sa_type=BIG)
    hash: str = ""


class EventRow(Event, table=True):
    __tablename__ = "event"
    model_config = SQLModelConfig(frozen=False)
    __table_args__ = (Index("events_by_number", "shop", "number", unique=True),)


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
