"""The manager's own Drafts folder: a draft is appended once, with `\\Draft`, and looked for before it is again."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from intake import fetched
from intake.config import Mailbox
from intake.imap import DRAFTS, SENT, Session

FLAGS = (b"\\Draft", b"\\Seen")
DELETED = "\\Deleted"
FALLBACK_NAME = "Drafts"


def fingerprint(raw: bytes) -> str:
    """By what a draft is known to be as it was appended. Servers may change line ends and what a folded header ends
    in, so white space does not count."""
    return hashlib.sha256(b"".join(raw.split())).hexdigest()


class Place(StrEnum):
    """How a draft was found: as it was appended, changed by somebody, in Sent, or nowhere."""

    UNTOUCHED = "untouched"
    TOUCHED = "touched"
    SENT = "sent"
    GONE = "gone"


class DraftsFolder:
    """The Drafts folder over one session. The folder is looked up once.

    A draft is known by its Message-ID, and by its anchor in References: mail programs replace a draft that is edited,
    and may give it another Message-ID."""

    def __init__(self, session: Session, mailbox: Mailbox) -> None:
        self._session = session
        self._sent = mailbox.sent
        self._folder = session.ensure_folder(DRAFTS, mailbox.drafts, FALLBACK_NAME)

    def put(self, raw: bytes, dated: datetime) -> None:
        """Append a draft."""
        self._session.append(self._folder, raw, FLAGS, dated)

    def put_many(self, drafts: Sequence[tuple[bytes, datetime]]) -> bool:
        """Append several drafts at once, all of them or none; False, and nothing is done, where the server cannot."""
        if not self._session.can_append_many:
            return False
        self._session.append_many(self._folder, drafts, FLAGS)
        return True

    def has(self, message_id: str, anchor: str = "") -> bool:
        """Whether a draft has been appended: it lies here, or was sent already."""
        self._session.select(self._folder)
        return bool(self._session.search(fetched.known_by(message_id, anchor))) or self._was_sent(message_id, anchor)

    def find(self, message_id: str, anchor: str, raw: bytes, filed: str = "") -> Place:
        """Where a draft is. `filed` is the fingerprint that it was appended with; without one it is taken to have been
        appended as `raw`, as it would be now. Where a copy that somebody has changed lies beside it, it counts as
        changed."""
        self._session.select(self._folder)
        found = self._session.search(fetched.known_by(message_id, anchor))
        bodies = self._session.bodies(found, 2 * len(raw) * len(found)) if found else {}
        if bodies:
            as_filed = filed or fingerprint(raw)
            same = all(fingerprint(body) == as_filed for body in bodies.values())
            return Place.UNTOUCHED if same else Place.TOUCHED
        return Place.SENT if self._was_sent(message_id, anchor) else Place.GONE

    def _was_sent(self, message_id: str, anchor: str) -> bool:
        sent = self._session.find_folder(SENT, self._sent)
        if sent is None:
            return False
        self._session.select(sent)
        return bool(self._session.search(fetched.known_by(message_id, anchor)))

    def withdraw(self, message_id: str, raw: bytes, filed: str = "") -> bool:
        """Remove a draft that lies here as it was appended (see `find`); one that somebody has changed, or that was
        sent, stays. Whether it is gone. Only this one message is expunged (UID EXPUNGE, RFC 4315); a server without it
        keeps it. Raises `ServerError`."""
        changeable = self._session.open_for_change(self._folder)
        if changeable is None or not changeable.keeps(DELETED) or "UIDPLUS" not in self._session.capabilities():
            return False
        found = self._session.search(["HEADER", "Message-ID", message_id])
        bodies = self._session.bodies(found, 2 * len(raw) * len(found)) if found else {}
        as_filed = filed or fingerprint(raw)
        same = [uid for uid, body in bodies.items() if fingerprint(body) == as_filed]
        if same:
            self._session.flag(same, DELETED)
            self._session.remove(same)
        return len(same) == len(found)
