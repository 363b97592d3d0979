"""Backups of VMs."""

import re
import time
from collections.abc import Generator, Iterable
from copy import deepcopy
from dataclasses import replace

from bridge.sandbox.proxmox.archive import SUFFIXES, Archive, Disk
from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import drives_of
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters, Refused
from bridge.sandbox.proxmox.firewall import Firewall
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Acquire, Sleep, Step
from bridge.sandbox.proxmox.storage import PBS, Storage, Volume, VolumeId
from bridge.sandbox.proxmox.tasks import Task
from bridge.sandbox.proxmox.volume_rights import check_access

_FOR_ROOT = ("tmpdir", "dumpdir", "script", "job-id")
_THROTTLES = ("bwlimit", "ionice", "performance")
_LOCK_WAIT_SECONDS = 180 * 60


@route("POST", "/nodes/{node}/vzdump")
def backup(call: Call) -> str:
    """Back VMs up in one task, one after the other."""
    for name in _FOR_ROOT:
        if name in call.given and str(call.who) != "root@pam":
            raise InvalidParameters({name: "Only root may set this option."})
    if set(_THROTTLES) & call.given:
        call.require("/", "Sys.Modify")
    vmids = _wanted(call)
    name = str(call.get("storage", "local"))
    if "storage" in call.given:
        call.require(f"/storage/{name}", "Datastore.AllocateSpace")
    if "prune-backups" in call.given and call.get("remove", 1):
        call.require(f"/storage/{name}", "Datastore.Allocate")

    def work(task: Task) -> Generator[Step, None, None]:
        yield Acquire(f"vzdump {call.node.name}", _LOCK_WAIT_SECONDS, "got lock timeout - another job is running")
        storage = _target(call, name)
        failed = False
        for vmid in vmids:
            failed |= yield from _try_one(call, task, storage, vmid)
        if failed:
            task.say("INFO: Backup job finished with errors")
            raise ApiError("job errors")
        task.say("INFO: Backup job finished successfully")

    return call.start_task("vzdump", work, vmids[0] if len(vmids) == 1 else "")


@route("GET", "/nodes/{node}/vzdump/extractconfig")
def read_archived_config(call: Call) -> str:
    """The configuration file in a backup."""
    volid = VolumeId.parse(str(call.values["volume"]))
    storage = call.cluster.storage(volid.storage, call.node.name)
    volume = storage.on(call.node.name).get(volid.name)
    if volume is None or volume.archive is None:
        raise ApiError(f"volume '{volid}' does not exist")
    check_access(call, storage, volume)
    return str(volume.archive.config_file())


def _wanted(call: Call) -> list[int]:
    if call.flag("all"):
        left_out = set(split_list(str(call.get("exclude", ""))))
        here = (guest.vmid for guest in call.cluster.guests.values() if guest.node == call.node.name)
        return sorted(vmid for vmid in here if str(vmid) not in left_out)
    if "pool" in call.given:
        pool = call.cluster.pools.get(str(call.values["pool"]))
        return sorted(pool.vms) if pool else []
    if "vmid" not in call.given:
        raise InvalidParameters({"vmid": "property is missing"})
    return [int(vmid) for vmid in split_list(str(call.values["vmid"]))]


def _target(call: Call, name: str) -> Storage:
    try:
        storage = call.cluster.storage(name, call.node.name)
    except ApiError as error:
        reasons = (f"could not activate storage '{name}'", f"could not get storage information for '{name}'")
        raise ApiError(" ".join(f"{reason}: {error.message}" for reason in reasons)) from error
    if "backup" not in storage.content:
        raise ApiError(
            f"could not get storage information for '{name}': can't use storage type '{storage.kind}' for backup"
        )
    return storage


def _try_one(call: Call, task: Task, storage: Storage, vmid: int) -> Generator[Step, None, bool]:
    """Back one VM up; returns whether that failed."""
    began = call.now
    task.say(f"INFO: Starting Backup of VM {vmid} (qemu)", f"INFO: Backup started at {_moment(began)}")
    try:
        yield from _one(call, storage, vmid)
    except ApiError as error:
        task.say(f"ERROR: Backup of VM {vmid} failed - {error.message}", f"INFO: Failed at {_moment(call.now)}")
        return True
    duration = time.strftime("%H:%M:%S", time.gmtime(call.now - began))
    task.say(f"INFO: Finished Backup of VM {vmid} ({duration})", f"INFO: Backup finished at {_moment(call.now)}")
    return False


def _one(call: Call, storage: Storage, vmid: int) -> Generator[Step, None, None]:
    guest = call.cluster.guest_on(call.node.name, vmid)
    if guest is None:
        raise ApiError(f"unable to find VM '{vmid}'")
    if not call.may(f"/vms/{vmid}", "VM.Backup"):
        raise Refused.on(f"/vms/{vmid}", "VM.Backup")
    check_lock(guest)
    archive, began, compression = _archive(call, guest), int(call.now), str(call.get("compress", "0"))
    guest.config["lock"] = "backup"
    try:
        yield Sleep(_seconds(call, archive.disks))
    finally:
        guest.config.pop("lock", None)
    name, fmt = _name(storage, vmid, began, compression)
    size = archive.bytes_on_disk(compression)
    volume = Volume(name, "backup", fmt, size, vmid, used=size, created=began, archive=archive)
    volume.notes, volume.protected = _notes(call, guest), call.flag("protected")
    storage.on(call.node.name)[name] = volume


def _name(storage: Storage, vmid: int, began: int, compression: str) -> tuple[str, str]:
    """The name of the new volume and its format: a file, or a snapshot on a Proxmox Backup Server."""
    if storage.kind == PBS:
        return f"backup/vm/{vmid}/{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(began))}", "pbs-vm"
    stamp = time.strftime("%Y_%m_%d-%H_%M_%S", time.gmtime(began))
    return f"backup/vzdump-qemu-{vmid}-{stamp}.{SUFFIXES[compression]}", SUFFIXES[compression]


def _archive(call: Call, guest: Guest) -> Archive:
    config = {key: value for key, value in guest.config.items() if key not in ("lock", "parent")}
    disks = []
    for drive in drives_of(config):
        volume = call.cluster.volume(guest.node, drive.file) if drive.has_volume and not drive.is_cdrom else None
        if volume and drive.options.get("backup") != "0":
            image = replace(volume, snapshots={}, base=None)
            disks.append(Disk(drive, VolumeId.parse(drive.file).storage, image))
    firewall = deepcopy(call.cluster.firewalls.get(guest.vmid, Firewall()))
    text = Guest(guest.vmid, guest.node, config).file_text()
    return Archive(guest.vmid, dict(config), text, tuple(disks), firewall)


def _seconds(call: Call, disks: Iterable[Disk]) -> float:
    limit = call.get("bwlimit", 0) * 1024
    slow = sum(disk.image.size for disk in disks) / limit if limit else 0.0
    return float(max(call.cluster.timing.of("vzdump"), slow / call.cluster.timing.speed))


def _notes(call: Call, guest: Guest) -> str:
    """The template's placeholders and its two escapes filled in."""
    facts = {"vmid": str(guest.vmid), "node": guest.node, "guestname": str(guest.config.get("name", ""))}
    facts["cluster"] = call.cluster.name
    text = re.sub(r"\\(n|\\)", lambda m: "\n" if m[1] == "n" else "\\", str(call.get("notes-template", "")))
    return re.sub(r"\{\{(\w+)\}\}", lambda m: facts.get(m[1], m[0]), text)


def _moment(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
