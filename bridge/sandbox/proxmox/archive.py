"""What vzdump keeps of a VM: its configuration, its firewall, its disks."""

from dataclasses import dataclass

from bridge.sandbox.proxmox.drives import Drive
from bridge.sandbox.proxmox.firewall import Firewall
from bridge.sandbox.proxmox.guest import Config
from bridge.sandbox.proxmox.storage import BLANK, Volume

# A VMA archive: head, then extents of 59 clusters of 64 KiB, of which only those with data are written.
_HEAD_BYTES = 15360
_EXTENT_HEAD_BYTES = 512
_CLUSTER_BYTES = 64 * 1024
_CLUSTERS_PER_EXTENT = 59

SUFFIXES = {"0": "vma", "zstd": "vma.zst", "gzip": "vma.gz", "1": "vma.lzo", "lzo": "vma.lzo"}


@dataclass(frozen=True)
class Disk:
    """One disk in an archive: where it was, and its image at that time."""

    drive: Drive
    storage: str
    image: Volume


@dataclass(frozen=True)
class Archive:
    """A VM at the time of its backup; `text`: its configuration file then."""

    vmid: int
    config: Config
    text: str
    disks: tuple[Disk, ...]
    firewall: Firewall

    def config_file(self) -> str:
        """The configuration as it stands in the archive, with the disks' map at its end."""
        lines = [f"#qmdump#map:{d.drive.key}:drive-{d.drive.key}:{d.storage}:{d.image.fmt}:\n" for d in self.disks]
        return self.text + "".join(lines)

    def bytes_on_disk(self, compression: str) -> int:
        """How large the archive is."""
        clusters = sum(-(-disk.image.size // _CLUSTER_BYTES) for disk in self.disks)
        data = sum(disk.image.used for disk in self.disks if disk.image.system != BLANK)
        plain = _HEAD_BYTES + _EXTENT_HEAD_BYTES * -(-clusters // _CLUSTERS_PER_EXTENT) + data
        return plain if compression == "0" else plain // 4
