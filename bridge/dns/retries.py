"""Trying again what failed. What a record should be is worked out anew each time, and once more after it was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bridge.dns.holdings import names_of, wanted_at
from bridge.dns.pending import Pending, Place
from bridge.dns.sync import storing
from bridge.dns.zones import ConfiguredZone, ZonePool, Zones
from bridge.models.companion import PendingRecord
from providers.dns import Key, RecordSet
from providers.errors import ProviderError
from statemachines.ports import HostNames, Journal

BATCH = 500


@dataclass(frozen=True)
class _Try:
    """A remembered record and what it should be now."""

    row: PendingRecord
    place: Place
    record: RecordSet


@dataclass(frozen=True)
class Retries:
    """Works on the records that are pending."""

    zones: Zones
    pending: Pending
    journal: Journal
    pool: ZonePool

    def work(self, limit: int = BATCH) -> int:
        """Try up to `limit` records that are due; returns how many are right now. One batch per zone, side by side.

        Safe to run in several processes at once, and while pipelines work on the same records.
        """
        rows = self.pending.take_due(limit)
        if not rows:
            return 0
        zones = self.zones.by_id()
        names = {service_id: names_of(service_id) for service_id in {row.service_id for row in rows}}
        tries = [found for row in rows if (found := self._prepare(row, zones, names[row.service_id]))]
        self._drop(rows, tries)
        by_zone: dict[int, list[_Try]] = {}
        for each in tries:
            by_zone.setdefault(each.place.zone_id, []).append(each)
        jobs = [storing(zones[zone], [each.record for each in group]) for zone, group in by_zone.items()]
        answers = zip(by_zone.items(), self.pool.each(jobs), strict=True)
        return sum(self._settle(zones[zone], group, failed) for (zone, group), failed in answers)

    def _prepare(self, row: PendingRecord, zones: Mapping[int, ConfiguredZone], names: HostNames) -> _Try | None:
        """None when the zone is not configured any more, or the record is another service's by now."""
        zone = zones.get(row.zone_id)
        place = place_of(row)
        record = wanted_at(zone.id, place.key, place.ip, row.service_id, names) if zone else None
        return _Try(row, place, record) if record else None

    def _drop(self, rows: Sequence[PendingRecord], tries: Sequence[_Try]) -> None:
        kept = {each.row.id for each in tries}
        self.pending.forget([row for row in rows if row.id not in kept])

    def _settle(self, zone: ConfiguredZone, group: Sequence[_Try], failed: Mapping[Key, ProviderError]) -> int:
        right = 0
        for each in group:
            error = failed.get(each.place.key)
            self.pending.settle(
                each.row.service_id, [each.place], {(zone.id.id, each.place.key): error} if error else {}
            )
            if error is None:
                right += 1
                self._written(zone, each)
        return right

    def _written(self, zone: ConfiguredZone, each: _Try) -> None:
        """The record is as it should have been; if that has changed meanwhile, it is done again."""
        service_id, place = each.row.service_id, each.place
        now = wanted_at(zone.id, place.key, place.ip, service_id, names_of(service_id))
        if now != each.record:
            self.pending.announce(service_id, [place], "changed while it was written", 0.0)
        told = f"{each.record.name} {each.record.type} {' '.join(each.record.values) or 'deleted'}"
        self.journal.record("dns_retry", f"service {service_id}, {zone.label}", told)


def place_of(row: PendingRecord) -> Place:
    """Where a remembered record is."""
    return Place(row.zone_id, (row.name, row.type), ip_address(row.ip) if row.ip else None)
