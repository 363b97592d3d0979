"""DNS zones in terms of record sets: what every provider's adapter understands, and what it promises."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from providers.errors import ProviderError

Key = tuple[str, str]
"""Name and type of a record set. The name is absolute, in lower-case ASCII, without a trailing dot."""

TTL = 3600  # seconds, of the record sets that we write
HOST_NAME_TYPES = ("CNAME", "NS", "PTR")  # types whose content is nothing but a host name


@dataclass(frozen=True, order=True)
class RecordSet:
    """All records of one name and type; without `values` there are none.

    Values: addresses in their compressed form for A and AAAA, host names in lower-case ASCII without a trailing dot for PTR.
    """

    name: str
    type: str
    values: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Name and type."""
        return self.name, self.type


def canonical(record_type: str, content: str) -> str:
    """A record's content in the form of RecordSet's values. What is none of ours, or not valid, stays as it is."""
    if record_type in HOST_NAME_TYPES:
        return content.rstrip(".").lower()
    if record_type in ("A", "AAAA"):
        try:
            return ip_address(content).compressed
        except ValueError:
            return content
    return content


class Zone(Protocol):
    """One zone at one provider. Safe to share between threads. No error text holds a secret.

    `provider` is the provider's name as console lines have it, `name` the zone's without a trailing dot.
    """

    @property
    def provider(self) -> str: ...

    @property
    def name(self) -> str: ...

    def test(self) -> None:
        """Ask the provider for the zone, changing nothing. Raises ProviderError with the provider's own words: not reachable,
        credentials refused, no such zone, or a zone of another name."""
        ...

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """What the provider holds for each of `keys`, an empty set where there is nothing. Raises ProviderError."""
        ...

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Make the zone hold exactly `sets` under their keys, which differ; other records are not touched.

        Returns the failed ones with their reasons, nothing when all are as wanted. Never raises ProviderError: one bad record
        does not keep the others from being written. May run twice. Sends as few requests as the provider's API allows.
        A record of another type that stands in the way (CNAME) is a Conflict.
        """
        ...
