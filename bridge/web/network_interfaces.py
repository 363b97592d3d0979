"""What the views need of the daemon about addresses and names: pools, DNS zones, reverse names."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.addresses.pool_admin import Saved
from bridge.addresses.pool_list import PoolPage, PoolQuery
from bridge.dns.reverse import ReverseName
from bridge.dns.reverse import Saved as SavedNames


class Pools(Protocol):
    """IP pools. Each method raises `bridge.addresses.errors.PoolRefused` with one line."""

    def page(self, query: PoolQuery) -> PoolPage:
        """One page of the list."""

    def servers(self) -> list[tuple[int, str]]:
        """ID and name of the servers that a pool may be of."""

    def add(self, fields: Mapping[str, object]) -> Saved:
        """Store a new pool."""

    def change(self, pool_id: int, fields: Mapping[str, object], carry_over: bool = False) -> Saved:
        """Change a pool; `carry_over` gives what services hold of it the new settings, too."""

    def delete(self, pool_id: int, confirmed: bool = False) -> None:
        """Delete a pool; one that services hold addresses of only when that is confirmed."""


class Zones(Protocol):
    """DNS zones. Each method but `page` raises `bridge.dns.zone_form.ZoneRefused` with one line."""

    def page(self, page: int, per_page: int, search: str, sort: str, descending: bool) -> dict[str, Any]:
        """One page of the list; no secret is in it."""

    def save(self, typed: Mapping[str, str], zone_id: int | None = None) -> int:
        """Store a new zone, or change one."""

    def delete(self, zone_id: int) -> None:
        """Forget a zone."""

    def test(self, zone_id: int) -> str:
        """Ask the provider; empty, or its error."""


class Names(Protocol):
    """Reverse names. Each method raises `bridge.dns.reverse.NameRefused` with one line."""

    def of_service(self, service_id: int) -> Sequence[ReverseName]:
        """Every address with its name."""

    def set(self, service_id: int, typed: Mapping[str, str], *, by_client: bool) -> SavedNames:
        """Change names, stored and written to the DNS at once."""


class DnsList(Protocol):
    """The list of the old dns.php."""

    def read(self, caller: str) -> list[dict[str, str]]:
        """Forward and reverse names of all addresses. Raises `bridge.dns.listing.ListRefused` when `caller` may not."""
