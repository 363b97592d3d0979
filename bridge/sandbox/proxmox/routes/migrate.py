"""Migrating VMs between nodes."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import Drive, drives_of, hold_storage, storage_of
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.guest import UNUSED_KEY, Guest
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
    guest = call.guest()
    local, allowed, refused = _local_disks(call, guest), [], {}
    for name in sorted(set(call.cluster.nodes) - {guest.node}):
        missing = sorted({s.name for s in _used_storages(call, guest) if not s.is_on(name)})
        if missing:
            refused[name] = {"unavailable_storages": missing}
        else:
            allowed.append(name)
    answer: dict[str, Any] = {"running": int(guest.run is not None), "local_disks": local, "local_resources": []}
    if not call.cluster.version.startswith("7"):
        answer |= {"mapped-resources": [], "mapped-resource-info": {}}
    if call.cluster.version.startswith("9"):
        answer |= {"has-dbus-vmstate": 1}
    if guest.run is None:
        answer |= {"allowed_nodes": allowed, "not_allowed_nodes": refused}
    return answer


@route("POST", MIGRATE)
def migrate(call: Call) -> str:
    """Move a VM; its local disks are copied, those on shared storage stay where they are."""
    guest, target = call.guest(), str(call.values["target"])
    if target == call.node.name:
        raise InvalidParameters({"target": "target is local node."})
    if target not in call.cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    check_lock(guest)
    if guest.run and not call.flag("online"):
        raise ApiError("can't migrate running VM without --online")
    mapping = storage_map(str(call.get("targetstorage", "")))
    for name in mapping.values():
        call.cluster.storage(name, target)
        call.require(f"/storage/{name}", "Datastore.AllocateSpace")
    if guest.vmid in call.cluster.ha_services:
        return call.start_task("hamigrate", lambda task: _steps(call, task, guest, target, mapping))
    return call.start_task("qmigrate", lambda task: _steps(call, task, guest, target, mapping))


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
    task.say(f"starting migration of VM {guest.vmid} to node '{target}' ({call.cluster.nodes[target].ip})")
    disks = [d for d in drives_of(guest.config) if d.has_volume and not storage_of(call.cluster, guest.node, d).shared]
    _check_movable(call, guest, disks, mapping, target)
    guest.config["lock"] = "migrate"
    try:
        yield Sleep(call.cluster.timing.of("qmigrate"))
        if not call.cluster.nodes[target].online:
            raise ApiError("migration aborted")
        for drive in disks:
            yield from _move(call, task, guest, drive, target, mapping)
    finally:
        guest.config.pop("lock", None)
    guest.node = target
    task.say("migration finished successfully")


def _check_movable(call: Call, guest: Guest, disks: list[Drive], mapping: dict[str, str], target: str) -> None:
    """Raises ApiError for disks that cannot follow."""
    if not call.cluster.nodes[target].online:
        raise ApiError(f"can't connect to '{target}'")
    for drive in disks:
        storage = storage_of(call.cluster, guest.node, drive)
        volume = storage.on(guest.node).get(VolumeId.parse(drive.file).name)
        if drive.is_cdrom and not drive.is_cloudinit:
            raise ApiError(f"Problem found while scanning volumes - can't migrate local cdrom '{drive.file}'")
        if volume is not None and volume.base:
            text = f"can't migrate '{drive.file}' as it's a clone of '{volume.base}'"
            raise ApiError(f"Problem found while scanning volumes - {text}")
        if guest.run and not call.flag("with-local-disks") and not drive.is_cloudinit:
            text = "can't live migrate attached local disks without with-local-disks option"
            raise ApiError(f"Problem found while scanning volumes - {text}")
        wanted = call.cluster.storage(_mapped(storage.name, mapping), target)
        if "images" not in wanted.content:
            raise ApiError(f"storage '{wanted.name}' does not support content-type 'images'")


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
