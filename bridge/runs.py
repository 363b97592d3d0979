"""Opening the run that a VM is due for: its record read, its pipeline chosen, its context made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.console import Block
from bridge.database import retry_lost_connection
from bridge.models.companion import VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.vm_context import Shop, VmContext
from statemachines.change_package import CHANGE_PACKAGE
from statemachines.commands import COMMANDS
from statemachines.deploy import DEPLOY
from statemachines.dns_sync import SET_DNS_RECORDS
from statemachines.engine import Run, StepObserver, nobody
from statemachines.machine import Machine, Plan
from statemachines.ports import Vm
from statemachines.reinstall import REINSTALL
from statemachines.restore_backup import RESTORE_BACKUP
from statemachines.states import HIDDEN
from statemachines.terminate import TERMINATE

# The first that has a step at the VM's state: a reinstallation is a deployment once the old VM is gone.
MACHINES: Sequence[Machine] = (DEPLOY, CHANGE_PACKAGE, TERMINATE, REINSTALL, SET_DNS_RECORDS, RESTORE_BACKUP)
PLANS: Sequence[Plan] = (*MACHINES, *COMMANDS.values())
# Of the documented column; a pipeline with states of its own is planned where they are written.
WORKING_STATES = frozenset[str]().union(*(machine.states for machine in MACHINES)) - HIDDEN


@dataclass(frozen=True)
class Runs:
    """Implements `bridge.worker.RunFactory`."""

    shop: Shop
    observe: StepObserver = nobody

    def open(self, service_id: int, block: Block) -> Run | None:
        """The run of the pipeline that has a step at the VM's state, or of the command recorded for it.

        None when there is neither, or the service is gone.
        """
        found = load(service_id)
        if found is None:
            return None
        vm, service = found
        plan = next((plan for plan in PLANS if plan.due(vm)), None)
        return Run(plan, VmContext(vm, service, self.shop), block, self.observe) if plan else None


@retry_lost_connection
def load(service_id: int) -> tuple[Vm, Service] | None:
    """The VM's record and its service row; None when either is missing."""
    info = VmInfo.get_or_none(VmInfo.service_id == service_id)
    service = Service.get_or_none(Service.id == service_id)
    if info is None or service is None:
        return None
    work = VmWork.get_or_none(VmWork.service_id == service_id) or VmWork(service_id=service_id)
    reservation = VmidReservation.get_or_none(VmidReservation.service_id == service_id)
    vm = Vm(
        service_id=service_id,
        client_id=service.userid or 0,
        server_id=service.server or 0,
        status=work.job_state or info.vm_status or "",
        vm_id=info.vm_id,
        name=info.vm_name or "",
        mac=info.vm_net0_mac or "",
        rev_dns={str(key): str(value) for key, value in _json(info.vm_rev_dns).items()},
        node=work.node,
        template=work.template,
        task=work.task_upid,
        ticks=work.ticks or 0,
        intent=dict(_json(work.intent)),
        generation=work.generation or 0,
        unmarked=bool(info.vm_id) and reservation is None,
        since=reservation.reserved_at if reservation else 0.0,
        suspended=work.suspended == 1,
        onboot=work.onboot == 1,
        backup_task=info.vm_backup_now_utid or None,
        restore_task=info.vm_backup_restore_utid or None,
        backups=info.vm_backups or 0,
        backup_day=work.backup_day or None,
        adopted_at=reservation.adopted_at if reservation else None,
        snapshots=info.vm_snapshots or 0,
    )
    return vm, service


def _json(text: str | None) -> Mapping[str, Any]:
    """A JSON object out of a column that others may have written too."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
