"""The demo's own mail servers: IMAP (pymap) and SMTP (aiosmtpd) over one Maildir, inside this process.

Both listen on 127.0.0.1 only and end with the process. Mail to the one account goes to its INBOX. It refuses to relay:
mail to anybody else goes to the folder Customers, where it can be read, and nothing that is sent here leaves the
machine. Without TLS, and with one account, it is a demo and no mail server for a shop.

    folder/<username>/                  INBOX, as a Maildir
    folder/<username>/.Drafts, .Sent    its folders (Maildir++)
    folder/<username>/.Customers        what was sent to others
    folder/pymap-etc-passwd, -shadow    pymap's accounts
"""

import asyncio
import logging
import mailbox
import os
import secrets
import socket
import threading
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from pymap.backend.maildir import Config, Login
from pymap.backend.maildir.io import FileWriteable
from pymap.backend.maildir.mailbox import Maildir
from pymap.backend.maildir.uidlist import Record, UidList
from pymap.backend.maildir.users import PasswordsFile, UsersFile
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.specials import ObjectId
from pysasl.hashing import BuiltinHash
from pysasl.prep import saslprep

from intake.errors import ServerError, UsageError

HOST = "127.0.0.1"
CUSTOMERS = "Customers"
FOLDERS = ("Drafts", "Sent", CUSTOMERS)
START_SECONDS = 10.0
STOP_SECONDS = 3.0
SETTLE_SECONDS = 0.05


@dataclass(frozen=True)
class Account:
    """The one account of the demo; the user name is the mail address."""

    username: str
    password: str = field(repr=False)


class DemoServers:
    """An IMAP and an SMTP server over `folder`, for `account`; also a context manager.

    Nothing is opened here. `imap_port` and `smtp_port` are the wanted ports, and after `start` the ports that
    answer: a free one stands in for one that is taken (0 always means a free one).
    """

    def __init__(self, folder: Path, account: Account, imap_port: int, smtp_port: int) -> None:
        if not _is_folder_name(account.username):
            raise UsageError(f"“{account.username}” cannot be the demo's user name.", "Use a plain mail address.")
        self.folder = folder
        self.account = account
        self.imap_port = imap_port
        self.smtp_port = smtp_port
        self._thread: threading.Thread | None = None
        self._end: Callable[[], object] = _nothing

    @property
    def maildir(self) -> Path:
        """The account's INBOX."""
        return self.folder / self.account.username

    def start(self) -> None:
        """Serves when it returns. Mail of an earlier run is there again, with its UIDs and dates.

        Raises `ServerError` when the folder or the ports cannot be used. A second call does nothing.
        """
        if self._thread is not None:
            return
        try:
            self._open()
        except OSError as error:
            raise ServerError(
                f"The demo's mail servers cannot use {self.folder}: {error}.",
                "Free the folder for writing, or name another one.",
            ) from error

    def stop(self) -> None:
        """Ends both servers and their connections within 3 seconds. A second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._end()
            thread.join(STOP_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open(self) -> None:
        # aiosmtpd warns at each sign-in of something that it does itself (`Session.login_data`).
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        _prepare_folders(self.folder, self.maildir)
        with _Sockets(self.imap_port, self.smtp_port) as sockets:
            self.imap_port, self.smtp_port = sockets.ports
            ready: Future[Callable[[], object]] = Future()
            serving = _serve(self.folder, self.account, sockets, ready)
            thread = threading.Thread(target=_run, args=(serving, ready), name="demo mail servers", daemon=True)
            thread.start()
            self._end = ready.result(START_SECONDS)
            self._thread = thread


class _Sockets:
    """The two listening sockets. Bound before the servers' thread starts, so that a client may connect at once
    and a free port that was chosen cannot be lost to somebody else."""

    def __init__(self, imap_port: int, smtp_port: int) -> None:
        self.imap = _listen(imap_port)
        try:
            self.smtp = _listen(smtp_port)
        except OSError:
            self.imap.close()
            raise

    @property
    def ports(self) -> tuple[int, int]:
        return self.imap.getsockname()[1], self.smtp.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.imap.close()
            self.smtp.close()


class _DemoConfig(Config):
    """pymap's configuration with a greeting of its own: pymap asks the network for this machine's full name
    on each connection, which takes seconds where no name server answers."""

    @property
    def greeting(self) -> bytes:
        return b"Server ready (demo)"


class _WholeResponses(asyncio.StreamWriter):
    """Sends each response in one piece. pymap writes one in many, and imapclient 4.1.0 gives a connection up
    when only half of a line is there while it looks for news in IDLE ("unterminated line")."""

    def __init__(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        transport = writer.transport
        super().__init__(transport, transport.get_protocol(), reader, asyncio.get_running_loop())
        self._pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keeps `data` for the next `drain`, with which pymap ends each response."""
        self._pieces.append(bytes(data))

    async def drain(self) -> None:
        """Sends what was written."""
        pieces, self._pieces = self._pieces, []
        super().write(b"".join(pieces))
        await super().drain()


class _Delivery:
    """What aiosmtpd asks: who may send, and what becomes of a mail."""

    def __init__(self, account: Account, maildir: Path) -> None:
        self._account = account
        self._maildir = maildir

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, credentials: object
    ) -> AuthResult:
        """Only the account of the demo may send."""
        known = isinstance(credentials, LoginPassword) and _is_account(self._account, credentials)
        return AuthResult(success=known, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Asks for a sign-in here: aiosmtpd's own `auth_required` warns at each connection without TLS."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Puts the mail with the lines that a delivering server adds into the INBOX, and into Customers for whoever
        else it is addressed to."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = (_trace_lines(session, envelope) + content).replace(b"\r\n", b"\n")
        inbox = mailbox.Maildir(self._maildir, create=False)
        ours = [address.lower() == self._account.username.lower() for address in envelope.rcpt_tos]
        if any(ours):
            inbox.add(mail)
            await _number_new_mail(self._maildir)
        if not all(ours):
            inbox.add_folder(CUSTOMERS).add(mail)  # made where somebody has removed it
        return "250 OK"


def _nothing() -> None:
    return None


def _is_folder_name(name: str) -> bool:
    return bool(name) and Path(name).name == name and not name.startswith(".")


def _is_account(account: Account, given: LoginPassword) -> bool:
    name_fits = secrets.compare_digest(given.login, account.username.encode())
    return secrets.compare_digest(given.password, account.password.encode()) and name_fits


def _listen(port: int) -> socket.socket:
    """A socket on `port`, or on a free one where the port is taken or not ours to use."""
    try:
        return socket.create_server((HOST, port))
    except OSError:
        return socket.create_server((HOST, 0))


def _prepare_folders(folder: Path, maildir: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    inbox = mailbox.Maildir(maildir, create=True)
    for name in FOLDERS:
        if name not in inbox.list_folders():
            inbox.add_folder(name)
    # pymap waits up to 10 minutes for the lock of a process that was killed.
    for left_behind in folder.rglob("*.lock"):
        left_behind.unlink(missing_ok=True)
    FileWriteable.file_write = _write_beside  # type: ignore[method-assign]


def _write_beside(self: FileWriteable) -> None:
    """Stands in for pymap's own writing, which renames from the system's temporary folder: that fails where
    /tmp is a file system of its own."""
    target = Path(self.get_file(self.path))
    fresh = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    with fresh.open("w") as out:
        self.write(out)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(target)
    self._touched = False


def _trace_lines(session: Session, envelope: Envelope) -> bytes:
    peer = session.peer[0] if session.peer else HOST
    now = format_datetime(datetime.now().astimezone())
    lines = (
        f"Return-Path: <{(envelope.mail_from or '').strip('<>')}>",
        f"Received: from {session.host_name} ([{peer}]) by demo with ESMTPA; {now}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")


def _run(serving: Coroutine[None, None, None], ready: "Future[Callable[[], object]]") -> None:
    """The servers' thread. What stops them from starting is raised by the caller of `start`."""
    try:
        asyncio.run(serving)
    except OSError as error:
        if ready.done():
            raise
        ready.set_exception(error)
    finally:
        ready.cancel()


async def _serve(folder: Path, account: Account, sockets: _Sockets, ready: "Future[Callable[[], object]]") -> None:
    """Runs both servers until the function that it hands to `ready` is called (from any thread)."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    await _write_account(folder, account)
    await _number_new_mail(folder / account.username)
    senders: list[SMTP] = []
    imap = await asyncio.start_server(_imap_callback(folder), sock=sockets.imap)
    smtp = await loop.create_server(_smtp_factory(folder, account, senders), sock=sockets.smtp)
    ready.set_result(lambda: loop.call_soon_threadsafe(end.set))
    await end.wait()
    # Closing a server while it accepts a connection leaks that connection's socket (asyncio's Server._attach
    # fails after close), so it first stops listening, and lets what was accepted arrive.
    loop.remove_reader(sockets.imap.fileno())
    loop.remove_reader(sockets.smtp.fileno())
    await asyncio.sleep(SETTLE_SECONDS)
    imap.close()
    smtp.close()
    await _end_connections(senders)


async def _end_connections(senders: list[SMTP]) -> None:
    """Says goodbye to whoever is connected; an IDLE would otherwise last for half an hour."""
    for sender in senders:
        if sender.transport is not None:
            sender.transport.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(SETTLE_SECONDS)


def _imap_callback(folder: Path) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    config = _DemoConfig(
        Namespace(passlib_cfg=None, proxy_protocol=None),
        base_dir=str(folder),
        layout="++",
        colon=None,
        host=HOST,
        port=0,
        tls_enabled=False,
        reject_dnsbl=False,
        hash_context=BuiltinHash(),
        # One loop for all of it: pymap's default threads leave loops of their own open at the end.
        subsystem=Subsystem.for_asyncio(),
        cpu_subsystem=Subsystem.for_asyncio(),
    )
    config.apply_context()
    server = IMAPServer(Login(config), config)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: SocketInfo) -> None:
        await server(reader, _WholeResponses(writer, reader), peer)

    return ProxyProtocolReader(ProxyProtocolNoop()).get_callback(connected)


def _smtp_factory(folder: Path, account: Account, senders: list[SMTP]) -> Callable[[], SMTP]:
    delivery = _Delivery(account, folder / account.username)
    loop = asyncio.get_running_loop()

    def connected() -> SMTP:
        sender = SMTP(
            delivery,
            hostname="demo",
            authenticator=delivery.authenticate,
            auth_require_tls=False,
            decode_data=False,
            enable_SMTPUTF8=True,
            loop=loop,
        )
        senders[:] = [*(other for other in senders if other.transport is not None), sender]
        return sender

    return connected


async def _write_account(folder: Path, account: Account) -> None:
    hashed = BuiltinHash().hash(saslprep(account.password))
    async with UsersFile.with_write(str(folder)) as users:
        users.set(users.build_record(account.username, account.username))
    async with PasswordsFile.with_write(str(folder)) as passwords:
        passwords.set(passwords.build_record(account.username, hashed))


async def _number_new_mail(maildir: Path) -> None:
    """Gives UIDs to mail that lies in the INBOX without one, oldest first: pymap itself would take it in the
    order in which the file system happens to list it, and a follow-up could come before its complaint."""
    box = Maildir(str(maildir), create=False)
    async with UidList.with_write(str(maildir)) as uids:
        known = {record.key for record in uids.records}
        unknown = [key for key in box.keys() if key not in known]  # noqa: SIM118 - a mailbox iterates over mails
        for key in sorted(unknown, key=lambda key: box.get_message_metadata(key).get_date()):
            ids = {"E": str(ObjectId.random_email_id()), "T": str(ObjectId.random_thread_id())}
            uids.set(Record(uids.next_uid, ids, f"{key}:"))
            uids.next_uid += 1
