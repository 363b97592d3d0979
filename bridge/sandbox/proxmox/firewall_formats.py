"""The formats of firewall parameters; importing this module makes them known to `formats`."""

import re

from bridge.sandbox.proxmox.firewall_addresses import InvalidAddress, address_list_version, alias_in, check_network
from bridge.sandbox.proxmox.firewall_names import ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS, SERVICES
from bridge.sandbox.proxmox.formats import named_format

_MOST_PORTS = 15
_LAST_PORT = 65535


@named_format("pve-fw-addr-spec")
def _addresses(text: str) -> bool | str:
    try:
        address_list_version(text)
    except InvalidAddress as error:
        return str(error)
    return True


@named_format("IPorCIDR")
def _network(text: str) -> bool | str:
    try:
        check_network(text)
    except InvalidAddress as error:
        return str(error)
    return True


@named_format("IPorCIDRorAlias")
def _network_or_alias(text: str) -> bool | str:
    return bool(alias_in(text)) or _network(text)


@named_format("pve-fw-protocol-spec")
def _protocol(text: str) -> bool | str:
    return text in ("", "0") or text in PROTOCOLS or f"unknown protocol '{text}'"


@named_format("pve-fw-icmp-type-spec")
def _icmp_type(text: str) -> bool | str:
    return not text or text in ICMP_TYPES | ICMPV6_TYPES or f"invalid icmp-type value '{text}'"


@named_format("pve-fw-sport-spec")
def _source_ports(text: str) -> bool | str:
    return ports_complaint(text, icmp=False) or True


@named_format("pve-fw-dport-spec")
def _destination_ports(text: str) -> bool | str:
    return ports_complaint(text, icmp=True) or True


def ports_complaint(text: str, *, icmp: bool) -> str | None:
    """What is wrong with a list of ports, ranges `first:last` and service names; `icmp`: types of ICMP may stand there."""
    if text.endswith(","):
        return "extraneous commas in list"
    count, has_icmp = 0, False
    for item in text.split(",") if text else []:
        numbers = re.fullmatch(r"([0-9]+)(?::([0-9]+))?", item)
        if numbers:
            count += 1 + (numbers[2] is not None)
            reason = _numbers_complaint(numbers[1], numbers[2])
            if reason:
                return reason
        elif icmp and item in ICMP_TYPES | ICMPV6_TYPES:
            has_icmp = True
        elif item not in SERVICES:
            return f"invalid port '{item}'"
    if has_icmp and count:
        return "ICMP ports not allowed in port range"
    return f"too many entries in port list (> {_MOST_PORTS} numbers)" if count > _MOST_PORTS else None


def _numbers_complaint(first: str, last: str | None) -> str | None:
    for port in (first, last):
        if port is not None and int(port) > _LAST_PORT:
            return f"invalid port '{port}'"
    if last is not None and int(first) > int(last):
        return f"backwards range '{first}:{last}' not allowed, did you mean '{last}:{first}'?"
    return None
