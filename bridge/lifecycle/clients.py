"""What clients may do with their VM. What they read when they may not tells nothing of the inside: no ids, no servers, no
causes; those are in the daemon's log and in the log of the VM.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from bridge.database import retry_lost_connection
from bridge.dns.reverse import NameRefused, ReverseName, ReverseNames
from bridge.lifecycle.direct import Answer, Direct, Why
from bridge.lifecycle.password import Passwords
from bridge.lifecycle.reinstall import Reinstallation
from bridge.lifecycle.requests import SUCCESS, command_in
from bridge.lifecycle.rules import Situation, situation
from bridge.lifecycle.sight import look
from bridge.lifecycle.suspension import SUSPENDED
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.product_settings import permissions
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Actor, Refusal
from statemachines.errors import Kind, kind_of

log = logging.getLogger(__name__)

T = TypeVar("T")
Facts = dict[str, Any]

PATIENCE = 3.0  # seconds; the page asks for the status by itself
CONFIRMATION = "REINSTALL"

ACCESS_DENIED = "Access Denied"
SOMETHING_WRONG = "Something went wrong"
NOT_ACTIVE = "This service is not active."
IS_SUSPENDED = "This service is suspended."
NOT_RUNNING = "The virtual machine is not running."
NOT_CONFIRMED = f"Type the word {CONFIRMATION} in capital letters to confirm."
NOT_OFFERED = "This operating system is not available."
BUSY = "The virtual machine is busy with another operation. Please try again later."
AT_WORK = {
    Situation.DEPLOYING: "The virtual machine is being set up.",
    Situation.CHANGING: "The virtual machine is being changed.",
    Situation.REINSTALLING: "The virtual machine is being reinstalled.",
    Situation.SETTING_DNS: BUSY,
    Situation.TERMINATING: NOT_ACTIVE,
    Situation.NOT_TERMINATED: NOT_ACTIVE,
    Situation.REMOVED: NOT_ACTIVE,
    Situation.NO_VM: SOMETHING_WRONG,
    Situation.UNKNOWN: SOMETHING_WRONG,
}
REFUSED = {Why.BUSY: BUSY, Why.SUSPENDED: IS_SUSPENDED, Why.POWER: NOT_RUNNING, Why.FAILED: SOMETHING_WRONG}

# What a client may press -> the product's permissions that it takes. Restarting is stopping and starting.
NEEDS = {
    "start": frozenset({"start"}),
    "stop": frozenset({"stop"}),
    "reboot": frozenset({"start", "stop"}),
    "reset": frozenset({"start", "stop"}),
    "reinstall": frozenset({"reinstall"}),
    "reset_password": frozenset({"reset_password"}),
    "reverse_names": frozenset({"revdns"}),
}
POWER = {"start": "VMStart", "stop": "VMShutdown", "reboot": "VMReboot", "reset": "VMReset"}


@dataclass(frozen=True)
class Clients:
    """Implements `bridge.web.vm_interfaces.Clients`. Every refusal is a `Refusal` with a sentence of this module."""

    direct: Direct
    passwords: Passwords
    reinstallation: Callable[[], Reinstallation]
    shop: Callable[[], Shop]
    names: ReverseNames

    def status(self, service_id: int, actor: Actor) -> Facts:
        """Power, uptime in seconds, load (`cpu` 0 to 1, memory in bytes), what keeps the VM busy, and what may be pressed."""
        service = _own(service_id, actor)
        if service.domainstatus not in ("Active", "Suspended"):
            raise Refusal(NOT_ACTIVE)
        hindrance = _hindrance(service)
        seen = self._seen(service_id) if _situation(service_id) is Situation.READY else {}
        busy = hindrance or seen.pop("busy", "")
        permitted = _permitted(service)
        return {
            **{"power": "", "uptime": 0, "cpu": 0.0, "cpus": 0, "mem": 0, "maxmem": 0},
            **seen,
            "busy": busy,
            "may": {name: not busy and needed <= permitted for name, needed in NEEDS.items()},
        }

    def power(self, service_id: int, actor: Actor, action: str) -> Facts:
        """One of POWER. `done` False = it is under way and goes on by itself."""
        _enter(service_id, actor, action)
        return _told(service_id, action, self.direct.run(service_id, POWER[action]))

    def templates(self, service_id: int, actor: Actor) -> list[Facts]:
        """The operating systems that may be installed: `vmid` of the template, and its `label`."""
        _permit(_own(service_id, actor), "reinstall")
        return [asdict(template) for template in self.reinstallation().approved(service_id)]

    def reinstall(self, service_id: int, actor: Actor, template: int, confirmation: str) -> Facts:
        """Install the VM anew, whether it runs or not. It goes on by itself; all its data are lost."""
        _enter(service_id, actor, "reinstall")
        if confirmation != CONFIRMATION:
            raise Refusal(NOT_CONFIRMED)
        reinstallation = self.reinstallation()
        if template not in {known.vmid for known in reinstallation.approved(service_id)}:
            raise Refusal(NOT_OFFERED)
        answer = _calmly(service_id, "reinstall", lambda: reinstallation.ask(service_id, template))
        if answer != SUCCESS:
            raise _refusal(service_id, "reinstall", BUSY, answer)
        return {"done": False}

    def reset_password(self, service_id: int, actor: Actor) -> Facts:
        """Give the guest a new password, which reaches the client by mail only. `applies` tells from when on it is valid."""
        _enter(service_id, actor, "reset_password")
        answer = self.passwords.reset(service_id)
        return {**_told(service_id, "reset_password", answer), "applies": answer.facts.get("password_applies", "")}

    def reverse_names(self, service_id: int, actor: Actor) -> list[Facts]:
        """Every address of the VM with its reverse name; what is `pending` says only that it is."""
        _permit(_own(service_id, actor), "reverse_names")
        listed = _unless_refused(lambda: self.names.of_service(service_id))
        return [_name(each) for each in listed]

    def set_reverse_names(self, service_id: int, actor: Actor, names: Mapping[str, str]) -> Facts:
        """Change reverse names; `changed` are those that differ now, `ticket` True = staff was asked for some of them."""
        _enter(service_id, actor, "reverse_names")
        by_client = actor.type == "client"
        saved = _unless_refused(lambda: self.names.set(service_id, names, by_client=by_client))
        return {"changed": [_name(each) for each in saved.changed], "ticket": saved.ticket}

    def _seen(self, service_id: int) -> Facts:
        """What Proxmox shows of the VM now."""
        found = load(service_id)
        if found is None:
            raise Refusal(SOMETHING_WRONG)
        seen = _calmly(service_id, "status", lambda: look(VmContext(*found, self.shop())))
        status = seen.status
        return {
            "power": status.status,
            "uptime": status.uptime,
            "cpu": status.cpu,
            "cpus": status.cpus,
            "mem": status.mem,
            "maxmem": status.maxmem,
            "busy": BUSY if seen.lock else "",
        }


def _name(each: ReverseName) -> Facts:
    """What a provider said is not for clients."""
    return {"ip": each.ip, "name": each.name, "pending": bool(each.pending), "warning": each.warning}


def _unless_refused(work: Callable[[], T]) -> T:
    try:
        return work()
    except NameRefused as error:
        raise Refusal(str(error)) from error


def _enter(service_id: int, actor: Actor, action: str) -> None:
    """Let a client through to an action; what only Proxmox knows is found out by the action itself."""
    service = _own(service_id, actor)
    _permit(service, action)
    if hindrance := _hindrance(service):
        raise Refusal(hindrance)


@retry_lost_connection
def _own(service_id: int, actor: Actor) -> Service:
    """The service, if it is the client's. Admins may look at all of them."""
    columns = (Service.id, Service.userid, Service.packageid, Service.domainstatus)
    service: Service | None = Service.select(*columns).where(Service.id == service_id).get_or_none()
    mine = actor.id is not None and service is not None and actor.id == service.userid
    if service is None or not (mine if actor.type == "client" else actor.type == "admin" and actor.id is not None):
        raise Refusal(ACCESS_DENIED)
    return service


def _permitted(service: Service) -> frozenset[str]:
    return permissions(int(service.packageid or 0))


def _permit(service: Service, action: str) -> None:
    if not NEEDS[action] <= _permitted(service):
        raise Refusal(ACCESS_DENIED)


@retry_lost_connection
def _hindrance(service: Service) -> str:
    """Why nothing can be done with the VM now, in a sentence for the client; empty when the database knows no reason."""
    work = VmWork.get_or_none(VmWork.service_id == service.id) or VmWork()
    if service.domainstatus == "Suspended" or work.suspended == SUSPENDED:
        return IS_SUSPENDED
    if service.domainstatus != "Active":
        return NOT_ACTIVE
    here = _situation(int(service.id))
    if here is not Situation.READY:
        return AT_WORK[here]
    return BUSY if command_in(work.intent) else ""


def _situation(service_id: int) -> Situation:
    row = VmInfo.select(VmInfo.vm_status).where(VmInfo.service_id == service_id).get_or_none()
    return situation(row.vm_status if row else None)


def _told(service_id: int, action: str, answer: Answer) -> Facts:
    if answer.why in REFUSED:
        raise _refusal(service_id, action, REFUSED[answer.why], answer.text)
    return {"done": answer.done}


def _calmly(service_id: int, action: str, work: Callable[[], T]) -> T:
    """What goes wrong outside is told to the log; the client reads the general sentence."""
    try:
        return work()
    except Exception as error:
        if kind_of(error) is Kind.BUG:
            raise
        raise _refusal(service_id, action, SOMETHING_WRONG, str(error)) from error


def _refusal(service_id: int, action: str, sentence: str, cause: str) -> Refusal:
    log.info("service %s: the client's %s was refused: %s", service_id, action, cause)
    return Refusal(sentence)
