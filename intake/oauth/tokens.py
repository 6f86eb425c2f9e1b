"""What a provider grants, and the file that a person's grant is kept in. It asks nobody and decides nothing."""

import json
import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FILE_AT_MOST = 64 * 1024
# RFC 6750 section 2.1. A token of other characters could end the line that it is sent on.
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, and what brings the next one (empty for an application that signs in by itself).

    `renew_at` lies before `expires_at`; both are aware, UTC.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    renew_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person has to do: enter `user_code` at `address` before `expires_at` (aware). `interval` is how many
    seconds to wait before each question."""

    user_code: str
    address: str
    expires_at: datetime
    interval: float
    device_code: str = field(repr=False)


def read(path: Path) -> bytes:
    """The bytes of a tokens file; empty where there is none. Raises `OSError`."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_AT_MOST)
    except FileNotFoundError:
        return b""


def parse(content: bytes) -> Tokens:
    """The tokens in a file's bytes. Raises `ValueError`, which repeats nothing of them."""
    try:
        found = json.loads(content)
        texts = [found[name] for name in ("access_token", "refresh_token")]
        moments = [datetime.fromisoformat(found[name]).astimezone(UTC) for name in ("renew_at", "expires_at")]
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise ValueError("not a tokens file") from None
    if not all(isinstance(text, str) for text in texts) or not BEARER.fullmatch(texts[0]):
        raise ValueError("not a tokens file")
    return Tokens(*texts, *moments)


def write(path: Path, tokens: Tokens) -> None:
    """Durably, whole, and for the owner's eyes alone: a new file, synced, renamed over the old one, and the folder
    synced. Raises `OSError`; the old file is then as it was."""
    content = {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "renew_at": tokens.renew_at.isoformat(),
        "expires_at": tokens.expires_at.isoformat(),
    }
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
