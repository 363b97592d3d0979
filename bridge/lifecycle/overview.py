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
from bridge.observation.standing import TaskStanding, standing
from bridge.settings import Settings


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
        "last_runs": {name: _stamp(clock, task.last_run) for name, task in found.tasks.items()},
        "tasks": {name: _task(name, task, settings) for name, task in found.tasks.items()},
    }


def _task(name: str, task: TaskStanding, settings: Settings) -> dict[str, Any]:
    """What `last_runs` does not tell; `interval` in minutes, 0 = off."""
    kept = {"result": task.result, "processed": task.processed, "errors": task.errors, "held_by": task.holder}
    return {"interval": settings.cron_interval(name), **kept}


def _by_status() -> dict[str, int]:
    rows: Any = VmInfo.select(VmInfo.vm_status, fn.COUNT(SQL("1"))).group_by(VmInfo.vm_status).tuples()
    return {value or "none": count for value, count in sorted(rows, key=lambda row: row[0] or "")}


def _stamp(clock: SystemClock, epoch: float | None) -> str:
    return "" if epoch is None else clock.stamp(epoch)
