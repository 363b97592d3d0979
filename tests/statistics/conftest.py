"""An installation whose VMs have traffic that is known, and whose collector is run by hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nextafter
from pathlib import Path
from typing import Any

import pytest

from bridge.database import close_connection
from bridge.models.companion import TrafficKept, TrafficState
from bridge.models.module import TrafficSample
from bridge.models.whmcs import Service
from bridge.statistics.usage import Usage
from bridge.tasks import Result
from providers.proxmox import Proxmox
from tests.deploy.installation import Installation

HOUR = 3600.0
MB = 1_000_000


class Ours:
    """A lock that nobody takes away; counts how often it was asked for."""

    def __init__(self) -> None:
        self.proved = 0

    def alive(self) -> None:
        """Nobody asks."""

    def prove(self) -> None:
        """It is ours."""
        self.proved += 1


class SetClock:
    """The installation's clock, but wrong by `off` seconds."""

    def __init__(self, right: Any, off: float) -> None:
        self._right, self.off = right, off

    def now(self) -> float:
        """Wrong by `off`."""
        return float(self._right.now() + self.off)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)


class Meter(Installation):
    """A shop that counts traffic."""

    def collect(self, *, clock: Any = None, watch: Any = None) -> Result:
        """One run of the task."""
        statistics = self.house.statistics
        return replace(statistics, clock=clock or self.clock).work(watch or Ours())

    def texts(self, result: Result) -> list[str]:
        """The lines of a run."""
        return [detail.text for detail in result.details]

    def vmid(self, service: int) -> int:
        """The VMID of a service."""
        return int(self.record(service).vm_id)

    def rates(self, service: int, netin: float, netout: float) -> None:
        """What the guest sends and receives from now on, bytes a second."""
        self.cluster.catch_up()
        self.cluster.traffic.set_rates(self.vmid(service), netin, netout, self.clock.now())

    def send(self, service: int, netin: int, netout: int) -> None:
        """The guest's traffic at this moment."""
        self.cluster.catch_up()
        self.cluster.traffic.send(self.vmid(service), netin, netout, self.clock.now())

    def truth(self, service: int, begin: float = 0.0, end: float = float("inf")) -> tuple[float, float]:
        """Bytes that truly went in and out."""
        return self.cluster.traffic.between(self.vmid(service), begin, min(end, nextafter(self.clock.now(), inf)))

    def rows(self, service: int) -> list[tuple[str, int, int]]:
        """The documented rows: hour, bytes in, bytes out."""
        rows = TrafficSample.select().where(TrafficSample.service_id == service).order_by(TrafficSample.date)
        return [(f"{row.date:%Y-%m-%d %H:%M}", row.netin, row.netout) for row in rows]

    def billed(self, service: int) -> tuple[int, int]:
        """All bytes that were ever counted for a service."""
        kept = TrafficKept.select().where(TrafficKept.service_id == service)
        rows = [(row.netin, row.netout) for row in kept] + [(netin, out) for _, netin, out in self.rows(service)]
        return sum(netin for netin, _ in rows), sum(netout for _, netout in rows)

    def usage(self, tenant: str | None = None) -> dict[str, Any]:
        """What WHMCS is told of the server."""
        return Usage(self.clock).of_month(self.shop.server_id, tenant)  # type: ignore[arg-type]

    def gigabytes(self, service: int) -> tuple[float, float]:
        """What WHMCS is told of a service."""
        told = self.usage()["tenants"][Service.get_by_id(service).domain]
        return told["bandwidth_usage_in"], told["bandwidth_usage_out"]

    def state(self, service: int) -> TrafficState:
        """How far it is counted."""
        row: TrafficState = TrafficState.get_by_id(service)
        return row

    @property
    def proxmox(self) -> Proxmox:
        """The cluster as the daemon talks to it."""
        return self.house.hypervisors.for_server(self.shop.server_id)

    def power(self, service: int, action: str) -> None:
        """start, stop, reset … and until it is done."""
        getattr(self.proxmox, action)(self.node(service), self.vmid(service))
        self.clock.advance(30.0)
        self.cluster.catch_up()

    def post(self, service: int, what: str, params: dict[str, Any]) -> None:
        """A call about the VM, and until its task is over."""
        self.proxmox._api.post("ask", f"nodes/{self.node(service)}/qemu/{self.vmid(service)}/{what}", params)
        self.clock.advance(30.0)
        self.cluster.catch_up()

    def migrate(self, service: int, *, online: bool) -> None:
        """To the other node, and until it is there."""
        target = next(name for name in sorted(self.cluster.nodes) if name != self.node(service))
        self.post(service, "migrate", {"target": target, **({"online": 1, "with-local-disks": 1} if online else {})})
        self.clock.advance(60.0)
        self.cluster.catch_up()
        assert self.node(service) == target

    def set_time(self, text: str) -> None:
        """Go on to a moment in UTC."""
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        assert moment >= self.clock.now()
        self.clock.advance(moment - self.clock.now())


Open = Callable[..., Meter]


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[Open]:
    """`meter(cpu="4", …)` makes the installation; the arguments are settings of its product."""

    def make(version: str = "8.4", url: str | None = None, **settings: str) -> Meter:
        return Meter(tmp_path, settings, version=version, url=url)

    yield make
    close_connection()
