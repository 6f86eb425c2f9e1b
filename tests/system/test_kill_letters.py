"""SIGKILL among scans: at each boundary between two durable steps, and at random.

Whatever is killed and whenever: each scan has one fate and lies in one place, each case has one draft, and every note
says what is true.
"""

import os
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from storage.models import ArrivalState
from tests.post_office import TEXT, scan
from tests.servers import Dovecot
from tests.system.installation import Installation

# Those that a scan alone has; at the others mail is killed (`test_kill.py`), and `make soak` scans too.
BOUNDARIES = ("scan claimed", "recognition begun", "reading copy written", "recognised", "source touched")
SHARED = ("original written", "rows committed", "processed", "effect marked done")
SOAK = "INTAKE_TEST_SCANS" in os.environ
AT_RANDOM = int(os.environ.get("INTAKE_TEST_SCANS", "5"))
PRODUCTS = ("stofzuiger", "wasmachine", "koffiemolen", "grasmaaier", "broodrooster", "fietspomp", "lamp", "radio")

pytestmark = pytest.mark.system


def drop(installation: Installation, count: int) -> None:
    """So many letters, each of somebody else about something else."""
    incoming = installation.post / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        product = f"{PRODUCTS[number % len(PRODUCTS)]} van {' '.join(random.Random(number).sample(PRODUCTS, 5))}"
        text = (
            TEXT.replace("stofzuiger", product)
            .replace("104233", f"{700000 + number}")
            .replace("A. de", f"K{number} de")
        )
        part = incoming / f"{number}.part"
        part.write_bytes(scan(text))
        part.rename(incoming / f"{number}.pdf")


def check(installation: Installation, count: int) -> None:
    store = installation.store()
    lines = store.list_arrivals()
    cases = {case.reference: case for case in store.list_cases()}
    drafts = store.drafts_of_cases([case.id or 0 for case in cases.values()])
    store.engine.dispose()
    assert Counter(line.arrival.name for line in lines) == Counter({f"{number}.pdf": 1 for number in range(count)})
    assert {line.arrival.state for line in lines} == {ArrivalState.PROCESSED}
    assert Counter(line.message.fate.value for line in lines if line.message) == Counter({"opened": count})
    assert Counter(installation.drafts()) == Counter({draft.token: 1 for draft in drafts.values()})
    assert len(drafts) == count
    for left in ("incoming", "processing", "failed"):
        assert [path for path in (installation.post / left).rglob("*") if path.is_file()] == []
    notes = sorted((installation.post / "done").rglob("*.txt"))
    scans = sorted((installation.post / "done").rglob("*.pdf"))
    assert len(notes) == len(scans) == count
    for note, done in zip(notes, scans, strict=True):
        told = dict(re.findall(r"^(Case|Answer by) +(.+)$", note.read_text(), re.MULTILINE))
        case = cases.pop(told["Case"])
        assert told["Answer by"] == f"{case.due_on:%A %d %B %Y}"
        assert done.name.startswith(f"{case.reference}__")
        assert done.stem == note.stem
    assert cases == {}


@pytest.mark.timeout(600)
def test_killed_at_each_boundary_in_turn_each_scan_has_one_fate_and_a_true_note(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    installation = Installation(dovecot, mail_user, f"sqlite:///{tmp_path}/intake.db", tmp_path)
    boundaries = (*BOUNDARIES, *SHARED) if SOAK else BOUNDARIES
    drop(installation, len(boundaries) + 1)
    for boundary in boundaries:
        process = installation.start(boundary, "1")
        assert process.wait(180) == -signal.SIGKILL, (boundary, (tmp_path / "log").read_text()[-3000:])
    installation.finish()
    check(installation, len(boundaries) + 1)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.timeout(600 + 20 * AT_RANDOM)
def test_killed_at_random_each_scan_has_one_fate_and_a_true_note(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("INTAKE_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    installation = Installation(dovecot, mail_user, database, tmp_path)
    drop(installation, AT_RANDOM)
    for _ in range(max(3, AT_RANDOM // 4)):
        process = installation.start()
        # It takes a second or so to start, and two to three to recognise a scan.
        time.sleep(chance.uniform(1, 6))
        process.kill()
        process.wait()
    installation.finish(300 + 10 * AT_RANDOM)
    check(installation, AT_RANDOM)
