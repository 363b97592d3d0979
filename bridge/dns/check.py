"""Comparing what every living service should have in the DNS with what the providers hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bridge.dns.holdings import Wanted, living, names_of, wanted_in
from bridge.dns.pending import Pending, Place
from bridge.dns.retries import Retries
from bridge.dns.zones import ConfiguredZone, ZonePool, Zones
from providers.dns import Key
from providers.errors import ProviderError

SERVICES_AT_ONCE = 200

Answer = Mapping[Key, frozenset[str]] | ProviderError


@dataclass(frozen=True)
class Difference:
    """A record set that is not as it should be. `found` None = the zone could not be read, `reason` says why."""

    service_id: int
    zone: ConfiguredZone
    wanted: Wanted
    found: frozenset[str] | None
    reason: str = ""

    @property
    def line(self) -> str:
        """For the admin."""
        record = self.wanted.record
        head = f"service {self.service_id}, {self.zone.label}: {record.name} {record.type}"
        if self.found is None:
            return f"{head} is not known: {self.reason}"
        return f"{head} is {_values(self.found)}, should be {_values(record.values)}"


@dataclass(frozen=True)
class DnsCheck:
    """Compares, and repairs on request."""

    zones: Zones
    pending: Pending
    retries: Retries
    pool: ZonePool

    def differences(self, services: Iterable[int] | None = None) -> Iterator[Difference]:
        """What is not right for `services`, None = all living ones. Nothing is changed.

        Services are taken in pages; each zone is asked once per page.
        """
        for page in _pages(services):
            zones = self.zones.by_id()
            wanted = {service: list(wanted_in([z.id for z in zones.values()], names_of(service))) for service in page}
            by_zone: dict[int, list[tuple[int, Wanted]]] = {}
            for service, records in wanted.items():
                for record in records:
                    by_zone.setdefault(record.zone.id, []).append((service, record))
            jobs = [_reading(zones[zone], [each.record.key for _, each in asked]) for zone, asked in by_zone.items()]
            for (zone_id, asked), answer in zip(by_zone.items(), self.pool.each(jobs), strict=True):
                yield from _compared(zones[zone_id], asked, answer)

    def repair(self, found: Iterable[Difference]) -> int:
        """Write the records that differ; returns how many are right now. What fails stays pending and is tried again."""
        broken = [each for each in found if each.found is not None]
        for each in broken:
            place = Place(each.wanted.zone.id, each.wanted.record.key, each.wanted.ip)
            self.pending.announce(each.service_id, [place], "found wrong by a check", 0.0)
        repaired = 0
        while done := self.retries.work():
            repaired += done
        return min(repaired, len(broken))


def _pages(services: Iterable[int] | None) -> Iterator[list[int]]:
    if services is not None:
        yield list(services)
        return
    last = 0
    while page := living(last, SERVICES_AT_ONCE):
        yield page
        last = page[-1]


def _reading(zone: ConfiguredZone, keys: list[Key]) -> Callable[[], Answer]:
    def read() -> Answer:
        try:
            return zone.records.fetch(keys)
        except ProviderError as error:
            return error

    return read


def _compared(zone: ConfiguredZone, asked: list[tuple[int, Wanted]], answer: Answer) -> Iterator[Difference]:
    for service, wanted in asked:
        if isinstance(answer, ProviderError):
            yield Difference(service, zone, wanted, None, str(answer))
        elif answer.get(wanted.record.key, frozenset()) != frozenset(wanted.record.values):
            yield Difference(service, zone, wanted, answer.get(wanted.record.key, frozenset()))


def _values(values: Iterable[str]) -> str:
    return " ".join(sorted(values)) or "absent"
