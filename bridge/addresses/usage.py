"""How much of pools is in use, and by whom: a batch of pools costs what one costs, and a /64 what a /29 costs."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bridge.addresses.address_column import Range, within
from bridge.addresses.pools import Ip, Pool
from bridge.addresses.quarantine import Quarantine
from bridge.addresses.shown import in_ranges
from bridge.models.companion import AddressReservation

AT_ONCE = 100  # pools in one question to the database

Use = tuple[int, Ip]
"""A service and an address that it holds."""


@dataclass(frozen=True)
class PoolUsage:
    """How many addresses of a pool services hold, of how many in its range; `quarantined` ones nobody holds."""

    used: int
    total: int
    quarantined: int = 0

    @property
    def text(self) -> str:
        """As the list of pools shows it: `27.59% (8/29)`; two decimals, without zeros at the end."""
        whole, hundredths = divmod((self.used * 20_000 + self.total) // (2 * self.total), 100)
        percent = f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".")
        return f"{percent}% ({self.used}/{self.total})"


def usage_of(pools: Sequence[Pool], quarantine: Quarantine) -> list[PoolUsage]:
    """The use of each pool, in their order."""
    found: list[PoolUsage] = []
    for start in range(0, len(pools), AT_ONCE):
        chunk = pools[start : start + AT_ONCE]
        ranges = [(pool.first, pool.last) for pool in chunk]
        held = {ip for _, ip in uses_in(ranges)}
        resting = {ip_address(text) for text in quarantine.all_within(ranges)} - held
        in_use, in_quarantine = _Numbers(held), _Numbers(resting)
        found += [PoolUsage(in_use.count(pool), pool.size, in_quarantine.count(pool)) for pool in chunk]
    return found


def uses_in(ranges: Sequence[Range]) -> set[Use]:
    """What services hold in any of the ranges (and some of what they hold elsewhere)."""
    if not ranges:
        return set()
    rows = AddressReservation.select(AddressReservation.service_id, AddressReservation.address).where(
        within(AddressReservation, ranges)
    )
    return in_ranges(ranges) | {(row.service_id, ip_address(row.address)) for row in rows}


def uses_of(pool: Pool) -> set[Use]:
    """What services hold of the pool: in its range, and what it has given before its range was changed."""
    given = AddressReservation.select(AddressReservation.service_id, AddressReservation.address).where(
        AddressReservation.pool_id == pool.id
    )
    found = {use for use in uses_in([(pool.first, pool.last)]) if pool.covers(use[1])}
    return found | {(row.service_id, ip_address(row.address)) for row in given}


class _Numbers:
    """Addresses of both families, counted within a pool by two looks into a sorted list."""

    def __init__(self, ips: Iterable[Ip]) -> None:
        self._sorted: dict[int, list[int]] = {4: [], 6: []}
        for ip in sorted(ips, key=int):
            self._sorted[ip.version].append(int(ip))

    def count(self, pool: Pool) -> int:
        numbers = self._sorted[pool.family]
        return bisect_right(numbers, pool.stop) - bisect_left(numbers, pool.start)
