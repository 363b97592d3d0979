"""An installation whose daemon also answers commands, on the same virtual time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.database import close_connection
from bridge.lifecycle.direct import Answer
from tests.deploy.installation import Installation


class Desk(Installation):
    """Somebody presses buttons and reads what they answer."""

    def press(self, service: int, name: str) -> str:
        """A module command; what WHMCS shows."""
        return self.command(service, name).text

    def command(self, service: int, name: str) -> Answer:
        """A module command with everything that is known about it."""
        return self.house.direct.run(service, name)

    def power(self, service: int) -> str:
        """running or stopped."""
        self.cluster.catch_up()
        return self.status(int(self.record(service).vm_id))

    def unplug(self, service: int) -> None:
        """Somebody stops the VM at Proxmox."""
        self.cluster.guests[int(self.record(service).vm_id)].run = None

    def is_at_rest(self, service: int) -> bool:
        """Nothing is left to do, nobody holds the VM, nothing is remembered for later."""
        work = self.work(service)
        return (work.due_at, work.lease_owner, work.task_upid, work.intent, work.attention_cause) == (None,) * 5


Open = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Open]:
    """`desk(cpu="4", …)` makes the installation; the arguments are settings of its product."""

    def make(version: str = "8.4", **settings: str) -> Desk:
        return Desk(tmp_path, settings, version=version)

    yield make
    close_connection()
