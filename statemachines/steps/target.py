"""Which node a VM belongs on: pinned by the product, or the one with the most free memory that has what the VM needs."""

from collections.abc import Iterable
from typing import Any

from statemachines.context import Context
from statemachines.steps.look import node_of
from statemachines.steps.network import has_bridge, place

MIB = 1 << 20


def choose_target(ctx: Context, config: Any) -> str | None:
    """The node for the VM; None when no node, the present one included, suits.

    A node suits when it is online and has the storages and the bridge of the package. A pinned node is taken or left,
    never replaced by another; without a pin the node with the most free memory wins, if that is enough.
    """
    online = {node.name: node for node in ctx.hypervisor.nodes() if node.online}
    having = _nodes_with(ctx.hypervisor.storages(), _storages_needed(ctx, config))
    if ctx.package.node is not None:
        candidates = [ctx.package.node]
    else:
        candidates = _by_free_memory(ctx, online)
    bridge = place(ctx)[0]
    for name in candidates:
        if name in online and name in having and has_bridge(ctx, name, bridge):
            return name
    return None


def _by_free_memory(ctx: Context, online: dict[str, Any]) -> list[str]:
    """Nodes with room for the VM, the freest first; between equals the present node, then by name."""
    promised = _promised_memory(ctx)
    free = {name: node.mem_free - promised.get(name, 0) for name, node in online.items()}
    roomy = [name for name, memory in free.items() if memory >= ctx.package.ram_gb * 1024 * MIB]
    here = node_of(ctx)
    return sorted(roomy, key=lambda name: (-free[name], name != here, name))


def storage_after(ctx: Context, config: Any) -> str | None:
    """The `targetstorage` of a migration: the configured one, else that of the system disk as it is."""
    disk = config.system_disk()
    return ctx.package.system_disk.storage or (disk.storage if disk else None)


def _storages_needed(ctx: Context, config: Any) -> set[str]:
    additional = ctx.package.additional_disk
    names = {storage_after(ctx, config), additional.storage if additional.size_gb else None}
    return {name for name in names if name}


def _nodes_with(storages: Iterable[Any], needed: set[str]) -> set[str]:
    """Nodes on which every needed storage is active and takes disk images."""
    present: dict[str, set[str]] = {}
    for storage in storages:
        if storage.active and "images" in storage.content:
            present.setdefault(storage.node, set()).add(storage.name)
    return {node for node, names in present.items() if needed <= names}


def _promised_memory(ctx: Context) -> dict[str, int]:
    """Bytes per node that stopped VMs will take once they run: free memory alone would send every order to one node."""
    promised: dict[str, int] = {}
    for guest in ctx.hypervisor.guests():
        if guest.status != "running" and not guest.template and guest.vmid != ctx.vm.vm_id:
            promised[guest.node] = promised.get(guest.node, 0) + guest.maxmem
    return promised
