"""The files inside a mail, decoded from its original in a child process with limits: who sent it may mean harm."""

from collections.abc import Sequence
from types import TracebackType

from intake.config import Workers as Limits
from intake.reading.limits import Failure, Workers
from intake.reading.mail import read_attachment
from intake.reading.outlook import as_mail, is_outlook_message

Wanted = tuple[bytes, tuple[int, ...]]
Found = list[bytes | None]


class AttachmentReader:
    """Reads attachments, one mail after the other. The child begins with the first one, and ends with the block."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._workers: Workers[Wanted, Found] | None = None

    def __enter__(self) -> "AttachmentReader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._workers is not None:
            self._workers.close()

    def read(self, raw: bytes, parts: Sequence[int]) -> Found:
        """The bytes of these parts of a mail, None for each that cannot be read."""
        if not parts:
            return []
        if self._workers is None:
            limits = self._limits
            self._workers = Workers(
                _parts_of, _prepare, (), processes=1, seconds=limits.seconds, memory_mb=limits.memory_mb
            )
        (found,) = self._workers.run([(raw, tuple(parts))])
        return [None] * len(parts) if isinstance(found, Failure) else found


def _prepare() -> None:
    """What a child needs is imported with this module."""


def _parts_of(wanted: Wanted) -> Found:
    raw, parts = wanted
    mail = as_mail(raw) if is_outlook_message(raw) else raw
    return [_part(mail, part) for part in parts]


def _part(mail: bytes, part: int) -> bytes | None:
    try:
        return read_attachment(mail, part)
    except IndexError:
        return None
