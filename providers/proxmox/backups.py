"""Backups of a VM on the storages of its cluster: found, made, removed, restored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from providers.errors import ProviderError
from providers.proxmox.backup_note import BackupNote
from providers.proxmox.inventory import Inventory
from providers.proxmox.mark import Mark
from providers.proxmox.transport import Params, segment
from providers.proxmox.vmconfig import VmConfig

BACKUP = "backup"

# PVE::Storage::Plugin: files in a folder, and snapshots of a Proxmox Backup Server. Containers' have lxc and ct instead.
_VOLUME = re.compile(
    r"(?P<storage>[A-Za-z][A-Za-z0-9._-]*):backup/(?:vzdump-qemu-(?P<file>[1-9]\d{2,8})-[^/]+|vm/(?P<pbs>[1-9]\d{2,8})/[^/]+)"
)


@dataclass(frozen=True)
class Backup:
    """One backup of a VM. `made` epoch seconds, `size` bytes; `protected` True = nobody can remove it, we neither."""

    volid: str
    made: int
    size: int
    note: BackupNote
    protected: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read one row of a storage's content."""
        return cls(
            volid=str(row["volid"]),
            made=int(row.get("ctime") or 0),
            size=int(row.get("size") or 0),
            note=BackupNote.read(str(row.get("notes") or "")),
            protected=bool(int(row.get("protected") or 0)),
        )


def owner_of(volid: str) -> int | None:
    """The VMID whose backup a volume id names; None when it is no backup of a VM."""
    match = _VOLUME.fullmatch(volid)
    return int(match["file"] or match["pbs"]) if match else None


class Backups(Inventory):
    """Calls about the backups of one VM."""

    def backups(self, node: str, storage: str, vmid: int, since: float = 0.0) -> list[Backup]:
        """The backups of a VMID on a storage as `node` sees it, the oldest first.

        Those made before epoch second `since` are left out: they belong to a VM that had the VMID before.
        """
        rows: list[dict[str, Any]] = self._api.get(
            f"list the backups of VM {vmid} on storage {storage}",
            f"/nodes/{segment(node)}/storage/{segment(storage)}/content",
            heavy=True,
            content=BACKUP,
            vmid=vmid,
        )
        found = [Backup.of(row) for row in rows if owner_of(str(row["volid"])) == vmid]
        return sorted((each for each in found if each.made >= since), key=lambda each: (each.made, each.volid))

    def backup(self, node: str, vmid: int, storage: str, *, text: str, mark: Mark, purpose: str, id: str) -> str:
        """Start backing the VM up; returns the UPID. The rest is what its notes say, see `BackupNote`.

        Proxmox removes no other backup for it, whatever its own rules say.

        A node makes one backup after the other; until its turn comes the task runs, and the VM carries no lock. Running it
        twice makes two backups.
        """
        params: Params = {
            "vmid": vmid,
            "storage": storage,
            "mode": "snapshot",
            "compress": "zstd",
            "remove": 0,
            "notes-template": BackupNote(text, mark, purpose, id).as_template(),
        }
        return self._start_task(f"back up VM {vmid} on node {node}", f"{self._node(node)}/vzdump", params)

    def delete_backup(self, node: str, volid: str) -> str:
        """Start removing a backup; returns the UPID. One that is gone already is no error, a protected one is, in the task."""
        storage = volid.partition(":")[0]
        path = f"{self._node(node)}/storage/{segment(storage)}/content/{segment(volid)}"
        return str(self._api.delete(f"remove backup {volid}", path))

    def archived_config(self, node: str, volid: str) -> VmConfig:
        """The configuration that the backup would bring back. Its description is where our mark was at that time."""
        text = self._api.get(
            f"read the configuration in backup {volid}",
            f"{self._node(node)}/vzdump/extractconfig",
            heavy=True,
            volume=volid,
        )
        return VmConfig(_parse(str(text)))

    def restore(self, node: str, vmid: int, volid: str, storage: str | None = None) -> str:
        """Start restoring a backup over the VM, which has to be stopped, or as this VMID; returns the UPID.

        All disks of the VM are replaced, and its configuration and firewall become those of the backup. `storage` takes all
        disks; None = each goes to where it was. Cards keep their MAC address. May run twice: the same comes back again.
        """
        params: Params = {"vmid": vmid, "archive": volid, "force": 1, "storage": storage}
        return self._start_task(
            f"restore VM {vmid} on node {node} from backup {volid}", f"{self._node(node)}/qemu", params
        )

    def delete_backups(self, vmid: int, since: float = 0.0) -> int:
        """Remove the backups of a VMID made at or after epoch second `since`; returns how many removals were accepted.

        Older ones belong to a VM that had the VMID before. Goes on after an error and raises the first one at the end.
        """
        removed, problem = 0, None
        for node, storage in self._backup_places():
            try:
                for backup in self.backups(node, storage, vmid, since):
                    self.delete_backup(node, backup.volid)
                    removed += 1
            except ProviderError as error:
                problem = problem or error
        if problem:
            raise problem
        return removed

    def _backup_places(self) -> list[tuple[str, str]]:
        """Each storage that takes backups, once: a shared one on any node, a local one on every node that has it."""
        places: dict[tuple[str, str], tuple[str, str]] = {}
        for storage in self.storages():
            if storage.active and BACKUP in storage.content:
                key = ("", storage.name) if storage.shared else (storage.node, storage.name)
                places.setdefault(key, (storage.node, storage.name))
        return list(places.values())


def _parse(text: str) -> dict[str, str]:
    """The first section of a VM's configuration file; comments at its head are the description, percent-encoded."""
    config: dict[str, str] = {}
    description: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            break
        if line.startswith("#") and not line.startswith("#qmdump#"):
            description.append(unquote(line[1:]))
            continue
        key, separator, value = line.partition(":")
        if separator and not line.startswith("#"):
            config[key.strip()] = value.strip()
    if description:
        config["description"] = "\n".join(description)
    return config
