"""Trying again what failed. What a record should be is worked out anew each time, and once more after it was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bridge.dns.connection import REST_SECONDS
from bridge.dns.holdings import Right, right_now
from bridge.dns.pending import Pending
from bridge.dns.plan import Place
from bridge.dns.sync import MEANWHILE, begin_storing, is_alias
from bridge.dns.zones import ConfiguredZone, ZonePool, Zones
from bridge.models.companion import PendingRecord
from providers.dns import Key
from providers.errors import ProviderError
from statemachines.ports import Journal

BATCH = 500


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
        return self.attempt(self.pending.take_due(limit))

    def attempt(self, rows: Sequence[PendingRecord]) -> int:
        """Try these records, which are all taken; returns how many are right now.

        Those of a zone that is left alone for a while wait for its end, which is no try.
        """
        if not rows:
            return 0
        zones = self.zones.by_id()
        self.pending.forget([row for row in rows if row.zone_id not in zones])
        resting = {zone_id for zone_id, zone in zones.items() if zone.resting}
        self.pending.put_off([row for row in rows if row.zone_id in resting], REST_SECONDS)
        open_to_us = zones.keys() - resting
        tried = self._right_now(zones, {place_of(row): row.service_id for row in rows if row.zone_id in open_to_us})
        by_zone: dict[int, dict[Place, Right]] = {}
        for place, right in tried.items():
            by_zone.setdefault(place.zone_id, {})[place] = right
        at_work = {
            zone_id: begin_storing(self.pool, zones[zone_id], [right.record for right in group.values()])
            for zone_id, group in by_zone.items()
        }
        return sum(
            self._settle(zones, zones[zone_id], by_zone[zone_id], future.result())
            for zone_id, future in at_work.items()
        )

    def _settle(
        self,
        zones: Mapping[int, ConfiguredZone],
        zone: ConfiguredZone,
        tried: Mapping[Place, Right],
        failed: Mapping[Key, ProviderError],
    ) -> int:
        """Write down what became of the tries; what should be something else by now is tried again at once."""
        errors = {place: failed[place.key] for place, right in tried.items() if _has_failed(right, failed)}
        now = self._right_now(zones, {place: right.service_id for place, right in tried.items()})
        moved = {
            place: now[place].service_id
            for place, right in tried.items()
            if place not in errors and now[place].record != right.record
        }
        for service_id in {right.service_id for right in now.values()}:
            mine = [place for place, right in now.items() if right.service_id == service_id and place not in moved]
            self.pending.settle(service_id, mine, {place: errors[place] for place in mine if place in errors})
        if moved:
            self.pending.announce(moved, MEANWHILE, 0.0)
        right = [place for place in tried if place not in errors and place not in moved]
        for place in right:
            self._tell(zone, tried[place])
        return len(right)

    def _tell(self, zone: ConfiguredZone, right: Right) -> None:
        told = f"{right.record.name} {right.record.type} {' '.join(right.record.values) or 'deleted'}"
        self.journal.record("dns_retry", f"service {right.service_id}, {zone.label}", told)

    @staticmethod
    def _right_now(zones: Mapping[int, ConfiguredZone], places: Mapping[Place, int]) -> dict[Place, Right]:
        return right_now([zone.id for zone in zones.values()], places)


def place_of(row: PendingRecord) -> Place:
    """Where a remembered record is."""
    return Place(row.zone_id, (row.name, row.type), ip_address(row.ip) if row.ip else None)


def _has_failed(right: Right, failed: Mapping[Key, ProviderError]) -> bool:
    """An alias that stands where a classless zone of ours explains it is no failure."""
    error = failed.get(right.record.key)
    return error is not None and not is_alias(right.may_be_alias, error)
