"""An installation that runs as a process of its own, so that a test can kill it and see what it left."""

import email
import subprocess
import sys
from collections import Counter
from pathlib import Path

from storage.database import open_engine
from storage.models import Case
from storage.store import Store
from tests.builders import mailbox_settings, make_config, post_settings, shop_settings
from tests.servers import Dovecot

ROOT = Path(__file__).resolve().parents[2]


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

    def finish(self, seconds: float = 300) -> None:
        """Run until everything is done."""
        (self.data / "stop").touch()
        process = self.start()
        try:
            assert process.wait(seconds) == 0, (self.folder / "log").read_text()[-3000:]
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
