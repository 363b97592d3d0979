"""Ranges of addresses in our tables, whose indexed column `address` holds texts, not numbers."""

from collections.abc import Iterable
from ipaddress import ip_address

import peewee

from bridge.addresses.pools import Ip, common
from bridge.database import any_of
from bridge.models.companion import AddressReservation, QuarantinedAddress

Range = tuple[Ip, Ip]
Table = type[AddressReservation] | type[QuarantinedAddress]


def within(table: Table, ranges: Iterable[Range]) -> peewee.Node:
    """A condition on the indexed text that holds for all addresses of the ranges, at least one (and, in IPv4, for others)."""
    return any_of(_between(table, first, last) for first, last in ranges)


def numbers_between(table: Table, first: Ip, last: Ip, *conditions: peewee.Node) -> set[int]:
    """The numbers of the addresses from `first` to `last` whose rows meet the conditions."""
    rows = table.select(table.address).where(_between(table, first, last), *conditions)
    numbers = (int(ip_address(row.address)) for row in rows)
    return {number for number in numbers if int(first) <= number <= int(last)}


def _between(table: Table, first: Ip, last: Ip) -> peewee.Expression:
    """The full form of IPv6 sorts like the numbers. Of IPv4 the octets that both ends have in common begin the text; "/" is
    the character that follows ".".
    """
    if first.version == 6:
        return table.address.between(first.exploded, last.exploded)
    octets = common(first, last)
    if not octets:
        return table.family == 4
    begin = ".".join(octets)
    return table.address == begin if len(octets) == 4 else table.address.between(f"{begin}.", f"{begin}/")
