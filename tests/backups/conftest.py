"""A fresh installation with backups in its package for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.database import close_connection
from tests.backups.keeper import Keeper

Open = Callable[..., Keeper]


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Open]:
    """`keeper(backups="3", …)` makes the installation; the arguments are settings of its product."""

    def make(version: str = "8.4", **settings: str) -> Keeper:
        return Keeper(tmp_path, settings, version=version)

    yield make
    close_connection()
