"""What all records share: the frozen base, the column types, and the enums that the database holds columns to."""

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Enum
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel
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
