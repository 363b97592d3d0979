"""The DNS of an installation: zones of two providers that remember their records; their calls pass the gate as those to Proxmox do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address

import requests

from bridge.dns.names import pointer
from bridge.models.module import DnsZone
from providers.dns import Key, RecordSet
from providers.errors import AuthFailed, ProviderError, Rejected, Unreached
from tests.chaos.gate import Gate
from tests.factories import make_dns_zone
from tests.memory_zone import MemoryZone

ZONES = (
    ("example.com", "powerdns"),
    ("130.168.192.in-addr.arpa", "hestiacp"),
    ("8.b.d.0.1.0.0.2.ip6.arpa", "powerdns"),
)


class Trouble(StrEnum):
    """What goes wrong with a store."""

    UNREACHED = "nothing is stored, and the zone is left alone for a while"
    REFUSED = "nothing is stored"
    ANSWER_LOST = "all is stored, and nobody knows"
    HALF = "all but the last record set is stored, which is refused"
    BUG = "the adapter breaks"


@dataclass
class Fault:
    """`trouble` for `times` stores in zones whose name ends with `zone`, after the first `after` of them."""

    trouble: Trouble
    zone: str = ""
    after: int = 0
    times: int = 1

    def strikes(self, zone: str) -> bool:
        """Whether this store is one of them; it is counted."""
        if not zone.endswith(self.zone) or not self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class GatedZone:
    """A zone whose calls may go wrong, or be the last ones of the process."""

    inner: MemoryZone
    gate: Gate
    served: list[str]
    faults: list[Fault]

    @property
    def name(self) -> str:
        """The zone's."""
        return self.inner.name

    @property
    def provider(self) -> str:
        """The zone's."""
        return self.inner.provider

    def test(self) -> None:
        """As the zone."""
        self.inner.test()

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """What the zone holds."""
        return self.inner.fetch(keys)

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Store, if nothing happens before; a lost answer is an error although the records are there."""
        self.served.append(self.name)
        try:
            self.gate.before(f"DNS {self.name}")
            failed = self._store(sets)
            self.gate.after(f"DNS {self.name}")
        except requests.exceptions.ConnectionError as error:
            return {wanted.key: Unreached(str(error), outcome_unknown=True) for wanted in sets}
        return failed

    def _store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        struck = [fault.trouble for fault in self.faults if fault.strikes(self.name)]
        match struck[0] if struck else None:
            case Trouble.UNREACHED:
                return _all_fail(sets, Unreached("dns.example.net refuses connections"))
            case Trouble.REFUSED:
                return _all_fail(sets, AuthFailed("dns.example.net: Unauthorized"))
            case Trouble.ANSWER_LOST:
                self.inner.store(sets)
                return _all_fail(sets, Unreached("dns.example.net did not answer in time", outcome_unknown=True))
            case Trouble.HALF:
                return {**self.inner.store(sets[:-1]), **_all_fail(sets[-1:], Rejected("dns.example.net: no"))}
            case Trouble.BUG:
                raise KeyError("rrsets")
            case None:
                return self.inner.store(sets)


def _all_fail(sets: Sequence[RecordSet], error: ProviderError) -> dict[Key, ProviderError]:
    return {wanted.key: error for wanted in sets}


@dataclass
class Names:
    """The zones by name; what is in them outlives the daemon. `served` are the names of zones in which something was stored."""

    zones: dict[str, MemoryZone] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)
    faults: list[Fault] = field(default_factory=list)

    def install(self) -> None:
        """Configure the zones as an admin does."""
        for name, provider in ZONES:
            self.add(name, provider)

    def add(self, name: str, provider: str) -> None:
        """Configure one more zone."""
        make_dns_zone(zone=name, type=provider)
        self.zones[name] = MemoryZone(name, provider)

    def provide(self, row: DnsZone) -> GatedZone:
        """The zone of a row."""
        return GatedZone(self.zones[row.zone], self.gate, self.served, self.faults)

    @property
    def forward(self) -> dict[str, list[str]]:
        """Host name -> addresses in their stored form, IPv4 first."""
        found: dict[str, list[str]] = {}
        for (name, _), values in sorted(self._records("A", "AAAA").items(), key=lambda item: (item[0][1], item[0])):
            found.setdefault(name, []).extend(ip_address(value).exploded for value in sorted(values))
        return found

    def reverse(self, addresses: Collection[str], zone: str = "") -> dict[str, str]:
        """Address -> its reverse name, for those of `addresses` that have one (in `zone`)."""
        pointers = self.zones[zone].records if zone else self._records("PTR")
        found = {address: pointers.get((pointer(ip_address(address)), "PTR")) for address in addresses}
        return {address: next(iter(names)) for address, names in found.items() if names}

    @property
    def pointers(self) -> int:
        """Number of PTR records."""
        return len(self._records("PTR"))

    @property
    def broken(self) -> bool:
        """Whether no provider can be reached."""
        return any(zone.failing for zone in self.zones.values())

    @broken.setter
    def broken(self, value: bool) -> None:
        for zone in self.zones.values():
            zone.failing = Unreached("dns.example.net refuses connections") if value else None

    def _records(self, *types: str) -> dict[Key, frozenset[str]]:
        return {key: values for zone in self.zones.values() for key, values in zone.records.items() if key[1] in types}
