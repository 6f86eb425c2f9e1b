"""The configuration: one TOML file, read once into frozen models.

`load_config` reports every mistake at once, with its dotted path, what was found and what would be right. Secrets
never stand in the file: a section names an environment variable or a file, and the value is kept out of `repr`.
Nothing here connects to anything; `intake check` does.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from intake.errors import ConfigError
from intake.types import Calendar, Channel, Post, PostalAddress, Promise

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
LanguageCode = Literal["nl", "en", "de", "fr"]
# The platform closed on 20 July 2025 (Regulation (EU) 2024/3228); sending a consumer there is a dead remedy.
CLOSED_ODR = re.compile(r"ec\.europa\.eu/(consumers/)?odr|webgate\.ec\.europa\.eu/odr", re.IGNORECASE)
DEFAULT_PORTS = {
    "imap": {"tls": 993, "starttls": 143, "plain": 143},
    "smtp": {"tls": 465, "starttls": 587, "plain": 25},
}

EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string_type": "text in quotes",
    "tuple": 'a list, like ["one", "two"]',
    "date": "a date, like 2026-05-15",
    "time": 'a time of day, like "17:00"',
    "model_type": "a section of its own",
    "dataclass_type": "a section of its own",
    "path": "a path in quotes",
    "too_short": "at least one",
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
        return time.fromisoformat(value)
    except ValueError:
        raise ValueError('a time of day, like "17:00"') from None


def _mailbox_start(value: object) -> object:
    if value in ("now", "all") or isinstance(value, date):
        return value
    raise ValueError('"now", "all" or a date, like 2026-11-01')


MailAddress = Annotated[str, AfterValidator(_mail_address)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class Section(BaseModel):
    """A part of the configuration: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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
    password_env: str = ""
    password_file: Path | None = None
    password: SecretStr | None = Field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=60, gt=0, le=600)

    @model_validator(mode="after")
    def _plain_stays_here(self) -> "Server":
        if self.security is Security.PLAIN and not is_loopback(self.host):
            raise ValueError('"plain" is for loopback only; use "tls" or "starttls"')
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the protocol's usual port where none is set."""
        return self.host, self.port or DEFAULT_PORTS[self.protocol][self.security.value]


class Mailbox(Server):
    """The mailbox that complaints come to, which is also where drafts are put."""

    protocol: Literal["imap"] = "imap"
    username: str = Field(min_length=1)
    folder: str = "INBOX"
    drafts: str = ""
    start: Annotated[Literal["now", "all"] | date, BeforeValidator(_mailbox_start)] = "now"
    poll_seconds: float = Field(default=60, ge=1, le=900)
    forms: tuple[str, ...] = ()
    own_lists: tuple[str, ...] = ()
    always_open: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The name of this mailbox in cursors, arrivals and messages to people."""
        return f"{self.username} at {self.host}"


class Outgoing(Server):
    """The server that mail to customers and to the manager goes out by."""

    protocol: Literal["smtp"] = "smtp"
    sender: MailAddress


class PostFolder(Section):
    """The folder that scans are dropped in and letters are printed from."""

    path: Path
    room_address: MailAddress
    stable_seconds: float = Field(default=15, ge=0, le=600)
    stable_looks: int = Field(default=3, ge=2, le=20)
    record_wait_seconds: float = Field(default=60, ge=0, le=300)


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
    """Where a customer can go who stays unhappy. `takes_part` says whether the shop takes part."""

    name: str
    address: str = ""
    website: str = ""
    takes_part: bool | None = None

    @field_validator("name", "address", "website")
    @classmethod
    def _still_open(cls, value: str) -> str:
        if CLOSED_ODR.search(value):
            raise ValueError("a body that is open: the EU's ODR platform closed on 20 July 2025")
        return value


class LetterPage(Section):
    """What stands at the top of posted letters, and where the envelope's window is (mm from the top left)."""

    lines: tuple[str, ...] = ()
    window_left: float = Field(default=20, ge=0, le=210)
    window_top: float = Field(default=45, ge=0, le=297)
    window_width: float = Field(default=85, gt=0, le=210)
    window_height: float = Field(default=45, gt=0, le=150)


class PromiseSection(Section):
    """What the shop promised."""

    business_days: int = Field(default=4, ge=0, le=60)
    counting: Literal["event-day", "cut-off"] = "event-day"
    cut_off: ClockTime = time(17)
    target: ClockTime = time(17)


class Shop(Section):
    """One shop: everything that Intake knows about it."""

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

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError('an IANA time zone, like "Europe/Amsterdam"')
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

    def promise_for(self, counting: str | None = None) -> Promise:
        """The promise as a value, with another counting where asked."""
        return Promise(**{**self.promise.model_dump(), "counting": counting or self.promise.counting})

    def post_for(self, channel: Channel) -> Post | None:
        """The postal service for a letter, None for mail."""
        return self.post if channel is Channel.LETTER else None

    @property
    def domains(self) -> frozenset[str]:
        """Domains whose mail is the shop's own: those named, else those of the manager's addresses."""
        named = self.own_domains or tuple(address.rpartition("@")[2] for address in self.manager.addresses)
        return frozenset(domain.lower() for domain in named)


class Logging(Section):
    """How the log is written: for eyes, or one JSON object a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Desk(Section):
    """The web desk. It is not part of this version, so it can only be off."""

    enabled: Literal[False] = False
    listen: str = "127.0.0.1:8020"


class Workers(Section):
    """The processes that read mail and letters, and what one item may cost."""

    processes: int = Field(default=2, ge=1, le=64)
    seconds: float = Field(default=20, gt=0, le=900)
    memory_mb: int = Field(default=600, ge=200, le=64_000)


class Config(Section):
    """The whole configuration. Paths are absolute once loaded."""

    data: Path = Path("var")
    database: str = ""
    logging: Logging = Logging()
    desk: Desk = Desk()
    workers: Workers = Workers()
    shops: tuple[Shop, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _shops_are_apart(self) -> "Config":
        for name in ("id", "prefix"):
            values = [getattr(shop, name) for shop in self.shops]
            if len(set(values)) < len(values):
                raise ValueError(f"shops with a different {name} each")
        folders = [shop.post_folder.path.resolve() for shop in self.shops if shop.post_folder]
        if any(one != other and one.is_relative_to(other) for one in folders for other in folders):
            raise ValueError("post folders that do not lie inside each other")
        if len(set(folders)) < len(folders):
            raise ValueError("a post folder of its own for each shop")
        return self

    @property
    def database_url(self) -> str:
        """The database: as configured, else SQLite in the data folder."""
        return self.database or f"sqlite:///{self.data / 'intake.db'}"

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


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the file into a frozen `Config`; raises `ConfigError` with every mistake found.

    Secrets are taken from `environ` and from files where they are there. One that is missing is no mistake yet:
    `missing_secrets` lists them for the commands that connect.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no configuration at {path}.", next_step="Name one with --config.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}.") from error
    mistakes = _take_secrets(raw, path.parent.resolve(), environ)
    try:
        config = Config.model_validate(_absolute(raw, path.parent.resolve()))
    except ValidationError as error:
        mistakes += _all_in_words(error.errors(), set(raw))
    if mistakes:
        raise ConfigError(f"{path} has {_count(len(mistakes))}:", tuple(mistakes))
    return config


def missing_secrets(config: Config) -> list[str]:
    """One line for each password that a server needs and that is not there."""
    missing = []
    for index, shop in enumerate(config.shops):
        for name, server in (("mailbox", shop.mailbox), ("outgoing", shop.outgoing)):
            if server is not None and server.username and server.password is None:
                where = f"shops[{index}].{name}"
                missing.append(f"{where}: no password; {_where_from(server)}")
    return missing


def _where_from(server: Server) -> str:
    if server.password_env:
        return f"set the environment variable {server.password_env}"
    if server.password_file:
        return f"put it in the file {server.password_file}"
    return "name an environment variable in password_env, or a file in password_file"


def _take_secrets(raw: dict[str, Any], base: Path, environ: Mapping[str, str]) -> list[str]:
    """Replace the names of secrets by their values, in place; the mistakes found on the way."""
    mistakes = []
    shops = raw.get("shops")
    for index, shop in enumerate(shops if isinstance(shops, list) else []):
        for name in ("mailbox", "outgoing"):
            section = shop.get(name) if isinstance(shop, dict) else None
            if not isinstance(section, dict):
                continue
            if section.pop("password", None) is not None:
                mistakes.append(
                    f"shops[{index}].{name}.password: secrets do not stand in this file; "
                    "use password_env or password_file"
                )
            secret = _secret(section, base, environ)
            if secret is not None:
                section["password"] = secret
    return mistakes


def _secret(section: dict[str, Any], base: Path, environ: Mapping[str, str]) -> str | None:
    if environ.get(str(section.get("password_env", ""))):
        return environ[str(section["password_env"])]
    file = section.get("password_file")
    if not isinstance(file, str):
        return None
    try:
        return (base / file).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except OSError:
        return None


def _absolute(raw: dict[str, Any], base: Path) -> dict[str, Any]:
    """Paths count from the folder of the file that names them."""

    def at(section: object, key: str) -> None:
        if isinstance(section, dict) and isinstance(section.get(key), str) and section[key]:
            section[key] = str(base / Path(section[key]).expanduser())

    raw.setdefault("data", "var")
    at(raw, "data")
    shops = raw.get("shops")
    for shop in shops if isinstance(shops, list) else []:
        if isinstance(shop, dict):
            at(shop, "templates")
            _open_days(shop.get("calendar"))
            at(shop.get("post_folder"), "path")
            for server in (shop.get("mailbox"), shop.get("outgoing")):
                at(server, "password_file")
                at(server, "ca_file")
    return raw


def _open_days(calendar: object) -> None:
    """Good Friday is open by default in the Netherlands alone: there shops work on it."""
    if isinstance(calendar, dict) and calendar.get("country", "NL") != "NL":
        calendar.setdefault("open", [])


def _all_in_words(details: list[ErrorDetails], top: set[str]) -> list[str]:
    """One line a mistake. A list that is empty only because its items are wrong is not a mistake of its own."""
    paths = [detail["loc"] for detail in details]
    kept = []
    for detail in details:
        place = detail["loc"]
        below = any(path[: len(place)] == place and len(path) > len(place) for path in paths)
        if not (detail["type"] == "too_short" and (below or place[0] not in top)):
            kept.append(_in_words(detail))
    return kept


def _in_words(detail: ErrorDetails) -> str:
    """`shops[0].mailbox.port: found "imap"; should be a whole number`. Only plain values are repeated: a whole
    section could hold a secret."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    kind = detail["type"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where}: there is no such setting; {_nearest(str(detail['loc'][-1]))}"
    if kind == "missing":
        return f"{where}: is missing; it has to be set"
    found = f"found {detail['input']!r}; " if isinstance(detail["input"], str | int | float) else ""
    return f"{where or 'the file'}: {found}should be {_expected(detail)}"


def _expected(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    for start, words in EXPECTED.items():
        if kind.startswith(start):
            return words
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if "expected" in context:
        return f"one of {context['expected']}"
    return detail["msg"].removeprefix("Input should be ").removeprefix("String should ").lower()


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, _known_keys(), n=1, cutoff=0.75)
    return f"did you mean {near[0]!r}?" if near else "remove it"


def _known_keys() -> set[str]:
    sections: list[type[BaseModel]] = [Config, *Section.__subclasses__(), *Server.__subclasses__()]
    names = {name for section in sections for name in section.model_fields}
    return names | {item.name for values in (Calendar, Post) for item in fields(values)}


def _count(number: int) -> str:
    return "one mistake" if number == 1 else f"{number} mistakes"
