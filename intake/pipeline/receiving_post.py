"""Receive from a post folder: scans, folders of pages, saved mails, CSV batches, and records that come late.

Like all receiving: the bytes are durable, then the row, then the source may be touched. What cannot be taken in now
stays where it is and is tried again at each look; the next ones do not wait for it. Nothing is parsed here but records.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from intake.config import Shop
from intake.errors import IntakeError, RecordError, Refused
from intake.outlets.outgoing_post import file_batch, file_scan, filed_as_done, filed_as_failed
from intake.pipeline import notes
from intake.pipeline.correcting import attach_record
from intake.pipeline.house import House
from intake.pipeline.items import POST
from intake.reading.batch import RowOutcome, read_batch, result_csv
from intake.reading.folder import pack
from intake.reading.record import MAX_RECORD
from intake.sources.files import shown_name
from intake.sources.post import SCANS, Claim, Kind, LateRecord, PostSource
from storage.models import Arrival, ArrivalState, Channel, Fate

MAX_SCAN = 50 * 1024 * 1024
MAX_MAIL = 64 * 1024 * 1024
MAX_FOLDER = 150 * 1024 * 1024
MAX_PAGES = 500
MAX_BATCH = 1024 * 1024
LATE_RECORDS_FOR = timedelta(hours=24)
OLDEST_FILE = timedelta(days=366)
ORPHAN_AFTER = timedelta(hours=1)
MB = 1024 * 1024


def receive_post(house: House, shop: Shop, source: PostSource) -> int:
    """Take in what has come to rest, and what a dead run had claimed; how many arrivals. While the disk is almost full
    everything stays in `incoming/`. Raises `StorageError` when storage is away."""
    if pause_reason(house, source):
        return 0
    source.look(time.monotonic())
    waiting = source.claims()
    held = house.store.letters.claims_held(shop.id, POST, waiting)
    count = 0
    for claim_id in waiting:
        if claim_id not in held:
            count += _guarded(house, shop, partial(_take, house, shop, source, claim_id))
    for late in source.late_records():
        _guarded(house, shop, partial(_late_record, house, shop, source, late))
    for batch in source.batches():
        _guarded(house, shop, partial(_finish_batch, house, shop, source, batch))
    return count


def pause_reason(house: House, source: PostSource) -> str:
    """Why nothing is taken in now; "" where nothing hinders it."""
    for path in (source.path, house.config.data):
        free = shutil.disk_usage(path).free
        if free < source.settings.least_free_mb * MB:
            return f"the disk of {path} is almost full ({free // MB} MB free)"
    return ""


def _guarded(house: House, shop: Shop, job: Callable[[], int]) -> int:
    """One thing in the folder. What goes wrong is told and tried again; the next ones do not wait for it."""
    try:
        return job()
    except (OSError, IntakeError) as error:
        house.log.error("post cannot be taken in", shop=shop.id, problem=str(error))
        house.store.beat(f"post folder {shop.id}", house.clock(), str(error))
        return 0


def _take(house: House, shop: Shop, source: PostSource, claim_id: str) -> int:
    claim = source.resume(claim_id)
    if claim is None or claim.kind is Kind.BATCH:
        return 0
    house.checkpoint("scan claimed")
    if claim.kind is Kind.RECORD:
        return _attach(house, shop, source, claim)
    return _store(house, shop, claim)


def _store(house: House, shop: Shop, claim: Claim) -> int:
    """Store what was claimed, and its record. It stays in `processing/` until its fate is known."""
    with house.originals.held():
        arrival, new = _commit(house, shop, claim)
    house.checkpoint("rows committed")
    house.log.info("received", shop=shop.id, channel=arrival.channel.value, arrivals=new)
    return new


def _commit(house: House, shop: Shop, claim: Claim) -> tuple[Arrival, int]:
    """The bytes, then the row: what was stored, and whether it is new (1 or 0)."""
    raw = _bytes_of(claim)
    record = _beginning(claim.record, MAX_RECORD) if claim.record is not None else None
    digest, *rest = house.originals.add_all([raw] if record is None else [raw, record])
    house.checkpoint("original written")
    is_mail = claim.kind is Kind.MAIL and not claim.problem
    cut = "only the first 64 MB of it were taken in" if is_mail and len(raw) > MAX_MAIL else ""
    now = house.clock()
    moment, basis = _moment_of(claim, now)
    arrival = Arrival(
        shop=shop.id,
        channel=Channel.MAIL if is_mail else Channel.LETTER,
        account=POST,
        folder=claim.id,
        sha256=digest,
        size=len(raw),
        name=shown_name(claim.name) + ("/" if claim.kind is Kind.FOLDER else ""),
        received_at=moment,
        received_basis=basis,
        assumed=True,
        imported=is_mail,
        record={"sha256": rest[0]} if rest else None,
        batch=claim.batch,
        batch_row=claim.row,
        problem=claim.problem or cut,
        stored_at=now,
    )
    return arrival, len(house.store.receive([arrival]))


def _moment_of(claim: Claim, now: datetime) -> tuple[datetime, str]:
    """When a letter came of which nobody tells it: the file's date. A scanner's clock may be ahead of ours, and no
    letter came tomorrow; one that was never set says 1970, and then the day is that of the scan."""
    if claim.modified_at < now - OLDEST_FILE:
        return now, "day of the scan"
    return min(claim.modified_at, now), "file date"


def _bytes_of(claim: Claim) -> bytes:
    """The file's bytes; of a folder all its pages, in one file. One byte more than allowed tells what is too large."""
    if claim.kind is not Kind.FOLDER:
        return _beginning(claim.files[0], MAX_MAIL if claim.kind is Kind.MAIL else MAX_SCAN) if claim.files else b""
    pages, room = [], MAX_FOLDER
    for path in claim.files[: MAX_PAGES + 1]:
        content = _beginning(path, min(MAX_SCAN, max(room, 0)))
        pages.append((shown_name(path.name), content))
        room -= len(content)
    return pack(pages)


def _beginning(path: Path, most: int) -> bytes:
    """A file's bytes, one more than allowed where it is too large: enough to tell. Links are not followed, and a pipe
    is not waited for."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(most + 1)


def _late_record(house: House, shop: Shop, source: PostSource, late: LateRecord) -> int:
    """A record without a scan: its scan was taken in before, or is yet to come, or never does."""
    arrival = _scan_of(house, shop, late.stem)
    ready = arrival is not None and arrival.state is ArrivalState.PROCESSED
    if ready or (arrival is None and late.age_seconds >= ORPHAN_AFTER.total_seconds()):
        return _attach(house, shop, source, source.claim_record(late.name))
    return 0


def _scan_of(house: House, shop: Shop, stem: str, digest: str = "") -> Arrival | None:
    """The newest scan of that name of the last 24 hours that has no record, or this one."""
    since = house.clock() - LATE_RECORDS_FOR
    for arrival in house.store.letters.recent_scans(shop.id, POST, since):
        free = not arrival.record or arrival.record["sha256"] == digest
        if free and Path(arrival.name.rstrip("/")).stem.lower() == stem.lower():
            return arrival
    return None


def _attach(house: House, shop: Shop, source: PostSource, claim: Claim) -> int:
    """Add a late record to its scan, and file it with a note."""
    raw = _beginning(claim.files[0], MAX_RECORD)
    digest, stem, today = hashlib.sha256(raw).hexdigest(), _stem_of_record(claim.name), _today(house, shop)
    arrival = _scan_of(house, shop, stem, digest)
    try:
        if arrival is None:
            raise RecordError(f"No scan named {stem} came within 24 hours.", "Put the scan and the record in together.")
        cases = attach_record(house, arrival, raw)
        if not cases:
            raise RecordError(
                f"The scan of this record opened no case that is open: {arrival.name}.", "Look at `intake arrivals`."
            )
    except (RecordError, Refused) as error:
        code = "ORPHAN" if arrival is None else "SIDECAR"
        file_scan(source.path, claim.id, filed_as_failed(code, notes.of_failed_record(error, code)))
        return 0
    note = "\n".join(notes.of_late_record(case, shop) for case in cases)
    file_scan(source.path, claim.id, filed_as_done(cases[0].reference, today, note))
    return 0


def _stem_of_record(name: str) -> str:
    """`scan` of `scan.json` and of `scan.pdf.json`."""
    stem = Path(name).stem
    return Path(stem).stem if Path(stem).suffix.lower() in SCANS else stem


def _finish_batch(house: House, shop: Shop, source: PostSource, claim: Claim) -> int:
    """Answer a batch, once each of its rows has come to something."""
    raw = _beginning(claim.files[0], MAX_BATCH)
    try:
        batch = read_batch(raw)
    except RecordError as error:
        file_scan(source.path, claim.id, filed_as_failed("SIDECAR", notes.of_failed_record(error, "SIDECAR")))
        return 0
    given_up = house.clock() - _claimed_at(claim) >= ORPHAN_AFTER
    outcomes = _outcomes(house, shop, claim.id)
    open_rows = [row for row in batch.rows if row.number not in outcomes and row.file]
    if open_rows and not given_up:
        return 0
    for row in batch.rows:
        if row.number not in outcomes:
            why = row.error or f"no scan named {row.file} came"
            outcomes[row.number] = RowOutcome("failed", "", None, why)
    if all(outcome.status for outcome in outcomes.values()):
        file_batch(source.path, claim.id, _today(house, shop), result_csv(raw, outcomes))
    return 0


def _claimed_at(claim: Claim) -> datetime:
    """When a batch was claimed: then its name was put into its folder."""
    return datetime.fromtimestamp(claim.files[0].parent.stat().st_mtime, UTC)


def _outcomes(house: House, shop: Shop, batch: str) -> dict[int, RowOutcome]:
    """What became of the rows whose scan has come; no status for one that has no fate yet."""
    found = {}
    for line in house.store.letters.batch_outcomes(shop.id, batch):
        message, case = line.message, line.case
        if message is None:
            found[line.arrival.batch_row] = RowOutcome("", "", None, "")
        elif message.fate is Fate.FAILED or case is None:
            found[line.arrival.batch_row] = RowOutcome(message.fate.value, "", None, message.reason)
        else:
            found[line.arrival.batch_row] = RowOutcome(message.fate.value, case.reference, case.due_on, "")
    return found


def _today(house: House, shop: Shop) -> date:
    return house.clock().astimezone(shop.zone).date()
