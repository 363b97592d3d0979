"""What the views need of the rest of the daemon. `bridge.wiring` brings the real ones, tests bring their own.

A service reports a refusal that the person in front of WHMCS has to read by raising `Refusal` with one line, or, where
WHMCS's own convention says so, by returning the text.
"""

from collections.abc import Generator, Sequence
from typing import Literal, Protocol

from bridge.protocol.nonces import Nonces
from bridge.web import backup_interfaces as backups
from bridge.web import client_interfaces as pages
from bridge.web import network_interfaces as network
from bridge.web import snapshot_interfaces
from bridge.web import statistics_interfaces as statistics
from bridge.web import vm_interfaces as vms
from bridge.web.callers import ServerDetails
from bridge.web.health_interfaces import Observation


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
    def orders(self) -> vms.Orders:
        """Orders of services."""

    @property
    def plans(self) -> vms.Plans:
        """What package changes would do."""

    @property
    def requests(self) -> vms.Requests:
        """Operations on VMs."""

    @property
    def commands(self) -> vms.Commands:
        """Commands on VMs."""

    @property
    def suspension(self) -> vms.Suspension:
        """Suspending services."""

    @property
    def passwords(self) -> vms.Passwords:
        """Passwords of guests."""

    @property
    def clients(self) -> vms.Clients:
        """What clients do."""

    @property
    def backups(self) -> backups.Backups:
        """Clients' backups."""

    @property
    def snapshots(self) -> snapshot_interfaces.Snapshots:
        """Snapshots, for clients."""

    @property
    def client_pages(self) -> pages.ClientPages:
        """What the client's pages load and send."""

    @property
    def records(self) -> vms.Records:
        """Records of VMs."""

    @property
    def explanations(self) -> vms.Explanations:
        """Why VMs are where they are."""

    @property
    def logs(self) -> vms.Logs:
        """Logs of VMs."""

    @property
    def usage(self) -> statistics.Usage:
        """Traffic of the month."""

    @property
    def pools(self) -> network.Pools:
        """IP pools."""

    @property
    def zones(self) -> network.Zones:
        """DNS zones."""

    @property
    def reverse_names(self) -> network.Names:
        """Reverse names."""

    @property
    def dns_list(self) -> network.DnsList:
        """The list of the old dns.php."""

    @property
    def adoption(self) -> vms.Adoption:
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

    @property
    def observation(self) -> Observation:
        """Health and metrics."""

    def open(self) -> None:
        """Called before each request, before anything else: take a database connection."""

    def close(self) -> None:
        """Called after each request, also after a failed one: give it back."""
