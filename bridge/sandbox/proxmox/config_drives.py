"""Drives in a change of a VM's configuration: what is asked for, who may, and the volume that it becomes."""

import re
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.drives import Drive, cloudinit_volume, new_volume, sized
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.guest import DISK_KEY, Config, Guest
from bridge.sandbox.proxmox.storage import Storage, VolumeId, check_volume_name

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call


def checked_drive(call: "Call", key: str, text: str) -> str:
    """A drive's property string as it is stored. Raises InvalidParameters, or ApiError for an impossible volume."""
    drive = Drive.parse(key, text)
    if drive.file.startswith("/"):
        raise InvalidParameters({key: f"unable to associate path '{drive.file}' to any storage"})
    name = drive.file.partition(":")[2]
    if name and not drive.wish and name != "cloudinit":
        storage = call.cluster.storage(VolumeId.parse(drive.file).storage)
        check_volume_name(storage, name)
        if name.startswith("iso/") and drive.options.get("media") != "cdrom":
            raise InvalidParameters({key: "explicit 'media=cdrom' is required for iso images"})
    return str(drive)


def check_storages(call: "Call", values: Config, vmid: int) -> None:
    """Whether the sender may allocate and attach what is asked for. Raises ApiError, Refused or InvalidParameters."""
    for key in sorted(k for k in values if DISK_KEY.fullmatch(k)):
        drive = Drive.parse(key, str(values[key]))
        if drive.file == "cdrom":
            call.require("/", "Sys.Console")
        elif drive.wish:
            storage = call.cluster.storage(drive.wish[0], call.node.name)
            call.require(f"/storage/{storage.name}", "Datastore.AllocateSpace")
            require_images(storage)
        elif drive.has_volume and VolumeId.parse(drive.file).name != "cloudinit":
            _check_attachable(call, key, VolumeId.parse(drive.file), vmid)


def require_images(storage: Storage) -> None:
    """Raises InvalidParameters for a storage that takes no images."""
    if "images" not in storage.content:
        raise InvalidParameters({"storage": f"storage '{storage.name}' does not support vm images"})


def _check_attachable(call: "Call", key: str, volid: VolumeId, vmid: int) -> None:
    storage = call.cluster.storage(volid.storage, call.node.name)
    kind, _, _ = volid.name.partition("/")
    path = f"/storage/{storage.name}"
    if not call.may(path, "Datastore.Allocate"):
        owner = re.search(r"(?:vm|base)-(\d+)-[^/]*$", volid.name)
        if kind in ("iso", "vztmpl", "import"):
            call.require(path, "Datastore.AllocateSpace", "Datastore.Audit", any_of=True)
        elif not owner:
            raise ApiError(f"missing privileges to access {volid}")
        elif int(owner[1]) != vmid:
            call.require(path, "Datastore.Audit")
            call.require(f"/vms/{owner[1]}", "VM.Config.Disk")
    if kind in ("vztmpl", "backup", "snippets", "import"):
        raise InvalidParameters({key: "content type needs to be 'images' or 'iso'"})


def require_drive_rights(call: "Call", drive: Drive, vmid: int) -> None:
    """Raises Refused unless the sender may change such a drive."""
    if str(call.who) == "root@pam":
        return
    if drive.is_cloudinit:
        call.require(f"/vms/{vmid}", "VM.Config.Cloudinit", "VM.Config.CDROM")
    else:
        call.require(f"/vms/{vmid}", "VM.Config.CDROM" if drive.is_cdrom else "VM.Config.Disk")


def realise_drive(call: "Call", guest: Guest, drive: Drive) -> Drive:
    """The drive with a real volume: allocated when it asks for a new one, looked up otherwise. Raises ApiError."""
    cluster, node = call.cluster, guest.node
    if not drive.has_volume:
        drive.options.pop("size", None)
        return drive
    parsed = VolumeId.parse(drive.file)
    storage = cluster.storage(parsed.storage, node)
    fmt = drive.options.get("format", "")
    options = {k: v for k, v in drive.options.items() if k not in ("format", "import-from")}
    if parsed.name == "cloudinit":
        other = next((d for d in _cloudinit_drives(guest) if d.key != drive.key), None)
        if other:
            raise ApiError(f"{drive.key} - cloud-init drive is already attached at '{other.key}'")
        volid = cloudinit_volume(cluster, storage, node, guest.vmid, fmt or "qcow2")
        return Drive(drive.key, str(volid), {**options, "media": "cdrom"})
    if drive.wish:
        volid, volume = new_volume(cluster, storage, node, guest.vmid, drive.wish[1], fmt)
        return sized(Drive(drive.key, str(volid), options), volume)
    found = storage.on(node).get(parsed.name)
    if found is None:
        raise ApiError(f"volume '{drive.file}' does not exist")
    return sized(Drive(drive.key, drive.file, options), found)


def _cloudinit_drives(guest: Guest) -> list[Drive]:
    config = guest.effective()
    drives = [Drive.parse(k, str(v)) for k, v in config.items() if DISK_KEY.fullmatch(k)]
    return [drive for drive in drives if drive.is_cloudinit]
