"""The CD-ROM drive of a VM: one image in it at a time. The cloud-init drive is another one and stays as it is."""

from typing import Any

from statemachines.context import Context
from statemachines.errors import NeedsAttention
from statemachines.outcome import Done, Outcome
from statemachines.steps.look import node_of, own_config, reserved_vmid

VOLUME = "iso"  # the key of the intent that names the image to be mounted
NOW = "now"
AT_NEXT_START = "when the VM is started again"


def mount(ctx: Context) -> Outcome:
    """Put the image that the intent names into the drive, in place of another one; a VM without a drive gets one.

    The facts of the run tell when the guest sees it (`iso_applies`): a drive cannot be added to a running VM. Raises
    NeedsAttention for an image that is not on the product's storage, and when the VM has no slot left for a drive.
    """
    config = own_config(ctx)
    volume = str(ctx.vm.intent.get(VOLUME, ""))
    if not ctx.package.iso_storage or volume.partition(":")[0] != ctx.package.iso_storage:
        raise NeedsAttention(f"{volume or 'nothing'} is no ISO image on the product's ISOs storage")
    drive = config.cdrom() or config.new_cdrom()
    if drive is None:
        raise NeedsAttention(f"VM {ctx.vm.vm_id} has no free IDE or SATA slot for a CD-ROM drive")
    return _load(ctx, config, drive, volume)


def unmount(ctx: Context) -> Outcome:
    """Take the image out of the drive; the drive stays."""
    config = own_config(ctx)
    drive = config.cdrom()
    return (
        _load(ctx, config, drive, None) if drive and drive.medium else Done(changed=False, facts={"iso_applies": NOW})
    )


def eject_local(ctx: Context, config: Any) -> None:
    """Take out images that no other node has: Proxmox VE refuses to migrate the VM with one. May run twice."""
    loaded = [drive for drive in config.drives.values() if drive.medium and not drive.is_cloudinit]
    if not loaded:
        return
    shared = {storage.name for storage in ctx.hypervisor.storages(node_of(ctx)) if storage.shared}
    changes = {drive.interface: str(drive.with_medium(None)) for drive in loaded if drive.storage not in shared}
    ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), changes, digest=config.digest)


def _load(ctx: Context, config: Any, drive: Any, volume: str | None) -> Outcome:
    wanted = drive.with_medium(volume)
    changed = wanted.volume != drive.volume
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    if changed:
        ctx.hypervisor.configure(node, vmid, {drive.interface: str(wanted)}, digest=config.digest)
    waits = drive.interface in ctx.hypervisor.pending(node, vmid)
    return Done(changed=changed, facts={"iso_applies": AT_NEXT_START if waits else NOW})
