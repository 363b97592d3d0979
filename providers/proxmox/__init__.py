"""Proxmox VE: a client for one cluster, built on proxmoxer, and typed readers for the strings it keeps its settings in.

Start at `client.Proxmox`. Layers, top down: groups of calls (`guests`, `power`, `tasks`, `firewall`, `firewall_rules`,
`inventory`, `isos`, `samples`, `access`, `agent`) in our words -> `transport` (one call, deadlines, never a write twice) -> `session` (connections, TLS, credentials)
-> `translate` (Proxmox's texts become `providers.errors`). Values: `net`, `disk`, `ipconfig`, `boot`, `upid`, `vmconfig`, `mark`.
"""

from providers.proxmox.apicall import ApiCall, Observer
from providers.proxmox.client import Proxmox
from providers.proxmox.endpoint import Endpoint
from providers.proxmox.mark import Mark
from providers.tls import Tls

__all__ = ["ApiCall", "Endpoint", "Mark", "Observer", "Proxmox", "Tls"]
