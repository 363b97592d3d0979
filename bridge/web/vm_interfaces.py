"""What the views need of the daemon about VMs: their life, what staff and clients do with them, and what is told of them."""

from collections.abc import Mapping
from typing import Any, Protocol

from bridge.lifecycle.rules import Operation
from bridge.web.callers import Actor
from statemachines.commands import Power


class Orders(Protocol):
    """The life of a service, as WHMCS's provisioning functions drive it."""

    def create(self, service_id: int, actor: Actor) -> str:
        """Record the order. Returns "success", or one line for staff. A second call for the same service is harmless."""


class Plan(Protocol):
    """What a package change would do to one VM."""

    def as_json(self) -> dict[str, Any]:
        """Plain values for whoever asked."""


class Plans(Protocol):
    """Looks at VMs and their packages without changing anything."""

    def plan(self, service_id: int) -> Plan:
        """The plan of a service. Raises errors with a `kind` when the VM cannot be looked at."""


class Requests(Protocol):
    """Operations on a VM that its pipelines carry out."""

    def ask(self, service_id: int, operation: Operation, **facts: Any) -> str:
        """Ask for an operation. Returns "success", or one line saying why it is not possible now."""


class Answer(Protocol):
    """How a command that somebody waited for stands; `text` is "success" or one line."""

    @property
    def text(self) -> str: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...


class Commands(Protocol):
    """Commands on a VM that somebody waits for."""

    def run(self, service_id: int, name: str) -> Answer:
        """Run the command of this name, see `statemachines.commands`; takes at most some seconds."""

    def look(self, service_id: int, label: str, wanted: Power) -> str:
        """Why the VM, as it is, does not allow what `label` names; empty when it does."""


class Suspension(Protocol):
    """Suspending and unsuspending services."""

    def suspend(self, service_id: int) -> str:
        """Stop the VM and keep it from running. Returns "success" at once."""

    def unsuspend(self, service_id: int) -> str:
        """Let the VM run again. Returns "success" at once."""


class Passwords(Protocol):
    """Passwords of guests."""

    def change(self, service_id: int, password: str) -> str:
        """Give the guest this password. Returns "success", or one line."""


class Clients(Protocol):
    """What clients do with their VM. Each method raises `Refusal` with one line that clients may read: the service is not
    theirs, the product does not permit it, or the VM is not in a state for it.
    """

    def status(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """Power, load, what keeps the VM busy, and which buttons may be pressed."""

    def power(self, service_id: int, actor: Actor, action: str) -> dict[str, Any]:
        """`action` is start, stop, reboot or reset; whether it is `done`, else it goes on by itself."""

    def templates(self, service_id: int, actor: Actor) -> list[dict[str, Any]]:
        """The operating systems that may be installed."""

    def reinstall(self, service_id: int, actor: Actor, template: int, confirmation: str) -> dict[str, Any]:
        """Install the VM anew from this template; `confirmation` is what the client typed."""

    def reset_password(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """Give the guest a new password; it is mailed, and never answered."""

    def reverse_names(self, service_id: int, actor: Actor) -> list[dict[str, Any]]:
        """Every address of the VM with its reverse name."""

    def set_reverse_names(self, service_id: int, actor: Actor, names: Mapping[str, str]) -> dict[str, Any]:
        """Change reverse names; those that differ now, each with what is worth a warning."""


class Records(Protocol):
    """The records of VMs, in staff's hands. Each method raises `bridge.lifecycle.records.RecordRefused` with one line."""

    def show(self, service_id: int) -> dict[str, Any]:
        """All documented columns."""

    def edit(self, service_id: int, changes: Mapping[str, str]) -> list[str]:
        """Change columns; returns the names of those that differ now."""

    def reset(self, service_id: int, status: str) -> str:
        """Put the VM to another status; returns the one before."""

    def delete(self, service_id: int) -> None:
        """Remove the record."""


class Explanations(Protocol):
    """Why things are as they are, read from the database alone."""

    def service(self, service_id: int) -> dict[str, Any]:
        """Everything that is known about one VM. Raises `bridge.lifecycle.explain.UnknownService` with one line."""

    def status(self) -> dict[str, Any]:
        """The whole installation."""


class Logs(Protocol):
    """What has been done to VMs."""

    def show(self, service_id: int) -> dict[str, Any]:
        """One VM's last run and history. Raises `bridge.lifecycle.records.RecordRefused` with one line."""


class Adoption(Protocol):
    """Existing VMs for services."""

    def adopt(self, service_id: int, vmid: int) -> str:
        """Make the VM the service's. Returns "success", or one line."""
