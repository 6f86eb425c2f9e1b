"""Sending over a real SMTP server: what is taken, what is refused, and what nobody knows."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from intake.config import Mailbox, Outgoing
from intake.errors import MailRefused, MailUncertain, ServerError, ServerRefused, SignInError
from intake.oauth import Tokens, account_of
from intake.outlets.smtp import Courier, probe
from tests.builders import mailbox_settings
from tests.servers import certificate, free_port
from tests.smtp_sink import HANG_UP, Sink, smtp_sink
from tests.token_server import TokenServer

RAW = b"From: mirjam@example.nl\r\nTo: jan@example.com\r\nSubject: x\r\n\r\nBeste Jan,\r\n.punt\r\n"
JAN = "jan@example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(running: Sink) -> Sink:
    """The module's server, without what other tests left."""
    for held in (running.taken, running.mail, running.rcpt, running.data, running.refused):
        held.clear()
    running.connections = 0
    return running


def outgoing(sink: Sink, **changes: Any) -> Outgoing:
    return Outgoing.model_validate(sink.settings(**changes))


class Sending:
    """A courier, and whether *sending* was committed. Closed at the end of the test."""

    made: ClassVar[list["Sending"]] = []

    def __init__(self, server: Outgoing, mailbox: Mailbox | None = None) -> None:
        self.courier = Courier(server, mailbox)
        self.began = 0
        self.made.append(self)

    def __call__(self, *recipients: str, raw: bytes = RAW) -> tuple[str, ...]:
        return self.courier.send(raw, "mirjam@example.nl", recipients or (JAN,), self.begin)

    def begin(self) -> None:
        self.began += 1


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while Sending.made:
        Sending.made.pop().courier.close()


def test_a_mail_goes_out_as_it_is_with_its_envelope(sink: Sink) -> None:
    send = Sending(outgoing(sink))
    assert send() == ()
    send.courier.close()
    (taken,) = sink.taken
    assert (taken.sender, taken.recipients) == ("mirjam@example.nl", (JAN,))
    assert taken.raw == RAW
    assert send.began == 1


def test_the_mails_of_a_pass_go_over_one_connection(sink: Sink) -> None:
    sink.rcpt += ["", "450 4.2.1 later", ""]
    with Courier(outgoing(sink), None) as courier:
        courier.send(RAW, "mirjam@example.nl", [JAN], lambda: None)
        with pytest.raises(ServerRefused):
            courier.send(RAW, "mirjam@example.nl", [JAN], lambda: None)
        courier.send(RAW, "mirjam@example.nl", ["eva@example.de"], lambda: None)
    assert sink.recipients == [JAN, "eva@example.de"]
    assert sink.connections == 1


REFUSALS: dict[str, tuple[dict[str, list[str]], type[ServerError], int]] = {
    "the sender, for now": ({"mail": ["451 4.3.0 busy"]}, ServerRefused, 0),
    "the sender, for good": ({"mail": ["550 5.7.1 not you"]}, MailRefused, 0),
    "who has not signed in": ({"mail": ["530 5.7.0 sign in"]}, SignInError, 0),
    "the recipient, for now": ({"rcpt": ["450 4.7.1 greylisted"]}, ServerRefused, 0),
    "the recipient, for good": ({"rcpt": ["550 5.1.1 no such user"]}, MailRefused, 0),
    "the mail, for now": ({"data": ["452 4.3.1 disk full"]}, ServerRefused, 1),
    "the mail, for good": ({"data": ["554 5.6.0 not this"]}, MailRefused, 1),
    "anything, and hangs up": ({"rcpt": ["421 4.3.2 closing"]}, ServerError, 0),
    "to speak, at the sender": ({"mail": [HANG_UP]}, ServerError, 0),
    "to speak, at the recipient": ({"rcpt": [HANG_UP]}, ServerError, 0),
    "to say whether it took the mail": ({"data": [HANG_UP]}, MailUncertain, 1),
}


@pytest.mark.parametrize(("answers", "error", "began"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_a_server_refuses_is_told_apart(
    sink: Sink, answers: dict[str, list[str]], error: type[ServerError], began: int
) -> None:
    for command, said in answers.items():
        getattr(sink, command).extend(said)
    send = Sending(outgoing(sink))
    with pytest.raises(ServerError) as told:
        send()
    assert type(told.value) is error
    assert send.began == began
    sink.taken.clear()
    send()
    assert sink.recipients == [JAN], "the next mail goes out all the same"


def test_a_refused_address_is_told_from_a_refused_mail(sink: Sink) -> None:
    sink.rcpt.append("550 5.1.1 no such user")
    sink.data.append("554 5.6.0 not this")
    send = Sending(outgoing(sink))
    with pytest.raises(MailRefused, match=r"550 5\.1\.1 no such user") as address:
        send()
    with pytest.raises(MailRefused) as content:
        send()
    assert (address.value.address, content.value.address) == (True, False)


def test_who_is_taken_gets_the_mail_where_another_is_not(sink: Sink) -> None:
    sink.refused["weg@example.com"] = "550 5.1.1 no such user"
    assert Sending(outgoing(sink))(JAN, "weg@example.com") == ("weg@example.com",)
    assert sink.recipients == [JAN]


def test_what_begins_the_sending_and_fails_sends_nothing(sink: Sink) -> None:
    def fails() -> None:
        raise RuntimeError("the database is away")

    with Courier(outgoing(sink), None) as courier:
        with pytest.raises(RuntimeError):
            courier.send(RAW, "mirjam@example.nl", [JAN], fails)
        assert sink.taken == []
        courier.send(RAW, "mirjam@example.nl", [JAN], lambda: None)
    assert sink.recipients == [JAN]


@pytest.mark.parametrize("address", ["jan@example.com>\r\nRCPT TO:<eva@example.de", "jan", "j n@example.com", ""])
def test_an_address_that_is_none_never_reaches_the_server(sink: Sink, address: str) -> None:
    with pytest.raises(MailRefused) as told:
        Sending(outgoing(sink))(address)
    assert told.value.address
    assert sink.taken == []


def test_a_lone_line_end_is_no_end_of_the_mail(sink: Sink) -> None:
    Sending(outgoing(sink))(raw=b"Subject: x\r\n\r\none\n.\nMAIL FROM:<evil@example.com>\r\n.\rtwo\r\n")
    (taken,) = sink.taken
    assert taken.raw == b"Subject: x\r\n\r\none\r\n.\r\nMAIL FROM:<evil@example.com>\r\n.\r\ntwo\r\n"


def test_a_domain_with_other_letters_is_sent_as_name_servers_know_it(sink: Sink) -> None:
    Sending(outgoing(sink))("jan@bücher.example.com")
    assert sink.recipients == ["jan@xn--bcher-kva.example.com"]


def test_an_address_in_other_letters_needs_a_server_that_takes_it(sink: Sink) -> None:
    Sending(outgoing(sink))("jürgen@example.de")
    assert sink.recipients == ["jürgen@example.de"]
    with smtp_sink(utf8=False) as plain, pytest.raises(MailRefused, match="other letters") as told:
        Sending(outgoing(plain))("jürgen@example.de")
    assert told.value.address


def test_a_server_that_is_away_is_told() -> None:
    server = Outgoing(host="127.0.0.1", port=free_port(), security="plain", sender="mirjam@example.nl")
    with pytest.raises(ServerError, match=r"127\.0\.0\.1"):
        Sending(server)()


@pytest.mark.parametrize("password", ["geheim", "één geheim"])
def test_a_password_signs_in_and_a_wrong_one_is_told(password: str) -> None:
    with smtp_sink(passwords={"mirjam": password}) as sink:
        Sending(outgoing(sink, username="mirjam", password=password))()
        with pytest.raises(SignInError, match="does not accept") as told:
            Sending(outgoing(sink, username="mirjam", password="fout"))()
        with pytest.raises(SignInError):
            Sending(outgoing(sink))()
    assert len(sink.taken) == 1
    assert "fout" not in str(told.value)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, and the file of its authority."""
    authority, key = certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, key)
    return context, authority


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_the_connection_is_protected_and_the_certificate_verified(
    tls: tuple[ssl.SSLContext, Path], security: str
) -> None:
    context, authority = tls
    with smtp_sink(**{security: context}) as sink:  # type: ignore[arg-type]
        Sending(outgoing(sink, security=security, ca_file=authority))()
        with pytest.raises(ServerError, match="is not trusted"):
            Sending(outgoing(sink, security=security))()
        assert "8bitmime" in probe(outgoing(sink, security=security, ca_file=authority))
    assert len(sink.taken) == 1


def test_a_server_without_starttls_gets_no_mail(sink: Sink) -> None:
    with pytest.raises(ServerError, match="STARTTLS"):
        Sending(outgoing(sink, security="starttls"))()
    assert sink.taken == []


def test_a_token_of_the_mailbox_signs_in_and_one_that_is_refused_is_replaced_once(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with TokenServer() as provider, smtp_sink(token="none yet") as sink:
        settings = provider.settings(tokens_file=tmp_path / "tokens" / "sis.json")
        access = {**mailbox_settings(143, provider.user), "oauth": settings}
        del access["password"]
        mailbox = Mailbox.model_validate(access)
        granted = provider.granted(provider.user)
        assert mailbox.oauth is not None
        tokens = Tokens(**granted, renew_at=now + timedelta(minutes=55), expires_at=now + timedelta(hours=1))
        account_of(mailbox, mailbox.oauth).save(tokens)
        sink.token = granted["access_token"]
        Sending(outgoing(sink, oauth=True), mailbox)()
        sink.token = "revoked"
        with pytest.raises(SignInError, match="access token") as told:
            Sending(outgoing(sink, oauth=True), mailbox)()
    assert len(sink.taken) == 1
    assert len(set(sink.sign_ins)) == 2, "the second try is with another token"
    assert granted["access_token"] not in str(told.value)
