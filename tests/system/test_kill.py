"""SIGKILL: at each boundary between two durable steps, and at random while mail keeps arriving.

Whatever is killed and whenever: every mail and scan has exactly one fate, every opened case one draft in Drafts, and
none is doubled. On SQLite and on PostgreSQL, against a real Dovecot.
"""

import email
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from intake.demo.samples import seed_letters
from storage.database import migrate, open_engine
from storage.models import Case
from storage.originals import Originals
from storage.store import Store
from tests.builders import MONDAY, mail, mailbox_settings, make_config, post_settings, shop_settings
from tests.servers import Dovecot, wait_until

ROOT = Path(__file__).resolve().parents[2]
BOUNDARIES = (
    "original written",
    "rows committed",
    "source touched",
    "processed",
    "draft appended",
    "effect marked done",
)
LETTERS = 3
RANDOM_KILLS = int(os.environ.get("INTAKE_TEST_KILLS", "12"))
AT_WORK = RANDOM_KILLS * 3 // 5


class Installation:
    """An Intake that runs as a process on a mailbox and a post folder."""

    def __init__(self, dovecot: Dovecot, user: str, database: str, folder: Path) -> None:
        self.dovecot, self.user, self.folder = dovecot, user, folder
        self.database = database
        self.data = folder / "data"
        self.data.mkdir()
        self.post = folder / "post"
        shop = shop_settings(mailbox=mailbox_settings(dovecot.port, user), post_folder=post_settings(self.post))
        config = make_config(self.data, database, [shop])
        dumped = config.model_copy(update={"shops": ()}).model_dump_json()
        self.settings = dumped.replace('"shops":[]', f'"shops":[{_with_password(config.shops[0].model_dump_json())}]')

    def start(self, *kill: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.system.killable", self.settings, *kill]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def finish(self) -> None:
        """Run until everything is done."""
        (self.data / "stop").touch()
        process = self.start()
        try:
            assert process.wait(120) == 0, (self.folder / "log").read_text()[-3000:]
        finally:
            process.kill()
            process.wait()

    def store(self) -> Store:
        return Store(open_engine(self.database))

    def check(self, mails: int, letters: int) -> None:
        """The promise: each arrival one fate, each case one draft, nothing doubled, no scan left behind."""
        store = self.store()
        lines = store.list_arrivals()
        assert Counter(line.message.fate.value if line.message else "waiting" for line in lines) == Counter(
            {"opened": mails + letters}
        )
        sources = Counter(line.message.message_id for line in lines if line.message)
        assert set(sources.values()) == {1}
        cases = store.list_cases()
        assert sorted(case.reference for case in cases) == [f"SIS-{n}" for n in _numbers(cases)]
        tokens = {draft.token for draft in store.drafts_of_cases([case.id or 0 for case in cases]).values()}
        assert len(tokens) == mails + letters
        assert Counter(self.drafts()) == Counter(dict.fromkeys(tokens, 1))
        assert not list((self.post / "processing").iterdir())
        done = [path for path in (self.post / "done").rglob("*__*") if path.suffix in (".pdf", ".jpg")]
        assert len(done) == letters
        assert len(list((self.post / "drafts").glob("*.pdf"))) == letters
        store.engine.dispose()

    def drafts(self) -> list[str]:
        client = self.dovecot.client(self.user)
        client.select_folder("Drafts", readonly=True)
        uids = client.search()
        found = client.fetch(uids, ["BODY.PEEK[HEADER]"]) if uids else {}
        client.logout()
        return [str(email.message_from_bytes(data[b"BODY[HEADER]"])["Message-ID"]) for data in found.values()]


def _with_password(shop: str) -> str:
    return shop.replace('"password":"**********"', f'"password":"{Dovecot.PASSWORD}"')


def _numbers(cases: list[Case]) -> list[str]:
    """The references without holes, whichever year a case was numbered in."""
    years = Counter(case.reference.split("-")[1] for case in cases)
    return sorted(f"{year}-{number:04d}" for year, count in years.items() for number in range(1, count + 1))


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
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_a_boundary_nothing_is_lost_and_nothing_doubled(
    boundary: str, dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    installation = Installation(dovecot, mail_user, database, tmp_path)
    seed_letters(installation.post / "incoming", MONDAY)
    customers = Customers(dovecot, mail_user, most=12, pause=0.02)
    customers.start()
    for count in (1, 2):
        process = installation.start(boundary, str(count))
        assert process.wait(90) == -signal.SIGKILL, (tmp_path / "log").read_text()[-3000:]
        if count == 1:
            client = dovecot.client(mail_user)
            client.append("INBOX", mail(message_id="<later@example.com>", sender="Later <later@example.com>"))
            client.append("INBOX", mail(message_id="<latest@example.com>", sender="Latest <latest@example.com>"))
            client.logout()
    customers.join()
    installation.finish()
    installation.check(mails=14, letters=LETTERS)


@pytest.mark.system
@pytest.mark.timeout(120 + 40 * RANDOM_KILLS)
def test_killed_at_random_while_mail_arrives_nothing_is_lost_and_nothing_doubled(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("INTAKE_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    installation = Installation(dovecot, mail_user, database, tmp_path)
    migrate(installation.store().engine, None, MONDAY)
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
