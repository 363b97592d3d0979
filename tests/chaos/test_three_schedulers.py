"""Three schedulers share two hundred VMs on one MariaDB, and are killed or stopped at random meanwhile.

A stopped process keeps its leases in memory while time takes them away: that is how it looks when a machine hangs for a
minute. What it does when it goes on must change nothing that others have taken over.
"""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bridge.database import DatabaseUnavailable
from bridge.models.companion import SnapshotSchedule, TaskState, VmWork
from bridge.models.module import IpPool, TrafficSample, VmInfo
from bridge.protocol.client import BridgeClient
from bridge.sandbox.proxmox import demo_cluster
from bridge.settings import Settings
from tests.chaos import invariants
from tests.chaos.population import populate
from tests.chaos.processes import Installation, Process
from tests.daemon import SECRET

SOAK = bool(os.environ.get("SOAK"))
SEEDS = range(1, 6) if SOAK else range(1, 2)
VMS = 200
SCHEDULERS = 3
LEASE_GONE = 90.0  # seconds; more than any lease of a VM lasts
TASK_GONE = 900.0  # and more than the lock of a task
PRODUCT = {"ipv4_count": "1", "ipv6_count": "0", "dhcp_ipv6": "off", "add_size": "0", "clone_type": "linked"}
PRODUCT |= {"snapshots": "3", "snapshot_lifetime": "1 day", "backups": "1", "backup_storage": "backup|nfs"}
DAY = 86_400
NEVER_ALL_READY = 400.0  # seconds until the test gives up


@contextmanager
def crowded(folder: Path, url: str, nodes: int) -> Iterator[Installation]:
    """Room for all of them: addresses, and no limit of ours in the way."""
    with Installation(folder, url, settings=PRODUCT, cluster=demo_cluster(speed=200.0, nodes=nodes)) as installation:
        first, last = "10.9.0.2", "10.9.3.250"
        IpPool.update(address_start=first, address_stop=last, gateway="10.9.0.1", mask=22).where(
            IpPool.type == "ipv4"
        ).execute()
        Settings().change({"heavy_per_node": 1000, "heavy_per_storage": 1000})
        yield installation


def order(installation: Installation, count: int) -> list[int]:
    """So many orders that nobody has taken up yet."""
    web = installation.start("web")
    client = BridgeClient(installation.daemon_url, SECRET)
    services = [installation.shop.order(f"server-{number}") for number in range(count)]
    for service in services:
        assert client.call("/v1/module/CreateAccount", installation.whmcs.module_parameters(service)) == "success"
    web.stop()
    return services


class Trouble:
    """What happens to the schedulers: one dies and another is started, or one hangs until its leases are gone."""

    def __init__(self, installation: Installation, rng: random.Random) -> None:
        self.installation = installation
        self.rng = rng
        self.alive = [installation.start("scheduler") for _ in range(SCHEDULERS)]
        self.happened: Counter[str] = Counter()

    def strike(self) -> None:
        """One blow to one of them."""
        victim = self.rng.choice(self.alive)
        assert victim.running, victim.logged
        if self.rng.random() < 0.5:
            self._kill(victim)
        else:
            self._hang(victim)

    def _kill(self, victim: Process) -> None:
        victim.kill()
        self.alive.remove(victim)
        self.alive.append(self.installation.start("scheduler"))
        self.happened["killed"] += 1

    def _hang(self, victim: Process) -> None:
        os.kill(victim.pid, signal.SIGSTOP)
        held = 0
        with suppress(DatabaseUnavailable):  # it hangs in a transaction, and its rows are locked
            held = self._take_away(victim)
        time.sleep(self.rng.uniform(0.3, 1.0))
        os.kill(victim.pid, signal.SIGCONT)
        self.happened["hung with work in hand" if held else "hung"] += 1

    @staticmethod
    def _take_away(victim: Process) -> int:
        """As if it hung for longer than its leases last."""
        held = VmWork.lease_owner.contains(f"/{victim.pid}/")
        count = VmWork.update(lease_until=VmWork.lease_until - LEASE_GONE).where(held).execute()
        locked = TaskState.lease_owner.contains(f"/{victim.pid}/")
        TaskState.update(lease_until=TaskState.lease_until - TASK_GONE).where(locked).execute()
        return int(count)


def kept_and_old(installation: Installation, services: list[int]) -> None:
    """Every VM has a snapshot that is too old, one that is not, and schedules of snapshots and backups whose day is today."""
    now = int(installation.cluster.clock.now())
    for service in services:
        guest = installation.cluster.guests[int(VmInfo.get_by_id(service).vm_id or 0)]
        with installation.cluster.mutex:
            guest.snapshots = {
                "old": {**guest.config, "snaptime": now - 3 * DAY},
                "young": {**guest.config, "snaptime": now - 3600, "parent": "old"},
            }
            guest.config["parent"] = "young"
    at_midnight = json.dumps({str(day): "00:00" for day in range(7)})
    VmInfo.update(vm_snapshots=2, vm_backup_schedule=at_midnight).execute()
    SnapshotSchedule.insert_many([{"service_id": service, "days": at_midnight} for service in services]).execute()


def looked_after(installation: Installation) -> bool:
    """Whether every VM has been seen to by all tasks."""
    collected = TrafficSample.select(TrafficSample.service_id).distinct().count()
    at_work = VmWork.select().where(VmWork.due_at.is_null(False)).exists()
    served = SnapshotSchedule.select().where(SnapshotSchedule.served_on.is_null()).exists()
    backed_up = VmWork.select().where(VmWork.backup_day.is_null(False)).count() == VMS
    old = any("old" in guest.snapshots for guest in installation.cluster.guests.values())
    return collected == VMS and backed_up and not (at_work or served or old)


def all_ready(installation: Installation) -> bool:
    return set(installation.states().values()) == {"ready"}


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_done_twice_and_nothing_forgotten(mariadb_url: str, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    with crowded(tmp_path, mariadb_url, nodes=3) as installation:
        services = order(installation, VMS)
        trouble, give_up_at = Trouble(installation, rng), time.monotonic() + NEVER_ALL_READY
        while not all_ready(installation):
            assert time.monotonic() < give_up_at, installation.describe(NEVER_ALL_READY)
            time.sleep(rng.uniform(0.5, 2.5))
            trouble.strike()
        assert trouble.happened["killed"]
        assert trouble.happened["hung with work in hand"]
        installation.wait_until_ready(services, timeout=120)
        for process in trouble.alive:
            assert "Traceback" not in process.logged, process.logged
            process.stop()
        invariants.all_hold(installation, services, dict.fromkeys(services, (1, 0)))


@pytest.mark.slow
@pytest.mark.req("ENG-33", "CRN-20")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_tasks_of_two_hundred_vms_are_done_once_each(mariadb_url: str, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    with crowded(tmp_path, mariadb_url, nodes=50) as installation:
        services = populate(installation, VMS)
        kept_and_old(installation, services)
        trouble, give_up_at = Trouble(installation, rng), time.monotonic() + NEVER_ALL_READY
        while not looked_after(installation):
            assert time.monotonic() < give_up_at, installation.describe(NEVER_ALL_READY)
            time.sleep(rng.uniform(1.5, 4.0))
            trouble.strike()
        assert trouble.happened["killed"]
        for process in trouble.alive:
            assert "Traceback" not in process.logged, process.logged
            process.stop()
        for service in services:
            record = VmInfo.get_by_id(service)
            kept = installation.cluster.guests[int(record.vm_id or 0)].snapshots
            scheduled = [name for name in kept if name.startswith("auto")]
            assert (len(kept), len(scheduled), "young" in kept, record.vm_snapshots) == (2, 1, True, 2), kept
        taken = Counter(
            call.path for call in installation.calls if (call.method, call.path[-9:]) == ("POST", "/snapshot")
        )
        assert len(taken) == VMS
        archives = installation.cluster.storages["backup"].on("").values()
        assert Counter(volume.vmid for volume in archives if volume.content == "backup") == dict.fromkeys(
            (int(VmInfo.get_by_id(service).vm_id or 0) for service in services), 1
        )
        counted = Counter(row.service_id for row in TrafficSample.select(TrafficSample.service_id))
        assert dict(counted) == dict.fromkeys(services, 1)
        assert not TaskState.select().where(TaskState.lease_owner.is_null(False)).exists()
