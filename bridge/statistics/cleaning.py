"""Removing rows of the statistics that are older than 35 days; what they held of their month is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from bridge.clock import SystemClock
from bridge.database import lock_rows, retry_lost_connection, transaction
from bridge.models.companion import TrafficKept
from bridge.models.module import TrafficSample
from bridge.tasks import Watch

KEEP = timedelta(days=35)
BATCH = 1000

Totals = dict[tuple[int, str], tuple[int, int]]


@dataclass(frozen=True)
class Cleaning:
    """35 days hold every month whole. The sums are kept for the case that a clock was wrong when rows were removed."""

    clock: SystemClock

    def work(self, watch: Watch) -> int:
        """Remove what is too old, in small transactions by the index on `date`; returns how many rows. May run twice."""
        before = self.clock.local(self.clock.now()).replace(tzinfo=None) - KEEP
        removed = 0
        while count := self._remove(before, watch):
            removed += count
            watch.alive()
        return removed

    @retry_lost_connection
    def _remove(self, before: datetime, watch: Watch) -> int:
        with transaction():
            watch.prove()
            old = lock_rows(
                TrafficSample.select().where(TrafficSample.date < before).order_by(TrafficSample.date).limit(BATCH)
            )
            rows = cast(list[TrafficSample], list(old))
            if rows:
                _keep(_by_month(rows))
                TrafficSample.delete().where(TrafficSample.id.in_([row.id for row in rows])).execute()
        return len(rows)


def _by_month(rows: Iterable[TrafficSample]) -> Totals:
    totals: Totals = {}
    for row in rows:
        if not isinstance(row.date, datetime):
            continue  # a zero date of MySQL
        netin, netout = totals.get(key := (row.service_id, f"{row.date:%Y-%m}"), (0, 0))
        totals[key] = (netin + (row.netin or 0), netout + (row.netout or 0))
    return totals


def _keep(totals: Totals) -> None:
    services, months = {service for service, _ in totals}, {month for _, month in totals}
    here = TrafficKept.service_id.in_(services) & TrafficKept.month.in_(months)
    kept: Totals = {
        (row.service_id, row.month): (row.netin, row.netout) for row in lock_rows(TrafficKept.select().where(here))
    }
    rows = []
    for (service, month), (netin, netout) in totals.items():
        before = kept.get((service, month), (0, 0))
        rows.append({"service_id": service, "month": month, "netin": before[0] + netin, "netout": before[1] + netout})
    TrafficKept.replace_many(rows).execute()  # type: ignore[no-untyped-call]
