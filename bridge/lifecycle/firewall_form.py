"""A firewall rule as a client types it, checked before Proxmox is asked, in sentences that he can act on."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from bridge.package.kinds import quotable

Values = dict[str, str | int]
Ip = IPv4Address | IPv6Address

DIRECTIONS = ("in", "out")
ACTIONS = ("ACCEPT", "DROP")  # what clients choose from [C-40]
WITH_PORTS = frozenset({"tcp", "udp", "udplite", "sctp", "dccp"})
PROTOCOLS = WITH_PORTS | {"icmp", "ipv6-icmp", "igmp", "gre", "esp", "ah"}
ICMP_FAMILY = {"icmp": 4, "ipv6-icmp": 6}
LONGEST_COMMENT = 255
MOST_PORTS = 15  # numbers in a list, a range counts as two (PVE::Firewall, as iptables has it)
LAST_PORT = 65535

_OTHER_NAMES = {"icmpv6": "ipv6-icmp", "any": ""}
_RANGE = re.compile(r"(\d{1,5})(?:[:-](\d{1,5}))?", re.ASCII)


class RuleRefused(ValueError):
    """The rule is not written. The message is the sentence for whoever typed it."""


def read_rule(typed: Mapping[str, str]) -> Values:
    """The rule by Proxmox's names, what is empty or "any" left out. Raises RuleRefused.

    `typed` has direction, action, protocol, source, source_port, destination, destination_port and comment; missing ones are
    empty.
    """
    text = {name: value.strip() for name, value in typed.items()}
    protocol = _protocol(text.get("protocol", ""))
    source, source_family = _address("Source", text.get("source", ""))
    destination, destination_family = _address("Destination", text.get("destination", ""))
    families = {source_family, destination_family, ICMP_FAMILY.get(protocol, 0)} - {0}
    if len(families) > 1:
        raise RuleRefused("Source, destination and protocol mix IPv4 and IPv6.")
    values: Values = {
        "type": _one_of("Direction", text.get("direction", "").lower(), DIRECTIONS),
        "action": _one_of("Action", text.get("action", "").upper(), ACTIONS),
        "proto": protocol,
        "source": source,
        "dest": destination,
        "sport": _ports("Source port", text.get("source_port", ""), protocol),
        "dport": _ports("Destination port", text.get("destination_port", ""), protocol),
        "comment": _comment(text.get("comment", "")),
    }
    return {name: value for name, value in values.items() if value}


def _one_of(what: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise RuleRefused(f"{what} must be {' or '.join(choice.upper() for choice in choices)}.")
    return value


def _protocol(text: str) -> str:
    name = _OTHER_NAMES.get(text.lower(), text.lower())
    if name and name not in PROTOCOLS:
        raise RuleRefused(f'Protocol: "{quotable(text)}" is not one of {", ".join(sorted(PROTOCOLS))}.')
    return name


def _address(what: str, text: str) -> tuple[str, int]:
    """An address, a network or a range as Proxmox takes it, and its family; empty and 0 for any."""
    if text.lower() in ("", "any"):
        return "", 0
    if "/" in text:
        network = _network(what, text)
        return str(network), network.version
    first, dash, last = (part.strip() for part in text.partition("-"))
    begin = _ip(what, first, text)
    if not dash:
        return str(begin), begin.version
    end = _ip(what, last, text)
    if begin.version != end.version or int(begin) > int(end):
        raise RuleRefused(f'{what}: "{quotable(text)}" does not go from a lower to a higher address of one kind.')
    return f"{begin}-{end}", begin.version


def _ip(what: str, part: str, text: str) -> Ip:
    try:
        if "%" not in part:
            return ip_address(part)
    except ValueError:
        pass
    raise RuleRefused(f'{what}: "{quotable(text)}" is not an IP address, a network or a range of addresses.')


def _network(what: str, text: str) -> IPv4Network | IPv6Network:
    base, _, prefix = text.partition("/")
    ip = _ip(what, base.strip(), text)
    length = int(prefix) if re.fullmatch(r"\d{1,3}", prefix.strip(), re.ASCII) else -1
    if not 0 <= length <= ip.max_prefixlen:
        raise RuleRefused(f'{what}: "{quotable(text)}" has no network size from 0 to {ip.max_prefixlen}.')
    network = ip_network(f"{ip}/{length}", strict=False)
    if network.network_address != ip:
        raise RuleRefused(f'{what}: "{quotable(text)}" is not the beginning of a network, {network} is.')
    return network


def _ports(what: str, text: str, protocol: str) -> str:
    """Ports and ranges, separated by commas, as Proxmox takes them."""
    if text.lower() in ("", "any"):
        return ""
    if protocol not in WITH_PORTS:
        raise RuleRefused(f"{what}: only rules for {', '.join(sorted(WITH_PORTS))} can have ports.")
    ranges = [_port_range(what, item.strip()) for item in text.split(",")]
    if sum(1 + (":" in item) for item in ranges) > MOST_PORTS:
        raise RuleRefused(f"{what}: at most {MOST_PORTS} numbers are possible, a range counts as two.")
    return ",".join(ranges)


def _port_range(what: str, item: str) -> str:
    found = _RANGE.fullmatch(re.sub(r"\s*([:-])\s*", r"\1", item))
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= LAST_PORT:
        raise RuleRefused(
            f'{what}: "{quotable(item)}" is not a port from 1 to {LAST_PORT}, nor a range like 8000:8010.'
        )
    return f"{first}:{last}" if found and found[2] else str(first)


def _comment(text: str) -> str:
    if len(text) > LONGEST_COMMENT:
        raise RuleRefused(f"Comment: at most {LONGEST_COMMENT} characters are possible.")
    if not text.isprintable():
        raise RuleRefused("Comment: only printable characters in one line are possible.")
    return text
