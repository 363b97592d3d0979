"""A small WHMCS installation for the tests of the address book."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.addresses.book import AddressBook
from bridge.addresses.quarantine import Quarantine
from bridge.addresses.sources import pool_of
from bridge.addresses.usage import PoolUsage, usage_of
from bridge.models.companion import AddressReservation
from bridge.models.module import IpPool, VmInfo
from bridge.models.whmcs import Service
from statemachines.package import NetworkSpec
from statemachines.ports import Address, Vm
from tests.factories import make_pool, make_product, make_server, make_service

SERVER, OTHER_SERVER = 19, 20
KVM, HOSTING = 1, 2
HOST = "vm.example.com"


class NoonClock:
    """It is noon until a test lets seconds pass. `quarantine_seconds` is the setting, 0 = no quarantine."""

    def __init__(self, quarantine_seconds: float = 0.0) -> None:
        self.passed = 0.0
        self.quarantine_seconds = quarantine_seconds

    def now(self) -> float:
        return 1_775_000_000.0 + self.passed

    def quarantine(self) -> Quarantine:
        return Quarantine(self.now(), self.quarantine_seconds)


@dataclass(frozen=True)
class Shown:
    """What WHMCS and the record show of a service."""

    dedicated: str
    assigned: list[str]
    names: dict[str, str]


def open_shop(list_: str = "", clock: NoonClock | None = None) -> AddressBook:
    """Two servers, one product of the module and one of another; returns the address book."""
    make_server(id=SERVER, name="pve-waw1", assignedips=list_)
    make_server(id=OTHER_SERVER, name="pve-ber1")
    make_product(id=KVM)
    make_product(id=HOSTING, servertype="cpanel")
    clock = clock or NoonClock()
    return AddressBook(clock, clock.quarantine)


def add_pool(first: str, last: str, gateway: str, mask: int, **more: Any) -> int:
    """A pool of SERVER on vmbr0 without VLAN, unless told otherwise; returns its ID."""
    facts = {"type": "ipv6" if ":" in first else "ipv4", "gateway": gateway, "mask": mask, **more}
    return int(make_pool(facts.pop("server_id", SERVER), address_start=first, address_stop=last, **facts).id)


def add_service(
    service_id: int,
    *,
    dedicated: str = "",
    assigned: str = "",
    names: Mapping[str, str] | None = None,
    vm_status: str | None = "creation",
    product: int = KVM,
    server: int = SERVER,
) -> Vm:
    """A service, with a record unless `vm_status` is None; returns its VM as a run would load it."""
    make_service(id=service_id, userid=1, packageid=product, server=server, dedicatedip=dedicated, assignedips=assigned)
    if vm_status is not None:
        rev_dns = json.dumps(names) if names is not None else None
        VmInfo.create(service_id=service_id, vm_status=vm_status, vm_rev_dns=rev_dns)
    return Vm(service_id=service_id, client_id=1, server_id=server, status=vm_status or "", rev_dns=dict(names or {}))


def static(ipv4: int = 1, ipv6: int = 0, **more: Any) -> NetworkSpec:
    """A network without DHCP that wants so many addresses."""
    return NetworkSpec(ipv4_count=ipv4, ipv6_count=ipv6, **{"dhcp_ipv4": False, "dhcp_ipv6": False, **more})


def usage(pool_id: int, clock: NoonClock | None = None) -> PoolUsage:
    """The use of a pool, without quarantine unless a clock tells of one."""
    (found,) = usage_of([pool_of(IpPool.get_by_id(pool_id))], (clock or NoonClock()).quarantine())
    return found


def texts(addresses: list[Address]) -> list[str]:
    return [address.text for address in addresses]


def shown(service_id: int) -> Shown:
    service = Service.get_by_id(service_id)
    record = VmInfo.get_or_none(VmInfo.service_id == service_id)
    names = json.loads(record.vm_rev_dns or "{}") if record else {}
    return Shown(service.dedicatedip, service.assignedips.split("\n") if service.assignedips else [], names)


def reservations() -> dict[str, int]:
    """Address -> service of everything that is reserved."""
    return {row.address: row.service_id for row in AddressReservation.select()}
