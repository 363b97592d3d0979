"""Why a VM is where it is: its state, what it waits for, since when, and who can act. Read from the database alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.action_log import read
from bridge.clock import SystemClock
from bridge.database import retry_lost_connection
from bridge.lifecycle.overview import overview
from bridge.lifecycle.requests import command_in
from bridge.lifecycle.rules import situation
from bridge.models.companion import PendingRecord, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.runs import MACHINES
from bridge.settings import Settings
from statemachines.commands import COMMANDS

Facts = dict[str, Any]
NOBODY = "nobody: time may heal it"
LISTED = 50  # VMs that `status` names


class UnknownService(LookupError):
    """WHMCS has no such service."""


@dataclass(frozen=True)
class Explanations:
    """Explains single VMs and the whole installation. Values are plain and may be empty; times are local stamps."""

    clock: SystemClock
    settings: Settings

    @retry_lost_connection
    def service(self, service_id: int) -> Facts:
        """Everything that is known about the VM of one service. Raises UnknownService."""
        service = Service.get_or_none(Service.id == service_id)
        info = VmInfo.get_or_none(VmInfo.service_id == service_id)
        if service is None and info is None:
            raise UnknownService(f"service {service_id} does not exist in WHMCS and has no VM record")
        info, work = info or VmInfo(), VmWork.get_or_none(VmWork.service_id == service_id) or VmWork()
        return {
            "service": service_id,
            "service_status": (service.domainstatus or "") if service else "",
            "hostname": (service.domain or "") if service else "",
            "vm": {"vmid": info.vm_id, "name": info.vm_name or "", "node": work.node or ""},
            "status": info.vm_status or "",
            "meaning": str(situation(work.job_state or info.vm_status)),
            "suspended": bool(work.suspended == 1),
            **self._standing(info, work),
            "dns_pending": _dns_pending(service_id),
            "last_run": _last_run(info),
        }

    @retry_lost_connection
    def status(self) -> Facts:
        """The installation: as `overview`, and those VMs that are in trouble."""
        troubled = VmWork.select().where(VmWork.attention_cause.is_null(False)).order_by(VmWork.attention_since)
        return {
            **overview(self.clock, self.settings),
            "troubled": troubled.count(),
            "troubles": [self._trouble(work) for work in troubled.limit(LISTED)],
        }

    def _standing(self, info: VmInfo, work: VmWork) -> Facts:
        held = bool(work.lease_owner) and (work.lease_until or 0.0) > self.clock.now()
        return {
            "waits_for": _waits_for(info, work),
            "cause": work.attention_cause or "",
            "since": self._stamp(work.attention_since),
            "tries": work.attempts or 0,
            "next_try": "now" if held else self._stamp(work.due_at),
            "who_can_act": (work.attention_who or NOBODY) if work.attention_cause else "",
            "held_by": (work.lease_owner or "") if held else "",
            "held_until": self._stamp(work.lease_until) if held else "",
            "task": work.task_upid or "",
            "afterwards": work.pending_action or "",
        }

    def _trouble(self, work: VmWork) -> Facts:
        info = VmInfo.get_or_none(VmInfo.service_id == work.service_id) or VmInfo()
        standing = self._standing(info, work)
        kept = ("waits_for", "cause", "since", "next_try", "who_can_act")
        return {"service": work.service_id, "status": info.vm_status or "", **{key: standing[key] for key in kept}}

    def _stamp(self, epoch: float | None) -> str:
        return "" if epoch is None else self.clock.stamp(epoch)


def _dns_pending(service_id: int) -> list[str]:
    """The DNS records that are not right yet, each with its cause."""
    rows = PendingRecord.select().where(PendingRecord.service_id == service_id).order_by(PendingRecord.id)
    return [f"{row.name} {row.type}: {row.cause}" for row in rows]


def _waits_for(info: VmInfo, work: VmWork) -> str:
    """The step that is due, or the command that is at work, by its label; empty when nothing is to be done."""
    state = work.job_state or info.vm_status or ""
    step = next((step for machine in MACHINES if (step := machine.step_at(state))), None)
    command = COMMANDS.get(command_in(work.intent))
    return step.label if step else command.label if command else ""


def _last_run(info: VmInfo) -> Mapping[str, str]:
    log = read(info.vm_last_action_log)
    return {key: str(log.get(key) or "") for key in ("action", "result", "started", "finished", "error")}
