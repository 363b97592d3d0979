"""Installations of real processes for these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.database import close_connection, connect
from tests.chaos.processes import Installation
from tests.services import MariaDb


@pytest.fixture
def installation(mariadb_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Everything but the daemon, fresh."""
    with Installation(tmp_path, mariadb_url) as made:
        yield made


@pytest.fixture(scope="module")
def shared(mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose daemon runs, made once for a file."""
    with mariadb.database() as url, Installation(tmp_path_factory.mktemp("installation"), url) as made:
        made.start("serve")
        yield made


@pytest.fixture
def running(shared: Installation) -> Iterator[Installation]:
    """An installation whose daemon runs, shared by the tests of a file. The models are bound to one database at a time."""
    connect(shared.url)
    yield shared
    close_connection()
