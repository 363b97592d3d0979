"""A VM: its configuration file, what is pending, and whether it runs."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bridge.sandbox.proxmox.guest_system import GuestSystem
from bridge.sandbox.proxmox.traffic import Flow

Config = dict[str, Any]

DISK_KEY = re.compile(r"(?:(?:scsi|virtio|sata|ide)\d+|efidisk0|tpmstate0)")
NET_KEY = re.compile(r"net\d+")
UNUSED_KEY = re.compile(r"unused\d+")


@dataclass
class Run:
    """A running QEMU process. `config` is what it was started with; `ready_at`: when its agent answers, if ever; `flow`: what
    its network cards have counted.
    """

    pid: int
    started_at: float
    config: Config
    ready_at: float | None
    flow: Flow
    paused: bool = False
    addresses: dict[str, str] = field(default_factory=dict)
    system: GuestSystem = field(default_factory=GuestSystem)


@dataclass
class Guest:
    """One VM. `config` values are text, or int for integers and booleans, as the API shows them.

    `unreadable`: a line of the file that its parser refuses; it stays there until the next write. `cloudinit`: what the
    image in the drive was made from, where that differs. `created`: epoch seconds, 0 for always.
    """

    vmid: int
    node: str
    config: Config = field(default_factory=dict)
    pending: Config = field(default_factory=dict)
    pending_delete: list[str] = field(default_factory=list)
    forced: set[str] = field(default_factory=set)
    cloudinit: Config = field(default_factory=dict)
    unreadable: str = ""
    snapshots: dict[str, Config] = field(default_factory=dict)
    run: Run | None = None
    created: float = 0.0

    def delete_later(self, key: str, *, force: bool = False) -> None:
        """Note an option for deletion; with `force` a drive's volume goes with it."""
        if key not in self.pending_delete:
            self.pending_delete.append(key)
        if force:
            self.forced.add(key)

    def keep(self, key: str) -> None:
        """Take back `delete_later`."""
        self.pending_delete = [name for name in self.pending_delete if name != key]
        self.forced.discard(key)

    @property
    def is_template(self) -> bool:
        """Whether the VM is a template."""
        return bool(self.config.get("template"))

    @property
    def lock(self) -> str:
        """The configuration's lock, empty for none."""
        return str(self.config.get("lock", ""))

    @property
    def digest(self) -> str:
        """SHA-1 of the configuration file; the same content has the same digest."""
        return hashlib.sha1(self.file_text().encode()).hexdigest()

    def file_text(self) -> str:
        """The configuration file with its sections."""
        sections = [_section(self.config)]
        if self.pending or self.pending_delete:
            deleted = {"delete": ",".join(sorted(self.pending_delete))} if self.pending_delete else {}
            sections.append("[PENDING]\n" + _section({**deleted, **self.pending}))
        if self.unreadable:
            sections.append(f"[PENDING]\n{self.unreadable}\n")
        if self.cloudinit:
            sections.append("[special:cloudinit]\n" + _section(self.cloudinit))
        sections += [f"[{name}]\n{_section(config)}" for name, config in sorted(self.snapshots.items())]
        return "\n".join(sections)

    def effective(self) -> Config:
        """The configuration with everything pending applied."""
        config = {k: v for k, v in self.config.items() if k not in self.pending_delete}
        return {**config, **self.pending}


def _section(config: Config) -> str:
    lines = [f"#{quote(line, safe=' ')}\n" for line in str(config.get("description", "")).splitlines()]
    lines += [f"{key}: {config[key]}\n" for key in sorted(config) if key != "description"]
    return "".join(lines)


def disk_keys(config: Config) -> list[str]:
    """The keys of all drives, CD-ROMs and cloud-init drives included, sorted."""
    return sorted(key for key in config if DISK_KEY.fullmatch(key))
