"""Who works on which VM: leases in the database, renewed while work goes on.

A lease is a row's `lease_owner` and `lease_until`. It is taken by one conditional UPDATE, so that two schedulers never hold
the same VM, and it is taken over when its time is up or when its holder is known to be dead.
"""

import os
import socket
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

import peewee
from peewee import SQL

from bridge.database import for_update_skip_locked, retry_lost_connection, transaction
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from statemachines.machine import PROCESS
from statemachines.ports import Clock

LEASE = 30.0  # seconds; renewed every third of it


@cache
def _place() -> str:
    """This machine since its last boot, and the process namespace: where a process id means something."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
        return f"{socket.gethostname()}/{boot.read().strip()[:8]}/{os.readlink('/proc/self/ns/pid')[5:-1]}"


def new_owner() -> str:
    """A name for this process as lease holder; others on the same machine can tell from it whether it still lives."""
    return f"{_place()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Whether `owner` is a process of this machine that is gone. Nobody knows that of another machine's."""
    place, _, rest = owner.rpartition("/")[0].rpartition("/")
    if place != _place() or not rest.isdigit():
        return False
    return not os.path.exists(f"/proc/{rest}")


def pid_of(owner: str) -> str:
    """The process id in a lease holder's name, on whatever machine it is."""
    return owner.rpartition("/")[0].rpartition("/")[2]


@dataclass(frozen=True)
class Claims:
    """Takes, renews and gives back leases for `owner`. `states` are those at which there is something to do."""

    owner: str
    states: Collection[str]
    clock: Clock
    lease: float = LEASE

    def take(
        self, limit: int, skip: Collection[int] = (), impatient: bool = False, task: str | None = None
    ) -> list[int]:
        """Claim up to `limit` services whose VM is due, the longest due first.

        `impatient` also takes those whose next try is still ahead (a tick asked for by hand or by crontab); with `task` only
        those that this cron task drives.
        """
        return [service_id for service_id, _ in self.take_with_tasks(limit, skip, impatient, task)]

    @retry_lost_connection
    def take_with_tasks(
        self, limit: int, skip: Collection[int] = (), impatient: bool = False, task: str | None = None
    ) -> list[tuple[int, str]]:
        """As `take`, each service with the cron task that drives it."""
        if limit <= 0:
            return []
        now = self.clock.now()
        with transaction():
            free = VmWork.lease_owner.is_null() | (VmWork.lease_until < now)
            due = VmWork.due_at.is_null(False) if impatient else VmWork.due_at <= now
            wanted = due & free & _driven_by(task) if task else due & free
            columns = (VmWork.service_id, VmWork.queue)
            query = VmWork.select(*columns).where(wanted).order_by(VmWork.due_at).limit(limit + len(skip))
            rows = [row for row in for_update_skip_locked(query) if row.service_id not in skip][:limit]
            if rows:
                VmWork.update(lease_owner=self.owner, lease_until=now + self.lease).where(
                    VmWork.service_id.in_([row.service_id for row in rows]) & free
                ).execute()
        return [(row.service_id, row.queue or PROCESS) for row in rows]

    @retry_lost_connection
    def take_one(self, service_id: int) -> bool:
        """Claim this service, due or not, for a command that somebody waits for; False when another holds it.

        A service that has no work row yet (its VM was made by the old module) gets one.
        """
        now = self.clock.now()
        with transaction():
            VmWork.insert(service_id=service_id, created_at=now).on_conflict_ignore().execute()
            free = VmWork.lease_owner.is_null() | (VmWork.lease_until < now)
            taken = VmWork.update(lease_owner=self.owner, lease_until=now + self.lease, updated_at=now).where(
                (VmWork.service_id == service_id) & free
            )
            return bool(taken.execute())

    @retry_lost_connection
    def any_due(self) -> bool:
        """Whether a VM waits for work; one indexed look-up, whatever the number of services."""
        now = self.clock.now()
        free = VmWork.lease_owner.is_null() | (VmWork.lease_until < now)
        return bool(VmWork.select(SQL("1")).where((VmWork.due_at <= now) & free).exists())

    @retry_lost_connection
    def renew(self, services: Iterable[int]) -> None:
        """Prolong the leases of these services, those only that are still ours."""
        held = list(services)
        if held:
            VmWork.update(lease_until=self.clock.now() + self.lease).where(
                VmWork.service_id.in_(held) & (VmWork.lease_owner == self.owner)
            ).execute()

    @retry_lost_connection
    def give_back(self, service_id: int) -> None:
        """End our lease; nothing happens when it is no longer ours."""
        VmWork.update(lease_owner=None, lease_until=None).where(
            (VmWork.service_id == service_id) & (VmWork.lease_owner == self.owner)
        ).execute()

    @retry_lost_connection
    def settle(self, service_id: int) -> None:
        """End our lease of a VM that turned out to need nothing, so that it is not due any more."""
        self._leave(service_id, due_at=None)

    @retry_lost_connection
    def postpone(self, service_id: int, seconds: float = 60.0) -> None:
        """End our lease and have the VM looked at again later: its run broke off in a way nobody foresaw."""
        self._leave(service_id, due_at=self.clock.now() + seconds)

    def _leave(self, service_id: int, due_at: float | None) -> None:
        VmWork.update(lease_owner=None, lease_until=None, due_at=due_at).where(
            (VmWork.service_id == service_id) & (VmWork.lease_owner == self.owner)
        ).execute()

    @retry_lost_connection
    def bury(self) -> int:
        """Free the leases of processes of this machine that are gone; returns how many. Others run out by themselves."""
        # A lease has both columns; the one with an index keeps idle services out of the look (SQLite uses none for NOT NULL).
        held = (VmWork.lease_until > 0) & VmWork.lease_owner.is_null(False)
        owners = VmWork.select(VmWork.lease_owner).where(held).distinct()
        dead = [row.lease_owner for row in owners if is_dead(row.lease_owner or "")]
        if not dead:
            return 0
        return int(VmWork.update(lease_owner=None, lease_until=None).where(VmWork.lease_owner.in_(dead)).execute())

    @retry_lost_connection
    def sweep(self) -> int:
        """Plan work for VMs at a working state that nobody planned, such as rows the old module left; returns how many.

        Uses the index on `vm_status`: the cost follows the work pending, not the number of services.
        """
        planned = VmWork.select(VmWork.service_id).where(VmWork.due_at.is_null(False))
        rows = VmInfo.select(VmInfo.service_id).where(
            VmInfo.vm_status.in_(list(self.states)) & VmInfo.service_id.not_in(planned)
        )
        now = self.clock.now()
        count = 0
        for row in rows:
            with transaction():
                VmWork.insert(service_id=row.service_id, created_at=now).on_conflict_ignore().execute()
                VmWork.update(due_at=now, updated_at=now).where(
                    (VmWork.service_id == row.service_id) & VmWork.due_at.is_null()
                ).execute()
            count += 1
        return count


def _driven_by(task: str) -> peewee.Node:
    driven: peewee.Node = VmWork.queue == task
    return driven | VmWork.queue.is_null() if task == PROCESS else driven
