"""Drives: the property strings of scsi0 and its kind, and the volumes behind them."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.guest import Config, Guest, disk_keys
from bridge.sandbox.proxmox.property_string import join_properties, split_properties
from bridge.sandbox.proxmox.simulation import Acquire, Sleep, Step
from bridge.sandbox.proxmox.sizes import GIB, MIB, parse_size, print_size
from bridge.sandbox.proxmox.storage import Storage, Volume, VolumeId, base_name, free_disk_name, image_name
from bridge.sandbox.proxmox.timing import STORAGE_LOCK_SECONDS

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

CLOUDINIT_SIZE = 4 * MIB

_NEW_DISK = re.compile(r"([^/:\s]+):(\d+(?:\.\d+)?)")
# Pairs that exclude each other: the sum and its parts.
_THROTTLES = ("mbps", "iops", "mbps_max", "iops_max")


@dataclass
class Drive:
    """One drive: what it holds (`file`: a volume id, `none`, `cdrom` or `STORAGE:SIZE`) and its options."""

    key: str
    file: str
    options: dict[str, str]

    @classmethod
    def parse(cls, key: str, text: str) -> "Drive":
        """Read a drive's property string. Raises InvalidParameters for contradicting options."""
        values = split_properties(text, "file")
        if "volume" in values:
            values["file"] = values.pop("volume")
        drive = cls(key, values.pop("file", ""), values)
        if drive.file in ("none", "cdrom"):
            drive.options["media"] = "cdrom"
        if not drive.file or drive._contradicts_itself():
            raise InvalidParameters({key: "unable to parse drive options"})
        return drive

    def _contradicts_itself(self) -> bool:
        for name in _THROTTLES:
            stem, _, rest = name.partition("_")
            parts = [f"{stem}_{way}{'_' + rest if rest else ''}" for way in ("rd", "wr")]
            if name in self.options and any(part in self.options for part in parts):
                return True
        return False

    def __str__(self) -> str:
        return join_properties({"file": self.file, **self.options}, first="file")

    @property
    def is_cloudinit(self) -> bool:
        """Whether it is the generated cloud-init image, or the wish for one."""
        return bool(re.search(r":cloudinit$|[:/]vm-\d+-cloudinit", self.file))

    @property
    def is_cdrom(self) -> bool:
        """Whether it is a CD-ROM; a cloud-init drive is one, too."""
        return self.options.get("media") == "cdrom" or self.file in ("none", "cdrom")

    @property
    def has_volume(self) -> bool:
        """Whether a volume is behind it (and not an empty tray)."""
        return ":" in self.file and not self.file.startswith("/")

    @property
    def wish(self) -> tuple[str, int] | None:
        """Storage and bytes when it asks for a new volume (`local:10`)."""
        found = _NEW_DISK.fullmatch(self.file)
        return (found[1], int(float(found[2]) * GIB)) if found else None


def drives_of(config: Config) -> list[Drive]:
    """All drives of a configuration, sorted by key."""
    return [Drive.parse(key, str(config[key])) for key in disk_keys(config)]


def boot_order(config: Config) -> list[str]:
    """The keys of the bootable devices in order."""
    return [key for key in split_properties(str(config.get("boot", ""))).get("order", "").split(";") if key]


def boot_disk_size(cluster: "Cluster", guest: Guest) -> int:
    """Bytes of the disk that the VM boots from, 0 when it has none."""
    for key in boot_order(guest.config):
        if key in guest.config and key in disk_keys(guest.config):
            drive = Drive.parse(key, str(guest.config[key]))
            if not drive.is_cdrom and "size" in drive.options:
                return parse_size(drive.options["size"])
    return 0


def storage_of(cluster: "Cluster", node: str, drive: Drive) -> Storage:
    """The storage that holds a drive's volume."""
    return cluster.storage(VolumeId.parse(drive.file).storage, node)


def referenced(config: Config) -> set[str]:
    """The volume ids that a configuration names, unused ones included."""
    found = {drive.file for drive in drives_of(config) if drive.has_volume}
    return found | {str(value).split(",")[0] for key, value in config.items() if re.fullmatch(r"unused\d+", key)}


def add_unused(config: Config, volid: str) -> None:
    """Remember a volume as unusedN unless the configuration names it already."""
    if volid not in referenced(config):
        number = next(n for n in range(256) if f"unused{n}" not in config)
        config[f"unused{number}"] = volid


def delete_unused(cluster: "Cluster", guest: Guest, key: str) -> None:
    """Remove an unused volume and its entry. Raises ApiError while a snapshot needs it, or on a protected VM."""
    volid = str(guest.config[key])
    if guest.config.get("protection"):
        raise ApiError(f"can't remove unused disk '{volid}' - protection mode enabled")
    free_volume(cluster, guest.node, volid)
    del guest.config[key]


def drop_readded(config: Config) -> None:
    """Remove unusedN where a drive uses the volume again."""
    used = {drive.file for drive in drives_of(config)}
    for key in [k for k, v in config.items() if re.fullmatch(r"unused\d+", k) and str(v) in used]:
        del config[key]


def hold_storage(storage: Storage, node: str, speed: float = 1.0) -> Generator[Step, None, None]:
    """Take the storage's lock and keep it as long as an allocation takes. The process gives it back with `release`."""
    yield Acquire(storage.lock_name(node), STORAGE_LOCK_SECONDS, storage.lock_message)
    yield Sleep(storage.allocation_seconds / speed)


def new_volume(
    cluster: "Cluster", storage: Storage, node: str, vmid: int, size: int, fmt: str = "", content: str = "images"
) -> tuple[VolumeId, Volume]:
    """Put an empty image of `size` bytes on a storage. Raises ApiError when the storage takes no images."""
    if content not in storage.content:
        raise ApiError(f"storage '{storage.name}' does not support content-type '{content}'")
    fmt = fmt if fmt in storage.formats else storage.formats[0]
    volumes = storage.on(node)
    name = image_name(storage, vmid, free_disk_name(volumes, vmid), fmt)
    volume = Volume(name, content, fmt, size, vmid, used=4096, created=int(cluster.simulation.now))
    if fmt == "raw" and size > 16 * 1024 * GIB:
        raise ApiError(
            f"unable to create image: qemu-img: {storage.file_name(volume)}: The image size is too large for file format 'raw'"
        )
    volumes[name] = volume
    return VolumeId(storage.name, name), volume


def cloudinit_volume(cluster: "Cluster", storage: Storage, node: str, vmid: int, fmt: str = "qcow2") -> VolumeId:
    """Make a VM's cloud-init image; one that is there already is taken."""
    fmt = fmt if fmt in storage.formats else storage.formats[0]
    name = f"{vmid}/vm-{vmid}-cloudinit.{fmt}" if storage.holds_files else f"vm-{vmid}-cloudinit"
    now = int(cluster.simulation.now)
    storage.on(node).setdefault(name, Volume(name, "images", fmt, CLOUDINIT_SIZE, vmid, used=266240, created=now))
    return VolumeId(storage.name, name)


def free_volume(cluster: "Cluster", node: str, volid: str) -> None:
    """Remove a volume; one that is gone already is no error. Raises ApiError when linked clones need it."""
    parsed = VolumeId.parse(volid)
    storage = cluster.storages.get(parsed.storage)
    if storage is None or not storage.is_on(node):
        return
    volumes = storage.on(node)
    doomed = volumes.get(parsed.name)
    if doomed and doomed.snapshots:
        raise ApiError(f"unable to delete '{volid}' - volume is still in use (snapshot?)")
    if has_children(storage, node, parsed.name):
        raise ApiError(f"base volume '{volid}' is still in use by linked cloned")
    volumes.pop(parsed.name, None)


def has_children(storage: Storage, node: str, name: str) -> bool:
    """Whether linked clones read from a volume."""
    return any(volume.base == base_name(storage, name) for volume in storage.on(node).values())


def sized(drive: Drive, volume: Volume) -> Drive:
    """The drive with the volume's true size; a wrong `size=` is corrected without a word."""
    return Drive(drive.key, drive.file, {**drive.options, "size": print_size(volume.virtual_size)})
