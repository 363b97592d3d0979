"""What the cluster answers, one module per subject; importing this package declares all of them."""

from bridge.sandbox.proxmox.routes import (
    access,
    agent,
    clone,
    cloudinit,
    cluster,
    config,
    destroy,
    disks,
    firewall_options,
    migrate,
    nodes,
    power,
    qemu,
    snapshots,
    storage,
    tasks,
)

__all__ = [
    "access",
    "agent",
    "clone",
    "cloudinit",
    "cluster",
    "config",
    "destroy",
    "disks",
    "firewall_options",
    "migrate",
    "nodes",
    "power",
    "qemu",
    "snapshots",
    "storage",
    "tasks",
]
