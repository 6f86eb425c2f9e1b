"""The outgoing mail server: sign-in and sending, over one connection for several mails, with time limits.

    connect (TLS verified) → EHLO → AUTH → MAIL FROM → RCPT TO → `before_data` (*sending* is committed) → DATA

A mail goes out, or is refused for now (`ServerRefused`), or for good (`MailRefused`), or it is not known
(`MailUncertain`: the connection ended after its text began to go out). Any other `ServerError` means that the server is
away and nothing went out. Who keeps mails, and tries again, is the caller's affair.
"""

import base64
import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from intake.config import Mailbox, Outgoing, Security
from intake.connection import Limits, connected, tls_context
from intake.errors import MailRefused, MailUncertain, ServerError, ServerRefused, SignInError
from intake.oauth import Bearer, account_of

FEATURES_THAT_MATTER = ("starttls", "auth", "size", "8bitmime", "smtputf8")
READY, CONTINUE = 354, 334
# What a person who sends waits for; RFC 5321 section 4.5.3.2.6 wants ten minutes, since whoever gives up sooner does
# not know what became of the mail.
LAST_ANSWER = 10
LONGEST_LINE, MOST_LINES = 2048, 100
NO_ADDRESS = re.compile(r"[\x00-\x20<>\x7f]")
LINE_END = re.compile(rb"\r\n|\r|\n")
LIBRARY_ERRORS = (smtplib.SMTPException, OSError, ValueError)
# The mail is not what they are about (RFC 4954 section 6; RFC 3463 X.7.0 to X.7.8 at sign-in).
NOT_SIGNED_IN = 530


class Courier:
    """A connection to a shop's outgoing server, made when it is first needed, for the mails of one pass. `mailbox` is
    the shop's, whose tokens sign in where `outgoing.oauth` says so. Belongs to one thread."""

    def __init__(self, outgoing: Outgoing, mailbox: Mailbox | None) -> None:
        self._outgoing, self._mailbox = outgoing, mailbox
        self._client: _Client | None = None

    def __enter__(self) -> "Courier":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self, raw: bytes, sender: str, recipients: Sequence[str], before_data: Callable[[], object]
    ) -> tuple[str, ...]:
        """Send a mail; the recipients whom the server did not take, where it took others. `before_data` is called when
        the server has taken a recipient and before it is given the text. Raises `ServerRefused`, `MailRefused`,
        `MailUncertain`, and `ServerError` or `SignInError` where nothing can be sent now."""
        options = _options(self.connection(), raw, (sender, *recipients), self._where)
        wired = {one: _wire_address(one) for one in (sender, *recipients)}
        with self._told():
            self._mail_from(wired[sender], options)
            refused = self._rcpt_to({one: wired[one] for one in recipients})
        try:
            before_data()
        except BaseException:
            self._drop()  # half of a mail was told
            raise
        self._text(raw)
        return refused

    def connection(self) -> "_Client":
        """The connection, signed in. Raises `ServerError` or `SignInError`."""
        if self._client is None:
            self._client = _connect(self._outgoing, self._mailbox, self._where)
        return self._client

    def close(self) -> None:
        """Say goodbye; never raises."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(*LIBRARY_ERRORS):
                client.limits.read_seconds = min(client.limits.read_seconds, 5.0)
                client.quit()
            client.close()

    @property
    def _where(self) -> str:
        return _name_of(self._outgoing)

    def _mail_from(self, sender: str, options: tuple[str, ...]) -> None:
        code, words = self.connection().mail(sender, options)
        if code == NOT_SIGNED_IN:
            raise SignInError(f"{self._where} wants a sign-in to send.", "Name a user and a password.")
        self._check(code, words, "the sender")

    def _rcpt_to(self, recipients: Mapping[str, str]) -> tuple[str, ...]:
        """Name the recipients as the wire wants them; those who were not taken. Raises where none was."""
        answers = [(one, *self.connection().rcpt(wired)) for one, wired in recipients.items()]
        refused = [answer for answer in answers if not 200 <= answer[1] < 300]
        if len(refused) == len(answers):
            _, code, words = min(refused, key=lambda answer: answer[1])
            self._check(code, words, "the recipient", address=True)
        return tuple(one for one, _, _ in refused)

    def _text(self, raw: bytes) -> None:
        """Hand over the text (RFC 5321 section 4.1.1.4). Until its first byte has gone, nothing was sent."""
        client = self.connection()
        with self._told():
            code, words = client.docmd("DATA")
            if code != READY:
                self._check(code, words, "the mail")
        body = re.sub(rb"(?m)^\.", b"..", LINE_END.sub(b"\r\n", raw).removesuffix(b"\r\n")) + b"\r\n.\r\n"
        try:
            client.limits.start(len(body))
            client.send(body)
            code, words = client.getreply(LAST_ANSWER)
        except LIBRARY_ERRORS as error:
            self._drop()
            raise MailUncertain(
                f"{self._where} ended the connection after the mail began to go out ({_short(error)}).",
                "Look in the Sent folder, or ask the customer; it is not sent again by itself.",
            ) from error
        if not 200 <= code < 600:
            self._drop()
            raise MailUncertain(f"{self._where} gave no answer to the mail that makes sense.", "Ask the customer.")
        with self._told():
            self._check(code, words, "the mail")

    def _check(self, code: int, words: bytes, what: str, *, address: bool = False) -> None:
        if 200 <= code < 300:
            return
        said = f"{self._where} does not take {what}: {code} {_plain(words)}"
        if code == 421 or not 400 <= code < 600:
            self._drop()
            raise ServerError(said, "It is tried again by itself.")
        with contextlib.suppress(*LIBRARY_ERRORS):
            self.connection().rset()
        if code < 500:
            raise ServerRefused(said, "It is tried again by itself.")
        raise MailRefused(said, "Look at the address, and answer another way.", address=address)

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """The library's errors as ours; the connection is of no use after one."""
        try:
            yield
        except LIBRARY_ERRORS as error:
            self._drop()
            raise ServerError(f"{self._where}: {_short(error)}.", "It is tried again by itself.") from error


def probe(outgoing: Outgoing, mailbox: Mailbox | None = None) -> tuple[str, ...]:
    """Connect, protect the connection, sign in, and hang up; the features that matter. Raises `ServerError`."""
    with Courier(outgoing, mailbox) as courier:
        client = courier.connection()
        return tuple(name for name in FEATURES_THAT_MATTER if client.has_extn(name))


class _Client(smtplib.SMTP):
    """smtplib's commands over a socket that keeps to `limits`, each exchange with a limit of its own."""

    def __init__(self, outgoing: Outgoing, context: ssl.SSLContext | None) -> None:
        self.limits = Limits(outgoing.timeout_seconds)
        self._outer = context if outgoing.security is Security.TLS else None
        domain = outgoing.sender.rpartition("@")[2].encode("idna").decode("ascii")
        # Without a name, smtplib asks the network for this machine's, which may take long.
        super().__init__(*outgoing.address, local_hostname=domain, timeout=outgoing.timeout_seconds)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        plain = connected(host, port, self.limits)
        if self._outer is None:
            return plain
        plain.settimeout(self.limits.patience())
        secured = self._outer.wrap_socket(plain, server_hostname=host)
        secured.limits = self.limits  # type: ignore[attr-defined]
        return secured

    def protect(self, context: ssl.SSLContext) -> None:
        """STARTTLS. What came in the clear behind the answer is forgotten, and so is what the server offered."""
        self.limits.start()
        self.starttls(context=context)
        self.sock.limits = self.limits  # type: ignore[union-attr]

    def send(self, s: bytes | str) -> None:  # type: ignore[override]
        """As the base class: a command, or the text of a mail."""
        if isinstance(s, str):
            self.limits.start()
        super().send(s)

    def getreply(self, times: int = 1) -> tuple[int, bytes]:
        """As the base class, but bounded; the answer may take `times` as long as any other."""
        limits = self.limits
        usual, limits.read_seconds = limits.read_seconds, limits.read_seconds * times
        limits.start()
        try:
            return self._reply()
        finally:
            limits.read_seconds = usual

    def _reply(self) -> tuple[int, bytes]:
        if self.file is None:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("the connection ended")
            self.file = self.sock.makefile("rb")
        words = []
        for _ in range(MOST_LINES):
            line = self.file.readline(LONGEST_LINE)
            if not line.endswith(b"\n"):
                self.close()
                raise smtplib.SMTPServerDisconnected("the connection ended")
            words.append(line[4:].strip())
            if line[3:4] != b"-":
                code = line[:3]
                return (int(code) if code.isdigit() else -1), b"\n".join(words)
        self.close()
        raise smtplib.SMTPServerDisconnected("an answer without end")


def _connect(outgoing: Outgoing, mailbox: Mailbox | None, where: str) -> _Client:
    client = None
    try:
        context = tls_context(outgoing.ca_file) if outgoing.security is not Security.PLAIN else None
        client = _Client(outgoing, context)
        client.ehlo_or_helo_if_needed()
        if outgoing.security is Security.STARTTLS and context is not None:
            client.protect(context)
            client.ehlo_or_helo_if_needed()
        _sign_in(client, outgoing, mailbox, where)
    except ssl.SSLCertVerificationError as error:
        _close(client)
        raise ServerError(
            f"{where}: its certificate is not trusted ({error.verify_message}).",
            "Renew it, or name its authority in ca_file.",
        ) from error
    except LIBRARY_ERRORS as error:
        _close(client)
        raise ServerError(f"{where}: {_short(error)}.", "It is tried again by itself.") from error
    except ServerError:
        _close(client)
        raise
    return client


def _close(client: _Client | None) -> None:
    if client is not None:
        client.close()


def _sign_in(client: _Client, outgoing: Outgoing, mailbox: Mailbox | None, where: str) -> None:
    if outgoing.oauth:
        _sign_in_with_token(client, outgoing, mailbox, where)
    elif outgoing.username and outgoing.password:
        _sign_in_with_password(client, outgoing.username, outgoing.password.get_secret_value(), where)


def _sign_in_with_password(client: _Client, user: str, password: str, where: str) -> None:
    """PLAIN and LOGIN in UTF-8 (RFC 4616), which smtplib's own do in ASCII; the rest as smtplib does it."""
    offered = client.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, words = _exchange(client, "PLAIN", f"\0{user}\0{password}".encode())
    elif "LOGIN" in offered:
        code, words = client.docmd("AUTH", f"LOGIN {_base64(user.encode())}")
        if code == CONTINUE:
            code, words = client.docmd(_base64(password.encode()))
    elif not offered:
        raise SignInError(f"{where} offers no sign-in.", "Check the port and the security, or take the user name out.")
    else:
        try:
            code, words = client.login(user, password, initial_response_ok=True)
        except smtplib.SMTPAuthenticationError as error:
            code, words = error.smtp_code, b""
    if not _taken(code, words, where):
        raise SignInError(f"{where} does not accept the user name and password.", "Check them.")


def _sign_in_with_token(client: _Client, outgoing: Outgoing, mailbox: Mailbox | None, where: str) -> None:
    """With a token of the shop's mailbox. One that the server refuses may have been revoked early: it is replaced
    once."""
    if mailbox is None or mailbox.oauth is None:
        raise SignInError(f"{where} wants tokens, and the shop's mailbox has none.", "Give it an oauth section.")
    name = mailbox.oauth.mechanism.upper()
    if name not in client.esmtp_features.get("auth", "").upper().split():
        raise SignInError(f"{where} does not offer {name}.", "Check `mechanism`, and that the server takes OAuth 2.")
    token = ""
    for _ in range(2):
        token = account_of(mailbox, mailbox.oauth).access_token(datetime.now(UTC), rejected=token)
        bearer = Bearer(name, outgoing.username or mailbox.username, token)
        if _taken(*_exchange(client, name, bearer(b""), bearer), where):
            return
    raise SignInError(
        f"{where} does not accept its access token.",
        "Check that the provider lets this mailbox send by SMTP, and run `intake auth` again.",
    )


def _exchange(
    client: _Client, mechanism: str, first: bytes, after: Callable[[bytes], bytes] | None = None
) -> tuple[int, bytes]:
    """One SASL exchange with an initial response (RFC 4954 section 4)."""
    code, words = client.docmd("AUTH", f"{mechanism} {_base64(first)}")
    if code == CONTINUE:
        code, words = client.docmd(_base64(after(b"")) if after is not None else "*")
    return code, words


def _taken(code: int, words: bytes, where: str) -> bool:
    """Whether a sign-in went well. What the server says in its own words may repeat the secret."""
    if code == 235:
        return True
    if 500 <= code < 600:
        return False
    number = re.match(rb"[245]\.\d{1,3}\.\d{1,3}", words)
    said = f"{code} {number[0].decode()}" if number else str(code)
    raise ServerError(f"{where} cannot sign us in just now ({said}).", "It is tried again by itself.")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _options(client: _Client, raw: bytes, addresses: Sequence[str], where: str) -> tuple[str, ...]:
    """What MAIL FROM must say of the mail. Raises `MailRefused` for what this server cannot carry."""
    if any(NO_ADDRESS.search(address) or "@" not in address for address in addresses):
        raise MailRefused("An address is none that mail can be sent to.", "Correct it in the case.", address=True)
    wide = not all(address.rpartition("@")[0].isascii() for address in addresses)
    if wide and not client.has_extn("smtputf8"):
        raise MailRefused(
            f"{where} cannot send to an address with other letters than a to z.", "Answer another way.", address=True
        )
    if not raw.isascii() and not client.has_extn("8bitmime"):
        raise MailRefused(f"{where} takes no mail with other characters than ASCII.", "Report it as a mistake.")
    return (*(("BODY=8BITMIME",) if not raw.isascii() else ()), *(("SMTPUTF8",) if wide else ()))


def _wire_address(address: str) -> str:
    """The domain as the name servers know it (RFC 5891)."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise MailRefused("The domain of an address is none.", "Correct it in the case.", address=True) from error


def _name_of(outgoing: Outgoing) -> str:
    host, port = outgoing.address
    return f"{outgoing.username or 'anonymous'} at {host}:{port}"


def _plain(words: bytes) -> str:
    """A server's words on one line, printable and short."""
    text = " ".join(words.decode("utf-8", "replace").split())
    return "".join(letter for letter in text if letter.isprintable())[:200]


def _short(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        return f"{error.smtp_code} {_plain(said)}".rstrip(".")
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
