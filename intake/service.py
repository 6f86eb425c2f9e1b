"""The running system: a watcher thread for each mailbox, timed jobs for the rest, heartbeats, and a clean stop.

    watcher (one a mailbox, owns its connection) ── receive ──┐
    post folder (one a shop)                     ── receive ──┼─► process (one) ─► deliver (one a shop)
                                                              └─ wakes it

A slow server delays only its own mailbox. A job's failure is logged, its heartbeat says so, and it is tried again;
nothing here ends the service but a stop.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from intake.config import Mailbox, Shop
from intake.errors import IntakeError
from intake.imap import Session, connect
from intake.pipeline import House, deliver, process, receive_mail, receive_post
from intake.sources.mailbox import MailboxSource
from intake.sources.post import PostSource
from storage.errors import StorageError

LOOK_SECONDS = 5.0
WORK_SECONDS = 2.0
HEARTBEAT_SECONDS = 30.0
LONGEST_PAUSE = 300.0
STOP_SECONDS = 4.0


class Watcher(threading.Thread):
    """Polls one mailbox over a connection that it alone uses, and keeps it open between polls."""

    def __init__(self, house: House, shop: Shop, mailbox: Mailbox, on_new: Callable[[], None]) -> None:
        super().__init__(name=f"mailbox {shop.id}", daemon=True)
        self._house = house
        self._shop = shop
        self._mailbox = mailbox
        self._source = MailboxSource(mailbox, shop.zone)
        self._on_new = on_new
        self._stopping = threading.Event()
        self._session: Session | None = None

    def run(self) -> None:
        """Poll until stopped. After a failure the pauses grow, with some chance in them so that many do not knock
        at once."""
        failures = 0
        while not self._stopping.is_set():
            failures = 0 if self._poll() else failures + 1
            pause = self._mailbox.poll_seconds
            if failures:
                pause = min(pause * 2 ** (failures - 1), LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
            self._stopping.wait(pause)
        if self._session is not None:
            self._session.close()

    def stop(self) -> None:
        """Ask the thread to end, and end a read that it waits for."""
        self._stopping.set()
        if self._session is not None:
            self._session.abort()

    def _poll(self) -> bool:
        name = f"mailbox {self._shop.id}"
        try:
            if self._session is None:
                self._session = connect(self._mailbox)
            new = receive_mail(self._house, self._shop, self._source, self._session)
            self._house.store.beat(name, self._house.clock())
        except (IntakeError, StorageError) as error:
            self._failed(name, str(error))
            return False
        except Exception as error:
            self._house.log.error("mailbox failed", shop=self._shop.id, exc_info=error)
            self._failed(name, f"{type(error).__name__}: {error}")
            return False
        if new:
            self._on_new()
        return True

    def _failed(self, name: str, trouble: str) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.abort()
        if self._stopping.is_set():
            return
        self._house.log.warning("mailbox cannot be polled", shop=self._shop.id, problem=trouble)
        _beat(self._house, name, trouble)


class Service:
    """All of it. `start`, then `stop`."""

    def __init__(self, house: House) -> None:
        self._house = house
        shops = house.config.shops
        self._watchers = [Watcher(house, shop, shop.mailbox, self._wake) for shop in shops if shop.mailbox is not None]
        self._pool = ThreadPoolExecutor(2 * len(shops) + 4)
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(executors={"default": self._pool}, job_defaults=defaults, timezone=UTC)

    def start(self) -> None:
        """Start the threads and the jobs. Raises `ConfigError` where a post folder cannot be used."""
        house = self._house
        for shop in house.config.shops:
            if shop.post_folder is not None:
                self._watch_post(shop, PostSource(shop.post_folder))
            self._every(WORK_SECONDS, f"deliver {shop.id}", partial(deliver, house, shop))
        self._every(WORK_SECONDS, "process", self._process)
        self._every(HEARTBEAT_SECONDS, "heartbeat", lambda: house.store.beat("service", house.clock()))
        self._scheduler.start()
        for watcher in self._watchers:
            watcher.start()
        house.log.info("started", shops=len(house.config.shops), mailboxes=len(self._watchers))

    def stop(self) -> bool:
        """Stop within seconds. False where something did not end in time: it is resumed at the next start."""
        deadline = time.monotonic() + STOP_SECONDS
        for watcher in self._watchers:
            watcher.stop()
        self._scheduler.shutdown(wait=False)
        for watcher in self._watchers:
            watcher.join(max(0.0, deadline - time.monotonic()))
        clean = self._idle(deadline) and not any(watcher.is_alive() for watcher in self._watchers)
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
            if receive_post(self._house, shop, source):
                self._wake()

        self._every(seconds, f"post folder {shop.id}", look)

    def _process(self) -> None:
        if process(self._house):
            for shop in self._house.config.shops:
                self._run_now(f"deliver {shop.id}")

    def _every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        self._scheduler.add_job(
            self._guarded(name, job),
            "interval",
            seconds=seconds,
            id=name,
            name=name,
            next_run_time=datetime.now(UTC),
        )

    def _guarded(self, name: str, job: Callable[[], object]) -> Callable[[], None]:
        """A job that fails is logged and comes again; APScheduler never sees its error."""
        trouble = ""

        def run() -> None:
            nonlocal trouble
            try:
                job()
            except Exception as error:
                trouble = str(error) or type(error).__name__
                known = isinstance(error, IntakeError | StorageError)
                self._house.log.error("job failed", job=name, problem=trouble, exc_info=None if known else error)
                _beat(self._house, name, trouble)
            else:
                if trouble:
                    trouble = ""
                    _beat(self._house, name, "")

        return run

    def _wake(self) -> None:
        self._run_now("process")

    def _run_now(self, job_id: str) -> None:
        if self._scheduler.running:
            self._scheduler.modify_job(job_id, next_run_time=datetime.now(UTC))


def _beat(house: House, name: str, trouble: str) -> None:
    """Note a part's trouble, unless it is the database itself that is away."""
    try:
        house.store.beat(name, house.clock(), trouble)
    except StorageError as error:
        house.log.error("heartbeat cannot be stored", part=name, problem=str(error))
