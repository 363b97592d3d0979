"""What the views of health and metrics need of the rest of the daemon."""

from typing import Protocol


class Observation(Protocol):
    """How the daemon is, for machines that watch it."""

    def missing(self) -> dict[str, str]:
        """What is missing for the installation to work, by subject; empty when nothing is. Never raises."""

    def metrics(self) -> bytes:
        """Prometheus's text format. Never raises for a database that is away."""

    def may_read_metrics(self, caller: str) -> bool:
        """Whether the machine with this address may read the metrics. Never raises."""
