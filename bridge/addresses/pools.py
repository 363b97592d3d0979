"""Arithmetic on pools: a pool is a range of numbers, and its free addresses are found without counting through it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import takewhile

from statemachines.ports import Address

Ip = IPv4Address | IPv6Address
BITS = {4: 32, 6: 128}


@dataclass(frozen=True)
class Pool:
    """The addresses `start` to `stop` (numbers, both included) of one subnet on one bridge and VLAN.

    `gateway` is kept as text for the guest; it may lie outside of the range and even outside of the subnet.
    """

    id: int
    family: int
    start: int
    stop: int
    prefix: int
    gateway: str
    bridge: str
    vlan: int = 0
    dns: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        """Bridge and VLAN."""
        return self.bridge, self.vlan

    @property
    def size(self) -> int:
        """Number of addresses in the range."""
        return self.stop - self.start + 1

    @property
    def first(self) -> Ip:
        """The lowest address of the range."""
        return self._ip(self.start)

    @property
    def last(self) -> Ip:
        """The highest address of the range."""
        return self._ip(self.stop)

    def covers(self, ip: Ip) -> bool:
        """Whether `ip` is in the range."""
        return ip.version == self.family and self.start <= int(ip) <= self.stop

    def routes(self, ip: Ip) -> bool:
        """Whether `ip` is in the subnet of the gateway, so that mask and gateway fit it."""
        host_bits = BITS[self.family] - self.prefix
        return ip.version == self.family and int(ip) >> host_bits == int(ip_address(self.gateway)) >> host_bits

    def address(self, ip: Ip) -> Address:
        """`ip` with what a guest needs to use it."""
        return Address(ip, self.prefix, self.gateway, self.dns, self.bridge, self.vlan)

    def free(self, taken: Collection[int]) -> Iterator[Ip]:
        """The addresses that can be handed out, lowest first, found one by one as they are asked for.

        `taken` are numbers of this family, inside and outside of the range. Gateway, network and broadcast address are never
        handed out. The cost grows with what is taken and asked for, never with the size of the range.
        """
        gateway = int(ip_address(self.gateway))
        for number in gaps(self.start, self.stop, taken):
            if number != gateway and not self._belongs_to_the_subnet(number):
                yield self._ip(number)

    def _ip(self, number: int) -> Ip:
        return IPv4Address(number) if self.family == 4 else IPv6Address(number)

    def _belongs_to_the_subnet(self, number: int) -> bool:
        """Whether `number` is its subnet's own address: the first (all routers in IPv6), or IPv4's broadcast.

        Subnets of one or two addresses have neither (RFC 3021, RFC 6164).
        """
        host_bits = BITS[self.family] - self.prefix
        if host_bits < 2:
            return False
        host = number & ((1 << host_bits) - 1)
        return host == 0 or (self.family == 4 and host == (1 << host_bits) - 1)


def gaps(start: int, stop: int, taken: Collection[int]) -> Iterator[int]:
    """The numbers from `start` to `stop` that are not in `taken`, ascending."""
    following = start
    for number in sorted(number for number in taken if start <= number <= stop):
        yield from range(following, number)
        following = number + 1
    yield from range(following, stop + 1)


def common(first: Ip, last: Ip) -> list[str]:
    """The leading octets, or full groups, that all addresses from `first` to `last` have in common."""
    separator = "." if first.version == 4 else ":"
    ends = zip(first.exploded.split(separator), last.exploded.split(separator), strict=True)
    return [a for a, _ in takewhile(lambda pair: pair[0] == pair[1], ends)]
