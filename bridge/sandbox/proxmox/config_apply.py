"""Brings pending changes into effect: all of them on a stopped VM, those that can be plugged in on a running one.

Follows PVE::QemuServer, vmconfig_apply_pending and vmconfig_hotplug_pending.
"""

import re
from collections.abc import Set
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.config_rights import CLOUDINIT
from bridge.sandbox.proxmox.drives import Drive, add_unused, drop_readded, free_volume
from bridge.sandbox.proxmox.failures import InvalidParameters
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, Guest
from bridge.sandbox.proxmox.net import parse_net

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

# Options that are only written down.
_WRITTEN_ONLY = frozenset(
    [
        "description",
        "hookscript",
        "lock",
        "migrate_downtime",
        "migrate_speed",
        "name",
        "onboot",
        "protection",
        "shares",
        "startup",
        "tags",
        "vmstatestorage",
    ]
)
# Options that QEMU or the host take while the VM runs.
_TAKEN_LIVE = frozenset({"cpulimit", "cpuunits"})
# A drive's options that need another device; the others (limits, backup, …) are taken live.
_NEED_A_NEW_DEVICE = frozenset(["aio", "cache", "discard", "iothread", "product", "queues", "ro", "ssd", "vendor"])
_DEFAULT_FEATURES = "network,disk,usb"


def clean_pending(guest: Guest) -> None:
    """Drop pending changes that change nothing."""
    for key in [k for k, v in guest.pending.items() if guest.config.get(k) == v]:
        del guest.pending[key]
    guest.pending_delete = [k for k in guest.pending_delete if k in guest.config]


def apply_pending(cluster: "Cluster", guest: Guest, selected: Set[str] | None = None) -> None:
    """Apply what can be applied now: everything when the VM is stopped, else of `selected` what can be plugged.

    Raises InvalidParameters for a change that a running VM cannot take at all.
    """
    clean_pending(guest)
    for key in list(guest.pending_delete):
        if guest.run is None or ((selected is None or key in selected) and _can_unplug(guest, key)):
            forced = key in guest.forced
            guest.keep(key)
            _remove(cluster, guest, key, forced=forced)
    for key in list(guest.pending):
        if guest.run is None or ((selected is None or key in selected) and _can_plug(guest, key)):
            _set(cluster, guest, key, guest.pending.pop(key))
    drop_readded(guest.config)


def _features(guest: Guest) -> set[str]:
    """What may be hot-plugged, by the VM's own option."""
    text = str(guest.config.get("hotplug", "1"))
    return set((_DEFAULT_FEATURES if text == "1" else text).split(","))


def _can_plug(guest: Guest, key: str) -> bool:
    new = str(guest.pending[key])
    if key in _WRITTEN_ONLY or key in _TAKEN_LIVE or _is_cloudinit(key):
        return True
    if key == "balloon":
        return bool(int(guest.config.get("balloon", 1))) == bool(int(new))
    if key == "hotplug":
        return not re.search("cpu|memory", f"{new} {guest.config.get('hotplug', '')}")
    if key == "tablet":
        return "usb" in _features(guest)
    if NET_KEY.fullmatch(key):
        return _net_can_change(guest, key, new)
    return bool(DISK_KEY.fullmatch(key)) and _disk_can_change(guest, key, new)


def _net_can_change(guest: Guest, key: str, new: str) -> bool:
    if "network" in _features(guest):
        return True
    old = parse_net(str(guest.config.get(key, "")))
    return bool(old) and all(
        old.get(name) == parse_net(new).get(name) for name in ("model", "macaddr", "queues", "mtu")
    )


def _disk_can_change(guest: Guest, key: str, new: str) -> bool:
    wanted = Drive.parse(key, new)
    if key not in guest.config:
        return "disk" in _features(guest) and key.startswith(("scsi", "virtio"))
    old = Drive.parse(key, str(guest.config[key]))
    if (old.options.get("media") == "cdrom") != (wanted.options.get("media") == "cdrom"):
        raise InvalidParameters({key: "hotplug problem - unable to change media type\n"})
    if old.is_cdrom:
        return True
    if old.file != wanted.file:
        return "disk" in _features(guest) and key.startswith(("scsi", "virtio"))
    return all(old.options.get(name) == wanted.options.get(name) for name in _NEED_A_NEW_DEVICE)


def _can_unplug(guest: Guest, key: str) -> bool:
    if key in _WRITTEN_ONLY or key in _TAKEN_LIVE or _is_cloudinit(key):
        return True
    if key == "balloon":
        return guest.config.get("balloon") != 0
    if NET_KEY.fullmatch(key):
        return "network" in _features(guest)
    return key.startswith(("scsi", "virtio")) and bool(DISK_KEY.fullmatch(key)) and "disk" in _features(guest)


def _is_cloudinit(key: str) -> bool:
    return key in CLOUDINIT or bool(re.fullmatch(r"ipconfig\d+", key))


def _set(cluster: "Cluster", guest: Guest, key: str, value: Any) -> None:
    old = guest.config.get(key)
    if DISK_KEY.fullmatch(key) and old is not None and str(old).split(",")[0] != str(value).split(",")[0]:
        _detach(cluster, guest, key, forced=False)
    if guest.run:
        _record_cloudinit(guest, key, old, value)
    guest.config[key] = value


def _remove(cluster: "Cluster", guest: Guest, key: str, *, forced: bool) -> None:
    if DISK_KEY.fullmatch(key):
        _detach(cluster, guest, key, forced=forced)
        return
    if guest.run:
        _record_cloudinit(guest, key, guest.config.get(key), None)
    guest.config.pop(key, None)


def _detach(cluster: "Cluster", guest: Guest, key: str, *, forced: bool) -> None:
    drive = Drive.parse(key, str(guest.config.pop(key)))
    if drive.is_cloudinit:
        free_volume(cluster, guest.node, drive.file)
        guest.cloudinit.clear()
    elif drive.has_volume and not drive.is_cdrom:
        if forced:
            free_volume(cluster, guest.node, drive.file)
        else:
            add_unused(guest.config, drive.file)


def _record_cloudinit(guest: Guest, key: str, old: Any, new: Any) -> None:
    """Remember what the image in the drive was made from (PVE::QemuServer, $cloudinit_record_changed)."""
    if not (_is_cloudinit(key) or key == "name" or NET_KEY.fullmatch(key)):
        return
    section = guest.cloudinit
    added = {name for name in str(section.pop("added", "")).split(",") if name}
    if new is None:
        if key in added:
            added.discard(key)
        elif old is not None:
            section.setdefault(key, old)
    elif key in section:
        if section[key] == new:
            del section[key]
            added.discard(key)
    elif key not in added:
        if old is not None:
            section[key] = old
        else:
            added.add(key)
    if added:
        section["added"] = ",".join(sorted(added))
