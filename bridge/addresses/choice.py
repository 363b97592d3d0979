"""Which addresses of a server a VM gets. Pure; what is in use is asked for range by range.

Pools come before the legacy list, IPv6 comes from pools only [C-32]. A VM has one network card, so all its addresses are on
one bridge and VLAN: the first that has enough of both families.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from bridge.addresses.errors import NoFreeAddress
from bridge.addresses.pools import Ip
from bridge.addresses.sources import Place, Sources
from statemachines.ports import Address


class Usage(Protocol):
    """What is in use."""

    def taken(self, first: Ip, last: Ip) -> set[int]:
        """The numbers of the addresses from `first` to `last` that are not to be handed out now."""
        ...

    def quarantined(self, first: Ip, last: Ip) -> set[int]:
        """Those among them that nobody holds any more, but that were given back only a while ago."""
        ...


@dataclass(frozen=True)
class Wanted:
    """How many addresses are still missing, and the bridge and VLAN they must be on; None = any."""

    ipv4: int
    ipv6: int
    place: Place | None = None


def choose(sources: Sources, wanted: Wanted, usage: Usage) -> list[Address]:
    """The addresses to reserve, IPv4 first. Raises NoFreeAddress when the server has not enough of them in one place."""
    for with_list in (False, True):
        for place in _places(sources, wanted):
            ipv4 = list(islice(_free(sources, 4, place, usage, with_list), wanted.ipv4))
            ipv6 = list(islice(_free(sources, 6, place, usage, with_list), wanted.ipv6))
            if len(ipv4) == wanted.ipv4 and len(ipv6) == wanted.ipv6:
                return ipv4 + ipv6
    raise NoFreeAddress(_why_none(sources, wanted, usage))


def _places(sources: Sources, wanted: Wanted) -> list[Place]:
    """Bridges and VLANs in the order in which the sources name them."""
    if wanted.place is not None:
        return [wanted.place]
    every = [pool.place for pool in sources.pools] + [(line.bridge, line.vlan) for line in sources.listed.addresses]
    return list(dict.fromkeys(every))


def _free(sources: Sources, family: int, place: Place, usage: Usage, with_list: bool) -> Iterator[Address]:
    """Free addresses of one family in one place, one by one, each once; what is in use is asked for when needed."""
    gateways = {pool.gateway for pool in sources.pools} | {line.gateway for line in sources.listed.addresses}
    given: set[Ip] = set()
    for pool in sources.pools:
        if pool.family == family and pool.place == place:
            for ip in pool.free(usage.taken(pool.first, pool.last)):
                if ip not in given and str(ip) not in gateways:
                    given.add(ip)
                    yield pool.address(ip)
    lines = [line for line in sources.listed.addresses if (line.bridge, line.vlan) == place]
    if family == 4 and with_list and lines:
        ips = sorted(line.ip for line in lines if line.family == 4)
        taken = usage.taken(ips[0], ips[-1])
        yield from (
            line
            for line in lines
            if int(line.ip) not in taken and line.ip not in given and str(line.ip) not in gateways
        )


def _why_none(sources: Sources, wanted: Wanted, usage: Usage) -> str:
    """The admin's line: which family is missing on which server, and what the server has."""
    most = {family: _most_free(sources, family, count, wanted, usage) for family, count in _counts(wanted)}
    lacking = next((family for family, count in _counts(wanted) if most[family] < count), None)
    if lacking is None:
        return (
            f"No free addresses on server {sources.server}: no bridge and VLAN has {wanted.ipv4} IPv4 and "
            f"{wanted.ipv6} IPv6 addresses together{_resting(sources, (4, 6), wanted.place, usage)}{_left_out(sources)}"
        )
    start = f"No free IPv{lacking} address on server {sources.server}"
    stock = _stock(sources, lacking, wanted.place)
    where = f" on bridge {wanted.place[0]}, VLAN {wanted.place[1]}" if wanted.place else ""
    if not stock:
        nothing = "no IPv4 pool and no listed address" if lacking == 4 else "no IPv6 pool"
        return f"{start}: it has {nothing}{where}{_left_out(sources)}"
    ending = f"{_resting(sources, (lacking,), wanted.place, usage)}{_left_out(sources)}"
    if most[lacking]:
        needed = dict(_counts(wanted))[lacking]
        return f"{start}: no bridge and VLAN has more than {most[lacking]} free, {needed} are needed{ending}"
    verb = "is" if stock == "1 pool" or stock == "1 listed address" else "are"
    return f"{start}: {stock}{where} {verb} all in use{ending}"


def _counts(wanted: Wanted) -> list[tuple[int, int]]:
    return [(family, count) for family, count in ((4, wanted.ipv4), (6, wanted.ipv6)) if count]


def _most_free(sources: Sources, family: int, enough: int, wanted: Wanted, usage: Usage) -> int:
    """The largest number of free addresses that one place has; counting stops at `enough`."""
    return max(
        (
            sum(1 for _ in islice(_free(sources, family, place, usage, True), enough))
            for place in _places(sources, wanted)
        ),
        default=0,
    )


def _stock(sources: Sources, family: int, place: Place | None) -> str:
    """What the server has of a family, free or not, in words; "" for nothing."""
    pools = sum(1 for pool in sources.pools if pool.family == family and place in (None, pool.place))
    lines = sum(1 for line in sources.listed.addresses if family == 4 and place in (None, (line.bridge, line.vlan)))
    return " and ".join(
        part for part in (_plural(pools, "pool", "pools"), _plural(lines, "listed address", "listed addresses")) if part
    )


def _resting(sources: Sources, families: Collection[int], place: Place | None, usage: Usage) -> str:
    """How many addresses only have to be waited for."""
    pools = [pool for pool in sources.pools if pool.family in families and place in (None, pool.place)]
    found = {(pool.family, number) for pool in pools for number in usage.quarantined(pool.first, pool.last)}
    lines = {int(line.ip): line.ip for line in sources.listed.addresses if place in (None, (line.bridge, line.vlan))}
    if lines and 4 in families:
        resting = usage.quarantined(lines[min(lines)], lines[max(lines)])
        found |= {(4, number) for number in resting & set(lines)}
    count = _plural(len(found), "address is", "addresses are")
    return f"; {count} in quarantine" if count else ""


def _left_out(sources: Sources) -> str:
    """What could not be used, so that a typing mistake is not looked for elsewhere."""
    lines = _plural(sources.listed.skipped, "line of the list is", "lines of the list are")
    pools = _plural(sources.broken_pools, "pool is", "pools are")
    return "".join(f"; {part} malformed and left out" for part in (pools, lines) if part)


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""
