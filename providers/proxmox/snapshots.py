"""Snapshots of a VM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from providers.errors import NotFound
from providers.proxmox.access import Access
from providers.proxmox.calls import upid_of

CURRENT = "current"  # the entry that every list has besides: the VM as it is now


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. `time` epoch seconds, by the node's clock; `parent` the one before it, empty for none.

    `with_ram` = it holds the memory of the running VM. `complete` False = Proxmox is still making or removing it, or broke
    off while it did: the list shows it from the first moment to the last (PVE::AbstractConfig, `snapstate`).
    """

    name: str
    description: str = ""
    time: int = 0
    with_ram: bool = False
    parent: str = ""
    complete: bool = True

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read one row of `GET …/snapshot`."""
        return cls(
            name=str(row["name"]),
            description=str(row.get("description") or "").rstrip("\n"),
            time=int(row.get("snaptime") or 0),
            with_ram=bool(int(row.get("vmstate") or 0)),
            parent=str(row.get("parent") or ""),
            complete=not row.get("snapstate"),
        )


class Snapshots(Access):
    """List, take, roll back, remove. Each change is a task, and what is wrong with it shows in the task."""

    def snapshots(self, node: str, vmid: int) -> list[Snapshot]:
        """The VM's snapshots, the oldest first, without the entry for the present; empty when the VM is absent."""
        try:
            rows: list[dict[str, Any]] = self._api.get(
                f"list the snapshots of VM {vmid}", f"{self._vm(node, vmid)}/snapshot"
            )
        except NotFound:
            return []
        found = [Snapshot.of(row) for row in rows if row.get("name") != CURRENT]
        return sorted(found, key=lambda snapshot: snapshot.time)

    def take_snapshot(self, node: str, vmid: int, name: str, *, description: str = "", with_ram: bool = False) -> str:
        """Start taking a snapshot; returns the UPID. A second one of the same name fails in the task.

        `name`: 2 to 40 letters, digits, `-` and `_`, a letter first, not "current" or "pending". `with_ram` needs about twice
        the VM's memory on the storage for states, and makes no difference on a stopped VM.
        """
        doing = f"take snapshot {name} of VM {vmid} on node {node}"
        params = {"snapname": name, "description": description or None, "vmstate": 1 if with_ram else None}
        return self._start_task(doing, f"{self._vm(node, vmid)}/snapshot", params)

    def roll_back(self, node: str, vmid: int, name: str) -> str:
        """Start rolling the VM back, which stops it; returns the UPID.

        Disks and configuration become those of the snapshot; the VM's description and its list of unused volumes stay, and a
        disk that the snapshot does not know becomes unused (PVE::AbstractConfig, snapshot_rollback). The VM runs afterwards
        when the snapshot has its memory, else it is stopped. Running it twice discards what was written in between.
        """
        doing = f"roll VM {vmid} on node {node} back to snapshot {name}"
        return self._start_task(doing, f"{self._one(node, vmid, name)}/rollback")

    def delete_snapshot(self, node: str, vmid: int, name: str) -> str:
        """Start removing a snapshot; returns the UPID. A missing one fails in the task."""
        doing = f"remove snapshot {name} of VM {vmid} on node {node}"
        return upid_of(doing, self._api.delete(doing, self._one(node, vmid, name)))

    def _one(self, node: str, vmid: int, name: str) -> str:
        return f"{self._vm(node, vmid)}/snapshot/{quote(name, safe='')}"
