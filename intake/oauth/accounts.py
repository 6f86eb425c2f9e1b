"""The tokens of each mailbox: kept, renewed in time, and renewed once however many ask.

A token is renewed before it expires. A refresh token that the provider has replaced is on the disk before the new
access token is used, since the old one may be dead from that moment (RFC 6749 section 6); where it cannot be written,
nothing is used. The file is read anew each time, so that a sign-in by `intake auth` in another process is noticed.
An application's own tokens are never on the disk.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from intake.config import Mailbox, OAuth
from intake.errors import ServerError, SignInError
from intake.oauth.provider import LONGEST_LIFE, Provider
from intake.oauth.tokens import Tokens, parse, read, write

# How long a refusal is believed before the provider is asked again with the same refresh token.
REFUSED_FOR = timedelta(minutes=15)


class Account:
    """The tokens of one mailbox, for any thread: they wait for each other, and for other processes."""

    def __init__(self, settings: OAuth, who: str) -> None:
        self._provider = Provider(settings, who)
        self._who = who
        self._path = settings.tokens_file if settings.grant == "device" else None
        self._by_itself = settings.grant == "client-credentials"
        self._lock = threading.Lock()
        self._held: Tokens | None = None
        self._seen = b""
        self._refused: tuple[str, datetime, SignInError] | None = None

    def access_token(self, now: datetime, rejected: str = "") -> str:
        """A token that is good for some minutes. With `rejected`, another one than that, which the mail server did
        not take. Raises `SignInError` where a person has to act, `ServerError` where trying again may help."""
        with self._lock, self._alone():
            tokens = self._current()
            if tokens is not None and tokens.access_token == rejected:
                return self._renew(tokens, now).access_token
            if tokens is not None and now < tokens.renew_at <= now + LONGEST_LIFE:
                return tokens.access_token
            try:
                return self._renew(tokens, now).access_token
            except SignInError:
                raise
            except ServerError:
                # There are minutes left to try again in, unless the next token is here and cannot be kept.
                unsaved = self._path is not None and self._held is not None
                if tokens is None or unsaved or not now < tokens.expires_at <= now + LONGEST_LIFE:
                    raise
                return tokens.access_token

    def save(self, tokens: Tokens) -> None:
        """Keep what a person has just granted. Raises `ServerError` where the file cannot be written."""
        with self._lock, self._alone():
            self._refused = None
            self._keep(tokens)

    def _current(self) -> Tokens | None:
        """What is on the disk, unless we hold something newer that could not be written yet."""
        if self._path is None:
            return self._held
        with self._usable(self._path):
            content = read(self._path)
        if self._held is not None and content == self._seen:
            return self._keep(self._held)
        self._held, self._seen = None, content
        if not content:
            return None
        try:
            return parse(content)
        except ValueError as error:
            raise SignInError(f"The file with the tokens of {self._who} is damaged.", self._provider.remedy) from error

    def _renew(self, tokens: Tokens | None, now: datetime) -> Tokens:
        if self._by_itself:
            return self._keep(self._provider.ask(now, grant_type="client_credentials"))
        if tokens is None:
            raise SignInError(f"Nobody has signed in to {self._who} yet.", self._provider.remedy)
        if self._refused is not None:
            refresh_token, until, error = self._refused
            if refresh_token == tokens.refresh_token and now < until:
                raise SignInError(error.what, error.next_step)
        try:
            renewed = self._provider.ask(now, grant_type="refresh_token", refresh_token=tokens.refresh_token)
        except SignInError as error:
            self._refused = (tokens.refresh_token, now + REFUSED_FOR, error)
            raise
        return self._keep(renewed)

    def _keep(self, tokens: Tokens) -> Tokens:
        self._held = tokens
        if self._path is not None:
            with self._usable(self._path):
                write(self._path, tokens)
            self._held = None
        return tokens

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Among processes too: a refresh token that is used twice looks stolen, and dies (RFC 9700 section 4.14)."""
        if self._path is None:
            yield
            return
        with self._usable(self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def _usable(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ServerError(
                f"The tokens of {self._who} cannot be kept in {path}: {error.strerror}.",
                "Make room, or mend the folder's rights; it is tried again by itself.",
            ) from error


_accounts: dict[tuple[str, OAuth], Account] = {}
_accounts_lock = threading.Lock()


def account_of(mailbox: Mailbox, settings: OAuth) -> Account:
    """The one account of a mailbox in this process, made when it is first asked for."""
    with _accounts_lock:
        return _accounts.setdefault((mailbox.account, settings), Account(settings, mailbox.account))
