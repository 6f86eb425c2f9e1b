"""The manager's Drafts folder as a source: which of our drafts lie there still. It changes and decides nothing.

The folder is read only when something was taken out of it since the last look, which its numbers tell: as many new UIDs
as new messages means that things were only added.
"""

from intake import fetched
from intake.config import Mailbox
from intake.imap import DRAFTS, SENT, FolderNumbers, Session
from intake.sources.sent import MESSAGE_ID

BYTES_EACH = 2048
FIELDS = "MESSAGE-ID REFERENCES"


class DraftsSource:
    """One mailbox's Drafts, and what was missing from it at the last look. Belongs to the thread that polls."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.missing: frozenset[str] = frozenset()
        self._numbers: FolderNumbers | None = None

    def has_lost(self, session: Session) -> bool:
        """Whether something may have been taken out since the last `ids`. Raises `ServerError`."""
        folder = session.find_folder(DRAFTS, self.mailbox.drafts)
        if folder is None:
            return False
        before, now = self._numbers, session.numbers(folder)
        if before is None or before.uidvalidity != now.uidvalidity:
            return True
        if now.messages - before.messages != now.uidnext - before.uidnext:
            return True
        self._numbers = now
        return False

    def ids(self, session: Session) -> set[str] | None:
        """The Message-IDs of what lies in Drafts, and all that it refers to; None where there is no such folder. Raises
        `ServerError`."""
        folder = session.find_folder(DRAFTS, self.mailbox.drafts)
        if folder is None:
            return None
        found: set[str] = set()
        # The numbers of before the reading: what goes while it is read is seen at the next look.
        self._numbers = session.numbers(folder)
        session.select(folder)
        for part in fetched.parts(session.uids(1)):
            answers = session.fetch(part, fetched.header_lines(FIELDS), BYTES_EACH * len(part))
            for answer in answers.values():
                found.update(MESSAGE_ID.findall(fetched.section(answer, fetched.HEADER).decode("utf-8", "replace")))
        return found

    def was_sent(self, session: Session, ids: tuple[str, str]) -> bool:
        """Whether a draft, known by its Message-ID and its anchor, lies in Sent. Raises `ServerError`."""
        folder = session.find_folder(SENT, self.mailbox.sent)
        if folder is None:
            return False
        session.select(folder)
        return bool(session.search(fetched.known_by(*ids)))
