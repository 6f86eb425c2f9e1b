"""The sections about mail servers: where they are, and how to sign in."""

import re
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from intake.config.base import Section
from intake.config.values import MailAddress, is_loopback

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


VariableName = Annotated[str, AfterValidator(_variable_name)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]


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
