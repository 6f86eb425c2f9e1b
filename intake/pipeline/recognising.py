"""Recognise: what a scan says, before it is processed, so that no mail waits for a scan.

    scan received ─► limits, pages, bar codes, Tesseract in a process of its own ─► reading copies, then the row

A scan that cannot be read keeps the reason; *process* gives it its fate. What can be tried again is, after 2 and after
10 minutes; a full disk counts for nothing. A scan with which the service ends again and again is given up, unread: its
case opens all the same, because the clock runs.
"""

import errno
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import date, timedelta
from tempfile import TemporaryDirectory
from typing import Any

from intake.config import Shop
from intake.errors import ConfigError, ReadingError
from intake.pipeline.house import House
from intake.reading.folder import pages_of
from intake.reading.letter import require_own_record
from intake.reading.recognition import Interrupted, Recognised, ScanFile, ScanJob
from intake.reading.record import Record, parse_record, read_record
from intake.types import ScannedLetter, ScanPage
from storage.errors import StorageError, Unavailable
from storage.models import Arrival, Reading

BATCH = 50
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
TRIES = 3
DEATHS = 6  # tries that ended the whole service; most scans that were hit by one did nothing to it
PAUSES = (timedelta(minutes=2), timedelta(minutes=10))
# What the source says of a file that cannot be a letter, with what a clerk does about it.
NOT_A_LETTER = {
    "TYPE": ("The file is no PDF, TIFF, JPEG, PNG or mail.", "Scan the letter as one of these."),
    "EMPTY": ("The file is empty.", "Scan the letter again."),
    "INCOMPLETE": ("The file was never finished: its end is missing.", "Scan the letter again."),
    "NO-PERMISSION": ("The file cannot be opened.", "Give Intake the right to read it, or scan the letter again."),
}
GIVEN_UP = "it could not be recognised in several tries"


def recognise(house: House, read: Callable[[], object] = lambda: None, ending: Callable[[], bool] = bool) -> int:
    """Recognise every scan whose turn it is; how many got an outcome. `read` is called after each that did; `ending`
    is asked before each whether the rest may wait. Raises `StorageError` when storage is away."""
    done = 0
    with ThreadPoolExecutor(house.config.workers.scans, thread_name_prefix="scan") as threads:
        while not ending() and (arrivals := house.store.letters.to_recognise(house.clock(), BATCH)):
            begun = [threads.submit(_unless, ending, house, arrival) for arrival in arrivals]
            try:
                for future in as_completed(begun):
                    if future.result():
                        done += 1
                        read()
            finally:
                _drop(begun)
    return done


def _drop(futures: list[Future[bool]]) -> None:
    for future in futures:
        future.cancel()


def _unless(ending: Callable[[], bool], house: House, arrival: Arrival) -> bool:
    return not ending() and _recognise_one(house, arrival)


def _recognise_one(house: House, arrival: Arrival) -> bool:
    """One scan, one outcome: what it says, why it cannot be read, or when it is tried again."""
    number, now = arrival.id or 0, house.clock()
    attempt = house.store.letters.begin_reading(number, now)
    house.checkpoint("recognition begun")
    try:
        reading = _reading(house, arrival) if attempt <= DEATHS else _unread(arrival, GIVEN_UP)
    except Interrupted:
        house.store.letters.forget_attempt(number)
        return False
    except Unavailable:
        house.store.letters.forget_attempt(number)
        raise
    except ReadingError as error:
        reading = _failed(error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            house.store.letters.forget_attempt(number)
            raise
        house.log.error("scan cannot be recognised", arrival=number, attempt=attempt, exc_info=error)
        if attempt < TRIES:
            house.store.letters.postpone_reading(number, now + PAUSES[attempt - 1])
            return False
        reading = _unread(arrival, GIVEN_UP)
    found = Reading(arrival_id=number, done=True, attempts=attempt, not_before=now, made_at=now, **reading)
    left_over = house.store.letters.put_reading(found)
    house.checkpoint("recognised")
    if left_over:
        house.originals.remove(left_over, house.store.erasing.named)
    house.log.info("recognised", arrival=number, letters=len(found.letters), problem=found.error_code)
    return True


def _reading(house: House, arrival: Arrival) -> dict[str, Any]:
    if arrival.problem in NOT_A_LETTER:
        raise ReadingError(*NOT_A_LETTER[arrival.problem], code=arrival.problem)
    shop = _shop(house, arrival)
    record = record_of(house, arrival, house.clock().astimezone(shop.zone).date())
    require_own_record(record, arrival.name, arrival.sha256)
    path = house.originals.path(arrival.sha256)
    if not path.is_file():
        raise StorageError(f"The original {arrival.sha256} is missing.", "Restore it from a backup.")
    with TemporaryDirectory(prefix="pages-", dir=house.config.data / "work") as folder:
        files = pages_of(path, folder) if arrival.name.endswith("/") else [ScanFile(arrival.name, path)]
        expected = record.letters_expected if record is not None else None
        found = house.recogniser.recognise(ScanJob(tuple(files), shop.languages, expected))
    house.store.letters.note_copies(arrival.id or 0, [letter.copy for letter in found.letters if letter.copy])
    house.originals.add_all([copy for copy in found.copies if copy])
    house.checkpoint("reading copy written")
    return _row(found)


def _shop(house: House, arrival: Arrival) -> Shop:
    try:
        return house.shop(arrival.shop)
    except ConfigError:
        # Its shop was taken out of the configuration: any languages will do until it is back.
        return house.config.shops[0]


def record_of(house: House, arrival: Arrival, today: date) -> Record | None:
    """The clerk's record of an arrival, None where it has none. Raises `RecordError`, `StorageError`."""
    if not arrival.record:
        return None
    return read_record(parse_record(house.originals.read(arrival.record["sha256"])), today)


def letters_of(reading: Reading) -> list[ScannedLetter]:
    """The letters of a stored reading."""
    return [
        ScannedLetter(
            pages=tuple(ScanPage(**{**page, "codes": tuple(page["codes"])}) for page in letter["pages"]),
            received_on=date.fromisoformat(letter["received_on"]) if letter["received_on"] else None,
            copy=letter["copy"],
        )
        for letter in reading.letters
    ]


def _row(found: Recognised) -> dict[str, Any]:
    return {
        "letters": [_letter_row(letter) for letter in found.letters],
        "page_count": found.page_count,
        "problems": list(found.problems),
    }


def _letter_row(letter: ScannedLetter) -> dict[str, Any]:
    row = asdict(letter)
    return {**row, "received_on": letter.received_on.isoformat() if letter.received_on else None}


def _failed(error: ReadingError) -> dict[str, Any]:
    return {"letters": [], "error_code": error.code, "error": error.what, "next_step": error.next_step}


def _unread(arrival: Arrival, problem: str) -> dict[str, Any]:
    """A scan that nobody but a person can read: one letter without a text."""
    page = ScanPage(1, problem=problem)
    return {
        "letters": [_letter_row(ScannedLetter((page,)))],
        "page_count": 0,
        "problems": [f"{arrival.name}: {problem}"],
    }
