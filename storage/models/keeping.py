"""What the installation remembers besides its cases: heartbeats, notices, alarms, numbers, results, tombstones."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Text
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

from storage.models.base import STRUCTURE, Record


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


class Tombstone(Record):
    """That something was erased, so that it does not come back from a mailbox, a folder or an import: a keyed hash
    (`intake.rules.tombstones`) of its Message-ID or of its content, and nothing else about it."""

    shop: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    at: datetime


class TombstoneRow(Tombstone, table=True):
    __tablename__ = "tombstone"
    model_config = SQLModelConfig(frozen=False)


class Standing(Record):
    """A guarantee as it was measured on the first of a month, and kept: `month` is the first day of the last month
    measured. `reached` is the level that the figures reach, `held` the one that is shown ("" for none); `figures` are
    those of `intake.measuring`, `definition` the SHA-256 of the guarantee's definition, `method` that of counting, and
    `holidays` the release that knew the closed days."""

    shop: str = Field(primary_key=True)
    guarantee: str = Field(primary_key=True)
    month: date = Field(primary_key=True)
    reached: str = ""
    held: str = ""
    figures: dict[str, Any] = Field(default_factory=dict, sa_type=STRUCTURE)
    definition: str
    method: str
    holidays: str = ""
    computed_at: datetime


class StandingRow(Standing, table=True):
    __tablename__ = "standing"
    model_config = SQLModelConfig(frozen=False)
