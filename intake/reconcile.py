"""Is each message in a mailbox accounted for? Compares what the server holds with what is stored; changes nothing.

A message is accounted for when it has an arrival: the bytes are stored, and it has met a fate or waits for one. What
was there before the mailbox's start is not Intake's. Everything else is named.
"""

import re
from dataclasses import dataclass

from intake.config import Mailbox, Shop
from intake.imap import Session
from intake.reading.mail import read_head
from intake.sources.mailbox import MailboxSource, Position
from storage.models import Cursor
from storage.store import Store

SHOWN_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Unaccounted:
    """A message without an arrival. `why` says what is known: not read yet, or passed without one."""

    uid: int
    sender: str
    subject: str
    message_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One folder: how many messages it holds that count, how many of them have an arrival, and those that have none
    (the first 200 of them described). `problem` says why nothing could be compared."""

    shop: str
    folder: str
    present: int = 0
    accounted: int = 0
    missing: int = 0
    unaccounted: tuple[Unaccounted, ...] = ()
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether each message is accounted for."""
        return not (self.missing or self.problem)


def reconcile(store: Store, shop: Shop, mailbox: Mailbox, session: Session) -> Reconciliation:
    """Compare one mailbox with the store. Raises `ServerError`, `StorageError`."""
    cursor = store.latest_cursor(mailbox.account, mailbox.folder)
    if cursor is None:
        return Reconciliation(shop.id, mailbox.folder, problem="it was never read yet")
    position = Position(cursor.uidvalidity, cursor.last_uid, cursor.first_uid, cursor.since)
    presence = MailboxSource(mailbox, shop.zone).present(session, position)
    if not presence.same_epoch:
        return Reconciliation(
            shop.id, mailbox.folder, problem="its UIDVALIDITY has changed, and it was not read again yet"
        )
    held = store.uids_held(mailbox.account, mailbox.folder, cursor.uidvalidity)
    lacking = [uid for uid in presence.uids if uid not in held]
    return Reconciliation(
        shop=shop.id,
        folder=mailbox.folder,
        present=len(presence.uids),
        accounted=len(presence.uids) - len(lacking),
        missing=len(lacking),
        unaccounted=tuple(_described(session, cursor, uid) for uid in lacking[:SHOWN_AT_MOST]),
    )


def _described(session: Session, cursor: Cursor, uid: int) -> Unaccounted:
    head = read_head(session.head(uid))
    why = "not read yet" if uid > cursor.last_uid else "passed, and not stored"
    known = re.sub(r"<[0-9a-f]{64}@missing\.invalid>", "", head.message_id)
    return Unaccounted(uid, str(head.sender or ""), head.subject, known, why)
