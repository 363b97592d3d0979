"""The name of the reverse zone that belongs to a prefix. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_interface

from bridge.package.kinds import text_of, whole_number

CLASSLESS = "classless delegation required"
IPV4_ZONES = (8, 16, 24)
IPV4_DELEGATED = range(25, 32)  # a single address (/32) needs no zone of its own
NIBBLE = 4


@dataclass(frozen=True)
class ReverseZone:
    """What the admin reads about a prefix.

    `name` has no dot at its end; it is empty where no zone begins at that prefix. `delegated` is then, for IPv4 prefixes
    longer than /24, a zone that the owner of the /24 can delegate as RFC 2317 proposes; empty otherwise.
    """

    name: str = ""
    delegated: str = ""

    @property
    def text(self) -> str:
        """The zone's name, or the words for a prefix without one."""
        return self.name or CLASSLESS


def reverse_zone(prefix: IPv4Network | IPv6Network) -> ReverseZone:
    """The zone of `prefix`: of /8, /16, /24 in IPv4, of every multiple of four bits in IPv6."""
    if isinstance(prefix, IPv6Network):
        return ReverseZone(_ipv6_zone(prefix))
    if prefix.prefixlen in IPV4_ZONES:
        return ReverseZone(_ipv4_zone(prefix))
    if prefix.prefixlen in IPV4_DELEGATED:
        first = str(prefix.network_address).rpartition(".")[2]
        return ReverseZone(delegated=f"{first}/{prefix.prefixlen}.{_ipv4_zone(prefix.supernet(new_prefix=24))}")
    return ReverseZone()


def typed_zone(address: object, mask: object) -> ReverseZone | None:
    """The zone for an address and a mask as far as they are typed; None while they make no prefix."""
    length = whole_number(text_of(mask))
    if not length or length < 0:
        return None
    try:
        return reverse_zone(ip_interface(f"{text_of(address)}/{length}").network)
    except ValueError:
        return None


def _ipv4_zone(prefix: IPv4Network) -> str:
    octets = str(prefix.network_address).split(".")[: prefix.prefixlen // 8]
    return ".".join([*reversed(octets), "in-addr.arpa"])


def _ipv6_zone(prefix: IPv6Network) -> str:
    if not prefix.prefixlen or prefix.prefixlen % NIBBLE:
        return ""
    nibbles = prefix.network_address.exploded.replace(":", "")[: prefix.prefixlen // NIBBLE]
    return ".".join([*reversed(nibbles), "ip6.arpa"])
