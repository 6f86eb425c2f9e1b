"""Fixtures: real servers once a run, and a fresh database for each test, on both kinds."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import migrate, open_engine
from tests.builders import MONDAY, newest_sqlite
from tests.servers import Dovecot, create_database, postgresql


def pytest_configure(config: pytest.Config) -> None:
    """What starts in the tests is in no other zone and language than on a server."""
    os.environ["TZ"] = "UTC"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where servers of another user live: not below pytest's own folder, which the next pytest closes to others."""
    with tempfile.TemporaryDirectory(prefix="intake-servers-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_server(server_folder: Path) -> Iterator[str]:
    """One PostgreSQL for the whole run."""
    (server_folder / "postgresql").mkdir()
    with postgresql(server_folder / "postgresql") as server:
        yield server


@pytest.fixture(scope="session")
def dovecot(server_folder: Path) -> Iterator[Dovecot]:
    """One Dovecot for the whole run; each test has a user of its own."""
    (server_folder / "dovecot").mkdir()
    server = Dovecot(server_folder / "dovecot")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mail_user() -> str:
    """A mail user that no other test has."""
    return f"u{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'intake.db'}"
    server = request.getfixturevalue("postgresql_server")
    return create_database(server, f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def newest_postgresql(postgresql_server: str) -> str:
    """The name of an empty PostgreSQL database of the newest schema, which others are made from."""
    engine = open_engine(create_database(postgresql_server, "newest"))
    migrate(engine, None, MONDAY)
    engine.dispose()
    return "newest"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database of the newest schema, of each kind in turn."""
    if request.param == "sqlite":
        shutil.copyfile(newest_sqlite(), tmp_path / "intake.db")
        return f"sqlite:///{tmp_path / 'intake.db'}"
    server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("newest_postgresql")
    return create_database(server, f"t{uuid.uuid4().hex[:12]}", template)
