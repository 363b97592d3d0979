"""Storages and the volumes on them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.sizes import GIB


@dataclass(frozen=True)
class System:
    """What an image holds that can be started.

    Whether it `obeys` a power button, runs the guest `agent`, and takes `ipv6` addresses from cloud-init.
    """

    obeys: bool = False
    agent: bool = False
    ipv6: bool = True


BLANK = System()

# Where a directory storage keeps what is no image of a VM.
_FOLDERS = {
    "iso": "template/iso",
    "vztmpl": "template/cache",
    "backup": "dump",
    "snippets": "snippets",
    "import": "import",
}


@dataclass
class Volume:
    """One image or file. `name` is the part of the volume id after the storage (`100/vm-100-disk-0.qcow2`).

    `base`: name of the volume that a linked clone reads from. `size` and `used` in bytes. `notes`, `protected` and
    `archive` (what vzdump put into it) are those of backups.
    """

    name: str
    content: str
    fmt: str
    size: int
    vmid: int | None = None
    base: str | None = None
    used: int = 0
    created: int = 0
    system: System = BLANK
    snapshots: dict[str, int] = field(default_factory=dict)
    notes: str = ""
    protected: bool = False
    archive: Any = None

    @property
    def virtual_size(self) -> int:
        """The size that a VM sees: QEMU counts in sectors of 512 bytes."""
        return -(-self.size // 512) * 512


@dataclass
class Storage:
    """A storage as /etc/pve/storage.cfg describes it, with its volumes.

    `nodes`: where it is configured, empty for everywhere. The volumes of a storage that is not `shared` live on one
    node each: `volumes` has a key per node, or the single key `""`. `allocation_seconds`: how long an allocation holds
    the storage's lock, which others wait for (10 s at most). `path`: of directory storages.
    `settings`: what else its section of the file says.
    """

    name: str
    kind: str
    content: tuple[str, ...]
    shared: bool = False
    nodes: tuple[str, ...] = ()
    path: str = ""
    total: int = 252 * GIB
    enabled: bool = True
    active: bool = True
    allocation_seconds: float = 0.05
    settings: Mapping[str, str | int] = field(default_factory=dict)
    volumes: dict[str, dict[str, Volume]] = field(default_factory=dict)

    FILE_KINDS: ClassVar[frozenset[str]] = frozenset({"dir", "nfs", "cifs", "cephfs", "glusterfs"})

    @property
    def holds_files(self) -> bool:
        """Whether volumes are files below a folder per VM, with a suffix."""
        return self.kind in self.FILE_KINDS

    @property
    def formats(self) -> tuple[str, ...]:
        """Image formats, the default first."""
        return ("raw", "qcow2", "vmdk") if self.holds_files else ("raw",)

    def is_on(self, node: str) -> bool:
        """Whether the storage is configured for a node."""
        return not self.nodes or node in self.nodes

    def on(self, node: str) -> dict[str, Volume]:
        """The volumes as seen from a node."""
        return self.volumes.setdefault("" if self.shared else node, {})

    def used(self, node: str) -> int:
        """Bytes taken on a node."""
        return sum(volume.used for volume in self.on(node).values()) + 24 * 1024**2

    def lock_name(self, node: str) -> str:
        """The name of the lock that allocations take."""
        return f"storage {self.name}" if self.shared else f"storage {self.name} on {node}"

    @property
    def lock_message(self) -> str:
        """What a caller reads who waited in vain for that lock."""
        if self.shared:
            return f"cfs-lock 'storage-{self.name}' error: got lock request timeout"
        return f"can't lock file '/var/lock/pve-manager/pve-storage-{self.name}' - got timeout"

    def file_name(self, volume: Volume) -> str:
        """The path of a volume on its node, as task logs show it."""
        short = volume.name.rpartition("/")[2]
        if volume.content in _FOLDERS:
            return f"{self.path}/{_FOLDERS[volume.content]}/{short}"
        if self.holds_files:
            return f"{self.path}/images/{volume.vmid}/{short}"
        return f"/dev/{'rbd-pve' if self.kind == 'rbd' else 'pve'}/{short}"


@dataclass(frozen=True)
class VolumeId:
    """`storage:name` taken apart."""

    storage: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "VolumeId":
        """Read a volume id. Raises ApiError when it is none."""
        storage, separator, name = text.partition(":")
        if not separator or not storage or not name:
            raise ApiError(f"unable to parse volume ID '{text}'")
        return cls(storage, name)

    def __str__(self) -> str:
        return f"{self.storage}:{self.name}"


_FILE_NAMES = re.compile(
    r"(?:\d+/[^/\s]+/)?\d+/[^/\s]+\.(?:raw|qcow2|vmdk)|iso/[^/]+\.(?:iso|img)|vztmpl/[^/]+\.tar\.(?:gz|xz|zst|bz2)"
    r"|backup/[^/]+\.(?:tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)|snippets/[^/]+|import/[^/]+\.(?:ova|ovf|qcow2|raw|vmdk)",
    re.IGNORECASE,
)
_BLOCK_NAMES = re.compile(r"(?:base-\d+-\S+/)?(?:vm|base)-\d+-\S+")
_PBS_NAMES = re.compile(r"backup/(?:vm|ct)/\d+/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PBS = "pbs"  # Proxmox Backup Server


def check_volume_name(storage: Storage, name: str) -> None:
    """Raises ApiError when no volume of the storage can have that name."""
    kind = "directory" if storage.holds_files else {"lvmthin": "lvm"}.get(storage.kind, storage.kind)
    names = _PBS_NAMES if storage.kind == PBS else _FILE_NAMES if storage.holds_files else _BLOCK_NAMES
    if not names.fullmatch(name):
        raise ApiError(f"unable to parse {kind} volume name '{name}'")


def named_owner(name: str) -> tuple[str, int | None]:
    """The kind of content and the VMID that the name of a volume tells."""
    folder, slash, short = name.rpartition("/")
    if on_server := re.match(r"backup/(?:vm|ct)/(\d+)/", name):
        return "backup", int(on_server[1])
    backup = re.match(r"vzdump-\w+-(\d+)-", short)
    if folder in _FOLDERS:
        return folder, int(backup[1]) if folder == "backup" and backup else None
    image = re.match(r"(?:vm|base)-(\d+)-", short)
    owner = folder.rpartition("/")[2] if slash else ""
    return "images", int(owner) if owner.isdecimal() else int(image[1]) if image else None


def base_name(storage: Storage, name: str) -> str:
    """How linked clones name their base: without the base that it may be a clone of itself."""
    return "/".join(name.split("/")[-2:]) if storage.holds_files else name.rpartition("/")[2]


def image_name(storage: Storage, vmid: int, short: str, fmt: str, base: str | None = None) -> str:
    """The volume name of an image: `short` without suffix (`vm-100-disk-0`), behind `base` when it is a linked clone."""
    name = f"{vmid}/{short}.{fmt}" if storage.holds_files else short
    if base and storage.kind != "lvmthin":
        return f"{base}/{name}"
    return name


def free_disk_name(volumes: Iterable[str], vmid: int) -> str:
    """The first unused `vm-VMID-disk-N`, without suffix."""
    pattern = re.compile(rf"(?:vm|base)-{vmid}-disk-(\d+)(?:\.\w+)?$")
    taken = {int(found[1]) for name in volumes if (found := pattern.search(name))}
    return f"vm-{vmid}-disk-{next(n for n in range(len(taken) + 1) if n not in taken)}"


def copy_of(volume: Volume, **changes: object) -> Volume:
    """A volume like another, without its snapshots."""
    return replace(volume, **{"snapshots": {}, **changes})  # type: ignore[arg-type]
