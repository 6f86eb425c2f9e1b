"""Process: examine what was received in child processes, decide, and store the outcome in one transaction a batch.

Every arrival leaves here with one fate for each of its messages. One that cannot be settled stays behind with its
reason and is tried again; after three times it is settled as unread, because the clock runs anyway.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from intake.config import Shop
from intake.errors import ConfigError, ReadingError, Refused
from intake.examine import Examined, Job, Pending, failure_as_reading_error
from intake.pipeline.acknowledging import addresses_of
from intake.pipeline.answers import settle_sent
from intake.pipeline.erasing import settle_erased
from intake.pipeline.house import House
from intake.pipeline.items import POST, Item, make_item, question
from intake.pipeline.recognising import letters_of
from intake.pipeline.settling import TRIES, Settlement, settle, settle_failed
from intake.reading.letter import Scan
from intake.reading.limits import Failure
from intake.rules.categories import OTHER
from intake.types import Categorisation, Channel, Facts
from storage.errors import StorageError, Unavailable
from storage.models import Arrival, Reading
from storage.processing import Processing

BATCH = 100
BATCH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Work:
    """An arrival with what the child processes get of it: one job for a mail, one for each letter of a scan; none, and
    the reason, where the scan cannot be read."""

    arrival: Arrival
    jobs: tuple[Job, ...]
    error: ReadingError | None = None


@dataclass(frozen=True, slots=True)
class _Examined:
    work: _Work
    outcomes: tuple[Examined | Failure, ...]

    @property
    def arrival(self) -> Arrival:
        return self.work.arrival


@dataclass(frozen=True, slots=True)
class _Batch:
    """Arrivals that the child processes have in hand."""

    works: Sequence[_Work]
    pending: Pending


def process(house: House, enough: Callable[[], bool] = lambda: False) -> int:
    """Give a fate to everything that waits; how many arrivals got one. `enough` is asked after each batch whether the
    rest may wait for the next time. Raises `StorageError` when storage is away.

    While one batch is settled here, the child processes examine the next.
    """
    done = 0
    batches = _batches(house)
    current = next(batches, None)
    while current is not None:
        following = next(batches, None)
        done += _settle_batch(house, current)
        current = None if enough() else following
    return done


def _batches(house: House) -> Iterator[_Batch]:
    after = 0
    while arrivals := _fitting(house.store.waiting_arrivals(BATCH, after)):
        letters = [arrival.id or 0 for arrival in arrivals if arrival.channel.value == Channel.LETTER.value]
        readings = house.store.letters.readings(letters) if letters else {}
        found = [_work(house, arrival, readings.get(arrival.id or 0)) for arrival in arrivals]
        works = [work for work in found if work is not None]
        yield _Batch(works, house.examiner.begin([job for work in works for job in work.jobs]))
        after = arrivals[-1].id or 0


def _fitting(arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """As many as are held in memory together without harm, one at the least."""
    total = 0
    for count, arrival in enumerate(arrivals):
        # Of a scan only its text is held.
        total += arrival.size if arrival.channel.value == Channel.MAIL.value else 0
        if count and total > BATCH_BYTES:
            return arrivals[:count]
    return arrivals


def _settle_batch(house: House, batch: _Batch) -> int:
    outcomes = iter(house.examiner.finish(batch.pending))
    items = [_Examined(work, tuple(next(outcomes) for _ in work.jobs)) for work in batch.works]
    try:
        settled, failures = _settle(house, items)
    except Unavailable:
        raise
    except Exception as error:
        # The database refused a row of the batch: each item by itself, so that only that one stays behind.
        house.log.error("a batch cannot be stored, its items go one by one", exc_info=error)
        settled, failures = _one_by_one(house, items)
    house.checkpoint("processed")
    for arrival, problem in failures:
        house.store.note_problem(arrival.id or 0, arrival.attempts + 1, problem)
    for settlement in settled:
        house.log.info(
            "processed",
            arrival=settlement.arrival_id,
            fate=settlement.fate.value,
            case=settlement.reference,
            reason=settlement.kind,
        )
    return len({settlement.arrival_id for settlement in settled})


def _settle(house: House, batch: Sequence[_Examined]) -> tuple[list[Settlement], list[tuple[Arrival, str]]]:
    """Settle a batch in one transaction. An error of one item stays with it, and the loop goes on; one of the database
    undoes the batch."""
    settled: list[Settlement] = []
    failures: list[tuple[Arrival, str]] = []
    with house.store.processing() as unit:
        understood = [(one, _items(house, one)) for one in batch]
        unit.look_up([question(house, item) for _, items in understood for item in items])
        unit.recipients.look_up(_addresses(understood), house.clock())
        for one, items in understood:
            try:
                with unit.item():
                    settled += _settlements(house, unit, one, items)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - the one loop over items: it stays with this one
                failures.append(_failed(house, one.arrival, error))
    return settled, failures


def _addresses(understood: Sequence[tuple[_Examined, Sequence[Item]]]) -> dict[str, list[str]]:
    """The addresses of a batch that storage is asked about, by shop."""
    found: dict[str, list[str]] = {}
    for _, items in understood:
        for item in items:
            found.setdefault(item.shop.id, []).extend(addresses_of(item))
    return found


def _one_by_one(house: House, batch: Sequence[_Examined]) -> tuple[list[Settlement], list[tuple[Arrival, str]]]:
    settled: list[Settlement] = []
    failures: list[tuple[Arrival, str]] = []
    for one in batch:
        try:
            good, bad = _settle(house, [one])
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the same loop, a transaction each
            good, bad = [], [_failed(house, one.arrival, error)]
        settled += good
        failures += bad
    return settled, failures


def _failed(house: House, arrival: Arrival, error: Exception) -> tuple[Arrival, str]:
    problem = f"{type(error).__name__}: {error}"[:500]
    house.log.error("cannot be processed", arrival=arrival.id, problem=problem, exc_info=error)
    return arrival, problem


def _work(house: House, arrival: Arrival, reading: Reading | None) -> _Work | None:
    """What is to be done about an arrival; None (and a note) where its original cannot be read now."""
    try:
        shop = house.shop(arrival.shop)
    except ConfigError as error:
        # Its shop was taken out of the configuration: it waits until the shop is back, and the others go on.
        house.log.error("cannot be processed", arrival=arrival.id, problem=str(error))
        return None
    if reading is not None and reading.error_code:
        return _Work(arrival, (), ReadingError(reading.error, reading.next_step, code=reading.error_code))
    try:
        return _Work(arrival, tuple(jobs_of(house, shop, arrival, reading)))
    except StorageError as error:
        if isinstance(error, Unavailable):
            raise
        house.log.error("original cannot be read", arrival=arrival.id, problem=str(error))
        house.store.note_problem(arrival.id or 0, arrival.attempts + 1, str(error))
        lost = Job(Channel(arrival.channel.value), b"", arrival.name, shop.languages, house.clock().date())
        return _Work(arrival, (lost,)) if arrival.attempts >= TRIES else None


def jobs_of(house: House, shop: Shop, arrival: Arrival, reading: Reading | None) -> Iterator[Job]:
    """What the child processes get of an arrival: the mail, or each letter of the scan. Raises `StorageError`."""
    channel = Channel(arrival.channel.value)
    moment = arrival.received_at if channel is Channel.MAIL and arrival.account != POST else house.clock()
    job = Job(
        channel,
        house.originals.read(arrival.sha256) if channel is Channel.MAIL else b"",
        arrival.name,
        shop.languages,
        moment.astimezone(shop.zone).date(),
        house.originals.read(arrival.record["sha256"]) if arrival.record else None,
        own=shop.own_names,
        zone=shop.time_zone,
        shop=shop.on_paper,
        saved=arrival.account == POST,
        sent=arrival.sent,
    )
    if reading is None:
        yield job
        return
    letters = letters_of(reading)
    for part, letter in enumerate(letters):
        scan = Scan(
            letter, arrival.sha256, arrival.size, reading.page_count, len(letters), part, tuple(reading.problems)
        )
        yield replace(job, scan=scan)


def examine_anew(house: House, arrival: Arrival) -> list[Item]:
    """The messages of an arrival that was processed before. Raises the `ReadingError` of one that cannot be read,
    `Refused` where it cannot be examined, `StorageError`."""
    number = arrival.id or 0
    reading = house.store.letters.readings([number]).get(number)
    jobs = tuple(jobs_of(house, house.shop(arrival.shop), arrival, reading))
    outcomes = house.examiner.examine(jobs)
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            raise outcome.error or Refused(
                f"Arrival {number} cannot be read: {outcome.reason}.", "Look at the original."
            )
    return _items(house, _Examined(_Work(arrival.model_copy(update={"attempts": 0}), jobs), tuple(outcomes)))


def _items(house: House, one: _Examined) -> list[Item]:
    """The messages of an arrival; none where any of them could not be examined."""
    bare = one.arrival.attempts >= TRIES
    items = []
    for part, (job, outcome) in enumerate(zip(one.work.jobs, one.outcomes, strict=True)):
        if isinstance(outcome, Failure):
            return []
        copy = job.scan.letter.copy if job.scan is not None else ""
        examined = _bare(outcome, one.arrival.problem) if bare else outcome
        items.append(make_item(house, one.arrival, examined, part, copy))
    return items


def _settlements(house: House, unit: Processing, one: _Examined, items: Sequence[Item]) -> list[Settlement]:
    if one.work.error is not None:
        return [settle_failed(house, unit, one.arrival, one.work.error)]
    if not items:
        failure = next((item for item in one.outcomes if isinstance(item, Failure)), Failure("it was not examined"))
        return [settle_failed(house, unit, one.arrival, failure_as_reading_error(failure))]
    if any(unit.known(question(house, item)).erased for item in items):
        return settle_erased(house, unit, items)
    if one.arrival.sent:
        return [settle_sent(house, unit, items[0])]
    return settle(house, unit, items)


def _bare(examined: Examined, problem: str) -> Examined:
    """An item that could not be stored as it is: who wrote it and what it answers, without the rest."""
    message = replace(
        examined.message, text="", quoted="", attachments=(), headers=(), readable=False, problems=(problem,)
    )
    return replace(examined, message=message, facts=Facts(), categorisation=Categorisation(OTHER))
