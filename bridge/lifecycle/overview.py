"""The installation as a whole, for `kvm-bridge status`: VMs, what waits, who has to act, messages, the rhythm of the work."""

from typing import Any

from peewee import SQL, fn

import bridge
from bridge.clock import SystemClock
from bridge.migrations import pending
from bridge.models.base import proxy
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.observation.health import Health
from bridge.observation.standing import standing
from bridge.settings import Settings
from bridge.tasks import TASKS


def overview(clock: SystemClock, settings: Settings) -> dict[str, Any]:
    """Plain values; times are local stamps, empty = never. The states of all VMs are counted, so it reads one index whole."""
    now = clock.now()
    found = standing(now)

    def seconds(since: float | None) -> int:
        return 0 if since is None else max(0, round(now - since))

    return {
        "version": bridge.__version__,
        "schema_pending": pending(proxy.obj),
        "works": Health(proxy.obj, settings, clock).works,
        "scheduler_seen": _stamp(clock, settings.scheduler_seen()),
        "vms": _by_status(),
        "at_work": sum(found.leases.values()),
        "due": VmWork.select().where(VmWork.due_at <= now).count(),
        "suspended": VmWork.select().where(VmWork.suspended == 1).count(),
        "waiting": found.waiting,
        "waiting_seconds": seconds(found.waiting_since),
        "act": dict(found.act),
        "leases": dict(found.leases),
        "places": dict(found.places),
        "outbox": {state: count for state, count in found.outbox.items() if count},
        "outbox_seconds": seconds(found.outbox_since),
        "dns_pending": found.dns,
        "dns_seconds": seconds(found.dns_since),
        "last_runs": {task.name: _stamp(clock, settings.cron_last_run(task.name)) for task in TASKS},
        "intervals": {task.name: settings.cron_interval(task.name) for task in TASKS},
    }


def _by_status() -> dict[str, int]:
    rows: Any = VmInfo.select(VmInfo.vm_status, fn.COUNT(SQL("1"))).group_by(VmInfo.vm_status).tuples()
    return {value or "none": count for value, count in sorted(rows, key=lambda row: row[0] or "")}


def _stamp(clock: SystemClock, epoch: float | None) -> str:
    return "" if epoch is None else clock.stamp(epoch)
