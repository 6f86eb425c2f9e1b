"""What may be done to a mail at the source once it is stored: a keyword, `\\Flagged`, or a move to another folder.

A courtesy to whoever reads the mailbox, never the truth, and never `\\Seen`. Both can be done again, also after a run
that was killed in between. A folder whose UIDVALIDITY has changed is left alone: its UIDs mean other mails now. A bare
EXPUNGE, which removes whatever a person has marked as deleted, is never sent.
"""

from collections.abc import Sequence

from intake import fetched
from intake.imap import Session

DELETED = "\\Deleted"


def mark(session: Session, folder: str, uidvalidity: int, uids: Sequence[int], flag: str) -> bool:
    """Set a keyword or `\\Flagged` on these messages; those that have gone are no fault. False, and nothing is done,
    where the folder is another by now or the server does not keep such a flag. Raises `ServerError`."""
    changeable = session.open_for_change(folder)
    if changeable is None or changeable.uidvalidity != uidvalidity or not changeable.keeps(flag):
        return False
    session.flag(uids, flag)
    return True


def move(
    session: Session, folder: str, uidvalidity: int, uids: Sequence[int], target: str, *, again: bool = False
) -> bool:
    """Move these messages to a folder, which is made where it is missing; those that have gone are no fault.

    By MOVE; else by COPY, `\\Deleted` and UID EXPUNGE. False, and nothing is done, where the server offers neither
    MOVE nor UIDPLUS, allows reading only, or the folder is another by now. `again` says that an earlier try may have
    stopped half-way: what it copied is looked for in the target and not copied twice. Raises `ServerError`.
    """
    if not session.can_move or target == folder:
        return False
    session.create_folder(target)
    changeable = session.open_for_change(folder)
    if changeable is None or changeable.uidvalidity != uidvalidity or not changeable.keeps(DELETED):
        return False
    left = session.present(uids)
    if "MOVE" in session.capabilities():
        session.move(left, target)
        return True
    copied = _copied(session, folder, left, target) if again else set()
    session.copy([uid for uid in left if uid not in copied], target)
    session.flag(left, DELETED)
    session.remove(left)
    return True


def _copied(session: Session, folder: str, uids: Sequence[int], target: str) -> set[int]:
    """Those of these messages that lie in the target already, to the last header line and byte of size. A
    Message-ID alone would not do: two mails may bear the same, and one of them would be gone."""
    wanted = [(envelope, _header(session, envelope.uid)) for envelope in session.envelopes(uids)]
    session.select(target)
    found: set[int] = set()
    for envelope, header in wanted:
        if header and envelope.size:
            alike = session.search(["LARGER", envelope.size - 1, "SMALLER", envelope.size + 1])
            if any(_header(session, other) == header for other in alike):
                found.add(envelope.uid)
    session.open_for_change(folder)
    return found


def _header(session: Session, uid: int) -> bytes:
    answers = session.fetch([uid], "BODY.PEEK[HEADER]", fetched.HEADER_AT_MOST)
    return fetched.section(answers.get(uid, {}), fetched.HEADER)
