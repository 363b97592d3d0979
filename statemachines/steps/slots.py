"""Our own limits for heavy operations, per node and per storage, so that a node is not buried under clones."""

from collections.abc import Iterable
from dataclasses import replace

from statemachines.context import Context
from statemachines.outcome import Wait


def take(ctx: Context, nodes: Iterable[str] = (), storages: Iterable[str] = ()) -> Wait | None:
    """Take a slot on each node and storage named; a Wait when one of them is at its limit. May run twice."""
    prefix = f"server:{ctx.vm.server_id}"
    limits = {f"{prefix}/node:{name}": ctx.tuning.heavy_per_node for name in nodes}
    limits |= {f"{prefix}/storage:{name}": ctx.tuning.heavy_per_storage for name in storages}
    return _acquire(ctx, limits)


def take_in_background(ctx: Context, work: str, node: str, limit: int) -> Wait | None:
    """Take one of `limit` slots for `work` on a node that may take hours ("backups"); a Wait while there is none. May run twice.

    The time counts as patience: who has the slot may be left to its task meanwhile, so a tick must not wait for it. The slots
    of clones are others, for the same reason.
    """
    return _patiently(_acquire(ctx, {f"server:{ctx.vm.server_id}/queue for {work} of node:{node}": limit}))


def queued_in_background(ctx: Context) -> Wait | None:
    """As `queued`, for what was refused by `take_in_background`."""
    return _patiently(queued(ctx))


def _patiently(busy: Wait | None) -> Wait | None:
    return replace(busy, queued=False) if busy else None


def _acquire(ctx: Context, limits: dict[str, int]) -> Wait | None:
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
    what = full.partition("/")[2].replace(":", " ")
    return Wait(f"{what} is busy with other VMs", queued=True, again_in=1.0)
