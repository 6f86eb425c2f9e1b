"""What the operator must know of: mailboxes that are not polled, tokens that died, effects that are stuck or failed,
letters that nobody posted, a full disk, and a scheduler that stands still.

`find_alarms` looks at what is stored and at the disk, with `now` as an argument; `raise_alarms` has the operator told,
once when an alarm begins and once when it is over. That it is known stands in the database: a restart repeats nothing.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from intake.config import Config, Shop
from intake.pipeline.effects import SENDING
from intake.pipeline.house import House
from intake.pipeline.notifying import store_mail
from storage.models import EffectState, Heartbeat, Notice, RaisedAlarm
from storage.store import Store

NOT_POLLED_AFTER = timedelta(minutes=15)
STUCK_AFTER = timedelta(hours=1)
DEAD_AFTER = timedelta(minutes=5)
# How long a mail that failed is an alarm once its case is no longer open.
FAILED_FOR = timedelta(days=1)
SERVICE = "service"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that needs a person: what it is about (`mailbox sis`), what happened, and what to do. `kind` tells
    several alarms about one thing apart."""

    about: str
    what: str
    next_step: str
    kind: str = ""

    @property
    def key(self) -> str:
        """What stays the same while it lasts: counts and reasons may change."""
        return f"{self.about}: {self.kind}"

    def __str__(self) -> str:
        return f"{self.about}: {self.what} {self.next_step}".strip()


def find_alarms(store: Store, config: Config, now: datetime) -> list[Alarm]:
    """Everything that needs a person now, mailboxes first."""
    beats = {beat.name: beat for beat in store.heartbeats()}
    return [
        *_mailboxes(beats, config, now),
        *_service(beats.get(SERVICE), now),
        *_processing(store, now),
        *_delivery(store, now),
        *_letters(store, config, now),
        *_disk(config),
    ]


def raise_alarms(house: House) -> list[Alarm]:
    """Have the operator told of the alarms that are new and of those that are over; the new ones. Raises
    `StorageError`."""
    now = house.clock()
    present = {alarm.key: alarm for alarm in find_alarms(house.store, house.config, now)}
    known = {alarm.key: alarm for alarm in house.store.notices.raised()}
    new = [alarm for key, alarm in present.items() if key not in known]
    over = [alarm for key, alarm in known.items() if key not in present]
    for alarm in new:
        house.log.error("alarm", about=alarm.about, problem=alarm.what, next_step=alarm.next_step)
    for raised in over:
        house.log.info("alarm over", about=raised.key.partition(": ")[0], problem=raised.what)
    if new or over:
        begun = [
            RaisedAlarm(key=alarm.key, what=f"{alarm.about}: {alarm.what}", next_step=alarm.next_step, since=now)
            for alarm in new
        ]
        notices = [_notice("alarm", one, f"{one.what} {one.next_step}".strip(), now) for one in begun]
        notices += [_notice("over", one, f"Over: {one.what}", now) for one in over]
        house.store.notices.change_raised(begun, [one.key for one in over], notices)
        house.checkpoint("alarms noted")
    return new


def tell_operator(house: House) -> int:
    """Store one mail to the operator about what waits to be told; how many are told. Without an address, or without a
    server to send by, the log has said it."""
    now, operator = house.clock(), house.config.operator
    waiting = house.store.notices.waiting("")
    if not waiting:
        return 0
    shop = _postman(house.config)
    mail = None
    if operator.address is not None and shop is not None:
        key = f"operator:{waiting[0].id}-{waiting[-1].id}"
        text = "\n".join(f"- {notice.text}" for notice in waiting)
        page = f"{text}\n\n`intake status` shows how everything is doing.\n"
        mail = store_mail(house, shop, [operator.address], key, (_subject(waiting), page))
    house.store.notices.tell(waiting, mail, now)
    return len(waiting)


def _postman(config: Config) -> Shop | None:
    """The shop by whose server the operator is told."""
    if config.operator.shop:
        return config.shop(config.operator.shop)
    return next((shop for shop in config.shops if shop.outgoing is not None), None)


def _subject(waiting: list[Notice]) -> str:
    begun = [notice for notice in waiting if notice.kind == "alarm"]
    over = len(waiting) - len(begun)
    if len(waiting) == 1:
        about = waiting[0].text.removeprefix("Over: ").partition(": ")[0]
        return f"Intake: {about} needs you" if begun else f"Intake: {about} is well again"
    told = [f"{len(begun)} need you"] if begun else []
    return f"Intake: {', '.join([*told, *([f'{over} over'] if over else [])])}"


def _notice(kind: str, alarm: RaisedAlarm, text: str, now: datetime) -> Notice:
    key = f"{kind}:{alarm.key}:{alarm.since.isoformat()}"
    return Notice(key=key, shop="", kind=kind, text=text, urgent=True, made_at=now)


def _mailboxes(beats: dict[str, Heartbeat], config: Config, now: datetime) -> Iterator[Alarm]:
    for shop in config.shops:
        beat = beats.get(f"mailbox {shop.id}")
        if shop.mailbox is not None and beat is not None:
            yield from _mailbox(beat, shop, now)


def _mailbox(beat: Heartbeat, shop: Shop, now: datetime) -> Iterator[Alarm]:
    """A mailbox that was read too long ago. One that was never read counts from its first trouble."""
    about = f"mailbox {shop.id}"
    since = beat.good_at or beat.trouble_since
    if beat.trouble and f"intake auth {shop.id}" in beat.trouble:
        # No pause helps here: a person has to sign in again.
        yield Alarm(about, "its sign-in has ended.", beat.trouble, "token")
    elif since is not None and now - since >= NOT_POLLED_AFTER:
        minutes = int((now - since).total_seconds() // 60)
        why = beat.trouble or "Intake did not run, or could not get to it."
        yield Alarm(about, f"it was not polled for {span(minutes)}.", why, "silent")


def _service(beat: Heartbeat | None, now: datetime) -> Iterator[Alarm]:
    if beat is not None and beat.good_at is not None and now - beat.good_at >= DEAD_AFTER:
        minutes = int((now - beat.good_at).total_seconds() // 60)
        what = f"its jobs have not run for {span(minutes)}."
        yield Alarm(SERVICE, what, "Start `intake run`; where it runs, start it anew.", "dead")


def _processing(store: Store, now: datetime) -> Iterator[Alarm]:
    for shop, count in sorted(store.count_unfetchable().items()):
        what = f"{_mails(count)} cannot be had from the server."
        yield Alarm(f"mailbox {shop}", what, "Read the cases that say so there.", "unfetchable")
    stuck = store.count_stuck(now - STUCK_AFTER)
    if stuck:
        what = f"{_mails(stuck)} could not be processed for an hour or more."
        yield Alarm("processing", what, "`intake arrivals --fate waiting` says why.", "stuck")


def _delivery(store: Store, now: datetime) -> Iterator[Alarm]:
    """Effects of both kinds: drafts and files, and mail. What failed long ago about a case that is done is past."""
    counted = store.notices.effects()
    stuck = store.notices.stuck(now - STUCK_AFTER)
    waiting = sum(count for kind, count in stuck.items() if kind not in SENDING)
    sending = sum(count for kind, count in stuck.items() if kind in SENDING)
    failed = sum(one.count for one in counted if one.state is EffectState.FAILED and one.kind not in SENDING)
    if waiting:
        yield Alarm("delivery", f"{waiting} drafts or files are tried in vain.", "`intake show` says why.", "stuck")
    if failed:
        yield Alarm("delivery", f"{failed} drafts or files cannot be delivered.", "`intake show` says why.", "failed")
    if sending:
        what = f"{_mails(sending)} could not be sent for an hour or more."
        yield Alarm("sending", what, "`intake status` says why.", "stuck")
    refused = store.notices.refused(now - FAILED_FOR, SENDING)
    if refused:
        yield Alarm("sending", f"mail was refused: {_some(refused)}.", "`intake show` says why.", "failed")
    doubtful = store.notices.uncertain(now - FAILED_FOR, SENDING)
    if doubtful:
        what = f"nobody knows whether mail was sent: {_some(doubtful)}."
        yield Alarm("sending", what, "Look in Sent; it is not sent again by itself.", "uncertain")


def _letters(store: Store, config: Config, now: datetime) -> Iterator[Alarm]:
    for shop in config.shops:
        overdue = store.letters.overdue_to_post(shop.id, now.astimezone(shop.zone).date())
        if overdue:
            what = "A letter was" if overdue == 1 else f"{overdue} letters were"
            next_step = "Post what lies in outgoing/ today."
            yield Alarm(f"letters {shop.id}", f"{what} not posted by the last day.", next_step, "overdue")


def _disk(config: Config) -> Iterator[Alarm]:
    free = free_mb(config)
    least = config.operator.least_free_mb
    if free is not None and free < least:
        what = f"{free} MB are free in {config.data}, less than {least}."
        yield Alarm("disk", what, "Make room before mail cannot be stored.", "full")


def free_mb(config: Config) -> int | None:
    """The room in the data folder; None where there is no such folder yet."""
    try:
        return shutil.disk_usage(config.data).free // MEGABYTE
    except OSError:
        return None


def span(minutes: int) -> str:
    """`15 minutes`, `3 hours`, `2 days`."""
    if minutes < 120:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 60 // 24} days"


def _mails(count: int) -> str:
    return "one mail" if count == 1 else f"{count} mails"


def _some(found: list[str]) -> str:
    references = [reference or "to the manager or operator" for reference in found]
    return ", ".join(references[:3]) + (f" and {len(references) - 3} more" if len(references) > 3 else "")
