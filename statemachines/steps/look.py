"""Looking before acting: where our VM is, that it is ours, and that nothing else is at work on it."""

from typing import Any

from statemachines.context import Context
from statemachines.errors import Busy, NeedsAttention


def reserved_vmid(ctx: Context) -> int:
    """The VMID of the service. Raises NeedsAttention when none is reserved."""
    if ctx.vm.vm_id is None:
        raise NeedsAttention(f"service {ctx.vm.service_id} has no VMID yet")
    return ctx.vm.vm_id


def own_config(ctx: Context) -> Any:
    """The configuration of the service's VM, free to be changed.

    Finds the VM again when it is not on the node where it was last seen. Raises Busy while Proxmox holds a lock on it, and
    NeedsAttention when it is gone or carries no mark of ours: a VM is never changed by its number alone.
    """
    vm, vmid = ctx.vm, reserved_vmid(ctx)
    config = ctx.hypervisor.config(vm.node, vmid) if vm.node else None
    if config is None:
        config = _find_elsewhere(ctx, vmid)
    if config.is_clone_stub:
        raise Busy(f"VM {vmid} is locked ({config.lock})")  # it has no mark before its disks are copied
    if not ctx.mark.is_ours(config):
        config = _adopt(ctx, config)
    if config.lock:
        raise Busy(f"VM {vmid} is locked ({config.lock})")
    return config


def _adopt(ctx: Context, config: Any) -> Any:
    """Put our mark on a VM that the old module made for this service: same VMID and name as in its record, no other mark.

    Any other VM without our mark is refused.
    """
    vm, vmid = ctx.vm, reserved_vmid(ctx)
    known = vm.unmarked and bool(vm.name) and config.name == vm.name
    if not known or config.is_template or ctx.mark.is_foreign(config):
        raise NeedsAttention(
            f"VM {vmid} on node {vm.node} does not carry the mark of service {vm.service_id} and is not touched"
        )
    if config.lock:
        return config
    ctx.store.adopt_vmid(vm)
    description = f"{config.description}\n{ctx.mark.description}".strip()
    ctx.hypervisor.configure(node_of(ctx), vmid, {"description": description}, digest=config.digest)
    return ctx.hypervisor.config(node_of(ctx), vmid)


def _find_elsewhere(ctx: Context, vmid: int) -> Any:
    guest = ctx.hypervisor.locate(vmid)
    config = ctx.hypervisor.config(guest.node, vmid) if guest else None
    if guest is None or config is None:
        raise NeedsAttention(f"VM {vmid} of service {ctx.vm.service_id} does not exist on server {ctx.server_name}")
    ctx.store.note(ctx.vm, node=guest.node)
    return config


def node_of(ctx: Context) -> str:
    """The node where the VM was last seen; ask after `own_config`."""
    assert ctx.vm.node is not None
    return ctx.vm.node
