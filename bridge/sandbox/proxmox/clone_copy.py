"""Copies one drive for a clone: as a linked clone, or byte by byte."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.drives import CLOUDINIT_SIZE, Drive, cloudinit_volume, hold_storage, sized, storage_of
from bridge.sandbox.proxmox.failures import ApiError, Interrupted
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.sizes import GIB
from bridge.sandbox.proxmox.storage import Storage, Volume, VolumeId, base_name, copy_of, free_disk_name, image_name
from bridge.sandbox.proxmox.tasks import Task

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call


def copy_drive(
    call: "Call", task: Task, copy: Guest, drive: Drive, made: list[str], *, full: bool, seconds: float
) -> Generator[Step, None, Drive]:
    """Copy a drive for the VM `copy`; volumes are noted in `made` so that a failure can remove them.

    `seconds`: how long the copying takes unless a bandwidth limit makes it longer. Raises ApiError.
    """
    node = copy.node
    source = storage_of(call.cluster, node, drive)
    volume = source.on(node).get(VolumeId.parse(drive.file).name)
    if volume is None and not drive.is_cloudinit:
        raise ApiError(f"volume '{drive.file}' does not exist")
    kind = "full" if full else "linked"
    task.say(f"create {kind} clone of drive {drive.key} ({drive.file})")
    target = call.cluster.storage(call.values["storage"], node) if full and call.get("storage") else source
    assert task.process is not None
    yield from hold_storage(target, node, call.cluster.timing.speed)
    if drive.is_cloudinit:
        copied = _copy_cloudinit(call, task, copy, drive, target)
        made.append(copied.file)
    else:
        assert volume is not None
        new = _allocate(call, copy, volume, source, target, full=full)
        made.append(f"{target.name}:{new.name}")
        task.say(*_allocation_lines(target, new, volume, source))
        copied = sized(Drive(drive.key, f"{target.name}:{new.name}", dict(drive.options)), new)
    call.cluster.simulation.release(task.process, target.lock_name(node))
    if full and volume is not None and not drive.is_cloudinit:
        yield from _transfer(call, task, volume, new, source, target, seconds)
    elif not drive.is_cloudinit:
        yield Sleep(min(seconds, 0.5))
    return copied


def _copy_cloudinit(call: "Call", task: Task, copy: Guest, drive: Drive, target: Storage) -> Drive:
    volid = cloudinit_volume(call.cluster, target, copy.node, copy.vmid)
    volume = target.on(copy.node)[volid.name]
    if target.holds_files:
        task.say(
            f"Formatting '{target.file_name(volume)}', fmt={volume.fmt} cluster_size=65536 extended_l2=off"
            f" preallocation=metadata compression_type=zlib size={CLOUDINIT_SIZE} lazy_refcounts=off refcount_bits=16"
        )
    return sized(Drive(drive.key, str(volid), dict(drive.options)), volume)


def _allocate(call: "Call", copy: Guest, volume: Volume, source: Storage, target: Storage, *, full: bool) -> Volume:
    if "images" not in target.content:
        raise ApiError(f"storage '{target.name}' does not support content-type 'images'")
    volumes = target.on(copy.node)
    short = free_disk_name(volumes, copy.vmid)
    now = int(call.now)
    if full:
        wanted = call.get("format") or volume.fmt
        fmt = wanted if wanted in target.formats else target.formats[0]
        name = image_name(target, copy.vmid, short, fmt)
        new = copy_of(volume, name=name, fmt=fmt, vmid=copy.vmid, base=None, created=now)
    else:
        fmt = "qcow2" if target.holds_files else "raw"
        base = base_name(target, volume.name) if target.kind != "lvmthin" else None
        name = image_name(target, copy.vmid, short, fmt, base=base)
        new = copy_of(volume, name=name, fmt=fmt, vmid=copy.vmid, base=base, created=now, used=200704)
    volumes[name] = new
    return new


def _allocation_lines(target: Storage, new: Volume, old: Volume, source: Storage) -> list[str]:
    if not target.holds_files:
        return []
    path = target.file_name(new)
    if new.base:
        short, folder = new.name.rpartition("/")[2], new.vmid
        back = f"../{new.base}"
        return [
            f"clone {new.base}: images, {short}, {folder} to {short} (base={back})",
            f"Formatting '{path}', fmt=qcow2 cluster_size=65536 extended_l2=off compression_type=zlib size={new.size}"
            f" backing_file={back} backing_fmt={old.fmt} lazy_refcounts=off refcount_bits=16",
        ]
    if new.fmt == "raw":
        return [f"Formatting '{path}', fmt=raw size={new.size} preallocation=off"]
    return [
        f"Formatting '{path}', fmt={new.fmt} cluster_size=65536 extended_l2=off preallocation=metadata"
        f" compression_type=zlib size={new.size} lazy_refcounts=off refcount_bits=16"
    ]


def _transfer(
    call: "Call", task: Task, old: Volume, new: Volume, source: Storage, target: Storage, seconds: float
) -> Generator[Step, None, None]:
    """Copy the data, reporting twenty times; a bandwidth limit in KiB/s sets the pace. Raises ApiError when stopped."""
    limit = int(call.get("bwlimit", 0) or 0)
    if limit:
        seconds = max(seconds, old.size / (limit * 1024) / call.cluster.timing.speed)
    steps = 20
    total = f"{old.size / GIB:.1f} GiB"
    try:
        for step in range(steps):
            share = step / steps
            task.say(f"transferred {_amount(old.size * share)} of {total} ({100 * share:.2f}%)")
            yield Sleep(seconds / steps)
    except Interrupted as error:
        command = (
            f"/usr/bin/qemu-img convert -p -n{f' -r {limit}K' if limit else ''} -f {old.fmt} -O {new.fmt}"
            f" {source.file_name(old)} zeroinit:{target.file_name(new)}"
        )
        raise ApiError(f"copy failed: command '{command}' failed: interrupted by signal") from error
    task.say(f"transferred {total} of {total} (100.00%)")


def _amount(size: float) -> str:
    if size >= GIB:
        return f"{size / GIB:.1f} GiB"
    return f"{size / 1024**2:.1f} MiB" if size >= 1024**2 else f"{size:.1f} B"
