"""One IMAP session: sign-in, capabilities, folders, fetching and appending, with time limits.

Sources and outlets stand on it; it knows neither. A session belongs to one thread; only `abort` may be called from
another, to end it at once. Every failure comes out as `ServerError` or `SignInError`, with its cause; after one,
the session is of no use any more. It never sets `\\Seen` and never deletes anything.
"""

import contextlib
import imaplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from intake.config import Mailbox, Security
from intake.errors import ServerError, SignInError

DRAFTS, SENT = b"\\Drafts", b"\\Sent"
USUAL_NAMES = {
    DRAFTS: ("Drafts", "Draft", "Concepten", "Entwürfe", "Brouillons"),
    SENT: ("Sent", "Sent Items", "Sent Mail", "Verzonden", "Verzonden items", "Gesendet", "Gesendete Elemente"),
}
CAPABILITIES_THAT_MATTER = ("IDLE", "UIDPLUS", "MOVE", "SPECIAL-USE", "CONDSTORE")
IDS_IN_A_COMMAND = 200
FETCH_AT_MOST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FolderState:
    """A selected folder: its epoch, the next UID, how many messages it holds, and whether keywords can be set."""

    uidvalidity: int
    uidnext: int
    messages: int
    keywords: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message before its body is fetched. `received_at` is the INTERNALDATE, aware, UTC."""

    uid: int
    size: int
    received_at: datetime


def connect(mailbox: Mailbox) -> "Session":
    """Connect and sign in. Raises `ServerError` (away, certificate) or `SignInError` (credentials)."""
    host, port = mailbox.address
    where = f"{mailbox.account} ({host}:{port})"
    with _wrapped(where):
        context = ssl.create_default_context(cafile=str(mailbox.ca_file) if mailbox.ca_file else None)
        client = IMAPClient(
            host,
            port,
            ssl=mailbox.security is Security.TLS,
            ssl_context=context if mailbox.security is Security.TLS else None,
            timeout=mailbox.timeout_seconds,
        )
        client.normalise_times = False
    try:
        if mailbox.security is Security.STARTTLS:
            with _wrapped(where):
                client.starttls(context)
        _sign_in(client, mailbox, where)
    except (ServerError, SignInError):
        _hang_up(client)
        raise
    return Session(client, where)


def _sign_in(client: IMAPClient, mailbox: Mailbox, where: str) -> None:
    password = mailbox.password.get_secret_value() if mailbox.password else ""
    try:
        with _wrapped(where):
            if mailbox.username.isascii() and password.isascii():
                client.login(mailbox.username, password)
            else:
                # LOGIN of imaplib encodes as ASCII; AUTHENTICATE PLAIN is UTF-8 (RFC 4616).
                secret = f"\0{mailbox.username}\0{password}".encode()
                client.sasl_login("PLAIN", lambda _challenge: secret)
    except ServerError as error:
        if isinstance(error.__cause__, LoginError):
            raise SignInError(
                f"{where} does not accept the user name and password.",
                "Check them; sign in once with a mail program to see what the server says.",
            ) from error
        raise


class Session:
    """A signed-in connection."""

    def __init__(self, client: IMAPClient, where: str) -> None:
        self._client = client
        self._where = where

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Sign out; never raises, and never waits longer than a read may take."""
        try:
            self._client.logout()
        except (imaplib.IMAP4.error, OSError, ValueError, AttributeError):
            _hang_up(self._client)

    def abort(self) -> None:
        """End the session at once, from any thread: a read that is waiting fails."""
        with contextlib.suppress(OSError, AttributeError):
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def capabilities(self) -> tuple[str, ...]:
        """Those of the server's capabilities that matter to Intake."""
        with self._errors():
            offered = {item.decode("ascii", "replace").upper() for item in self._client.capabilities()}
        return tuple(name for name in CAPABILITIES_THAT_MATTER if name in offered)

    def select(self, folder: str) -> FolderState:
        """Open a folder for reading only: nothing that is fetched changes a flag."""
        with self._errors(f"folder {folder}"):
            answer = self._client.select_folder(folder, readonly=True)
        permanent = answer.get(b"PERMANENTFLAGS", ())
        if b"UIDVALIDITY" not in answer:
            raise ServerError(f"{self._where} tells no UIDVALIDITY for {folder}.", "Intake cannot count its mail.")
        uidnext = int(answer.get(b"UIDNEXT", 0)) or self._after_last()
        return FolderState(int(answer[b"UIDVALIDITY"]), uidnext, int(answer.get(b"EXISTS", 0)), b"\\*" in permanent)

    def uids(self, first: int, last: int | None = None, since: date | None = None) -> list[int]:
        """UIDs from `first` to `last` (None: the end), of mail that arrived on or after the day `since`; sorted."""
        criteria: list[object] = ["UID", f"{first}:{last or '*'}"]
        if since is not None:
            criteria += ["SINCE", since]
        with self._errors():
            found = self._client.search(criteria)
        # `n:*` always names the last message, even where its UID is below n (RFC 3501 section 6.4.8).
        return sorted(uid for uid in found if uid >= first and (last is None or uid <= last))

    def envelopes(self, uids: Sequence[int]) -> list[Envelope]:
        """Size and moment of arrival of these messages, by UID; those that have gone are missing."""
        found: list[Envelope] = []
        for start in range(0, len(uids), IDS_IN_A_COMMAND):
            part = list(uids[start : start + IDS_IN_A_COMMAND])
            with self._errors():
                answer = self._client.fetch(part, ["RFC822.SIZE", "INTERNALDATE"])
            for uid in part:
                data = answer.get(uid, {})
                if b"INTERNALDATE" in data:
                    found.append(Envelope(uid, int(data.get(b"RFC822.SIZE", 0)), _aware(data[b"INTERNALDATE"])))
                elif self.uids(uid, uid):
                    raise ServerError(f"{self._where} tells nothing of the mail with UID {uid}.", "It is asked again.")
        return found

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The messages' bytes, without touching `\\Seen`. A message without bytes in the answer is missing here."""
        with self._errors():
            answer = self._client.fetch(list(uids), ["BODY.PEEK[]"])
        found = {uid: answer.get(uid, {}).get(b"BODY[]") for uid in uids}
        return {uid: bytes(raw) for uid, raw in found.items() if raw}

    def beginning(self, uid: int) -> bytes:
        """The first 64 MB of a message that is larger."""
        with self._errors():
            answer = self._client.fetch([uid], [f"BODY.PEEK[]<0.{FETCH_AT_MOST}>"])
        return bytes(answer.get(uid, {}).get(b"BODY[]<0>") or b"")

    def find_folder(self, use: bytes, configured: str = "") -> str | None:
        """The folder for a special use (RFC 6154): the configured one, else the one that the server marks, else one
        with a usual name. Raises `ServerError` where the configured one is not there."""
        with self._errors():
            listed = self._client.list_folders()
        names = {name: {flag.lower() for flag in flags} for flags, _separator, name in listed}
        if configured:
            if configured not in names:
                raise ServerError(
                    f"{self._where} has no folder {configured!r}.", f"It has: {', '.join(sorted(names))}."
                )
            return configured
        marked = [name for name, flags in names.items() if use.lower() in flags]
        usual = [
            name
            for wanted in USUAL_NAMES[use]
            for name in names
            if name.replace("INBOX.", "").replace("INBOX/", "").lower() == wanted.lower()
        ]
        return next(iter((*marked, *usual)), None)

    def ensure_folder(self, use: bytes, configured: str, name: str) -> str:
        """The folder for a special use; created under `name` where the server has none."""
        found = self.find_folder(use, configured)
        if found is not None:
            return found
        with self._errors(f"folder {name}"):
            self._client.create_folder(name)
        return name

    def append(self, folder: str, raw: bytes, flags: Sequence[bytes], dated: datetime) -> None:
        """Append a message with CRLF line ends."""
        with self._errors(f"folder {folder}"):
            self._client.append(folder, raw, flags, dated)

    def holds(self, folder: str, message_id: str) -> bool:
        """Whether a folder holds a message with this Message-ID."""
        with self._errors(f"folder {folder}"):
            self._client.select_folder(folder, readonly=True)
            return bool(self._client.search(["HEADER", "Message-ID", message_id]))

    def _after_last(self) -> int:
        with self._errors():
            return max(self._client.search(["UID", "1:*"]), default=0) + 1

    def _errors(self, what: str = "") -> contextlib.AbstractContextManager[None]:
        return _wrapped(f"{self._where}, {what}" if what else self._where)


def _hang_up(client: IMAPClient) -> None:
    """Close the socket of a connection that is of no use any more."""
    with contextlib.suppress(OSError, AttributeError):
        client.shutdown()


@contextlib.contextmanager
def _wrapped(where: str) -> Iterator[None]:
    """imapclient raises errors of four families: imaplib's, the socket's, ValueError on answers that it cannot
    read, and UnicodeError (a ValueError) on text that it cannot send."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ServerError(
            f"{where}: its certificate is not trusted ({error.verify_message}).",
            "Renew it, or name its authority in ca_file.",
        ) from error
    except TimeoutError as error:
        raise ServerError(f"{where} does not answer.", "It is tried again by itself.") from error
    except (imaplib.IMAP4.error, OSError, ValueError, AssertionError) as error:
        raise ServerError(f"{where}: {_short(error)}.", "It is tried again by itself.") from error


def _short(error: Exception) -> str:
    """The error on one line without what might be a secret: a command that was refused is not repeated."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200].rstrip(".")


def _aware(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
