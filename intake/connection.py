"""One IMAP connection under limits: how long an exchange may take in all, how much may come, and waiting in IDLE.

    Client (imapclient's commands) ─► Wire (imaplib's lines and literals) ─► a socket that keeps to the time
                                                └──────────── Limits ────────────┘

The timeout of imaplib and imapclient is for each read, so a server that sends a byte a second could hold a session
for ever; here the whole exchange has a deadline. What a server may send is bounded too, before it is held in memory.
Where a limit is passed, the connection is dead: `TimeoutError`, or imaplib's `abort`; `wrapped` turns these, and
whatever else the libraries raise, into `ServerError`. It knows no folders and parses no answers. Looking up the
server's name is the system resolver's, with the resolver's own time limits.
"""

import contextlib
import errno
import imaplib
import io
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from imapclient import IMAPClient

from intake.errors import ServerError, ServerRefused

# What a server may send besides what was asked for: flags that somebody else changes in 50,000 messages are 2 MB.
SPARE_BYTES = 16 * 1024 * 1024
SLOWEST_BYTES_A_SECOND = 16 * 1024
# imaplib stops at 1,000,000 bytes: a SEARCH that finds 150,000 messages is longer.
LONGEST_LINE = 32 * 1024 * 1024
IDLE_TAG = b"idle"
KEEPALIVES = 100
# What imaplib and imapclient raise: their own errors, the socket's, and on answers that nobody would send in earnest
# (no numbers where numbers belong, a thousand brackets) whatever their parsers fall over.
LIBRARY_ERRORS = (
    imaplib.IMAP4.error,
    OSError,
    ValueError,
    AssertionError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
)


class Limits:
    """What the exchange under way may still take. `read_seconds` is the longest silence. Used by one thread."""

    def __init__(self, read_seconds: float) -> None:
        self.read_seconds = read_seconds
        self.waiting = False
        self.ended = False
        self.start()

    def start(self, expected: int = 0, at_most: int = 0) -> None:
        """Begin an exchange of about `expected` bytes, either way; `at_most` where more may come without harm."""
        self._deadline = time.monotonic() + self.read_seconds + expected / SLOWEST_BYTES_A_SECOND
        self._bytes = max(2 * expected, at_most) + SPARE_BYTES

    def patience(self) -> float:
        """How many seconds the next read or write may take. Raises `TimeoutError` where there are none left."""
        if self.waiting:
            return 0.0
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server is too slow")
        return min(left, self.read_seconds)

    def spend(self, count: int) -> None:
        """Note bytes that come. Raises imaplib's `abort` where they are too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise imaplib.IMAP4.abort("the server sends far more than it was asked for")


class LimitedSocket(socket.socket):
    """A socket that keeps to the limits, for reading and writing in the clear."""

    limits: Limits

    def recv_into(self, buffer, nbytes=0, flags=0):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """As the socket's own; what `makefile` reads through."""
        self.settimeout(self.limits.patience())
        count = super().recv_into(buffer, nbytes, flags)
        self.limits.ended = count == 0
        return count

    def sendall(self, data, flags=0):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """As the socket's own; its timeout is for the whole of `data`."""
        self.settimeout(self.limits.patience())
        return super().sendall(data, flags)


class LimitedTlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    limits: Limits

    def recv_into(self, buffer, nbytes=None, flags=0):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """As the socket's own. A record that is not complete yet counts as nothing to read."""
        self.settimeout(self.limits.patience())
        try:
            count = super().recv_into(buffer, nbytes, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError(errno.EAGAIN, "nothing to read yet") from error
        self.limits.ended = count == 0
        return count

    def send(self, data, flags=0):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """As the socket's own; `sendall` sends through it."""
        self.settimeout(self.limits.patience())
        return super().send(data, flags)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A context that verifies, by the system's authorities or by this one, and whose sockets keep to the limits."""
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = LimitedTlsSocket
    return context


class Wire(imaplib.IMAP4):
    """imaplib's connection, reading and writing within `limits`; over TLS from the start where `context` is given."""

    def __init__(self, host: str, port: int, limits: Limits, context: ssl.SSLContext | None) -> None:
        self._limits = limits
        self._context = context
        self._reader: io.BufferedReader | None = None
        self._read_from: socket.socket | None = None
        super().__init__(host, port, timeout=limits.read_seconds)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002 - imaplib's signature
        """Connect. What imaplib's own classes override for TLS, and imapclient's for timeouts."""
        plain = connected(self.host, self.port, self._limits)
        if self._context is None:
            return plain
        plain.settimeout(self._limits.patience())  # since Python 3.5 this bounds the whole handshake
        return self._context.wrap_socket(plain, server_hostname=self.host)

    def _incoming(self) -> io.BufferedReader:
        """The buffer over the socket. After STARTTLS it is a new one: what came in the clear behind the answer, where
        anybody on the way could have written it, is forgotten."""
        if self._reader is None or self._read_from is not self.sock:
            if self._reader is not None:
                self._reader.close()
            self._read_from = self.sock
            self.sock.limits = self._limits  # type: ignore[attr-defined]
            self._reader = self.sock.makefile("rb")
        return self._reader

    def read(self, size: int) -> bytes:
        """A literal."""
        self._limits.spend(size)
        data = self._incoming().read(size)
        if len(data) < size:
            raise self.abort("the connection ended in the middle of a message")
        return data

    def readline(self) -> bytes:
        """One line; an empty one at the end of the connection."""
        line = self._incoming().readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.abort("the server sends a line without end")
        self._limits.spend(len(line))
        return line

    def send(self, data: bytes) -> None:  # type: ignore[override]
        """Send a command or a literal."""
        self._incoming()
        super().send(data)

    def shutdown(self) -> None:
        """Close it."""
        if self._reader is not None:
            with contextlib.suppress(OSError, ValueError):
                self._reader.close()
        super().shutdown()

    def wait_in_idle(self, seconds: float) -> bool:
        """IDLE (RFC 2177) until the server tells anything new, for `seconds` at most; whether it did.

        imapclient's own `idle_check` takes a connection that has ended for one where nothing happens, and gives up
        one where half a line has come. Here nothing is read before a byte is there, and nothing that is said is
        parsed: whoever waits looks for himself. Raises imaplib's errors, `OSError` and `TimeoutError`.
        """
        self._limits.start()
        self.send(IDLE_TAG + b" IDLE\r\n")
        news = self._told_until(b"+")
        if not news:
            news = self._told_within(seconds)
        self._limits.start()
        self.send(b"DONE\r\n")
        return self._told_until(IDLE_TAG + b" ") or news

    def _told_until(self, end: bytes) -> bool:
        """Read up to the line that begins with `end`; whether the server told anything new before it."""
        news = False
        while not (line := self._whole_line()).startswith(end):
            if line.startswith(IDLE_TAG + b" "):
                raise self.error("the server refuses IDLE")
            news = news or _is_news(line)
        return news

    def _told_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        for _ in range(KEEPALIVES):
            if not self._readable(until):
                return False
            self._limits.start()
            line = self._whole_line()
            if line.startswith(IDLE_TAG + b" "):
                raise self.abort("the server ends IDLE")
            if _is_news(line):
                return True
        return True

    def _whole_line(self) -> bytes:
        """A line with the literals in it, if any. Raises `abort` at the end and where the server says goodbye."""
        line = self.readline()
        if not line.endswith(b"\n"):
            raise self.abort("the connection ended")
        if line[:5].upper() == b"* BYE":
            raise self.abort(line[2:].decode("ascii", "replace"))
        while (size := _literal_at_end(line)) is not None:
            self.read(size)
            line = line[:64] + self.readline()
        return line

    def _readable(self, until: float) -> bool:
        """Wait until there is something to read, or the connection has ended; False where neither came in time.
        Looks into the buffers first: what lies there, the system's `select` does not see."""
        reader = self._incoming()
        self._limits.waiting, self._limits.ended = True, False
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.sock, selectors.EVENT_READ)
                while not reader.peek(1) and not self._limits.ended:
                    left = until - time.monotonic()
                    if left <= 0:
                        return False
                    selector.select(left)
                return True
        finally:
            self._limits.waiting = False


class Client(IMAPClient):  # type: ignore[misc]
    """imapclient's commands over a `Wire`."""

    def __init__(self, address: tuple[str, int], limits: Limits, context: ssl.SSLContext | None) -> None:
        self.limits = limits
        self.wire: Wire
        limits.start()
        super().__init__(*address, ssl=context is not None, ssl_context=context, timeout=limits.read_seconds)
        self.wire.debug = 0  # imapclient has every line formatted for a log that nobody keeps, mail and all

    def _create_IMAP4(self) -> Wire:  # noqa: N802 - imapclient's name, which its own test client overrides too
        self.wire = Wire(self.host, self.port, self.limits, self.ssl_context)
        return self.wire

    def hang_up(self) -> None:
        """Close the socket of a connection that is of no use any more."""
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self.shutdown()


def connected(host: str, port: int, limits: Limits) -> LimitedSocket:
    """A connection to the first of the host's addresses that answers; each has its share of the time."""
    failure = OSError(f"{host} has no address")
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _name, address) in enumerate(addresses):
        sock = LimitedSocket(family, kind, protocol)
        sock.limits = limits
        try:
            sock.settimeout(limits.patience() / (len(addresses) - tried))
            sock.connect(address)
            # A literal and the line end behind it are two writes: the second must not wait for an acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _is_news(line: bytes) -> bool:
    """Whether a line tells of a change. `* OK Still here` and the like keep the connection open, no more."""
    return line[:5].upper() != b"* OK "


def _literal_at_end(line: bytes) -> int | None:
    """The size of the literal that a line announces (RFC 3501 section 4.3)."""
    if not line.endswith(b"}\r\n"):
        return None
    digits = line[line.rfind(b"{") + 1 : -3]
    return int(digits) if digits.isdigit() and len(digits) <= 10 else None


@contextlib.contextmanager
def wrapped(where: str) -> Iterator[None]:
    """The libraries' errors as ours."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ServerError(
            f"{where}: its certificate is not trusted ({error.verify_message}).",
            "Renew it, or name its authority in ca_file.",
        ) from error
    except TimeoutError as error:
        raise ServerError(f"{where} does not answer.", "It is tried again by itself.") from error
    except LIBRARY_ERRORS as error:
        refused = isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort)
        kind = ServerRefused if refused else ServerError
        raise kind(f"{where}: {_short(error)}.", "It is tried again by itself.") from error


def _short(error: Exception) -> str:
    """The error on one line without what might be a secret: a command that was refused is not repeated."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200].rstrip(".")
