"""Bytes → what Intake understands of them: the message, its language, category and facts. Stores nothing.

This is the work of the child processes: hostile text meets parsers, patterns and a language model here, within the
limits of `reading.limits`. `Examiner` is the parent's side.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from intake.config import Workers as Limits
from intake.errors import ReadingError, RecordError
from intake.reading.contents import MAIL_TYPES
from intake.reading.forwards import find_forward, find_inside, says_forward
from intake.reading.letter import Scan, read_letter, with_record
from intake.reading.limits import Begun, Failure, Workers
from intake.reading.mail import read_attachment, read_head, read_mail, received_at
from intake.reading.outlook import as_mail, is_outlook_message
from intake.reading.record import Record, parse_record, read_record
from intake.rules.automatic import BOUNCE, REPORT, find_automatic
from intake.rules.categories import OTHER, Categories, load_categories
from intake.rules.facts import find_facts
from intake.rules.language import Languages
from intake.rules.letterhead import Letterhead, find_letterhead
from intake.rules.likeness import likeness
from intake.rules.people import name_key
from intake.types import (
    Address,
    Categorisation,
    Channel,
    Facts,
    Forwarded,
    Language,
    Message,
    Own,
    PostalAddress,
)

ATTACHED_AT_MOST = 5
FORWARDS_AT_MOST = 5
RECORD, SEPARATOR = "the clerk's record", "the separator sheet"
# The bar code on a letter of ours.
CASE_CODE = re.compile(r"INTAKE\|CASE\|1\|([A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9})")


@dataclass(frozen=True, slots=True)
class Job:
    """One item to examine: a mail by its bytes, a letter by what was recognised of it (`scan`; its `raw` is empty).

    `languages` are the shop's, the default first; `arrived_on` is the local day of arrival (for a scan: today).
    `record` is the raw record beside it, None where there is none. `own` are the shop's domains and addresses in lower
    case: a forward from one of them is the customer's mail. Dates in a forward that name no zone are in `zone` (IANA).
    `shop` is how the shop is known on paper. `saved` is a mail that somebody saved: it says itself when it came.
    `sent` is one of our own, from Sent."""

    channel: Channel
    raw: bytes
    name: str
    languages: tuple[str, ...]
    arrived_on: date
    record: bytes | None = None
    head_only: bool = False
    own: frozenset[str] = frozenset()
    zone: str = "UTC"
    scan: Scan | None = None
    shop: Own | None = None
    saved: bool = False
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """What is understood of one item. `received_on` is the day that a clerk's record or a separator sheet gives,
    `received_at` the moment that a saved mail tells (aware, UTC) and `basis` where in it; else None. `likeness` is by
    what another scan of the same letter is known, 0 where there is too little text."""

    message: Message
    language: Language
    categorisation: Categorisation
    facts: Facts
    received_on: date | None = None
    received_at: datetime | None = None
    basis: str = ""
    likeness: int = 0


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
        """Examine one item here and now. Raises `ReadingError` for a record that cannot be read."""
        record = read_record(parse_record(job.record), job.arrived_on) if job.record is not None else None
        if job.channel is Channel.LETTER:
            return self._letter(job, record)
        return self._mail(job, record)

    def _mail(self, job: Job, record: Record | None) -> Examined:
        if not job.raw:
            # Nothing was to be had of it. Without an id of its own it is nobody's duplicate.
            return unread(job.channel, job.languages)
        raw = as_mail(job.raw) if is_outlook_message(job.raw) else job.raw
        message = read_head(raw) if job.head_only else read_mail(raw)
        if not (job.head_only or job.sent):
            message = customers_mail(message, replace(job, raw=raw))
        if record is not None:
            message = with_record(message, record)
        examined = self._understood(message, job.languages, job.arrived_on)
        told = received_at(raw) if job.saved else None
        if record is not None:
            return replace(examined, received_on=record.received_on, basis=RECORD)
        return examined if told is None else replace(examined, received_at=told[0], basis=told[1])

    def _letter(self, job: Job, record: Record | None) -> Examined:
        scan = job.scan
        if scan is None:
            return unread(job.channel, job.languages)
        message = read_letter(scan, job.name, record)
        received_on, basis = (
            (record.received_on, RECORD) if record is not None else (scan.letter.received_on, SEPARATOR)
        )
        if job.shop is not None and message.readable:  # what handwriting comes out as can look like a name
            message = with_letterhead(message, find_letterhead(scan.first_page, job.shop, job.languages[0]))
        examined = self._understood(message, job.languages, received_on or job.arrived_on)
        found = _with_codes(_without_ours(examined.facts, job.shop), scan)
        told = {"order_numbers"} if message.record.get("sender_reference") else set()
        names = [name for name in Facts.__dataclass_fields__ if getattr(found, name) and name not in told]
        recognised = (*message.recognised, *names) if scan.letter.recognised else ()
        return replace(
            examined,
            message=replace(message, recognised=recognised),
            facts=found,
            received_on=received_on,
            basis=basis if received_on else "",
            likeness=likeness(scan.letter.text),
        )

    def _understood(self, message: Message, languages: tuple[str, ...], arrived_on: date) -> Examined:
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
        named_category = message.record.get("category", "")
        if any(topic.id == named_category for topic in self.categories.categories):
            categorisation = replace(categorisation, category=named_category)
        return Examined(message, language, categorisation, facts)


def with_letterhead(message: Message, head: Letterhead) -> Message:
    """A letter with what stands in its head, where the clerk's record does not tell it. What is read by OCR is named in
    `recognised`, so that a person checks it."""
    sender, postal, read = message.sender, message.postal, []
    if postal is None and head.postal is not None:
        postal, read = head.postal, ["sender"]
    elif postal is not None and head.postal is not None and _completes(head.postal, postal):
        postal, read = replace(head.postal, name=postal.name, organisation=postal.organisation), ["address"]
    if sender is None and (head.email or postal is not None):
        sender = Address(postal.name or postal.organisation if postal is not None else "", head.email)
    elif sender is not None and not sender.address and head.email:
        sender = replace(sender, address=head.email)
    record = (
        message.record if message.record.get("phone") or not head.phone else {**message.record, "phone": head.phone}
    )
    return replace(
        message,
        sender=sender,
        postal=postal,
        subject=message.subject or head.subject,
        record=record,
        recognised=tuple(read),
    )


def _completes(found: PostalAddress, told: PostalAddress) -> bool:
    """Whether the page tells where somebody lives of whom the record has the name alone."""
    same = name_key(found.name) in ("", name_key(told.name))
    return same and bool(found.postal_code) and not (told.postal_code or told.street)


def _without_ours(facts: Facts, shop: Own | None) -> Facts:
    """A letter bears the shop's own postcode above its text."""
    own = shop.postal.postal_code.replace(" ", "") if shop is not None else ""
    return replace(facts, postal_codes=tuple(code for code in facts.postal_codes if code.replace(" ", "") != own))


def _with_codes(facts: Facts, scan: Scan) -> Facts:
    """The references in the bar codes of our own letters, before those in the text."""
    codes = [match[1] for page in scan.letter.pages for code in page.codes if (match := CASE_CODE.fullmatch(code))]
    return replace(facts, references=tuple(dict.fromkeys((*codes, *facts.references))))


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
        if isinstance(outcome, Examined) or isinstance(outcome.error, RecordError):
            return outcome
        if job.channel is Channel.LETTER and outcome.error is not None:
            return outcome
        if job.scan is not None:
            return _unexamined(job, job.scan, outcome.reason)
        head = self._workers.run([replace(job, head_only=True)])[0]
        examined = head if isinstance(head, Examined) else unread(job.channel, job.languages)
        problems = (outcome.reason, *examined.message.problems)
        return replace(examined, message=replace(examined.message, readable=False, problems=problems))


def unread(channel: Channel, languages: Sequence[str]) -> Examined:
    """What is known of an item that cannot be read at all: nothing but its channel."""
    message = Message(channel=channel, readable=False)
    return Examined(message, Language(languages[0], 0.0, False), Categorisation(OTHER), Facts())


def _unexamined(job: Job, scan: Scan, reason: str) -> Examined:
    """A letter whose text no rule can look at within the limits: its record and its day are all the same known."""
    record = read_record(parse_record(job.record), job.arrived_on) if job.record is not None else None
    message = read_letter(scan, job.name, record)
    examined = unread(job.channel, job.languages)
    received_on = record.received_on if record is not None else scan.letter.received_on
    return replace(
        examined,
        message=replace(message, readable=False, problems=(reason, *message.problems)),
        received_on=received_on,
        basis=RECORD if record is not None else SEPARATOR,
    )


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
