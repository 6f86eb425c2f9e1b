"""Many mailboxes in one process: none waits for another, and a new mail is noticed at once."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from intake.bootstrap import clock
from intake.pipeline import House
from intake.service import IDLE_TRIES, Service
from tests.builders import mail, mailbox_settings, make_config, make_house, shop_settings
from tests.lying_imap import LyingServer, lying_server
from tests.servers import Dovecot, wait_until

MAILBOXES = 200
NEVER = 600


@contextmanager
def running(house: House) -> Iterator[Service]:
    service = Service(house)
    service.start()
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        try:
            while True:
                held.append(listener.accept()[0])
        except OSError:
            return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in held:
            connection.close()
        thread.join(10)


def drafts(dovecot: Dovecot, user: str) -> int:
    client = dovecot.client(user)
    count = int(client.folder_status("Drafts")[b"MESSAGES"])
    client.logout()
    return count


def put(dovecot: Dovecot, user: str, number: int) -> None:
    client = dovecot.client(user)
    client.append("INBOX", mail(message_id=f"<{number}@example.com>", sender=f"k{number}@example.com"))
    client.logout()


@pytest.mark.system
def test_with_idle_a_draft_comes_long_before_the_next_poll(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    mailbox = mailbox_settings(dovecot.port, mail_user, poll_seconds=NEVER)
    config = make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)])
    with make_house(config, clock) as house, running(house):
        wait_until(lambda: _polled(house) == 1, "the first poll", 30)
        for number in (1, 2, 3):
            put(dovecot, mail_user, number)
            wait_until(lambda wanted=number: drafts(dovecot, mail_user) == wanted, "a draft", 30)


@pytest.mark.system
def test_without_idle_the_next_poll_brings_it(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    mailbox = mailbox_settings(dovecot.port, mail_user, idle=False, poll_seconds=1)
    config = make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)])
    with make_house(config, clock) as house, running(house):
        wait_until(lambda: _polled(house) == 1, "the first poll", 30)
        put(dovecot, mail_user, 1)
        wait_until(lambda: drafts(dovecot, mail_user) == 1, "a draft", 30)


@pytest.mark.system
@pytest.mark.timeout(240)
def test_one_slow_server_delays_none_of_two_hundred_mailboxes(dovecot: Dovecot, tmp_path: Path) -> None:
    users = [f"m{number}-{uuid.uuid4().hex[:6]}" for number in range(MAILBOXES - 1)]
    with silent_server() as port:
        ports = {"slow": port} | dict.fromkeys(users, dovecot.port)
        shops = [
            shop_settings(
                id=f"shop{number}", prefix=f"S{number}", mailbox=mailbox_settings(where, user, timeout_seconds=120)
            )
            for number, (user, where) in enumerate(ports.items())
        ]
        with make_house(make_config(tmp_path / "data", "", shops), clock) as house, running(house):
            wait_until(lambda: _polled(house) == MAILBOXES - 1, "all but one to be polled", 90)
            for number, user in enumerate(users[::20]):
                put(dovecot, user, number)
            for user in users[::20]:
                wait_until(lambda wanted=user: drafts(dovecot, wanted) == 1, "a draft in each", 60)
            assert _polled(house) == MAILBOXES - 1


def _polled(house: House) -> int:
    return sum(1 for beat in house.store.heartbeats() if beat.name.startswith("mailbox ") and beat.good_at)


@pytest.mark.system
def test_a_server_that_breaks_idle_each_time_is_polled_instead(tmp_path: Path) -> None:
    with lying_server(mail()) as server:
        server.capability = b"IMAP4rev1 IDLE"
        server.idle = [b"* BYE no idle\r\n", b""]
        mailbox = mailbox_settings(server.port, "mirjam", poll_seconds=1)
        config = make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)])
        with make_house(config, clock) as house, running(house):
            wait_until(lambda: server.commands.count(b"IDLE") == IDLE_TRIES, "the last try of IDLE", 60)
            before = polls(server)
            wait_until(lambda: polls(server) > before + 3, "polls without IDLE", 60)
            assert server.commands.count(b"IDLE") == IDLE_TRIES


def polls(server: LyingServer) -> int:
    return sum(command.startswith(b"EXAMINE") for command in server.commands)
