"""How the installation stands, as numbers for Prometheus, read from the database at each scrape.

Which addresses are in use costs most to find out; it is looked up every five minutes at most.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import peewee
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import bridge
from bridge.addresses.quarantine import Quarantine
from bridge.addresses.sources import readable_pool
from bridge.addresses.usage import usage_of
from bridge.database import DatabaseUnavailable
from bridge.models.module import IpPool
from bridge.observation.standing import Standing, standing
from bridge.settings import Settings
from statemachines.ports import Clock

log = logging.getLogger(__name__)

POOLS_SECONDS = 300.0

Metric = GaugeMetricFamily


class Gauges(Collector):
    """Reads when asked. Safe in several threads."""

    def __init__(self, clock: Clock, settings: Settings, quarantine: Callable[[], Quarantine]) -> None:
        self._clock = clock
        self._settings = settings
        self._quarantine = quarantine
        self._pools: tuple[float, Metric] | None = None

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them; without a database only that it is away."""
        yield _by("kvm_bridge_info", "Version of KVM Bridge", "version", {bridge.__version__: 1})
        try:
            now = self._clock.now()
            found = standing(now)
            metrics = [*_work(found, now), *_messages(found, now), *self._rhythm(found), self._free_addresses(now)]
        except (DatabaseUnavailable, peewee.PeeweeException) as error:
            log.warning("metrics: %s", error)
            metrics = []
        yield _one("kvm_bridge_database_up", "1 when the database answered this scrape", bool(metrics))
        yield from metrics

    def _rhythm(self, found: Standing) -> Iterator[Metric]:
        seen = self._settings.scheduler_seen() or 0.0
        yield _one("kvm_bridge_scheduler_seen_timestamp_seconds", "When a scheduler last showed that it works", seen)
        runs = {name: task.last_run or 0.0 for name, task in found.tasks.items()}
        text = "When a cron task was begun last"
        yield _by("kvm_bridge_task_last_run_timestamp_seconds", text, "task", runs)
        failed = {name: float(task.result == "error") for name, task in found.tasks.items()}
        yield _by("kvm_bridge_task_failed", "1 when the last run of a cron task ended with an error", "task", failed)
        held = {name: float(bool(task.holder)) for name, task in found.tasks.items()}
        yield _by("kvm_bridge_task_lock", "1 while some process runs the cron task", "task", held)

    def _free_addresses(self, now: float) -> Metric:
        known = self._pools
        if known is None or not 0 <= now - known[0] < POOLS_SECONDS:
            known = self._pools = (now, self._count_addresses())
        return known[1]

    def _count_addresses(self) -> Metric:
        """By arithmetic: a /64 costs what a /29 costs."""
        text = "Addresses of a pool that can be handed out"
        metric = GaugeMetricFamily("kvm_bridge_pool_addresses_free", text, labels=["pool", "family"])
        pools = [pool for row in IpPool.select() if (pool := readable_pool(row))]
        for pool, usage in zip(pools, usage_of(pools, self._quarantine()), strict=True):
            free = usage.total - usage.used - usage.quarantined
            metric.add_metric([str(pool.id), f"ipv{pool.family}"], float(free))
        return metric


def _work(found: Standing, now: float) -> Iterator[Metric]:
    yield _one("kvm_bridge_queue_vms", "VMs that are due and that nobody works on", found.waiting)
    text = "Seconds that the VM has waited that is due the longest"
    yield _age("kvm_bridge_queue_age_seconds", text, now, found.waiting_since)
    yield _one("kvm_bridge_leases", "VMs that some process works on", sum(found.leases.values()))
    text = "VMs at a state at which something is to be done"
    yield _by("kvm_bridge_vms_pending", text, "state", found.pending)
    yield _by("kvm_bridge_vms_need_attention", "VMs that wait for somebody to act", "who", found.act)
    places = Counter({"node": 0, "storage": 0})
    for scope, taken in found.places.items():
        places[scope.partition(":")[0]] += taken
    yield _by("kvm_bridge_heavy_operations", "Places taken by heavy operations", "scope", places)


def _messages(found: Standing, now: float) -> Iterator[Metric]:
    yield _by("kvm_bridge_outbox_messages", "Messages to WHMCS that have not left", "state", found.outbox)
    text = "Seconds since the oldest message was recorded that is still to leave"
    yield _age("kvm_bridge_outbox_age_seconds", text, now, found.outbox_since)
    yield _one("kvm_bridge_dns_pending_records", "DNS records that are not right yet", found.dns)
    text = "Seconds since the oldest of them was first not right"
    yield _age("kvm_bridge_dns_pending_age_seconds", text, now, found.dns_since)


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _age(name: str, text: str, now: float, since: float | None) -> Metric:
    return _one(name, f"{text}; 0 = none", 0.0 if since is None else max(0.0, now - since))


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """One number for each value of a label."""
    metric = GaugeMetricFamily(name, text, labels=[label])
    for found, value in values.items():
        metric.add_metric([found], float(value))
    return metric
