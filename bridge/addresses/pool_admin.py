"""Pools in the hands of staff: added, changed, deleted. What services hold of a pool is theirs, whatever becomes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from bridge.addresses import given
from bridge.addresses.errors import PoolInUse, PoolRefused
from bridge.addresses.pool_form import read_pool, remarks
from bridge.addresses.pool_list import PoolPage, PoolQuery, pool_page
from bridge.addresses.pools import Pool
from bridge.addresses.quarantine import Quarantine, no_quarantine
from bridge.addresses.sources import pool_of, readable_pool, server_name
from bridge.addresses.usage import Use, uses_of
from bridge.database import lock_row, retry_lost_connection, transaction
from bridge.models.companion import AddressReservation
from bridge.models.module import IpPool
from bridge.models.whmcs import Server
from bridge.module_log import MODULE
from statemachines.ports import Clock

USERS_NAMED = 10


@dataclass(frozen=True)
class Saved:
    """A pool that is stored now; `warnings` are lines about what will hardly work as wanted."""

    pool_id: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pools:
    """All pools of the installation."""

    clock: Clock
    quarantine: Callable[[], Quarantine] = no_quarantine

    @retry_lost_connection
    def page(self, query: PoolQuery) -> PoolPage:
        """The pools that `query` asks for. Raises PoolRefused when it asks for an order that there is not."""
        return pool_page(query, self.quarantine())

    @retry_lost_connection
    def servers(self) -> list[tuple[int, str]]:
        """ID and name of the servers that a pool may be of."""
        query = Server.select(Server.id, Server.name).where(Server.type == MODULE).order_by(Server.id)
        return [(row.id, server_name(row)) for row in query]

    @retry_lost_connection
    def add(self, fields: Mapping[str, object]) -> Saved:
        """Store a new pool. Raises PoolRefused with everything that is wrong with it."""
        columns = read_pool(fields)
        with transaction():
            warnings = self._check(columns, None)
            return Saved(IpPool.create(**columns).id, tuple(warnings))

    @retry_lost_connection
    def change(self, pool_id: int, fields: Mapping[str, object], carry_over: bool = False) -> Saved:
        """Change the fields that are given. Services keep what they have, with mask, gateway, name servers, bridge and VLAN
        as they were given; `carry_over` gives them the new ones, which reach a VM with the next operation on it.

        May run twice. Raises PoolRefused with everything that is wrong.
        """
        read_pool(fields, _row(pool_id))
        uses = _uses(_row(pool_id))
        with transaction():
            before = _row(pool_id)
            columns = read_pool(fields, before)
            for server_id in sorted({before.server_id, columns["server_id"]}):
                lock_row(Server, server_id)
            warnings = self._check(columns, before)
            if columns != {name: getattr(before, name) for name in columns}:
                self._write_down(before, uses)
                IpPool.update(**columns).where(IpPool.id == pool_id).execute()
            if carry_over:
                given.carry_over(pool_of(_row(pool_id)), columns["server_id"])
        return Saved(pool_id, tuple(warnings))

    @retry_lost_connection
    def delete(self, pool_id: int, confirmed: bool = False) -> None:
        """Remove a pool. Raises PoolRefused when there is none, and PoolInUse when services hold addresses of it.

        `confirmed` removes it all the same; the services keep their addresses with everything that a guest needs to use them.
        """
        row = _row(pool_id)
        uses = _uses(row)
        users = sorted({service for service, _ in uses})
        if users and not confirmed:
            raise PoolInUse(f"{described(row)} is in use by {_named(users)}", users)
        with transaction():
            lock_row(Server, row.server_id)
            self._write_down(_row(pool_id), uses)
            given.cut_off(pool_id)
            IpPool.delete().where(IpPool.id == pool_id).execute()

    def _write_down(self, row: IpPool, uses: set[Use]) -> None:
        pool = readable_pool(row)
        if pool and Server.select(Server.id).where(Server.id == row.server_id).exists():
            given.write_down(pool, row.server_id, uses, self.clock.now())

    @staticmethod
    def _check(columns: dict[str, Any], before: IpPool | None) -> list[str]:
        """What is worth a warning. Raises PoolRefused when the server is none of ours, or has these addresses already.

        Holds the server's row, so that two admins cannot add the same range at once.
        """
        lock_row(Server, columns["server_id"])
        server = Server.select(Server.id, Server.type).where(Server.id == columns["server_id"]).first()
        if server is None or server.type != MODULE:
            raise PoolRefused({"server_id": f"Server (server_id): {columns['server_id']} is no server of this module"})
        pool = pool_of(IpPool(id=before.id if before else 0, **columns))
        warnings = remarks(pool)
        moved = before is None or any(
            getattr(before, name) != columns[name] for name in ("server_id", "address_start", "address_stop")
        )
        for other in _overlapping(pool):
            line = f"{pool.first} - {pool.last} overlaps with {described(other)}"
            if other.server_id == columns["server_id"] and moved:
                raise PoolRefused({"address_start": line})
            warnings.append(f"{line}: each address is handed out once in all")
        return warnings


def described(row: IpPool) -> str:
    """A pool in a line for the admin: `pool 3 (10.0.0.2 - 10.0.0.9) of server pve-waw1 (ID 19)`."""
    server = Server.select(Server.name).where(Server.id == row.server_id).first()
    name = f"{server_name(server)} (ID {row.server_id})"
    return f"pool {row.id} ({row.address_start} - {row.address_stop}) of server {name}"


def _row(pool_id: int) -> IpPool:
    row: IpPool | None = IpPool.get_or_none(IpPool.id == pool_id)
    if row is None:
        raise PoolRefused({"": f"pool {pool_id} does not exist"})
    return row


def _uses(row: IpPool) -> set[Use]:
    """Read before anything is locked: it looks through the texts of all services."""
    pool = readable_pool(row)
    if pool:
        return uses_of(pool)
    rows = AddressReservation.select().where(AddressReservation.pool_id == row.id)
    return {(reserved.service_id, ip_address(reserved.address)) for reserved in rows}


def _overlapping(pool: Pool) -> list[IpPool]:
    """Other pools with addresses of this one. Malformed ones hand nothing out and are passed over."""
    found = []
    for row in IpPool.select().where(IpPool.id != pool.id).order_by(IpPool.id):
        other = readable_pool(row)
        if other and other.family == pool.family and other.start <= pool.stop and pool.start <= other.stop:
            found.append(row)
    return found


def _named(users: list[int]) -> str:
    """`services 4, 5 and 12 more`."""
    shown = ", ".join(str(user) for user in users[:USERS_NAMED])
    more = len(users) - USERS_NAMED
    return f"service{'s' if len(users) > 1 else ''} {shown}{f' and {more} more' if more > 0 else ''}"
