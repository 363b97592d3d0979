"""Rows of `kvm_bridge_address`: the addresses handed out by us, each at most once by the table's unique key."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import peewee

from bridge.addresses.address_column import numbers_between, within
from bridge.addresses.pools import Ip
from bridge.addresses.shown import still_shown
from bridge.models.companion import AddressReservation as Row
from statemachines.ports import Address


@dataclass(frozen=True)
class Reserved:
    """An address that is reserved; `network` as it was given, None = not written down; `pool_id` None = by no pool."""

    ip: Ip
    server_id: int
    pool_id: int | None
    network: Address | None


def reserved_by(service_id: int) -> list[Reserved]:
    """What a service has reserved: IPv4 first, in the order in which it was given."""
    rows = Row.select().where(Row.service_id == service_id).order_by(Row.family, Row.position, Row.id)
    return [Reserved(ip_address(row.address), row.server_id, row.pool_id, _network(row)) for row in rows]


def reserved_between(first: Ip, last: Ip) -> set[int]:
    """The numbers of all reserved addresses from `first` to `last`, read through the index on the address."""
    return numbers_between(Row, first, last)


def reserve(service_id: int, server_id: int, address: Address, position: int, pool_id: int | None, now: float) -> bool:
    """Reserve an address for a service; False when another has it. Only inside a transaction."""
    text = address.ip.exploded
    mine = Row.get_or_none(Row.address == text)
    if mine is not None:
        return bool(mine.service_id == service_id)
    try:
        Row.create(
            address=text,
            service_id=service_id,
            server_id=server_id,
            family=address.family,
            position=position,
            pool_id=pool_id,
            reserved_at=now,
            **network_columns(address),
        )
    except peewee.IntegrityError:
        return False
    return True


def holder_of(ip: Ip) -> int | None:
    """The service that has reserved `ip`."""
    row = Row.get_or_none(Row.address == ip.exploded)
    return row.service_id if row else None


def give_back(service_id: int, keep: Iterable[Ip] = ()) -> None:
    """Delete the reservations of a service but those of `keep`. May run twice."""
    kept = [ip.exploded for ip in keep]
    mine = Row.service_id == service_id
    Row.delete().where(mine & Row.address.not_in(kept) if kept else mine).execute()


def forget_unshown(first: Ip, last: Ip) -> list[tuple[int, Ip]]:
    """Delete reservations from `first` to `last` that no service shows any more; returns them as (service, address).

    A reservation is written together with what WHMCS and the record show. Where both are gone, somebody else ended the
    service: the old module, or an admin who deleted it.
    """
    rows = [
        (row.id, row.service_id, ip_address(row.address)) for row in Row.select().where(within(Row, [(first, last)]))
    ]
    rows = [(id_, service, ip) for id_, service, ip in rows if int(first) <= int(ip) <= int(last)]
    shown = still_shown({service for _, service, _ in rows}) if rows else set()
    stale = [(id_, service, ip) for id_, service, ip in rows if (service, ip) not in shown]
    if stale:
        Row.delete().where(Row.id.in_([id_ for id_, _, _ in stale])).execute()
    return [(service, ip) for _, service, ip in stale]


def network_columns(address: Address) -> dict[str, Any]:
    """The columns that keep the network of an address."""
    return {
        "prefix": address.prefix,
        "gateway": address.gateway,
        "dns": " ".join(address.dns),
        "bridge": address.bridge,
        "vlan": address.vlan,
    }


def _network(row: Row) -> Address | None:
    if row.prefix is None:
        return None
    name_servers = tuple((row.dns or "").split())
    return Address(
        ip_address(row.address), row.prefix, row.gateway or "", name_servers, row.bridge or "", row.vlan or 0
    )
