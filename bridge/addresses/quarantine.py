"""Addresses that were given back and are left alone for a while, so that nobody inherits the traffic of the one before.

A row says when an address was given back, and by whom; how long it is left alone is the setting of the moment, so that
turning it off frees all of them at once. A row whose time is over means nothing, and goes with the next that is written.
The service that gave an address back may have it again at any time: it is the same client.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bridge.addresses.address_column import Range, numbers_between, within
from bridge.addresses.pools import Ip
from bridge.models.companion import QuarantinedAddress as Row


@dataclass(frozen=True)
class Quarantine:
    """The quarantine as it is at `now` (epoch seconds); `seconds` it lasts, 0 = there is none."""

    now: float
    seconds: float

    def add(self, service_id: int, ips: Collection[Ip]) -> None:
        """The service gives these addresses back now. May run twice."""
        Row.delete().where(Row.released_at <= self._since).execute()
        if ips and self.seconds:
            rows = [
                {"address": ip.exploded, "family": ip.version, "service_id": service_id, "released_at": self.now}
                for ip in ips
            ]
            Row.insert_many(rows).on_conflict_replace().execute()

    def numbers(self, first: Ip, last: Ip, besides: int = 0) -> set[int]:
        """The numbers from `first` to `last` that are in quarantine for everybody but the service `besides`."""
        if not self.seconds:
            return set()
        return numbers_between(Row, first, last, Row.released_at > self._since, Row.service_id != besides)

    def all_within(self, ranges: Sequence[Range]) -> list[str]:
        """The addresses in these ranges, at least one, that are in quarantine (and, in IPv4, some others near by)."""
        if not self.seconds:
            return []
        query = Row.select(Row.address).where(Row.released_at > self._since, within(Row, ranges))
        return [row.address for row in query]

    def admits(self, service_id: int, ips: Iterable[Ip]) -> bool:
        """Whether the service may have the addresses that it has just reserved.

        The reservation comes first: from then on nobody else can reserve an address, and so nobody can give it back.
        """
        taken = list(Row.select().where(Row.address.in_([ip.exploded for ip in ips])))
        return not any(self.seconds and row.service_id != service_id and row.released_at > self._since for row in taken)

    @property
    def _since(self) -> float:
        """What was given back until then is free again."""
        return self.now - self.seconds


def no_quarantine() -> Quarantine:
    """Addresses are handed out again at once."""
    return Quarantine(0.0, 0.0)
