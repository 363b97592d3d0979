"""A demo cluster on a virtual clock, and a client without comfort."""

import pytest

from tests.unit.sandbox_proxmox.api import Api


@pytest.fixture
def api() -> Api:
    """The demo cluster of version 8.4."""
    return Api()
