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

    `online`: a node that is off answers nothing; the others answer 595 for it. `qemu`: version of QEMU; `pbs_library`: version of QEMU's library
    for Proxmox Backup Server.
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
    qemu: str = "9.2.0"
    pbs_library: str = "1.5.1 (UNKNOWN)"
    fingerprint: str = ":".join(["00"] * 32)
    bridges: list[Bridge] = field(default_factory=list)

    @property
    def machine(self) -> str:
        """The newest machine type of the node's QEMU."""
        return f"pc-i440fx-{self.qemu.rpartition('.')[0]}+pve0"

    @property
    def bridge_names(self) -> list[str]:
        """Names of the bridges."""
        return [bridge.name for bridge in self.bridges]
