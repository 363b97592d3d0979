"""Nodes and their networks."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.node import Bridge, Node
from bridge.sandbox.proxmox.routing import route

_ANYBODY = {"permissions": {"user": "all"}}
_NODE = {"node": {"type": "string", "format": "pve-node"}}

_INDEX = [
    "aplinfo",
    "apt",
    "capabilities",
    "ceph",
    "certificates",
    "config",
    "disks",
    "dns",
    "firewall",
    "hardware",
    "hosts",
    "journal",
    "lxc",
    "migrateall",
    "netstat",
    "network",
    "qemu",
    "query-url-metadata",
    "replication",
    "report",
    "rrd",
    "rrddata",
    "scan",
    "services",
    "spiceshell",
    "startall",
    "status",
    "stopall",
    "storage",
    "subscription",
    "suspendall",
    "syslog",
    "tasks",
    "termproxy",
    "time",
    "version",
    "vncshell",
    "vzdump",
    "wakeonlan",
    "sdn",
]


@route("GET", "/nodes")
def list_nodes(call: Call) -> list[dict[str, Any]]:
    """All nodes; their load only with Sys.Audit."""
    found = []
    for node in call.cluster.nodes.values():
        item: dict[str, Any] = {"id": f"node/{node.name}", "node": node.name, "type": "node", "level": ""}
        item |= {"status": "online" if node.online else "offline", "ssl_fingerprint": node.fingerprint}
        if node.online and call.may(f"/nodes/{node.name}", "Sys.Audit"):
            item |= node_load(call, node)
        found.append(item)
    return found


def node_load(call: Call, node: Node) -> dict[str, Any]:
    """Processors, memory and disk of a node."""
    used = node.base_memory + sum(
        g.run is not None and int(g.config.get("memory", 512)) * 1024**2
        for g in call.cluster.guests.values()
        if g.node == node.name
    )
    return {
        "cpu": 0.05,
        "maxcpu": node.cpus,
        "mem": min(used, node.memory),
        "maxmem": node.memory,
        "disk": node.used_disk,
        "maxdisk": node.disk,
        "uptime": call.cluster.uptime(node),
    }


@route("GET", "/nodes/{node}", {"parameters": _NODE, **_ANYBODY})
def node_index(call: Call) -> list[dict[str, str]]:
    """What lies below a node; the same for one that does not exist."""
    return [{"name": name} for name in _INDEX]


@route("GET", "/nodes/{node}/version", {"parameters": _NODE, **_ANYBODY})
def node_version(call: Call) -> dict[str, str]:
    """The version that the node runs."""
    return version_of(call)


@route("GET", "/version")
def version(call: Call) -> dict[str, str]:
    """The version of the node that was asked."""
    return version_of(call)


def version_of(call: Call) -> dict[str, str]:
    """Version, release and commit of pve-manager."""
    release = ".".join(call.cluster.release.split("-")[0].split(".")[:2])
    return {"version": call.cluster.release, "release": release, "repoid": "d0ea9d2b0749cc01"}


@route("GET", "/nodes/{node}/network")
def list_network(call: Call) -> list[dict[str, Any]]:
    """The node's bridges."""
    kind = call.get("type")
    if kind not in (None, "bridge", "any_bridge", "any_local_bridge"):
        return []
    return [bridge_facts(bridge, number) for number, bridge in enumerate(call.node.bridges)]


def bridge_facts(bridge: Bridge, number: int) -> dict[str, Any]:
    """A bridge as the API shows it; `number`: its place in the file."""
    item: dict[str, Any] = {"iface": bridge.name, "type": "bridge", "active": 1, "autostart": 1, "priority": number + 3}
    item |= {"bridge_ports": bridge.ports, "bridge_stp": "off", "bridge_fd": "0", "families": ["inet"]}
    item |= {"method": "static" if bridge.address else "manual", "method6": "manual"}
    if bridge.address:
        address, _, prefix = bridge.address.partition("/")
        item |= {"address": address, "netmask": prefix, "cidr": bridge.address}
    return item
