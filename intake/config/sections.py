"""The whole configuration, as frozen models: what is true of each section by itself.

They read no file and no environment; `intake.config.loading` does.
"""

from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, field_validator

from intake.config.base import Section
from intake.config.servers import VariableName
from intake.config.shops import Shop
from intake.config.values import MailAddress
from intake.errors import ConfigError

DATABASES = ("sqlite:///", "postgresql+psycopg://")


class Operator(Section):
    """Who is told when something does not run. The mail goes out by the `shop`'s server (default: the first that has
    one). With less free space than `least_free_mb` in the data folder, there is an alarm."""

    address: MailAddress | None = None
    shop: str = ""
    least_free_mb: int = Field(default=1024, ge=0)


class Guarantees(Section):
    """What the shops are measured by. `file` holds the guarantees instead of the delivered ones; `issuer` is "self" for
    figures that a shop measured of itself, or the name of the trust mark that runs Intake for its members; `url` is
    where the pages will stand, for the snippets to embed. `publish` is a folder that is written anew each month."""

    file: Path | None = None
    issuer: str = Field(default="self", min_length=1, max_length=80)
    url: str = Field(default="", pattern=r"^(https://[^\s\"'<>]+)?$")
    publish: Path | None = None


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
    guarantees: Guarantees = Guarantees()
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
