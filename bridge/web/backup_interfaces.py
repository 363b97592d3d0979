"""What the views need of the daemon about backups. Each method raises `Refusal` with one line that clients may read."""

from collections.abc import Mapping
from typing import Any, Protocol

from bridge.web.callers import Actor


class Backups(Protocol):
    """The client's backups of one VM. Those are named by an `id` of `show`; any other name is refused."""

    def show(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """Quota, list, schedule, and what is under way."""

    def now(self, service_id: int, actor: Actor, text: str) -> dict[str, Any]:
        """Make one, with a note."""

    def remove(self, service_id: int, actor: Actor, id: str) -> dict[str, Any]:
        """Remove one."""

    def restore(self, service_id: int, actor: Actor, id: str) -> dict[str, Any]:
        """Restore one over the VM."""

    def save_schedule(self, service_id: int, actor: Actor, days: Mapping[str, str]) -> dict[str, Any]:
        """Keep the schedule: times ("HH:MM" or empty) by the number of the enabled day, "0" = Sunday."""
