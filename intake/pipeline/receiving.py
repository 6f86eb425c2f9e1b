"""Receive: the bytes are durable, then the rows and the cursor, in one commit; then the source may be touched.

Nothing is parsed here, so no mail and no scan can block the way of the next.
"""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from intake.config import Mailbox, Shop
from intake.errors import IntakeError, ServerError
from intake.imap import SENT, Session
from intake.pipeline.house import House
from intake.reading.letter import MAX_BYTES
from intake.reading.mail import received_at
from intake.reading.record import MAX_RECORD
from intake.sources.files import FoundMail, shown_name
from intake.sources.mailbox import CLOCK_SKEW, TRIES, Batch, Mail, MailboxSource, Position
from intake.sources.post import Claim, PostSource
from intake.sources.sent import answered as answers_in
from storage.models import Arrival, Channel, Cursor, Effect

POST, IMPORT = "post", "import"
IMPORT_BATCH = 100
IMPORT_BYTES = 32 * 1024 * 1024
MARK_MAIL = "mark mail"


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
        new = _store_mails(house, shop, source, batch)
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
        _read_sent(house, shop, session)
    except ServerError:
        source.sent_failures += 1
        raise


def _read_sent(house: House, shop: Shop, session: Session) -> None:
    """An answer that went to colleagues alone was none."""
    folder = session.find_folder(SENT)
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


def _store_mails(house: House, shop: Shop, source: MailboxSource, batch: Batch) -> int:
    settings, now = source.mailbox, house.clock()
    digests = house.originals.add_all(mail.raw for mail in batch.mails)
    house.checkpoint("original written")
    arrivals = [
        _mail_arrival(shop, source, batch.position, mail, digest, now)
        for mail, digest in zip(batch.mails, digests, strict=True)
    ]
    position = batch.position
    cursor = Cursor(
        account=settings.account,
        folder=settings.folder,
        uidvalidity=position.uidvalidity,
        shop=shop.id,
        last_uid=position.last_uid,
        first_uid=position.first_uid,
        since=position.since,
        started_at=_started(house, settings.account, settings.folder, position, now),
    )
    new = house.store.receive(arrivals, cursor, _marks(shop, settings, batch, now))
    house.checkpoint("rows committed")
    if new:
        house.log.info("received", shop=shop.id, channel="mail", arrivals=len(new))
    house.checkpoint("source touched")
    return len(new)


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


def _mail_arrival(
    shop: Shop, source: MailboxSource, position: Position, mail: Mail, digest: str, now: datetime
) -> Arrival:
    # A server's clock may be ahead; a mail has not come in another year.
    dated = mail.dated and mail.received_at <= now + CLOCK_SKEW
    moment, basis = (mail.received_at, "internaldate") if dated else _moment_in(mail.raw, min(mail.received_at, now))
    return Arrival(
        shop=shop.id,
        channel=Channel.MAIL,
        account=source.mailbox.account,
        folder=source.mailbox.folder,
        uidvalidity=position.uidvalidity,
        uid=mail.uid,
        sha256=digest,
        size=len(mail.raw),
        received_at=moment,
        received_basis=basis,
        assumed=not dated,
        problem=mail.problem,
        stored_at=now,
    )


def _moment_in(raw: bytes, now: datetime) -> tuple[datetime, str]:
    """When a mail arrived of which nobody else tells it: (moment, basis); never in the future."""
    moment, basis = received_at(raw) or (now, "import")
    return min(moment, now).astimezone(UTC), basis


def receive_post(house: House, shop: Shop, source: PostSource) -> int:
    """Take in the scans that have come to rest, and those that a dead run had claimed; how many."""
    count = 0
    for claim_id in source.claims():
        if house.store.find_claim(shop.id, POST, claim_id) is None:
            count += _one_scan(house, shop, partial(source.resume, claim_id))
    for claim in source.look(time.monotonic()):
        house.checkpoint("scan claimed")
        count += _one_scan(house, shop, partial(source.resume, claim.id))
    return count


def _one_scan(house: House, shop: Shop, find: Callable[[], Claim | None]) -> int:
    """Store one claim. One that cannot be read now stays in `processing/` and is tried at each look; the next ones
    do not wait for it."""
    try:
        claim = find()
        return _store_scan(house, shop, claim) if claim is not None else 0
    except (OSError, IntakeError) as error:
        house.log.error("scan cannot be taken in", shop=shop.id, problem=str(error))
        house.store.beat(f"post folder {shop.id}", house.clock(), str(error))
        return 0


def _store_scan(house: House, shop: Shop, claim: Claim) -> int:
    """Store a claimed scan and its record. It stays in `processing/` until its fate is known."""
    record = _beginning(claim.record, MAX_RECORD) if claim.record is not None else None
    raw = _beginning(claim.scan, MAX_BYTES)
    digest, *rest = house.originals.add_all([raw] if record is None else [raw, record])
    house.checkpoint("original written")
    arrival = Arrival(
        shop=shop.id,
        channel=Channel.LETTER,
        account=POST,
        folder=claim.id,
        sha256=digest,
        size=len(raw),
        name=shown_name(claim.scan.name),
        # A scanner's clock may be ahead of ours; a letter has not come tomorrow.
        received_at=min(claim.modified_at, house.clock()),
        received_basis="file date",
        assumed=True,
        record={"sha256": rest[0]} if rest else None,
        stored_at=house.clock(),
    )
    new = house.store.receive([arrival])
    house.checkpoint("rows committed")
    house.log.info("received", shop=shop.id, channel="letter", arrivals=len(new))
    return len(new)


def _beginning(path: Path, most: int) -> bytes:
    """A file's bytes, one more than allowed where it is too large: enough to tell. Links are not followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read(most + 1)


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
    return len(house.store.receive(arrivals))
