"""What WHMCS and the module's records show: the addresses in the texts of services, whoever wrote them.

Used are all addresses in `dedicatedip` or `assignedips` of any service of the module, whatever its status, and in
`vm_rev_dns` of every record that is not removed (data model 3.1). The columns are texts without an index, so each question is
asked for a whole range and answered by one scan (`lookout` shares scans between orders); notations are compared as numbers.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_address
from typing import Any, cast

from peewee import Field, ModelSelect, Node

from bridge.addresses.pools import Ip, common
from bridge.database import any_of
from bridge.models.module import VmInfo
from bridge.models.whmcs import Product, Service
from bridge.module_log import MODULE

REMOVED = "remove"
MOST_PATTERNS = 40  # comparing a text with more of them costs more than reading it

Sighting = tuple[int, int]
"""A service and the number of an address that it shows."""

_BETWEEN_ADDRESSES = re.compile(r"[\s,;]+")


def addresses_in(text: str | None) -> list[Ip]:
    """The addresses in a text of WHMCS, in order, each once; what is no address is passed over."""
    found: dict[Ip, None] = {}
    for word in _BETWEEN_ADDRESSES.split(text or ""):
        try:
            found[ip_address(word.partition("/")[0])] = None
        except ValueError:
            continue
    return list(found)


def rev_dns_of(text: str | None) -> dict[Ip, str]:
    """The addresses and host names of `vm_rev_dns`; anything but a JSON object has none, as PHP's `[]`."""
    try:
        names = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(names, dict):
        return {}
    return {ip: str(name) for key, name in names.items() for ip in addresses_in(str(key))}


def in_texts(first: Ip, last: Ip) -> frozenset[Sighting]:
    """What WHMCS shows from `first` to `last` on all services of the module."""
    return _between(first, last, _texts([like_pattern(first, last)]))


def in_names(first: Ip, last: Ip) -> frozenset[Sighting]:
    """What the records of VMs that are not removed show from `first` to `last`. Expensive: rows hold the VM's logs too."""
    return _between(first, last, _names([like_pattern(first, last)]))


def in_ranges(ranges: Iterable[tuple[Ip, Ip]]) -> set[tuple[int, Ip]]:
    """(service, address) of all that both show in any of the ranges, and of some more: one scan of each for all of them."""
    patterns = list(dict.fromkeys(like_pattern(first, last) for first, last in ranges))
    if len(patterns) > MOST_PATTERNS:
        patterns = ["%"]
    return {*_texts(patterns), *_names(patterns)} if patterns else set()


def _texts(patterns: Collection[str]) -> Iterator[tuple[int, Ip]]:
    module = [row.id for row in Product.select(Product.id).where(Product.servertype == MODULE)]
    services = Service.select(Service.id, Service.dedicatedip, Service.assignedips).where(
        Service.packageid.in_(module),
        _any_like([Service.dedicatedip, Service.assignedips], patterns),
    )
    return ((id_, ip) for id_, *texts in _rows(services) for text in texts for ip in addresses_in(text))


def _names(patterns: Collection[str]) -> Iterator[tuple[int, Ip]]:
    records = VmInfo.select(VmInfo.service_id, VmInfo.vm_rev_dns).where(
        VmInfo.vm_status.is_null() | (VmInfo.vm_status != REMOVED), _any_like([VmInfo.vm_rev_dns], patterns)
    )
    return ((id_, ip) for id_, text in _rows(records) for ip in rev_dns_of(text))


def still_shown(service_ids: Collection[int]) -> set[tuple[int, Ip]]:
    """(service, address) of everything that these services show, by primary key."""
    services = Service.select(Service.id, Service.dedicatedip, Service.assignedips).where(Service.id.in_(service_ids))
    records = VmInfo.select(VmInfo.service_id, VmInfo.vm_rev_dns).where(
        VmInfo.service_id.in_(service_ids), VmInfo.vm_status.is_null() | (VmInfo.vm_status != REMOVED)
    )
    shown = {(service, ip) for service, *texts in _rows(services) for text in texts for ip in addresses_in(text)}
    return shown | {(service, ip) for service, text in _rows(records) for ip in rev_dns_of(text)}


def like_pattern(first: Ip, last: Ip) -> str:
    """A LIKE pattern that every notation of every address from `first` to `last` matches (and others, too).

    IPv4: the octets that all have in common. IPv6: the common groups that are not zero, as zeros may be padded or left out.
    """
    parts = common(first, last)
    if first.version == 4:
        return f"%{'.'.join(parts)}{'.' if len(parts) < 4 else ''}%"
    # The last two groups may be written as an IPv4 address, so they say nothing about the text.
    return "%" + "".join(f"{group.lstrip('0')}:%" for group in parts[:6] if group != "0000") or "%:%"


def _between(first: Ip, last: Ip, found: Iterable[tuple[int, Ip]]) -> frozenset[Sighting]:
    low, high = int(first), int(last)
    return frozenset((id_, int(ip)) for id_, ip in found if ip.version == first.version and low <= int(ip) <= high)


def _any_like(fields: "Collection[Field[Any]]", patterns: Iterable[str]) -> Node:
    return any_of(field**pattern for pattern in patterns for field in fields)


def _rows(query: "ModelSelect[Any]") -> list[tuple[Any, ...]]:
    """Plain rows: a pool may have tens of thousands of addresses in use."""
    return list(cast("Iterable[tuple[Any, ...]]", query.tuples()))
