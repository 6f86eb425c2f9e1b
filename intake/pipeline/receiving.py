"""Receive: the bytes are durable, then the rows and the cursor, in one commit; then the source may be touched.

Nothing is parsed here, so no mail and no scan can block the way of the next.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from intake.config import Mailbox, Shop
from intake.errors import ServerError
from intake.imap import SENT, Session
from intake.pipeline.effects import MARK_MAIL
from intake.pipeline.house import House
from intake.reading.mail import received_at
from intake.rules.tokens import find_reference, read_token
from intake.sources.files import FoundMail, shown_name
from intake.sources.mailbox import CLOCK_SKEW, TRIES, Batch, Mail, MailboxSource, Position
from intake.sources.sent import SentHead, new_sent
from intake.sources.sent import answered as answers_in
from storage.models import Arrival, Channel, Cursor, Effect

IMPORT = "import"
IMPORT_BATCH = 100
IMPORT_BYTES = 32 * 1024 * 1024


def receive_mail(
    house: House, shop: Shop, source: MailboxSource, session: Session, stored: Callable[[], object] = lambda: None
) -> int:
    """Take in what is new in the shop's mailbox; how many mails. `stored` is called after each batch that brought some.
    Raises `ServerError`; what was stored stays.

    A mailbox that starts in the past is read after its Sent folder, so that what was answered is not a case again.
    """
    settings = source.mailbox
    cursor = house.store.latest_cursor(settings.account, settings.folder)
    count = 0
    moved_since = None if cursor is not None else house.store.last_good_poll(shop.id)
    if cursor is None and moved_since is None and settings.start != "now":
        _note_answered(house, shop, source, session)
    for batch in source.new_mail(session, _position(cursor), house.clock(), moved_since):
        new = _store_mails(house, shop, Origin(settings, settings.folder), batch)
        count += new
        if new:
            stored()
    return count


def _note_answered(house: House, shop: Shop, source: MailboxSource, session: Session) -> None:
    """Read the whole of Sent before anything else. A folder that the server will not let us read is passed in the end:
    rather a case too many than no mail at all. Raises `ServerError`."""
    if source.sent_failures >= TRIES:
        house.log.error("Sent cannot be read: what was answered before becomes a case", shop=shop.id)
        return
    try:
        _read_sent(house, shop, source.mailbox, session)
    except ServerError:
        source.sent_failures += 1
        raise


def _read_sent(house: House, shop: Shop, mailbox: Mailbox, session: Session) -> None:
    """An answer that went to colleagues alone was none."""
    folder = session.find_folder(SENT, mailbox.sent)
    if folder is None:
        house.log.warning("no Sent folder: what was answered cannot be told", shop=shop.id)
        return
    known = 0
    for answers in answers_in(session, folder):
        told = {
            answer.answers: answer.sent_at or house.clock()
            for answer in answers
            if any(not shop.owns(recipient) for recipient in answer.recipients)
        }
        house.store.note_answered(shop.id, told)
        known += len(told)
    house.log.info("read Sent", shop=shop.id, folder=folder, answered=known)


def receive_sent(house: House, shop: Shop, mailbox: Mailbox, session: Session) -> int:
    """Take in what the manager sent in cases of the shop since the last look; how many mails. Of everything else in
    Sent only the head is seen. A mailbox that was never read has answered none. Raises `ServerError`.

    The first look begins where the mailbox was first read. What a mail answers must have been processed before: see
    `Store.answers.is_settled`.
    """
    inbox = house.store.latest_cursor(mailbox.account, mailbox.folder)
    folder = session.find_folder(SENT, mailbox.sent) if inbox is not None else None
    if inbox is None or folder is None:
        return 0

    def wanted(heads: Mapping[int, SentHead]) -> list[int]:
        asked = dict.fromkeys(found for head in heads.values() for found in head.ids if found)
        held = house.store.answers.ids_of_cases(shop.id, list(asked)) if asked else set()
        return [uid for uid, head in heads.items() if _concerns_a_case(house, shop, head, held)]

    position = _position(house.store.latest_cursor(mailbox.account, folder))
    batches = new_sent(session, folder, position, inbox.started_at, wanted)
    return sum(_store_mails(house, shop, Origin(mailbox, folder, sent=True), batch) for batch in batches)


def _concerns_a_case(house: House, shop: Shop, head: SentHead, held: Collection[str]) -> bool:
    """Whether a sent mail has an id of ours, or one of a mail of a case. What Intake itself sent is known already."""
    if head.automatic and read_token(house.key, shop.id, head.message_id) is not None:
        return False
    return any(found in held for found in head.ids) or find_reference(house.key, shop.id, head.ids) is not None


@dataclass(frozen=True, slots=True)
class Origin:
    """The folder that mails are taken from; `sent`: they are our own."""

    mailbox: Mailbox
    folder: str
    sent: bool = False


def _store_mails(house: House, shop: Shop, origin: Origin, batch: Batch) -> int:
    with house.originals.held():
        new = _commit_mails(house, shop, origin, batch)
    if new:
        house.log.info("received", shop=shop.id, channel="sent mail" if origin.sent else "mail", arrivals=len(new))
    house.checkpoint("source touched")
    return len(new)


def _commit_mails(house: House, shop: Shop, origin: Origin, batch: Batch) -> list[int]:
    """The bytes, then the rows and the cursor; the ids of the arrivals that are new."""
    settings, now = origin.mailbox, house.clock()
    digests = house.originals.add_all(mail.raw for mail in batch.mails)
    house.checkpoint("original written")
    arrivals = [
        _mail_arrival(shop, origin, batch.position, mail, digest, now)
        for mail, digest in zip(batch.mails, digests, strict=True)
    ]
    position = batch.position
    cursor = Cursor(
        account=settings.account,
        folder=origin.folder,
        uidvalidity=position.uidvalidity,
        shop=shop.id,
        last_uid=position.last_uid,
        first_uid=position.first_uid,
        since=position.since,
        started_at=_started(house, settings.account, origin.folder, position, now),
    )
    marks = [] if origin.sent else _marks(shop, settings, batch, now)
    new = house.store.receive(arrivals, cursor, marks)
    house.checkpoint("rows committed")
    return new


def _marks(shop: Shop, settings: Mailbox, batch: Batch, now: datetime) -> list[Effect]:
    """What is to be done to a batch's mails at the source, now that they are stored: one effect for all of them. What
    the server did not hand over whole stays where a person can read it."""
    uids = [mail.uid for mail in batch.mails if not mail.problem]
    if not uids or not (settings.keyword or settings.move_to):
        return []
    where = {"folder": settings.folder, "uidvalidity": batch.position.uidvalidity, "uids": uids}
    key = f"{MARK_MAIL}:{settings.account}:{settings.folder}:{batch.position.uidvalidity}:{uids[0]}-{uids[-1]}"
    return [Effect(key=key, shop=shop.id, kind=MARK_MAIL, payload=where, not_before=now, made_at=now)]


def _started(house: House, account: str, folder: str, position: Position, now: datetime) -> datetime:
    """When this epoch was first seen: its cursor keeps the moment."""
    before = house.store.latest_cursor(account, folder)
    return before.started_at if before is not None and before.uidvalidity == position.uidvalidity else now


def _position(cursor: Cursor | None) -> Position | None:
    if cursor is None:
        return None
    return Position(cursor.uidvalidity, cursor.last_uid, cursor.first_uid, cursor.since)


def _mail_arrival(shop: Shop, origin: Origin, position: Position, mail: Mail, digest: str, now: datetime) -> Arrival:
    # A server's clock may be ahead; a mail has not come in another year.
    dated = mail.dated and mail.received_at <= now + CLOCK_SKEW
    moment, basis = (mail.received_at, "internaldate") if dated else _moment_in(mail.raw, min(mail.received_at, now))
    return Arrival(
        shop=shop.id,
        channel=Channel.MAIL,
        account=origin.mailbox.account,
        folder=origin.folder,
        uidvalidity=position.uidvalidity,
        uid=mail.uid,
        sha256=digest,
        size=len(mail.raw),
        received_at=moment,
        received_basis=basis,
        assumed=not dated,
        sent=origin.sent,
        problem=mail.problem,
        stored_at=now,
    )


def _moment_in(raw: bytes, now: datetime) -> tuple[datetime, str]:
    """When a mail arrived of which nobody else tells it: (moment, basis); never in the future."""
    moment, basis = received_at(raw) or (now, "import")
    return min(moment, now).astimezone(UTC), basis


def receive_files(
    house: House, shop: Shop, files: Iterator[FoundMail], *, answered: bool = False
) -> Iterator[tuple[int, int]]:
    """Take in mails from files, in batches; yields (read, new) after each. What was imported before is not new.
    `answered` says that they need no answer any more.

    Without an INTERNALDATE a mail arrived at its topmost `Received`, else its `Date`; both are assumed.
    """
    batch: list[FoundMail] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file.raw)
        if len(batch) >= IMPORT_BATCH or size > IMPORT_BYTES:
            yield len(batch), _store_files(house, shop, batch, answered)
            batch, size = [], 0
    if batch:
        yield len(batch), _store_files(house, shop, batch, answered)


def _store_files(house: House, shop: Shop, files: list[FoundMail], answered: bool) -> int:
    with house.originals.held():
        return len(house.store.receive(_file_arrivals(house, shop, files, answered)))


def _file_arrivals(house: House, shop: Shop, files: list[FoundMail], answered: bool) -> list[Arrival]:
    """The bytes are stored; the rows are the caller's to commit."""
    digests = house.originals.add_all(file.raw for file in files)
    now = house.clock()
    arrivals = []
    for file, digest in zip(files, digests, strict=True):
        moment, basis = _moment_in(file.raw, now)
        arrivals.append(
            Arrival(
                shop=shop.id,
                channel=Channel.MAIL,
                account=IMPORT,
                folder=digest,
                sha256=digest,
                size=len(file.raw),
                name=shown_name(Path(file.name).name),
                received_at=moment,
                received_basis=basis,
                assumed=True,
                imported=True,
                answered=answered,
                problem=file.problem,
                stored_at=now,
            )
        )
    return arrivals
