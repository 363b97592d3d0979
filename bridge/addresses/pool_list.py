"""The list of pools: searched, sorted and cut into pages here, so that a page costs what it shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Any

from peewee import JOIN, Field, ModelSelect, Node

from bridge.addresses.errors import PoolRefused
from bridge.addresses.pools import Pool
from bridge.addresses.quarantine import Quarantine
from bridge.addresses.reverse_zone import ReverseZone, reverse_zone
from bridge.addresses.sources import pool_of, readable_pool, server_name
from bridge.addresses.usage import PoolUsage, usage_of
from bridge.database import any_of
from bridge.models.module import IpPool
from bridge.models.whmcs import Server

MOST_ROWS = 100


@dataclass(frozen=True)
class PoolQuery:
    """What is to be shown: `search` words that each have to be in some column, `sort` one of ORDERS, `page` from 1."""

    page: int = 1
    size: int = 10
    search: str = ""
    sort: str = "id"
    descending: bool = False


@dataclass(frozen=True)
class PoolRow:
    """A pool as the list shows it; `usage` and `zone` None = its fields make no pool, for the reason in `problem`."""

    row: IpPool
    server: str
    usage: PoolUsage | None = None
    zone: ReverseZone | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The documented columns and everything that the form of a pool needs, as plain values."""
        row, usage, zone = self.row, self.usage, self.zone
        fields = ("server_id", "type", "bridge", "vlan", "gateway", "mask", "dns1", "dns2")
        return {
            "id": row.id,
            "server": self.server,
            **{name: getattr(row, name) for name in fields},
            "address_start": row.address_start,
            "address_stop": row.address_stop,
            "addresses": f"{row.address_start} - {row.address_stop}",
            "reverse_zone": zone.text if zone else "",
            "reverse_zone_delegated": zone.delegated if zone else "",
            "usage": usage.text if usage else "",
            "used": usage.used if usage else 0,
            "total": usage.total if usage else 0,
            "quarantined": usage.quarantined if usage else 0,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class PoolPage:
    """One page: `rows` of the `found` pools that the search leaves of `total`."""

    rows: tuple[PoolRow, ...]
    found: int
    total: int


ORDERS: "dict[str, Callable[[Pool, PoolUsage], Any] | Field[Any]]" = {
    "id": IpPool.id,
    "server": Server.name,
    "type": IpPool.type,
    "bridge": IpPool.bridge,
    "vlan": IpPool.vlan,
    "gateway": lambda pool, usage: (pool.family, int(ip_address(pool.gateway))),
    "mask": IpPool.mask,
    "addresses": lambda pool, usage: (pool.family, pool.start),
    "usage": lambda pool, usage: (usage.used / usage.total,),
}
"""The columns by which the list is sorted. Addresses are texts in the table and sort here, as numbers; malformed pools first."""


def pool_page(query: PoolQuery, quarantine: Quarantine) -> PoolPage:
    """The page that `query` asks for. Raises PoolRefused when there is no such order."""
    if query.sort not in ORDERS:
        raise PoolRefused({"sort": f"pools are not sorted by {query.sort[:40]}; possible are {', '.join(ORDERS)}"})
    total = IpPool.select().count()
    matching = _matching(query.search)
    found = matching.count() if query.search.strip() else total
    rows = _cut(matching, query, quarantine)
    return PoolPage(tuple(_shown(rows, quarantine)), found, total)


def _cut(matching: "ModelSelect[Any]", query: PoolQuery, quarantine: Quarantine) -> list[IpPool]:
    """The rows of the page; where the order is not the database's, all that match are read first."""
    size = min(max(query.size, 1), MOST_ROWS)
    start = (max(query.page, 1) - 1) * size
    order = ORDERS[query.sort]
    if isinstance(order, Field):
        column = order.desc() if query.descending else order.asc()
        return list(matching.order_by(column, IpPool.id).offset(start).limit(size))
    rows = list(matching.order_by(IpPool.id))
    pools = {row.id: pool for row in rows if (pool := readable_pool(row))}
    usages = usage_of(list(pools.values()), quarantine) if query.sort == "usage" else [PoolUsage(0, 1)] * len(pools)
    values = {id_: order(pool, usage) for (id_, pool), usage in zip(pools.items(), usages, strict=True)}
    rows.sort(key=lambda row: values.get(row.id, ()), reverse=query.descending)
    return rows[start : start + size]


def _matching(search: str) -> "ModelSelect[Any]":
    query = IpPool.select(IpPool, Server.name).join(
        Server, JOIN.LEFT_OUTER, on=(IpPool.server_id == Server.id), attr="server"
    )
    words = search.split()
    return query.where(*(_has(word) for word in words)) if words else query


def _has(word: str) -> Node:
    """Whether some column has the word in it; a whole address also finds the pool that it is in."""
    columns: list[Any] = [Server.name, IpPool.type, IpPool.bridge, IpPool.gateway]
    columns += [IpPool.address_start, IpPool.address_stop]
    columns += [number.cast("CHAR") for number in (IpPool.id, IpPool.vlan, IpPool.mask)]
    in_some_column = any_of(column.contains(word) for column in columns)
    try:
        ip = ip_address(word)
    except ValueError:
        return in_some_column
    covering = [row.id for row in IpPool.select() if (pool := readable_pool(row)) and pool.covers(ip)]
    return any_of([in_some_column, IpPool.id.in_(covering)])


def _shown(rows: Sequence[IpPool], quarantine: Quarantine) -> list[PoolRow]:
    """The use of all of them is found in one batch."""
    pools = {row.id: pool for row in rows if (pool := readable_pool(row))}
    usages = dict(zip(pools, usage_of(list(pools.values()), quarantine), strict=True))
    return [_shown_row(row, pools.get(row.id), usages.get(row.id)) for row in rows]


def _shown_row(row: IpPool, pool: Pool | None, usage: PoolUsage | None) -> PoolRow:
    server = server_name(getattr(row, "server", None))
    if pool is None:
        return PoolRow(row, server, problem=_problem(row))
    prefix = ip_interface(f"{pool.first}/{pool.prefix}").network
    return PoolRow(row, server, usage, reverse_zone(prefix))


def _problem(row: IpPool) -> str:
    try:
        pool_of(row)
    except ValueError as error:
        return f"nothing is handed out of it: {error}"
    return ""
