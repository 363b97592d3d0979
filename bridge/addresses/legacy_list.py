"""The "Assigned IP Addresses" of a server entry: one line `bridge|vlan|address|mask|gateway|dns,dns` per IPv4 address."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from bridge.addresses.network_facts import bridge_name, name_servers, vlan_tag
from statemachines.ports import Address

_MASK = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True)
class LegacyList:
    """The usable lines in their order, each address once, and how many other lines are not in the form."""

    addresses: tuple[Address, ...]
    skipped: int


def parse_legacy_list(text: str) -> LegacyList:
    """Read the list; empty lines do not count, lines that are not in the form are skipped. Never raises."""
    found: dict[IPv4Address, Address] = {}
    skipped = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            address = _parse_line(line)
        except ValueError:
            skipped += 1
        else:
            found.setdefault(IPv4Address(int(address.ip)), address)
    return LegacyList(tuple(found.values()), skipped)


def _parse_line(line: str) -> Address:
    fields = [field.strip() for field in line.split("|")]
    if len(fields) < 6:
        raise ValueError("fewer than six fields")
    bridge, vlan, ip, mask, gateway, dns = fields[:6]
    if not _MASK.fullmatch(mask) or not 1 <= int(mask) <= 32:
        raise ValueError("no CIDR length")
    return Address(
        ip=IPv4Address(ip),
        prefix=int(mask),
        gateway=str(IPv4Address(gateway)),
        dns=name_servers(dns.split(",")),
        bridge=bridge_name(bridge),
        vlan=vlan_tag(vlan),
    )
