"""The DNS parts of the daemon on a database, with zones in memory and a clock that the test turns."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from bridge.dns.check import DnsCheck
from bridge.dns.connection import Providers
from bridge.dns.credentials import Vault
from bridge.dns.names import Ip, pointer
from bridge.dns.pending import Pending
from bridge.dns.retries import Retries
from bridge.dns.reverse import ReverseNames
from bridge.dns.sync import LONGEST_ROUND, DnsSync
from bridge.dns.zone_admin import ZoneAdmin
from bridge.dns.zones import ZonePool, Zones
from bridge.models.companion import AddressReservation, PendingRecord
from bridge.models.module import DnsZone, VmInfo
from bridge.outbox import Outbox
from bridge.trust import Trust
from statemachines.ports import DnsResult, HostNames
from tests.chaos.clock import VirtualClock
from tests.factories import make_dns_zone, make_product, make_service
from tests.memory_zone import MemoryZone

KEY = "the key of the tests"
HOST = "5546-1.example.com"
NOTHING = HostNames()


@dataclass
class MemoryJournal:
    """The module log, in memory."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def record(self, action: str, request: Any, response: Any) -> None:
        """Keep a row as text."""
        self.rows.append((action, str(request), json.dumps(response) if isinstance(response, dict) else str(response)))

    def of(self, action: str) -> list[tuple[str, str]]:
        """Requests and responses of one action."""
        return [(request, response) for name, request, response in self.rows if name == action]


class Desk:
    """Everything about DNS of one process; `zones` are the zones in memory by id of their row."""

    def __init__(self, key: str | None = KEY) -> None:
        self.clock = VirtualClock()
        self.journal = MemoryJournal()
        self.memory: dict[int, MemoryZone] = {}
        self.lines: list[str] = []
        self.known: dict[str, frozenset[Ip]] = {}
        self.trust = Trust(self.journal)
        self.start(key)

    def start(self, key: str | None = KEY) -> None:
        """A new process: nothing is left but the database and what the providers hold."""
        self.configured = Zones(Providers(Vault(key), self.trust), self.clock.now, self._provide)
        self.pending = Pending(self.clock)
        self.pool = ZonePool(4, per_zone=1)
        self.sync = DnsSync(self.configured, self.journal, self.pending, self.clock.now, self.pool)
        self.retries = Retries(self.configured, self.pending, self.journal, self.pool)
        self.check = DnsCheck(self.configured, self.pending, self.retries, self.pool)
        self.admin = ZoneAdmin(self.configured, self.pending)
        self.reverse = ReverseNames(self.sync, self.pending, Outbox(self.clock), self._resolve)

    def another(self) -> "Desk":
        """Another process of the same installation, with the same providers, at the same time."""
        other = Desk()
        other.clock, other.memory = self.clock, self.memory
        other.start()
        return other

    def _resolve(self, names: Collection[str]) -> dict[str, frozenset[Ip]]:
        return {name: self.known[name] for name in names if name in self.known}

    def _provide(self, row: DnsZone) -> MemoryZone | None:
        return self.memory.get(row.id)

    def zone(self, name: str, provider: str = "powerdns") -> MemoryZone:
        """Configure a zone that is in memory."""
        row = make_dns_zone(zone=name, type=provider)
        self.memory[row.id] = MemoryZone(name.strip("."), provider)
        return self.memory[row.id]

    def refresh(self, service_id: int, names: HostNames, gone: HostNames | None = None) -> DnsResult:
        """What a pipeline asks for: everything of `names` (and `gone`) deleted, then written."""
        return self._whole_round(service_id, gone or names, names)

    def remove(self, service_id: int, names: HostNames) -> DnsResult:
        """What a termination asks for."""
        return self._whole_round(service_id, names, NOTHING)

    def _whole_round(self, service_id: int, gone: HostNames, wanted: HostNames) -> DnsResult:
        running = self.sync.begin(service_id, gone, wanted)
        while (result := running.go_on(self.lines.append)) is None:
            running.wait(LONGEST_ROUND)
        return result

    def later(self, seconds: float = 3600.0) -> int:
        """Let time pass, then try again what failed."""
        self.clock.advance(seconds)
        return self.retries.work()

    @staticmethod
    def outstanding() -> list[tuple[str, str]]:
        """Name and type of every record that is pending."""
        return [(row.name, row.type) for row in PendingRecord.select().order_by(PendingRecord.id)]


def host_names(*ips: str, fqdn: str = HOST, reverse: Mapping[str, str] | None = None) -> HostNames:
    """A VM's names."""
    return HostNames((fqdn,), tuple(map(ip_address, ips)), reverse or {})


def living_service(
    *ips: str, status: str = "ready", domain: str = HOST, names: Mapping[str, str] | None = None, **columns: Any
) -> int:
    """A service whose VM holds `ips`."""
    texts = [ip_address(ip).exploded for ip in ips]
    product = columns.pop("packageid", None) or make_product().id
    service = make_service(
        packageid=product,
        domain=domain,
        dedicatedip=texts[0] if texts else "",
        assignedips="\n".join(texts[1:]),
        **columns,
    )
    reverse = {text: (names or {}).get(text, domain) for text in texts}
    VmInfo.create(service_id=service.id, vm_status=status, vm_rev_dns=json.dumps(reverse))
    hold(service.id, *texts)
    return int(service.id)


def hold(service_id: int, *ips: str) -> None:
    """Reserve addresses for a service."""
    for position, ip in enumerate(map(ip_address, ips)):
        AddressReservation.create(
            address=ip.exploded,
            service_id=service_id,
            server_id=1,
            family=ip.version,
            position=position,
            reserved_at=0.0,
        )


def ptr(ip: str) -> tuple[str, str]:
    """The key of an address's PTR record."""
    return pointer(ip_address(ip)), "PTR"
