"""ISO images on a storage, as one node sees them."""

from typing import Any

from providers.proxmox.calls import Calls
from providers.proxmox.transport import segment

ISO = "iso"

# Of property strings, in which a drive's image stands: `local:iso/a.iso,media=cdrom`.
_SEPARATORS = frozenset(",=")


class Isos(Calls):
    """Find images."""

    def isos(self, node: str, storage: str) -> list[str]:
        """Volume IDs of the images on `storage` (`local:iso/debian-12.iso`), sorted. Left out are those that no drive can name.

        A storage that is not shared has different ones on each node. Permanent when there is no such storage on the node.
        """
        rows: list[dict[str, Any]] = self._api.get(
            f"list the ISO images on storage {storage}",
            f"{self._node(node)}/storage/{segment(storage)}/content",
            heavy=True,
            content=ISO,
        )
        return sorted(volume for row in rows if not _SEPARATORS & set(volume := str(row["volid"])))
