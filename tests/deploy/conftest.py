"""A fresh installation for each test of the deploy pipeline."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.database import close_connection
from tests.deploy.installation import Installation

Install = Callable[..., Installation]


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """`install(cpu="4", …)` makes the installation; the arguments are settings of its product."""

    def make(version: str = "8.4", **settings: str) -> Installation:
        return Installation(tmp_path, settings, version=version)

    yield make
    close_connection()
