"""PHP, a daemon, and a WHMCS tree whose shim talks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import RecordingServices, served
from tests.integration.shim.whmcs import Whmcs
from tests.services import require_program


@pytest.fixture(scope="session")
def php() -> str:
    return require_program("php")


@pytest.fixture
def services() -> RecordingServices:
    return RecordingServices()


@pytest.fixture
def daemon(services: RecordingServices) -> Iterator[str]:
    with served(services) as url:
        yield url


@pytest.fixture
def whmcs(php: str, daemon: str, tmp_path: Path) -> Whmcs:
    """A WHMCS whose shim talks to a daemon that answers."""
    return Whmcs(php, tmp_path, daemon, timeout=10, long_timeout=10, hook_timeout=10)
