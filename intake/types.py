"""The values that flow through Intake, named by stage: Arrival → Message → Decision → Case → Draft.

Everything here is frozen and plain, so that it can cross a process boundary and a test can build it by hand.
Nothing here does input or output, knows storage, or reads a clock.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import ClassVar


class Channel(StrEnum):
    """How a complaint came in, and how its answer goes out."""

    MAIL = "mail"
    LETTER = "letter"


class Fate(StrEnum):
    """What became of a message. Every message has exactly one."""

    OPENED = "opened"
    JOINED = "joined"
    DUPLICATE = "duplicate"
    SET_ASIDE = "set aside"
    FAILED = "failed"


class Verified(StrEnum):
    """Whether the shop's own mail server vouches for the sender (RFC 8601, RFC 7489)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Counting(StrEnum):
    """How the day of arrival counts; see `intake.deadlines`."""

    EVENT_DAY = "event-day"
    CUT_OFF = "cut-off"


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox address: the display name (may be empty) and the address as written, without angle brackets."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """The address for comparing: lower case (RFC 5321 section 2.4 leaves the local part to its host,
        but no host that people use tells two people apart by case)."""
        return self.address.strip().lower()

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a person lives or a shop stands; every field may be empty. `country` is ISO 3166-1 alpha-2."""

    name: str = ""
    organisation: str = ""
    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = "NL"


@dataclass(frozen=True, slots=True)
class Own:
    """How the shop is known on paper: its address, its names and its manager's, its mail domains and addresses in lower
    case, and its telephone numbers as written."""

    postal: PostalAddress
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file of a message. `part` finds it again in the original: its index in the walk of the
    MIME tree. `sha256` and `size` are of the decoded bytes."""

    part: int
    name: str
    media_type: str
    size: int
    sha256: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail inside a forward: who wrote it, when (aware, as claimed; None where it cannot be read), about what,
    saying what. `note` is what the forwarder wrote above it, `message_id` the original's id where it is known.

    `sender` is None where the forward does not say who wrote it."""

    sender: Address | None
    sent_at: datetime | None
    subject: str
    text: str
    quoted: str = ""
    note: str = ""
    message_id: str = ""
    attached: bool = False


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One recipient that a bounce reports about (RFC 3464): the address, the status code (`5.1.1`, may be empty)
    and the server's words on one line. A delay alone is `final=False`."""

    recipient: str
    status: str = ""
    words: str = ""
    final: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """What one mail or letter says.

    `text` is the new text, `quoted` what was folded away (history and signature); both are kept.
    `message_id`, `in_reply_to` and `references` hold ids with their angle brackets, case kept.
    `headers` are the few raw headers that the rules look at, names in lower case, in order.
    `sent_at` is the sender's own claim (aware, or None). `readable` is False where a person must look at the
    original; `problems` says why, in words.

    `forwarded` is the mail inside a forward, as found. Where a colleague forwarded it, `sender`, `sent_at`, `text` and
    `quoted` are the customer's and `forwarded_by` is the colleague. `encrypted` names the scheme (`S/MIME`, `PGP`) of a
    mail that nobody but the recipient can read; `signed_by` whose signature it carries, as the certificate claims.
    `undelivered` are the recipients that a bounce reports about, `bounced_ids` the mails that it brings back.

    Of a letter, `record` is what the clerk's record says; `recognised` names what was read by OCR and is told by no
    record (`sender`, `order_numbers`, …), and `confidence` is how sure the OCR is of its words, 0 to 100.
    """

    channel: Channel
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    sent_at: datetime | None = None
    text: str = ""
    quoted: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    content_hash: str = ""
    readable: bool = True
    problems: tuple[str, ...] = ()
    postal: PostalAddress | None = None
    bounced_ids: tuple[str, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    forwarded: Forwarded | None = None
    forwarded_by: Address | None = None
    signed_by: str = ""
    encrypted: str = ""
    record: dict[str, str] = field(default_factory=dict)
    recognised: tuple[str, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """A language code of the shop's own list. `sure` is False where the shop's default was taken instead."""

    code: str
    confidence: float
    sure: bool


@dataclass(frozen=True, slots=True)
class Categorisation:
    """The one category and any labels, with the matched words as the reason: `{"damaged": ("kapot",)}`."""

    category: str
    labels: tuple[str, ...] = ()
    matched: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found in the text, in order of appearance, without repeats. IBANs are checked (mod 97);
    amounts are as written with a currency (`"€ 1.234,56"`); dates are ISO."""

    order_numbers: tuple[str, ...] = ()
    invoice_numbers: tuple[str, ...] = ()
    ibans: tuple[str, ...] = ()
    tracking_numbers: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanPage:
    """One page of a scan, as recognised. `number` counts from 1 in the scan as it was dropped.

    `recognised` says that Tesseract read the text; else it stood in the PDF. `confidence` is the mean over the
    recognised words, 0 to 100, None where there are none. `codes` are the texts of the bar codes on it. `blank` pages
    are left out of the reading copy. `problem` says in words why its text is missing, where it is.
    """

    number: int
    text: str = ""
    recognised: bool = False
    confidence: float | None = None
    words: int = 0
    codes: tuple[str, ...] = ()
    blank: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ScannedLetter:
    """One letter of a scan: its pages in order, separators left out. `received_on` is the day that its separator sheet
    gives. `copy` is the SHA-256 of its reading copy, a searchable PDF ("" where none could be made)."""

    pages: tuple[ScanPage, ...]
    received_on: date | None = None
    copy: str = ""

    @property
    def text(self) -> str:
        """The text of the pages that are not blank, a blank line between them."""
        return "\n\n".join(page.text.strip() for page in self.pages if page.text.strip())

    @property
    def recognised(self) -> bool:
        """Whether any of the text was recognised."""
        return any(page.recognised and page.words for page in self.pages)

    @property
    def confidence(self) -> float | None:
        """The mean confidence over all recognised words, None where there are none."""
        told = [(page.confidence, page.words) for page in self.pages if page.confidence is not None]
        words = sum(count for _, count in told)
        return sum(confidence * count for confidence, count in told) / words if words else None


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the rules need to know of a case. `participants` are keys as `intake.rules.people` makes them; `name` and
    `postal` are the complainant's."""

    id: int
    reference: str
    is_open: bool
    participants: frozenset[str]
    channel: Channel = Channel.MAIL
    name: str = ""
    postal: PostalAddress | None = None


@dataclass(frozen=True)
class Calendar:
    """Which days are business days: Monday to Friday less the public days of `country` and `subdivision`
    (ISO 3166), plus the public days named in `open`, less the dates in `closed`.

    `open` holds English holiday names ("Good Friday") or dates; names are matched without regard to case.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    country: str = "NL"
    subdivision: str = ""
    open: tuple[date | str, ...] = ("Good Friday",)
    closed: tuple[date, ...] = ()


@dataclass(frozen=True)
class Promise:
    """What the shop promised: an answer within `business_days`, counted as `counting` says.

    `cut_off` and `target` are local wall-clock times; `cut_off` matters only when counting is `cut-off`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    business_days: int = 4
    counting: Counting = Counting.EVENT_DAY
    cut_off: time = time(17, 0)
    target: time = time(17, 0)


@dataclass(frozen=True)
class PostDays:
    """From the day `since`, a letter is delivered on the `delivery_days`-th delivery day after it is posted."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    since: date
    delivery_days: int


@dataclass(frozen=True)
class Post:
    """The postal service: on which weekdays it delivers (0 = Monday), and how long it takes, dated."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    terms: tuple[PostDays, ...] = (PostDays(date(2000, 1, 1), 2), PostDays(date(2027, 7, 1), 3))


@dataclass(frozen=True, slots=True)
class Deadline:
    """The promised date of one case.

    `due_on` is the last day on which an answer is in time; it is missed after local midnight. `target_at` is the
    internal target (aware, in the shop's zone). `post_by` is set for letters: the last business day on which a
    posted answer still arrives in time. `trace` explains each day, in words.
    """

    due_on: date
    target_at: datetime
    post_by: date | None
    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A rendered reply: plain text, and the gaps that a person must fill (`"[bestelnummer?]"`) in order."""

    subject: str
    body: str
    gaps: tuple[str, ...]
    template: str
    language: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a mail to the manager: the case's reference, a key of the words that say what there is to say, and
    what stands in them: days, another reference or a name of ours, a number."""

    reference: str
    what: str
    day: date | None = None
    due_on: date | None = None
    name: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the morning digest: the key of its title, the day in the title, and its lines."""

    title: str
    lines: tuple[Line, ...]
    day: date | None = None
