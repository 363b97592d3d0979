"""What clients may do with their VM: power, reinstallation, password, reverse names. `admission` is the gate in front of it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from bridge.dns.reverse import NameRefused, ReverseName, ReverseNames
from bridge.lifecycle import admission
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.page_sight import seen
from bridge.lifecycle.password import Passwords
from bridge.lifecycle.reinstall import Reinstallation
from bridge.lifecycle.requests import SUCCESS
from bridge.lifecycle.rules import Situation
from bridge.lifecycle.sight import Sight
from bridge.vm_context import Shop
from bridge.web.callers import Actor, Refusal

T = TypeVar("T")
Facts = dict[str, Any]

PATIENCE = 3.0  # seconds; the page asks for the status by itself
CONFIRMATION = "REINSTALL"

NOT_CONFIRMED = f"Type the word {CONFIRMATION} in capital letters to confirm."
NOT_OFFERED = "This operating system is not available."
POWER = {"start": "VMStart", "stop": "VMShutdown", "reboot": "VMReboot", "reset": "VMReset"}


@dataclass(frozen=True)
class Clients:
    """Implements `bridge.web.vm_interfaces.Clients`. Every refusal is a `Refusal` with a sentence for the client."""

    direct: Direct
    passwords: Passwords
    reinstallation: Callable[[], Reinstallation]
    shop: Callable[[], Shop]
    names: ReverseNames

    def status(self, service_id: int, actor: Actor) -> Facts:
        """Power, uptime in seconds, load (`cpu` 0 to 1, memory in bytes), what keeps the VM busy, and what may be pressed."""
        service = admission.look_in(service_id, actor)
        hindrance = admission.hindrance(service)
        now: Facts = {}
        if admission.situation_of(service_id) is Situation.READY:
            now = seen(service_id, "status", self.shop(), lambda ctx, sight: _status(sight))
        busy = hindrance or now.pop("busy", "")
        return {
            **{"power": "", "uptime": 0, "cpu": 0.0, "cpus": 0, "mem": 0, "maxmem": 0},
            **now,
            "busy": busy,
            "may": admission.may(service, busy),
        }

    def power(self, service_id: int, actor: Actor, action: str) -> Facts:
        """One of POWER. `done` False = it is under way and goes on by itself."""
        admission.enter(service_id, actor, action)
        return admission.told(service_id, action, self.direct.run(service_id, POWER[action]))

    def templates(self, service_id: int, actor: Actor) -> list[Facts]:
        """The operating systems that may be installed: `vmid` of the template, and its `label`."""
        admission.permit(admission.own(service_id, actor), "reinstall")
        return [asdict(template) for template in self.reinstallation().approved(service_id)]

    def reinstall(self, service_id: int, actor: Actor, template: int, confirmation: str) -> Facts:
        """Install the VM anew, whether it runs or not. It goes on by itself; all its data are lost."""
        admission.enter(service_id, actor, "reinstall")
        if confirmation != CONFIRMATION:
            raise Refusal(NOT_CONFIRMED)
        reinstallation = self.reinstallation()
        if template not in {known.vmid for known in reinstallation.approved(service_id)}:
            raise Refusal(NOT_OFFERED)
        answer = admission.calmly(service_id, "reinstall", lambda: reinstallation.ask(service_id, template))
        if answer != SUCCESS:
            raise admission.refusal(service_id, "reinstall", admission.BUSY, answer)
        return {"done": False}

    def reset_password(self, service_id: int, actor: Actor) -> Facts:
        """Give the guest a new password, which reaches the client by mail only. `applies` tells from when on it is valid."""
        admission.enter(service_id, actor, "reset_password")
        answer = self.passwords.reset(service_id)
        return {
            **admission.told(service_id, "reset_password", answer),
            "applies": answer.facts.get("password_applies", ""),
        }

    def reverse_names(self, service_id: int, actor: Actor) -> list[Facts]:
        """Every address of the VM with its reverse name; what is `pending` says only that it is."""
        admission.permit(admission.own(service_id, actor), "reverse_names")
        listed = _unless_refused(lambda: self.names.of_service(service_id))
        return [_name(each) for each in listed]

    def set_reverse_names(self, service_id: int, actor: Actor, names: Mapping[str, str]) -> Facts:
        """Change reverse names; `changed` are those that differ now, `ticket` True = staff was asked for some of them."""
        admission.enter(service_id, actor, "reverse_names")
        by_client = actor.type == "client"
        saved = _unless_refused(lambda: self.names.set(service_id, names, by_client=by_client))
        return {"changed": [_name(each) for each in saved.changed], "ticket": saved.ticket}


def _status(sight: Sight) -> Facts:
    status = sight.status
    return {
        "power": status.status,
        "uptime": status.uptime,
        "cpu": status.cpu,
        "cpus": status.cpus,
        "mem": status.mem,
        "maxmem": status.maxmem,
        "busy": admission.BUSY if sight.lock else "",
    }


def _name(each: ReverseName) -> Facts:
    """What a provider said is not for clients."""
    return {"ip": each.ip, "name": each.name, "pending": bool(each.pending), "warning": each.warning}


def _unless_refused(work: Callable[[], T]) -> T:
    try:
        return work()
    except NameRefused as error:
        raise Refusal(str(error)) from error
