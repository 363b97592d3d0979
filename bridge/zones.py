"""DNS zones of the installation. Implements `statemachines.ports.Dns` as far as this version goes: it writes no records.

A zone that is configured but not served is told in the run's log and in the module log, so that nobody believes otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.database import retry_lost_connection
from bridge.models.module import DnsZone
from statemachines.ports import Address, DnsResult, Journal


@dataclass(frozen=True)
class Zones:
    """The configured zones."""

    journal: Journal

    def refresh(
        self,
        fqdn: str,
        addresses: Sequence[Address],
        names: Mapping[str, str],
        say: Callable[[str], None],
        gone: Sequence[Address] = (),
    ) -> DnsResult:
        """Nothing to do without zones; each zone there is, is named as not served."""
        return self._not_served(fqdn)

    def remove(
        self, fqdn: str, addresses: Sequence[Address], names: Mapping[str, str], say: Callable[[str], None]
    ) -> DnsResult:
        """As `refresh`."""
        return self._not_served(fqdn)

    def _not_served(self, fqdn: str) -> DnsResult:
        messages = tuple(f"zone {name}: DNS records are not available yet in this version" for name in _zone_names())
        for message in messages:
            self.journal.record("dns", fqdn, message)
        return DnsResult(messages=messages)


@retry_lost_connection
def _zone_names() -> list[str]:
    return [str(row.zone) for row in DnsZone.select(DnsZone.zone).order_by(DnsZone.id)]
