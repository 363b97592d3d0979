"""What the clusters show of all their VMs: one request per server, all servers side by side."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from bridge.database import close_connection
from bridge.hypervisors import Hypervisors
from providers.proxmox import Proxmox
from providers.proxmox.inventory import Guest
from statemachines.errors import Kind, kind_of
from statemachines.ports import Clock

log = logging.getLogger(__name__)

SERVERS_AT_ONCE = 8
FRESH = 120.0  # seconds that a listing is used; then it is asked for again


class Unlisted(Exception):
    """A server cannot be asked; the message is one line for staff."""

    kind = "retryable"


@dataclass(frozen=True)
class Listing:
    """A cluster's VMs by VMID as they were at `at`, and whom to ask further."""

    at: float
    guests: dict[int, Guest]
    proxmox: Proxmox


class Servers(Protocol):
    """Listings by server."""

    def listing(self, server_id: int) -> Listing:
        """The list of a server, not older than FRESH. Raises Unlisted."""
        ...


class Listings:
    """Lists servers when first asked, all of `servers` at the same time: one that hangs holds nobody else up."""

    def __init__(self, hypervisors: Hypervisors, clock: Clock, servers: Sequence[int]) -> None:
        self._hypervisors = hypervisors
        self._clock = clock
        with ThreadPoolExecutor(SERVERS_AT_ONCE, "statistics") as pool:
            self._found = dict(self._each(pool, servers))

    def listing(self, server_id: int) -> Listing:
        """The list, asked for again when it has become old. Raises Unlisted."""
        found = self._found[server_id]
        if isinstance(found, Listing) and abs(self._clock.now() - found.at) > FRESH:
            found = self._found[server_id] = self._look(server_id)
        if isinstance(found, Unlisted):
            raise found
        return found

    def _each(self, pool: ThreadPoolExecutor, servers: Sequence[int]) -> Iterable[tuple[int, Listing | Unlisted]]:
        if len(servers) < 2:
            return [(server, self._look(server)) for server in servers]
        return list(zip(servers, pool.map(self._look_elsewhere, servers), strict=True))

    def _look_elsewhere(self, server_id: int) -> Listing | Unlisted:
        """In a thread of its own, whose connection to the database ends with the look."""
        try:
            return self._look(server_id)
        finally:
            close_connection()

    def _look(self, server_id: int) -> Listing | Unlisted:
        try:
            proxmox = self._hypervisors.for_server(server_id)
            guests = {guest.vmid: guest for guest in proxmox.guests()}
        except Exception as error:
            if kind_of(error) is Kind.BUG:
                raise
            return Unlisted(str(error))
        return Listing(round(self._clock.now(), 3), guests, proxmox)
