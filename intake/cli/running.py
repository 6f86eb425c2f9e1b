"""Commands that do the work: `run`, `demo`, `poll --once`."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from intake.bootstrap import check_rules, clock, sole_process
from intake.cli.app import JsonOption, app, err, load, only_process, out, print_json, problem, settings
from intake.cli.board import Board
from intake.config import Config, Shop, missing_secrets
from intake.demo.config import FOLDER, IMAP_PORT, PASSWORD, SMTP_PORT, USER, adapt
from intake.demo.samples import seed_letters, seed_mailbox
from intake.demo.servers import HOST, Account, DemoServers
from intake.errors import AlreadyRunning, ConfigError, IntakeError, UsageError
from intake.guarantee import keep_months
from intake.imap import connect
from intake.pipeline import (
    House,
    deliver,
    keep_awake,
    keep_retention,
    process,
    receive_mail,
    receive_sent,
    recognise,
    send,
    watch_post,
)
from intake.post_folder import INCOMING
from intake.service import Service
from intake.sources.mailbox import MailboxSource
from intake.sources.post import PostSource
from storage.errors import StorageError

SETTLING_LOOKS = 2


@app.command()
def run() -> None:
    """Run Intake until it is stopped (Ctrl-C or SIGTERM)."""
    config = load()
    _require_secrets(config)
    with only_process(config, service=True) as house:
        _serve(house, None)


@app.command()
def demo(
    imap_port: Annotated[int, typer.Option(help="The demo's IMAP port; a free one where it is taken.")] = IMAP_PORT,
    smtp_port: Annotated[int, typer.Option(help="The demo's SMTP port; a free one where it is taken.")] = SMTP_PORT,
) -> None:
    """Run Intake on a sample mailbox and sample scans, with mail servers of its own on this machine."""
    settings.demo = False
    config = load()
    data = config.data / FOLDER
    servers = DemoServers(data / "mail", Account(USER, PASSWORD), imap_port, smtp_port)
    mails = seed_mailbox(servers.maildir, clock())
    with servers:
        adapted = adapt(config, servers.imap_port, servers.smtp_port)
        with only_process(adapted, service=True) as house:
            shop = adapted.shops[0]
            if mails:
                _seed_letters(house, shop)
            _serve(house, Board(house.store, adapted, _welcome(servers, data / "post")))


def _seed_letters(house: House, shop: Shop) -> None:
    """Drop the sample scans, at the first start."""
    if shop.post_folder is not None:
        source = PostSource(shop.post_folder)
        source.prepare()
        seed_letters(source.path / INCOMING, house.clock())


def _welcome(servers: DemoServers, post: Path) -> list[str]:
    return [
        f"Mail program   IMAP {HOST}:{servers.imap_port}, SMTP {HOST}:{servers.smtp_port}, no encryption",
        f"               user {USER}, password {PASSWORD}; the drafts are in its Drafts folder",
        f"Complain       send a mail to {USER} through that SMTP server",
        f"Post a letter  drop a scan (PDF, TIFF, JPEG, PNG), and its record, in {post}/incoming",
        f"Print letters  previews of the answers are in {post}/drafts",
        "Stop           Ctrl-C; started again it goes on where it was",
    ]


def _serve(house: House, board: Board | None) -> None:
    """Run the service until a signal comes. What does not end in time is left: it is resumed at the next start."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    service = Service(house)
    service.start()
    try:
        if board is None:
            stopping.wait()
        else:
            board.show_until(stopping)
    finally:
        clean = service.stop()
    if not clean:
        _leave(house)


def _leave(house: House) -> None:
    """End at once: threads that wait for a server would hold the process up for as long as that server does."""
    house.examiner.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _require_secrets(config: Config) -> None:
    missing = missing_secrets(config)
    if missing:
        raise ConfigError("Passwords are missing:", tuple(missing))


@app.command()
def poll(
    once: Annotated[bool, typer.Option("--once", help="One pass; there is no other way yet.")] = False,
    json: JsonOption = False,
) -> None:
    """One pass over all mailboxes and post folders: receive, process, deliver; then a summary."""
    if not once:
        raise UsageError("`intake poll` makes one pass.", "Say `intake poll --once`; `intake run` polls for ever.")
    config = load()
    check_rules(config)
    _require_secrets(config)
    with only_process(config) as house:
        summary, problems = _one_pass(house)
        counts = house.store.counts()
    if json:
        print_json({**summary, **counts, "problems": problems})
    else:
        words = ", ".join(f"{count} {name}" for name, count in summary.items())
        out.print(f"{words}. {counts['cases_open']} cases open.", highlight=False)
        for line in problems:
            problem(line)
    if problems or counts["effects_failed"]:
        raise typer.Exit(1)


def _one_pass(house: House) -> tuple[dict[str, int], list[str]]:
    problems: list[str] = []
    summary = {"mails": 0, "letters": 0, "processed": 0, "sent": 0, "delivered": 0}
    for shop in house.config.shops:
        try:
            summary["mails"] += _poll_mailbox(house, shop)
        except (IntakeError, StorageError) as error:
            problems.append(f"{shop.id} mailbox: {error}")
        try:
            summary["letters"] += _poll_post(house, shop)
        except (IntakeError, StorageError, OSError) as error:
            problems.append(f"{shop.id} post folder: {error}")
    recognise(house)
    summary["processed"] = process(house)
    summary["mails"] += _poll_sent(house, problems)
    summary["processed"] += process(house)
    keep_retention(house)
    keep_months(house.store, house.config.shops, house.guarantees, house.clock())
    for shop in house.config.shops:
        keep_awake(house, shop)
        summary["sent"] += send(house, shop)
        summary["delivered"] += deliver(house, shop)
    counts = house.store.counts()
    if counts["arrivals_waiting"]:
        problems.append(f"{counts['arrivals_waiting']} arrivals could not be processed; `intake arrivals` says why.")
    undone = counts["effects_waiting"]
    if undone:
        problems.append(f"{undone} drafts or files wait to be delivered; `intake show` says why.")
    return summary, problems


def _poll_mailbox(house: House, shop: Shop) -> int:
    if shop.mailbox is None:
        return 0
    with connect(shop.mailbox) as session:
        count = receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)
    house.store.beat(f"mailbox {shop.id}", house.clock())
    return count


def _poll_sent(house: House, problems: list[str]) -> int:
    """After the mailboxes were processed: an answer is known by the id of what it answers."""
    count = 0
    for shop in house.config.shops:
        if shop.mailbox is None:
            continue
        try:
            with connect(shop.mailbox) as session:
                count += receive_sent(house, shop, shop.mailbox, session)
        except (IntakeError, StorageError) as error:
            problems.append(f"{shop.id} Sent folder: {error}")
    return count


def _poll_post(house: House, shop: Shop) -> int:
    """Look as often as it takes for a scan to be seen at rest, and to be settled after its claim."""
    if shop.post_folder is None:
        return 0
    source = PostSource(shop.post_folder)
    source.prepare()
    count = watch_post(house, shop, source)
    settings = source.settings
    pause = settings.stable_seconds / (settings.stable_looks - 1)
    looks = settings.stable_looks + SETTLING_LOOKS
    while source.waiting() and looks:
        time.sleep(pause + 0.01)
        count += watch_post(house, shop, source)
        looks -= 1
    return count


def deliver_if_alone(house: House) -> None:
    """Carry out what waits, unless a running service does so anyway."""
    try:
        with sole_process(house.store.engine, house.config):
            for shop in house.config.shops:
                send(house, shop)
                deliver(house, shop)
    except AlreadyRunning:
        err.print("Intake is running and carries this out.", style="dim")
