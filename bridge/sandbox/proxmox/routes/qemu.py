"""Lists of VMs, creating one without a template, and what a VM can do."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.config_drives import check_storages, realise_drive
from bridge.sandbox.proxmox.config_rights import require_config_rights
from bridge.sandbox.proxmox.config_update import prepared
from bridge.sandbox.proxmox.config_values import reread
from bridge.sandbox.proxmox.drives import Drive, drives_of, storage_of
from bridge.sandbox.proxmox.failures import ApiError, no_config_found
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, Config, Guest, disk_keys
from bridge.sandbox.proxmox.net import check_bridges
from bridge.sandbox.proxmox.pool import Pool
from bridge.sandbox.proxmox.restore import restore_vm
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.storage import VolumeId
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CLONE_LOCK_SECONDS
from bridge.sandbox.proxmox.vm_status import brief_status, full_status

QEMU = "/nodes/{node}/qemu"
VM = QEMU + "/{vmid}"

_INDEX = [
    "config",
    "cloudinit",
    "pending",
    "status",
    "unlink",
    "vncproxy",
    "termproxy",
    "migrate",
    "resize",
    "move",
    "rrd",
    "rrddata",
    "monitor",
    "agent",
    "snapshot",
    "spiceproxy",
    "sendkey",
    "firewall",
    "mtunnel",
    "remote_migrate",
]


@route("GET", QEMU)
def list_vms(call: Call) -> list[dict[str, Any]]:
    """The node's VMs that the sender may see."""
    status = full_status if call.flag("full") else brief_status
    here = [guest for guest in call.cluster.guests.values() if guest.node == call.node.name]
    return [status(call.cluster, guest) for guest in here if call.may(f"/vms/{guest.vmid}", "VM.Audit")]


@route("GET", VM)
def vm_index(call: Call) -> list[dict[str, str]]:
    """What lies below a VM; the same for one that does not exist."""
    return [{"subdir": name} for name in _INDEX]


@route("POST", QEMU)
def create_vm(call: Call) -> str:
    """Make a VM from its options, or from a backup."""
    vmid = int(call.values["vmid"])
    if "archive" in call.given:
        return restore_vm(call, {k: v for k, v in call.options.items() if k not in _NO_OPTIONS})
    call.require(f"/vms/{vmid}", "VM.Allocate")
    values = prepared(call, {k: v for k, v in call.options.items() if k not in _NO_OPTIONS})
    require_config_rights(call, values, values, vmid)
    check_storages(call, values, vmid)
    check_bridges(call, values)
    existing = call.cluster.guests.get(vmid)
    if existing:
        raise ApiError(f"unable to create VM {vmid} - VM {vmid} already exists on node '{existing.node}'")
    # The stub exists before the worker does: where no worker starts, the id stays taken.
    guest = call.cluster.guests[vmid] = Guest(vmid, call.node.name, {"lock": "create"}, created=call.now)

    def work(task: Task) -> Generator[Step, None, None]:
        yield hold_config(vmid, CLONE_LOCK_SECONDS)
        try:
            config = _new_config(call, guest, values, task)
        except ApiError as error:
            call.cluster.guests.pop(vmid, None)
            raise ApiError(f"unable to create VM {vmid} - {error.message}") from error
        yield Sleep(call.cluster.timing.of("qmcreate"))
        guest.config = config
        if call.get("pool"):
            call.cluster.pools.setdefault(call.values["pool"], Pool()).vms.add(vmid)

    return call.start_task("qmcreate", work)


_NO_OPTIONS = frozenset(
    [
        "node",
        "vmid",
        "pool",
        "start",
        "archive",
        "force",
        "unique",
        "live-restore",
        "storage",
        "bwlimit",
        "import-working-storage",
    ]
)


def _new_config(call: Call, guest: Guest, values: Config, task: Task) -> Config:
    config: Config = {}
    for key in sorted(values):
        value = values[key]
        if DISK_KEY.fullmatch(key):
            drive = realise_drive(call, guest, Drive.parse(key, str(value)))
            if Drive.parse(key, str(value)).wish:
                task.say(f"{key}: successfully created disk '{drive}'")
            value = str(drive)
        else:
            value = reread(call.cluster.schema, key, value)
        if value is not None:
            config[key] = value
    cluster = call.cluster
    config["meta"] = f"creation-qemu={call.node.qemu},ctime={int(call.now)}"
    config.setdefault("smbios1", f"uuid={cluster.random_uuid()}")
    config.setdefault("vmgenid", cluster.random_uuid())
    if "boot" not in config:
        disks = [d.key for d in drives_of(config) if not d.is_cdrom][:1]
        cdroms = [d.key for d in drives_of(config) if d.is_cdrom and not d.is_cloudinit][:1]
        cards = sorted(key for key in config if NET_KEY.fullmatch(key))[:1]
        devices = ";".join([*disks, *cdroms, *cards])
        config["boot"] = f"order={devices}" if devices else " "
    return config


@route("GET", VM + "/feature")
def feature(call: Call) -> dict[str, Any]:
    """Whether snapshot, clone or copy is possible."""
    guest = call.cluster.guest_on(call.node.name, call.vmid)
    if guest is None:
        raise no_config_found(call.node.name, call.vmid)
    wanted = str(call.values["feature"])
    disks = [d for d in (Drive.parse(k, str(guest.config[k])) for k in disk_keys(guest.config)) if d.has_volume]
    able = all(_disk_can(call, guest, d, wanted) for d in disks if not d.is_cdrom)
    nodes = sorted(call.cluster.nodes) if _all_shared(call, guest, disks) else [guest.node]
    return {"hasFeature": int(able), "nodes": nodes}


def _disk_can(call: Call, guest: Guest, drive: Drive, wanted: str) -> bool:
    storage = storage_of(call.cluster, guest.node, drive)
    volume = call.cluster.volume(guest.node, drive.file)
    if volume is None or wanted == "copy":
        return volume is not None
    if wanted == "clone":
        base = VolumeId.parse(drive.file).name.rpartition("/")[2].startswith("base-")
        return base and (storage.holds_files or storage.kind in ("rbd", "zfspool", "lvmthin"))
    return volume.fmt == "qcow2" or storage.kind in ("rbd", "zfspool", "lvmthin")


def _all_shared(call: Call, guest: Guest, disks: list[Drive]) -> bool:
    return all(storage_of(call.cluster, guest.node, drive).shared for drive in disks)
