"""Reading the configuration file: secrets from the environment or from files, paths from the file's own folder.

`load_config` reports every mistake at once. Nothing here connects to anything; `intake check` does.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    ValidationError,
)

from intake.config.mistakes import all_in_words
from intake.config.sections import DATABASES, Config
from intake.config.servers import Mailbox, OAuth, Outgoing
from intake.errors import ConfigError


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the file into a frozen `Config`; raises `ConfigError` with every mistake found.

    Secrets are taken from `environ` and from files where they are there. One that is missing is no mistake yet:
    `missing_secrets` lists them for the commands that connect.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no configuration at {path}.", next_step="Name one with --config.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}.") from error
    base = path.parent.resolve()
    mistakes = _take_secrets(raw, base, environ)
    raw = _absolute(raw, base)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        mistakes += all_in_words(error.errors(), set(raw))
    mistakes += _not_apart(_shop_tables(raw))
    if mistakes:
        raise ConfigError(f"{path} has {_count(len(mistakes))}:", tuple(mistakes))
    return config


def missing_secrets(config: Config) -> list[str]:
    """One line for each password that a server needs and that is not there."""
    missing = []
    if (config.database_password_env or config.database_password_file) and config.database_password is None:
        where = _where_from(config.database_password_env, config.database_password_file)
        missing.append(f"database: no password; {where}")
    for index, shop in enumerate(config.shops):
        for name, server in (("mailbox", shop.mailbox), ("outgoing", shop.outgoing)):
            where = f"shops[{index}].{name}"
            if isinstance(server, Mailbox) and server.oauth is not None:
                missing += _missing_client_secret(f"{where}.oauth", server.oauth)
            elif isinstance(server, Outgoing) and server.oauth:
                continue
            elif server is not None and server.username and server.password is None:
                missing.append(f"{where}: no password; {_where_from(server.password_env, server.password_file)}")
    return missing


def _missing_client_secret(where: str, oauth: OAuth) -> list[str]:
    """Public clients have none (RFC 6749 section 2.1); one that is named has to be there, and an application that
    signs in by itself cannot do without."""
    variable, file = oauth.client_secret_env, oauth.client_secret_file
    wanted = variable or file or oauth.grant == "client-credentials"
    if not wanted or oauth.client_secret is not None:
        return []
    return [f"{where}: no client secret; {_where_from(variable, file, 'client_secret')}"]


def _where_from(variable: str, file: Path | None, key: str = "password") -> str:
    if variable:
        return f"set the environment variable {variable}"
    if file:
        return f"put it in the file {file}"
    return f"name an environment variable in {key}_env, or a file in {key}_file"


def _take_secrets(raw: dict[str, Any], base: Path, environ: Mapping[str, str]) -> list[str]:
    """Replace the names of secrets by their values, in place; the mistakes found on the way."""
    mistakes = _database_secret(raw)
    sections = [("", "database_password", raw)]
    for index, shop in _shop_tables(raw):
        found = [(f"shops[{index}].{name}.", shop.get(name)) for name in ("mailbox", "outgoing")]
        sections += [(where, "password", section) for where, section in found if isinstance(section, dict)]
        oauth = _oauth_of(shop)
        if oauth is not None:
            sections.append((f"shops[{index}].mailbox.oauth.", "client_secret", oauth))
            mistakes += [
                f"shops[{index}].mailbox.oauth.{name}: there is no such setting; remove it"
                for name in ("tokens_file", "sends")
                if oauth.pop(name, None) is not None
            ]
    for where, key, section in sections:
        if section.pop(key, None) is not None:
            mistakes.append(f"{where}{key}: secrets do not stand in this file; use {key}_env or {key}_file")
        secret = _secret(section, key, base, environ)
        if secret is not None:
            section[key] = secret
    return mistakes


def _database_secret(raw: dict[str, Any]) -> list[str]:
    """A password inside the database's URL is a mistake; it is taken out, so that no message repeats it."""
    url = raw.get("database")
    if not isinstance(url, str):
        return []
    try:
        parts = urlsplit(url)
    except ValueError:
        raw["database"] = "?"
        return []
    if ":" not in parts.netloc.rpartition("@")[0] and "password" not in parse_qs(parts.query):
        return []
    user = parts.netloc.partition(":")[0]
    raw["database"] = parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}", query="").geturl()
    return ["database: holds a password; leave it out, and use database_password_env or database_password_file"]


def _secret(section: dict[str, Any], key: str, base: Path, environ: Mapping[str, str]) -> str | None:
    variable, file = str(section.get(f"{key}_env", "")), section.get(f"{key}_file")
    if environ.get(variable):
        return environ[variable]
    if not isinstance(file, str):
        return None
    try:
        return (base / Path(file).expanduser()).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError):
        return None


def _shop_tables(raw: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    shops = raw.get("shops")
    return [
        (index, shop) for index, shop in enumerate(shops if isinstance(shops, list) else []) if isinstance(shop, dict)
    ]


def _oauth_of(shop: dict[str, Any]) -> dict[str, Any] | None:
    (oauth,) = _of(shop, "mailbox", "oauth")
    return oauth if isinstance(oauth, dict) else None


def _not_apart(shops: list[tuple[int, dict[str, Any]]]) -> list[str]:
    """What two shops may not share: it would mix their cases, or hide the mail of one from the other."""
    mistakes = []
    for index, shop in shops:
        for before, other in shops:
            if before < index:
                mistakes += [f"shops[{index}].{line} shops[{before}]" for line in _shared(shop, other)]
    return mistakes


def _shared(shop: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    for name in ("id", "prefix"):
        if isinstance(shop.get(name), str) and shop[name] == other.get(name):
            yield f"{name}: found {shop[name]!r}; should differ from that of"
    mailbox, its = (_of(one, "mailbox", "username", "host", "folder") for one in (shop, other))
    if mailbox[:2] == its[:2] and all(mailbox[:2]) and (mailbox[2] or "INBOX") == (its[2] or "INBOX"):
        yield "mailbox: should be another mailbox or folder than that of"
    (mine,), (theirs,) = (_of(one, "post_folder", "path") for one in (shop, other))
    if isinstance(mine, str) and isinstance(theirs, str):
        one, two = Path(mine).resolve(), Path(theirs).resolve()
        if one.is_relative_to(two) or two.is_relative_to(one):
            yield f"post_folder.path: found {mine!r}; should not be, or lie inside, that of"


def _of(shop: dict[str, Any], section: str, *keys: str) -> list[Any]:
    found = shop.get(section)
    return [found.get(key) if isinstance(found, dict) else None for key in keys]


def _absolute(raw: dict[str, Any], base: Path) -> dict[str, Any]:
    """Paths count from the folder of the file that names them."""

    def at(section: object, key: str) -> None:
        if isinstance(section, dict) and isinstance(section.get(key), str) and section[key]:
            section[key] = str(base / Path(section[key]).expanduser())

    raw.setdefault("data", "var")
    at(raw, "data")
    at(raw, "database_password_file")
    at(raw.get("guarantees"), "file")
    at(raw.get("guarantees"), "publish")
    _sqlite_path(raw, base)
    for _, shop in _shop_tables(raw):
        at(shop, "templates")
        _open_days(shop.get("calendar"))
        at(shop.get("post_folder"), "path")
        at(shop.get("letter"), "logo")
        for server in (shop.get("mailbox"), shop.get("outgoing")):
            at(server, "password_file")
            at(server, "ca_file")
        oauth = _oauth_of(shop)
        if oauth is not None:
            at(oauth, "client_secret_file")
            # A shop's id is checked to be a plain word before anything is read or written here.
            oauth["tokens_file"] = str(Path(str(raw["data"])) / "tokens" / f"{shop.get('id')}.json")
            (sends,) = _of(shop, "outgoing", "oauth")
            oauth["sends"] = sends is True
    return raw


def _sqlite_path(raw: dict[str, Any], base: Path) -> None:
    url = raw.get("database")
    if isinstance(url, str) and url.startswith(DATABASES[0]) and len(url) > len(DATABASES[0]):
        raw["database"] = DATABASES[0] + str(base / url.removeprefix(DATABASES[0]))


def _open_days(calendar: object) -> None:
    """Good Friday is open by default in the Netherlands alone: there shops work on it."""
    if isinstance(calendar, dict) and calendar.get("country", "NL") != "NL":
        calendar.setdefault("open", [])


def _count(number: int) -> str:
    return "one mistake" if number == 1 else f"{number} mistakes"
