"""The stand-in cluster: its state, and `handle`, through which everything is asked and changed."""

import ipaddress
import random
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.sandbox.proxmox import dispatch
from bridge.sandbox.proxmox.access import Access
from bridge.sandbox.proxmox.clock import Clock, SystemClock
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.faults import Faults
from bridge.sandbox.proxmox.firewall import Firewall
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.messages import Answer, Request
from bridge.sandbox.proxmox.node import Node
from bridge.sandbox.proxmox.schema import load
from bridge.sandbox.proxmox.simulation import Simulation
from bridge.sandbox.proxmox.storage import Storage, Volume, VolumeId
from bridge.sandbox.proxmox.tasks import Task, Tasks, Work
from bridge.sandbox.proxmox.timing import Timing
from bridge.sandbox.proxmox.traffic import Traffic

# The patch level behind each version that we imitate.
RELEASES = {"7.4": "7.4-16", "8.4": "8.4.1", "9.2": "9.2.3"}


class Cluster:
    """A Proxmox VE cluster without hypervisor: same requests, same answers, same delays, no machines.

    Thread-safe. It opens no socket and never sleeps: tasks move on whenever somebody looks, by the clock passed in.
    `version` is one of schema.VERSIONS; `seed` makes MACs, UUIDs and process ids repeatable.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        version: str = "8.4",
        nodes: Iterable[Node] = (),
        *,
        storages: Iterable[Storage] = (),
        timing: Timing | None = None,
        seed: int = 1,
        name: str = "sandbox",
    ) -> None:
        self.clock = clock or SystemClock()
        self.version, self.release, self.name = version, RELEASES[version], name
        self.schema = load(version)
        self.timing = timing or Timing()
        self.rng = random.Random(seed)
        self.simulation = Simulation(self.clock.now())
        self.tasks = Tasks(self.simulation, self.rng)
        self.faults = Faults(self)
        self.tasks.verdict = self.faults.verdict
        self.access = Access(version)
        self.nodes = {node.name: node for node in nodes}
        self.storages = {storage.name: storage for storage in storages}
        self.guests: dict[int, Guest] = {}
        self.traffic = Traffic()
        self.pools = self.access.pools
        self.firewalls: dict[int, Firewall] = {}
        self.firewall_options: dict[str, Any] = {}
        self.ha_services: set[int] = set()
        # Set by the layouts: tokens as `user@realm!name=secret`.
        self.demo_token = ""
        self.role_tokens: dict[str, str] = {}
        self.mutex = threading.RLock()

    def handle(self, request: Request) -> Answer:
        """Answer one request. Raises CutConnection where a fault wants the connection to break."""
        with self.mutex:
            self.catch_up()
            return dispatch.handle(self, request)

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        with self.mutex:
            self.simulation.run_until(self.clock.now())

    def start_task(self, node: str, kind: str, ident: str, user: str, work: Work) -> Task:
        """Start a task. Raises ApiError when a fault lets no worker start."""
        self.faults.before_worker()
        return self.tasks.start(node, kind, ident, user, work, self.timing.worker_seconds / self.timing.speed)

    def crash_node(self, name: str) -> None:
        """Switch a node off: its VMs stop, its tasks end half-way and leave stubs and locks behind."""
        with self.mutex:
            self.catch_up()
            self.nodes[name].online = False
            self.tasks.lose(name)
            for guest in self.guests.values():
                if guest.node == name:
                    guest.run = None
                    self.traffic.end(guest.vmid, self.simulation.now)

    def boot_node(self, name: str) -> None:
        """Switch a node on again; its VMs stay stopped."""
        with self.mutex:
            self.catch_up()
            self.nodes[name].online = True
            self.nodes[name].booted_at = self.simulation.now

    def guest_on(self, node: str, vmid: int) -> Guest | None:
        """The VM, if it is on that node."""
        guest = self.guests.get(vmid)
        return guest if guest and guest.node == node else None

    def storage(self, name: str, node: str | None = None) -> Storage:
        """A storage, usable on `node` when one is given. Raises ApiError in Proxmox VE's words."""
        storage = self.storages.get(name)
        if storage is None:
            raise ApiError(f"storage '{name}' does not exist")
        if not storage.enabled:
            raise ApiError(f"storage '{name}' is disabled")
        if node and not storage.is_on(node):
            raise ApiError(f"storage '{name}' is not available on node '{node}'")
        return storage

    def volume(self, node: str, volid: str) -> Volume | None:
        """The volume of that id as seen from a node."""
        parsed = VolumeId.parse(volid)
        storage = self.storages.get(parsed.storage)
        return storage.on(node).get(parsed.name) if storage and storage.is_on(node) else None

    def random_mac(self) -> str:
        """A MAC address with Proxmox's prefix."""
        return "BC:24:11:" + ":".join(f"{self.rng.randrange(256):02X}" for _ in range(3))

    def random_uuid(self) -> str:
        """A random UUID."""
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def uptime(self, node: Node) -> int:
        """Seconds since a node was booted."""
        return max(int(self.simulation.now - node.booted_at), 0)

    def snapshot_of_state(self) -> Mapping[str, Any]:
        """What tests compare: VMs, their nodes and locks, and all images by storage and node."""
        with self.mutex:
            self.catch_up()
            return {
                "guests": {g.vmid: {"node": g.node, **g.effective()} for g in self.guests.values()},
                "volumes": {
                    (storage.name, node): sorted(volumes)
                    for storage in self.storages.values()
                    for node, volumes in storage.volumes.items()
                },
            }

    def __repr__(self) -> str:
        return f"Cluster({self.name}, Proxmox VE {self.release}, {len(self.nodes)} nodes, {len(self.guests)} VMs)"


def numbered_nodes(names: Iterable[str], network: str = "192.168.99.0/24", **options: Any) -> list[Node]:
    """Nodes with consecutive addresses of `network`."""
    addresses = ipaddress.ip_network(network).hosts()
    return [
        Node(name, str(ip), number, **options)
        for number, (name, ip) in enumerate(zip(names, addresses, strict=False), 1)
    ]
