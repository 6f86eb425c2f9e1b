"""An IMAP session against a server that stalls, trickles, hangs up and lies: every fault ends, in time, as an error
of ours, and no mail is given another's text. Time limits are short here; nothing is faked but the server."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intake import fetched
from intake.config import Mailbox
from intake.errors import ServerError, SignInError
from intake.imap import FETCH_AT_MOST, Session, connect
from intake.sources.mailbox import NOT_DELIVERED, TRIES, Mail, MailboxSource, Position
from tests.builders import mail
from tests.lying_imap import LyingServer, lying_server
from tests.servers import certificate, free_port

NOW = datetime(2026, 9, 14, 9, 30, tzinfo=UTC)
TOLD = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
ALL = Position(uidvalidity=1, last_uid=0, first_uid=1, since=None)
# Seconds until a session of these tests gives up, and until a test is sure that it does not.
SHORT, SURE = 0.6, 6.0


def mails(count: int) -> list[bytes]:
    return [mail(f"Tekst {n}\n", message_id=f"<m{n}@example.com>").replace(b"\n", b"\r\n") for n in range(1, count + 1)]


def mailbox(server: LyingServer, **changes: object) -> Mailbox:
    access = {"host": "127.0.0.1", "port": server.port, "security": "plain", "username": "k", "password": "secret"}
    return Mailbox.model_validate({**access, "start": "all", "timeout_seconds": SHORT, **changes})


@contextmanager
def in_time() -> Iterator[None]:
    """What happens here ends long before a trickling server would."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < SURE


def poll(server: LyingServer, source: MailboxSource, position: Position = ALL) -> tuple[list[Mail], Position]:
    """One poll: what it brought, and the position after it, also where it failed in the end."""
    brought: list[Mail] = []
    try:
        with connect(source.mailbox) as session:
            for batch in source.new_mail(session, position, NOW):
                brought += batch.mails
                position = batch.position
    except ServerError:
        pass
    return brought, position


def poll_until_all(
    server: LyingServer, last: int, polls: int = 3 * TRIES, seconds: float = SHORT
) -> tuple[list[Mail], int]:
    """Poll until the position has reached UID `last`: what came, and how many polls it took."""
    source = MailboxSource(mailbox(server, timeout_seconds=seconds), ZoneInfo("Europe/Amsterdam"))
    brought: list[Mail] = []
    position = ALL
    for count in range(1, polls + 1):
        new, position = poll(server, source, position)
        brought += new
        if position.last_uid >= last:
            return brought, count
    raise AssertionError(f"the mailbox is stuck at UID {position.last_uid}")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """The server's side of TLS, and the authority for the client's."""
    folder = tmp_path_factory.mktemp("certificate")
    return server_side(*certificate(folder)), folder / "certificate.pem"


def server_side(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


COMMANDS = (b"CAPABILITY", b"LOGIN", b"EXAMINE", b"UID SEARCH", b"UID FETCH 1:3 (RFC822", b"UID FETCH 1:3 (BODY")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", ["stalls", "trickles", "byes"])
def test_a_server_that_stalls_trickles_or_says_goodbye_is_given_up_in_time(fault: str, command: bytes) -> None:
    with lying_server(*mails(3)) as server:
        setattr(server, fault, command)
        source = MailboxSource(mailbox(server), ZoneInfo("Europe/Amsterdam"))
        with in_time(), pytest.raises(ServerError) as caught, connect(source.mailbox) as session:
            list(source.new_mail(session, ALL, NOW))
        assert not isinstance(caught.value, SignInError)


def test_a_server_that_does_not_greet_is_given_up_in_time() -> None:
    with lying_server() as server:
        server.greeting = b""
        with in_time(), pytest.raises(ServerError, match="does not answer"):
            connect(mailbox(server))


def test_a_server_that_does_not_speak_tls_is_given_up_in_time() -> None:
    with lying_server() as server:
        server.greeting = b""
        with in_time(), pytest.raises(ServerError, match="does not answer"):
            connect(mailbox(server, security="tls"))


def test_a_greeting_of_goodbye_is_told() -> None:
    with lying_server() as server:
        server.greeting = b"* BYE too many connections\r\n"
        with pytest.raises(ServerError, match="too many connections"):
            connect(mailbox(server))


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("fault", ["stalls", "trickles"])
def test_the_limits_hold_over_tls_too(
    fault: str, security: str, tls: tuple[ssl.SSLContext, Path], recwarn: pytest.WarningsRecorder
) -> None:
    with lying_server(*mails(3)) as server:
        server.tls, server.starttls, server.capability = tls[0], security == "starttls", b"IMAP4rev1 STARTTLS"
        with connect(mailbox(server, security=security, ca_file=tls[1])) as session:
            assert session.select("INBOX").messages == 3
        setattr(server, fault, b"UID FETCH")
        with in_time(), connect(mailbox(server, security=security, ca_file=tls[1])) as session:
            session.select("INBOX")
            with pytest.raises(ServerError, match="does not answer"):
                session.bodies([1, 2], 100)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_expired_certificate_is_told_as_such(security: str, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, days=-1)
    with lying_server() as server:
        server.tls, server.starttls, server.capability = (
            server_side(chain, key),
            security == "starttls",
            b"IMAP4rev1 STARTTLS",
        )
        with pytest.raises(ServerError, match="certificate has expired"):
            connect(mailbox(server, security=security, ca_file=chain))


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (b"NO [AUTHENTICATIONFAILED] wrong", True),
        (b"NO wrong", True),
        (b"NO [UNAVAILABLE] the directory is away", False),
        (b"NO [INUSE] another session has the mailbox", False),
    ],
)
def test_a_refused_password_is_told_from_a_server_that_cannot_look(answer: bytes, refused: bool) -> None:
    with lying_server() as server:
        server.login = answer
        with pytest.raises(ServerError) as caught:
            connect(mailbox(server))
        assert isinstance(caught.value, SignInError) is refused


def test_a_server_that_is_away_is_an_error_of_ours() -> None:
    away = Mailbox.model_validate({"host": "127.0.0.1", "port": free_port(), "security": "plain", "username": "k"})
    with in_time(), pytest.raises(ServerError):
        connect(away)


def test_an_answer_that_names_no_uid_gives_no_mail_anothers_text() -> None:
    with lying_server(*mails(6)) as server:
        server.first_uid, server.nameless = 2, {3, 5}
        brought, _polls = poll_until_all(server, 7)
        texts = {one.uid: one.raw for one in brought}
        assert sorted(texts) == [2, 3, 4, 5, 6, 7]
        assert {uid: texts[uid] for uid in (2, 4, 6, 7)} == {uid: server.raw(uid) for uid in (2, 4, 6, 7)}
        assert [one.problem for one in brought if one.uid in server.nameless] == [NOT_DELIVERED] * 2


def test_flags_that_a_person_changes_meanwhile_disturb_nothing() -> None:
    with lying_server(*mails(4)) as server:
        server.first_uid = 3
        server.aside = b"* 3 FETCH (FLAGS (\\Seen))\r\n* 4 EXISTS\r\n* 4 FETCH (UID 6 FLAGS (\\Seen) MODSEQ (8))\r\n"
        server.beside_search = b"* 4 FETCH (FLAGS (\\Deleted))\r\n"
        brought, polls = poll_until_all(server, 6)
        assert ([one.raw for one in brought], polls) == (server.mails, 1)


def test_a_mail_that_is_expunged_while_it_is_fetched_is_left_out_without_a_fault() -> None:
    with lying_server(*mails(5)) as server:
        server.vanishes = {2, 5}
        brought, polls = poll_until_all(server, 5)
        assert ([one.uid for one in brought], polls) == ([1, 3, 4], 1)


def test_a_mail_without_a_moment_of_arrival_is_taken_in_and_marked() -> None:
    with lying_server(*mails(3)) as server:
        server.undated = {2}
        brought, polls = poll_until_all(server, 3)
        assert [(one.received_at, one.dated) for one in brought] == [(TOLD, True), (NOW, False), (TOLD, True)]
        assert polls == 1


def test_a_mail_of_which_the_server_tells_nothing_is_asked_for_again_and_then_fetched_all_the_same() -> None:
    with lying_server(*mails(3)) as server:
        server.mute = {2}
        brought, polls = poll_until_all(server, 3)
        assert [one.raw for one in brought] == server.mails
        assert polls == TRIES


@pytest.mark.parametrize("fault", ["empty", "silent", "refuses", "cuts"])
def test_a_mail_that_never_comes_is_passed_in_the_end_and_those_before_it_come_at_once(fault: str) -> None:
    with lying_server(*mails(5)) as server:
        getattr(server, fault).add(4)
        brought, polls = poll_until_all(server, 5)
        assert [one.uid for one in brought] == [1, 2, 3, 4, 5]
        assert [one.problem for one in brought] == ["", "", "", NOT_DELIVERED, ""]
        assert polls <= TRIES + 2
        source = MailboxSource(mailbox(server), ZoneInfo("Europe/Amsterdam"))
        first, position = poll(server, source)
        if fault in {"empty", "silent"}:
            assert ([one.uid for one in first], position.last_uid) == ([1, 2, 3], 3)


def test_a_size_that_lies_brings_no_more_into_memory_than_allowed_and_loses_nothing() -> None:
    huge = mail(message_id="<huge@example.com>") + b"x" * (24 * 1024 * 1024)
    with lying_server(*mails(2), huge, *mails(1)) as server:
        server.sizes = {1: 10**9, 3: 1000}
        with connect(mailbox(server)) as session:
            session.select("INBOX")
            with pytest.raises(ServerError, match="far more than it was asked for"):
                session.bodies([2, 3], 2000)
        brought, polls = poll_until_all(server, 4)
        assert [one.raw for one in brought] == server.mails
        assert not any(one.problem for one in brought)
        assert polls == 2


def test_of_a_mail_over_64_mb_the_first_64_come_whatever_its_size_was_said_to_be() -> None:
    huge = mail() + b"x" * FETCH_AT_MOST
    for told in (len(huge), 5):
        with lying_server(huge) as server:
            server.sizes = {1: told}
            ((one,), _polls) = poll_until_all(server, 1, seconds=30)
            assert one.raw == huge[:FETCH_AT_MOST]
            assert one.problem == "only the first 64 MB of 64 MB were fetched"


HOSTILE = {
    "a literal of ten gigabytes": b"* 1 FETCH (UID 1 BODY[] {9999999999}\r\n",
    "a literal whose size has 5,000 digits": b"* 1 FETCH (UID 1 BODY[] {" + b"9" * 5000 + b"}\r\n",
    "100,000 brackets": b"* 1 FETCH " + b"(" * 100_000 + b"\r\n",
    "a UID that is a word": b"* 1 FETCH (UID one)\r\n",
    "an item without a value": b"* 1 FETCH (UID)\r\n",
    "a list for an item": b"* 1 FETCH ((UID) 1)\r\n",
    "a list for a UID": b"* 1 FETCH (UID (1) BODY[] (NIL))\r\n",
    "a number for a body": b"* 1 FETCH (UID 1 BODY[] 17)\r\n",
    "an open quotation": b'* 1 FETCH (UID 1 BODY[] "abc)\r\n',
    "no answer at all": b"* 1 FETCH\r\n",
    "no IMAP at all": b"HTTP/1.1 400 Bad Request\r\n",
    "a sequence number of 5,000 digits": b"* " + b"1" * 5000 + b" FETCH (UID 1)\r\n",
    "NULs": b"* 1 FETCH (UID 1 BODY[] \0\0)\r\n\0\r\n",
    "a line without its end": b"* 1 FETCH (UID 1 BODY[]" + b"[" * 1_000_000 + b"\r\n",
    "a bare line feed": b"* 1 FETCH (UID 1)\n",
    "somebody else's tag": b"XXXX9 OK done\r\n",
}


@pytest.mark.parametrize("aside", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_answer_that_nobody_would_send_in_earnest_is_an_error_of_ours_or_nothing(aside: bytes) -> None:
    with lying_server(*mails(2)) as server:
        server.aside = aside
        with in_time(), connect(mailbox(server)) as session:
            session.select("INBOX")
            try:
                bodies = session.bodies([1, 2], 2000)
            except ServerError:
                bodies = {}
            assert bodies in ({}, {1: server.raw(1), 2: server.raw(2)})


def idle(server: LyingServer, *pieces: bytes) -> Session:
    """A session that has read the folder, and a server that says these pieces in IDLE."""
    server.capability = b"IMAP4rev1 IDLE"
    server.idle = list(pieces)
    session = connect(mailbox(server))
    session.select("INBOX")
    return session


@pytest.mark.parametrize(
    "pieces",
    [
        (b"+ idling\r\n", b"* 3 EXISTS\r\n"),
        (b"+ idling\r\n", b"* 3 EX", b"ISTS", b"\r\n"),
        (b"+ idling\r\n* 3 EXISTS\r\n* 1 RECENT\r\n",),
        (b"* 3 EXISTS\r\n+ idling\r\n",),
        (b"+ idling\r\n", b"* OK still here\r\n", b"* 2 EXPUNGE\r\n"),
        (b"+ idling\r\n", b"* LIST () {3}\r\nabc\r\n"),
    ],
    ids=["in one line", "in pieces", "with the invitation", "before the invitation", "after a sign of life", "literal"],
)
def test_what_happens_in_idle_ends_the_wait(pieces: tuple[bytes, ...]) -> None:
    with lying_server(*mails(2)) as server, in_time(), idle(server, *pieces) as session:
        assert session.wait_for_change(60)
        assert session.select("INBOX").messages == 2  # the session is still of use


@pytest.mark.parametrize("pieces", [(), (b"* OK still here\r\n",)], ids=["nothing", "a sign of life"])
def test_an_idle_in_which_nothing_happens_ends_at_its_time(pieces: tuple[bytes, ...]) -> None:
    with lying_server(*mails(2)) as server, in_time(), idle(server, b"+ idling\r\n", *pieces) as session:
        for _ in range(2):
            begin = time.monotonic()
            assert not session.wait_for_change(0.3)
            assert time.monotonic() - begin >= 0.3


@pytest.mark.parametrize(
    "pieces",
    [(b"",), (b"+ idling\r\n", b""), (b"+ idling\r\n", b"* 3 EX", b""), (b"+ idling\r\n", b"* BYE down\r\n")],
    ids=["at once", "after the invitation", "in half a line", "goodbye"],
)
def test_a_connection_that_ends_in_idle_is_an_error_not_silence(pieces: tuple[bytes, ...]) -> None:
    with lying_server(*mails(2)) as server, in_time(), idle(server, *pieces) as session, pytest.raises(ServerError):
        session.wait_for_change(60)


@pytest.mark.parametrize("fault", ["stalls", "trickles"])
def test_a_server_that_never_begins_to_idle_is_given_up_in_time(fault: str) -> None:
    with lying_server() as server, in_time(), idle(server) as session:
        setattr(server, fault, b"IDLE")
        with pytest.raises(ServerError):
            session.wait_for_change(60)


@pytest.mark.parametrize("security", ["plain", "tls"])
def test_a_session_that_is_aborted_stops_waiting_at_once(security: str, tls: tuple[ssl.SSLContext, Path]) -> None:
    with lying_server(*mails(1)) as server, in_time():
        server.capability, server.idle = b"IMAP4rev1 IDLE", [b"+ idling\r\n"]
        server.tls = tls[0] if security == "tls" else None
        with connect(mailbox(server, security=security, ca_file=tls[1])) as session:
            session.select("INBOX")
            timer = threading.Timer(0.2, session.abort)
            timer.start()
            with pytest.raises(ServerError):
                session.wait_for_change(60)
            timer.join()


def test_news_in_idle_is_found_in_the_buffers_of_tls(tls: tuple[ssl.SSLContext, Path]) -> None:
    for pieces in ([b"+ idling\r\n* 3 EXISTS\r\n"], [b"+ idling\r\n", b"* 3 EX", b"ISTS\r\n"]):
        with lying_server(*mails(1)) as server, in_time():
            server.capability, server.idle, server.tls = b"IMAP4rev1 IDLE", pieces, tls[0]
            with connect(mailbox(server, security="tls", ca_file=tls[1], timeout_seconds=20)) as session:
                session.select("INBOX")
                assert session.wait_for_change(60)
                server.idle = [b"+ idling\r\n"]
                session.select("INBOX")
                assert not session.wait_for_change(0.2)


def test_a_mail_that_was_told_beside_an_earlier_answer_is_not_waited_for() -> None:
    with lying_server(*mails(2)) as server, idle(server, b"+ idling\r\n") as session, in_time():
        server.beside_search = b"* 3 EXISTS\r\n"
        session.uids(1)
        assert session.wait_for_change(60)
        assert b"IDLE" not in server.commands
        server.beside_search = b""
        session.select("INBOX")
        assert not session.wait_for_change(0.2)


def test_another_folder_opened_since_is_not_watched_instead() -> None:
    with lying_server(*mails(2)) as server, idle(server, b"+ idling\r\n") as session, in_time():
        session.holds("Sent", "<x@example.com>")
        assert session.wait_for_change(60)
        assert b"IDLE" not in server.commands


def test_a_server_without_idle_says_so() -> None:
    with lying_server() as server, connect(mailbox(server)) as session:
        session.select("INBOX")
        assert not session.can_idle
        assert not session.can_move
        with pytest.raises(ServerError, match="no IDLE"):
            session.wait_for_change(1)


def test_signing_out_from_a_dead_server_does_not_wait_long() -> None:
    with lying_server() as server:
        session = connect(mailbox(server, timeout_seconds=60))
        server.stalls = b"LOGOUT"
        with in_time():
            session.close()


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (b"14-Sep-2026 11:00:00 +0200", datetime(2026, 9, 14, 9, tzinfo=UTC)),
        (b" 1-jan-2026 00:30:00 +0100", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
        (b"1-Jan-2026 00:00:00 -0330", datetime(2026, 1, 1, 3, 30, tzinfo=UTC)),
        (b"01-Jan-2026 00:00:60 +0000", datetime(2026, 1, 1, 0, 0, 59, tzinfo=UTC)),
        (b"01-Jan-2026 00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (b"31-Feb-2026 00:00:00 +0000", None),
        (b"01-Foo-2026 00:00:00 +0000", None),
        (b"01-Jan-0001 00:00:00 +0200", None),
        (b"01-Jan-2026 00:00:00 +9900", None),
        (b"yesterday", None),
        (17, None),
        (None, None),
    ],
)
def test_a_moment_of_arrival_is_read_or_unknown_never_an_error(told: object, moment: datetime | None) -> None:
    assert fetched.received_at({b"INTERNALDATE": told}) == moment


def test_uids_are_written_as_the_shortest_set() -> None:
    assert fetched.id_set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10"
    assert fetched.id_set([5]) == "5"
