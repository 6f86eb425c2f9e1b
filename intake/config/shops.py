"""The section of a shop and those below it."""

from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationInfo, field_validator

from intake.config.base import Section
from intake.config.letter_page import LetterPage
from intake.config.servers import Mailbox, Outgoing
from intake.config.values import ClockTime, CountryCode, DayName, LanguageCode, MailAddress
from intake.types import Calendar, Channel, Counting, Own, Post, PostalAddress, Promise

PUBLIC_MAIL_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "hotmail.nl", "live.nl", "live.com", "msn.com"}
    | {"yahoo.com", "icloud.com", "me.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "t-online.de"}
    | {"ziggo.nl", "kpnmail.nl", "kpnplanet.nl", "planet.nl", "hetnet.nl", "xs4all.nl", "home.nl", "upcmail.nl"}
    | {"telenet.be", "skynet.be", "proximus.be", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr"}
)
SAFETY_MONTHS = {"safety": 60}


class PostFolder(Section):
    """The folder that scans are dropped in and letters are printed from."""

    path: Path
    room_address: MailAddress
    stable_seconds: float = Field(default=15, ge=0, le=600)
    stable_looks: int = Field(default=3, ge=2, le=20)
    record_wait_seconds: float = Field(default=60, ge=0, le=300)
    least_free_mb: int = Field(default=2048, ge=0)


class Manager(Section):
    """Who answers complaints. Mail from any of `addresses` is never a complaint."""

    name: str = Field(min_length=1)
    role: str = ""
    addresses: tuple[MailAddress, ...] = Field(min_length=1)


class Address(Section):
    """The shop's postal address."""

    street: str
    postal_code: str
    city: str
    country: str = Field(default="NL", pattern="^[A-Z]{2}$")


class Phone(Section):
    """Customer service by phone. Without `opens`, letters say only until when."""

    number: str
    first_day: DayName = "monday"
    last_day: DayName = "friday"
    opens: ClockTime | None = None
    closes: ClockTime = time(17)


class DisputeBody(Section):
    """Where a customer can go who stays unhappy: for customers in `countries` (ISO 3166-1; none: in any), from the day
    `since` to the day `until`, both included.

    `takes_part` says whether the shop takes part, `term_months` within how many months after the complaint a dispute
    must be brought. `adr` is a body under Directive 2013/11/EU: from 20 September 2028 the shop has to answer it within
    20 working days (Directive (EU) 2025/2647); `answer_days` is its own term in business days, and goes before that.
    """

    id: str = Field(pattern="^[a-z][a-z0-9-]{0,40}$")
    name: str = Field(min_length=1)
    address: str = ""
    website: str = ""
    countries: tuple[CountryCode, ...] = ()
    since: date | None = None
    until: date | None = None
    takes_part: bool | None = None
    term_months: int | None = Field(default=None, ge=1, le=120)
    adr: bool = True
    answer_days: int | None = Field(default=None, ge=1, le=250)

    @field_validator("until")
    @classmethod
    def _ends_after_it_begins(cls, value: date | None, info: ValidationInfo) -> date | None:
        since = info.data.get("since")
        if value is not None and since is not None and value < since:
            raise ValueError("a day after since")
        return value

    def is_open(self, on: date) -> bool:
        """Whether a dispute can be brought to it on a day."""
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)

    def serves(self, country: str) -> bool:
        """Whether it is there for customers in a country (ISO 3166-1 alpha-2)."""
        return not self.countries or country.upper() in self.countries


class Retention(Section):
    """How long what people wrote is kept. A case counts from its end: closed, else answered; one that is open is kept.
    `categories` are months for cases of a category or label, instead of `months`; the longest holds. Safety is kept
    for five years unless it is named itself: importers keep a register (GPSR 2023/988 art. 9 to 11), and no longer than
    that."""

    months: int = Field(default=24, ge=1, le=600)
    categories: dict[str, Annotated[int, Field(ge=1, le=600)]] = SAFETY_MONTHS
    set_aside_days: int = Field(default=90, ge=1, le=3650)
    spam_days: int = Field(default=30, ge=1, le=3650)

    @field_validator("categories")
    @classmethod
    def _safety_has_a_term(cls, value: dict[str, int]) -> dict[str, int]:
        return {**SAFETY_MONTHS, **value}


class Notices(Section):
    """Mail to the manager: reminders, warnings and the morning digest. `to` is empty for the manager's first address.
    What is not urgent goes out between `opens` and `closes` on business days, the digest from `digest` on."""

    send: bool = True
    to: tuple[MailAddress, ...] = ()
    opens: ClockTime = time(8)
    closes: ClockTime = time(17)
    digest: ClockTime = time(8)
    holding_reply: bool = True

    @field_validator("closes")
    @classmethod
    def _some_hours(cls, value: time, info: ValidationInfo) -> time:
        if value <= info.data.get("opens", time(0)):
            raise ValueError("later than opens: mail goes out in between")
        return value


class PromiseSection(Section):
    """What the shop promised."""

    business_days: int = Field(default=4, ge=0, le=60)
    counting: Literal["event-day", "cut-off"] = "event-day"
    cut_off: ClockTime = time(17)
    target: ClockTime = time(17)
    holding_days: int = Field(default=5, ge=1, le=60)


class Shop(Section):
    """One shop: everything that Intake knows about it. `acknowledge_letters` sends an acknowledgement by post to who
    wrote a letter and is not known by mail."""

    id: str = Field(pattern="^[a-z][a-z0-9-]{0,30}$")
    name: str = Field(min_length=1)
    prefix: str = Field(pattern="^[A-Z][A-Z0-9]{1,7}$")
    time_zone: str = "Europe/Amsterdam"
    languages: tuple[LanguageCode, ...] = Field(default=("nl", "en", "de", "fr"), min_length=1)
    own_domains: tuple[str, ...] = ()
    manager: Manager
    address: Address
    phone: Phone
    promise: PromiseSection = PromiseSection()
    calendar: Calendar = Calendar()
    post: Post = Post()
    dispute_bodies: tuple[DisputeBody, ...] = ()
    retention: Retention = Retention()
    mailbox: Mailbox | None = None
    outgoing: Outgoing | None = None
    post_folder: PostFolder | None = None
    letter: LetterPage = LetterPage()
    templates: Path | None = None
    acknowledge: Literal["send", "draft", "off"] = "send"
    acknowledge_letters: bool = False
    format: Literal["plain", "html"] = "plain"
    notices: Notices = Notices()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError('an IANA time zone, like "Europe/Amsterdam"')
        return value

    @field_validator("outgoing")
    @classmethod
    def _tokens_are_the_mailboxs(cls, value: Outgoing | None, info: ValidationInfo) -> Outgoing | None:
        mailbox = info.data.get("mailbox")
        if value is not None and value.oauth and (mailbox is None or mailbox.oauth is None):
            raise ValueError("with a mailbox that has an oauth section, since `oauth` signs in with its tokens")
        return value

    @field_validator("dispute_bodies")
    @classmethod
    def _bodies_have_names_of_their_own(cls, value: tuple[DisputeBody, ...]) -> tuple[DisputeBody, ...]:
        ids = [body.id for body in value]
        if len(set(ids)) < len(ids):
            raise ValueError("bodies whose ids differ from one another")
        return value

    @field_validator("post")
    @classmethod
    def _post_is_delivered(cls, value: Post) -> Post:
        if not value.weekdays or not all(0 <= day <= 6 for day in value.weekdays):
            raise ValueError("delivered on one or more weekdays from 0 (Monday) to 6")
        if not value.terms or not all(1 <= term.delivery_days <= 30 for term in value.terms):
            raise ValueError("given one or more terms of 1 to 30 delivery days")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone: dates are counted and shown in it."""
        return ZoneInfo(self.time_zone)

    @property
    def postal(self) -> PostalAddress:
        """The shop's address as a value."""
        place = self.address
        return PostalAddress("", self.name, place.street, "", place.postal_code, place.city, place.country)

    @cached_property
    def on_paper(self) -> Own:
        """How the shop is known on paper: what a letter says of us, and not of its sender."""
        return Own(self.postal, frozenset({self.name, self.manager.name}), self.own_names, (self.phone.number,))

    def dispute_body(self, on: date, country: str = "") -> DisputeBody | None:
        """Where a customer in a country ("": the shop's own) can go on a day: the first body that names the country,
        else the first that is for any; None where there is none."""
        where = country or self.address.country
        there = [body for body in self.dispute_bodies if body.is_open(on) and body.serves(where)]
        return next((body for body in there if body.countries), there[0] if there else None)

    @property
    def mail_domain(self) -> str:
        """The domain of our own Message-IDs."""
        return self.manager.addresses[0].rpartition("@")[2]

    def owns(self, address: str) -> bool:
        """Whether mail from this address is the shop's own."""
        key = address.strip().lower()
        return key in self.own_names or key.rpartition("@")[2] in self.own_names

    @cached_property
    def own_names(self) -> frozenset[str]:
        """Domains and addresses in lower case whose mail is the shop's own: its domains, the manager's addresses, the
        mailbox itself, its groups, and the addresses that it sends by. At a public provider only addresses count."""
        mailbox, outgoing, room = self.mailbox, self.outgoing, self.post_folder
        addresses = [
            *self.manager.addresses,
            *((mailbox.username, *mailbox.own_lists) if mailbox else ()),
            *((outgoing.sender,) if outgoing else ()),
            *((room.room_address,) if room else ()),
        ]
        return self.domains | {address.strip().lower() for address in addresses if "@" in address}

    def promise_for(self, counting: str | None = None) -> Promise:
        """The promise as a value, with another counting where asked."""
        chosen = Counting(counting or self.promise.counting)
        return Promise(**{**self.promise.model_dump(exclude={"holding_days"}), "counting": chosen})

    def post_for(self, channel: Channel) -> Post | None:
        """The postal service for a letter, None for mail."""
        return self.post if channel is Channel.LETTER else None

    @cached_property
    def domains(self) -> frozenset[str]:
        """Domains whose mail is the shop's own: those named, else those of the manager's addresses, but never one
        that anybody can have an address at: there the customers are too."""
        named = self.own_domains or tuple(address.rpartition("@")[2] for address in self.manager.addresses)
        return frozenset(domain.lower() for domain in named) - PUBLIC_MAIL_DOMAINS
