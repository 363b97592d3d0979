"""A VM's configuration as `GET config` answers it, read through typed glasses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from providers.proxmox import boot
from providers.proxmox.disk import Disk, Limits
from providers.proxmox.ipconfig import IpConfig
from providers.proxmox.net import NetDevice


def split_tags(text: str) -> frozenset[str]:
    """Tags of a `tags` value; Proxmox separates them by `;`, accepts `,` and space too."""
    return frozenset(re.split(r"[;,\s]+", text)) - {""}


@dataclass(frozen=True)
class VmConfig:
    """One VM's configuration; `raw` is what Proxmox answered.

    Values are the pending ones unless read with `current`. `cipassword` reads back as stars: never write it back.
    """

    raw: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        """The value of any key as text."""
        value = self.raw.get(key)
        return default if value is None else str(value)

    @property
    def name(self) -> str:
        """Name of the VM; empty while it is being cloned."""
        return self.text("name")

    @property
    def description(self) -> str:
        """The VM's notes."""
        return self.text("description")

    @property
    def tags(self) -> frozenset[str]:
        """The VM's tags."""
        return split_tags(self.text("tags"))

    @property
    def lock(self) -> str | None:
        """What holds the VM (clone, backup, migrate …); None when nothing does."""
        return self.text("lock") or None

    @property
    def digest(self) -> str | None:
        """Checksum of the configuration file, to guard a read-modify-write against other editors."""
        return self.text("digest") or None

    @property
    def is_template(self) -> bool:
        """True for templates."""
        return self.text("template") == "1"

    @property
    def is_clone_stub(self) -> bool:
        """True while a clone is being written: name, description and disks are still to come."""
        return self.lock == "clone"

    @property
    def cores(self) -> int:
        """Cores per socket."""
        return int(self.text("cores", "1"))

    @property
    def sockets(self) -> int:
        """CPU sockets."""
        return int(self.text("sockets", "1"))

    @property
    def memory(self) -> int:
        """Memory in MiB. Proxmox 8 writes it as text, and as `current=512` when it grows more keys."""
        match = re.fullmatch(r"(?:.*\bcurrent=)?(\d+).*", self.text("memory", "512"))
        return int(match[1]) if match else 512

    @property
    def sshkeys(self) -> str:
        """The SSH keys in clear, one per line."""
        return unquote(self.text("sshkeys"))

    @cached_property
    def drives(self) -> dict[str, Disk]:
        """All drives by interface, CD-ROM drives included, in the order of buses and slots."""
        keys = sorted((key for key in self.raw if boot.is_interface(key)), key=boot.position)
        return {key: Disk.parse(key, str(self.raw[key])) for key in keys}

    def disks(self) -> list[Disk]:
        """The data disks: no CD-ROM, no cloud-init drive."""
        return [disk for disk in self.drives.values() if not disk.is_cdrom]

    def system_disk(self) -> Disk | None:
        """The disk that the VM boots from."""
        return boot.system_disk(self.raw, self.disks())

    def additional_disk(self) -> Disk | None:
        """The second data disk."""
        system = self.system_disk()
        return next((disk for disk in self.disks() if disk != system), None)

    def new_disk(self, storage: str, size_gb: int, limits: Limits | None = None) -> Disk:
        """A disk to have allocated on `storage` beside the system disk, in the next free slot. Raises ValueError."""
        system = self.system_disk()
        interface = boot.free_interface(list(self.drives), system.interface if system else "scsi0")
        return Disk(interface, f"{storage}:{size_gb}", limits=limits or Limits())

    def unused_volumes(self) -> dict[str, str]:
        """Detached volumes that still belong to the VM, by their `unusedN` key."""
        return {key: str(value) for key, value in self.raw.items() if re.fullmatch(r"unused\d+", key)}

    def cloudinit_drive(self) -> Disk | None:
        """The generated cloud-init drive."""
        return next((disk for disk in self.drives.values() if disk.is_cloudinit), None)

    def cdrom(self) -> Disk | None:
        """The CD-ROM drive: the first one with an image in it, else the first; never the cloud-init drive."""
        drives = [disk for disk in self.drives.values() if disk.is_cdrom and not disk.is_cloudinit]
        return next((disk for disk in drives if disk.medium), drives[0] if drives else None)

    def new_cdrom(self) -> Disk | None:
        """An empty CD-ROM drive to be added; None when no slot is free."""
        interface = boot.free_cdrom_interface(list(self.drives))
        return Disk(interface, "none").with_medium(None) if interface else None

    def boots_from(self, interface: str) -> str:
        """Whether the VM tries to boot from a drive: "first", "later" (after another device), or "no"."""
        order = boot.boot_order(self.raw)
        if interface not in order:
            return "no"
        return "first" if order[0] == interface else "later"

    def net(self, index: int = 0) -> NetDevice | None:
        """Network card `index`; None when the VM has none there."""
        text = self.text(f"net{index}")
        return NetDevice.parse(text) if text else None

    def net_or_new(self, index: int = 0) -> NetDevice:
        """Network card `index`, or a virtio card to be added there; Proxmox gives a new card its MAC."""
        return self.net(index) or NetDevice()

    def ipconfig(self, index: int = 0) -> IpConfig:
        """Cloud-init's addresses of card `index`; empty when none are set."""
        return IpConfig.parse(self.text(f"ipconfig{index}"))
