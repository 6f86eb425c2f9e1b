"""A mailbox as a source: what is new since a position, in batches, without touching a flag.

    SELECT (read-only) → UIDs above the position → sizes and INTERNALDATEs → BODY.PEEK[] in batches of 8 MB
                                                                            → the position after the batch

The position is the truth, never a flag: `\\Seen` belongs to whoever reads the mailbox. When UIDVALIDITY changes, the
folder is read again from where the mailbox starts for us, and what came before is known by its content. The caller
stores each batch before it asks for the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from intake.config import Mailbox
from intake.errors import ServerError
from intake.imap import FETCH_AT_MOST, Envelope, FolderState, Session

BATCH_BYTES = 8 * 1024 * 1024
BATCH_MAILS = 50
# A server's clock may be behind ours: mail of the last minutes before the start is rather read twice than lost.
CLOCK_SKEW = timedelta(minutes=10)
TRIES = 5
NOT_DELIVERED = "the server does not deliver this mail: read it there"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder has been read. See `storage.models.Cursor`."""

    uidvalidity: int
    last_uid: int
    first_uid: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Mail:
    """One fetched mail. `problem` says why `raw` is not the whole of it, or is nothing at all."""

    uid: int
    raw: bytes
    received_at: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails to store together, and the position once they are."""

    mails: tuple[Mail, ...]
    position: Position


def start_position(state: FolderState, mailbox: Mailbox, zone: ZoneInfo, now: datetime) -> Position:
    """Where a mailbox that was never read starts: now (all that is there stays as it is), all, or a date."""
    if mailbox.start == "now":
        return Position(state.uidvalidity, state.uidnext - 1, state.uidnext, now - CLOCK_SKEW)
    since = None
    if isinstance(mailbox.start, date):
        since = datetime.combine(mailbox.start, time(0), zone).astimezone(UTC)
    return Position(state.uidvalidity, 0, state.uidnext, since)


def new_epoch(state: FolderState, before: Position) -> Position:
    """The position in a folder whose UIDVALIDITY has changed: read again from the mailbox's start."""
    return Position(state.uidvalidity, 0, state.uidnext, before.since)


class MailboxSource:
    """One mailbox's folder. Remembers how often a mail could not be fetched, so that one mail cannot hold up the
    mailbox for ever. Belongs to the thread that polls it."""

    def __init__(self, mailbox: Mailbox, zone: ZoneInfo) -> None:
        self.mailbox = mailbox
        self._zone = zone
        self._failures: dict[tuple[int, int], int] = {}
        self._one_by_one = False

    def new_mail(
        self, session: Session, position: Position | None, now: datetime, moved_since: datetime | None = None
    ) -> Iterator[Batch]:
        """Batches of new mail, oldest first. An empty one fixes a start. `moved_since` is when the shop's mail was last
        read under another name of server, user or folder: it is read on from there. Raises `ServerError`."""
        state = session.select(self.mailbox.folder)
        if position is None and moved_since is not None:
            position = Position(state.uidvalidity, 0, state.uidnext, moved_since - CLOCK_SKEW)
            yield Batch((), position)
        elif position is None:
            position = start_position(state, self.mailbox, self._zone, now)
            yield Batch((), position)
        elif position.uidvalidity != state.uidvalidity:
            position = new_epoch(state, position)
            yield Batch((), position)
        for envelopes in _batches(_wanted(session, position), 1 if self._one_by_one else BATCH_MAILS):
            mails = self._fetch(session, envelopes, position.uidvalidity)
            position = replace(position, last_uid=envelopes[-1].uid)
            yield Batch(tuple(mails), position)
        self._one_by_one = False
        if position.last_uid < position.first_uid - 1:
            yield Batch((), replace(position, last_uid=position.first_uid - 1))

    def _fetch(self, session: Session, envelopes: list[Envelope], uidvalidity: int) -> list[Mail]:
        """The batch's mails. One that has been deleted since is left out; one that the server does not deliver
        stops here, so that the position does not pass it, until it has been tried often enough."""
        bodies = self._bodies(session, envelopes, uidvalidity)
        mails: list[Mail] = []
        for envelope in envelopes:
            if envelope.size > FETCH_AT_MOST:
                problem = f"only the first 64 MB of {envelope.size // 1024 // 1024} MB were fetched"
                mails.append(Mail(envelope.uid, bodies.get(envelope.uid, b""), envelope.received_at, problem))
            elif envelope.uid in bodies:
                mails.append(Mail(envelope.uid, bodies[envelope.uid], envelope.received_at))
            elif session.uids(envelope.uid, envelope.uid):
                mails.append(self._missing(envelope, uidvalidity))
        return mails

    def _bodies(self, session: Session, envelopes: list[Envelope], uidvalidity: int) -> dict[int, bytes]:
        """The bytes by UID. Where a server answers a batch with NO, or drops the connection at it, the next polls go
        one by one, and count, so that the mail that does it is found and in the end passed."""
        tried = [envelope for envelope in envelopes if self._tries(envelope, uidvalidity) < TRIES]
        ordinary = [envelope.uid for envelope in tried if envelope.size <= FETCH_AT_MOST]
        try:
            bodies = session.bodies(ordinary) if ordinary else {}
            large = [envelope.uid for envelope in tried if envelope.size > FETCH_AT_MOST]
            return {**bodies, **{uid: session.beginning(uid) for uid in large}}
        except ServerError:
            if len(envelopes) == 1:
                self._failures[(uidvalidity, envelopes[0].uid)] = self._tries(envelopes[0], uidvalidity) + 1
            self._one_by_one = True
            raise

    def _tries(self, envelope: Envelope, uidvalidity: int) -> int:
        return self._failures.get((uidvalidity, envelope.uid), 0)

    def _missing(self, envelope: Envelope, uidvalidity: int) -> Mail:
        tries = self._tries(envelope, uidvalidity)
        self._failures[(uidvalidity, envelope.uid)] = tries + 1
        if tries + 1 >= TRIES:
            return Mail(envelope.uid, b"", envelope.received_at, NOT_DELIVERED)
        raise ServerError(
            f"The server did not deliver the mail with UID {envelope.uid}.", "It is tried again by itself."
        )


def _wanted(session: Session, position: Position) -> Iterator[Envelope]:
    """New mail by UID. Of what was there before us, only what arrived since the start."""
    old: list[int] = []
    if position.last_uid + 1 < position.first_uid:
        # SEARCH SINCE knows days in the server's own zone: a day of slack, then the moment itself decides.
        day = position.since.date() - timedelta(days=1) if position.since else None
        old = session.uids(position.last_uid + 1, position.first_uid - 1, since=day)
    for start in range(0, len(old), BATCH_MAILS):
        for envelope in session.envelopes(old[start : start + BATCH_MAILS]):
            if position.since is None or envelope.received_at >= position.since:
                yield envelope
    fresh = session.uids(max(position.last_uid + 1, position.first_uid))
    for start in range(0, len(fresh), BATCH_MAILS):
        yield from session.envelopes(fresh[start : start + BATCH_MAILS])


def _batches(envelopes: Iterator[Envelope], most: int) -> Iterator[list[Envelope]]:
    batch: list[Envelope] = []
    size = 0
    for envelope in envelopes:
        if batch and (len(batch) >= most or size + envelope.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(envelope)
        size += envelope.size
    if batch:
        yield batch
