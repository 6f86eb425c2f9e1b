"""The manager's own Drafts folder: a draft is appended once, with `\\Draft`, and looked for before it is again."""

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

    def has(self, message_id: str) -> bool:
        """Whether a draft with this Message-ID has been appended: it lies here, or was sent already."""
        if self._session.holds(self._folder, message_id):
            return True
        sent = self._session.find_folder(SENT)
        return sent is not None and self._session.holds(sent, message_id)
