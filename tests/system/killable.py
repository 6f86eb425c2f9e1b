"""Runs Intake's service as a process that a test kills: at a named checkpoint, or from outside at any moment.

    python -m tests.system.killable CONFIG_JSON [CHECKPOINT COUNT]

With a checkpoint, the process sends itself SIGKILL when that checkpoint is passed for the COUNTth time. It does what
the service does, in one thread and without pauses, and ends by itself once everything is done and delivered and the
file `stop` lies in the data folder.
"""

import json
import os
import signal
import sys
import time

import structlog

from intake.bootstrap import build, sole_process
from intake.config import Config
from intake.errors import IntakeError
from intake.imap import connect
from intake.pipeline import House, deliver, process, receive_mail, receive_sent, recognise, send, watch_post
from intake.sources.mailbox import MailboxSource
from intake.sources.post import PostSource
from storage.database import open_engine


class Killer:
    """The checkpoint that ends the process."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._left = count

    def __call__(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    settings, *kill = sys.argv[1:]
    config = Config.model_validate(json.loads(settings))
    killer = Killer(kill[0], int(kill[1])) if kill else Killer("", 0)
    config.data.mkdir(parents=True, exist_ok=True)
    with (
        sole_process(open_engine(config.database_url), config),
        build(config, checkpoint=killer, log=structlog.testing.CapturingLogger()) as house,
    ):
        _work(house)


def _work(house: House) -> None:
    (shop,) = house.config.shops
    assert shop.mailbox is not None
    assert shop.post_folder is not None
    mails, post = MailboxSource(shop.mailbox, shop.zone), PostSource(shop.post_folder)
    post.prepare()
    session = connect(shop.mailbox)
    stop = house.config.data / "stop"
    while True:
        last_round = stop.exists()
        try:
            done = receive_sent(house, shop, shop.mailbox, session) + receive_mail(house, shop, mails, session)
        except IntakeError:
            session = connect(shop.mailbox)
            continue
        done += watch_post(house, shop, post) + recognise(house) + process(house)
        done += send(house, shop) + deliver(house, shop)
        counts = house.store.counts()
        idle = not (done or counts["arrivals_waiting"] or counts["effects_waiting"] or post.waiting() or post.batches())
        if last_round and idle:
            session.close()
            return
        if idle:
            time.sleep(0.01)


if __name__ == "__main__":
    main()
