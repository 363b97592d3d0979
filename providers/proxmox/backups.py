"""Backups of a VM on the storages of its cluster."""

from typing import Any

from providers.errors import ProviderError
from providers.proxmox.inventory import Inventory
from providers.proxmox.transport import segment

BACKUP = "backup"


class Backups(Inventory):
    """Find and remove."""

    def delete_backups(self, vmid: int, since: float = 0.0) -> int:
        """Remove the backups of a VMID made at or after epoch second `since`; returns how many removals were accepted.

        Older ones belong to a VM that had the VMID before. Goes on after an error and raises the first one at the end.
        """
        removed, problem = 0, None
        for node, storage in self._backup_places():
            try:
                for volume in self._backups(node, storage, vmid, since):
                    path = f"/nodes/{segment(node)}/storage/{segment(storage)}/content/{segment(volume)}"
                    self._api.delete(f"remove backup {volume}", path)
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

    def _backups(self, node: str, storage: str, vmid: int, since: float) -> list[str]:
        rows: list[dict[str, Any]] = self._api.get(
            f"list the backups of VM {vmid} on storage {storage}",
            f"/nodes/{segment(node)}/storage/{segment(storage)}/content",
            heavy=True,
            content=BACKUP,
            vmid=vmid,
        )
        return [str(row["volid"]) for row in rows if int(row.get("ctime") or 0) >= since]
