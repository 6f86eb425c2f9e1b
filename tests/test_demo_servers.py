"""The demo's mail servers, seen through real clients: imapclient and smtplib."""

import mailbox
import os
import smtplib
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from intake.demo.servers import HOST, Account, DemoServers
from intake.errors import ServerError, UsageError

MIRJAM = Account("mirjam@example.nl", "één geheim")
ANNA = Account("mirjam@example.nl", "geheim")
MAIL = b"From: a@example.nl\nTo: mirjam@example.nl\nSubject: Klacht\nMessage-ID: <1@example.nl>\n\nStuk.\n"


def servers(folder: Path, account: Account = ANNA) -> DemoServers:
    return DemoServers(folder, account, 0, 0)


@contextmanager
def signed_in(running: DemoServers) -> Iterator[IMAPClient]:
    with IMAPClient(HOST, running.imap_port, ssl=False, timeout=10) as client:
        client.normalise_times = False
        client.login(running.account.username, running.account.password)
        yield client


def drop(maildir: Path, content: bytes, at: datetime) -> None:
    key = mailbox.Maildir(maildir, create=True).add(content)
    os.utime(maildir / "new" / key, (at.timestamp(), at.timestamp()))


def send(running: DemoServers, content: bytes, sender: str = "a@example.nl", to: str = ANNA.username) -> None:
    with smtplib.SMTP(HOST, running.smtp_port, timeout=10) as client:
        client.login(running.account.username, running.account.password)
        client.sendmail(sender, to.split(), content.replace(b"\n", b"\r\n"))


def held(running: DemoServers, folder: str = "INBOX") -> dict[int, tuple[object, object]]:
    with signed_in(running) as client:
        client.select_folder(folder, readonly=True)
        found = client.fetch(client.search(), ["INTERNALDATE", "ENVELOPE"])
        return {uid: (row[b"INTERNALDATE"], row[b"ENVELOPE"].message_id) for uid, row in found.items()}


def test_the_mailbox_has_the_folders_that_a_mail_program_expects_and_one_for_customers(tmp_path: Path) -> None:
    with servers(tmp_path) as running, signed_in(running) as client:
        assert {name for _, _, name in client.list_folders()} == {"INBOX", "Drafts", "Sent", "Customers"}
        for name in ("INBOX", "Drafts", "Sent", "Customers"):
            assert client.select_folder(name)[b"EXISTS"] == 0


def test_mail_to_others_lies_in_a_folder_of_its_own_and_not_in_the_inbox(tmp_path: Path) -> None:
    with servers(tmp_path) as running:
        send(running, MAIL, to="jan@example.com")
        assert held(running) == {}
        send(running, MAIL, to="jan@example.com Mirjam@Example.NL eva@example.com")
        assert (len(held(running)), len(held(running, "Customers"))) == (1, 2)


def test_an_idle_client_is_told_of_a_mail_that_is_sent(tmp_path: Path) -> None:
    with servers(tmp_path) as running, signed_in(running) as client:
        client.select_folder("INBOX")
        client.idle()
        send(running, MAIL)
        assert (1, b"EXISTS") in client.idle_check(timeout=5)
        client.idle_done()
        content = client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"]
    assert b"Return-Path: <a@example.nl>" in content
    assert content.rstrip().endswith(b"Stuk.")


def test_a_mail_lies_in_the_maildir_as_it_was_sent(tmp_path: Path) -> None:
    odd = MAIL + b"\xe9\xe9n kapotte regel \n\n.\n--no boundary\n"
    with servers(tmp_path) as running:
        send(running, odd)
        (stored,) = (tmp_path / ANNA.username / "new").iterdir()
    assert stored.read_bytes().endswith(b"\n" + odd)


def test_six_mails_sent_during_idle_do_not_break_the_connection(tmp_path: Path) -> None:
    with servers(tmp_path) as running, signed_in(running) as client:
        client.select_folder("INBOX")
        for count in range(1, 7):
            client.idle()
            send(running, MAIL)
            while (count, b"EXISTS") not in client.idle_check(timeout=5):
                continue
            client.idle_done()
        assert client.search() == list(range(1, 7))


def test_a_draft_keeps_its_flag_and_date_and_is_found_by_its_message_id(tmp_path: Path) -> None:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    with servers(tmp_path) as running, signed_in(running) as client:
        client.append("Drafts", MAIL, flags=[b"\\Draft", b"\\Seen"], msg_time=at)
        client.select_folder("Drafts")
        assert client.search(["HEADER", "Message-ID", "<1@example.nl>"]) == [1]
        assert client.search(["HEADER", "Message-ID", "<2@example.nl>"]) == []
        row = client.fetch([1], ["FLAGS", "INTERNALDATE"])[1]
    assert row[b"INTERNALDATE"] == at
    assert {b"\\Draft", b"\\Seen"} <= set(row[b"FLAGS"])


def test_a_restart_keeps_mail_uids_and_dates(tmp_path: Path) -> None:
    drop(tmp_path / ANNA.username, MAIL, datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    with servers(tmp_path) as running:
        send(running, MAIL.replace(b"<1@", b"<2@"))
        before = held(running)
    with servers(tmp_path) as running:
        assert held(running) == before
        send(running, MAIL.replace(b"<1@", b"<3@"))
        assert sorted(held(running)) == [1, 2, 3]
    assert [before[uid][1] for uid in (1, 2)] == [b"<1@example.nl>", b"<2@example.nl>"]


def test_mail_that_waits_at_the_start_is_numbered_in_the_order_of_its_arrival(tmp_path: Path) -> None:
    first = datetime(2026, 11, 20, 8, tzinfo=UTC)
    for number in (5, 2, 7, 1, 8, 4, 3, 6):
        content = MAIL.replace(b"<1@", b"<%d@" % number)
        drop(tmp_path / ANNA.username, content, first + timedelta(hours=number))
    with servers(tmp_path) as running:
        found = held(running)
    assert found == {n: (first + timedelta(hours=n), b"<%d@example.nl>" % n) for n in range(1, 9)}


@pytest.mark.parametrize(
    ("username", "password"),
    [("mirjam@example.nl", "wrong"), ("someone@example.nl", "geheim"), ("", "")],
    ids=["wrong password", "another user", "nobody"],
)
def test_only_the_account_itself_signs_in(tmp_path: Path, username: str, password: str) -> None:
    with servers(tmp_path) as running:
        with IMAPClient(HOST, running.imap_port, ssl=False, timeout=10) as client, pytest.raises(LoginError):
            client.login(username, password)
        with smtplib.SMTP(HOST, running.smtp_port, timeout=10) as smtp:
            smtp.ehlo()
            with pytest.raises(smtplib.SMTPAuthenticationError):
                smtp.login(username, password)


def test_nobody_sends_without_signing_in(tmp_path: Path) -> None:
    with servers(tmp_path) as running, smtplib.SMTP(HOST, running.smtp_port, timeout=10) as client:
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("a@example.nl", ["mirjam@example.nl"], MAIL)
        assert held(running) == {}


def test_a_password_with_other_letters_than_ascii_works_for_sending(tmp_path: Path) -> None:
    with servers(tmp_path, MIRJAM) as running, smtplib.SMTP(HOST, running.smtp_port, timeout=10) as client:
        client.ehlo()
        answer = client.docmd("AUTH", "PLAIN " + _plain(MIRJAM))
        assert answer[0] == 235


def _plain(account: Account) -> str:
    return b64encode(f"\0{account.username}\0{account.password}".encode()).decode()


def test_a_mail_with_a_null_sender_keeps_it(tmp_path: Path) -> None:
    with servers(tmp_path) as running:
        send(running, MAIL, sender="")
        with signed_in(running) as client:
            client.select_folder("INBOX")
            assert client.fetch([1], ["BODY.PEEK[HEADER]"])[1][b"BODY[HEADER]"].startswith(b"Return-Path: <>")


def test_a_taken_port_is_replaced_by_a_free_one(tmp_path: Path) -> None:
    with closing(socket.create_server((HOST, 0))) as taken:
        port = taken.getsockname()[1]
        with DemoServers(tmp_path, ANNA, port, port) as running:
            assert port not in (running.imap_port, running.smtp_port)
            assert held(running) == {}


def test_a_free_port_that_is_asked_for_is_taken_and_given_back(tmp_path: Path) -> None:
    with servers(tmp_path) as running:
        imap, smtp = running.imap_port, running.smtp_port
    for _ in range(2):
        with DemoServers(tmp_path, ANNA, imap, smtp) as running:
            assert (running.imap_port, running.smtp_port) == (imap, smtp)
            send(running, MAIL)


def test_stopping_ends_an_idle_client_at_once_and_can_be_repeated(tmp_path: Path) -> None:
    running = servers(tmp_path)
    running.stop()
    running.start()
    running.start()
    with IMAPClient(HOST, running.imap_port, ssl=False, timeout=10) as client:
        client.login(ANNA.username, ANNA.password)
        client.select_folder("INBOX")
        client.idle()
        with closing(socket.create_connection((HOST, running.smtp_port), 10)):
            began = time.monotonic()
            running.stop()
            running.stop()
            assert time.monotonic() - began < 12
        assert not [thread for thread in threading.enumerate() if thread.name == "demo mail servers"]
        client.idle_check(timeout=5)


def test_a_lock_of_a_killed_process_does_not_block_the_start(tmp_path: Path) -> None:
    with servers(tmp_path) as running:
        send(running, MAIL)
    (tmp_path / ANNA.username / "dovecot-uidlist.lock").touch()
    with servers(tmp_path) as running:
        assert sorted(held(running)) == [1]


def test_a_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="cannot use"):
        servers(tmp_path / "file").start()


@pytest.mark.parametrize("username", ["../mirjam", "a/b", "", ".hidden"])
def test_a_user_name_is_not_a_way_out_of_the_folder(tmp_path: Path, username: str) -> None:
    with pytest.raises(UsageError):
        servers(tmp_path, Account(username, "x"))
