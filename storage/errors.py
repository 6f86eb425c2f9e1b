"""Errors of the storage package.

StorageError
├── NotStored        no such row or file
├── SchemaTooNew     the database was made by a newer version
├── Damaged          stored bytes do not match their name
├── DataLocked       another process holds the data folder or the database
└── Unavailable      the database or the disk is away or full; worth trying again
"""


class StorageError(Exception):
    """The root: what happened and to which item; `next_step` says what to do."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what} {self.next_step}".strip()


class NotStored(StorageError):
    """No such row or file."""


class SchemaTooNew(StorageError):
    """The database was made by a newer version of Intake."""


class Damaged(StorageError):
    """Stored bytes do not match their name."""


class DataLocked(StorageError):
    """Another process holds the data."""


class Unavailable(StorageError):
    """The database or the disk is away or full. Trying again later may help."""
