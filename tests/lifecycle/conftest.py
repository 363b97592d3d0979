"""A fresh installation for each test of a VM's later life."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.database import close_connection
from tests.lifecycle.living import Living

Install = Callable[..., Living]


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """`install(cpu="4", …)` makes the installation; the arguments are settings of its product."""

    def make(**settings: str) -> Living:
        return Living(tmp_path, settings)

    yield make
    close_connection()
