"""One IMAP session: sign-in, capabilities, folders, fetching, appending and marking, with time limits.

Sources and outlets stand on it; it knows neither. A session belongs to one thread; only `abort` may be called from
another, to end it at once. Every failure comes out as `ServerError` or `SignInError`, with its cause; after one,
the session is of no use any more. Each exchange with the server has a limit in time and bytes (`intake.connection`).
It never sets `\\Seen`, and deletes nothing: a mail that is moved is removed by its UID, once its copy is there.
"""

import contextlib
import imaplib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from imapclient.exceptions import LoginError

from intake import fetched
from intake.config import Mailbox, OAuth, Security
from intake.connection import LIBRARY_ERRORS, Client, Limits, tls_context, wrapped
from intake.errors import ServerError, SignInError
from intake.oauth import Bearer, account_of

DRAFTS, SENT = b"\\Drafts", b"\\Sent"
USUAL_NAMES = {
    DRAFTS: ("Drafts", "Draft", "Concepten", "Entwürfe", "Brouillons"),
    SENT: ("Sent", "Sent Items", "Sent Mail", "Verzonden", "Verzonden items", "Gesendet", "Gesendete Elemente"),
}
CAPABILITIES_THAT_MATTER = ("IDLE", "UIDPLUS", "MOVE", "SPECIAL-USE", "CONDSTORE")
FETCH_AT_MOST = 64 * 1024 * 1024
ANSWER_BYTES = 300
CLOSE_SECONDS = 5.0
# RFC 5530: the account is in order, the server is not.
PASSING_REFUSALS = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")


@dataclass(frozen=True, slots=True)
class FolderState:
    """A selected folder: its epoch, the next UID, how many messages it holds, and whether keywords can be set."""

    uidvalidity: int
    uidnext: int
    messages: int
    keywords: bool


@dataclass(frozen=True, slots=True)
class FolderNumbers:
    """What a folder's numbers say, without opening it. Each new message takes a UID, and none is used twice."""

    uidvalidity: int
    uidnext: int
    messages: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message before its body is fetched. `size` is the server's word, no more. `received_at` is
    the INTERNALDATE, aware, UTC; None where the server does not tell it."""

    uid: int
    size: int
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class Changeable:
    """A folder that is open for change: its epoch, and the flags that stay where they are set."""

    uidvalidity: int
    flags: tuple[str, ...]

    def keeps(self, flag: str) -> bool:
        """Whether a flag or keyword that is set will be there tomorrow. `\\*` allows new keywords."""
        known = {name.lower() for name in self.flags}
        return flag.lower() in known or (not flag.startswith("\\") and "\\*" in known)


def connect(mailbox: Mailbox) -> "Session":
    """Connect and sign in. Raises `ServerError` (away, certificate) or `SignInError` (credentials)."""
    where = f"{mailbox.account} ({mailbox.host}:{mailbox.address[1]})"
    limits = Limits(mailbox.timeout_seconds)
    with wrapped(where):
        # Reading the system's authorities takes some 30 ms: not for a server on this machine.
        context = tls_context(mailbox.ca_file) if mailbox.security is not Security.PLAIN else None
        client = Client(mailbox.address, limits, context if mailbox.security is Security.TLS else None)
    try:
        if mailbox.security is Security.STARTTLS:
            limits.start()
            with wrapped(where):
                client.starttls(context)
        limits.start()
        _sign_in(client, mailbox, where)
    except (ServerError, SignInError):
        client.hang_up()
        raise
    return Session(client, where)


def _sign_in(client: Client, mailbox: Mailbox, where: str) -> None:
    if mailbox.oauth is not None:
        _sign_in_with_token(client, mailbox, mailbox.oauth, where)
        return
    password = mailbox.password.get_secret_value() if mailbox.password else ""
    try:
        with wrapped(where):
            if mailbox.username.isascii() and password.isascii():
                client.login(mailbox.username, password)
            else:
                # LOGIN of imaplib encodes as ASCII; AUTHENTICATE PLAIN is UTF-8 (RFC 4616).
                secret = f"\0{mailbox.username}\0{password}".encode()
                client.sasl_login("PLAIN", lambda _challenge: secret)
    except ServerError as error:
        if _is_refusal(error.__cause__):
            raise SignInError(
                f"{where} does not accept the user name and password.",
                "Check them; sign in once with a mail program to see what the server says.",
            ) from error
        raise


def _sign_in_with_token(client: Client, mailbox: Mailbox, settings: OAuth, where: str) -> None:
    """A token that the server refuses may have been revoked early: it is replaced once."""
    name = settings.mechanism.upper()
    with wrapped(where):
        offered = client.has_capability(f"AUTH={name}")
    if not offered:
        raise SignInError(f"{where} does not offer {name}.", "Check `mechanism`, and that the server takes OAuth 2.")
    token = ""
    for _ in range(2):
        token = account_of(mailbox, settings).access_token(datetime.now(UTC), rejected=token)
        client.limits.start()
        if _takes(client, Bearer(name, mailbox.username, token), where):
            return
    raise SignInError(
        f"{where} does not accept its access token.",
        "Check that IMAP is allowed for this mailbox, that `username` is its address, and `scope`.",
    )


def _takes(client: Client, bearer: Bearer, where: str) -> bool:
    try:
        with wrapped(where):
            client.sasl_login(bearer.name, bearer)
    except ServerError as error:
        if _is_refusal(error.__cause__):
            return False
        if isinstance(error.__cause__, OSError):
            raise
        # What the server says in its own words may repeat the token.
        raise ServerError(f"{where} cannot sign us in just now.", "It is tried again by itself.") from None
    return True


def _is_refusal(cause: BaseException | None) -> bool:
    """Whether the server refused the credentials. imapclient calls a connection that ended during sign-in a
    `LoginError` too, and so what a server answers that cannot look just now."""
    if not isinstance(cause, LoginError) or isinstance(cause.__context__, imaplib.IMAP4.abort):
        return False
    return not any(code in str(cause).upper() for code in PASSING_REFUSALS)


class Session:
    """A signed-in connection."""

    def __init__(self, client: Client, where: str) -> None:
        self._client = client
        self._where = where
        self._watching = False

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._client.hang_up()

    def close(self) -> None:
        """Sign out; never raises, and takes 5 seconds at most."""
        limits = self._client.limits
        limits.read_seconds = min(limits.read_seconds, CLOSE_SECONDS)
        limits.start()
        try:
            self._client.logout()
        except LIBRARY_ERRORS:
            self._client.hang_up()

    def abort(self) -> None:
        """End the session at once, from any thread: a read that is waiting fails, and so does the wait for news."""
        with contextlib.suppress(OSError, AttributeError):
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def capabilities(self) -> tuple[str, ...]:
        """Those of the server's capabilities that matter to Intake."""
        with self._exchange():
            offered = {item.decode("ascii", "replace").upper() for item in self._client.capabilities()}
        return tuple(name for name in CAPABILITIES_THAT_MATTER if name in offered)

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return "IDLE" in self.capabilities()

    @property
    def can_move(self) -> bool:
        """Whether a mail can be moved without touching another: MOVE (RFC 6851), or UIDPLUS (RFC 4315) for the
        removal of a mail by its UID."""
        return not {"MOVE", "UIDPLUS"}.isdisjoint(self.capabilities())

    def select(self, folder: str) -> FolderState:
        """Open a folder for reading only: nothing that is fetched changes a flag."""
        answer = self._open(folder)
        self._watching = True
        permanent = answer.get(b"PERMANENTFLAGS", ())
        if b"UIDVALIDITY" not in answer:
            raise ServerError(f"{self._where} tells no UIDVALIDITY for {folder}.", "Intake cannot count its mail.")
        uidnext = int(answer.get(b"UIDNEXT", 0)) or self._after_last()
        return FolderState(int(answer[b"UIDVALIDITY"]), uidnext, int(answer.get(b"EXISTS", 0)), b"\\*" in permanent)

    def numbers(self, folder: str) -> FolderNumbers:
        """STATUS of a folder that need not be open."""
        with self._exchange(f"folder {folder}"):
            told = self._client.folder_status(folder, ["UIDVALIDITY", "UIDNEXT", "MESSAGES"])
            return FolderNumbers(int(told[b"UIDVALIDITY"]), int(told[b"UIDNEXT"]), int(told[b"MESSAGES"]))

    def wait_for_change(self, seconds: float) -> bool:
        """Wait in IDLE until something changes in the folder that `select` opened last, `seconds` at most (540 or
        fewer: servers hang up on an IDLE of half an hour, routers on a shorter one). True where something may have
        changed, also between that `select` and now: look again. False where the time ran out. `abort` ends the wait.
        Raises `ServerError` where the connection is dead or IDLE is not offered."""
        if not self.can_idle:
            raise ServerError(f"{self._where} offers no IDLE.", "It is polled.")
        # A mail that was told beside the answer to an earlier command is not told again.
        if not self._watching or self._client.wire.response("EXISTS")[1] != [None]:
            return True
        with self._exchange():
            return self._client.wire.wait_in_idle(seconds)

    def uids(self, first: int, last: int | None = None, since: date | None = None) -> list[int]:
        """UIDs from `first` to `last` (None: the end), of mail that arrived on or after the day `since`; sorted."""
        criteria: list[object] = ["UID", f"{first}:{last or '*'}"]
        if since is not None:
            criteria += ["SINCE", since]
        # `n:*` always names the last message, even where its UID is below n (RFC 3501 section 6.4.8).
        return [uid for uid in self.search(criteria) if uid >= first and (last is None or uid <= last)]

    def search(self, criteria: Sequence[object]) -> list[int]:
        """UIDs of the open folder's messages that match criteria as imapclient takes them; sorted."""
        with self._exchange():
            return sorted(set(self._client.search(criteria)))

    def present(self, uids: Sequence[int]) -> list[int]:
        """Those of these UIDs that the open folder still holds; sorted."""
        found: list[int] = []
        for part in fetched.parts(sorted(uids)):
            found += self.search(["UID", fetched.id_set(part)])
        return sorted(set(found) & set(uids))

    def envelopes(self, uids: Sequence[int]) -> list[Envelope]:
        """Size and moment of arrival of these messages, by UID; those that have gone are missing. One that is there
        and of which the server tells nothing comes with size 0 and without a moment."""
        found: list[Envelope] = []
        for part in fetched.parts(sorted(uids)):
            answers = self.fetch(part, "RFC822.SIZE INTERNALDATE", ANSWER_BYTES * len(part))
            told = {uid for uid, answer in answers.items() if fetched.size(answer) or fetched.received_at(answer)}
            silent = [uid for uid in part if uid not in told]
            there = told.union(self.present(silent) if silent else ())
            found += [
                Envelope(uid, fetched.size(answers.get(uid, {})), fetched.received_at(answers.get(uid, {})))
                for uid in part
                if uid in there
            ]
        return found

    def bodies(self, uids: Sequence[int], expected: int) -> dict[int, bytes]:
        """The messages' bytes, without touching `\\Seen`. A message without bytes in the answer is missing here.
        `expected` is their size in all as far as it is known; a server that sends far more than that is cut off."""
        answers = self.fetch(uids, "BODY.PEEK[]", expected)
        found = {uid: fetched.section(answers.get(uid, {})) for uid in uids}
        return {uid: raw for uid, raw in found.items() if raw}

    def beginning(self, uid: int, expected: int) -> bytes:
        """A message alone, whatever its size: no more of it than one byte over 64 MB."""
        answers = self.fetch([uid], f"BODY.PEEK[]<0.{FETCH_AT_MOST + 1}>", expected, at_most=FETCH_AT_MOST + 1)
        return fetched.section(answers.get(uid, {}))

    def head(self, uid: int) -> bytes:
        """The header lines by which a person knows a mail: From, Subject, Date, Message-ID; empty where it is gone."""
        item = fetched.header_lines("FROM SUBJECT DATE MESSAGE-ID")
        return fetched.section(self.fetch([uid], item, 0).get(uid, {}), fetched.HEADER)

    def find_folder(self, use: bytes, configured: str = "") -> str | None:
        """The folder for a special use (RFC 6154): the configured one, else the one that the server marks, else one
        with a usual name. Raises `ServerError` where the configured one is not there."""
        with self._exchange():
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
        if found is None:
            self.create_folder(name)
        return found or name

    def create_folder(self, name: str) -> None:
        """Make a folder, unless it is there, and show it in mail programs (which list what is subscribed to)."""
        with self._exchange(f"folder {name}"):
            if self._client.folder_exists(name):
                return
            self._client.create_folder(name)
            with contextlib.suppress(imaplib.IMAP4.error):
                self._client.subscribe_folder(name)

    def append(self, folder: str, raw: bytes, flags: Sequence[bytes], dated: datetime) -> None:
        """Append a message with CRLF line ends."""
        with self._exchange(f"folder {folder}", len(raw)):
            self._client.append(folder, raw, flags, dated)

    @property
    def can_append_many(self) -> bool:
        """Whether several messages go in one command, all of them or none (RFC 3502), without waiting for the server
        before each (RFC 7888)."""
        with self._exchange():
            offered = self._client.capabilities()
        return b"MULTIAPPEND" in offered and b"LITERAL+" in offered

    def append_many(self, folder: str, messages: Sequence[tuple[bytes, datetime]], flags: Sequence[bytes]) -> None:
        """Append messages with CRLF line ends, each with its INTERNALDATE, in one command; all of them or none."""
        with self._exchange(f"folder {folder}", sum(len(raw) for raw, _ in messages)):
            self._client.multiappend(folder, [{"msg": raw, "flags": flags, "date": dated} for raw, dated in messages])

    def holds(self, folder: str, message_id: str) -> bool:
        """Whether a folder holds a message with this Message-ID."""
        self._open(folder)
        return bool(self.search(["HEADER", "Message-ID", message_id]))

    def open_for_change(self, folder: str) -> "Changeable | None":
        """Open a folder so that flags can be set in it; None where the server allows reading only."""
        try:
            answer = self._open(folder, readonly=False)
        except ServerError as error:
            if isinstance(error.__cause__, imaplib.IMAP4.readonly):
                return None
            raise
        # Where PERMANENTFLAGS is not told, every flag that the folder knows can be kept (RFC 3501 section 6.3.1).
        flags = answer.get(b"PERMANENTFLAGS", answer.get(b"FLAGS", ()))
        return Changeable(int(answer.get(b"UIDVALIDITY", 0)), tuple(flag.decode("ascii", "replace") for flag in flags))

    def flag(self, uids: Sequence[int], flag: str) -> None:
        """Add a flag or keyword to messages of the folder that is open for change."""
        for part in fetched.parts(uids):
            with self._exchange():
                self._client.add_flags(part, [flag], silent=True)

    def move(self, uids: Sequence[int], target: str) -> None:
        """Move messages of the open folder: MOVE (RFC 6851)."""
        for part in fetched.parts(uids):
            with self._exchange(f"folder {target}"):
                self._client.move(part, target)

    def copy(self, uids: Sequence[int], target: str) -> None:
        """Copy messages of the open folder."""
        for part in fetched.parts(uids):
            with self._exchange(f"folder {target}"):
                self._client.copy(part, target)

    def remove(self, uids: Sequence[int]) -> None:
        """Remove messages that are marked `\\Deleted`: UID EXPUNGE (RFC 4315), these and no others."""
        for part in fetched.parts(uids):
            with self._exchange():
                self._client.uid_expunge(part)

    def fetch(self, uids: Sequence[int], items: str, expected: int, at_most: int = 0) -> dict[int, fetched.Answer]:
        """What the server answers for messages of the open folder, by UID. `expected`: the bytes that should come;
        far more than that, and than `at_most`, are not taken."""
        if not uids:
            return {}
        with self._exchange(expected=expected, at_most=at_most):
            status, records = self._client.wire.uid("FETCH", fetched.id_set(sorted(uids)), f"({items})")
            if status != "OK":
                raise imaplib.IMAP4.error(f"FETCH: {status} {records[-1]!r}")
            return fetched.by_uid(records)

    def _open(self, folder: str, readonly: bool = True) -> dict[bytes, Any]:
        self._watching = False
        with self._exchange(f"folder {folder}"):
            answer: dict[bytes, Any] = self._client.select_folder(folder, readonly=readonly)
            self._client.wire.response("EXISTS")  # is in the answer; what is told from here on is news
        return answer

    def _after_last(self) -> int:
        return max(self.search(["UID", "1:*"]), default=0) + 1

    @contextlib.contextmanager
    def _exchange(self, what: str = "", expected: int = 0, at_most: int = 0) -> Iterator[None]:
        """One exchange with the server, under its limits."""
        self._client.limits.start(expected, at_most)
        with wrapped(f"{self._where}, {what}" if what else self._where):
            yield
