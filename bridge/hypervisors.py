"""One Proxmox client per WHMCS server entry, shared by all threads and made anew when the entry changes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from requests.adapters import BaseAdapter

from bridge.database import retry_lost_connection
from bridge.models.whmcs import Server
from bridge.settings import Settings
from bridge.tickets import AccessHash
from bridge.trust import Trust, server_key
from providers.proxmox import Endpoint, Observer, Proxmox
from providers.proxmox.apicall import ApiCall, nobody
from providers.proxmox.endpoint import DEFAULT_PORT
from providers.whmcs import WhmcsApi
from statemachines.errors import NeedsAttention


@dataclass
class Hypervisors:
    """Clients by server. `adapter` takes the place of the network for a server (the sandbox in process); `observe` gets every
    call of every client after its end, `count` makes another observer for each server (0 = an entry that is not saved).
    """

    whmcs: Callable[[], WhmcsApi]
    settings: Callable[[], Settings]
    trust: Trust
    adapter: Callable[[Server], BaseAdapter | None] = lambda server: None
    observe: Observer = nobody
    count: Callable[[int], Observer] = lambda server_id: nobody
    _clients: dict[int, tuple[tuple[Any, ...], Proxmox]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def for_server(self, server_id: int) -> Proxmox:
        """The client of a server entry.

        Raises NeedsAttention when the entry is missing or incomplete, and what WHMCS's API raises when the secret cannot be
        decrypted.
        """
        server = server_entry(server_id)
        settings = self.settings()
        state = (
            server.hostname,
            server.ipaddress,
            server.port,
            server.username,
            server.password,
            server.secure,
            settings.api_timeout_default,
            settings.api_timeout_heavy,
            self.trust.version(server_key(server_id)),
        )
        with self._lock:
            known = self._clients.get(server_id)
            if known and known[0] == state:
                return known[1]
        client = self._connect(server, settings)
        with self._lock:
            self._clients[server_id] = (state, client)
        return client

    def client_for(self, server_id: int, name: str, endpoint: Endpoint) -> Proxmox:
        """A client for values that are typed but perhaps not saved; verified as the saved server's, else as seen now."""
        trusted = self.trust.secured(server_id, name, endpoint) if server_id else self.trust.at_sight(endpoint)
        return Proxmox(trusted, observe=self._observer(server_id))

    def _connect(self, server: Server, settings: Settings) -> Proxmox:
        adapter = self.adapter(server)
        host, port = host_of(server), server.port or DEFAULT_PORT
        try:
            endpoint = Endpoint(
                host,
                port,
                server.username,
                self.whmcs().decrypt(server.password),
                timeout=settings.api_timeout_default,
                heavy_timeout=settings.api_timeout_heavy,
                secure=server.secure == "on" or port == DEFAULT_PORT,
            )
        except ValueError as error:
            raise NeedsAttention(f"server {server.name} (ID {server.id}): {error}") from error
        if adapter is None:
            endpoint = self.trust.secured(server.id, server.name, endpoint)
        return Proxmox(endpoint, adapter=adapter, tickets=AccessHash(server.id), observe=self._observer(server.id))

    def _observer(self, server_id: int) -> Observer:
        count = self.count(server_id)

        def told(call: ApiCall) -> None:
            count(call)
            self.observe(call)

        return told


@retry_lost_connection
def server_entry(server_id: int) -> Server:
    """A server entry with everything a connection needs. Raises NeedsAttention naming what is missing."""
    columns = (Server.id, Server.name, Server.hostname, Server.ipaddress, Server.port, Server.secure)
    credentials = (Server.username, Server.password)
    query = Server.select(*columns, *credentials).where(Server.id == server_id)
    server: Server | None = query.get_or_none() if server_id else None
    if server is None:
        raise NeedsAttention(
            f"server {server_id} does not exist in WHMCS" if server_id else "the service has no server assigned"
        )
    missing = [
        label
        for label, value in (
            ("Hostname", host_of(server)),
            ("Username (token ID)", server.username),
            ("Password (token secret)", server.password),
        )
        if not value
    ]
    if missing:
        raise NeedsAttention(f"server {server.name} (ID {server.id}) has no {' and no '.join(missing)}")
    return server


def host_of(server: Server) -> str:
    """Where a server is reached: its host name, or its address when it has none."""
    return str(server.hostname or server.ipaddress)
