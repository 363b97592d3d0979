"""What the views need of the daemon about snapshots."""

from collections.abc import Mapping
from typing import Any, Protocol

from bridge.web.callers import Actor


class Snapshots(Protocol):
    """Snapshots as clients handle them. Each method raises `Refusal` with one line that clients may read: as `vm_interfaces.Clients`,
    and when the limit is reached, the storage cannot do it, or the snapshot does not exist.
    """

    def list(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """Count and limit, the snapshots, newest first, whether one can be taken, and the weekly schedule."""

    def take(self, service_id: int, actor: Actor, description: str, with_ram: bool) -> dict[str, Any]:
        """Take one; its name, or that it goes on by itself."""

    def roll_back(self, service_id: int, actor: Actor, name: str) -> dict[str, Any]:
        """Roll the VM back to one."""

    def remove(self, service_id: int, actor: Actor, name: str) -> dict[str, Any]:
        """Remove one for good."""

    def save_schedule(self, service_id: int, actor: Actor, days: Mapping[str, str]) -> dict[str, Any]:
        """Take them weekly on these days (0 = Sunday), at these times; the schedule as it was stored."""
