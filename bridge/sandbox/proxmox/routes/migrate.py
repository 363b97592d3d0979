"""Migrating VMs between nodes."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import Drive, drives_of, has_children, hold_storage, storage_of
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.guest import UNUSED_KEY, Guest
from bridge.sandbox.proxmox.machine import arrive
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.storage import Storage, VolumeId, copy_of, free_disk_name, image_name
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CLONE_LOCK_SECONDS

MIGRATE = "/nodes/{node}/qemu/{vmid}/migrate"


@route("GET", MIGRATE)
def preconditions(call: Call) -> dict[str, Any]:
    """Where the VM could go, and what stands in the way."""
    guest, version = call.guest(), int(call.cluster.version.split(".")[0])
    check_lock(guest)
    allowed, refused = [], {}
    for name in sorted(set(call.cluster.nodes) - {guest.node}):
        missing = sorted({s.name for s in _used_storages(call, guest) if not s.is_on(name)})
        if missing:
            refused[name] = {"unavailable_storages": missing}
        else:
            allowed.append(name)
    answer: dict[str, Any] = {"running": int(guest.run is not None), "local_disks": _local_disks(call, guest)}
    answer["local_resources"] = []
    # Up to 8.1 the nodes were told for stopped VMs only.
    if version >= 8 or guest.run is None:
        answer |= {"allowed_nodes": allowed, "not_allowed_nodes": refused}
    if version >= 8:
        answer |= {"mapped-resources": [], "mapped-resource-info": {}}
    if version >= 9:
        answer["has-dbus-vmstate"] = 1
    return answer


@route("POST", MIGRATE)
def migrate(call: Call) -> str:
    """Move a VM; its local disks are copied, those on shared storage stay where they are."""
    target = str(call.values["target"])
    if target == call.node.name:
        raise InvalidParameters({"target": "target is local node."})
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    call.root_only("force", "migration_type", "migration_network")
    guest = call.guest()
    check_lock(guest)
    if guest.run and not call.flag("online"):
        raise ApiError("can't migrate running VM without --online")
    mapping = storage_map(str(call.get("targetstorage", "")))
    _check_target_storages(call, guest, target, mapping)
    return call.start_task("qmigrate", lambda task: _steps(call, task, guest, target, mapping))


def _check_target_storages(call: Call, guest: Guest, target: str, mapping: dict[str, str]) -> None:
    if not mapping:
        for storage in _used_storages(call, guest):
            call.cluster.storage(storage.name, target)
        return
    call.require(f"/vms/{guest.vmid}", "VM.Config.Disk")
    for name in mapping.values():
        storage = call.cluster.storage(name, target)
        call.require(f"/storage/{name}", "Datastore.AllocateSpace")
        if "images" not in storage.content:
            raise ApiError(f"storage '{name}' does not support vm images")


def storage_map(text: str) -> dict[str, str]:
    """`old:new,…` by the old name; a bare name is for all, under the key `""`; `1` keeps every name."""
    found = {}
    for part in text.split(","):
        old, separator, new = part.partition(":")
        if separator:
            found[old] = new
        elif part and part != "1":
            found[""] = part
    return found


def _steps(call: Call, task: Task, guest: Guest, target: str, mapping: dict[str, str]) -> Generator[Step, None, None]:
    yield hold_config(guest.vmid, CLONE_LOCK_SECONDS)
    check_lock(guest)
    began = call.now
    task.say(f"starting migration of VM {guest.vmid} to node '{target}' ({call.cluster.nodes[target].ip})")
    guest.config["lock"] = "migrate"
    try:
        disks = _local_drives(call, guest)
        _check_movable(call, task, guest, disks, target, mapping)
        yield Sleep(call.cluster.timing.of("qmigrate"))
        if not call.cluster.nodes[target].online:
            raise ApiError(f"Can't connect to destination address using public key ({target})")
        for drive in disks:
            yield from _move(call, task, guest, drive, target, mapping)
    except ApiError as error:
        task.say(f"ERROR: migration aborted (duration {_clock(call.now - began)}): {error.message}")
        raise ApiError("migration aborted") from error
    finally:
        guest.config.pop("lock", None)
    guest.node = target
    arrive(call.cluster, guest)
    task.say(f"migration finished successfully (duration {_clock(call.now - began)})")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def _local_drives(call: Call, guest: Guest) -> list[Drive]:
    """Everything that has to be copied: drives and unused volumes on storages that are not shared."""
    unused = [Drive(key, str(guest.config[key]), {}) for key in sorted(guest.config) if UNUSED_KEY.fullmatch(key)]
    found = [*(d for d in drives_of(guest.config) if d.has_volume), *unused]
    return [drive for drive in found if not storage_of(call.cluster, guest.node, drive).shared]


def _check_movable(
    call: Call, task: Task, guest: Guest, disks: list[Drive], target: str, mapping: dict[str, str]
) -> None:
    """Raises ApiError for disks that cannot follow (PVE::QemuMigrate, scan_local_volumes)."""
    if not call.cluster.nodes[target].online:
        raise ApiError(f"Can't connect to destination address using public key ({target})")
    refusals = {drive.file: reason for drive in disks if (reason := _refusal(call, guest, drive))}
    for volid, reason in sorted(refusals.items()):
        task.say(f"can't migrate local disk '{volid}': {reason}")
    if refusals:
        raise ApiError("Problem found while scanning volumes - can't migrate VM - check log")
    for drive in disks:
        volume = call.cluster.volume(guest.node, drive.file)
        if volume is not None and volume.base:
            text = f"can't migrate '{drive.file}' as it's a clone of '{volume.base.rpartition('/')[2]}'"
            raise ApiError(f"Problem found while scanning volumes - {text}")
        call.cluster.storage(_mapped(VolumeId.parse(drive.file).storage, mapping), target)


def _refusal(call: Call, guest: Guest, drive: Drive) -> str | None:
    if drive.is_cloudinit:
        return None
    if drive.is_cdrom:
        return "local cdrom image"
    volume = call.cluster.volume(guest.node, drive.file)
    if volume is not None and volume.snapshots and volume.fmt != "qcow2":
        return "non-migratable snapshot exists"
    storage = storage_of(call.cluster, guest.node, drive)
    if has_children(storage, guest.node, VolumeId.parse(drive.file).name):
        return "referenced by linked clone(s)"
    if guest.run and not call.flag("with-local-disks"):
        return "can't live migrate attached local disks without with-local-disks option"
    return None


def _mapped(name: str, mapping: dict[str, str]) -> str:
    return mapping.get(name) or mapping.get("") or name


def _move(
    call: Call, task: Task, guest: Guest, drive: Drive, target: str, mapping: dict[str, str]
) -> Generator[Step, None, None]:
    source = storage_of(call.cluster, guest.node, drive)
    there = call.cluster.storage(_mapped(source.name, mapping), target)
    assert task.process is not None
    yield from hold_storage(there, target, call.cluster.timing.speed)
    old = source.on(guest.node).pop(VolumeId.parse(drive.file).name, None)
    call.cluster.simulation.release(task.process, there.lock_name(target))
    if old is None:
        return
    fmt = old.fmt if old.fmt in there.formats else there.formats[0]
    volumes = there.on(target)
    short = f"vm-{guest.vmid}-cloudinit" if drive.is_cloudinit else free_disk_name(volumes, guest.vmid)
    name = image_name(there, guest.vmid, short, fmt)
    volumes[name] = copy_of(old, name=name, fmt=fmt)
    guest.config[drive.key] = str(Drive(drive.key, f"{there.name}:{name}", drive.options))
    task.say(f"volume '{drive.file}' is '{there.name}:{name}' on the target")


def _used_storages(call: Call, guest: Guest) -> list[Storage]:
    return [storage_of(call.cluster, guest.node, d) for d in drives_of(guest.config) if d.has_volume]


def _local_disks(call: Call, guest: Guest) -> list[dict[str, Any]]:
    found = []
    for key in sorted(guest.config):
        if UNUSED_KEY.fullmatch(key):
            volids = [(str(guest.config[key]), False, True)]
        else:
            drives = [d for d in drives_of({key: guest.config[key]}) if d.has_volume]
            volids = [(d.file, d.is_cdrom, False) for d in drives]
        for volid, cdrom, unused in volids:
            storage = call.cluster.storage(VolumeId.parse(volid).storage)
            volume = call.cluster.volume(guest.node, volid)
            if not storage.shared and volume is not None:
                item = {"volid": volid, "size": volume.size, "cdrom": int(cdrom), "is_unused": int(unused)}
                found.append({**item, "drivename": key})
    return found
