"""The address book: hands addresses out, tells what a service holds, and takes addresses back.

Implements `statemachines.ports.Addresses`. What decides is the database: the unique key on the address in
`kvm_bridge_address`. A reservation, the service's `dedicatedip` and `assignedips`, and the record's `vm_rev_dns` are written
in one transaction, so a reserved address is always shown, and a reservation that is shown nowhere is over.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bridge.addresses import reservations
from bridge.addresses.choice import Wanted, choose
from bridge.addresses.errors import AddressHeldTwice, NoFreeAddress
from bridge.addresses.holdings import Holdings, holdings_of, show, show_names
from bridge.addresses.lookout import Lookout
from bridge.addresses.pools import Ip
from bridge.addresses.quarantine import Quarantine, no_quarantine
from bridge.addresses.sources import Sources, sources_of
from bridge.database import lock_row, retry_lost_connection, transaction
from bridge.models.whmcs import Server, Service
from statemachines.errors import Temporary
from statemachines.package import NetworkSpec
from statemachines.ports import Address, Clock, Vm

TRIES = 20


class _Overtaken(Exception):
    """Somebody took an address between our look and our reservation."""


@dataclass
class _Occupied:
    """What is in use, seen by the order of one service. What services show is read once per range, reservations each time."""

    service_id: int
    lookout: Lookout
    quarantine: Quarantine
    _shown: dict[tuple[Ip, Ip], set[int]] = field(default_factory=dict)

    def taken(self, first: Ip, last: Ip) -> set[int]:
        held = self.shown(first, last) | reservations.reserved_between(first, last)
        # Read after the reservations: what is given back in between is in one of the two.
        return held | self.quarantined(first, last)

    def quarantined(self, first: Ip, last: Ip) -> set[int]:
        return self.quarantine.numbers(first, last, besides=self.service_id)

    def shown(self, first: Ip, last: Ip) -> set[int]:
        if (first, last) not in self._shown:
            seen = self.lookout.shown_between(first, last)
            self._shown[first, last] = {number for service, number in seen if service != self.service_id}
        return self._shown[first, last]


class AddressBook:
    """The addresses of all services of the installation. `quarantine` tells how it stands at the moment of the question."""

    def __init__(self, clock: Clock, quarantine: Callable[[], Quarantine] = no_quarantine) -> None:
        self._clock = clock
        self._quarantine = quarantine
        self._lookout = Lookout(clock)

    def allocate(self, vm: Vm, network: NetworkSpec, hostname: str) -> list[Address]:
        """Hold as many addresses as `network` wants, with `hostname` as their reverse name; returns all that are held.

        What the service holds already, also from the old module, stays and counts; nothing is taken away. A family on DHCP
        gets none and has none in the result. Sets `vm.rev_dns`. May run twice. Raises an AddressProblem.
        """
        if not (network.wanted_ipv4 or network.wanted_ipv6):
            return []
        order = _Order(vm.service_id, vm.server_id, network, hostname, self._clock.now(), self._lookout)
        for _ in range(TRIES):
            try:
                held, vm.rev_dns = order.fulfil(self._quarantine())
            except _Overtaken:
                continue
            return held
        raise Temporary(f"Addresses of server {vm.server_id} were taken by other orders {TRIES} times. Will retry.")

    @retry_lost_connection
    def held(self, vm: Vm) -> list[Address]:
        """What the service holds: primary IPv4, further IPv4, IPv6. Raises AddressWithoutNetwork."""
        return holdings_of(vm.service_id).addresses(sources_of(vm.server_id))

    @retry_lost_connection
    def ips(self, service_id: int) -> list[Ip]:
        """The addresses that the service holds or shows, in the order of `held`, whether their network is known or not."""
        return holdings_of(service_id).ips()

    @retry_lost_connection
    def names(self, service_id: int) -> dict[str, str]:
        """The reverse names of the service's addresses, by address in its stored form."""
        return {ip.exploded: name for ip, name in holdings_of(service_id).names.items()}

    @retry_lost_connection
    def rename(self, service_id: int, former: str, name: str) -> None:
        """Give the addresses whose reverse name is `former` the name `name`. May run twice."""
        with transaction():
            lock_row(Service, service_id)
            mine = holdings_of(service_id)
            show_names(service_id, {ip: name if was == former else was for ip, was in mine.names.items()})

    @retry_lost_connection
    def release(self, service_id: int, keep: Collection[Address] = ()) -> None:
        """Take back all addresses of a service but `keep`, together with what WHMCS and the record show. May run twice.

        They are in quarantine from now on, if there is one.
        """
        with transaction():
            lock_row(Service, service_id)
            kept = [address.ip for address in keep]
            mine = holdings_of(service_id)
            self._quarantine().add(service_id, mine.all_ips - set(kept))
            reservations.give_back(service_id, kept)
            names = {ip: name for ip, name in mine.names.items() if ip in kept}
            show(service_id, [ip for ip in (*mine.texts, *mine.reserved) if ip in kept], names)


@dataclass(frozen=True)
class _Order:
    """One service's wish for addresses."""

    service_id: int
    server_id: int
    network: NetworkSpec
    hostname: str
    now: float
    lookout: Lookout

    @retry_lost_connection
    def fulfil(self, quarantine: Quarantine) -> tuple[list[Address], dict[str, str]]:
        """All addresses held afterwards, and the reverse names as stored."""
        sources = sources_of(self.server_id)
        occupied = _Occupied(self.service_id, self.lookout, quarantine)
        self._look(sources, occupied)
        with transaction():
            # One order at a time per server: those who wait would otherwise all want the same next address.
            lock_row(Server, self.server_id)
            lock_row(Service, self.service_id)
            mine = holdings_of(self.service_id)
            held = mine.addresses(sources, self._families)
            self._adopt(mine, held, sources, occupied)
            chosen = self._chosen(held, sources, occupied)
            self._take(chosen, len(held), sources, quarantine)
            return self._record(mine, held + chosen)

    def _take(self, chosen: list[Address], held: int, sources: Sources, quarantine: Quarantine) -> None:
        """Reserve all of them behind the `held` ones. Raises _Overtaken."""
        for position, address in enumerate(chosen, held):
            if not self._reserve(address, position, sources):
                raise _Overtaken
        if chosen and not quarantine.admits(self.service_id, [address.ip for address in chosen]):
            raise _Overtaken

    def _look(self, sources: Sources, occupied: _Occupied) -> None:
        """Choose without reserving, so that the services' texts are read before anything is locked.

        When nothing is free, reservations of services that somebody else ended are given up first.
        """
        mine = holdings_of(self.service_id)
        mine.demand_networks(sources, self._families)
        held = mine.addresses(sources, self._families)
        for address in held:
            if address.ip not in mine.reserved:
                occupied.shown(address.ip, address.ip)
        try:
            self._chosen(held, sources, occupied)
        except NoFreeAddress:
            if not _forget_unshown(sources, occupied.quarantine):
                raise
            self._chosen(held, sources, occupied)

    @property
    def _wanted(self) -> dict[int, int]:
        return {4: self.network.wanted_ipv4, 6: self.network.wanted_ipv6}

    @property
    def _families(self) -> list[int]:
        return [family for family, count in self._wanted.items() if count]

    def _chosen(self, held: list[Address], sources: Sources, occupied: _Occupied) -> list[Address]:
        missing = {
            family: max(0, count - sum(address.family == family for address in held))
            for family, count in self._wanted.items()
        }
        if not any(missing.values()):
            return []
        product_place = None if self.network.auto else (self.network.bridge, self.network.vlan)
        place = (held[0].bridge, held[0].vlan) if held else product_place
        return choose(sources, Wanted(missing[4], missing[6], place), occupied)

    def _adopt(self, mine: Holdings, held: list[Address], sources: Sources, occupied: _Occupied) -> None:
        """Reserve what the service shows but we have not reserved: addresses that the old module or an admin gave it."""
        for number, address in enumerate(held):
            if address.ip in mine.reserved:
                continue
            others = occupied.shown(address.ip, address.ip)
            if others or not (self._reserve(address, number, sources) or self._reserve_again(address, number, sources)):
                holder = reservations.holder_of(address.ip)
                by = f"service {holder}" if holder else "another service"
                raise AddressHeldTwice(f"Address {address.text} of service {self.service_id} is held by {by} as well")

    def _reserve(self, address: Address, number: int, sources: Sources) -> bool:
        pool_id = sources.pool_id(address.ip)
        return reservations.reserve(self.service_id, self.server_id, address, number, pool_id, self.now)

    def _reserve_again(self, address: Address, number: int, sources: Sources) -> bool:
        """Reserve an address whose reservation is over although nobody has given it up."""
        forgotten = reservations.forget_unshown(address.ip, address.ip)
        return bool(forgotten) and self._reserve(address, number, sources)

    def _record(self, mine: Holdings, held: list[Address]) -> tuple[list[Address], dict[str, str]]:
        held = sorted(held, key=lambda address: address.family)
        ips = [address.ip for address in held]
        names = {ip: mine.names.get(ip) or self.hostname for ip in ips}
        # What belongs to a family that is on DHCP now, and an admin's notes about leases, stay where they are.
        return held, show(self.service_id, [*ips, *mine.texts, *mine.reserved], names | dict(mine.names))


def _forget_unshown(sources: Sources, quarantine: Quarantine) -> int:
    """Give up reservations of this server's addresses that nobody shows any more; returns how many.

    When they were given back nobody knows, so that their quarantine begins now.
    """
    lines = sorted(int(line.ip) for line in sources.listed.addresses)
    ranges = [(pool.first, pool.last) for pool in sources.pools]
    if lines:
        listed = {int(line.ip): line.ip for line in sources.listed.addresses}
        ranges.append((listed[lines[0]], listed[lines[-1]]))
    with transaction():
        forgotten = [found for first, last in ranges for found in reservations.forget_unshown(first, last)]
        for service_id, ip in forgotten:
            quarantine.add(service_id, [ip])
    return len(forgotten)
