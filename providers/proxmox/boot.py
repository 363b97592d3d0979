"""Which disk is which: Proxmox names drives by bus and slot, the product by what they are for."""

import re
from collections.abc import Mapping, Sequence

from providers.proxmox import property_string
from providers.proxmox.disk import Disk

# Slots per bus. The order is the one in which we look for a system disk when nothing is said about booting.
SLOTS = {"scsi": 31, "virtio": 16, "sata": 6, "ide": 4}

_INTERFACE = re.compile(rf"({'|'.join(SLOTS)})(\d+)")


def is_interface(key: str) -> bool:
    """Whether a configuration key names a drive (efidisk0, tpmstate0 and unusedN are none)."""
    match = _INTERFACE.fullmatch(key)
    return match is not None and int(match[2]) < SLOTS[match[1]]


def position(interface: str) -> tuple[int, int]:
    """Sort key of a drive: bus in the order of `SLOTS`, then slot."""
    match = _INTERFACE.fullmatch(interface)
    if match is None:
        raise ValueError(f"not a drive: {interface!r}")
    return list(SLOTS).index(match[1]), int(match[2])


def boot_order(config: Mapping[str, object]) -> list[str]:
    """The devices that Proxmox boots from, first first.

    `boot: order=scsi0;net0` since 6.3; before it `bootdisk: scsi0` named the disk (and old templates still have it).
    """
    for key, value in property_string.parse(str(config.get("boot") or "")):
        if key == "order":
            return [device for device in value.split(";") if device]
    legacy = str(config.get("bootdisk") or "")
    return [legacy] if legacy else []


def system_disk(config: Mapping[str, object], disks: Sequence[Disk]) -> Disk | None:
    """The disk that the VM boots from: the first data disk of the boot order, else the first data disk there is."""
    data = {disk.interface: disk for disk in disks if not disk.is_cdrom}
    for device in boot_order(config):
        if device in data:
            return data[device]
    return min(data.values(), key=lambda disk: position(disk.interface), default=None)


def free_cdrom_interface(taken: Sequence[str]) -> str | None:
    """A free slot for a CD-ROM drive: the one where Proxmox's own pages put it, else another IDE or SATA slot; or None."""
    slots = ("ide2", *(f"{bus}{slot}" for bus in ("ide", "sata") for slot in range(SLOTS[bus])))
    return next((slot for slot in slots if slot not in taken), None)


def free_interface(taken: Sequence[str], beside: str) -> str:
    """The lowest free slot on the bus of drive `beside`. Raises ValueError when the bus is full."""
    bus = beside.rstrip("0123456789")
    for slot in range(SLOTS[bus]):
        if f"{bus}{slot}" not in taken:
            return f"{bus}{slot}"
    raise ValueError(f"no free {bus} slot")
