"""Recording requests: each is one transaction on the VM's record, whatever is at work on the VM at that moment."""

import json
from dataclasses import dataclass
from typing import Any

from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle.rules import Decision, Operation, Verdict, decide
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.tasks import RESTORES
from bridge.vm_state import state_of
from statemachines import states
from statemachines.commands import COMMAND, COMMANDS
from statemachines.ports import Clock

SUCCESS = "success"

BEGINS_AT = {
    Operation.CHANGE_PACKAGE: states.CHANGE_PACKAGE,
    Operation.REINSTALL: states.REINSTALL,
    Operation.SET_DNS_RECORDS: states.SET_DNS_RECORDS,
    Operation.TERMINATE: states.TERMINATE,
    Operation.REDEPLOY: states.CREATION,
    Operation.RESTORE_BACKUP: states.RESTORE_BACKUP,
}
DRIVEN_BY = {
    Operation.RESTORE_BACKUP: RESTORES.name
}  # by the cron task that drives them, if it is another than the first

# These leave the VM as it is, so what a command has promised (a new password, a backup) is done first.
WAIT_FOR_COMMANDS = frozenset({Operation.CHANGE_PACKAGE, Operation.SET_DNS_RECORDS})


def command_in(intent: str | None) -> str:
    """The name of the command that an intent as stored records, empty when there is none."""
    try:
        facts = json.loads(intent or "{}")
    except ValueError:
        return ""
    return str(facts.get(COMMAND, "")) if isinstance(facts, dict) else ""


# These would take the VM away from under a backup, which Proxmox does not always keep from happening by a lock.
NOT_DURING_BACKUPS = frozenset({Operation.REINSTALL, Operation.RESTORE_BACKUP})


def _with_command(operation: Operation, service_id: int) -> Decision:
    """What becomes of a request that could begin, in view of the command that is at work on the VM, if any."""
    work = VmWork.get_or_none(VmWork.service_id == service_id)
    command = COMMANDS.get(command_in(work.intent)) if work else None
    if command is not None and operation in WAIT_FOR_COMMANDS and (command.lasting or command.background):
        return Decision(Verdict.LATER)
    if command is not None and operation in NOT_DURING_BACKUPS and command.background:
        what = operation.replace("_", " ")
        return Decision(
            Verdict.REFUSE, f"{what} is not possible: {command.label} is at work on the VM of service {service_id}"
        )
    return Decision(Verdict.BEGIN)


@dataclass(frozen=True)
class Requests:
    """Asks for the operations of a VM's life."""

    clock: Clock

    @retry_lost_connection
    def ask(self, service_id: int, operation: Operation, **facts: Any) -> str:
        """Ask for `operation`; returns "success", or one line saying why not.

        `facts` are kept for the pipeline (the template of a reinstallation as `template`, else JSON values). A run at work
        cannot write any more from now on; the lease it holds keeps the new run from beginning before it has stopped.
        """
        with transaction():
            decision = decide(operation, state_of(service_id), service_id)
            if decision.verdict is Verdict.BEGIN:
                decision = _with_command(operation, service_id)
            if decision.verdict is Verdict.BEGIN:
                self._begin(service_id, operation, facts)
            elif decision.verdict is Verdict.LATER:
                self._work(service_id, pending_action=BEGINS_AT[operation])
        return decision.reason or SUCCESS

    def _begin(self, service_id: int, operation: Operation, facts: dict[str, Any]) -> None:
        template = facts.pop("template", None)
        begins_at = BEGINS_AT[operation]
        changes: dict[str, Any] = {
            "job_state": begins_at if begins_at in states.HIDDEN else None,
            "queue": DRIVEN_BY.get(operation),
            "intent": json.dumps({operation.value: facts or True}),
            "ticks": 0,
            "attempts": 0,
            "attention_cause": None,
            "attention_since": None,
            "attention_who": None,
            "next_try_at": None,
            "due_at": self.clock.now(),
            "generation": VmWork.generation + 1,
        }
        if template is not None:
            changes["template"] = template
        if operation in (Operation.TERMINATE, Operation.REDEPLOY):
            changes["pending_action"] = None
        self._work(service_id, **changes)
        VmInfo.insert(service_id=service_id).on_conflict_ignore().execute()
        if operation is Operation.REDEPLOY:
            VmInfo.update(vm_last_action_log=None, vm_deploy_log=None).where(VmInfo.service_id == service_id).execute()
        VmInfo.update(vm_status=states.shown(begins_at)).where(VmInfo.service_id == service_id).execute()

    def _work(self, service_id: int, **changes: Any) -> None:
        now = self.clock.now()
        VmWork.insert(service_id=service_id, created_at=now).on_conflict_ignore().execute()
        VmWork.update(**changes, updated_at=now).where(VmWork.service_id == service_id).execute()
