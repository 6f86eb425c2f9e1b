"""Builders: what a test needs, made from what it says, with nothing hidden in a fixture."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from intake.bootstrap import CATEGORIES, build
from intake.config import Config, Workers
from intake.examine import Examiner
from intake.pipeline import House
from storage.database import migrate, open_engine
from storage.store import Store

ONE_CHILD: dict[str, Any] = {"processes": 1}
MONDAY = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
COMPLAINT = "Mijn pakket is nog steeds niet geleverd. Wanneer krijg ik mijn bestelling 104233?\n\nGroet,\nJan\n"


def mail(
    text: str = COMPLAINT,
    *,
    sender: str = "Jan Jansen <jan@example.com>",
    subject: str = "Pakket niet geleverd",
    message_id: str = "<first@example.com>",
    to: str = "mirjam@example.nl",
    sent: datetime = MONDAY,
    html: str | None = None,
    attach: dict[str, bytes] | None = None,
    **headers: str,
) -> bytes:
    """A mail as a customer's program would write it. Headers by keyword: `in_reply_to="<…>"`."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(sent)
    if message_id:
        message["Message-ID"] = message_id
    for name, value in headers.items():
        message[name.replace("_", "-").title()] = value
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, content in (attach or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def shop_settings(**changes: Any) -> dict[str, Any]:
    """The settings of one shop, without servers; any top-level key can be changed."""
    return {
        "id": "sis",
        "name": "Smart Import Solutions",
        "prefix": "SIS",
        "manager": {"name": "Mirjam", "addresses": ["mirjam@example.nl"]},
        "address": {"street": "Plattenborgstraat 20", "postal_code": "8043 TT", "city": "Zwolle"},
        "phone": {"number": "06-29557135"},
        **changes,
    }


def mailbox_settings(port: int, user: str, **changes: Any) -> dict[str, Any]:
    """A mailbox on a server of the tests."""
    access = {"host": "127.0.0.1", "port": port, "security": "plain", "username": user, "password": "secret"}
    return {**access, "start": "all", "poll_seconds": 1, "timeout_seconds": 20, **changes}


def post_settings(path: Path, **changes: Any) -> dict[str, Any]:
    """A post folder that takes a scan as soon as it has been seen at rest twice."""
    quick = {"stable_seconds": 0, "stable_looks": 2, "record_wait_seconds": 0, "least_free_mb": 0}
    return {"path": path, "room_address": "post@example.nl", **quick, **changes}


def make_config(data: Path, database: str = "", shops: list[dict[str, Any]] | None = None, **changes: Any) -> Config:
    """A configuration. Without shops it has one that has no servers."""
    return Config.model_validate(
        {
            "data": data,
            "database": database,
            "shops": shops or [shop_settings()],
            "workers": ONE_CHILD,
            **changes,
        }
    )


@cache
def _shared_examiner() -> Examiner:
    """One for all houses of a test process: its children load the language model once, which takes seconds."""
    examiner = Examiner(CATEGORIES, Workers(**ONE_CHILD))
    atexit.register(examiner.close)
    return examiner


@cache
def newest_sqlite() -> Path:
    """An empty SQLite database of the newest schema, made once a process and copied, since migrating takes long."""
    folder = Path(tempfile.mkdtemp(prefix="intake-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = open_engine(f"sqlite:///{folder / 'intake.db'}")
    migrate(engine, None, MONDAY)
    engine.dispose()
    return folder / "intake.db"


@contextmanager
def make_house(
    config: Config,
    now: datetime | Callable[[], datetime] = MONDAY,
    checkpoint: Callable[[str], None] = lambda _name: None,
) -> Iterator[House]:
    """A house whose clock stands still, unless it is given a clock."""
    clock = now if callable(now) else lambda: now
    log = structlog.testing.CapturingLogger()
    database = config.data / "intake.db"
    if not config.database and not database.exists():
        config.data.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(newest_sqlite(), database)
    examiner = _shared_examiner() if config.workers == Workers(**ONE_CHILD) else None
    with build(config, now=clock, checkpoint=checkpoint, log=log, examiner=examiner) as house:
        yield house


def fates(store: Store) -> list[str]:
    """The fate of each message, in the order of arrival."""
    return [line.message.fate.value if line.message else "waiting" for line in store.list_arrivals()]
