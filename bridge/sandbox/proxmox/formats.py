"""The named formats of the API schema, with the words in which Proxmox VE refuses a value."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.sandbox.proxmox.property_string import Complaint, InvalidFormat, check_property_string

_CHECKS: dict[str, Callable[[str], bool | str]] = {}

# Formats that are property strings themselves, with their sub-keys.
_PROPERTIES: dict[str, Mapping[str, Any]] = {
    "pve-qm-ipconfig": {
        "ip": {"type": "string", "format": "pve-ipv4-config", "optional": 1, "default": "dhcp"},
        "gw": {"type": "string", "format": "ipv4", "optional": 1, "requires": "ip"},
        "ip6": {"type": "string", "format": "pve-ipv6-config", "optional": 1, "default": "dhcp"},
        "gw6": {"type": "string", "format": "ipv6", "optional": 1, "requires": "ip6"},
    },
    "pve-qm-boot": {
        "legacy": {"type": "string", "pattern": "[acdn]{1,4}", "optional": 1, "default_key": 1},
        "order": {"type": "string", "format": "pve-qm-bootdev-list", "optional": 1},
    },
    "pve-startup-order": {
        "order": {"type": "integer", "minimum": 0, "optional": 1, "default_key": 1},
        "up": {"type": "integer", "minimum": 0, "optional": 1},
        "down": {"type": "integer", "minimum": 0, "optional": 1},
    },
}


def named_format(name: str) -> Callable[[Callable[[str], bool | str]], Callable[[str], bool | str]]:
    """Declare the check of a named format: it returns True, or the words of the refusal (without newline)."""

    def declare(check: Callable[[str], bool | str]) -> Callable[[str], bool | str]:
        _CHECKS[name] = check
        return check

    return declare


def check_format(name: str, text: str, path: str, complaint: Complaint) -> None:
    """Check a value against a named format; formats that nobody declared accept anything. Raises InvalidFormat."""
    if name in _PROPERTIES:
        check_property_string(_PROPERTIES[name], text, path, complaint)
        return
    single = re.sub(r"-a?list$", "", name)
    check = _CHECKS.get(name) or _CHECKS.get(single)
    if check is None:
        return
    for item in [text] if name in _CHECKS else split_list(text):
        verdict = check(item)
        if verdict is not True:
            raise InvalidFormat(f"{verdict}\n")


def split_list(text: str) -> list[str]:
    """The elements of a list parameter: separated by commas, semicolons, blanks or null characters."""
    return [item for item in re.split(r"[,;\s\0]+", text) if item]


def _declare_pattern(name: str, pattern: str, refusal: str) -> None:
    compiled = re.compile(pattern)
    named_format(name)(lambda text: bool(compiled.fullmatch(text)) or refusal.replace("{}", text))


_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_declare_pattern("dns-name", rf"(?:{_LABEL}\.)*{_LABEL}", "value does not look like a valid DNS name")
_declare_pattern("pve-vmid", r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID")
_declare_pattern("pve-node", _LABEL, "value does not look like a valid node name")
_declare_pattern("pve-configid", r"[a-zA-Z][a-zA-Z0-9_-]+", "invalid configuration ID '{}'")
_declare_pattern("pve-storage-id", r"[a-zA-Z][a-zA-Z0-9._-]*[a-zA-Z0-9]", "storage ID '{}' contains illegal characters")
_declare_pattern("pve-poolid", r"[A-Za-z0-9._/-]+", "value does not look like a valid pool name")
_declare_pattern("pve-tag", r"[a-zA-Z0-9_][a-zA-Z0-9_+.-]*", "invalid characters in tag")
_declare_pattern("pve-bridge-id", r"[-_.\w]+", "invalid bridge ID '{}'")
_declare_pattern("pve-iface", r"[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?", "invalid network interface name '{}'")
_declare_pattern("urlencoded", r"[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: {}")
_declare_pattern("pve-userid", r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+", "value '{}' does not look like a valid user name")
_declare_pattern("disk-size", r"\d+(?:\.\d+)?[KMGT]?", "value does not look like a valid disk size: {}")
_declare_pattern(
    "pve-qm-bootdev", r"(?:net|usb|hostpci|ide|sata|scsi|virtio)\d+|efidisk0|cdrom", "invalid boot device '{}'"
)
_declare_pattern(
    "mac-addr",
    r"[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}",
    "value does not look like a valid unicast MAC address",
)
_declare_pattern("pve-volume-id", r"[^:/\s]+:.+", "unable to parse volume ID '{}'")
_declare_pattern("pve-volume-id-or-qm-path", r"none|cdrom|cloudinit|/.+|[^:/\s]+:.+", "unable to parse volume ID '{}'")


@named_format("pve-storage-content")
def _content(text: str) -> bool | str:
    kinds = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")
    return text in kinds or f"invalid content type '{text}'"


@named_format("pve-task-status-type")
def _task_status(text: str) -> bool | str:
    return text.lower() in ("unknown", "error", "warning", "ok") or f"invalid status '{text}'"


@named_format("ipv4")
def _ipv4(text: str) -> bool | str:
    return _is(ipaddress.IPv4Address, text) or "value does not look like a valid IPv4 address"


@named_format("ipv6")
def _ipv6(text: str) -> bool | str:
    return _is(ipaddress.IPv6Address, text) or "value does not look like a valid IPv6 address"


@named_format("pve-ipv4-config")
def _ipv4_config(text: str) -> bool | str:
    good = text in ("dhcp", "manual") or _is_network(ipaddress.IPv4Address, text, 32)
    return good or "value does not look like a valid ipv4 network configuration"


@named_format("pve-ipv6-config")
def _ipv6_config(text: str) -> bool | str:
    good = text in ("auto", "dhcp", "manual") or _is_network(ipaddress.IPv6Address, text, 128)
    return good or "value does not look like a valid ipv6 network configuration"


@named_format("CIDR")
def _cidr(text: str) -> bool | str:
    good = _is_network(ipaddress.IPv4Address, text, 32) or _is_network(ipaddress.IPv6Address, text, 128)
    return good or "value does not look like a valid CIDR network"


def _is_network(kind: Callable[[str], Any], text: str, longest: int) -> bool:
    """An address with a prefix length above 7."""
    address, _, prefix = text.partition("/")
    return prefix.isdecimal() and 7 < int(prefix) <= longest and _is(kind, address)


@named_format("address")
def _address(text: str) -> bool | str:
    good = _is(ipaddress.ip_address, text) or re.fullmatch(rf"(?:{_LABEL}\.)*{_LABEL}", text)
    return bool(good) or f"value does not look like a valid address: {text}"


def _is(kind: Callable[[str], Any], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


CPU_TYPES = frozenset(
    [
        "486",
        "athlon",
        "Broadwell",
        "Broadwell-IBRS",
        "Broadwell-noTSX",
        "Broadwell-noTSX-IBRS",
        "Cascadelake-Server",
        "Cascadelake-Server-noTSX",
        "Cascadelake-Server-v2",
        "Cascadelake-Server-v4",
        "Cascadelake-Server-v5",
        "Conroe",
        "Cooperlake",
        "Cooperlake-v2",
        "core2duo",
        "coreduo",
        "EPYC",
        "EPYC-Genoa",
        "EPYC-IBPB",
        "EPYC-Milan",
        "EPYC-Milan-v2",
        "EPYC-Rome",
        "EPYC-Rome-v2",
        "EPYC-Rome-v3",
        "EPYC-Rome-v4",
        "EPYC-v3",
        "EPYC-v4",
        "GraniteRapids",
        "Haswell",
        "Haswell-IBRS",
        "Haswell-noTSX",
        "Haswell-noTSX-IBRS",
        "host",
        "Icelake-Client",
        "Icelake-Client-noTSX",
        "Icelake-Server",
        "Icelake-Server-noTSX",
        "Icelake-Server-v3",
        "Icelake-Server-v4",
        "Icelake-Server-v5",
        "Icelake-Server-v6",
        "IvyBridge",
        "IvyBridge-IBRS",
        "KnightsMill",
        "kvm32",
        "kvm64",
        "max",
        "Nehalem",
        "Nehalem-IBRS",
        "Opteron_G1",
        "Opteron_G2",
        "Opteron_G3",
        "Opteron_G4",
        "Opteron_G5",
        "Penryn",
        "pentium",
        "pentium2",
        "pentium3",
        "phenom",
        "qemu32",
        "qemu64",
        "SandyBridge",
        "SandyBridge-IBRS",
        "SapphireRapids",
        "SapphireRapids-v2",
        "Skylake-Client",
        "Skylake-Client-IBRS",
        "Skylake-Client-noTSX-IBRS",
        "Skylake-Client-v4",
        "Skylake-Server",
        "Skylake-Server-IBRS",
        "Skylake-Server-noTSX-IBRS",
        "Skylake-Server-v4",
        "Skylake-Server-v5",
        "Westmere",
        "Westmere-IBRS",
        "x86-64-v2",
        "x86-64-v2-AES",
        "x86-64-v3",
        "x86-64-v4",
    ]
)


@named_format("pve-vm-cpu-conf")
def _cpu(text: str) -> bool | str:
    name = text.split(",")[0].removeprefix("cputype=")
    if name.startswith("custom-"):
        return f"cputype '{name.removeprefix('custom-')}' not found"
    return name in CPU_TYPES or f"Built-in cputype '{name}' is not defined (missing 'custom-' prefix?)"
