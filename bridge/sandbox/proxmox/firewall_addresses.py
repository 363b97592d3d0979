"""Addresses in firewall rules, aliases and IP sets: what is accepted, how it is stored, and the words of refusal.

Proxmox VE leaves the checks to Perl's Net::IP 1.26, whose messages reach the caller.
"""

import ipaddress
import re

_ALIAS = re.compile(r"(dc/|guest/)?([A-Za-z][A-Za-z0-9_-]+)")
_LONGEST_NAME = 64


class InvalidAddress(ValueError):
    """A text is no address, in Net::IP's words."""


def alias_in(text: str) -> tuple[str, str] | None:
    """Scope (`dc/`, `guest/` or empty) and name when the text refers to an alias."""
    found = _ALIAS.fullmatch(text)
    return (found[1] or "", found[2]) if found else None


def address_list_version(text: str) -> int | None:
    """The IP version of a `source` or `dest`; None for references to IP sets and aliases. Raises InvalidAddress."""
    if re.fullmatch(r"\+\S+", text):
        if len(text) > _LONGEST_NAME + 1:
            raise InvalidAddress("ipset name too long")
        return None
    if alias_in(text):
        if len(text) > _LONGEST_NAME:
            raise InvalidAddress("alias name too long")
        return None
    if text.endswith(","):
        raise InvalidAddress("extraneous commas in list")
    versions = []
    elements = text.split(",")
    for element in elements:
        try:
            versions.append(check_address(element))
        except InvalidAddress as error:
            raise InvalidAddress(f"invalid IP address: {error}") from None
        if versions[-1] != versions[0]:
            raise InvalidAddress(f"detected mixed ipv4/ipv6 addresses in address list '{text}'")
    if len(elements) > 1 and "-" in text:
        raise InvalidAddress("you can't use a range in a list")
    return versions[0]


def check_address(text: str) -> int:
    """The version of an address, network or range `first-last`. Raises InvalidAddress."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    if dash:
        return _check_range(first, last)
    address, slash, prefix = text.partition("/")
    if not slash or not prefix:
        return _version(text)
    version = _version(address)
    if prefix.isdecimal():
        _check_prefix(_bits(address, version), int(prefix))
    return version


def check_network(text: str) -> None:
    """An address or network, host bits allowed. Raises InvalidAddress."""
    if not _is_network(text):
        raise InvalidAddress("value does not look like a valid IP address or CIDR network")
    address, _, prefix = text.partition("/")
    version = _version(address)
    longest = 32 if version == 4 else 128
    if prefix and (int(prefix) == 0 or int(prefix) > longest):
        _check_prefix(_bits(address, version), int(prefix))


def cut_host_bits(text: str) -> str:
    """A network without host bits; addresses and the prefix 0 stay as they are."""
    address, _, prefix = text.partition("/")
    if not prefix.strip("0"):
        return text
    return f"{ipaddress.ip_network(f'{address}/{int(prefix)}', strict=False).network_address}/{prefix}"


def stored_network(text: str) -> tuple[str, int]:
    """How a network stands in the file, and its IP version: single addresses are bare."""
    version = 6 if ":" in text else 4
    return text.removesuffix("/128" if version == 6 else "/32"), version


def _is_network(text: str) -> bool:
    address, slash, prefix = text.partition("/")
    if slash and not re.fullmatch(r"\d+", prefix, re.ASCII):
        return False
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address


def _check_range(first: str, last: str) -> int:
    version = _version(first)
    try:
        same = _version(last) == version
    except InvalidAddress:
        same = False
    if not same:
        raise InvalidAddress(f"Not a valid IPv{version} address {last}")
    if _bits(first, version) > _bits(last, version):
        raise InvalidAddress(f"Begin address is greater than End address {first} - {last}")
    return version


def _check_prefix(bits: str, prefix: int) -> None:
    if prefix > len(bits):
        raise InvalidAddress(f"Prefix length {prefix} is longer than IP address ({len(bits)})")
    if "1" in bits[prefix:]:
        raise InvalidAddress(f"Invalid prefix {bits}/{prefix}")


def _bits(address: str, version: int) -> str:
    """An address as binary digits; IPv4 addresses may lack quads at their end."""
    if version == 6:
        return f"{int(ipaddress.IPv6Address(address)):0128b}"
    quads = [int(quad) for quad in address.split(".")]
    return "".join(f"{quad:08b}" for quad in [*quads, 0, 0, 0][:4])


def _version(address: str) -> int:
    as_ipv4 = _ipv4_complaint(address)
    if as_ipv4 is None:
        return 4
    if not 0 < address.count(":") < 8:
        raise InvalidAddress(as_ipv4)
    as_ipv6 = _ipv6_complaint(address)
    if as_ipv6 is None:
        return 6
    raise InvalidAddress(as_ipv6)


def _ipv4_complaint(ip: str) -> str | None:
    if not re.fullmatch(r"[0-9.]+", ip):
        return f"Invalid chars in IP {ip}"
    if ip.startswith("."):
        return f"Invalid IP {ip} - starts with a dot"
    if ip.endswith("."):
        return f"Invalid IP {ip} - ends with a dot"
    if ip.count(".") > 3:
        return f"Invalid IP address {ip}"
    if ".." in ip:
        return f"Empty quad in IP address {ip}"
    wrong = [quad for quad in ip.split(".") if int(quad) > 255]
    return f"Invalid quad in IP address {ip} - {wrong[0]}" if wrong else None


def _ipv6_complaint(ip: str) -> str | None:
    groups = ip.split(":")
    for number, group in enumerate(groups, 1):
        is_tail = number == len(groups) and _ipv4_complaint(group) is None
        if group and not re.fullmatch(r"[a-fA-F0-9]{1,4}", group) and not is_tail:
            return f"Invalid IP address {ip}"
    if re.match(r":[^:]", ip):
        return f"Invalid address {ip} (starts with :)"
    if re.search(r"[^:]:$", ip):
        return f"Invalid address {ip} (ends with :)"
    if ip.count("::") > 1 or ":::" in ip:
        return f"Invalid address {ip} (More than one :: pattern)"
    try:
        ipaddress.IPv6Address(ip)
    except ValueError:
        return f"Invalid number of octets {ip}"
    return None
