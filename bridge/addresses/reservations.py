"""Rows of `kvm_bridge_address`: the addresses handed out by us, each at most once by the table's unique key."""

from collections.abc import Iterable
from ipaddress import ip_address

import peewee

from bridge.addresses.pools import Ip, common
from bridge.addresses.shown import still_shown
from bridge.models.companion import AddressReservation as Row


def reserved_by(service_id: int) -> list[Ip]:
    """What a service has reserved: IPv4 first, in the order in which it was given."""
    rows = Row.select().where(Row.service_id == service_id).order_by(Row.family, Row.position, Row.id)
    return [ip_address(row.address) for row in rows]


def reserved_between(first: Ip, last: Ip) -> set[int]:
    """The numbers of all reserved addresses from `first` to `last`, read through the index on the address."""
    rows = Row.select(Row.address).where(_between(first, last))
    numbers = (int(ip_address(row.address)) for row in rows)
    return {number for number in numbers if int(first) <= number <= int(last)}


def reserve(service_id: int, server_id: int, ip: Ip, position: int, pool_id: int | None, now: float) -> bool:
    """Reserve `ip` for a service; False when another has it. Only inside a transaction."""
    mine = Row.get_or_none(Row.address == ip.exploded)
    if mine is not None:
        return bool(mine.service_id == service_id)
    try:
        Row.create(
            address=ip.exploded,
            service_id=service_id,
            server_id=server_id,
            family=ip.version,
            position=position,
            pool_id=pool_id,
            reserved_at=now,
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


def forget_unshown(first: Ip, last: Ip) -> int:
    """Delete reservations from `first` to `last` that no service shows any more; returns how many.

    A reservation is written together with what WHMCS and the record show. Where both are gone, somebody else ended the
    service: the old module, or an admin who deleted it.
    """
    rows = [
        row
        for row in Row.select().where(_between(first, last))
        if int(first) <= int(ip_address(row.address)) <= int(last)
    ]
    shown = still_shown({row.service_id for row in rows}) if rows else set()
    stale = [row.id for row in rows if (row.service_id, ip_address(row.address)) not in shown]
    return Row.delete().where(Row.id.in_(stale)).execute() if stale else 0


def _between(first: Ip, last: Ip) -> peewee.Expression:
    """A condition on the indexed text that holds for all addresses from `first` to `last` (and, in IPv4, for some others).

    The full form of IPv6 sorts like the numbers. Of IPv4 the octets that both ends have in common begin the text; "/" is the
    character that follows ".".
    """
    if first.version == 6:
        return Row.address.between(first.exploded, last.exploded)
    octets = common(first, last)
    if not octets:
        return Row.family == 4
    begin = ".".join(octets)
    return Row.address == begin if len(octets) == 4 else Row.address.between(f"{begin}.", f"{begin}/")
