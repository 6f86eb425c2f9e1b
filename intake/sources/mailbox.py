"""A mailbox as a source: what is new since a position, in batches, without touching a flag.

    SELECT (read-only) → UIDs above the position → sizes and INTERNALDATEs → BODY.PEEK[] in batches of 8 MB
                                                                            → the position after the batch

The position is the truth, never a flag: `\\Seen` belongs to whoever reads the mailbox. When UIDVALIDITY changes, the
folder is read again from where the mailbox starts for us, and what came before is known by its content. The caller
stores each batch before it asks for the next. What is there at all, to prove that nothing is missing, is `present`.
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
    """One fetched mail. `problem` says why `raw` is not the whole of it, or is nothing at all. `dated`: whether the
    server told `received_at` (INTERNALDATE); else it is the moment of the fetch, and what the mail says of itself
    comes nearer."""

    uid: int
    raw: bytes
    received_at: datetime
    problem: str = ""
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails to store together, and the position once they are."""

    mails: tuple[Mail, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Presence:
    """What the folder holds now of the mail that counts: UIDs, sorted. `same_epoch` is False where its UIDVALIDITY is
    another than the position's; then nothing can be said by UID before it has been read again, and `uids` is empty."""

    same_epoch: bool
    uids: tuple[int, ...]


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
        self.sent_failures = 0  # how often its Sent folder could not be read

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
            mails, stuck = self._fetch(session, envelopes, position.uidvalidity, now)
            passed = [envelope.uid for envelope in envelopes if stuck is None or envelope.uid < stuck]
            if passed:
                position = replace(position, last_uid=passed[-1])
                yield Batch(tuple(mails), position)
            if stuck is not None:
                raise ServerError(
                    f"The server did not deliver the mail with UID {stuck}.", "It is tried again by itself."
                )
        self._one_by_one = False
        if position.last_uid < position.first_uid - 1:
            yield Batch((), replace(position, last_uid=position.first_uid - 1))

    def present(self, session: Session, position: Position) -> Presence:
        """All messages that are in the folder now and count from where the mailbox started, read or not. With
        `start = "now"` mail of the last minutes before the start need not have been read, and is not counted. Raises
        `ServerError`."""
        state = session.select(self.mailbox.folder)
        if state.uidvalidity != position.uidvalidity:
            return Presence(False, ())
        if position.since is not None and self.mailbox.start == "now":
            position = replace(position, since=position.since + CLOCK_SKEW)
        old = _old_uids(session, position, 0)
        fresh = session.uids(position.first_uid)
        return Presence(True, (*old, *fresh))

    def _fetch(
        self, session: Session, envelopes: list[Envelope], uidvalidity: int, now: datetime
    ) -> tuple[list[Mail], int | None]:
        """The batch's mails, and the UID at which it stops. One that has been deleted since is left out; one that the
        server does not deliver stops the batch, so that the position does not pass it, until it has been tried often
        enough."""
        bodies = self._bodies(session, envelopes, uidvalidity)
        lacking = [envelope.uid for envelope in envelopes if envelope.uid not in bodies]
        there = set(session.present(lacking)) if lacking else set()
        mails: list[Mail] = []
        for envelope in envelopes:
            raw = bodies.get(envelope.uid, b"")
            mute = envelope.received_at is None and not envelope.size
            if (not raw and envelope.uid in there) or (raw and mute):
                if self._one_more_try(envelope.uid, uidvalidity):
                    return mails, envelope.uid
            elif not raw:
                continue
            mails.append(_mail(envelope, raw, now))
        return mails, None

    def _bodies(self, session: Session, envelopes: list[Envelope], uidvalidity: int) -> dict[int, bytes]:
        """The bytes by UID. Where a server answers a batch with NO, or drops the connection at it, the next polls go
        one by one, and count, so that the mail that does it is found and in the end passed."""
        tried = [envelope for envelope in envelopes if self._tries(envelope.uid, uidvalidity) < TRIES]
        alone = [envelope for envelope in tried if self._one_by_one or envelope.size > FETCH_AT_MOST]
        ordinary = [envelope for envelope in tried if envelope not in alone]
        try:
            bodies = session.bodies([one.uid for one in ordinary], sum(one.size for one in ordinary))
            for envelope in alone:
                bodies[envelope.uid] = session.beginning(envelope.uid, min(envelope.size, FETCH_AT_MOST))
        except ServerError:
            if len(envelopes) == 1:
                self._one_more_try(envelopes[0].uid, uidvalidity)
            self._one_by_one = True
            raise
        return {uid: raw for uid, raw in bodies.items() if raw}

    def _tries(self, uid: int, uidvalidity: int) -> int:
        return self._failures.get((uidvalidity, uid), 0)

    def _one_more_try(self, uid: int, uidvalidity: int) -> bool:
        """Count a failure; whether the mail is tried once more."""
        tries = self._tries(uid, uidvalidity) + 1
        self._failures[(uidvalidity, uid)] = tries
        return tries < TRIES


def _mail(envelope: Envelope, raw: bytes, now: datetime) -> Mail:
    problem = "" if raw else NOT_DELIVERED
    if len(raw) > FETCH_AT_MOST:
        size = max(envelope.size, len(raw)) // 1024 // 1024
        raw, problem = raw[:FETCH_AT_MOST], f"only the first 64 MB of {size} MB were fetched"
    dated = envelope.received_at is not None
    return Mail(envelope.uid, raw, envelope.received_at or now, problem, dated)


def _old_uids(session: Session, position: Position, after: int) -> list[int]:
    """UIDs above `after` that were there before us and arrived since the start."""
    if after + 1 >= position.first_uid:
        return []
    if position.since is None:
        return session.uids(after + 1, position.first_uid - 1)
    # SEARCH SINCE knows days in the server's own zone: a day of slack, then the moment itself decides.
    day = position.since.date()
    perhaps = session.uids(after + 1, position.first_uid - 1, since=day - timedelta(days=1))
    surely = set(session.uids(after + 1, position.first_uid - 1, since=day + timedelta(days=2)))
    moments = session.envelopes([uid for uid in perhaps if uid not in surely])
    # One whose moment the server does not tell counts: rather twice than lost.
    surely.update(one.uid for one in moments if one.received_at is None or one.received_at >= position.since)
    return [uid for uid in perhaps if uid in surely]


def _wanted(session: Session, position: Position) -> Iterator[Envelope]:
    """New mail by UID. Of what was there before us, only what arrived since the start."""
    wanted = _old_uids(session, position, position.last_uid)
    wanted += session.uids(max(position.last_uid + 1, position.first_uid))
    for start in range(0, len(wanted), BATCH_MAILS):
        yield from session.envelopes(wanted[start : start + BATCH_MAILS])


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
