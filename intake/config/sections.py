"""The sections of the configuration, as frozen models, and what is true of each by itself.

They read no file and no environment; `intake.config.loading` does.
"""

import ipaddress
import re
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from intake.config.base import Section
from intake.config.letter_page import LetterPage
from intake.errors import ConfigError
from intake.types import Calendar, Channel, Counting, Own, Post, PostalAddress, Promise

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
LanguageCode = Literal["nl", "en", "de", "fr"]
DATABASES = ("sqlite:///", "postgresql+psycopg://")
DEFAULT_PORTS = {
    "imap": {"tls": 993, "starttls": 143, "plain": 143},
    "smtp": {"tls": 465, "starttls": 587, "plain": 25},
}

# Where the providers are asked, and for what. Google's device sign-in has no mail scope, so a person signs in there
# over the browser (RFC 8252); Microsoft wants `offline_access` for a refresh token.
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
ENDPOINTS: dict[str, dict[str, str]] = {
    "microsoft": {"token_url": f"{_MICROSOFT}/token", "device_url": f"{_MICROSOFT}/devicecode"},
    "google": {
        "token_url": "https://oauth2.googleapis.com/token",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
    },
    "other": {},
}
SCOPES: dict[tuple[str, ...], str] = {
    ("microsoft", "device"): "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    # To send, too. Google's scope and an application's own are for both.
    ("microsoft", "device", "send"): (
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"
    ),
    ("microsoft", "client-credentials"): "https://outlook.office365.com/.default",
    ("google", "device"): "https://mail.google.com/",
}


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", value):
        raise ValueError('a mail address, like "manager@example.com"')
    return value


def _clock_time(value: object) -> object:
    # TOML has a local time of its own (17:00:00), people write "17:00".
    if not isinstance(value, str):
        return value
    try:
        moment = time.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise ValueError('a time of day, like "17:00"')
    return moment


def _mailbox_start(value: object) -> object:
    # A TOML date with a time is a `date` to isinstance.
    if value in ("now", "all") or type(value) is date:
        return value
    raise ValueError('"now", "all" or a date, like 2026-11-01')


def _variable_name(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError("the name of an environment variable, not the password itself")
    return value


def _endpoint(value: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)) if host else False
    if not safe or parts.username or parts.password or parts.fragment:
        raise ValueError("an address that begins with https:// (http:// is for this machine only)")
    return value


MailAddress = Annotated[str, AfterValidator(_mail_address)]
VariableName = Annotated[str, AfterValidator(_variable_name)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]

PUBLIC_MAIL_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "hotmail.nl", "live.nl", "live.com", "msn.com"}
    | {"yahoo.com", "icloud.com", "me.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "t-online.de"}
    | {"ziggo.nl", "kpnmail.nl", "kpnplanet.nl", "planet.nl", "hetnet.nl", "xs4all.nl", "home.nl", "upcmail.nl"}
    | {"telenet.be", "skynet.be", "proximus.be", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr"}
)


class Security(StrEnum):
    """How a connection is protected: TLS from the first byte, upgraded, or not at all (loopback only)."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


class Server(Section):
    """Where a mail server is, and how to sign in."""

    protocol: Literal["imap", "smtp"]
    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65535)
    security: Security = Security.TLS
    username: str = ""
    password_env: VariableName = ""
    password_file: Path | None = None
    password: SecretStr | None = Field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=60, gt=0, le=600)

    @field_validator("security")
    @classmethod
    def _plain_stays_here(cls, value: Security, info: ValidationInfo) -> Security:
        if value is Security.PLAIN and not is_loopback(info.data.get("host", "localhost")):
            raise ValueError('"tls" or "starttls": "plain" is for this machine (loopback) only')
        return value

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the protocol's usual port where none is set."""
        return self.host, self.port or DEFAULT_PORTS[self.protocol][self.security.value]


class OAuth(Section):
    """Signing in with access tokens (RFC 6749) instead of a password. Whatever is empty has the provider's default.

    `grant` says whose right it is: "device" that of a person who signs in once with `intake auth`,
    "client-credentials" that of the application itself. `client_secret`, `tokens_file` (where the tokens of a
    person are kept: DATA/tokens/SHOP.json) and `sends` (the shop's outgoing server takes these tokens, too) are filled
    in while loading; they are no settings.
    """

    provider: Literal["microsoft", "google", "other"]
    grant: Literal["device", "client-credentials"] = "device"
    tenant: str = Field(default="", pattern=r"^[A-Za-z0-9.-]{0,200}$", validate_default=True)
    client_id: str = Field(min_length=1)
    client_secret_env: VariableName = ""
    client_secret_file: Path | None = None
    client_secret: SecretStr | None = Field(default=None, repr=False)
    authorize_url: Endpoint = ""
    device_url: Endpoint = ""
    token_url: Endpoint = Field(default="", validate_default=True)
    scope: str = ""
    mechanism: Literal["xoauth2", "oauthbearer"] = "xoauth2"
    tokens_file: Path | None = Field(default=None, repr=False)
    sends: bool = Field(default=False, repr=False)

    @field_validator("grant")
    @classmethod
    def _google_wants_a_person(cls, value: str, info: ValidationInfo) -> str:
        if value == "client-credentials" and info.data.get("provider") == "google":
            raise ValueError('"device": Google gives no access to a mailbox to an application by itself')
        return value

    @field_validator("tenant")
    @classmethod
    def _microsoft_has_tenants(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("provider") == "microsoft":
            raise ValueError('the id or domain of the organisation, like "example.onmicrosoft.com"')
        return value

    @field_validator("token_url")
    @classmethod
    def _others_name_their_endpoints(cls, value: str, info: ValidationInfo) -> str:
        known = info.data
        if known.get("provider") != "other":
            return value
        if not value:
            raise ValueError("the address of the provider's token endpoint")
        if known.get("grant") == "device" and not (known.get("device_url") or known.get("authorize_url")):
            raise ValueError("accompanied by device_url, or by authorize_url where the provider has no device sign-in")
        return value

    def endpoint(self, name: Literal["token_url", "device_url", "authorize_url"]) -> str:
        """An address at the provider: the configured one, else its default; empty where it has none."""
        return str(getattr(self, name)) or ENDPOINTS[self.provider].get(name, "").format(tenant=self.tenant)

    @property
    def scopes(self) -> str:
        """What is asked for: as configured, else what the provider wants for IMAP, and for SMTP where we send so."""
        usual = SCOPES.get((self.provider, self.grant), "")
        return self.scope or (SCOPES.get((self.provider, self.grant, "send"), usual) if self.sends else usual)


class Mailbox(Server):
    """The mailbox that complaints come to, which is also where drafts are put.

    `spam_verdict` says how the server tells that a mail is clean: in the headers that it adds, or by putting spam in
    another folder."""

    protocol: Literal["imap"] = "imap"
    username: str = Field(min_length=1)
    folder: str = "INBOX"
    drafts: str = ""
    sent: str = ""
    start: Annotated[Literal["now", "all"] | date, BeforeValidator(_mailbox_start)] = "now"
    poll_seconds: float = Field(default=60, ge=1, le=900)
    forms: tuple[str, ...] = ()
    own_lists: tuple[str, ...] = ()
    always_open: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    authserv: tuple[str, ...] = ()
    idle: bool = True
    keyword: str = Field(default="", pattern=r"^(\\Flagged|[A-Za-z0-9$_.+-]{0,60})$")
    move_to: str = ""
    spam_verdict: Literal["headers", "folder"] = "headers"
    oauth: OAuth | None = None

    @field_validator("oauth")
    @classmethod
    def _one_way_to_sign_in(cls, value: OAuth | None, info: ValidationInfo) -> OAuth | None:
        if value is not None and (info.data.get("password_env") or info.data.get("password_file")):
            raise ValueError("without password_env and password_file beside it: tokens take the password's place")
        return value

    @property
    def account(self) -> str:
        """The name of this mailbox in cursors, arrivals and messages to people."""
        return f"{self.username} at {self.host}"


class Outgoing(Server):
    """The server that mail to customers and to the manager goes out by. `oauth` signs in with the tokens of the shop's
    mailbox."""

    protocol: Literal["smtp"] = "smtp"
    sender: MailAddress
    oauth: bool = False

    @field_validator("oauth")
    @classmethod
    def _one_way_to_sign_in(cls, value: bool, info: ValidationInfo) -> bool:
        if value and (info.data.get("password_env") or info.data.get("password_file")):
            raise ValueError("without password_env and password_file beside it: tokens take the password's place")
        return value


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
    """Where a customer can go who stays unhappy. `takes_part` says whether the shop takes part, `term_months` within
    how many months after the complaint a dispute must be brought."""

    name: str
    address: str = ""
    website: str = ""
    takes_part: bool | None = None
    term_months: int | None = Field(default=None, ge=1, le=120)


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


class Operator(Section):
    """Who is told when something does not run. The mail goes out by the `shop`'s server (default: the first that has
    one). With less free space than `least_free_mb` in the data folder, there is an alarm."""

    address: MailAddress | None = None
    shop: str = ""
    least_free_mb: int = Field(default=1024, ge=0)


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
    dispute_body: DisputeBody | None = None
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


class Logging(Section):
    """How the log is written: for eyes, or one JSON object a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Desk(Section):
    """The web desk. It is not part of this version, so it can only be off."""

    enabled: Literal[False] = False
    listen: str = "127.0.0.1:8020"


class Workers(Section):
    """The processes that read mail and letters, and what one item may cost; `scans` are recognised at once."""

    processes: int = Field(default=2, ge=1, le=64)
    seconds: float = Field(default=20, gt=0, le=900)
    memory_mb: int = Field(default=600, ge=200, le=64_000)
    scans: int = Field(default=2, ge=1, le=64)


class Config(Section):
    """The whole configuration. Paths are absolute once loaded."""

    data: Path = Path("var")
    database: str = ""
    database_password_env: VariableName = ""
    database_password_file: Path | None = None
    database_password: SecretStr | None = Field(default=None, repr=False)
    logging: Logging = Logging()
    desk: Desk = Desk()
    workers: Workers = Workers()
    operator: Operator = Operator()
    shops: tuple[Shop, ...] = Field(min_length=1)

    @field_validator("database")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(DATABASES):
            raise ValueError('a database, like "postgresql+psycopg://intake@localhost/intake" or "sqlite:///intake.db"')
        return value

    @property
    def database_url(self) -> str:
        """The database with its password: as configured, else SQLite in the data folder. Not for eyes."""
        if self.database_password is None or not self.database:
            return self.database or f"sqlite:///{self.data / 'intake.db'}"
        parts = urlsplit(self.database)
        user, _, host = parts.netloc.rpartition("@")
        secret = quote(self.database_password.get_secret_value(), safe="")
        return parts._replace(netloc=f"{user}:{secret}@{host}").geturl()

    def shop(self, shop_id: str | None) -> Shop:
        """A shop by id; the first where none is named. Raises `ConfigError`."""
        if shop_id is None:
            return self.shops[0]
        for shop in self.shops:
            if shop.id == shop_id:
                return shop
        known = ", ".join(shop.id for shop in self.shops)
        raise ConfigError(f"There is no shop {shop_id!r} in the configuration.", next_step=f"It has: {known}.")


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
