"""Errands: commands that a cron task plans for many VMs. They are recorded here and carried out by whoever has a worker.

A VM takes an errand only while nothing else is at work on it or waits for it, so that no task ever stands in a client's way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle.direct import at_work
from bridge.lifecycle.suspension import SUSPENDED
from bridge.models.companion import VmWork
from bridge.tasks import Watch
from bridge.vm_state import state_of
from statemachines.commands import COMMAND, COMMANDS, WhenSuspended
from statemachines.ports import Clock


@dataclass(frozen=True)
class Errands:
    """Records commands."""

    clock: Clock

    @retry_lost_connection
    def give(
        self, service_id: int, name: str, facts: Mapping[str, Any] | None = None, watch: Watch | None = None
    ) -> str:
        """Have the command of this name done on the VM; empty when it is recorded, else one line that says why not.

        `facts` are kept for its step. With the `watch` of a task nothing is recorded unless the task is still ours. Raises
        LeaseLost then.
        """
        command, now = COMMANDS[name], self.clock.now()
        with transaction():
            if watch:
                watch.prove()
            VmWork.insert(service_id=service_id, created_at=now).on_conflict_ignore().execute()
            state = state_of(service_id) or ""
            if state not in command.at:
                return at_work(service_id)
            idle = VmWork.due_at.is_null() & VmWork.intent.is_null() & VmWork.job_state.is_null()
            idle &= VmWork.lease_owner.is_null() | (VmWork.lease_until < now)
            if command.suspended is WhenSuspended.REFUSED:
                idle &= VmWork.suspended != SUSPENDED
            recorded = VmWork.update(
                intent=json.dumps({**(facts or {}), COMMAND: name}),
                queue=command.task,
                task_upid=None,
                due_at=now,
                ticks=0,
                attempts=0,
                updated_at=now,
            ).where((VmWork.service_id == service_id) & idle)
            if recorded.execute():
                return ""
            suspended = command.suspended is WhenSuspended.REFUSED and _is_suspended(service_id)
            return f"service {service_id} is suspended" if suspended else at_work(service_id)


def _is_suspended(service_id: int) -> bool:
    return bool(VmWork.select().where((VmWork.service_id == service_id) & (VmWork.suspended == SUSPENDED)).exists())
