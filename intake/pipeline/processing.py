"""Process: examine what was received in child processes, decide, and store the outcome in one transaction a batch.

Every arrival leaves here with one fate for each of its messages. One that cannot be settled stays behind with its
reason and is tried again; after three times it is settled as unread, because the clock runs anyway.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from intake.errors import ConfigError
from intake.examine import Examined, Job, Pending, failure_as_reading_error
from intake.pipeline.house import House
from intake.pipeline.settling import TRIES, Item, Settlement, make_item, question, settle, settle_failed
from intake.reading.limits import Failure
from intake.rules.categories import OTHER
from intake.types import Categorisation, Channel, Facts
from storage.errors import StorageError, Unavailable
from storage.models import Arrival
from storage.processing import Processing

BATCH = 100
BATCH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Examined:
    arrival: Arrival
    outcome: Examined | Failure


@dataclass(frozen=True, slots=True)
class _Batch:
    """Arrivals that the child processes have in hand."""

    arrivals: Sequence[Arrival]
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
        jobs = [_job(house, arrival) for arrival in arrivals]
        ready = [(arrival, job) for arrival, job in zip(arrivals, jobs, strict=True) if job is not None]
        yield _Batch([arrival for arrival, _ in ready], house.examiner.begin([job for _, job in ready]))
        after = arrivals[-1].id or 0


def _fitting(arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """As many as are held in memory together without harm, one at the least."""
    total = 0
    for count, arrival in enumerate(arrivals):
        total += arrival.size
        if count and total > BATCH_BYTES:
            return arrivals[:count]
    return arrivals


def _settle_batch(house: House, batch: _Batch) -> int:
    outcomes = house.examiner.finish(batch.pending)
    items = [_Examined(arrival, outcome) for arrival, outcome in zip(batch.arrivals, outcomes, strict=True)]
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
    return len(settled)


def _settle(house: House, batch: Sequence[_Examined]) -> tuple[list[Settlement], list[tuple[Arrival, str]]]:
    """Settle a batch in one transaction. An error of one item stays with it, and the loop goes on; one of the database
    undoes the batch."""
    settled: list[Settlement] = []
    failures: list[tuple[Arrival, str]] = []
    with house.store.processing() as unit:
        understood = [_item(house, one.arrival, one.outcome) for one in batch if isinstance(one.outcome, Examined)]
        items = {item.arrival_id: item for item in understood}
        unit.look_up([question(house, item) for item in understood])
        for one in batch:
            try:
                with unit.item():
                    settled.append(_settlement(house, unit, one, items.get(one.arrival.id or 0)))
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - the one loop over items: it stays with this one
                failures.append(_failed(house, one.arrival, error))
    return settled, failures


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


def _job(house: House, arrival: Arrival) -> Job | None:
    """What the child process gets; None (and a note) for an arrival whose original cannot be read now."""
    channel = Channel(arrival.channel.value)
    moment = arrival.received_at if channel is Channel.MAIL else house.clock()
    try:
        shop = house.shop(arrival.shop)
    except ConfigError as error:
        # Its shop was taken out of the configuration: it waits until the shop is back, and the others go on.
        house.log.error("cannot be processed", arrival=arrival.id, problem=str(error))
        return None
    try:
        raw = house.originals.read(arrival.sha256)
        record = house.originals.read(arrival.record["sha256"]) if arrival.record else None
    except StorageError as error:
        if isinstance(error, Unavailable):
            raise
        house.log.error("original cannot be read", arrival=arrival.id, problem=str(error))
        house.store.note_problem(arrival.id or 0, arrival.attempts + 1, str(error))
        if arrival.attempts < TRIES:
            return None
        raw, record = b"", None
    arrived_on = moment.astimezone(shop.zone).date()
    return Job(
        channel,
        raw,
        arrival.name,
        shop.languages,
        arrived_on,
        record,
        own=shop.own_names,
        zone=shop.time_zone,
    )


def _item(house: House, arrival: Arrival, examined: Examined) -> Item:
    bare = arrival.attempts >= TRIES
    return make_item(house, arrival, _bare(examined, arrival.problem) if bare else examined)


def _settlement(house: House, unit: Processing, one: _Examined, item: Item | None) -> Settlement:
    if item is None:
        failure = one.outcome if isinstance(one.outcome, Failure) else Failure("it was not examined")
        return settle_failed(house, unit, one.arrival, failure_as_reading_error(failure))
    return settle(house, unit, item)


def _bare(examined: Examined, problem: str) -> Examined:
    """An item that could not be stored as it is: who wrote it and what it answers, without the rest."""
    message = replace(
        examined.message, text="", quoted="", attachments=(), headers=(), readable=False, problems=(problem,)
    )
    return replace(examined, message=message, facts=Facts(), categorisation=Categorisation(OTHER))
