"""Names in the DNS: the pointer of an address, and what of it fits into a zone. Pure.

Names are absolute, in lower-case ASCII, without a trailing dot.
"""

import re
from ipaddress import IPv4Address, IPv6Address

from bridge.package.hostnames import ascii_domain
from statemachines.ports import HostNames

Ip = IPv4Address | IPv6Address

_CLASSLESS = re.compile(r"([0-9]{1,3})[/-]([0-9]{1,3})")
_REVERSE = (".in-addr.arpa", ".ip6.arpa")


def zone_name(text: str) -> str:
    """The zone that an admin has typed, without trailing dot. Raises ValueError when it is none.

    A classless reverse zone may hold a slash: `0/26.2.0.192.in-addr.arpa` (RFC 2317).
    """
    first, dot, rest = text.strip().strip(".").partition(".")
    if dot and _CLASSLESS.fullmatch(first) and is_reverse(f"{first}.{rest.lower()}"):
        return f"{first}.{ascii_domain(rest)}"
    name = ascii_domain(text)
    if not name:
        raise ValueError(f'"{text}" is not a domain name')
    return name


def absolute(text: str) -> str:
    """A host name as the DNS has it; empty when `text` is none."""
    try:
        return ascii_domain(text)
    except ValueError:
        return ""


def normal(names: HostNames) -> HostNames:
    """`names` as the DNS has them: absolute, in lower-case ASCII; what is no host name is left out."""
    fqdns = tuple(dict.fromkeys(name for name in map(absolute, names.fqdns) if name))
    reverse = {ip: name for ip, text in names.reverse.items() if (name := absolute(text))}
    return HostNames(fqdns, tuple(dict.fromkeys(names.ips)), reverse)


def is_reverse(zone: str) -> bool:
    """Whether a zone holds PTR records: its name says so."""
    return zone.endswith(_REVERSE) or zone in {ending[1:] for ending in _REVERSE}


def within(name: str, zone: str) -> bool:
    """Whether `name` is `zone` or below it, on a border of labels."""
    return name == zone or name.endswith(f".{zone}")


def pointer(ip: Ip) -> str:
    """The name of an address's PTR record: four octets or 32 nibbles, the last one first."""
    return ip.reverse_pointer


def pointer_in(ip: Ip, zone: str) -> str | None:
    """The name under which `zone` holds the PTR record of `ip`; None when it does not.

    In a classless zone (RFC 2317) that is the last octet below the zone's own name, `5.0/26.2.0.192.in-addr.arpa`.
    """
    plain = pointer(ip)
    if within(plain, zone):
        return plain
    octet = plain.partition(".")[0]
    return f"{octet}.{zone}" if isinstance(ip, IPv4Address) and int(octet) in classless_octets(zone, ip) else None


def classless_octets(zone: str, ip: IPv4Address) -> range:
    """The last octets that a classless zone covers, none when `zone` is no classless zone of the /24 of `ip`.

    RFC 2317 leaves the label open. Understood are `64/26` and `64-26` (first address and prefix), and `64-127` (first and
    last); where both readings are possible, a range that is a whole subnet is one (`0-31` is a /27).
    """
    label, _, parent = zone.partition(".")
    match = _CLASSLESS.fullmatch(label)
    if match is None or parent != pointer(ip).partition(".")[2]:
        return range(0)
    first, second = int(match[1]), int(match[2])
    if "-" in label and _is_subnet(first, second - first + 1):
        return range(first, second + 1)
    size = 1 << (32 - second) if 24 < second <= 32 else 0
    return range(first, first + size) if _is_subnet(first, size) else range(0)


def _is_subnet(first: int, size: int) -> bool:
    return size > 0 and size & (size - 1) == 0 and first % size == 0 and first + size <= 256
