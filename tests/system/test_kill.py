"""SIGKILL: at each boundary between two durable steps, and at random while mail keeps arriving.

Whatever is killed and whenever: every mail and scan has exactly one fate, every opened case one draft in Drafts, and
none is doubled. On SQLite and on PostgreSQL, against a real Dovecot.
"""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from intake.demo.samples import seed_letters
from storage.originals import Originals
from tests.builders import MONDAY, mail
from tests.servers import Dovecot, wait_until
from tests.system.installation import Installation

BOUNDARIES = (
    "original written",
    "rows committed",
    "source touched",
    "processed",
    "draft appended",
    "effect marked done",
)
LETTERS = 3
RANDOM_KILLS = int(os.environ.get("INTAKE_TEST_KILLS", "4"))
# A start takes seconds: `make test` kills at each boundary on the one, and at random on the other; `make soak` all.
SOAK = "INTAKE_TEST_KILLS" in os.environ
AT_WORK = RANDOM_KILLS // 2


class Customers(threading.Thread):
    """Customers whose mails keep arriving until `stop` is set, or `most` have."""

    def __init__(self, dovecot: Dovecot, user: str, most: int, pause: float) -> None:
        super().__init__(daemon=True)
        self._client = dovecot.client(user)
        self._most, self._pause = most, pause
        self.stop, self.awake = threading.Event(), threading.Event()
        self.awake.set()
        self.sent = 0

    def run(self) -> None:
        while self.sent < self._most and not self.stop.wait(self._pause):
            self.awake.wait()
            raw = mail(message_id=f"<m{self.sent}@example.com>", sender=f"Klant <k{self.sent}@example.com>")
            self._client.append("INBOX", raw)
            self.sent += 1
        self._client.logout()


@pytest.mark.system
@pytest.mark.parametrize("database", ["sqlite", "postgresql"] if SOAK else ["sqlite"], indirect=True)
def test_killed_at_each_boundary_in_turn_nothing_is_lost_and_nothing_doubled(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    installation = Installation(dovecot, mail_user, database, tmp_path)
    client = dovecot.client(mail_user)
    for count, boundary in enumerate(BOUNDARIES):
        for number in (2 * count, 2 * count + 1):
            client.append("INBOX", mail(message_id=f"<m{number}@example.com>", sender=f"Klant <k{number}@example.com>"))
        process = installation.start(boundary, "1")
        assert process.wait(180) == -signal.SIGKILL, (tmp_path / "log").read_text()[-3000:]
    client.logout()
    installation.finish()
    installation.check(mails=2 * len(BOUNDARIES), letters=0)


@pytest.mark.system
@pytest.mark.parametrize("database", ["sqlite", "postgresql"] if SOAK else ["postgresql"], indirect=True)
@pytest.mark.timeout(500 + 40 * RANDOM_KILLS)
def test_killed_at_random_while_mail_arrives_nothing_is_lost_and_nothing_doubled(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("INTAKE_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    installation = Installation(dovecot, mail_user, database, tmp_path)
    seed_letters(installation.post / "incoming", MONDAY)
    customers = Customers(dovecot, mail_user, most=5000, pause=0.4)
    customers.start()
    hits = 0
    for _ in range(RANDOM_KILLS):
        before = _steps_done(installation)
        customers.awake.set()
        process = installation.start()
        wait_until(lambda before=before: _steps_done(installation) != before, "the first step after a start", 60)
        time.sleep(chance.uniform(0, 2.5))
        process.kill()
        process.wait()
        # They sleep while nothing runs, or a slow machine would have more to do from kill to kill.
        customers.awake.clear()
        hits += _unfinished(installation) > 0
    customers.stop.set()
    customers.awake.set()
    customers.join()
    print(f"{hits} of {RANDOM_KILLS} kills hit work in progress, {customers.sent} mails")
    assert hits >= AT_WORK, f"seed {seed}"
    installation.finish()
    installation.check(mails=customers.sent, letters=LETTERS)


def _steps_done(installation: Installation) -> int:
    """Something that grows whenever a step is done."""
    store = installation.store()
    try:
        return len(store.list_arrivals()) + sum(store.fates().values())
    finally:
        store.engine.dispose()


def _unfinished(installation: Installation) -> int:
    """What a kill left half done: originals without a row, rows without a fate, effects that have not happened."""
    store = installation.store()
    try:
        counts = store.counts()
        held = {line.arrival.sha256 for line in store.list_arrivals()}
        held |= {line.arrival.record["sha256"] for line in store.list_arrivals() if line.arrival.record}
        orphans = set(Originals(installation.data / "originals")) - held
        return counts["arrivals_waiting"] + counts["effects_waiting"] + len(orphans)
    finally:
        store.engine.dispose()
