"""A real SMTP server (aiosmtpd) on loopback that keeps what it is sent, and can be told to refuse or to hang up."""

import asyncio
import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port

HANG_UP = "hang up"


@dataclass(frozen=True)
class Taken:
    """A mail that was taken: its envelope and its bytes."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def mail(self) -> Message:
        return message_from_bytes(self.raw)


@dataclass
class Sink:
    """What came, and what it answers: a reply for each command, used up one by one (`HANG_UP` ends the connection);
    "" takes it. `refused` are recipients with the reply to them, whenever they come."""

    port: int
    taken: list[Taken] = field(default_factory=list)
    mail: list[str] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    token: str = ""
    sign_ins: list[str] = field(default_factory=list)
    connections: int = 0
    open: list[SMTP] = field(default_factory=list)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The `outgoing` section for this server."""
        access = {"host": "127.0.0.1", "port": self.port, "security": "plain", "timeout_seconds": 10}
        return {**access, "sender": "mirjam@example.nl", **changes}

    @property
    def recipients(self) -> list[str]:
        return [one for mail in self.taken for one in mail.recipients]

    # What aiosmtpd asks

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        self.open.append(server)
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        # aiosmtpd's own `auth_required` warns where there is no TLS.
        unknown = bool(self.passwords or self.token) and not session.authenticated
        answer = "530 5.7.0 Authentication required" if unknown else self._answer(server, self.mail)
        if not answer:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.refused.get(address, "") or self._answer(server, self.rcpt)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self._answer(server, self.data)
        if not answer or answer == HANG_UP:
            raw = envelope.content if isinstance(envelope.content, bytes) else b""
            self.taken.append(Taken(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
        return answer or "250 OK"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """Google's and Microsoft's: a token that is refused is told why, and then refused."""
        given = base64.b64decode(args[1]).decode()
        self.sign_ins.append(given)
        if given.endswith(f"auth=Bearer {self.token}\1\1"):
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"400"}')
        return AuthResult(success=False, handled=False)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, credentials: object
    ) -> AuthResult:
        self.sign_ins.append(mechanism)
        if not isinstance(credentials, LoginPassword):
            return AuthResult(success=False, handled=False)
        known = self.passwords.get(credentials.login.decode()) == credentials.password.decode()
        return AuthResult(success=known, handled=False)

    async def hang_up(self) -> None:
        """End the connections that clients keep open."""
        while self.open:
            transport = self.open.pop().transport
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        await asyncio.sleep(0.01)

    @staticmethod
    def _answer(server: SMTP, answers: list[str]) -> str:
        answer = answers.pop(0) if answers else ""
        if answer == HANG_UP and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return answer


@contextmanager
def smtp_sink(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, utf8: bool = True, **more: Any
) -> Iterator[Sink]:
    """A sink that listens; over TLS from the start, or after STARTTLS."""
    sink = Sink(free_port(), **more)
    signs_in = bool(sink.passwords or sink.token)
    controller = Controller(
        sink,
        hostname="127.0.0.1",
        port=sink.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        enable_SMTPUTF8=utf8,
        authenticator=sink.authenticate if signs_in else None,
        auth_require_tls=False,
        auth_exclude_mechanism=["PLAIN", "LOGIN"] if sink.token else None,
        server_hostname="sink",
    )
    controller.start()
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.hang_up(), controller.loop).result(10)
        controller.stop()
