"""The manager's own Drafts folder: a draft is appended once, with `\\Draft`, and looked for before it is again."""

from collections.abc import Sequence
from datetime import datetime

from intake.config import Mailbox
from intake.imap import DRAFTS, SENT, Session

FLAGS = (b"\\Draft", b"\\Seen")
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
