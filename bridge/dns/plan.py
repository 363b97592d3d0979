"""What has to be done in which zone, as operations in the order in which they are printed. Pure.

Each operation is a line of the output. What they come to is one list of record sets per zone: where a record is deleted and
written anew in one go, only the new one is sent, so that the name never stops resolving in between.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.dns.names import Ip, classless_octets, is_reverse, pointer_in, within
from providers.dns import Key, RecordSet
from statemachines.ports import HostNames

TYPES = {4: "A", 6: "AAAA"}
POINTER = "PTR"


class Kind(StrEnum):
    """The operations, as they are printed; in this order."""

    FORWARD_DELETE = "fwd-del"
    REVERSE_DELETE = "rev-del"
    FORWARD = "fwd"
    REVERSE = "rev"

    @property
    def is_forward(self) -> bool:
        """Whether it is about A and AAAA records."""
        return self in (Kind.FORWARD, Kind.FORWARD_DELETE)


@dataclass(frozen=True)
class ZoneId:
    """A configured zone as far as planning is concerned."""

    id: int
    name: str


@dataclass(frozen=True)
class Place:
    """One record set in one zone; `ip` is the address of a PTR record."""

    zone_id: int
    key: Key
    ip: Ip | None = None


@dataclass(frozen=True)
class Operation:
    """One line: what is done, in which zone, what the line says behind `zone ← `, and the record sets that it wants.

    `ip` is the address that a PTR record belongs to. `replaced` are keys that a later operation of the plan writes anew.
    `may_be_alias` True = a CNAME may stand there, because a classless zone of the installation holds the record.
    """

    kind: Kind
    zone: ZoneId
    subject: str
    sets: tuple[RecordSet, ...]
    ip: Ip | None = None
    replaced: frozenset[Key] = frozenset()
    may_be_alias: bool = False

    @property
    def decides(self) -> bool:
        """Whether it has the last word on a record."""
        return any(record.key not in self.replaced for record in self.sets)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it writes or deletes."""
        return tuple(Place(self.zone.id, record.key, self.ip) for record in self.sets)


@dataclass(frozen=True)
class Plan:
    """Operations in the order of their lines."""

    operations: tuple[Operation, ...]

    def last_words(self) -> dict[Place, RecordSet]:
        """What each place is to hold in the end."""
        return {
            place: record
            for operation in self.operations
            for place, record in zip(operation.places, operation.sets, strict=True)
        }

    def sets(self) -> dict[int, list[RecordSet]]:
        """What to store in each zone, by the zone's id."""
        found: dict[int, list[RecordSet]] = {}
        for place, record in self.last_words().items():
            found.setdefault(place.zone_id, []).append(record)
        return found

    def without(self, places: Collection[Place]) -> "Plan":
        """The plan without the operations that touch one of `places`."""
        return Plan(tuple(each for each in self.operations if not any(place in places for place in each.places)))


def plan(zones: Iterable[ZoneId], gone: HostNames, wanted: HostNames) -> Plan:
    """All records of `gone` are to go, those of `wanted` to be there, in every zone that matches."""
    ordered = sorted(zones, key=lambda zone: zone.id)
    created = [*_forward(ordered, wanted), *_reverse(ordered, wanted)]
    anew = {(each.zone.id, record.key) for each in created for record in each.sets}
    deleted = [*_forward_deletions(ordered, gone, anew), *_reverse_deletions(ordered, gone, anew)]
    return Plan((*deleted, *created))


def primaries(ips: Sequence[Ip]) -> tuple[Ip, ...]:
    """The addresses that have forward records: the first of each family [C-12]."""
    firsts = (next((ip for ip in ips if ip.version == family), None) for family in TYPES)
    return tuple(ip for ip in firsts if ip is not None)


def _forward(zones: Sequence[ZoneId], names: HostNames) -> Iterator[Operation]:
    addresses = primaries(names.ips)
    for zone in zones:
        for fqdn in names.fqdns:
            if addresses and _is_forward_zone_of(fqdn, zone):
                by_type = {TYPES[ip.version]: (str(ip),) for ip in addresses}
                sets = tuple(RecordSet(fqdn, type, by_type.get(type, ())) for type in TYPES.values())
                yield Operation(Kind.FORWARD, zone, f"{fqdn} ({len(addresses)} IPs)", sets)


def _reverse(zones: Sequence[ZoneId], names: HostNames) -> Iterator[Operation]:
    for zone in zones:
        for ip in names.ips:
            key = _pointer_key(ip, zone)
            name = names.reverse_name(ip)
            if key and name:
                subject = f"{ip.exploded} → {name}"
                sets = (RecordSet(*key, (name,)),)
                yield Operation(Kind.REVERSE, zone, subject, sets, ip, may_be_alias=_delegated(ip, zone, zones))


def _forward_deletions(zones: Sequence[ZoneId], names: HostNames, anew: set[tuple[int, Key]]) -> Iterator[Operation]:
    for zone in zones:
        for fqdn in names.fqdns:
            if _is_forward_zone_of(fqdn, zone):
                sets = tuple(RecordSet(fqdn, type) for type in TYPES.values())
                yield Operation(Kind.FORWARD_DELETE, zone, fqdn, sets, replaced=_replaced(zone, sets, anew))


def _reverse_deletions(zones: Sequence[ZoneId], names: HostNames, anew: set[tuple[int, Key]]) -> Iterator[Operation]:
    for zone in zones:
        for ip in names.ips:
            if key := _pointer_key(ip, zone):
                sets = (RecordSet(*key),)
                alias = _delegated(ip, zone, zones)
                replaced = _replaced(zone, sets, anew)
                yield Operation(Kind.REVERSE_DELETE, zone, ip.exploded, sets, ip, replaced, alias)


def _is_forward_zone_of(fqdn: str, zone: ZoneId) -> bool:
    return not is_reverse(zone.name) and within(fqdn, zone.name)


def _pointer_key(ip: Ip, zone: ZoneId) -> Key | None:
    name = pointer_in(ip, zone.name) if is_reverse(zone.name) else None
    return (name, POINTER) if name else None


def _delegated(ip: Ip, zone: ZoneId, zones: Iterable[ZoneId]) -> bool:
    """Whether a classless zone below `zone` holds the record of `ip`, so that `zone` itself may hold an alias to it."""
    if ip.version == 6:
        return False
    below = (other for other in zones if other.name != zone.name and within(other.name, zone.name))
    return any(int(ip) & 0xFF in classless_octets(other.name, ip) for other in below)


def _replaced(zone: ZoneId, sets: Iterable[RecordSet], anew: set[tuple[int, Key]]) -> frozenset[Key]:
    return frozenset(record.key for record in sets if (zone.id, record.key) in anew)
