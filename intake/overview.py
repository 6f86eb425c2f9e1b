"""How everything is doing, at one glance: what `intake status` shows, as plain values.

Looks at what is stored, at the post folders and at the disk, with `now` as an argument; tells, and does nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any

from intake.alarms import DEAD_AFTER, SERVICE, Alarm, find_alarms, free_mb
from intake.config import Config, Shop
from intake.pipeline.effects import SENDING
from intake.pipeline.items import POST
from intake.post_folder import STATUS
from intake.rules.reminders import Nearness, nearness
from intake.sources.post import PostSource
from storage.database import current_revision
from storage.models import EffectState, Heartbeat
from storage.store import Store

LATELY = timedelta(days=1)
NOT_SENT_FOR = timedelta(days=3)
TO_POST = "to post"
UNDONE = (EffectState.WAITING, EffectState.STARTED, EffectState.SENDING)


@dataclass(frozen=True, slots=True)
class MailboxLine:
    """A mailbox: when it was last read, how long ago, and what is wrong with it."""

    shop: str
    last_poll: datetime | None
    lag_seconds: int | None
    trouble: str


@dataclass(frozen=True, slots=True)
class PostLine:
    """A post folder: when it was last looked at, what lies in `incoming/`, what is being read, and what became of the
    rest today. `waiting` is None where the folder cannot be looked at."""

    shop: str
    last_look: datetime | None
    waiting: int | None
    working: int
    done_today: int
    failed_today: int
    trouble: str


@dataclass(frozen=True, slots=True)
class EffectLine:
    """What is to happen outside the database, of one kind. `oldest_seconds` is the age of the oldest that waits."""

    kind: str
    waiting: int
    failed: int
    uncertain: int
    oldest_seconds: int | None


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """Something that a manager would have been told by mail, if the shop sent any."""

    shop: str
    case: str
    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it. `cases` counts the open cases of each shop by how near their day is, and its answers to be posted;
    `disputed` are answered and closed ones that a dispute body has."""

    now: datetime
    service: Heartbeat | None
    parts: list[Heartbeat]
    counts: dict[str, int]
    alarms: list[Alarm]
    mailboxes: list[MailboxLine]
    post_folders: list[PostLine]
    effects: list[EffectLine]
    cases: dict[str, dict[str, int]]
    without_draft: list[str]
    not_delivered: list[str]
    uncertain: list[str]
    disputed: list[str]
    undeliverable: int
    notices_waiting: int
    notices: list[NoticeLine]
    free_mb: int | None
    database: str
    schema: str

    @property
    def runs(self) -> bool:
        """Whether the service is at work now."""
        beat = self.service
        return beat is not None and beat.good_at is not None and self.now - beat.good_at < DEAD_AFTER

    def value(self) -> dict[str, Any]:
        """For JSON."""
        told = ("cases", "without_draft", "not_delivered", "uncertain", "disputed")
        rest = {name: getattr(self, name) for name in told}
        last = self.service.good_at if self.service else None
        return {
            "parts": [beat.model_dump(mode="json") for beat in self.parts],
            **self.counts,
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "service": {"running": self.runs, "last": last.isoformat() if last else None},
            "mailboxes": [_plain(asdict(line)) for line in self.mailboxes],
            "post_folders": [_plain(asdict(line)) for line in self.post_folders],
            "effects": [asdict(line) for line in self.effects],
            **rest,
            "undeliverable": self.undeliverable,
            "notices_waiting": self.notices_waiting,
            "notices": [_plain(asdict(line)) for line in self.notices],
            "disk": {"free_mb": self.free_mb},
            "database": {"kind": self.database, "schema": self.schema},
        }


def look(store: Store, config: Config, now: datetime) -> Overview:
    """How everything is doing. Raises `StorageError`."""
    beats = store.heartbeats()
    by_name = {beat.name: beat for beat in beats}
    known, since = store.notices, now - LATELY
    return Overview(
        now=now,
        service=by_name.get(SERVICE),
        parts=beats,
        counts=store.counts(),
        alarms=find_alarms(store, config, now),
        mailboxes=[_mailbox(shop, by_name, now) for shop in config.shops if shop.mailbox is not None],
        post_folders=[_post_folder(store, shop, by_name, now) for shop in config.shops if shop.post_folder is not None],
        effects=list(_effects(store, now)),
        cases={shop.id: _cases(store, shop, now) for shop in config.shops},
        without_draft=known.without_draft(),
        not_delivered=[one for shop in config.shops for one in known.not_delivered(shop.id, since, SENDING)],
        uncertain=list(filter(None, known.uncertain(since, SENDING))),
        disputed=[case.reference for case in store.dossiers.in_dispute()],
        undeliverable=known.undeliverable(),
        notices_waiting=known.count_waiting(),
        notices=[line for shop in config.shops for line in _notices(store, shop, now)],
        free_mb=free_mb(config),
        database=store.engine.dialect.name,
        schema=current_revision(store.engine) or "",
    )


def _mailbox(shop: Shop, beats: dict[str, Heartbeat], now: datetime) -> MailboxLine:
    beat = beats.get(f"mailbox {shop.id}")
    last = beat.good_at if beat else None
    lag = max(0, int((now - last).total_seconds())) if last else None
    return MailboxLine(shop.id, last, lag, beat.trouble if beat else "")


def _post_folder(store: Store, shop: Shop, beats: dict[str, Heartbeat], now: datetime) -> PostLine:
    midnight = datetime.combine(now.astimezone(shop.zone).date(), time(0), shop.zone)
    counts = store.letters.counts(shop.id, POST, midnight)
    beat = beats.get(f"post folder {shop.id}")
    trouble, waiting, looked = beat.trouble if beat else "", None, None
    if shop.post_folder is not None:
        try:
            # The page for the clerk is written anew at each look.
            looked = datetime.fromtimestamp((shop.post_folder.path / STATUS).stat().st_mtime, now.tzinfo)
            waiting = PostSource(shop.post_folder).waiting().count
        except OSError as error:
            trouble = trouble or ("" if isinstance(error, FileNotFoundError) else str(error.strerror))
    return PostLine(shop.id, looked, waiting, counts["working"], counts["done"], counts["failed"], trouble)


def _effects(store: Store, now: datetime) -> Iterator[EffectLine]:
    counted = store.notices.effects()
    for kind in dict.fromkeys(one.kind for one in counted):
        mine = [one for one in counted if one.kind == kind]
        oldest = min((one.oldest for one in mine if one.state in UNDONE), default=None)
        by_state: Counter[EffectState] = Counter()
        for one in mine:
            by_state[one.state] += one.count
        yield EffectLine(
            kind,
            sum(by_state[state] for state in UNDONE),
            by_state[EffectState.FAILED],
            by_state[EffectState.UNCERTAIN],
            max(0, int((now - oldest).total_seconds())) if oldest else None,
        )


def _cases(store: Store, shop: Shop, now: datetime) -> dict[str, int]:
    today = now.astimezone(shop.zone).date()
    ready = {case.id for _, case in store.letters.answers_to_post(shop.id)}
    near = Counter(
        nearness(case.post_by or case.due_on, today, shop.calendar)
        for case in store.list_cases(shop.id)
        if case.id not in ready
    )
    return {**{group.value: near[group] for group in Nearness}, TO_POST: len(ready)}


def _notices(store: Store, shop: Shop, now: datetime) -> list[NoticeLine]:
    """What the manager of a shop that sends no mail has to see here."""
    if shop.outgoing is not None and shop.notices.send:
        return []
    found = store.notices.since(shop.id, now - NOT_SENT_FOR)
    references = store.notices.references([notice.case_id for notice in found if notice.case_id is not None])
    return [
        NoticeLine(shop.id, references.get(notice.case_id or 0, ""), notice.text, notice.made_at) for notice in found
    ]


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in value.items()}
