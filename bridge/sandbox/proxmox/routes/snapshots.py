"""Snapshots of VMs."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import Drive, add_unused, drives_of, drop_readded, free_volume, storage_of
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest import UNUSED_KEY, Config, Guest
from bridge.sandbox.proxmox.machine import save_memory, start_machine, stop_machine
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.storage import Volume
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS

SNAPSHOT = "/nodes/{node}/qemu/{vmid}/snapshot"
ONE = SNAPSHOT + "/{snapname}"

Steps = Generator[Step, None, None]

# What a snapshot does not hold, or what a rollback leaves as it is.
_OF_THE_VM = frozenset({"lock", "description", "template"})
_OF_THE_SNAPSHOT = frozenset({"snaptime", "snapstate", "vmstate", "description", "runningmachine", "runningcpu"})


@route("GET", SNAPSHOT)
def list_snapshots(call: Call) -> list[dict[str, Any]]:
    """All snapshots, and `current`, which is none."""
    guest = call.guest()
    found = []
    for name, config in guest.snapshots.items():
        item = {"name": name, "snaptime": config["snaptime"], "vmstate": int("vmstate" in config)}
        item["description"] = config.get("description", "")
        found.append({**item, **_named(config, "snapstate"), **_named(config, "parent")})
    now = {"name": "current", "description": "You are here!", "digest": guest.digest, "running": int(bool(guest.run))}
    return [*found, {**now, **_named(guest.config, "parent")}]


def _named(config: Config, key: str) -> dict[str, str]:
    return {key: str(config[key])} if config.get(key) else {}


@route("POST", SNAPSHOT)
def take_snapshot(call: Call) -> str:
    """Keep the VM's disks and configuration, and its memory with `vmstate`."""
    name = str(call.values["snapname"])
    if name in ("current", "pending"):
        raise ApiError(f"unable to use snapshot name '{name}' (reserved name)")
    call.guest()

    def work(task: Task) -> Steps:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest = call.guest()
        check_lock(guest)
        if name in guest.snapshots:
            raise ApiError(f"snapshot name '{name}' already used")
        disks = _disks(call, guest)
        if not all(_can_snapshot(call, guest, drive, volume) for drive, volume in disks):
            raise ApiError("snapshot feature is not available")
        kept = {k: v for k, v in guest.config.items() if k not in _OF_THE_VM and not UNUSED_KEY.fullmatch(k)}
        kept["snaptime"] = int(call.now)
        if call.get("description"):
            kept["description"] = call.values["description"]
        guest.snapshots[name] = {**kept, "snapstate": "prepare"}
        try:
            yield from _locked(call, guest, "snapshot", "qmsnapshot")
        except BaseException:
            del guest.snapshots[name]
            raise
        if call.flag("vmstate") and guest.run:
            kept |= save_memory(call.cluster, task, guest, f"state-{name}")
        for drive, volume in disks:
            task.say(f"snapshotting 'drive-{drive.key}' ({drive.file})")
            volume.snapshots[name] = volume.size
        guest.snapshots[name] = kept
        guest.config["parent"] = name

    return call.start_task("qmsnapshot", work)


@route("GET", ONE)
def snapshot_index(call: Call) -> list[dict[str, str]]:
    """What can be asked about a snapshot."""
    return [{"cmd": "rollback"}, {"cmd": "config"}]


@route("GET", ONE + "/config")
def snapshot_config(call: Call) -> Config:
    """The configuration that was kept."""
    return _kept(call.guest(), str(call.values["snapname"]))


@route("PUT", ONE + "/config")
def describe_snapshot(call: Call) -> Steps:
    """Change a snapshot's description."""
    call.guest()
    yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    kept = _kept(call.guest(), str(call.values["snapname"]))
    if "description" in call.given:
        kept["description"] = call.values["description"]


@route("POST", ONE + "/rollback")
def roll_back(call: Call) -> str:
    """Bring back disks and configuration; a snapshot with memory also starts the VM."""

    def work(task: Task) -> Steps:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest, name = call.guest(), str(call.values["snapname"])
        check_lock(guest)
        kept = _kept(guest, name)
        if guest.run:
            stop_machine(call.cluster, guest)
        yield from _locked(call, guest, "rollback", "qmrollback")
        disks = _disks(call, guest)
        for _, volume in disks:
            volume.size = volume.snapshots.get(name, volume.size)
        stays = {k: v for k, v in guest.config.items() if k in _OF_THE_VM or UNUSED_KEY.fullmatch(k)}
        guest.config = {k: v for k, v in kept.items() if k not in _OF_THE_SNAPSHOT} | stays | {"parent": name}
        drop_readded(guest.config)
        for drive, _ in disks:
            add_unused(guest.config, drive.file)
        if "vmgenid" in guest.config:
            guest.config["vmgenid"] = call.cluster.random_uuid()
        if "vmstate" in kept or call.flag("start"):
            yield from start_machine(call.cluster, task, guest)

    return call.start_task("qmrollback", work)


@route("DELETE", ONE)
def delete_snapshot(call: Call) -> str:
    """Forget a snapshot; its children get its parent."""

    def work(task: Task) -> Steps:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest, name = call.guest(), str(call.values["snapname"])
        check_lock(guest)
        kept = _kept(guest, name)
        kept["snapstate"] = "delete"
        yield from _locked(call, guest, "snapshot-delete", "qmdelsnapshot")
        for _, volume in _disks(call, guest):
            volume.snapshots.pop(name, None)
        if "vmstate" in kept:
            free_volume(call.cluster, guest.node, str(kept["vmstate"]))
        del guest.snapshots[name]
        for config in (guest.config, *guest.snapshots.values()):
            if config.get("parent") == name:
                config.pop("parent")
                config |= _named(kept, "parent")

    return call.start_task("qmdelsnapshot", work)


def _locked(call: Call, guest: Guest, lock: str, task_type: str) -> Steps:
    """The time that the work takes, during which the configuration has this lock."""
    guest.config["lock"] = lock
    try:
        yield Sleep(call.cluster.timing.of(task_type))
    finally:
        guest.config.pop("lock", None)


def _kept(guest: Guest, name: str) -> Config:
    if name not in guest.snapshots:
        raise ApiError(f"snapshot '{name}' does not exist")
    return guest.snapshots[name]


def _disks(call: Call, guest: Guest) -> list[tuple[Drive, Volume]]:
    drives = [drive for drive in drives_of(guest.config) if drive.has_volume and not drive.is_cdrom]
    found = [(drive, call.cluster.volume(guest.node, drive.file)) for drive in drives]
    return [(drive, volume) for drive, volume in found if volume is not None]


def _can_snapshot(call: Call, guest: Guest, drive: Drive, volume: Volume) -> bool:
    return volume.fmt == "qcow2" or storage_of(call.cluster, guest.node, drive).kind in ("rbd", "zfspool", "lvmthin")
