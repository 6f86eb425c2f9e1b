"""Process: examine what was received in child processes, decide, and store the outcome in one transaction a batch.

Every arrival leaves here with one fate for each of its messages. One that cannot be settled stays behind with its
reason and is tried again; after three times it is settled as unread, because the clock runs anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intake.errors import ConfigError
from intake.examine import Examined, Job, failure_as_reading_error
from intake.pipeline.house import House
from intake.pipeline.settling import TRIES, Settlement, settle, settle_failed
from intake.reading.limits import Failure
from intake.rules.categories import OTHER
from intake.types import Categorisation, Channel, Facts
from storage.errors import StorageError, Unavailable
from storage.models import Arrival
from storage.processing import Processing

BATCH = 50


@dataclass(frozen=True, slots=True)
class _Item:
    arrival: Arrival
    outcome: Examined | Failure


def process(house: House) -> int:
    """Give a fate to everything that waits; how many arrivals got one. Raises `StorageError` when storage is away."""
    done, after = 0, 0
    while arrivals := house.store.waiting_arrivals(BATCH, after):
        done += _process_batch(house, arrivals)
        after = arrivals[-1].id or 0
    return done


def _process_batch(house: House, arrivals: Sequence[Arrival]) -> int:
    jobs = [_job(house, arrival) for arrival in arrivals]
    ready = [(arrival, job) for arrival, job in zip(arrivals, jobs, strict=True) if job is not None]
    outcomes = house.examiner.examine([job for _, job in ready])
    items = [_Item(arrival, outcome) for (arrival, _), outcome in zip(ready, outcomes, strict=True)]
    failures: list[tuple[Arrival, str]] = []
    with house.store.processing() as unit:
        settled = [_settle_one(house, unit, item, failures) for item in items]
    house.checkpoint("processed")
    for arrival, problem in failures:
        house.store.note_problem(arrival.id or 0, arrival.attempts + 1, problem)
    for settlement in filter(None, settled):
        house.log.info(
            "processed",
            arrival=settlement.arrival_id,
            fate=settlement.fate.value,
            case=settlement.reference,
            reason=settlement.kind,
        )
    return sum(1 for settlement in settled if settlement is not None)


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
    return Job(channel, raw, arrival.name, shop.languages, arrived_on, record)


def _settle_one(house: House, unit: Processing, item: _Item, failures: list[tuple[Arrival, str]]) -> Settlement | None:
    """One item, one fate, in a savepoint of its own. An error stays with the item; the loop goes on."""
    try:
        with unit.item():
            return _settlement(house, unit, item)
    except Unavailable:
        raise
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"[:500]
        house.log.error("cannot be processed", arrival=item.arrival.id, problem=problem, exc_info=error)
        failures.append((item.arrival, problem))
        return None


def _settlement(house: House, unit: Processing, item: _Item) -> Settlement:
    outcome = item.outcome
    if isinstance(outcome, Failure):
        return settle_failed(house, unit, item.arrival, failure_as_reading_error(outcome))
    if item.arrival.attempts >= TRIES:
        outcome = _bare(outcome, item.arrival.problem)
    return settle(house, unit, item.arrival, outcome)


def _bare(examined: Examined, problem: str) -> Examined:
    """An item that could not be stored as it is: who wrote it and what it answers, without the rest."""
    message = replace(
        examined.message, text="", quoted="", attachments=(), headers=(), readable=False, problems=(problem,)
    )
    return replace(examined, message=message, facts=Facts(), categorisation=Categorisation(OTHER))
