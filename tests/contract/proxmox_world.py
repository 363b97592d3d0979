"""A stand-in cluster with a client for it, and everything that passes between them watched."""

from bridge.sandbox.proxmox import Cluster, VirtualClock, demo_cluster
from bridge.sandbox.proxmox.adapter import InProcessAdapter
from providers.proxmox import Endpoint, Mark, Proxmox
from providers.proxmox.tasks import TaskStatus

from .proxmox_wire import Watched

MARK = Mark("a1b2c3", 1001)
GIB = 2**30
SHARED, LOCAL = 9000, 9001


class World:
    """A cluster, a client for it, and a clock that both live by."""

    def __init__(self, version: str = "8.4") -> None:
        self.clock = VirtualClock()
        self.cluster: Cluster = demo_cluster(self.clock, version)
        self.wire = Watched(InProcessAdapter(self.cluster), version)
        token, _, secret = self.cluster.demo_token.partition("=")
        self.endpoint = Endpoint("pve1.example.com", token_id=token, token_secret=secret)
        self.proxmox = Proxmox(self.endpoint, adapter=self.wire)

    def wait(self, upid: str | None) -> TaskStatus:
        """Let the task come to its end."""
        assert upid is not None
        for _ in range(1000):
            status = self.proxmox.task(upid)
            if not status.running:
                return status
            self.clock.advance(0.5)
        raise AssertionError(f"{upid} never ends")

    def clone(self, vmid: int = 100, template: int = SHARED, full: bool = True, **options: str) -> str:
        """Start a clone with our mark."""
        node = "pve1" if template == SHARED else "pve2"
        return self.proxmox.clone(
            node, template, vmid, name=f"web{vmid}", description=MARK.description, full=full, **options
        )

    def vm(self, vmid: int = 100, template: int = SHARED) -> str:
        """A finished VM; returns its node."""
        assert self.wait(self.clone(vmid, template)).ok
        return "pve1" if template == SHARED else "pve2"
