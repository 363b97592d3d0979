"""Looking at a service's VM without a lease: nothing is written, neither to the database nor to the cluster."""

from dataclasses import dataclass, replace
from typing import Any

from bridge.vm_context import VmContext
from statemachines.errors import Busy, NeedsAttention


@dataclass(frozen=True)
class Sight:
    """The VM as Proxmox shows it at this moment: its configuration and its status (`providers.proxmox`)."""

    config: Any
    status: Any

    @property
    def lock(self) -> str:
        """What holds it in Proxmox: a backup, a snapshot, a migration; empty when nothing does."""
        return str(self.config.lock or self.status.lock or "")


def look(ctx: VmContext) -> Sight:
    """The VM, wherever it is; `ctx` knows its node afterwards. One without our mark is as good as none, unless it is the one
    that the old module made for this service.

    Raises NeedsAttention when there is no such VM, Busy while it is being cloned, and what the cluster raises.
    """
    vm = ctx.vm
    if vm.vm_id is None:
        raise NeedsAttention(f"service {vm.service_id} has no VMID yet")
    config = ctx.hypervisor.config(vm.node, vm.vm_id) if vm.node else None
    if config is None:
        guest = ctx.hypervisor.locate(vm.vm_id)
        config = ctx.hypervisor.config(guest.node, vm.vm_id) if guest else None
        ctx.vm = vm = replace(vm, node=guest.node if guest else None)
    status = ctx.hypervisor.status(vm.node, vm.vm_id) if config is not None and vm.node and vm.vm_id else None
    if config is None or status is None:
        raise NeedsAttention(f"VM {vm.vm_id} of service {vm.service_id} does not exist on server {ctx.server_name}")
    if config.is_clone_stub:
        raise Busy(f"VM {vm.vm_id} is locked ({config.lock})")
    if not ctx.mark.is_ours(config) and (not vm.unmarked or config.name != vm.name or ctx.mark.is_foreign(config)):
        raise NeedsAttention(f"VM {vm.vm_id} does not carry the mark of service {vm.service_id}")
    return Sight(config, status)
