"""One session against real servers: waiting in IDLE, marking and moving, Sent, large mailboxes, and servers that offer
little. Dovecot, with and without its extensions, and the demo's pymap."""

import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from intake.config import Mailbox
from intake.demo.servers import Account, DemoServers
from intake.errors import ServerError
from intake.imap import Session, connect
from intake.sources import marking, sent
from intake.sources.mailbox import MailboxSource, Position
from tests.builders import mail, mailbox_settings
from tests.servers import Dovecot, fill_maildir, wait_until

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MANY, ANSWERED = 50_000, 10_000


@pytest.fixture(scope="module")
def bare_dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """A Dovecot that offers nothing beyond IMAP4rev1."""
    yield from serving(tmp_path_factory, "IMAP4rev1")


@pytest.fixture(scope="module")
def uidplus_dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """A Dovecot without MOVE."""
    yield from serving(tmp_path_factory, "IMAP4rev1 UIDPLUS")


def serving(tmp_path_factory: pytest.TempPathFactory, capability: str) -> Iterator[Dovecot]:
    folder = tmp_path_factory.mktemp("dovecot")
    server = Dovecot(folder, f"protocol imap {{\n imap_capability={capability}\n}}\n")
    server.start()
    yield server
    server.stop()


def mailbox(server: Dovecot, user: str, **changes: object) -> Mailbox:
    return Mailbox.model_validate(mailbox_settings(server.port, user, **changes))


def numbered(number: int, **changes: Any) -> bytes:
    return mail(f"Tekst {number}\n", message_id=f"<m{number}@example.com>", **changes)


def put(server: Dovecot, user: str, *mails: bytes, folder: str = "INBOX", at: datetime = NOW) -> None:
    client = server.client(user)
    for raw in mails:
        client.append(folder, raw, (), at)
    client.logout()


def flags(server: Dovecot, user: str, folder: str = "INBOX") -> dict[str, set[str]]:
    """The flags of each mail by its Message-ID; two with the same are an error."""
    client = server.client(user)
    client.select_folder(folder, readonly=True)
    found: dict[str, set[str]] = {}
    for uid in client.search():
        data = client.fetch([uid], ["FLAGS", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])[uid]
        name = bytes(data[b"BODY[HEADER.FIELDS (MESSAGE-ID)]"]).decode().split()[-1]
        assert name not in found
        found[name] = {flag.decode() for flag in data[b"FLAGS"]} - {"\\Recent"}
    client.logout()
    return found


def opened(session: Session) -> tuple[int, list[int]]:
    """UIDVALIDITY and UIDs of the INBOX."""
    return session.select("INBOX").uidvalidity, session.uids(1)


# --- waiting -----------------------------------------------------------------------------------------------------


def test_new_mail_ends_the_wait_within_a_second_and_silence_does_not(dovecot: Dovecot, mail_user: str) -> None:
    put(dovecot, mail_user, numbered(1))
    with connect(mailbox(dovecot, mail_user)) as session:
        session.select("INBOX")
        assert not session.wait_for_change(0.3)
        writer = threading.Timer(0.3, put, (dovecot, mail_user, numbered(2)))
        writer.start()
        begin = time.monotonic()
        assert session.wait_for_change(30)
        assert time.monotonic() - begin < 20
        writer.join()
        assert session.select("INBOX").messages == 2
        assert len(session.bodies(session.uids(1), 5000)) == 2
        assert not session.wait_for_change(0.3)


def test_a_mail_that_came_between_the_look_and_the_wait_is_not_waited_for(dovecot: Dovecot, mail_user: str) -> None:
    with connect(mailbox(dovecot, mail_user)) as session:
        session.select("INBOX")
        put(dovecot, mail_user, numbered(1))
        begin = time.monotonic()
        assert session.wait_for_change(30)
        assert time.monotonic() - begin < 20


def test_a_killed_server_ends_the_wait_with_an_error(tmp_path: Path, mail_user: str) -> None:
    server = Dovecot(tmp_path)
    server.start()
    with connect(mailbox(server, mail_user)) as session:
        session.select("INBOX")
        killer = threading.Timer(0.3, server.stop)
        killer.start()
        begin = time.monotonic()
        with pytest.raises(ServerError):
            session.wait_for_change(300)
        assert time.monotonic() - begin < 80
        killer.join()


def test_the_demos_server_tells_of_mail_too(tmp_path: Path) -> None:
    account = Account("mirjam@example.nl", "secret")
    with DemoServers(tmp_path, account, 0, 0) as servers:
        settings = mailbox_settings(servers.imap_port, account.username)
        with connect(Mailbox.model_validate(settings)) as session, connect(Mailbox.model_validate(settings)) as other:
            session.select("INBOX")
            for number in range(3):
                other.append("INBOX", numbered(number), (), NOW)
                begin = time.monotonic()
                assert session.wait_for_change(200)
                assert time.monotonic() - begin < 40
                assert session.select("INBOX").messages == number + 1
            uidvalidity, uids = opened(session)
            assert len(session.bodies(uids, 3000)) == 3
            assert session.beginning(uids[0], 1000) == session.bodies(uids[:1], 1000)[uids[0]]
            assert b"m0@example.com" in session.head(uids[0])
            assert marking.mark(session, "INBOX", uidvalidity, uids[:1], "\\Flagged")
            assert not marking.mark(session, "INBOX", uidvalidity, uids[:1], "intake")
            assert marking.move(session, "INBOX", uidvalidity, uids[1:], "Gedaan")
            assert opened(session)[1] == uids[:1]
            assert session.select("Gedaan").messages == 2


# --- marking and moving ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["intake", "\\Flagged"])
def test_a_mark_is_set_on_these_mails_alone_and_nothing_is_read(dovecot: Dovecot, mail_user: str, flag: str) -> None:
    put(dovecot, mail_user, *(numbered(number) for number in range(3)))
    with connect(mailbox(dovecot, mail_user)) as session:
        uidvalidity, uids = opened(session)
        for _ in range(2):
            assert marking.mark(session, "INBOX", uidvalidity, [*uids[:2], 999], flag)
        assert not marking.mark(session, "INBOX", uidvalidity + 1, uids, "other")
    assert [*flags(dovecot, mail_user).values()] == [{flag}, {flag}, set()]


def test_where_the_server_keeps_no_keywords_none_is_set(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    rights = tmp_path / "acl"
    rights.mkdir(mode=0o755)
    extra = f"mail_plugins = acl\nplugin {{\n acl = vfile:{rights}/global\n}}\n"
    (rights / "global").write_text("INBOX owner lrstipekxa\n")
    tmp_path.chmod(0o755)
    server = Dovecot(tmp_path, extra)
    server.start()
    try:
        put(server, mail_user, numbered(1))
        with connect(mailbox(server, mail_user)) as session:
            uidvalidity, uids = opened(session)
            assert not marking.mark(session, "INBOX", uidvalidity, uids, "intake")
            assert not marking.mark(session, "INBOX", uidvalidity, uids, "\\Flagged")
        assert [*flags(server, mail_user).values()] == [set()]
    finally:
        server.stop()


@pytest.mark.parametrize("kind", ["dovecot", "uidplus_dovecot"])
def test_a_move_takes_these_mails_alone_into_a_folder_that_it_makes(
    kind: str, mail_user: str, request: pytest.FixtureRequest
) -> None:
    server: Dovecot = request.getfixturevalue(kind)
    put(server, mail_user, *(numbered(number) for number in range(5)))
    client = server.client(mail_user)
    client.select_folder("INBOX")
    client.add_flags([5], [b"\\Deleted"])
    client.logout()
    with connect(mailbox(server, mail_user)) as session:
        assert session.can_move
        uidvalidity, uids = opened(session)
        assert not marking.move(session, "INBOX", uidvalidity + 1, uids, "Afgehandeld")
        assert not marking.move(session, "INBOX", uidvalidity, uids, "INBOX")
        for again in (False, True):
            assert marking.move(session, "INBOX", uidvalidity, uids[:3], "Afgehandeld", again=again)
    assert [*flags(server, mail_user, "Afgehandeld")] == ["<m0@example.com>", "<m1@example.com>", "<m2@example.com>"]
    # What a person has marked as deleted is hers to expunge.
    assert flags(server, mail_user) == {"<m3@example.com>": set(), "<m4@example.com>": {"\\Deleted"}}


def test_a_move_that_was_killed_after_the_copy_does_not_copy_again(uidplus_dovecot: Dovecot, mail_user: str) -> None:
    twin = numbered(1, subject="Zelfde Message-ID, andere mail")
    put(uidplus_dovecot, mail_user, numbered(0), numbered(1), numbered(2))
    client = uidplus_dovecot.client(mail_user)
    client.create_folder("Afgehandeld")
    client.append("Afgehandeld", twin, (), NOW)
    client.select_folder("INBOX")
    client.copy([1], "Afgehandeld")
    client.logout()
    with connect(mailbox(uidplus_dovecot, mail_user)) as session:
        uidvalidity, uids = opened(session)
        assert marking.move(session, "INBOX", uidvalidity, uids, "Afgehandeld", again=True)
        assert opened(session)[1] == []
        session.select("Afgehandeld")
        raws = sorted(session.bodies(session.uids(1), 5000).values())
    expected = [numbered(0), numbered(1), numbered(2), twin]
    assert raws == sorted(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in expected)


def test_without_move_and_uidplus_nothing_is_copied_and_nothing_expunged(bare_dovecot: Dovecot, mail_user: str) -> None:
    put(bare_dovecot, mail_user, numbered(0))
    with connect(mailbox(bare_dovecot, mail_user)) as session:
        assert session.capabilities() == ()
        assert not session.can_move
        assert not session.can_idle
        uidvalidity, uids = opened(session)
        assert not marking.move(session, "INBOX", uidvalidity, uids, "Afgehandeld")
        assert session.find_folder(b"\\Sent") == "Sent"
    assert [*flags(bare_dovecot, mail_user)] == ["<m0@example.com>"]


def test_a_server_without_extensions_delivers_all_the_same(bare_dovecot: Dovecot, mail_user: str) -> None:
    put(bare_dovecot, mail_user, *(numbered(number) for number in range(3)))
    source = MailboxSource(mailbox(bare_dovecot, mail_user), AMSTERDAM)
    with connect(source.mailbox) as session:
        assert sum(len(batch.mails) for batch in source.new_mail(session, None, NOW)) == 3


# --- what was answered -------------------------------------------------------------------------------------------


def test_what_was_answered_is_read_from_sent(dovecot: Dovecot, mail_user: str) -> None:
    long_ids = "\r\n ".join(f"<{n:080d}@example.com>" for n in range(3))
    written = [
        numbered(1, in_reply_to="<first@example.com>", references="<oldest@example.com> <first@example.com>"),
        f"References: {long_ids}\r\nTo: J <JAN@example.com>,\r\n\tpiet@example.com\r\n".encode()
        + b"Cc: <els@example.com>\r\n\r\n",
        numbered(3, in_reply_to="<auto@example.com>", auto_submitted="auto-replied"),
        numbered(4, in_reply_to="<forwarded@example.com>", x_forwarded_message_id="<forwarded@example.com>"),
        numbered(5),
        numbered(6, in_reply_to='"Jan" <a@example.com> <b@example.com>', auto_submitted="no"),
        b"In-Reply-To: <odd@example.com>\r\n\tIn-Reply-To: <folded@example.com>\r\nTo: \xff\0@@\r\n\r\n",
        b"References: " + b"<" * 100_000 + b"\r\n\r\n",
        b"",
    ]
    put(dovecot, mail_user, *(raw for raw in written if raw), folder="Sent")
    put(dovecot, mail_user, numbered(9, in_reply_to="<late@example.com>"), folder="Sent", at=NOW + timedelta(days=9))
    with connect(mailbox(dovecot, mail_user)) as session:
        found = [answer for batch in sent.answered(session, "Sent") for answer in batch]
        late = [answer.answers for batch in sent.answered(session, "Sent", date(2026, 9, 20)) for answer in batch]
    assert [answer.answers for answer in found] == [
        "<first@example.com>",
        long_ids.split()[-1],
        "<b@example.com>",
        "<folded@example.com>",
        "<late@example.com>",
    ]
    assert found[1].recipients == ("jan@example.com", "piet@example.com", "els@example.com")
    assert (found[0].message_id, found[0].sent_at) == ("<m1@example.com>", NOW)
    assert late == ["<late@example.com>"]


# --- what is there ------------------------------------------------------------------------------------------------


def test_what_is_present_is_what_counts_from_the_start(dovecot: Dovecot, mail_user: str) -> None:
    since = NOW - timedelta(days=10)
    for number, days in enumerate((30, 10.001, 10, 9, 0)):
        put(dovecot, mail_user, numbered(number), at=NOW - timedelta(days=days))
    source = MailboxSource(mailbox(dovecot, mail_user), AMSTERDAM)
    with connect(source.mailbox) as session:
        uidvalidity, uids = opened(session)
        assert source.present(session, Position(uidvalidity, 0, 6, since)).uids == tuple(uids[2:])
        assert source.present(session, Position(uidvalidity, 0, 3, since)).uids == tuple(uids[2:])
        assert source.present(session, Position(uidvalidity, 0, 6, None)).uids == tuple(uids)
        moved = source.present(session, Position(uidvalidity + 1, 0, 6, None))
        assert (moved.same_epoch, moved.uids) == (False, ())
        assert b"Subject: Pakket niet geleverd" in session.head(uids[0])
        assert session.head(999) == b""


def test_a_new_start_at_now_has_nothing_to_account_for(dovecot: Dovecot, mail_user: str) -> None:
    put(dovecot, mail_user, numbered(1), at=NOW - timedelta(minutes=5))
    source = MailboxSource(mailbox(dovecot, mail_user, start="now"), AMSTERDAM)
    with connect(source.mailbox) as session:
        (batch,) = source.new_mail(session, None, NOW)
        assert source.present(session, batch.position).uids == ()
        put(dovecot, mail_user, numbered(2))
        assert len(source.present(session, batch.position).uids) == 1


# --- many ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def full_mailbox(dovecot: Dovecot) -> str:
    """A user whose INBOX holds 50,000 mails, one every ten minutes up to `NOW`, the first 10,000
    answered in Sent."""
    user = f"u{uuid.uuid4().hex[:12]}"
    moments = [NOW - timedelta(minutes=10 * (MANY - number)) for number in range(MANY)]
    fill_maildir(dovecot, user, "", ((_small(number, f"m{number}", ""), at) for number, at in enumerate(moments)))
    replies = ((_small(number, f"s{number}", f"m{number}"), at) for number, at in enumerate(moments[:ANSWERED]))
    fill_maildir(dovecot, user, ".Sent", replies)
    with connect(mailbox(dovecot, user)) as session:
        assert (session.select("INBOX").messages, session.select("Sent").messages) == (MANY, ANSWERED)
    return user


def _small(number: int, name: str, answers: str) -> bytes:
    reply = f"In-Reply-To: <{answers}@example.com>\r\n" if answers else ""
    head = f"From: k{number}@example.com\r\nTo: m@example.nl\r\nMessage-ID: <{name}@example.com>\r\n{reply}"
    return f"{head}\r\nTekst\r\n".encode()


def test_a_mailbox_of_50000_mails_starts_quickly_at_now_and_at_a_date(dovecot: Dovecot, full_mailbox: str) -> None:
    for start, expected in (("now", 0), ((NOW - timedelta(days=7)).date(), 7 * 144 + 66)):
        source = MailboxSource(mailbox(dovecot, full_mailbox, start=start), AMSTERDAM)
        begin = time.monotonic()
        with connect(source.mailbox) as session:
            batches = list(source.new_mail(session, None, NOW))
            there = source.present(session, batches[-1].position).uids
        assert sum(len(batch.mails) for batch in batches) == len(there) == expected
        assert time.monotonic() - begin < 80


def test_of_50000_mails_the_first_come_at_once_and_all_are_accounted_for(dovecot: Dovecot, full_mailbox: str) -> None:
    source = MailboxSource(mailbox(dovecot, full_mailbox), AMSTERDAM)
    begin = time.monotonic()
    with connect(source.mailbox) as session:
        batches = source.new_mail(session, None, NOW)
        taken = [next(batches) for _ in range(4)]
        assert time.monotonic() - begin < 40
        assert sum(len(batch.mails) for batch in taken) == 150
        assert taken[-1].position.last_uid == 150
        there = source.present(session, taken[-1].position)
        assert len(there.uids) == MANY
    assert time.monotonic() - begin < 80


def test_a_full_sent_folder_is_read_quickly(dovecot: Dovecot, full_mailbox: str) -> None:
    begin = time.monotonic()
    with connect(mailbox(dovecot, full_mailbox)) as session:
        answered = {answer.answers for batch in sent.answered(session, "Sent") for answer in batch}
    assert len(answered) == ANSWERED
    # Some 6,000 a second on two idle cores; a machine that does other work at the same time is given time.
    assert time.monotonic() - begin < 40


def test_a_move_of_many_goes_in_portions(dovecot: Dovecot, mail_user: str) -> None:
    count = 450
    fill_maildir(dovecot, mail_user, "", ((_small(n, f"m{n}", ""), NOW) for n in range(count)))
    with connect(mailbox(dovecot, mail_user)) as session:
        uidvalidity, uids = opened(session)
        assert marking.mark(session, "INBOX", uidvalidity, uids, "intake")
        assert marking.move(session, "INBOX", uidvalidity, uids[::2], "Afgehandeld")
        assert session.select("Afgehandeld").messages == count // 2
        assert opened(session)[1] == uids[1::2]


def test_a_mailbox_that_somebody_empties_meanwhile_is_read_without_a_fault(dovecot: Dovecot, mail_user: str) -> None:
    put(dovecot, mail_user, *(numbered(number) for number in range(120)))
    source = MailboxSource(mailbox(dovecot, mail_user), AMSTERDAM)
    client = dovecot.client(mail_user)
    client.select_folder("INBOX")
    taken = 0
    with connect(source.mailbox) as session:
        for batch in source.new_mail(session, None, NOW):
            taken += len(batch.mails)
            if batch.mails:
                client.add_flags(client.search()[-30:], [b"\\Deleted"], silent=True)
                client.expunge()
        wait_until(lambda: session.select("INBOX").messages < 120, "the expunge to show")
    client.logout()
    assert 60 <= taken <= 120
