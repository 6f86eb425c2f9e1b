"""The manager's own Sent folder: a mail that went out by SMTP is put there once, so that she sees what was said.

Some servers file what is sent through them by themselves (Gmail, Exchange Online): it is always looked for first, by
its Message-ID, and of what is there no second copy is made.
"""

from datetime import datetime

from intake.config import Mailbox
from intake.imap import SENT, Session

FLAGS = (b"\\Seen",)
FALLBACK_NAME = "Sent"


def file_sent(session: Session, mailbox: Mailbox, message_id: str, raw: bytes, dated: datetime) -> bool:
    """Put a sent mail into Sent; False where it lies there already. Raises `ServerError`."""
    folder = session.ensure_folder(SENT, mailbox.sent, FALLBACK_NAME)
    if session.holds(folder, message_id):
        return False
    session.append(folder, raw, FLAGS, dated)
    return True
