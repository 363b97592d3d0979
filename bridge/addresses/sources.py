"""What one server has to give: its pools in the order of their IDs, then its legacy list."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from bridge.addresses.errors import NoServer
from bridge.addresses.legacy_list import LegacyList, parse_legacy_list
from bridge.addresses.network_facts import bridge_name, name_servers, vlan_tag
from bridge.addresses.pools import BITS, Ip, Pool
from bridge.models.module import IpPool
from bridge.models.whmcs import Server
from statemachines.ports import Address

Place = tuple[str, int]


@dataclass(frozen=True)
class Sources:
    """The usable pools and lines of one server; `broken_pools` counts pools whose fields contradict each other."""

    server_id: int
    server_name: str
    pools: tuple[Pool, ...]
    listed: LegacyList
    broken_pools: int = 0

    @property
    def server(self) -> str:
        """The server as the admin knows it, e.g. `pve-waw1 (ID 19)`."""
        return f"{self.server_name} (ID {self.server_id})"

    def address(self, ip: Ip) -> Address | None:
        """`ip` with its network: from the pool that covers it, the line that lists it, or a pool of the same subnet.

        The last keeps an assigned address usable after its pool was shrunk (IPP-13). None when nothing knows it.
        """
        covering = next((pool for pool in self.pools if pool.covers(ip)), None)
        if covering:
            return covering.address(ip)
        line = self.line(ip)
        if line:
            return line
        routing = next((pool for pool in self.pools if pool.routes(ip)), None)
        return routing.address(ip) if routing else None

    def line(self, ip: Ip) -> Address | None:
        """`ip` as a line of the legacy list has it."""
        return next((line for line in self.listed.addresses if line.ip == ip), None)

    def pool_id(self, ip: Ip) -> int | None:
        """The pool that covers `ip`; None for an address of the legacy list."""
        return next((pool.id for pool in self.pools if pool.covers(ip)), None)


def sources_of(server_id: int) -> Sources:
    """Read the sources of a server; what is broken is left out and counted. Raises NoServer when there is none."""
    server = Server.select(Server.id, Server.name, Server.assignedips).where(Server.id == server_id).first()
    if server is None:
        missing = f"server {server_id} does not exist in WHMCS" if server_id else "the service has no server assigned"
        raise NoServer(f"No addresses: {missing}")
    pools, broken = _pools(IpPool.select().where(IpPool.server_id == server_id).order_by(IpPool.id))
    listed = parse_legacy_list(html.unescape(server.assignedips or ""))
    return Sources(server_id, server_name(server), pools, listed, broken)


def server_name(server: Server | None) -> str:
    """A server's name as people read it: WHMCS stores some characters as HTML entities."""
    return html.unescape((server and server.name) or "").strip() or "unnamed"


def _pools(rows: Iterable[IpPool]) -> tuple[tuple[Pool, ...], int]:
    found = [readable_pool(row) for row in rows]
    return tuple(pool for pool in found if pool), found.count(None)


def readable_pool(row: IpPool) -> Pool | None:
    """The pool of a row, None when its fields do not make one."""
    try:
        return pool_of(row)
    except ValueError:
        return None


def pool_of(row: IpPool) -> Pool:
    """The pool of a row. Raises ValueError with the reason when its fields do not make one."""
    start, stop, gateway = (_ip(text) for text in (row.address_start, row.address_stop, row.gateway))
    family = start.version
    if {stop.version, gateway.version} != {family} or (row.type or "").strip().lower() not in {"", f"ipv{family}"}:
        raise ValueError("addresses of different families")
    if int(start) > int(stop):
        raise ValueError("the range ends before it starts")
    if row.mask is None or not 1 <= row.mask <= BITS[family]:
        raise ValueError("the mask is no CIDR length")
    return Pool(
        id=row.id,
        family=family,
        start=int(start),
        stop=int(stop),
        prefix=row.mask,
        gateway=str(gateway),
        bridge=bridge_name((row.bridge or "").strip()),
        vlan=vlan_tag(row.vlan),
        dns=name_servers([row.dns1, row.dns2]),
    )


def _ip(text: str | None) -> Ip:
    return ip_address((text or "").strip())
