"""Our own limits for heavy operations, per node and per storage, so that a node is not buried under clones."""

from collections.abc import Iterable

from statemachines.context import Context
from statemachines.outcome import Wait


def take(ctx: Context, nodes: Iterable[str] = (), storages: Iterable[str] = ()) -> Wait | None:
    """Take a slot on each node and storage named; a Wait when one of them is at its limit. May run twice."""
    prefix = f"server:{ctx.vm.server_id}"
    limits = {f"{prefix}/node:{name}": ctx.tuning.heavy_per_node for name in nodes}
    limits |= {f"{prefix}/storage:{name}": ctx.tuning.heavy_per_storage for name in storages}
    full = ctx.store.acquire(ctx.vm, limits)
    ctx.vm.queue = limits if full else {}
    return _busy(full) if full else None


def queued(ctx: Context) -> Wait | None:
    """A Wait while a VM that found no slot at its last look would find none now either.

    To be asked before all other looks: a hundred queued VMs would ask Proxmox the same questions every second.
    """
    full = ctx.store.full(ctx.vm, ctx.vm.queue) if ctx.vm.queue else None
    return _busy(full) if full else None


def _busy(full: str) -> Wait:
    return Wait(f"{full.partition('/')[2].replace(':', ' ')} is busy with other VMs", queued=True, again_in=1.0)
