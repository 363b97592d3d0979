"""A stand-in Proxmox VE cluster: the API without machines behind it, over HTTPS or in process.

cluster = demo_cluster(VirtualClock())
session.mount("https://", InProcessAdapter(cluster))     # in process, see adapter.py
serve(cluster, "127.0.0.1", 8006, folder).start()         # over HTTPS, see server.py
"""

from bridge.sandbox.proxmox import routes  # noqa: F401 - declares what the cluster answers
from bridge.sandbox.proxmox.clock import SystemClock, VirtualClock
from bridge.sandbox.proxmox.cluster import Cluster
from bridge.sandbox.proxmox.faults import Fault
from bridge.sandbox.proxmox.layouts import conformance_cluster, demo_cluster
from bridge.sandbox.proxmox.messages import Answer, Request

__all__ = [
    "Answer",
    "Cluster",
    "Fault",
    "Request",
    "SystemClock",
    "VirtualClock",
    "conformance_cluster",
    "demo_cluster",
]
