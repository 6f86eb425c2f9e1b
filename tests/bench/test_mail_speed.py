"""How fast mail becomes cases with drafts, beside the floor: fetching, parsing and committing, and nothing else.

The floor and the real thing run in one process after each other, over the same mailbox of a real Dovecot, and the
ratio is what counts: both suffer alike from whatever else the machine does.
"""

import contextlib
import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import mailparser
import pytest
from rich.console import Console
from rich.table import Table

from intake.bootstrap import clock
from intake.imap import connect
from intake.loops import InBackground
from intake.pipeline import House, deliver, process, receive_mail
from intake.pipeline.delivering import draft_mail
from intake.service import Service
from intake.sources.mailbox import MailboxSource
from storage.models import CaseState
from tests.bench.mails import put, small, usual
from tests.builders import mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot, wait_until

MAILS = 1000
TURNS = 3
DRAFTS = 500
MANY = 50_000
LIVE = 60
NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)


def floor(dovecot: Dovecot, user: str, folder: Path) -> float:
    """Fetch each mail, parse it with mail-parser, commit one row for it. Mails a second."""
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE mail (uid INTEGER PRIMARY KEY, subject TEXT, body TEXT, raw BLOB)")
    client = dovecot.client(user)
    client.select_folder("INBOX", readonly=True)
    began = time.perf_counter()
    uids = client.search()
    for start in range(0, len(uids), 50):
        for uid, data in client.fetch(uids[start : start + 50], ["BODY.PEEK[]"]).items():
            raw = data[b"BODY[]"]
            parsed = mailparser.parse_from_bytes(raw)
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO mail VALUES (?, ?, ?, ?)", (uid, parsed.subject, parsed.body, raw))
            database.execute("COMMIT")
    elapsed = time.perf_counter() - began
    client.logout()
    database.close()
    return len(uids) / elapsed


def take_in(house: House, stored: Callable[[], object] = lambda: None) -> float:
    """Receive and process side by side, as the service does, until every mail is a case; the seconds it took."""
    (shop,) = house.config.shops
    assert shop.mailbox is not None
    with connect(shop.mailbox) as session:
        began = time.perf_counter()
        with InBackground(partial(process, house)) as processor:

            def next_batch() -> None:
                processor.wake()
                stored()

            receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session, next_batch)
        return time.perf_counter() - began


@pytest.mark.bench
@pytest.mark.parametrize("kind", [small, usual])
def test_mails_per_second_beside_the_floor(
    dovecot: Dovecot, mail_user: str, tmp_path: Path, kind: Callable[[int], bytes]
) -> None:
    """In turns, because a machine has faster and slower moments."""
    put(dovecot, mail_user, map(kind, range(MAILS)))
    mailbox = mailbox_settings(dovecot.port, mail_user)
    bare, ours = [], []
    for turn in range(TURNS):
        folder = tmp_path / str(turn)
        config = make_config(folder / "data", "", [shop_settings(mailbox=mailbox)], workers={"processes": 2})
        with make_house(config, NOW) as house:
            warm_up(house)
            bare.append(floor(dovecot, mail_user, folder))
            ours.append(MAILS / take_in(house))
            assert len(house.store.list_cases(states=(CaseState.OPEN,))) == MAILS
    show(
        f"{MAILS} {kind.__name__} mails, mailbox to stored case with stored draft (all durable), median of {TURNS}",
        [("floor: fetch, mail-parser, commit each", statistics.median(bare)), ("Intake", statistics.median(ours))],
    )


@pytest.mark.bench
def test_drafts_per_second_beside_bare_append(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, map(usual, range(DRAFTS)))
    mailbox = mailbox_settings(dovecot.port, mail_user)
    with make_house(make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)]), NOW) as house:
        (shop,) = house.config.shops
        take_in(house)
        drafts = house.store.drafts_with_cases(range(1, DRAFTS + 1)).values()
        raws = [(draft_mail(house, draft, case), draft.made_at) for draft, case in drafts]
        client = dovecot.client(mail_user)
        client.create_folder("Bare")
        rates = []
        for half in (raws[: DRAFTS // 2], raws[DRAFTS // 2 :]):
            began = time.perf_counter()
            for raw, made_at in half:
                client.append("Bare", raw, (b"\\Draft", b"\\Seen"), made_at)
            rates.append(len(half) / (time.perf_counter() - began))
            if len(rates) == 1:
                began = time.perf_counter()
                delivered = deliver(house, shop)
                ours = delivered / (time.perf_counter() - began)
        client.logout()
        assert delivered == DRAFTS
    show(f"{DRAFTS} drafts into a Drafts folder", [("bare APPEND", statistics.mean(rates)), ("Intake", ours)])


@pytest.mark.bench
def test_seconds_from_delivery_to_draft_with_idle(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    mailbox = mailbox_settings(dovecot.port, mail_user, poll_seconds=600)
    config = make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)], workers={"processes": 2})
    waits = []
    with make_house(config, clock) as house:
        service = Service(house)
        service.start()
        sender, watcher = dovecot.client(mail_user), dovecot.client(mail_user)
        try:
            wait_until(lambda: any(beat.good_at for beat in house.store.heartbeats()), "the first poll")
            for number in range(LIVE):
                began = time.perf_counter()
                sender.append("INBOX", usual(number))
                wait_until(lambda wanted=number + 1: watcher.folder_status("Drafts")[b"MESSAGES"] >= wanted, "a draft")
                waits.append(time.perf_counter() - began)
        finally:
            sender.logout()
            watcher.logout()
            service.stop()
    ranked = sorted(waits)
    rows = [("median", statistics.median(ranked)), ("95th percentile", ranked[int(LIVE * 0.95)]), ("worst", ranked[-1])]
    table = Table(title=f"{LIVE} mails, seconds from delivery to draft with IDLE", title_justify="left")
    for name, seconds in rows:
        table.add_row(name, f"{seconds:.2f}")
    _print(table)


@pytest.mark.bench
def test_memory_over_fifty_thousand_mails(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, map(usual, range(MANY)))
    mailbox = mailbox_settings(dovecot.port, mail_user)
    config = make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)], workers={"processes": 2})
    seen: list[tuple[int, float]] = []
    with make_house(config, NOW) as house:
        warm_up(house)
        batches = 0

        def look() -> None:
            nonlocal batches
            batches += 1
            if batches % (MANY // 10 // 50) == 0:
                seen.append((batches * 50, resident_mb()))

        elapsed = take_in(house, look)
        assert house.store.fates() == {"opened": MANY}
    table = Table(title=f"{MANY} mails in {timedelta(seconds=round(elapsed))}, memory", title_justify="left")
    table.add_column("mails", justify="right")
    table.add_column("MB, all processes", justify="right")
    for count, megabytes in seen:
        table.add_row(str(count), f"{megabytes:.0f}")
    _print(table)


def warm_up(house: House) -> None:
    """Let the child processes load what they need, as a running service has."""
    house.examiner.finish(house.examiner.warm_up())


def resident_mb() -> float:
    """The memory of this process and its children, in MB; shared pages count once for each."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
            parents[int(fields["Pid"])] = (int(fields["PPid"]), int(fields.get("VmRSS", "0 kB").split()[0]))
    family = {os.getpid()}
    while grown := {pid for pid, (parent, _) in parents.items() if parent in family} - family:
        family |= grown
    return sum(parents[pid][1] for pid in family if pid in parents) / 1024


def show(title: str, rates: list[tuple[str, float]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("", "per second", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, rate in rates:
        table.add_row(name, f"{rate:.0f}", f"{rate / rates[0][1]:.2f}")
    _print(table)


def _print(table: Table) -> None:
    console = Console(width=110)
    console.print()
    console.print(table)
