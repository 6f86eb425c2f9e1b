"""The manager's own Drafts folder: a draft is appended once, with `\\Draft`, and looked for before it is again."""

from collections.abc import Sequence
from datetime import datetime

from intake.config import Mailbox
from intake.imap import DRAFTS, SENT, Session

FLAGS = (b"\\Draft", b"\\Seen")
DELETED = "\\Deleted"
FALLBACK_NAME = "Drafts"


class DraftsFolder:
    """The Drafts folder over one session. The folder is looked up once."""

    def __init__(self, session: Session, mailbox: Mailbox) -> None:
        self._session = session
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

    def has(self, message_id: str) -> bool:
        """Whether a draft with this Message-ID has been appended: it lies here, or was sent already."""
        if self._session.holds(self._folder, message_id):
            return True
        sent = self._session.find_folder(SENT)
        return sent is not None and self._session.holds(sent, message_id)

    def withdraw(self, message_id: str, raw: bytes) -> bool:
        """Remove a draft that lies here as it was appended; one that somebody has changed, or that was sent, stays.
        Whether it is gone. Only this one message is expunged (UID EXPUNGE, RFC 4315); a server without it keeps it.
        Raises `ServerError`."""
        changeable = self._session.open_for_change(self._folder)
        if changeable is None or not changeable.keeps(DELETED) or "UIDPLUS" not in self._session.capabilities():
            return False
        found = self._session.search(["HEADER", "Message-ID", message_id])
        bodies = self._session.bodies(found, len(raw) * len(found)) if found else {}
        same = [uid for uid, body in bodies.items() if _comparable(body) == _comparable(raw)]
        if same:
            self._session.flag(same, DELETED)
            self._session.remove(same)
        return len(same) == len(found)


def _comparable(raw: bytes) -> bytes:
    """Servers may change line ends and what a folded header ends in."""
    return b"".join(raw.split())
