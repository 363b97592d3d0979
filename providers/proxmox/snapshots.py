"""Snapshots of a VM."""

from typing import Any
from urllib.parse import quote

from providers.errors import NotFound
from providers.proxmox.access import Access

CURRENT = "current"  # the entry that every list ends with: the VM as it is now


class Snapshots(Access):
    """List and remove."""

    def snapshots(self, node: str, vmid: int) -> list[str]:
        """Names of the VM's snapshots, the oldest first; empty when the VM is absent."""
        try:
            rows: list[dict[str, Any]] = self._api.get(
                f"list the snapshots of VM {vmid}", f"{self._vm(node, vmid)}/snapshot"
            )
        except NotFound:
            return []
        found = [row for row in rows if row.get("name") != CURRENT]
        return [str(row["name"]) for row in sorted(found, key=lambda row: int(row.get("snaptime") or 0))]

    def delete_snapshot(self, node: str, vmid: int, name: str) -> str:
        """Remove a snapshot; returns the UPID. A missing one fails in the task."""
        path = f"{self._vm(node, vmid)}/snapshot/{quote(name, safe='')}"
        return str(self._api.delete(f"remove snapshot {name} of VM {vmid} on node {node}", path))
