"""What the views need of the daemon about traffic."""

from typing import Any, Protocol


class Usage(Protocol):
    """Traffic of the current month."""

    def of_month(self, server_id: int, tenant: str | None = None) -> dict[str, Any]:
        """`start` and `end` of the month, and of each tenant (a service's domain) both metrics in GB and when they were
        `collected`; times in epoch seconds. `server_id` 0 = of every server.
        """
