"""The traffic of the current month, as WHMCS's usage billing asks for it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from peewee import Expression, fn

from bridge.clock import SystemClock
from bridge.database import retry_lost_connection
from bridge.models.companion import TrafficKept, TrafficState
from bridge.models.module import TrafficSample, VmInfo
from bridge.models.whmcs import Service
from bridge.statistics.calendar import Calendar

log = logging.getLogger(__name__)

GIB = 1 << 30
LIVE = frozenset({"Active", "Suspended", "Pending"})
NOTHING = (0, 0)

Bytes = Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Usage:
    """Reads our own tables only: four queries, however many services there are."""

    clock: SystemClock

    @retry_lost_connection
    def of_month(self, server_id: int, tenant: str | None = None) -> dict[str, Any]:
        """Usage of the current month of a server's services (0 = of every server), or of the service with the domain `tenant`.

        `start` and `end` are the month's first and last second; `tenants` has for each domain both metrics in GB (1024³ bytes)
        and `collected`, when its traffic was looked at last; times in epoch seconds.
        """
        calendar = Calendar(self.clock)
        first, following = calendar.month(self.clock.now())
        start, end = calendar.epoch(first), calendar.epoch(following) - 1
        asked = _asked(server_id, tenant)
        in_month = (TrafficSample.date >= first) & (TrafficSample.date < following)
        rows = _sums(TrafficSample, asked & in_month)
        kept = _sums(TrafficKept, asked & (TrafficKept.month == f"{first:%Y-%m}"))
        collected = _collected(asked)
        return {
            "start": int(start),
            "end": int(end),
            "tenants": {
                domain: {
                    "bandwidth_usage_in": _gigabytes(rows, kept, service, 0),
                    "bandwidth_usage_out": _gigabytes(rows, kept, service, 1),
                    # WHMCS files a figure under the month in which it was collected.
                    "collected": int(min(max(collected.get(service, start), start), end)),
                }
                for domain, service in _tenants(asked).items()
            },
        }


def _asked(server_id: int, tenant: str | None) -> Expression:
    asked = Service.domain != ""
    if server_id:
        asked &= Service.server == server_id
    if tenant is not None:
        asked &= Service.domain == tenant
    return asked


def _tenants(asked: Expression) -> dict[str, int]:
    """The service behind each domain. A domain that several services have at the same time is nobody's: nobody pays for others."""
    query = VmInfo.select(Service.id, Service.domain, Service.domainstatus).join(
        Service, on=(Service.id == VmInfo.service_id)
    )
    by_domain: dict[str, list[tuple[int, str, str]]] = {}
    for service, domain, status in cast(Iterable[tuple[int, str, str]], query.where(asked).tuples()):
        by_domain.setdefault(domain.lower(), []).append((service, domain, status))
    found = {}
    for domain, all_of_it in by_domain.items():
        holders = [each for each in all_of_it if each[2] in LIVE] if len(all_of_it) > 1 else all_of_it
        if len(holders) == 1:
            found[holders[0][1]] = holders[0][0]
        elif holders:
            log.warning("usage: services %s have the domain %s; none is told", [each[0] for each in holders], domain)
    return found


def _sums(model: type[TrafficSample] | type[TrafficKept], where: Expression) -> Bytes:
    query = model.select(model.service_id, fn.SUM(model.netin), fn.SUM(model.netout))
    query = query.join(Service, on=(Service.id == model.service_id)).where(where).group_by(model.service_id)
    rows = cast(Iterable[tuple[int, Any, Any]], query.tuples())
    return {service: (int(netin or 0), int(netout or 0)) for service, netin, netout in rows}


def _collected(asked: Expression) -> dict[int, float]:
    query = TrafficState.select(TrafficState.service_id, TrafficState.sampled_at)
    query = query.join(Service, on=(Service.id == TrafficState.service_id)).where(asked)
    return dict(cast(Iterable[tuple[int, float]], query.tuples()))


def _gigabytes(rows: Bytes, kept: Bytes, service: int, which: int) -> float:
    return round((rows.get(service, NOTHING)[which] + kept.get(service, NOTHING)[which]) / GIB, 6)
