"""Checks that pools and lines of the legacy list have in common: bridge, VLAN tag, name servers."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from bridge.package.kinds import text_of, whole_number

_BRIDGE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
HIGHEST_VLAN = 4096  # as documented, although Proxmox VE ends at 4094 [C-33]


def bridge_name(text: str) -> str:
    """`text` if it can be a bridge of Proxmox VE; else ValueError."""
    if not _BRIDGE.fullmatch(text):
        raise ValueError("no bridge name")
    return text


def vlan_tag(raw: object) -> int:
    """The VLAN tag, 0 = untagged, also for nothing at all; else ValueError."""
    tag = whole_number(text_of(raw) or "0")
    if tag is None or not 0 <= tag <= HIGHEST_VLAN:
        raise ValueError("no VLAN tag")
    return tag


def name_servers(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The addresses among `texts`, each once; anything else would make Proxmox refuse the whole list."""
    servers: dict[str, None] = {}
    for text in texts:
        try:
            servers[str(ip_address((text or "").strip()))] = None
        except ValueError:
            continue
    return tuple(servers)
