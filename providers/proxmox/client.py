"""One Proxmox VE cluster in our words."""

import time
from collections.abc import Callable

from requests.adapters import BaseAdapter

from providers.proxmox.agent import Agent
from providers.proxmox.apicall import Observer, nobody
from providers.proxmox.backups import Backups
from providers.proxmox.endpoint import Endpoint
from providers.proxmox.firewall_rules import FirewallRules
from providers.proxmox.guests import Guests
from providers.proxmox.history import History
from providers.proxmox.inventory import Inventory
from providers.proxmox.isos import Isos
from providers.proxmox.power import Power
from providers.proxmox.session import TicketStore
from providers.proxmox.snapshots import Snapshots
from providers.proxmox.tasks import Tasks
from providers.proxmox.transport import Transport


class Proxmox(Backups, Inventory, Guests, Power, Tasks, FirewallRules, Snapshots, Isos, History, Agent):
    """All calls to one cluster; see the base classes for each group.

    Every error is one of `providers.errors`; a write is never sent twice. Safe to share between threads; opens no
    connection before the first call. Proxmox facts come from the published API schemas of 7.4, 8.4 and 9.2 and from
    recorded answers of a node with 8.4.1.

    `adapter` takes the place of the network (a sandbox in process), `tickets` keeps the ticket of a password login,
    `now` is the clock that tells a ticket's age; `observe` gets every call after its end and must not raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        adapter: BaseAdapter | None = None,
        tickets: TicketStore | None = None,
        now: Callable[[], float] = time.time,
        observe: Observer = nobody,
    ) -> None:
        self.endpoint = endpoint
        super().__init__(Transport(endpoint, adapter=adapter, tickets=tickets, now=now, observe=observe))

    def __repr__(self) -> str:
        return f"Proxmox({self.endpoint})"

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._api.close()
