"""How fast mail becomes cases with drafts, beside the floor: fetching, parsing and committing, and nothing else.

The floor and the real thing run in one process after each other, over the same mailbox of a real Dovecot, and the
ratio is what counts: both suffer alike from whatever else the machine does.
"""

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import mailparser
import pytest
from rich.console import Console
from rich.table import Table

from intake.examine import Job
from intake.imap import connect
from intake.pipeline import deliver, process, receive_mail
from intake.replies.mime import DraftMail, build
from intake.sources.mailbox import MailboxSource
from intake.types import Address, Channel
from storage.models import CaseState
from tests.builders import mail, mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot

MAILS = 1000
DRAFTS = 500
NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
WARM_UP = Job(Channel.MAIL, mail(), "", ("nl", "en"), NOW.date())
TEXT = (
    "Beste Mirjam,\n\nOp 3 september bestelde ik bij u een waterkoker (bestelnummer 104233-{n}). Die is nog steeds niet"
    " geleverd, terwijl het bedrag van € 49,95 al is afgeschreven. Ik heb twee keer gebeld, maar er werd niet"
    " opgenomen.\n\nIk hoor graag wanneer het pakket komt. Anders wil ik mijn geld terug op NL91 ABNA 0417 1643 00.\n\n"
    "Met vriendelijke groet,\n\nKlant {n}\nKerkstraat 5\n1017 GA Amsterdam\n06-12345678\n"
)


def fill(dovecot: Dovecot, user: str) -> None:
    client = dovecot.client(user)
    for number in range(MAILS):
        sender = f"Klant {number} <k{number}@example.com>"
        client.append("INBOX", mail(TEXT.format(n=number), message_id=f"<m{number}@example.com>", sender=sender))
    client.logout()


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


@pytest.mark.bench
def test_mails_per_second_beside_the_floor(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    fill(dovecot, mail_user)
    mailbox = mailbox_settings(dovecot.port, mail_user)
    config = make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)], workers={"processes": 2})
    with make_house(config, NOW) as house:
        (shop,) = house.config.shops
        assert shop.mailbox is not None
        house.examiner.examine([WARM_UP])
        bare = floor(dovecot, mail_user, tmp_path)
        parts = {}
        with connect(shop.mailbox) as session:
            began = last = time.perf_counter()
            receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)
            parts["receive"], last = time.perf_counter() - last, time.perf_counter()
            process(house)
            parts["process"] = time.perf_counter() - last
            ours = MAILS / (time.perf_counter() - began)
        last = time.perf_counter()
        deliver(house, shop)
        parts["deliver"] = time.perf_counter() - last
        assert len(house.store.list_cases(states=(CaseState.OPEN,))) == MAILS
    show(
        f"{MAILS} mails, mailbox to stored case with stored draft (synchronous=FULL, originals fsynced)",
        [("floor: fetch, mail-parser, commit each", bare), ("Intake", ours)],
        parts,
    )


@pytest.mark.bench
def test_drafts_per_second_beside_bare_append(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    fill_count = DRAFTS
    client = dovecot.client(mail_user)
    for number in range(fill_count):
        client.append("INBOX", mail(TEXT.format(n=number), message_id=f"<d{number}@example.com>"))
    mailbox = mailbox_settings(dovecot.port, mail_user)
    with make_house(make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)]), NOW) as house:
        (shop,) = house.config.shops
        assert shop.mailbox is not None
        with connect(shop.mailbox) as session:
            receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)
        process(house)
        began = time.perf_counter()
        delivered = deliver(house, shop)
        ours = delivered / (time.perf_counter() - began)
        assert delivered == DRAFTS
    client.create_folder("Bare")
    raw = build(
        DraftMail(
            Address("Mirjam", "mirjam@example.nl"),
            Address("Jan", "jan@example.com"),
            "Uw klacht (SIS-2026-0001)",
            TEXT * 3,
            NOW,
            "<bare@example.nl>",
        )
    )
    began = time.perf_counter()
    for _ in range(DRAFTS):
        client.append("Bare", raw, (b"\\Draft", b"\\Seen"), NOW)
    bare = DRAFTS / (time.perf_counter() - began)
    client.logout()
    show(f"{DRAFTS} drafts into a Drafts folder", [("bare APPEND", bare), ("Intake", ours)], {})


def show(title: str, rates: list[tuple[str, float]], parts: dict[str, float]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("", "per second", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, rate in rates:
        table.add_row(name, f"{rate:.0f}", f"{rate / rates[0][1]:.2f}")
    console = Console(width=110)
    console.print()
    console.print(table)
    for name, seconds in parts.items():
        console.print(f"  {name:<8} {seconds:.2f} s")
