"""The one gate for what clients do: whose service it is, what its product permits, and whether anything is in the way.

What they read when they may not tells nothing of the inside: no ids, no servers, no causes; those are in the daemon's log and
in the log of the VM.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from bridge.database import retry_lost_connection
from bridge.lifecycle.direct import Answer, Why
from bridge.lifecycle.requests import command_in
from bridge.lifecycle.rules import Situation, situation
from bridge.lifecycle.suspension import SUSPENDED
from bridge.models.companion import VmWork
from bridge.models.whmcs import Service
from bridge.product_settings import effective_package, permissions
from bridge.vm_state import state_of
from bridge.web.callers import Actor, Refusal
from statemachines.errors import Kind, kind_of

log = logging.getLogger(__name__)

T = TypeVar("T")

ACCESS_DENIED = "Access Denied"
SOMETHING_WRONG = "Something went wrong"
NOT_ACTIVE = "This service is not active."
IS_SUSPENDED = "This service is suspended."
NOT_RUNNING = "The virtual machine is not running."
BUSY = "The virtual machine is busy with another operation. Please try again later."
AT_WORK = {
    Situation.DEPLOYING: "The virtual machine is being set up.",
    Situation.CHANGING: "The virtual machine is being changed.",
    Situation.REINSTALLING: "The virtual machine is being reinstalled.",
    Situation.SETTING_DNS: BUSY,
    Situation.RESTORING: "The virtual machine is being restored from a backup.",
    Situation.TERMINATING: NOT_ACTIVE,
    Situation.NOT_TERMINATED: NOT_ACTIVE,
    Situation.REMOVED: NOT_ACTIVE,
    Situation.NO_VM: SOMETHING_WRONG,
    Situation.UNKNOWN: SOMETHING_WRONG,
}
REFUSED = {Why.BUSY: BUSY, Why.SUSPENDED: IS_SUSPENDED, Why.POWER: NOT_RUNNING, Why.FAILED: SOMETHING_WRONG}

# What a client may ask for -> the product's permissions that it takes. Restarting is stopping and starting.
NEEDS = {
    "start": frozenset({"start"}),
    "stop": frozenset({"stop"}),
    "reboot": frozenset({"start", "stop"}),
    "reset": frozenset({"start", "stop"}),
    "charts": frozenset({"charts"}),
    "reinstall": frozenset({"reinstall"}),
    "reset_password": frozenset({"reset_password"}),
    "reverse_names": frozenset({"revdns"}),
    "iso": frozenset({"iso"}),
    "firewall": frozenset({"firewall"}),
}
# What is sold by number: none of it is as good as no permission [C-58].
QUOTAS = ("snapshots", "backups")


@retry_lost_connection
def own(service_id: int, actor: Actor) -> Service:
    """The service, if it is the client's. Admins may look at all of them. Raises Refusal."""
    columns = (Service.id, Service.userid, Service.packageid, Service.domainstatus)
    service: Service | None = Service.select(*columns).where(Service.id == service_id).get_or_none()
    mine = actor.id is not None and service is not None and actor.id == service.userid
    if service is None or not (mine if actor.type == "client" else actor.type == "admin" and actor.id is not None):
        raise Refusal(ACCESS_DENIED)
    return service


def permitted(service: Service) -> frozenset[str]:
    """All of NEEDS and QUOTAS that the service's product lets its client do."""
    granted = permissions(int(service.packageid or 0))
    return frozenset(action for action, needed in NEEDS.items() if needed <= granted) | {
        thing for thing in QUOTAS if quota(int(service.id), thing)
    }


def quota(service_id: int, thing: str) -> int:
    """How many of QUOTAS the client has bought; 0 = none, which forbids the whole page."""
    return int(getattr(effective_package(service_id)[0], thing))


def may(service: Service, busy: str) -> dict[str, bool]:
    """Of all NEEDS and QUOTAS whether the client can begin it now; nothing while the VM is `busy`."""
    granted = permitted(service)
    return {name: not busy and name in granted for name in (*NEEDS, *QUOTAS)}


def permit(service: Service, action: str) -> None:
    """Raise Refusal unless the product lets clients do `action`, one of NEEDS or QUOTAS."""
    allowed = (
        quota(int(service.id), action)
        if action in QUOTAS
        else NEEDS[action] <= permissions(int(service.packageid or 0))
    )
    if not allowed:
        raise Refusal(ACCESS_DENIED)


def look_in(service_id: int, actor: Actor, action: str = "") -> Service:
    """Let a client read the page of `action` (empty: the overview, which needs no permission), whatever is at work on the VM.

    Raises Refusal.
    """
    service = own(service_id, actor)
    if action:
        permit(service, action)
    if service.domainstatus not in ("Active", "Suspended"):
        raise Refusal(NOT_ACTIVE)
    return service


def enter(service_id: int, actor: Actor, action: str) -> Service:
    """Let a client through to a change; what only Proxmox knows is found out by the change itself. Raises Refusal."""
    service = own(service_id, actor)
    permit(service, action)
    if reason := hindrance(service):
        raise Refusal(reason)
    return service


@retry_lost_connection
def hindrance(service: Service) -> str:
    """Why nothing can be done with the VM now, in a sentence for the client; empty when the database knows no reason."""
    work = VmWork.get_or_none(VmWork.service_id == service.id) or VmWork()
    if service.domainstatus == "Suspended" or work.suspended == SUSPENDED:
        return IS_SUSPENDED
    if service.domainstatus != "Active":
        return NOT_ACTIVE
    here = situation_of(int(service.id))
    if here is not Situation.READY:
        return AT_WORK[here]
    return BUSY if command_in(work.intent) else ""


def situation_of(service_id: int) -> Situation:
    """Where the VM of a service is in its life."""
    return situation(state_of(service_id))


def told(service_id: int, action: str, answer: Answer) -> dict[str, object]:
    """What the client reads of a command's answer; `done` False = it goes on by itself. Raises Refusal."""
    if answer.why in REFUSED:
        raise refusal(service_id, action, REFUSED[answer.why], answer.text)
    return {"done": answer.done}


def calmly(service_id: int, action: str, work: Callable[[], T]) -> T:
    """Do `work`; what goes wrong outside is told to the log, and the client reads the general sentence."""
    try:
        return work()
    except Refusal:
        raise
    except Exception as error:
        if kind_of(error) is Kind.BUG:
            raise
        raise refusal(service_id, action, SOMETHING_WRONG, str(error)) from error


def refusal(service_id: int, action: str, sentence: str, cause: str) -> Refusal:
    """A refusal with a sentence for the client; the cause goes to the log."""
    log.info("service %s: the client's %s was refused: %s", service_id, action, cause)
    return Refusal(sentence)
