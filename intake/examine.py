"""Bytes → what Intake understands of them: the message, its language, category and facts. Stores nothing.

This is the work of the child processes: hostile text meets parsers, patterns and a language model here, within the
limits of `reading.limits`. `Examiner` is the parent's side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from intake.config import Workers as Limits
from intake.errors import ReadingError
from intake.reading.letter import read_letter
from intake.reading.limits import Failure, Workers
from intake.reading.mail import read_head, read_mail
from intake.reading.record import Record, parse_record, read_record
from intake.rules.categories import OTHER, Categories, load_categories
from intake.rules.facts import find_facts
from intake.rules.language import Languages
from intake.types import Categorisation, Channel, Facts, Language, Message


@dataclass(frozen=True, slots=True)
class Job:
    """One item to examine. `languages` are the shop's, the default first; `arrived_on` is the local day of arrival
    (for a scan: today). `record` is the raw record beside a scan, None where there is none."""

    channel: Channel
    raw: bytes
    name: str
    languages: tuple[str, ...]
    arrived_on: date
    record: bytes | None = None
    head_only: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """What is understood of one item. `received_on` is the day that a clerk's record gives, else None."""

    message: Message
    language: Language
    categorisation: Categorisation
    facts: Facts
    received_on: date | None = None


class Tools:
    """What examining needs and is slow to make: the language model and the compiled words."""

    def __init__(self, categories: Categories) -> None:
        self.categories = categories
        self.languages = Languages()

    def examine(self, job: Job) -> Examined:
        """Examine one item here and now. Raises `ReadingError` for a scan or a record that cannot be read."""
        if job.channel is Channel.LETTER:
            return self._letter(job)
        if not job.raw:
            # Nothing was to be had of it. Without an id of its own it is nobody's duplicate.
            return unread(job.channel, job.languages)
        message = read_head(job.raw) if job.head_only else read_mail(job.raw)
        return self._understood(message, job.languages, job.arrived_on, None)

    def _letter(self, job: Job) -> Examined:
        record: Record | None = None
        if job.record is not None:
            record = read_record(parse_record(job.record), job.arrived_on)
        message = read_letter(job.raw, job.name, record)
        received_on = record.received_on if record else None
        return self._understood(message, job.languages, received_on or job.arrived_on, received_on)

    def _understood(
        self, message: Message, languages: tuple[str, ...], arrived_on: date, received_on: date | None
    ) -> Examined:
        named = message.record.get("language", "")
        if named in languages:
            language = Language(named, 1.0, True)
        else:
            language = self.languages.of(f"{message.subject}\n{message.text}", languages)
        facts = find_facts(message.subject, message.text, language.code, arrived_on)
        named_order = message.record.get("sender_reference", "")
        if named_order and named_order not in facts.order_numbers:
            facts = replace(facts, order_numbers=(named_order, *facts.order_numbers))
        categorisation = self.categories.of(message.subject, message.text, language.code)
        return Examined(message, language, categorisation, facts, received_on)


class Examiner:
    """Examines items in child processes, with limits. One for a process; used by one thread at a time."""

    def __init__(self, categories_file: Path, limits: Limits) -> None:
        self._workers: Workers[Job, Examined] = Workers(
            _examine,
            _prepare,
            (str(categories_file),),
            processes=limits.processes,
            seconds=limits.seconds,
            memory_mb=limits.memory_mb,
        )

    def examine(self, jobs: Sequence[Job]) -> list[Examined | Failure]:
        """One outcome for each job, in order. Mail always comes out examined: what a hostile mail prevents is read
        again from its head alone, and then left unread, with the reason among its problems."""
        outcomes = self._workers.run(jobs)
        return [self._again(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]

    def close(self) -> None:
        """End the child processes."""
        self._workers.close()

    def _again(self, job: Job, outcome: Examined | Failure) -> Examined | Failure:
        if isinstance(outcome, Examined) or job.channel is Channel.LETTER:
            return outcome
        head = self._workers.run([replace(job, head_only=True)])[0]
        examined = head if isinstance(head, Examined) else unread(job.channel, job.languages)
        problems = (outcome.reason, *examined.message.problems)
        return replace(examined, message=replace(examined.message, readable=False, problems=problems))


def unread(channel: Channel, languages: Sequence[str]) -> Examined:
    """What is known of an item that cannot be read at all: nothing but its channel."""
    message = Message(channel=channel, readable=False)
    return Examined(message, Language(languages[0], 0.0, False), Categorisation(OTHER), Facts())


def failure_as_reading_error(failure: Failure) -> ReadingError:
    """The error of a scan that failed: its own, else one made of the reason."""
    if isinstance(failure.error, ReadingError):
        return failure.error
    code = "TIMEOUT" if "longer" in failure.reason else "MEMORY" if "memory" in failure.reason else "DAMAGED"
    return ReadingError(f"The scan cannot be read: {failure.reason}.", "Scan the letter again.", code=code)


# The tools of a child process, made once when it starts.
_tools: list[Tools] = []


def _prepare(categories_file: str) -> None:
    _tools[:] = [Tools(load_categories(Path(categories_file).read_text(encoding="utf-8")))]


def _examine(job: Job) -> Examined:
    return _tools[0].examine(job)
