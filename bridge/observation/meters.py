"""What this process has done, as numbers for Prometheus: counted where it happens, kept in memory.

Several processes of the web role share files in the folder that PROMETHEUS_MULTIPROC_DIR names, so that each of them can show
the sum of all; the library looks at that variable when it is imported.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from providers.proxmox import ApiCall, Observer

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
OK = "ok"


class Meters:
    """The counters of one process. Names of steps are those of the tables, servers are ids: labels stay few."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "kvm_bridge_step_duration_seconds",
            "Seconds from the beginning of a step to its end in one run, waiting included",
            ["step"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._steps = Counter(
            "kvm_bridge_steps", "Steps that have ended, by outcome", ["step", "outcome"], registry=self.registry
        )
        self._calls = Counter(
            "kvm_bridge_proxmox_calls",
            "Calls to Proxmox that have ended: ok, or the kind of the error",
            ["server", "method", "outcome"],
            registry=self.registry,
        )

    def step(self, name: str, outcome: str, seconds: float) -> None:
        """Implements `statemachines.engine.StepObserver`."""
        self._seconds.labels(name).observe(seconds)
        self._steps.labels(name, outcome).inc()

    def proxmox(self, server_id: int) -> Observer:
        """The observer of the calls to one server."""

        def count(call: ApiCall) -> None:
            self._calls.labels(str(server_id), call.method, call.error.kind if call.error else OK).inc()

        return count

    def text(self, *more: Collector) -> bytes:
        """Everything in Prometheus's text format, that of `more` collectors at its end."""
        extra = CollectorRegistry()
        for collector in more:
            extra.register(collector)
        return generate_latest(self._counted()) + generate_latest(extra)

    def _counted(self) -> CollectorRegistry:
        if not os.environ.get(SHARED_FOLDER):
            return self.registry
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
        return of_all
