"""Config → the running parts. The only wiring, and the only clock.

Nothing here starts a thread or connects to a mail server; that is the service's work.
"""

import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import Engine
from structlog.typing import FilteringBoundLogger, Processor

from intake import deadlines
from intake.config import SAFETY_MONTHS, Config, Logging, Retention
from intake.errors import AlreadyRunning, ConfigError
from intake.examine import Examiner
from intake.guarantee import guarantees_of
from intake.measuring.guarantees import Guarantee
from intake.pipeline.house import House
from intake.reading.recognition import Recogniser
from intake.replies.letter import LetterTypesetter
from intake.replies.notices import load_words
from intake.replies.templates import ODR_IS_CLOSED, Templates, naming_closed_platform
from intake.rules.categories import load_categories
from storage.database import ProcessLock, current_revision, migrate, newest_revision, open_engine
from storage.errors import DataLocked
from storage.originals import Originals
from storage.store import Store

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
LAYOUTS = TEMPLATES / "letter"
CATEGORIES = TEMPLATES / "categories.toml"
GUARANTEES = TEMPLATES / "guarantees.toml"
KEY, KEY_BYTES = "signing.key", 32


def clock() -> datetime:
    """The aware present, in UTC."""
    return datetime.now(UTC)


def check_rules(config: Config) -> None:
    """What the file's form cannot tell: calendars that exist, template folders that are there and send nobody to the
    closed platform, terms for categories that there are, guarantees that can be reached. Raises `ConfigError` with all
    mistakes."""
    mistakes = []
    for index, shop in enumerate(config.shops):
        mistakes += [f"shops[{index}].calendar.{line}" for line in deadlines.calendar_mistakes(shop.calendar)]
        mistakes += [f"shops[{index}].retention.categories: {line}" for line in _unknown_topics(shop.retention)]
        if shop.templates is not None and not shop.templates.is_dir():
            mistakes.append(f"shops[{index}].templates: there is no folder {shop.templates}")
        dead = naming_closed_platform(shop.templates) if shop.templates is not None else []
        mistakes += [f"shops[{index}].templates: {file} {ODR_IS_CLOSED}" for file in dead]
    if config.operator.shop and config.operator.shop not in {shop.id for shop in config.shops}:
        mistakes.append(f"operator.shop: there is no shop {config.operator.shop!r}")
    try:
        guarantees_in_force(config)
    except ConfigError as error:
        mistakes += [f"guarantees: {line}" for line in error.mistakes or (error.what,)]
    if mistakes:
        raise ConfigError("The configuration cannot be used:", tuple(mistakes))


def guarantees_in_force(config: Config) -> tuple[Guarantee, ...]:
    """What the shops are measured by. Raises `ConfigError`."""
    return guarantees_of(config, GUARANTEES.read_text(encoding="utf-8"))


def _unknown_topics(retention: Retention) -> list[str]:
    """The terms that would hold for no case, for a slip of the pen."""
    named = retention.categories.keys() - SAFETY_MONTHS.keys()
    known = load_categories(CATEGORIES.read_text(encoding="utf-8")).ids if named else frozenset()
    return [f"{name!r} is no category or label" for name in sorted(named - known)]


def open_store(config: Config, now: datetime, *, upgrade: bool) -> Store:
    """The database. With `upgrade`, which only the sole process may ask for, its schema is brought up to date, and a
    copy of an SQLite database is made first. Without, raises `ConfigError` where the schema is not this version's."""
    if upgrade:
        make_private(config.data / "originals")
        make_private(config.data / "copies")
        if not config.database:
            # SQLite gives its other files the mode of this one.
            os.close(os.open(config.data / "intake.db", os.O_RDWR | os.O_CREAT, 0o600))
    engine = open_engine(config.database_url)
    if upgrade:
        migrate(engine, config.data / "copies", now)
    elif current_revision(engine) != newest_revision():
        engine.dispose()
        raise ConfigError(
            "The database is not made, or not brought up to date, yet.", next_step="Start `intake run` once."
        )
    return Store(engine)


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can look into: what people wrote to the shop lies there."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


@contextmanager
def sole_process(engine: Engine, config: Config) -> Iterator[None]:
    """Hold the installation: one process writes at a time. Raises `AlreadyRunning`."""
    try:
        with ProcessLock(engine, config.data):
            yield
    except DataLocked as error:
        raise AlreadyRunning(error.what, error.next_step) from error


@contextmanager
def build(
    config: Config,
    *,
    now: Callable[[], datetime] = clock,
    checkpoint: Callable[[str], None] = lambda _name: None,
    log: FilteringBoundLogger | None = None,
    upgrade: bool = True,
    examiner: Examiner | None = None,
) -> Iterator[House]:
    """The house of a configuration. Its child processes and database connections end with the block; an `examiner` that
    is lent to it goes on."""
    check_rules(config)
    store = open_store(config, now(), upgrade=upgrade)
    used = examiner or Examiner(CATEGORIES, config.workers)
    make_private(config.data / "work")
    recogniser = Recogniser(config.data / "work")
    try:
        yield House(
            config=config,
            store=store,
            originals=Originals(config.data / "originals"),
            examiner=used,
            recogniser=recogniser,
            categories=load_categories(CATEGORIES.read_text(encoding="utf-8")),
            templates={shop.id: Templates(TEMPLATES / "replies", shop.templates) for shop in config.shops},
            delivered=Templates(TEMPLATES / "replies"),
            typesetter=LetterTypesetter(LAYOUTS / "letter.typ"),
            words=load_words(TEMPLATES / "notices"),
            guarantees=guarantees_in_force(config),
            key=signing_key(config.data),
            clock=now,
            log=log or make_log(config.logging),
            checkpoint=checkpoint,
        )
    finally:
        recogniser.close()
        if examiner is None:
            used.close()
        store.engine.dispose()


def signing_key(data: Path) -> bytes:
    """The key that signs our Message-IDs: `signing.key` in the data folder, made at the first start, readable by
    its owner alone. It belongs in the backup: without it answers are still known by the ids in the database."""
    path = data / KEY
    with contextlib.suppress(FileNotFoundError):
        return _read_key(path)
    key = secrets.token_bytes(KEY_BYTES)
    temporary = data / f".{secrets.token_hex(4)}.key"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return _read_key(path)
    finally:
        temporary.unlink()
    return key


def known_key(data: Path) -> bytes:
    """The same key for commands that only read, and make none. Raises `ConfigError` where there is none yet."""
    try:
        return _read_key(data / KEY)
    except FileNotFoundError as error:
        raise ConfigError(f"There is no {KEY} in {data}.", next_step="Start `intake run` once.") from error


def _read_key(path: Path) -> bytes:
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def make_log(settings: Logging) -> FilteringBoundLogger:
    """A structured log on standard error: for eyes, or one JSON object a line."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    # APScheduler reports each round that it skips while a job is still at work, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    render: list[Processor]
    if settings.format == "json":
        render = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        render = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *render,
        ],
    )
    return log
