"""What the views need of the rest of the daemon. `bridge.wiring` brings the real ones, tests bring their own.

A service reports a refusal that the person in front of WHMCS has to read by raising `Refusal` with one line, or, where
WHMCS's own convention says so, by returning the text.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bridge.addresses.pool_admin import Saved
from bridge.addresses.pool_list import PoolPage, PoolQuery
from bridge.dns.reverse import ReverseName
from bridge.dns.reverse import Saved as SavedNames
from bridge.lifecycle.rules import Operation
from bridge.protocol.nonces import Nonces
from statemachines.commands import Power


class Refusal(Exception):
    """A service says no. The message is one line for whoever made the call: no secrets, no addresses of other clients."""


@dataclass(frozen=True)
class Actor:
    """Who made the call.

    `id` is the admin's or the client's id, None for "system" (cron jobs, the API of WHMCS). `admin` is set beside a client
    when an admin looks through the client's eyes. `session` fingerprints the login session, for form tokens.
    """

    type: Literal["admin", "client", "system"] = "system"
    id: int | None = None
    admin: int | None = None
    session: str = ""


@dataclass(frozen=True)
class ServerDetails:
    """A server as it is typed in WHMCS's server form, saved or not. `id` 0 = not saved; empty = not typed.

    `username` is a token id (or a user of the old kind), `password` the token's secret; its repr does not show it.
    """

    id: int = 0
    hostname: str = ""
    ip: str = ""
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    secure: bool = True


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


class Pools(Protocol):
    """IP pools. Each method raises `bridge.addresses.errors.PoolRefused` with one line."""

    def page(self, query: PoolQuery) -> PoolPage:
        """One page of the list."""

    def servers(self) -> list[tuple[int, str]]:
        """ID and name of the servers that a pool may be of."""

    def add(self, fields: Mapping[str, object]) -> Saved:
        """Store a new pool."""

    def change(self, pool_id: int, fields: Mapping[str, object], carry_over: bool = False) -> Saved:
        """Change a pool; `carry_over` gives what services hold of it the new settings, too."""

    def delete(self, pool_id: int, confirmed: bool = False) -> None:
        """Delete a pool; one that services hold addresses of only when that is confirmed."""


class Zones(Protocol):
    """DNS zones. Each method but `page` raises `bridge.dns.zone_form.ZoneRefused` with one line."""

    def page(self, page: int, per_page: int, search: str, sort: str, descending: bool) -> dict[str, Any]:
        """One page of the list; no secret is in it."""

    def save(self, typed: Mapping[str, str], zone_id: int | None = None) -> int:
        """Store a new zone, or change one."""

    def delete(self, zone_id: int) -> None:
        """Forget a zone."""

    def test(self, zone_id: int) -> str:
        """Ask the provider; empty, or its error."""


class Names(Protocol):
    """Reverse names. Each method raises `bridge.dns.reverse.NameRefused` with one line."""

    def of_service(self, service_id: int) -> Sequence[ReverseName]:
        """Every address with its name."""

    def set(self, service_id: int, typed: Mapping[str, str], *, by_client: bool) -> SavedNames:
        """Change names, stored and written to the DNS at once."""


class DnsList(Protocol):
    """The list of the old dns.php."""

    def read(self, caller: str) -> list[dict[str, str]]:
        """Forward and reverse names of all addresses. Raises `bridge.dns.listing.ListRefused` when `caller` may not."""


class Adoption(Protocol):
    """Existing VMs for services."""

    def adopt(self, service_id: int, vmid: int) -> str:
        """Make the VM the service's. Returns "success", or one line."""


class Connections(Protocol):
    """Reaching a Proxmox server."""

    def test(self, server: ServerDetails) -> tuple[bool, str]:
        """Try it: (True, "") or (False, one line for staff). Takes at most some seconds."""


class CronRunner(Protocol):
    """Cron runs as cron.php and the WHMCS hook ask for them."""

    def run(self, argv: Sequence[str], mode: Literal["standalone", "hook"]) -> Generator[str | None, None, int]:
        """Lines of one run, each yielded at once; None now and then while there is nothing to print.

        The return value is the exit code: 0 run finished, 1 unknown option or task. In mode "hook" there are no lines
        unless the settings say that WHMCS's cron drives the tasks. The generator is closed when the reader goes away: what
        was begun must be left so that the next run can take it up. It is run outside of any request, so it opens and
        closes its own database connection.
        """

    def wake(self) -> None:
        """WHMCS's cron has come by: in hook mode, make due tasks run soon. Returns at once."""


class Installation(Protocol):
    """The life of the installation, as activating and deactivating the addon drives it."""

    def activate(self) -> str:
        """Create what is missing, bring the schema up to date; returns one line about it. May run any number of times."""

    def deactivate(self) -> str:
        """Stop; returns one line about what was kept. Data are dropped only when the settings ask for it."""

    def upgrade(self, from_version: str) -> None:
        """Bring the schema up to date; WHMCS calls it when the module's version has changed."""


class Services(Protocol):
    """Everything that the views call."""

    @property
    def nonces(self) -> Nonces:
        """Nonces already used, shared by all web processes."""

    @property
    def orders(self) -> Orders:
        """Orders of services."""

    @property
    def plans(self) -> Plans:
        """What package changes would do."""

    @property
    def requests(self) -> Requests:
        """Operations on VMs."""

    @property
    def commands(self) -> Commands:
        """Commands on VMs."""

    @property
    def suspension(self) -> Suspension:
        """Suspending services."""

    @property
    def passwords(self) -> Passwords:
        """Passwords of guests."""

    @property
    def clients(self) -> Clients:
        """What clients do."""

    @property
    def records(self) -> Records:
        """Records of VMs."""

    @property
    def explanations(self) -> Explanations:
        """Why VMs are where they are."""

    @property
    def logs(self) -> Logs:
        """Logs of VMs."""

    @property
    def pools(self) -> Pools:
        """IP pools."""

    @property
    def zones(self) -> Zones:
        """DNS zones."""

    @property
    def reverse_names(self) -> Names:
        """Reverse names."""

    @property
    def dns_list(self) -> DnsList:
        """The list of the old dns.php."""

    @property
    def adoption(self) -> Adoption:
        """Existing VMs for services."""

    @property
    def connections(self) -> Connections:
        """Tests of Proxmox servers."""

    @property
    def cron(self) -> CronRunner:
        """Cron runs."""

    @property
    def installation(self) -> Installation:
        """Activation of the addon."""

    def open(self) -> None:
        """Called before each request, before anything else: take a database connection."""

    def close(self) -> None:
        """Called after each request, also after a failed one: give it back."""
