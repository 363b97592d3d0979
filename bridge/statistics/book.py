"""The tables behind the counting: how far each service is counted, and the documented rows of its hours."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from peewee import fn

from bridge.database import lock_rows, retry_lost_connection, transaction
from bridge.models.companion import TrafficState
from bridge.models.module import TrafficSample
from bridge.statistics.calendar import Hours
from bridge.statistics.counting import Known, Reading

BATCH = 500  # services in one transaction


@dataclass(frozen=True)
class Page:
    """What is written about one service. `counted_elsewhere`: rows were added that are not ours, so the old module counts, too.

    `last` is the hour of the newest row of anybody, None = there is none.
    """

    server_id: int
    vmid: int
    known: Known
    newest: datetime | None
    last: datetime | None

    @property
    def counted_elsewhere(self) -> bool:
        """Whether there is a row newer than the newest of ours."""
        return self.last is not None and self.newest is not None and self.last > self.newest


@dataclass(frozen=True)
class Entry:
    """What a collection adds for one service; it holds only while the service is still as it was at `before`."""

    service_id: int
    server_id: int
    vmid: int
    before: float | None
    known: Known
    hours: Hours
    newest: datetime | None


@retry_lost_connection
def newest_rows(services: Collection[int]) -> dict[int, datetime]:
    """The hour of the newest row of each service that has one."""
    rows = TrafficSample.select(TrafficSample.service_id, fn.MAX(TrafficSample.date))
    found = rows.where(TrafficSample.service_id.in_(services)).group_by(TrafficSample.service_id).tuples()
    dated = cast(Iterable[tuple[int, Any]], found)
    return {service: _moment(date) for service, date in dated if date is not None}


@retry_lost_connection
def pages(services: Collection[int]) -> dict[int, Page]:
    """The pages of those services that have been collected before. Two queries."""
    last = newest_rows(services)
    return {
        row.service_id: Page(row.server_id, row.vmid, _known(row), row.newest_hour, last.get(row.service_id))
        for row in TrafficState.select().where(TrafficState.service_id.in_(services))
    }


@retry_lost_connection
def write(entries: Sequence[Entry], prove: Callable[[], None]) -> set[int]:
    """Add the entries in one transaction that begins with `prove`; returns the services of those that were added.

    An entry whose service was collected by somebody else meanwhile is left out: what it would add is in there already. So is
    one that this unit has added before it ran again.
    """
    with transaction():
        prove()
        wanted = [entry.service_id for entry in entries]
        states = lock_rows(TrafficState.select().where(TrafficState.service_id.in_(wanted)))
        found: dict[int, float] = {row.service_id: row.sampled_at for row in states}
        fresh = [entry for entry in entries if found.get(entry.service_id) == entry.before]
        if fresh:
            _add_hours(fresh)
            TrafficState.replace_many([_row(entry) for entry in fresh]).execute()  # type: ignore[no-untyped-call]
    return {entry.service_id for entry in entries if found.get(entry.service_id) in (entry.before, entry.known.at)}


def _add_hours(entries: Iterable[Entry]) -> None:
    """Add to the rows that are there, and make those that are not. The states are locked, so nobody else adds to them."""
    to_add = {
        (entry.service_id, hour): (entry.vmid, traffic) for entry in entries for hour, traffic in entry.hours.items()
    }
    services, hours = {service for service, _ in to_add}, {hour for _, hour in to_add}
    changed = []
    for row in TrafficSample.select().where(
        TrafficSample.service_id.in_(services) & TrafficSample.date.in_(sorted(hours))
    ):
        if row.date is None or (row.service_id, row.date) not in to_add:
            continue
        _, (netin, netout) = to_add.pop((row.service_id, row.date))
        if netin or netout:
            row.netin, row.netout = (row.netin or 0) + netin, (row.netout or 0) + netout
            changed.append(row)
    if changed:
        columns = [TrafficSample.netin, TrafficSample.netout]
        TrafficSample.bulk_update(changed, columns, batch_size=BATCH)  # type: ignore[no-untyped-call]
    new = [_sample(service, hour, *what) for (service, hour), what in to_add.items()]
    for begin in range(0, len(new), BATCH):
        TrafficSample.insert_many(new[begin : begin + BATCH]).execute()


def _sample(service: int, hour: datetime, vmid: int, traffic: tuple[int, int]) -> Mapping[str, Any]:
    return {"service_id": service, "vm_id": vmid, "date": hour, "netin": traffic[0], "netout": traffic[1]}


def _known(row: TrafficState) -> Known:
    process = None
    if row.seen_at is not None:
        process = Reading(row.seen_at, row.node or "", row.uptime, row.netin, row.netout)
    return Known(row.sampled_at, row.open_since, process)


def _row(entry: Entry) -> Mapping[str, Any]:
    known, process = entry.known, entry.known.process
    row: dict[str, Any] = {
        "service_id": entry.service_id,
        "server_id": entry.server_id,
        "vmid": entry.vmid,
        "sampled_at": known.at,
    }
    row |= {"open_since": known.open_since, "newest_hour": entry.newest}
    seen: dict[str, Any] = dict.fromkeys(("seen_at", "node")) | dict.fromkeys(("uptime", "netin", "netout"), 0)
    if process is not None:
        seen = {"seen_at": process.at, "node": process.node, "uptime": process.uptime}
        seen |= {"netin": process.netin, "netout": process.netout}
    return row | seen


def _moment(value: Any) -> datetime:
    """SQLite gives the text of a MAX."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
