"""What an admin may write into a pool. Pure; whether the server exists and who overlaps whom, `pool_admin` finds out.

Values are stored in one form, so that the old module can read them after switching back: dotted IPv4, and IPv6 as it was
entered there and shown in its list, short and in lower case (`2001:db8::2`). Full groups are for the addresses of services.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from bridge.addresses.errors import PoolRefused
from bridge.addresses.network_facts import HIGHEST_VLAN, bridge_name
from bridge.addresses.pools import BITS, Ip, Pool
from bridge.models.module import IpPool
from bridge.package.kinds import Choice, Whole, quotable, text_of

LABELS = {
    "server_id": "Server",
    "type": "Type",
    "bridge": "Bridge",
    "vlan": "Vlan",
    "gateway": "Gateway",
    "mask": "Mask",
    "dns1": "DNS 1",
    "dns2": "DNS 2",
    "address_start": "Address Start",
    "address_stop": "Address Stop",
}
"""The fields of the dialog in its order; the names are those of the table's columns."""

HIGHEST_USABLE_VLAN = 4094  # IEEE 802.1Q; Proxmox VE accepts 1-4094
HIGHEST_BRIDGE = 4094

_TYPE = Choice((("ipv4", "IPv4"), ("ipv6", "IPv6")))
_SERVER = Whole(1, 2**31 - 1)
_VLAN = Whole(0, HIGHEST_VLAN)
_BRIDGE = re.compile(r"vmbr(0|[1-9][0-9]{0,3})")


def read_pool(given: Mapping[str, object], stored: IpPool | None = None) -> dict[str, Any]:
    """The columns of a pool from what was typed; what is not given keeps what is `stored`.

    Raises PoolRefused with one line for every field that is wrong.
    """
    form = _Form({"vlan": 0} | _columns(stored) | dict(given), stored)
    columns = form.columns()
    unknown = {name: f'a pool has no field "{quotable(name)}"' for name in given if name not in LABELS}
    if form.errors or unknown:
        raise PoolRefused(unknown | form.errors)
    return columns


def remarks(pool: Pool) -> list[str]:
    """What is allowed but will hardly work as wanted, one line each."""
    found = []
    if pool.vlan > HIGHEST_USABLE_VLAN:
        found.append(
            f"Vlan (vlan): Proxmox VE refuses VLAN {pool.vlan}, the highest usable one is {HIGHEST_USABLE_VLAN}"
        )
    host_bits = BITS[pool.family] - pool.prefix
    # With /32 and /128 every address is a subnet of its own, and the gateway is reached as a neighbour.
    if host_bits and pool.start >> host_bits != pool.stop >> host_bits:
        found.append(f"{pool.first} and {pool.last} are in different subnets of /{pool.prefix}")
    elif host_bits and not pool.routes(pool.first) and not ip_address(pool.gateway).is_link_local:
        found.append(f"Gateway (gateway): {pool.gateway} is outside of {pool.first}/{pool.prefix}")
    if next(pool.free(()), None) is None:
        found.append(f"{pool.first} - {pool.last} has no address to hand out")
    return found


class _Form:
    """One reading of all fields; what is wrong is collected, so that an admin sees all of it at once."""

    def __init__(self, values: Mapping[str, object], stored: IpPool | None) -> None:
        self.errors: dict[str, str] = {}
        self._values = values
        self._stored = stored

    def columns(self) -> dict[str, Any]:
        """All columns; those in `errors` are None."""
        family = self._family()
        mask = Whole(1, BITS[family or 6])
        columns = {
            "server_id": self._read("server_id", _SERVER.read),
            "type": None if family is None else f"ipv{family}",
            "bridge": self._read("bridge", self._bridge),
            "vlan": self._read("vlan", _VLAN.read),
            "gateway": self._address("gateway", family),
            "mask": self._read("mask", mask.read),
            "dns1": self._name_server("dns1"),
            "dns2": self._name_server("dns2"),
            "address_start": self._address("address_start", family),
            "address_stop": self._address("address_stop", family),
        }
        start, stop = columns["address_start"], columns["address_stop"]
        if start and stop and int(ip_address(start)) > int(ip_address(stop)):
            self.errors["address_stop"] = f"Address Stop (address_stop): {stop} is below Address Start {start}"
        return columns

    def _read(self, name: str, read: Callable[[object], Any]) -> Any:
        value = self._values.get(name)
        try:
            return read(value)
        except ValueError as error:
            self.errors[name] = f'{LABELS[name]} ({name}): "{quotable(value)}" must be {error}'
            return None

    def _family(self) -> int | None:
        """4 or 6. The type of a pool that is stored stays what it is."""
        typed = self._read("type", _TYPE.read)
        before = _family_of(self._stored) if self._stored else None
        if typed and before and typed != f"ipv{before}":
            self.errors["type"] = f"Type (type): the type of a pool cannot be changed, it is IPv{before}"
        return {"ipv4": 4, "ipv6": 6}.get(typed)

    def _bridge(self, raw: object) -> str:
        """A bridge as the documentation has it; one of another kind may stay where it is stored already."""
        text = text_of(raw)
        number = _BRIDGE.fullmatch(text)
        if not (number and int(number[1]) <= HIGHEST_BRIDGE) and not self._is_stored(text):
            raise ValueError(f"vmbr and a number from 0 to {HIGHEST_BRIDGE}, for example vmbr0")
        return text

    def _is_stored(self, bridge: str) -> bool:
        if self._stored is None or bridge != (self._stored.bridge or "").strip():
            return False
        try:
            return bool(bridge_name(bridge))
        except ValueError:
            return False

    def _address(self, name: str, family: int | None) -> str | None:
        value: str | None = self._read(name, lambda raw: str(_host(raw, family)))
        return value

    def _name_server(self, name: str) -> str:
        """Of any family. None is stored as an empty text, which a column that the old module made takes for sure."""
        if not text_of(self._values.get(name)):
            return ""
        return self._address(name, None) or ""


def _host(raw: object, family: int | None) -> Ip:
    """An address that a machine can have, in any notation; `family` None = any."""
    what = f"an IPv{family} address" if family else "an IP address"
    text = text_of(raw)
    try:
        ip = ip_address(text)
    except ValueError:
        raise ValueError(what) from None
    if "%" in text or ip.version != (family or ip.version):
        raise ValueError(what)
    mapped = ip.version == 6 and ip.ipv4_mapped is not None
    if mapped or ip.is_multicast or ip.is_unspecified or ip.is_loopback:
        raise ValueError(f"{what} of a machine")
    return ip


def _columns(stored: IpPool | None) -> dict[str, object]:
    if stored is None:
        return {}
    columns: dict[str, object] = {name: getattr(stored, name) for name in LABELS}
    family = _family_of(stored)
    return columns | ({"type": f"ipv{family}"} if family else {})


def _family_of(stored: IpPool) -> int | None:
    """What a stored pool is: as its type says, or its first address where the type says nothing."""
    kind = text_of(stored.type).casefold()
    if kind in {"ipv4", "ipv6"}:
        return int(kind[-1])
    try:
        return ip_address(text_of(stored.address_start)).version
    except ValueError:
        return None
