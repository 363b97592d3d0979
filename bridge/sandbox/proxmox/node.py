"""A node of the cluster."""

from dataclasses import dataclass, field

from bridge.sandbox.proxmox.sizes import GIB


@dataclass
class Bridge:
    """A network bridge of a node; `address` with prefix length, empty for none."""

    name: str
    address: str = ""
    ports: str = ""


@dataclass
class Node:
    """One node. `memory` in bytes, `base_memory` what the host itself uses; `booted_at` in epoch seconds.

    `online`: a node that is off answers nothing; the others answer 595 for it.
    """

    name: str
    ip: str
    number: int
    cpus: int = 8
    memory: int = 64 * GIB
    base_memory: int = 2 * GIB
    disk: int = 252 * GIB
    used_disk: int = 28 * GIB
    booted_at: float = 0.0
    online: bool = True
    fingerprint: str = ":".join(["00"] * 32)
    bridges: list[Bridge] = field(default_factory=list)

    @property
    def bridge_names(self) -> list[str]:
        """Names of the bridges."""
        return [bridge.name for bridge in self.bridges]
