"""One process at a time, told by processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.database import ProcessLock, open_engine
from storage.errors import DataLocked, Unavailable

HOLD = """
import sys
from pathlib import Path
from storage.database import ProcessLock, open_engine
with ProcessLock(open_engine(sys.argv[1]), Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(database: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until the block ends."""
    command = [sys.executable, "-c", HOLD, database, str(folder)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def hold(database: str, folder: Path) -> None:
    engine = open_engine(database)
    try:
        with ProcessLock(engine, folder):
            pass
    finally:
        engine.dispose()


def test_a_second_process_is_refused_until_the_first_ends(database: str, tmp_path: Path) -> None:
    with another_process(database, tmp_path / "data"):
        with pytest.raises(DataLocked, match="Another Intake process") as error:
            hold(database, tmp_path / "data")
        assert "Stop it" in error.value.next_step
    hold(database, tmp_path / "data")


def test_a_killed_process_leaves_no_lock(database: str, tmp_path: Path) -> None:
    with another_process(database, tmp_path / "data") as process:
        process.kill()
        process.wait()
        if database.startswith("sqlite"):
            hold(database, tmp_path / "data")


def test_two_machines_cannot_share_a_postgresql_database(postgresql_server: str, tmp_path: Path) -> None:
    """Their data folders differ, and so may the name by which they know the server."""
    database = f"{postgresql_server}/postgres"
    with another_process(database, tmp_path / "one"), pytest.raises(DataLocked, match="PostgreSQL"):
        hold(database.replace("127.0.0.1", "localhost"), tmp_path / "other")
    hold(database, tmp_path / "other")


def test_a_refused_lock_leaves_nothing_held(postgresql_server: str, tmp_path: Path) -> None:
    with another_process(f"{postgresql_server}/postgres", tmp_path / "one"):
        with pytest.raises(DataLocked):
            hold(f"{postgresql_server}/postgres", tmp_path / "other")
        hold(f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "other")


def test_a_server_that_is_away_leaves_the_folder_free(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        hold("postgresql+psycopg://app@127.0.0.1:1/intake", tmp_path)
    hold(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
