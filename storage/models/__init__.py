"""The tables, and the frozen values that are read from them and written to them.

Each record is declared once as a frozen value (`Case`); its table (`CaseRow`) inherits the columns. A SQLModel
class with `table=True` does not validate, so values are built and checked as records and written from there.
Moments are aware and in UTC; days are plain dates in the shop's zone.
"""

from sqlalchemy import Table
from sqlmodel import SQLModel

from storage.models.arrivals import (
    Answered,
    AnsweredRow,
    Arrival,
    ArrivalRow,
    Cursor,
    CursorRow,
    Document,
    DocumentRow,
    Message,
    MessageRow,
    Reading,
    ReadingRow,
)
from storage.models.base import (
    BIG,
    SENDING_KINDS,
    STRUCTURE,
    SUBSTANTIVE,
    ArrivalState,
    CaseState,
    Channel,
    DeadlineKind,
    DraftState,
    EffectState,
    Fate,
    Record,
    Verified,
    choice,
)
from storage.models.cases import (
    Case,
    CaseRow,
    Clue,
    ClueRow,
    Deadline,
    DeadlineRow,
    Draft,
    DraftRow,
    Effect,
    EffectRow,
    Event,
    EventRow,
    Note,
    NoteRow,
    Participant,
    ParticipantRow,
)
from storage.models.keeping import (
    CounterRow,
    Heartbeat,
    HeartbeatRow,
    Notice,
    NoticeRow,
    RaisedAlarm,
    RaisedAlarmRow,
    Standing,
    StandingRow,
    Tombstone,
    TombstoneRow,
    Undeliverable,
    UndeliverableRow,
)

__all__ = [
    "BIG",
    "METADATA",
    "SENDING_KINDS",
    "STRUCTURE",
    "SUBSTANTIVE",
    "Answered",
    "AnsweredRow",
    "Arrival",
    "ArrivalRow",
    "ArrivalState",
    "Case",
    "CaseRow",
    "CaseState",
    "Channel",
    "Clue",
    "ClueRow",
    "CounterRow",
    "Cursor",
    "CursorRow",
    "Deadline",
    "DeadlineKind",
    "DeadlineRow",
    "Document",
    "DocumentRow",
    "Draft",
    "DraftRow",
    "DraftState",
    "Effect",
    "EffectRow",
    "EffectState",
    "Event",
    "EventRow",
    "Fate",
    "Heartbeat",
    "HeartbeatRow",
    "Message",
    "MessageRow",
    "Note",
    "NoteRow",
    "Notice",
    "NoticeRow",
    "Participant",
    "ParticipantRow",
    "RaisedAlarm",
    "RaisedAlarmRow",
    "Reading",
    "ReadingRow",
    "Record",
    "Standing",
    "StandingRow",
    "Tombstone",
    "TombstoneRow",
    "Undeliverable",
    "UndeliverableRow",
    "Verified",
    "choice",
    "table",
]


def table(row: type[SQLModel]) -> Table:
    """The Core table of a row class."""
    return SQLModel.metadata.tables[str(row.__tablename__)]


METADATA = SQLModel.metadata
