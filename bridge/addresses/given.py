"""What a pool has given: written down with the services that hold it, so that the pool may change or go without them.

Functions here belong into the transaction that changes the pool. Each may run twice.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from bridge.addresses import reservations
from bridge.addresses.address_column import within
from bridge.addresses.pools import Pool
from bridge.addresses.reservations import network_columns
from bridge.addresses.sources import Sources, sources_of
from bridge.addresses.usage import Use
from bridge.database import any_of
from bridge.models.companion import AddressReservation as Row
from bridge.models.whmcs import Service

AT_ONCE = 500  # rows in one statement


def write_down(pool: Pool, server_id: int, uses: Iterable[Use], now: float) -> None:
    """Keep the network of the pool with everything of it that services of its server hold without one.

    `uses` is what services show of the pool: also what they have from the old module, which has reserved nothing.
    """
    sources = sources_of(server_id)
    bare = [row for row in _given(pool, sources) if row.prefix is None]
    _write_network(pool, [row for row in bare if pool.covers(ip := ip_address(row.address)) or pool.routes(ip)])
    reserved = reservations.reserved_between(pool.first, pool.last)
    theirs = _services_of(server_id, {service for service, _ in uses})
    for service, ip in sorted(uses, key=lambda use: (use[0], int(use[1]))):
        if service in theirs and int(ip) not in reserved and sources.pool_id(ip) == pool.id:
            reservations.reserve(service, server_id, pool.address(ip), 0, pool.id, now)


def carry_over(pool: Pool, server_id: int) -> int:
    """Give what the pool has given, and still covers, its settings of today; returns how many addresses that are."""
    covered = [row for row in _given(pool, sources_of(server_id)) if pool.covers(ip_address(row.address))]
    _write_network(pool, covered)
    return len(covered)


def cut_off(pool_id: int) -> None:
    """The pool goes: its number, which another pool may get, means nothing any more."""
    Row.update(pool_id=None).where(Row.pool_id == pool_id).execute()


def _given(pool: Pool, sources: Sources) -> list[Row]:
    """What the pool has given to services of its server, and what nobody claims to have given but the pool covers."""
    mine = Row.pool_id == pool.id
    nobodys = Row.pool_id.is_null() & within(Row, [(pool.first, pool.last)])
    rows = Row.select().where(any_of([mine, nobodys]), Row.server_id == sources.server_id)
    return [row for row in rows if row.pool_id or sources.pool_id(ip_address(row.address)) == pool.id]


def _write_network(pool: Pool, rows: Sequence[Row]) -> None:
    """All addresses of a pool have the same network."""
    columns = network_columns(pool.address(pool.first))
    for start in range(0, len(rows), AT_ONCE):
        ids = [row.id for row in rows[start : start + AT_ONCE]]
        Row.update(pool_id=pool.id, **columns).where(Row.id.in_(ids)).execute()


def _services_of(server_id: int, service_ids: set[int]) -> set[int]:
    """Those of the services that are on the server."""
    if not service_ids:
        return set()
    query = Service.select(Service.id).where(Service.server == server_id)
    return {row.id for row in query} & service_ids
