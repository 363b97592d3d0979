"""Brings pending changes into effect: all of them on a stopped VM, those that can be plugged in on a running one."""

import re
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.config_rights import CLOUDINIT
from bridge.sandbox.proxmox.drives import Drive, add_unused, drop_readded, free_volume
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, UNUSED_KEY, Guest

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

# Options that are only written down, or that QEMU takes while it runs (PVE::QemuServer, $fast_plug_option and others).
_AT_ONCE = frozenset(
    [
        "name",
        "onboot",
        "lock",
        "hookscript",
        "migrate_downtime",
        "migrate_speed",
        "shares",
        "startup",
        "description",
        "protection",
        "vmstatestorage",
        "tags",
        "balloon",
        "cpulimit",
        "cpuunits",
        "hotplug",
    ]
)


def clean_pending(guest: Guest) -> None:
    """Drop pending changes that change nothing."""
    for key in [k for k, v in guest.pending.items() if guest.config.get(k) == v]:
        del guest.pending[key]
    guest.pending_delete = [k for k in guest.pending_delete if k in guest.config]


def apply_pending(cluster: "Cluster", guest: Guest) -> None:
    """Apply what can be applied now: everything when the VM is stopped."""
    clean_pending(guest)
    for key in [k for k in guest.pending_delete if guest.run is None or _can_unplug(guest, k)]:
        guest.pending_delete.remove(key)
        _remove(cluster, guest, key)
    for key in [k for k in guest.pending if guest.run is None or _can_plug(guest, k)]:
        _set(cluster, guest, key, guest.pending.pop(key))
    drop_readded(guest.config)


def _can_plug(guest: Guest, key: str) -> bool:
    if key in _AT_ONCE or _is_cloudinit(key) or NET_KEY.fullmatch(key):
        return True
    if not DISK_KEY.fullmatch(key):
        return False
    if key in guest.config and _is_same_volume(guest.config[key], guest.pending[key]):
        return True
    return Drive.parse(key, str(guest.pending[key])).is_cdrom or key.startswith(("scsi", "virtio"))


def _can_unplug(guest: Guest, key: str) -> bool:
    plain = key in _AT_ONCE or _is_cloudinit(key)
    return (
        plain or bool(NET_KEY.fullmatch(key)) or bool(UNUSED_KEY.fullmatch(key)) or key.startswith(("scsi", "virtio"))
    )


def _is_cloudinit(key: str) -> bool:
    return key in CLOUDINIT or bool(re.fullmatch(r"ipconfig\d+", key))


def _is_same_volume(old: Any, new: Any) -> bool:
    return str(old).split(",")[0] == str(new).split(",")[0]


def _set(cluster: "Cluster", guest: Guest, key: str, value: Any) -> None:
    old = guest.config.get(key)
    if DISK_KEY.fullmatch(key) and old is not None and not _is_same_volume(old, value):
        _detach(cluster, guest, key)
    if guest.run and _is_cloudinit(key):
        _record_cloudinit(guest, key, old, value)
    guest.config[key] = value


def _remove(cluster: "Cluster", guest: Guest, key: str) -> None:
    if DISK_KEY.fullmatch(key):
        _detach(cluster, guest, key)
    elif guest.run and _is_cloudinit(key):
        _record_cloudinit(guest, key, guest.config.get(key), None)
    guest.config.pop(key, None)


def _detach(cluster: "Cluster", guest: Guest, key: str) -> None:
    drive = Drive.parse(key, str(guest.config.pop(key)))
    if drive.is_cloudinit:
        free_volume(cluster, guest.node, drive.file)
    elif drive.has_volume and not drive.is_cdrom:
        add_unused(guest.config, drive.file)


def _record_cloudinit(guest: Guest, key: str, old: Any, new: Any) -> None:
    """Remember what the image in the drive was made from (PVE::QemuServer, $cloudinit_record_changed)."""
    if old == new:
        return
    section = guest.cloudinit
    added = {name for name in str(section.pop("added", "")).split(",") if name}
    if new is None:
        if key in added:
            added.discard(key)
        elif key not in section:
            section[key] = old
    elif key in section:
        if section[key] == new:
            del section[key]
    elif old is not None:
        if key not in added:
            section[key] = old
    elif key != "cipassword":
        added.add(key)
    if added:
        section["added"] = ",".join(sorted(added))
