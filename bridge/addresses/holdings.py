"""What one service holds, as three places tell it: our reservations, WHMCS's texts, and the record's reverse names."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bridge.addresses.errors import AddressProblem, AddressWithoutNetwork
from bridge.addresses.pools import Ip
from bridge.addresses.reservations import Reserved, reserved_by
from bridge.addresses.shown import REMOVED, addresses_in, rev_dns_of
from bridge.addresses.sources import Sources
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from statemachines.ports import Address


@dataclass(frozen=True)
class Holdings:
    """`reserved` by us, `texts` in WHMCS (primary first), `names` in the record; each in the order found there."""

    service_id: int
    reserved: Mapping[Ip, Reserved]
    texts: tuple[Ip, ...]
    names: Mapping[Ip, str]

    @property
    def all_ips(self) -> set[Ip]:
        """Every address that any of the three places tells of."""
        return {*self.reserved, *self.texts, *self.names}

    def ips(self) -> list[Ip]:
        """All addresses of the service, whether their network is known or not: IPv4 first, the primary one in front."""
        found = dict.fromkeys((*self.texts, *self.reserved)) or dict.fromkeys(self.names)
        return sorted(found, key=lambda ip: ip.version)

    def addresses(self, sources: Sources, families: Collection[int] = (4, 6)) -> list[Address]:
        """The addresses of `families` with their networks, IPv4 first, the primary one in front.

        An address that only WHMCS's texts show counts when it has a network: it is the old module's; without one it may be
        an admin's note about a DHCP lease. Raises AddressWithoutNetwork for one that was certainly handed out.
        """
        sure = {*self.reserved, *self.names}
        ips = [ip for ip in self.texts if ip in sure or self._network(ip, sources)]
        ips += [ip for ip in self.reserved if ip not in ips]
        found = [self._with_network(ip, sources) for ip in (ips or self.names) if ip.version in families]
        return sorted(found, key=lambda address: address.family)

    def demand_networks(self, sources: Sources, families: Collection[int]) -> None:
        """Raise AddressWithoutNetwork when the texts show an address of `families` that could only be overwritten."""
        for ip in self.texts:
            if ip.version in families:
                self._with_network(ip, sources)

    def _with_network(self, ip: Ip, sources: Sources) -> Address:
        address = self._network(ip, sources)
        if address is None:
            raise AddressWithoutNetwork(
                f"Address {ip.exploded} of service {self.service_id} is in no pool and no listed address of server "
                f"{sources.server}: its mask and gateway are not known"
            )
        return address

    def _network(self, ip: Ip, sources: Sources) -> Address | None:
        """`ip` with its network as it was given, whatever became of its pool since (IPP-13).

        An address of the legacy list follows its line as long as there is one.
        """
        mine = self.reserved.get(ip)
        given = mine.network if mine and mine.server_id == sources.server_id else None
        if mine is None or given is None:
            return sources.address(ip)
        line = sources.line(ip) if mine.pool_id is None else None
        return line or given


def holdings_of(service_id: int) -> Holdings:
    """Read what a service holds. Raises AddressProblem when WHMCS has no such service."""
    columns = (Service.dedicatedip, Service.assignedips)
    service = Service.select(*columns).where(Service.id == service_id).first()
    if service is None:
        raise AddressProblem(f"Service {service_id} does not exist in WHMCS")
    texts = addresses_in(f"{service.dedicatedip or ''}\n{service.assignedips or ''}")
    record = VmInfo.select(VmInfo.vm_status, VmInfo.vm_rev_dns).where(VmInfo.service_id == service_id).first()
    names = rev_dns_of(record.vm_rev_dns) if record and record.vm_status != REMOVED else {}
    reserved = {mine.ip: mine for mine in reserved_by(service_id)}
    return Holdings(service_id, reserved, tuple(texts), names)


def show(service_id: int, ips: Iterable[Ip], names: Mapping[Ip, str]) -> dict[str, str]:
    """Write what the service holds into WHMCS and into the record; returns the reverse names as stored.

    The first IPv4 address is the dedicated one, or the first IPv6 address of a service without IPv4; all others follow one
    per line, IPv4 before IPv6.
    """
    texts = [ip.exploded for ip in sorted(dict.fromkeys(ips), key=lambda ip: ip.version)]
    Service.update(dedicatedip=texts[0] if texts else "", assignedips="\n".join(texts[1:])).where(
        Service.id == service_id
    ).execute()
    return show_names(service_id, names)


def show_names(service_id: int, names: Mapping[Ip, str]) -> dict[str, str]:
    """Write the reverse names into the record; returns them as stored."""
    stored = {ip.exploded: name for ip, name in names.items()}
    VmInfo.update(vm_rev_dns=json.dumps(stored) if stored else None).where(VmInfo.service_id == service_id).execute()
    return stored
