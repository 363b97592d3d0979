"""From a row of the old addon to a row of ours. Pure.

Nothing tells the columns of the old tables, so each of ours is looked for under every name that fits, in columns and in JSON
texts. Values are copied as they are: a pool that hands nothing out, and a zone that cannot be reached, is better seen in the
list than lost.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import unescape
from ipaddress import ip_address, ip_network
from typing import Any

from bridge.package.kinds import text_of, whole_number

Names = Mapping[str, Sequence[str]]
"""Our column -> the names, reduced to letters and digits, under which it may be found; the first that has a value counts."""

POOL: Names = {
    "id": ("id", "poolid"),
    "server_id": ("serverid", "server", "proxmoxserver"),
    "type": ("type", "iptype", "family", "ipversion", "version"),
    "bridge": ("bridge", "networkbridge", "vmbr"),
    "vlan": ("vlan", "vlanid", "vlantag", "tag"),
    "gateway": ("gateway", "gw", "defaultgateway"),
    "mask": ("mask", "netmask", "subnetmask", "prefix", "prefixlength", "cidr"),
    "dns1": ("dns1", "primarydns", "nameserver1", "dns", "nameservers"),
    "dns2": ("dns2", "secondarydns", "nameserver2"),
    "address_start": ("addressstart", "startaddress", "ipstart", "startip", "rangestart", "start", "first", "from"),
    "address_stop": (
        *("addressstop", "stopaddress", "ipstop", "stopip", "rangestop", "stop"),
        *("addressend", "endaddress", "ipend", "endip", "rangeend", "end", "last", "to"),
    ),
}
ZONE: Names = {
    "id": ("id",),
    "zone": ("zone", "zonename", "domain", "name"),
    "type": ("type", "provider", "dnstype"),
    "account_id": ("accountid", "account"),
    "zone_id": ("zoneid", "cloudflarezoneid"),
    "api_token": ("apitoken", "token"),
    "server": ("server", "serverurl", "apiurl", "url", "host"),
    "admin": ("admin", "adminuser", "adminusername"),
    "user": ("user", "username", "owner"),
    "password": ("password", "adminpassword", "pass"),
    "api_key": ("apikey", "xapikey", "key"),
}
MAX_TEXT = 255
SECRETS = frozenset({"api_token", "password", "api_key"})
_PROVIDERS = {"hestia": "hestiacp", "pdns": "powerdns"}
_DOTTED = re.compile(r"[0-9.]+")


def pool_columns(row: Mapping[str, Any], server_named: Callable[[str], int | None]) -> dict[str, Any]:
    """The columns of a pool; `server_named` gives the ID of a server where the row has its name. Never raises."""
    found = _found(row, POOL)
    servers = [text.strip() for text in f"{found['dns1']},{found['dns2']}".split(",") if text.strip()]
    server = whole_number(found["server_id"])
    return {
        "id": whole_number(found["id"]),
        "server_id": server if server is not None else (server_named(found["server_id"]) or 0),
        "type": _family(found["type"], found["address_start"]),
        "bridge": found["bridge"],
        "vlan": whole_number(found["vlan"]) or 0,
        "gateway": found["gateway"],
        "mask": _prefix_length(found["mask"]),
        "dns1": servers[0] if servers else "",
        "dns2": servers[1] if len(servers) > 1 else "",
        "address_start": found["address_start"],
        "address_stop": found["address_stop"],
    }


def zone_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a zone, its secrets as they are. Never raises."""
    found = _found(row, ZONE)
    provider = found["type"].casefold()
    return found | {"id": whole_number(found["id"]), "type": _PROVIDERS.get(provider, provider)}


def _found(row: Mapping[str, Any], names: Names) -> dict[str, str]:
    values: dict[str, Any] = {}
    for name, value in _flat(row):
        values.setdefault(_reduced(name), value)
    texts = {
        column: next((text for name in known if (text := text_of(values.get(name)))), "")
        for column, known in names.items()
    }
    return {column: text if column in SECRETS else unescape(text)[:MAX_TEXT] for column, text in texts.items()}


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """All names and values: the columns first, then what JSON texts in them hold, also one object below the provider's name."""
    inner: list[dict[str, Any]] = []
    for name, value in row.items():
        objects = _json_object(value)
        if objects is None:
            yield name, value
        else:
            inner.append(objects)
    for objects in inner:
        yield from ((name, value) for name, value in objects.items() if not isinstance(value, dict | list))
    provider = _reduced(next((text_of(row[name]) for name in row if _reduced(name) in ZONE["type"]), ""))
    for objects in inner:
        for name, value in objects.items():
            if isinstance(value, dict) and _reduced(name) == provider:
                yield from value.items()


def _json_object(value: Any) -> dict[str, Any] | None:
    text = text_of(value)
    for candidate in (text, unescape(text)):
        if candidate.startswith("{"):
            try:
                found = json.loads(candidate)
            except (ValueError, RecursionError):
                continue
            return found if isinstance(found, dict) else None
    return None


def _reduced(name: str) -> str:
    """The letters and digits of a name: `Address_Start` and `addressStart` are the same."""
    return re.sub(r"[^a-z0-9]", "", str(name).casefold())


def _family(text: str, start: str) -> str:
    """`ipv4` or `ipv6`: what the type says, else what the first address is."""
    digits = re.sub(r"[^46]", "", text)
    if digits in {"4", "6"}:
        return f"ipv{digits}"
    try:
        return f"ipv{ip_address(start).version}"
    except ValueError:
        return "ipv4"


def _prefix_length(text: str) -> int | None:
    """`24`, `/24` and `255.255.255.0` are the same; None for anything else."""
    text = text.removeprefix("/")
    number = whole_number(text)
    if number is None and _DOTTED.fullmatch(text):
        try:
            return ip_network(f"0.0.0.0/{text}").prefixlen
        except ValueError:
            return None
    return number
