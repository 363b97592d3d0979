"""Suspending and unsuspending: what is wanted is a column of the VM's work row, and the VM is made to follow it.

Whatever happens between the two, and whoever starts a suspended VM by hand: `enforce` looks at all of them, every minute
in the scheduler, and at the beginning of every tick where only ticks run.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from bridge.database import close_connection, retry_lost_connection, transaction
from bridge.hypervisors import Hypervisors
from bridge.lifecycle.requests import SUCCESS
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.vm_state import state_of
from statemachines import errors, states
from statemachines.commands import COMMAND
from statemachines.ports import Clock

log = logging.getLogger(__name__)

NOT, SUSPENDED, LIFTED = 0, 1, 2  # values of `VmWork.suspended`
FOLLOWS = {SUSPENDED: "SuspendAccount", LIFTED: "UnsuspendAccount"}
SERVERS_AT_ONCE = 8


@dataclass(frozen=True)
class Suspended:
    """A VM at rest whose service is suspended, or was until now."""

    service_id: int
    server_id: int
    vmid: int
    wanted: int


@dataclass(frozen=True)
class Suspension:
    """Suspends and unsuspends services."""

    clock: Clock
    hypervisors: Callable[[], Hypervisors]

    def suspend(self, service_id: int) -> str:
        """Record that the service's VM must not run; returns "success" at once. May be asked for twice.

        A pipeline at work goes on to its end, with what is true now, and leaves the VM stopped.
        """
        self._want(service_id, SUSPENDED)
        return SUCCESS

    def unsuspend(self, service_id: int) -> str:
        """Record that the service's VM is to run again; returns "success" at once. Harmless when it is not suspended."""
        work = VmWork.get_or_none(VmWork.service_id == service_id)
        if work is not None and work.suspended:
            self._want(service_id, LIFTED)
        return SUCCESS

    def enforce(self) -> int:
        """Have VMs follow that do not; returns how many. May run in several processes at once.

        One statement while nothing is suspended, however many services there are; one request per server that has
        suspended VMs, whatever their number, all servers at the same time: one that hangs holds nobody else up.
        """
        count = 0
        by_server: dict[int, list[Suspended]] = {}
        for found in self._at_rest():
            if found.wanted == LIFTED:
                count += self._follow(found.service_id, LIFTED)
            else:
                by_server.setdefault(found.server_id, []).append(found)
        for server_id, running in self._look(list(by_server)):
            count += sum(
                self._follow(each.service_id, SUSPENDED) for each in by_server[server_id] if each.vmid in running
            )
        return count

    @retry_lost_connection
    def _want(self, service_id: int, wanted: int) -> None:
        now = self.clock.now()
        with transaction():
            VmWork.insert(service_id=service_id, created_at=now).on_conflict_ignore().execute()
            VmWork.update(suspended=wanted, generation=VmWork.generation + 1, updated_at=now).where(
                VmWork.service_id == service_id
            ).execute()
            if state_of(service_id) == states.READY:
                self._follow(service_id, wanted)

    @retry_lost_connection
    def _follow(self, service_id: int, wanted: int) -> int:
        """Record the command for a VM that nothing else is at work on; whether that could be done."""
        idle = VmWork.due_at.is_null() & VmWork.intent.is_null() & VmWork.job_state.is_null()
        idle &= VmWork.suspended == wanted
        now = self.clock.now()
        command = json.dumps({COMMAND: FOLLOWS[wanted]})
        recorded = VmWork.update(intent=command, queue=None, due_at=now, updated_at=now, ticks=0)
        return int(recorded.where((VmWork.service_id == service_id) & idle).execute())

    @retry_lost_connection
    def _at_rest(self) -> list[Suspended]:
        # Only the index on `suspended` may lead into the tables: by `vm_status` or `due_at` a database finds every idle service.
        rows = (
            VmWork.select(
                VmWork.service_id, VmWork.suspended, VmWork.due_at, VmInfo.vm_status, VmInfo.vm_id, Service.server
            )
            .join(VmInfo, on=(VmInfo.service_id == VmWork.service_id))
            .join(Service, on=(Service.id == VmWork.service_id))
            .where(VmWork.suspended > NOT)
            .tuples()
        )
        found = cast(Iterable[tuple[int, int, float | None, str | None, int | None, int | None]], rows)
        return [
            Suspended(service, server or 0, vmid, wanted)
            for service, wanted, due_at, status, vmid, server in found
            if status == states.READY and due_at is None and vmid is not None
        ]

    def _look(self, servers: Sequence[int]) -> Iterable[tuple[int, set[int]]]:
        """Each server with the VMIDs that run on it, in the order in which they are given."""
        if len(servers) < 2:
            return [(server_id, self._running(server_id)) for server_id in servers]
        with ThreadPoolExecutor(min(len(servers), SERVERS_AT_ONCE), "suspended VMs") as pool:
            return list(zip(servers, pool.map(self._running_elsewhere, servers), strict=True))

    def _running_elsewhere(self, server_id: int) -> set[int]:
        """In a thread of its own, whose connection to the database ends with the look."""
        try:
            return self._running(server_id)
        finally:
            close_connection()

    def _running(self, server_id: int) -> set[int]:
        """VMIDs that run on a server; none when it cannot be asked: its turn comes again."""
        try:
            guests = self.hypervisors().for_server(server_id).guests()
        except Exception as error:
            if errors.kind_of(error) is errors.Kind.BUG:
                raise
            log.warning("suspended VMs of server %s cannot be looked at: %s", server_id, error)
            return set()
        return {guest.vmid for guest in guests if guest.status == "running"}
