"""The statistics of 10,000 VMs: one list of the cluster, against one RRD request per VM as they are collected elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from benchmarks.case import Ground, Ratio
from bridge.clock import SystemClock
from bridge.config import load_config
from bridge.connections import Database
from bridge.sandbox.proxmox import Cluster
from bridge.sandbox.proxmox.guest import Guest, Run
from bridge.settings import install_id
from bridge.statistics.usage import Usage
from bridge.tasks import Result
from bridge.wiring import House
from providers.proxmox import Mark
from tests.chaos.processes import Installation

VMS, SAMPLE, FIRST = 10_000, 300, 20_000
DAYS = 30  # of rows that are there when usage is asked for
HOUR = 3600.0


class NoLock:
    """Nobody else is at work."""

    def alive(self) -> None:
        """It is."""

    def prove(self) -> None:
        """It is."""


def run(ground: Ground) -> list[Ratio]:
    """A second collection of all VMs, one request per VM for some of them, and the usage of a full month."""
    with ground.installation("statistics") as installation:
        house = House(load_config(installation.environment))
        _fill(ground, installation)
        _populate(installation.cluster)
        server = int(installation.shop.server_id)
        proxmox = house.hypervisors.for_server(server)
        _collect(house, 0.0)
        before = len(installation.calls)
        with _statements() as statements:
            ours, result = _timed(lambda: _collect(house, HOUR))
        requests = len(installation.calls) - before
        assert result.processed == VMS, result.details[:3]
        each, _ = _timed(lambda: [proxmox.traffic("pve1", FIRST + n, "hour") for n in range(SAMPLE)])
        theirs = each / SAMPLE * VMS
        _fill_month(ground, installation)
        with _statements() as queries:
            asked, told = _timed(lambda: Usage(house.clock).of_month(server))
        assert len(told["tenants"]) >= VMS
    return [
        Ratio(
            f"statistics of {VMS:,} VMs, one request per VM / ours",
            theirs / ours,
            f"{theirs:.1f} s, {VMS} requests (from {SAMPLE})",
            f"{ours:.1f} s, {requests} request, {len(statements)} SQL statements",
            "the requests alone against a whole collection with its writing; higher is better",
        ),
        Ratio(
            f"usage of {VMS:,} VMs with {DAYS} days of rows / the collection of an hour",
            asked / ours,
            f"{asked:.1f} s, {len(queries)} SQL statements",
            f"{ours:.1f} s",
            "what WHMCS waits for when it asks for a whole server",
        ),
    ]


def _collect(house: House, later: float) -> Result:
    clock = Ahead(later)
    return replace(house.statistics, clock=clock).work(NoLock())


class Ahead(SystemClock):
    """So many seconds later than it is."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> float:
        """Later."""
        return super().now() + self._seconds


def _fill(ground: Ground, installation: Installation) -> None:
    """Services, records and reservations, as deploys leave them."""
    last, server = FIRST + VMS - 1, installation.shop.server_id
    ground.execute(
        installation,
        f"INSERT IGNORE INTO tblhosting (id, userid, packageid, server, domain, domainstatus, username, password) "
        f"SELECT seq, 1, 1, {server}, CONCAT('vm', seq, '.example.com'), 'Active', 'root', '' FROM seq_{FIRST}_to_{last}",
        f"INSERT IGNORE INTO puqProxmoxKVM_vm_info (service_id, vm_id, vm_name, vm_status) "
        f"SELECT seq, seq, CONCAT('vm', seq), 'ready' FROM seq_{FIRST}_to_{last}",
        f"INSERT IGNORE INTO kvm_bridge_vmid (cluster, vmid, service_id, reserved_at) "
        f"SELECT 'server:{server}', seq, seq, 1 FROM seq_{FIRST}_to_{last}",
        "ANALYZE TABLE tblhosting, puqProxmoxKVM_vm_info, kvm_bridge_vmid",
    )


def _fill_month(ground: Ground, installation: Installation) -> None:
    """A row for every hour of this month so far, at most so many days, of every VM."""
    last = FIRST + VMS - 1
    for day in range(DAYS):
        ground.execute(
            installation,
            f"INSERT IGNORE INTO puqProxmoxKVM_statistics (service_id, vm_id, date, netin, netout) "
            f"SELECT v.seq, v.seq, DATE_FORMAT(NOW(), '%Y-%m-01') + INTERVAL {day} DAY + INTERVAL h.seq HOUR, 1000, 1000 "
            f"FROM seq_0_to_23 h, seq_{FIRST}_to_{last} v",
        )
    ground.execute(installation, "ANALYZE TABLE puqProxmoxKVM_statistics")


def _populate(cluster: Cluster) -> None:
    """VMs that have run for a day."""
    began = cluster.clock.now() - 86_400
    install = install_id()
    with cluster.mutex:
        for vmid in range(FIRST, FIRST + VMS):
            config: dict[str, Any] = {"name": f"vm{vmid}", "memory": 512, "tags": Mark(install, vmid).tag}
            guest = cluster.guests[vmid] = Guest(vmid, "pve1", config, created=began)
            guest.run = Run(vmid, began, {}, None, cluster.traffic.begin(vmid, began))


def _timed(do: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    done = do()
    return time.perf_counter() - began, done


@contextmanager
def _statements() -> Iterator[list[str]]:
    """The SQL that is sent while the block runs."""
    seen: list[str] = []
    send = Database.execute_sql

    def witness(self: Database, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return send(self, sql, params)

    with patch.object(Database, "execute_sql", witness):
        yield seen
