"""Fixtures that every kind of test may use: real databases, and a real PowerDNS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.database import Database, close_connection, connect
from bridge.migrations import migrate
from bridge.models import whmcs
from tests.powerdns_server import PowerDns
from tests.services import MariaDb


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A running MariaDB; a test that stops it must start it again."""
    server = MariaDb(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    """A running PowerDNS; a test that stops it must start it again, and each makes zones of its own."""
    server = PowerDns(tmp_path_factory.mktemp("powerdns"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mariadb_url(mariadb: MariaDb) -> Iterator[str]:
    """The URL of an empty database on MariaDB."""
    with mariadb.database() as url:
        yield url
        close_connection()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a SQLite file that does not exist yet."""
    yield f"sqlite:///{tmp_path}/bridge.sqlite?synchronous=off"
    close_connection()


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Database:
    """SQLite with WHMCS's tables and ours, all empty, bound to the models."""
    return installed(sqlite_url)


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on SQLite and once on MariaDB."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Database:
    """WHMCS's tables and ours, all empty, bound to the models; once on SQLite and once on MariaDB."""
    return installed(database_url)


def installed(url: str) -> Database:
    """Connect to `url` and create WHMCS's tables and ours."""
    database = connect(url)
    database.create_tables(whmcs.TABLES)
    migrate(database)
    return database
