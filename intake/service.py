"""The running system: a watcher thread for each mailbox, timed jobs for the rest, heartbeats, and a clean stop.

    watcher (one a mailbox, owns its connection) ── receive ──┐
    post folder (one a shop)  ── receive ─► recognise (one) ──┼─► process (one) ─┬─► deliver (one a shop)
                                                              └─ wakes it       └─► send (one a shop)
    timed jobs: what the manager is told of dates, the calendar file, each month what the promise was worth, each night
    what is to be forgotten; a thread beside them raises the alarms, also the one that they stand still

A watcher waits in IDLE where the server offers it, and polls all the same. A slow server delays only its own mailbox.
A job's failure is logged, its heartbeat says so, and it is tried again; nothing here ends the service but a stop.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from intake.alarms import SERVICE, raise_alarms, tell_operator
from intake.bootstrap import TEMPLATES
from intake.config import Mailbox, Shop
from intake.errors import IntakeError
from intake.guarantee import keep_months
from intake.imap import Session, connect
from intake.loops import Crew, Loop
from intake.pipeline import (
    AnswerWatch,
    House,
    deliver,
    keep_awake,
    keep_calendar,
    keep_retention,
    process,
    receive_mail,
    recognise,
    send,
    watch_post,
)
from intake.publishing.monthly import MonthlyPages
from intake.sources.mailbox import MailboxSource
from intake.sources.post import PostSource
from storage.errors import StorageError

LOOK_SECONDS = 5.0
WORK_SECONDS = 5.0
HEARTBEAT_SECONDS = 30.0
NOTICE_SECONDS = 30.0
CALENDAR_SECONDS = 60.0
PUBLISH_SECONDS = 600.0
RETENTION_SECONDS = 300.0
MEASURE_SECONDS = 3600.0
LONGEST_PAUSE = 300.0
STOP_SECONDS = 4.0
# RFC 2177 says 29 minutes; routers and servers forget a quiet connection sooner.
IDLE_SECONDS = 540.0
IDLE_TRIES = 3
WAITS_WITHOUT_IDLE = 30


class Watcher(threading.Thread):
    """Watches one mailbox over a connection that it alone uses, and keeps it open."""

    def __init__(self, house: House, shop: Shop, mailbox: Mailbox, on_new: Callable[[], None]) -> None:
        super().__init__(name=f"mailbox {shop.id}", daemon=True)
        self._house = house
        self._shop = shop
        self._mailbox = mailbox
        self._source = MailboxSource(mailbox, shop.zone)
        self._answers = AnswerWatch(house, shop, mailbox)
        self._on_new = on_new
        self._stopping = threading.Event()
        self._session: Session | None = None
        self._idle_failures = 0
        self._plain_waits = 0

    def run(self) -> None:
        """Poll until stopped. After a failure the pauses grow, with some chance in them so that many do not knock
        at once."""
        failures = 0
        while not self._stopping.is_set():
            failures = 0 if self._guarded(self._poll) else failures + 1
            if failures:
                pause = min(self._mailbox.poll_seconds * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
                self._stopping.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
            elif not self._guarded(self._wait):
                failures = 1
                self._stopping.wait(random.uniform(0.1, 1.0))  # noqa: S311 - no secret
        if self._session is not None:
            self._session.close()

    def stop(self) -> None:
        """Ask the thread to end, and end a read that it waits for."""
        self._stopping.set()
        if self._session is not None:
            self._session.abort()

    def _poll(self) -> None:
        if self._session is None:
            self._session = connect(self._mailbox)
        receive_mail(self._house, self._shop, self._source, self._session, self._on_new)
        if self._answers.look(self._session):
            self._on_new()
        # Once more: IDLE watches the folder that was opened last.
        receive_mail(self._house, self._shop, self._source, self._session, self._on_new)
        self._house.store.beat(self.name, self._house.clock(), self._answers.trouble)

    def _wait(self) -> None:
        """Until something has happened in the mailbox, or it is time to poll."""
        session, seconds = self._session, self._mailbox.poll_seconds
        if session is None or not self._may_idle() or not session.can_idle:
            self._stopping.wait(seconds)
            return
        self._idle_failures += 1
        session.wait_for_change(min(seconds, IDLE_SECONDS))
        self._idle_failures = 0

    def _may_idle(self) -> bool:
        """Not for a while where a server offers IDLE and breaks it each time: it would be signed in to for ever."""
        if self._mailbox.idle and self._idle_failures >= IDLE_TRIES:
            self._plain_waits += 1
            if self._plain_waits >= WAITS_WITHOUT_IDLE:
                self._idle_failures = self._plain_waits = 0
        return self._mailbox.idle and self._idle_failures < IDLE_TRIES

    def _guarded(self, job: Callable[[], None]) -> bool:
        """Whether it went well. What goes wrong is this mailbox's alone."""
        try:
            job()
        except (IntakeError, StorageError) as error:
            self._failed(str(error))
            return False
        except Exception as error:
            self._house.log.error("mailbox failed", shop=self._shop.id, exc_info=error)
            self._failed(f"{type(error).__name__}: {error}")
            return False
        return True

    def _failed(self, trouble: str) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.abort()
            session.close()
        if self._stopping.is_set():
            return
        self._house.log.warning("mailbox cannot be polled", shop=self._shop.id, problem=trouble)
        _beat(self._house, self.name, trouble)


class Service:
    """All of it. `start`, then `stop`."""

    def __init__(self, house: House) -> None:
        self._house = house
        shops = house.config.shops
        self._stopping = threading.Event()
        self._troubled: set[str] = set()
        self._processor = Loop("process", self._guarded("process", self._process), WORK_SECONDS)
        self._reader = Loop("recognise", self._guarded("recognise", self._recognise), WORK_SECONDS)
        deliveries = {shop.id: partial(deliver, house, shop) for shop in shops}
        self._couriers = Crew({name: self._guarded(f"deliver {name}", job) for name, job in deliveries.items()})
        mails = {shop.id: partial(send, house, shop) for shop in shops}
        self._senders = Crew({name: self._guarded(f"send {name}", job) for name, job in mails.items()})
        self._dispatcher = Loop("dispatch", self._guarded("dispatch", self._dispatch), WORK_SECONDS)
        self._watchers = [
            Watcher(house, shop, shop.mailbox, self._processor.wake) for shop in shops if shop.mailbox is not None
        ]
        self._watchman = Loop("alarms", self._guarded("alarms", self._watch), HEARTBEAT_SECONDS)
        self._pool = ThreadPoolExecutor(2 * len(shops) + 4)
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(executors={"default": self._pool}, job_defaults=defaults, timezone=UTC)

    def start(self) -> None:
        """Start the threads and the jobs. Raises `ConfigError` where a post folder cannot be used."""
        house = self._house
        for shop in house.config.shops:
            if shop.post_folder is not None:
                self._watch_post(shop, PostSource(shop.post_folder))
            self._every(NOTICE_SECONDS, f"notices {shop.id}", partial(self._tell, shop))
            self._every(CALENDAR_SECONDS, f"calendar {shop.id}", partial(keep_calendar, house, shop))
        self._every(MEASURE_SECONDS, "guarantees", self._measure)
        if house.config.guarantees.publish is not None:
            pages = MonthlyPages(house.store, house.config, TEMPLATES, house.clock)
            self._every(PUBLISH_SECONDS, "badges", pages.keep)
        # Before anybody looks: the last one may be of a run that ended long ago.
        _beat(house, SERVICE, "")
        self._every(HEARTBEAT_SECONDS, "heartbeat", self._heartbeat)
        self._every(RETENTION_SECONDS, "erasing", self._forget)
        self._scheduler.start()
        house.examiner.warm_up()
        for thread in (self._reader, self._processor, self._dispatcher, self._watchman, *self._watchers):
            thread.start()
        house.log.info("started", shops=len(house.config.shops), mailboxes=len(self._watchers))

    def stop(self) -> bool:
        """Stop within seconds. False where something did not end in time: it is resumed at the next start."""
        deadline = time.monotonic() + STOP_SECONDS
        self._stopping.set()
        loops = [self._reader, self._processor, self._dispatcher, self._watchman]
        threads: list[Watcher | Loop] = [*self._watchers, *loops]
        for thread in threads:
            thread.stop()
        self._house.recogniser.close()
        self._scheduler.shutdown(wait=False)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        crews = [crew.stop(max(0.0, deadline - time.monotonic())) for crew in (self._couriers, self._senders)]
        clean = all(crews)
        clean = self._idle(deadline) and clean and not any(thread.is_alive() for thread in threads)
        self._house.log.info("stopped", clean=clean)
        return clean

    def _idle(self, deadline: float) -> bool:
        """Whether the jobs in progress end before the deadline."""
        waiter = threading.Thread(target=self._pool.shutdown, kwargs={"wait": True}, daemon=True)
        waiter.start()
        waiter.join(max(0.0, deadline - time.monotonic()))
        return not waiter.is_alive()

    def _watch_post(self, shop: Shop, source: PostSource) -> None:
        source.prepare()
        seconds = min(LOOK_SECONDS, max(0.5, source.settings.stable_seconds / source.settings.stable_looks))

        def look() -> None:
            if watch_post(self._house, shop, source):
                self._reader.wake()
                self._processor.wake()

        self._every(seconds, f"post folder {shop.id}", look)

    def _process(self) -> None:
        process(self._house, self._settled)

    def _recognise(self) -> None:
        recognise(self._house, self._processor.wake, self._stopping.is_set)

    def _settled(self) -> bool:
        """After a batch: its drafts are delivered while the next is settled, unless the service stops."""
        self._dispatcher.wake()
        return self._stopping.is_set()

    def _dispatch(self) -> None:
        self._senders.run(self._house.store.sending.shops_to_send(self._house.clock()))
        self._couriers.run(self._house.store.shops_with_effects(self._house.clock()))

    def _heartbeat(self) -> None:
        self._house.store.beat(SERVICE, self._house.clock())

    def _forget(self) -> None:
        if keep_retention(self._house, self._stopping.is_set):
            self._dispatcher.wake()

    def _measure(self) -> None:
        house = self._house
        kept = keep_months(house.store, house.config.shops, house.guarantees, house.clock())
        if kept:
            house.log.info("guarantees measured", results=kept)

    def _watch(self) -> None:
        raise_alarms(self._house)
        if tell_operator(self._house):
            self._dispatcher.wake()

    def _tell(self, shop: Shop) -> None:
        keep_awake(self._house, shop)
        self._dispatcher.wake()

    def _every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        run = self._guarded(name, job)
        self._scheduler.add_job(run, "interval", seconds=seconds, id=name, name=name, next_run_time=datetime.now(UTC))

    def _guarded(self, name: str, job: Callable[[], object]) -> Callable[[], None]:
        """A job that fails is logged, its heartbeat says so until it works again, and it comes again."""

        def run() -> None:
            try:
                job()
            except Exception as error:
                known = isinstance(error, IntakeError | StorageError)
                self._house.log.error("job failed", job=name, problem=str(error), exc_info=None if known else error)
                self._troubled.add(name)
                _beat(self._house, name, str(error) or type(error).__name__)
            else:
                if name in self._troubled:
                    self._troubled.discard(name)
                    _beat(self._house, name, "")

        return run


def _beat(house: House, name: str, trouble: str) -> None:
    """Note a part's trouble, unless it is the database itself that is away."""
    try:
        house.store.beat(name, house.clock(), trouble)
    except StorageError as error:
        house.log.error("heartbeat cannot be stored", part=name, problem=str(error))
