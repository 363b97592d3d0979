"""Comparing what every living service should have in the DNS with what the providers hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.dns.holdings import Wanted, living, names_of, wanted_in
from bridge.dns.pending import FIRST_PAUSE, Pending
from bridge.dns.plan import Place, ZoneId
from bridge.dns.retries import BATCH, Retries
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
            by_zone: dict[int, list[tuple[int, Wanted]]] = {}
            for service, wanted in _wanted_by([zone.id for zone in zones.values()], page):
                by_zone.setdefault(wanted.zone.id, []).append((service, wanted))
            jobs = {
                zone_id: _reading(zones[zone_id], [wanted.record.key for _, wanted in asked])
                for zone_id, asked in by_zone.items()
            }
            for zone_id, answer in self.pool.each(jobs):
                yield from _compared(zones[zone_id], by_zone[zone_id], answer)

    def repair(self, found: Iterable[Difference]) -> int:
        """Write the records that differ, each once; returns how many are right now. What fails stays pending and is tried again."""
        broken = {_place(each.wanted): each.service_id for each in found if each.found is not None}
        places, repaired = list(broken), 0
        for first in range(0, len(places), BATCH):
            batch = places[first : first + BATCH]
            self.pending.announce({place: broken[place] for place in batch}, "found wrong by a check", FIRST_PAUSE)
            repaired += self.retries.attempt(self.pending.take(batch))
        return repaired


def _wanted_by(zones: Sequence[ZoneId], services: Iterable[int]) -> Iterator[tuple[int, Wanted]]:
    """Each record set that a service should have. An alias in the zone above a classless one is as right as a record."""
    for service in services:
        yield from ((service, wanted) for wanted in wanted_in(zones, names_of(service)) if not wanted.may_be_alias)


def _place(wanted: Wanted) -> Place:
    return Place(wanted.zone.id, wanted.record.key, wanted.ip)


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
