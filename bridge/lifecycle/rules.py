"""Which request is possible at which state, as a table. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from statemachines import states as s
from statemachines.change_package import CHANGE_PACKAGE
from statemachines.deploy import DEPLOY


class Operation(StrEnum):
    """What can be asked for and is done by a pipeline."""

    CHANGE_PACKAGE = "change_package"
    REINSTALL = "reinstall"
    SET_DNS_RECORDS = "set_dns_records"
    TERMINATE = "terminate"
    REDEPLOY = "redeploy"
    RESTORE_BACKUP = "restore_backup"


class Verdict(StrEnum):
    """What becomes of a request."""

    BEGIN = "begin"  # the state changes now; a run at work stops at its next write
    ALREADY = "already"  # that is what is being done: success, nothing changes
    LATER = "later"  # remembered, begins when the VM is ready
    REFUSE = "refuse"  # not possible in this state


class Situation(StrEnum):
    """States in the groups that the rules distinguish."""

    NO_VM = "no VM"
    DEPLOYING = "deploying"
    READY = "ready"
    CHANGING = "changing package"
    REINSTALLING = "waiting for its reinstallation"
    SETTING_DNS = "setting DNS records"
    RESTORING = "being restored from a backup"
    TERMINATING = "being terminated"
    NOT_TERMINATED = "waiting for an admin after a failed termination"
    REMOVED = "removed"
    UNKNOWN = "in an unknown state"


B, A, L, R = Verdict.BEGIN, Verdict.ALREADY, Verdict.LATER, Verdict.REFUSE

# fmt: off
RULES: dict[Operation, dict[Situation, Verdict]] = {
    #                            NO_VM DEPLOY READY CHANGE REINST DNS RESTORE TERM NOT_T REMOVED UNKNOWN
    Operation.CHANGE_PACKAGE:  dict(zip(Situation, (R, L, B, L, L, L, L, R, R, R, R), strict=True)),
    Operation.REINSTALL:       dict(zip(Situation, (R, R, B, R, A, R, R, R, R, R, R), strict=True)),
    Operation.SET_DNS_RECORDS: dict(zip(Situation, (R, R, B, R, R, A, R, R, R, R, R), strict=True)),
    Operation.TERMINATE:       dict(zip(Situation, (A, B, B, B, B, B, B, A, B, A, B), strict=True)),
    Operation.REDEPLOY:        dict(zip(Situation, (B, B, B, B, B, B, B, R, R, B, B), strict=True)),
    Operation.RESTORE_BACKUP:  dict(zip(Situation, (R, R, B, R, R, R, R, R, R, R, R), strict=True)),
}
# fmt: on


@dataclass(frozen=True)
class Decision:
    """What is decided, and the line for whoever asked when it is refused."""

    verdict: Verdict
    reason: str = ""


def situation(state: str | None) -> Situation:
    """The group of a stored `vm_status`."""
    if not state:
        return Situation.NO_VM
    single = {
        s.READY: Situation.READY,
        s.REINSTALL: Situation.REINSTALLING,
        s.SET_DNS_RECORDS: Situation.SETTING_DNS,
        s.TERMINATE: Situation.TERMINATING,
        s.ERROR_TERMINATE: Situation.NOT_TERMINATED,
        s.REMOVE: Situation.REMOVED,
    }
    if state in single:
        return single[state]
    if state in s.HIDDEN:
        return Situation.RESTORING
    if DEPLOY.step_at(state):
        return Situation.DEPLOYING
    return Situation.CHANGING if CHANGE_PACKAGE.step_at(state) else Situation.UNKNOWN


def decide(operation: Operation, state: str | None, service_id: int) -> Decision:
    """Whether `operation` can begin on a VM at `state`."""
    here = situation(state)
    verdict = RULES[operation][here]
    if operation is Operation.CHANGE_PACKAGE and state == s.CHANGE_PACKAGE:
        verdict = Verdict.BEGIN  # anew: a run that has just begun may have read the package before it was changed
    if verdict is not Verdict.REFUSE:
        return Decision(verdict)
    what = operation.replace("_", " ")
    return Decision(
        verdict, f"{what} is not possible: the VM of service {service_id} is {here} (status {state or 'none'})"
    )
