"""Watch what the manager does in her own mail program: what she sends, and which drafts she deletes.

What is wrong with these folders keeps no complaint from coming in: it is told, and looked at again.
"""

from datetime import datetime, timedelta

from intake.config import Mailbox, Shop
from intake.errors import ServerError
from intake.imap import Session
from intake.pipeline.deleted_drafts import notice_deleted
from intake.pipeline.house import House
from intake.pipeline.receiving import receive_sent
from intake.sources.drafts import DraftsSource

# So long Sent waits, before what cannot be processed holds up nobody any more. By the clock: in a flood of mail the
# server wakes us many times a minute.
PATIENCE = timedelta(minutes=15)


class AnswerWatch:
    """The watch over one mailbox's Sent and Drafts. Belongs to the thread that polls. `trouble` says why they could not
    be looked at the last time."""

    def __init__(self, house: House, shop: Shop, mailbox: Mailbox) -> None:
        self._house, self._shop, self._mailbox = house, shop, mailbox
        self._drafts = DraftsSource(mailbox)
        self._waits_since: datetime | None = None
        self.trouble = ""

    def look(self, session: Session) -> int:
        """Look at Sent and at Drafts, after the mailbox was read; how many sent mails were taken in.

        An answer is known by the id of what it answers. So while mail waits for its fate, as after a night in which
        nothing ran and she answered by hand, Sent waits, too.
        """
        if self._must_wait():
            return 0
        try:
            found = receive_sent(self._house, self._shop, self._mailbox, session)
            notice_deleted(self._house, self._shop, self._drafts, session)
        except ServerError as error:
            self.trouble = str(error)
            self._house.log.warning("Sent or Drafts cannot be looked at", shop=self._shop.id, problem=self.trouble)
            return 0
        self.trouble = ""
        return found

    def _must_wait(self) -> bool:
        """Whether there is mail that has to be processed first, and not for too long already."""
        if self._house.store.answers.is_settled(self._shop.id):
            self._waits_since = None
            return False
        now = self._house.clock()
        if self._waits_since is None:
            self._waits_since = now
        return now - self._waits_since < PATIENCE
