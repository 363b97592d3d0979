"""The disks of a VM: `scsi0: local-lvm:vm-100-disk-0,iops_rd=500,mbps_rd=50,size=32G`."""

import re
from dataclasses import dataclass, field, replace
from typing import Self

from providers.proxmox import property_string

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

# Keys that throttle a disk besides the four of ours. QEMU refuses a total beside its parts and a burst below its rate, so
# whoever sets the four drops these.
_OTHER_LIMITS = re.compile(r"(bps|mbps|iops)(_rd|_wr)?(_max)?(_length)?|throttling\..*")

# PVE::QemuServer::Drive::drive_is_cloudinit: an image format may follow, but an ISO image may be called so, too.
_CLOUDINIT = re.compile(r"(vm-\d+-)?cloudinit(\.(raw|cow|qcow2?|qed|vmdk|cloop))?")


def parse_size(text: str) -> int:
    """Bytes of a size as Proxmox writes it: 32G, 2252M, 0.5T, 512K, or plain bytes. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a disk size: {text!r}")
    number, unit = match.groups()
    if "." in number:
        return int(float(number) * _UNITS[unit])
    return int(number) * _UNITS[unit]


def print_size(size: int) -> str:
    """A size in bytes the way Proxmox prints it: with the largest unit that keeps it exact."""
    for unit in ("T", "G", "M", "K"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


@dataclass(frozen=True)
class Limits:
    """I/O limits of one disk: megabytes per second and operations per second, None = unlimited (the key is left out)."""

    mbps_rd: float | None = None
    mbps_wr: float | None = None
    iops_rd: int | None = None
    iops_wr: int | None = None

    @classmethod
    def of(cls, mbps_rd: float = 0, mbps_wr: float = 0, iops_rd: int = 0, iops_wr: int = 0) -> Self:
        """Limits where 0 stands for unlimited, as the product's settings have it."""
        return cls(mbps_rd or None, mbps_wr or None, iops_rd or None, iops_wr or None)

    def pairs(self) -> property_string.Pairs:
        """The keys of the limits that are set."""
        keys = ("iops_rd", "iops_wr", "mbps_rd", "mbps_wr")
        return tuple(
            (key, property_string.number(getattr(self, key))) for key in keys if getattr(self, key) is not None
        )


@dataclass(frozen=True)
class Disk:
    """One drive.

    `volume` is `storage:volname`, `none` for an empty CD-ROM drive, or `storage:SIZE` (whole GiB) to have Proxmox allocate
    one. `size` in bytes, None = not stated. `extra` keeps media, discard, ssd, cache and whatever comes, in order.
    """

    interface: str
    volume: str
    size: int | None = None
    limits: Limits = field(default_factory=Limits)
    extra: property_string.Pairs = ()

    @classmethod
    def parse(cls, interface: str, text: str) -> Self:
        """Read a drive's value. Raises ValueError when it names no volume or holds a number that is none."""
        volume: str | None = None
        size: int | None = None
        limits: dict[str, float] = {}
        extra = []
        for key, value in property_string.parse(text):
            if key in ("", "file", "volume"):
                volume = value
            elif key == "size":
                size = parse_size(value)
            elif key in ("mbps_rd", "mbps_wr"):
                limits[key] = float(value)
            elif key in ("iops_rd", "iops_wr"):
                limits[key] = int(value)
            else:
                extra.append((key, value))
        if volume is None:
            raise ValueError(f"disk {interface} without a volume: {text!r}")
        return cls(interface, volume, size, Limits(**limits), tuple(extra))  # type: ignore[arg-type]

    @property
    def storage(self) -> str | None:
        """Name of the storage that holds the volume; None for an empty drive or a path."""
        storage, separator, _ = self.volume.partition(":")
        return storage if separator else None

    @property
    def size_gb(self) -> float | None:
        """Size in GiB."""
        return None if self.size is None else self.size / _UNITS["G"]

    @property
    def is_cdrom(self) -> bool:
        """True for CD-ROM drives, the cloud-init drive included."""
        return ("media", "cdrom") in self.extra or self.volume in ("none", "cdrom")

    @property
    def is_cloudinit(self) -> bool:
        """True for the generated cloud-init drive (`…:vm-100-cloudinit`, or `…:cloudinit` while it is asked for)."""
        name = self.volume.rpartition(":")[2].rpartition("/")[2]
        return self.is_cdrom and _CLOUDINIT.fullmatch(name) is not None

    @property
    def medium(self) -> str:
        """File name of the image in a CD-ROM drive; empty when there is none."""
        return self.volume.rpartition("/")[2].rpartition(":")[2] if self.is_cdrom and self.storage else ""

    def with_medium(self, volume: str | None) -> Self:
        """The same drive as a CD-ROM drive with another image in it, None = empty."""
        media = () if ("media", "cdrom") in self.extra else (("media", "cdrom"),)
        return replace(self, volume=volume or "none", size=None, extra=(*self.extra, *media))

    def with_limits(self, limits: Limits) -> Self:
        """The same disk with exactly these limits; totals and bursts that would contradict them are dropped."""
        kept = tuple(pair for pair in self.extra if not _OTHER_LIMITS.fullmatch(pair[0]))
        return replace(self, limits=limits, extra=kept)

    def __str__(self) -> str:
        pairs = [("", self.volume), *self.limits.pairs()]
        if self.size is not None:
            pairs.append(("size", print_size(self.size)))
        return property_string.render((*pairs, *self.extra))
