"""The system disk and the additional disk: allocated, grown and throttled, never shrunk."""

from typing import Any

from statemachines.context import Context
from statemachines.errors import NeedsAttention, Temporary
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.package import DiskSpec
from statemachines.steps import slots, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid

GIB = 1 << 30
NO_CHANGE = "no change"
EXISTS = "exists"
NOT_CONFIGURED = "not configured"
NO_SHRINK = "shrink not allowed by Proxmox"


def resize_system(ctx: Context) -> Outcome:
    """Grow the system disk to the package's size; 0 keeps the template's."""
    if not ctx.package.system_disk.size_gb:
        return Skip(NO_CHANGE)
    return _resize(ctx, _system_disk, ctx.package.system_disk.size_gb, "system_disk_shrink_rejected")


def limit_system(ctx: Context) -> Outcome:
    """Apply the package's I/O limits to the system disk."""
    return _limit(ctx, _system_disk, ctx.package.system_disk)


def create_additional(ctx: Context) -> Outcome:
    """Allocate the additional disk on its storage if the package has one and the VM has none."""
    spec = ctx.package.additional_disk
    if not spec.size_gb:
        return Skip(NOT_CONFIGURED)
    config = own_config(ctx)
    if config.additional_disk() is not None:
        ctx.store.release(ctx.vm)
        return Skip(EXISTS) if not ctx.vm.intent.get("additional_disk") else Done()
    storage = spec.storage or _system_disk(config).storage
    _check_storage(ctx, storage)
    if busy := slots.take(ctx, storages=[storage]):
        return busy
    disk = config.new_disk(storage, spec.size_gb)
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "additional_disk": disk.interface})
    ctx.hypervisor.configure(
        node_of(ctx), reserved_vmid(ctx), {disk.interface: str(with_limits(disk, spec))}, digest=config.digest
    )
    ctx.store.release(ctx.vm)
    return Done()


def resize_additional(ctx: Context) -> Outcome:
    """Grow the additional disk to the package's size."""
    size = ctx.package.additional_disk.size_gb
    if not size:
        return Skip(NOT_CONFIGURED)
    return _resize(ctx, _additional_disk, size, "additional_disk_shrink_rejected")


def limit_additional(ctx: Context) -> Outcome:
    """Apply the package's I/O limits to the additional disk."""
    spec = ctx.package.additional_disk
    return _limit(ctx, _additional_disk, spec) if spec.size_gb else Skip(NOT_CONFIGURED)


def _system_disk(config: Any) -> Any:
    disk = config.system_disk()
    if disk is None:
        raise NeedsAttention(f"VM {config.name} has no system disk; its template has none to boot from")
    return disk


def _additional_disk(config: Any) -> Any:
    disk = config.additional_disk()
    if disk is None:
        raise NeedsAttention(f"VM {config.name} has no additional disk although one was created")
    return disk


def _resize(ctx: Context, choose: Any, size_gb: int, rejected: str) -> Outcome:
    """Grow a disk to an absolute size, so that a repeated request changes nothing."""
    ended = tasks.poll(ctx, f"resize of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    disk = choose(own_config(ctx))
    wanted, missing = size_gb * GIB, growth(disk, size_gb)
    if missing == 0:
        return Done(changed=ended is not None)
    if missing < 0:
        ctx.journal.record(
            rejected, f"VM {ctx.vm.vm_id} {disk.interface}", f"{disk.size_gb:g} GB stays, {size_gb} GB asked"
        )
        return Skip(NO_SHRINK)
    if ended and not ended.unknown:
        reason = ended.text if not ended.ok else f"it is still {disk.size_gb:g} GB"
        raise Temporary(
            f"Could not resize {disk.interface} of VM {ctx.vm.vm_id} to {size_gb} GB: {reason}. Will retry."
        )
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    what = f"resize of VM {vmid} is still running"
    # Synchronous before qemu-server 8.0.2: then there is no task, and the next look finds the size.
    return tasks.launch(ctx, lambda: ctx.hypervisor.resize(node, vmid, disk.interface, wanted), what) or Wait(
        what, again_in=0.0
    )


def growth(disk: Any, size_gb: int) -> int:
    """Bytes that the disk lacks of the package's size; negative when it is larger, which nothing can change."""
    return size_gb * GIB - (disk.size or 0)


def _limit(ctx: Context, choose: Any, spec: DiskSpec) -> Outcome:
    """Change only the limits of a disk string. All zero by default settings leaves the template's limits alone [C-18]."""
    if leaves_limits(spec):
        return Done(changed=False)
    config = own_config(ctx)
    disk = choose(config)
    limited = with_limits(disk, spec)
    if limited == disk:
        return Done(changed=False)
    ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), {disk.interface: str(limited)}, digest=config.digest)
    return Done()


def leaves_limits(spec: DiskSpec) -> bool:
    """Whether the package says nothing about the disk's limits."""
    return spec.limits.unlimited and not spec.limits_from_option


def with_limits(disk: Any, spec: DiskSpec) -> Any:
    """The disk with the package's limits."""
    limits = spec.limits
    return disk.with_limits(disk.limits.of(limits.mbps_rd, limits.mbps_wr, limits.iops_rd, limits.iops_wr))


def _check_storage(ctx: Context, name: str | None) -> None:
    node = node_of(ctx)
    found = next((storage for storage in ctx.hypervisor.storages(node) if storage.name == name), None)
    if found is None:
        raise NeedsAttention(f"storage {name} does not exist on node {node}")
    if "images" not in found.content:
        raise NeedsAttention(f"storage {name} on node {node} does not take disk images")
