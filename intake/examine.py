"""Bytes → what Intake understands of them: the message, its language, category and facts. Stores nothing.

This is the work of the child processes: hostile text meets parsers, patterns and a language model here, within the
limits of `reading.limits`. `Examiner` is the parent's side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from intake.config import Workers as Limits
from intake.errors import ReadingError
from intake.reading.forwards import find_forward, find_inside, says_forward
from intake.reading.letter import read_letter
from intake.reading.limits import Begun, Failure, Workers
from intake.reading.mail import read_attachment, read_head, read_mail
from intake.reading.record import Record, parse_record, read_record
from intake.rules.automatic import BOUNCE, REPORT, find_automatic
from intake.rules.categories import OTHER, Categories, load_categories
from intake.rules.facts import find_facts
from intake.rules.language import Languages
from intake.types import Address, Categorisation, Channel, Facts, Forwarded, Language, Message

MAIL_TYPES = ("message/rfc822", "message/global")
ATTACHED_AT_MOST = 5
FORWARDS_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Job:
    """One item to examine. `languages` are the shop's, the default first; `arrived_on` is the local day of arrival
    (for a scan: today). `record` is the raw record beside a scan, None where there is none. `own` are the shop's
    domains and addresses in lower case: a forward from one of them is the customer's mail. Dates in a forward that
    name no zone are in `zone` (IANA)."""

    channel: Channel
    raw: bytes
    name: str
    languages: tuple[str, ...]
    arrived_on: date
    record: bytes | None = None
    head_only: bool = False
    own: frozenset[str] = frozenset()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Examined:
    """What is understood of one item. `received_on` is the day that a clerk's record gives, else None."""

    message: Message
    language: Language
    categorisation: Categorisation
    facts: Facts
    received_on: date | None = None


def customers_mail(message: Message, job: Job) -> Message:
    """A mail as the customer's, where somebody else sent it on.

    A colleague's forward becomes the mail of the first person in it who is no colleague: `sender`, `sent_at`, `text`
    and `quoted` are the original's, `forwarded_by` is the colleague. Where that person cannot be told, only `forwarded`
    says that it forwards something, and a person is asked. A customer's own forward stays the customer's: what is above
    it is new. If nothing is, and the forwarded mail is attached, its text is all there is to go by.
    """
    sender = message.sender
    if sender is None or not _is_own(sender, job.own):
        return _with_attached_text(message, job) if not message.text else message
    if any(not _is_own(person, job.own) for person in message.reply_to):
        return message  # a form: the customer is in Reply-To
    automatic = find_automatic(message)
    if automatic is not None and automatic.kind in (BOUNCE, REPORT):
        return message
    found = _forwarded(message, job.raw, job, FORWARDS_AT_MOST)
    if found is None and says_forward(message.subject):
        found = Forwarded(None, None, message.subject, "", note=message.text)
    if found is None or found.sender is None or _is_own(found.sender, job.own):
        return replace(message, forwarded=found)
    return replace(
        message,
        sender=found.sender,
        sent_at=found.sent_at,
        text=found.text,
        quoted=found.quoted,
        forwarded=found,
        forwarded_by=sender,
        readable=bool(found.text.strip()),
    )


def _forwarded(message: Message, raw: bytes, job: Job, depth: int) -> Forwarded | None:
    """The mail inside a forward; inside a chain of colleagues' forwards, the first that no colleague wrote."""
    zone = ZoneInfo(job.zone)
    attached = _attached_mails(message, raw)
    found = find_forward(message.text, message.quoted, message.subject, [mail for mail, _ in attached], zone)
    if depth and len(attached) == 1 and _is_colleagues(found, job):
        mail, its_raw = attached[0]
        inner = _from_form(mail, job) or _forwarded(mail, its_raw, job, depth - 1)
        if inner is not None:
            return replace(inner, note=message.text or inner.note)
    for _ in range(depth):
        inner = find_inside(found, zone) if found is not None and _is_colleagues(found, job) else None
        found = inner or found
    return found


def _is_colleagues(found: Forwarded | None, job: Job) -> bool:
    return found is not None and found.sender is not None and _is_own(found.sender, job.own)


def _from_form(mail: Message, job: Job) -> Forwarded | None:
    """An attached mail of the shop's own form: the customer is in its Reply-To."""
    customers = [person for person in mail.reply_to if not _is_own(person, job.own)]
    if len(customers) != 1:
        return None
    return Forwarded(
        customers[0], mail.sent_at, mail.subject, mail.text, mail.quoted, message_id=mail.message_id, attached=True
    )


def _attached_mails(message: Message, raw: bytes) -> list[tuple[Message, bytes]]:
    """The attached mails, read, each with its bytes."""
    parts = [item.part for item in message.attachments if item.media_type in MAIL_TYPES]
    inside = [read_attachment(raw, part) for part in parts[:ATTACHED_AT_MOST]]
    return [(read_mail(content), content) for content in inside]


def _with_attached_text(message: Message, job: Job) -> Message:
    """A mail without a text that brings another mail along, as the sender's own words. A report that brings one back
    is left as it is."""
    if not any(item.media_type in MAIL_TYPES for item in message.attachments) or find_automatic(message) is not None:
        return message
    text = "\n\n".join(filter(None, (mail.text for mail, _ in _attached_mails(message, job.raw))))
    return replace(message, text=text, readable=True) if text else message


def _is_own(person: Address, own: frozenset[str]) -> bool:
    return person.key in own or person.key.rpartition("@")[2] in own


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
        message = read_head(job.raw) if job.head_only else customers_mail(read_mail(job.raw), job)
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
        subject = message.subject
        if message.forwarded_by is not None and message.forwarded is not None:
            subject = f"{subject}\n{message.forwarded.subject}"
        facts = find_facts(subject, message.text, language.code, arrived_on)
        named_order = message.record.get("sender_reference", "")
        if named_order and named_order not in facts.order_numbers:
            facts = replace(facts, order_numbers=(named_order, *facts.order_numbers))
        categorisation = self.categories.of(message.subject, message.text, language.code)
        return Examined(message, language, categorisation, facts, received_on)


@dataclass(frozen=True, slots=True)
class Pending:
    """Jobs that the child processes have in hand."""

    jobs: tuple[Job, ...]
    begun: Begun


class Examiner:
    """Examines items in child processes, with limits. One for a process; used by one thread at a time."""

    def __init__(self, categories_file: Path, limits: Limits) -> None:
        self._processes = limits.processes
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
        return self.finish(self.begin(jobs))

    def begin(self, jobs: Sequence[Job]) -> Pending:
        """Hand the jobs to the child processes, and do not wait."""
        return Pending(tuple(jobs), self._workers.begin(jobs))

    def finish(self, pending: Pending) -> list[Examined | Failure]:
        """Wait for jobs that were begun; see `examine`."""
        outcomes = self._workers.finish(pending.begun)
        return [self._again(job, outcome) for job, outcome in zip(pending.jobs, outcomes, strict=True)]

    def warm_up(self) -> Pending:
        """Start the child processes before they are needed: each takes seconds to load the language model."""
        jobs = [Job(Channel.MAIL, b"Subject: x\r\n\r\nHallo", "", ("nl", "en"), date(2000, 1, 1))] * self._processes
        return Pending(tuple(jobs), self._workers.begin(jobs, batch=1))

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
