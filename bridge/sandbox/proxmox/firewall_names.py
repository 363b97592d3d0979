"""The names that firewall rules may use: macros, services, protocols and ICMP types, as a Proxmox VE node knows them."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources

_NAMES = json.loads(
    resources.files("bridge.sandbox.proxmox").joinpath("schema/firewall_names.json").read_text(encoding="utf-8")
)

Template = Mapping[str, str]

SERVICES: frozenset[str] = frozenset(_NAMES["services"])
# Names and numbers.
PROTOCOLS: frozenset[str] = frozenset(_NAMES["protocols"])
ICMP_TYPES: frozenset[str] = frozenset(_NAMES["icmp_types"])
ICMPV6_TYPES: frozenset[str] = frozenset(_NAMES["icmpv6_types"])

ICMP_PROTOCOLS = frozenset({"icmp", "icmpv6", "ipv6-icmp"})
PROTOCOLS_WITH_PORTS = frozenset({"udp", "17", "udplite", "136", "tcp", "6", "dccp", "33", "sctp", "132"})

_ANY: Mapping[str, Sequence[Template]] = _NAMES["macros"]
_IPV6: Mapping[str, Sequence[Template]] = _NAMES["ipv6_macros"]
_PREFERRED = {name.lower(): name for name in (*_IPV6, *_ANY)}

MACROS: Sequence[str] = sorted({*_ANY, *_IPV6})


def macro_name(text: str) -> str | None:
    """The macro's name in its usual spelling; None when there is no such macro."""
    return _PREFERRED.get(text.lower())


def macro_rules(name: str, ipversion: int | None) -> Sequence[Template]:
    """What a macro stands for in rules of an IP version (None: not known): protocol and ports of each part."""
    if ipversion == 4 and name not in _ANY:
        return []
    return _IPV6[name] if name in _IPV6 and (ipversion == 6 or name not in _ANY) else _ANY[name]
