"""The cluster as a whole: resources, free ids, state."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import InvalidParameters
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.routes.nodes import node_load
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.vm_status import brief_status


@route("GET", "/cluster/nextid")
def next_id(call: Call) -> str:
    """A free VMID, or whether the given one is; nothing is reserved."""
    wanted = call.get("vmid")
    if wanted is None:
        return str(next(n for n in range(100, 1_000_000) if n not in call.cluster.guests))
    if wanted in call.cluster.guests:
        raise InvalidParameters({"vmid": f"VM {wanted} already exists"})
    return str(wanted)


@route("GET", "/cluster/resources")
def resources(call: Call) -> list[dict[str, Any]]:
    """Pools, VMs, nodes and storages that the sender may see; a new VM is without facts until the next update."""
    kind = call.get("type")
    found: list[dict[str, Any]] = []
    if kind is None:
        pools = [name for name in sorted(call.cluster.pools) if call.may(f"/pool/{name}", "Pool.Audit")]
        found += [{"id": f"/pool/{name}", "pool": name, "type": "pool"} for name in pools]
    if kind in (None, "vm"):
        guests = call.cluster.guests.values()
        found += [vm_resource(call, guest) for guest in guests if call.may(f"/vms/{guest.vmid}", "VM.Audit")]
    if kind in (None, "node"):
        for node in call.cluster.nodes.values():
            item: dict[str, Any] = {"id": f"node/{node.name}", "node": node.name, "type": "node", "level": ""}
            item |= {"status": "online" if node.online else "offline", "cgroup-mode": 2}
            found.append({**item, **(node_load(call, node) if call.may(f"/nodes/{node.name}", "Sys.Audit") else {})})
    if kind in (None, "storage"):
        found += storage_resources(call)
    return found


def vm_resource(call: Call, guest: Guest) -> dict[str, Any]:
    """A VM as it is listed for the cluster: without facts until its node has reported it."""
    item: dict[str, Any] = {"id": f"qemu/{guest.vmid}", "vmid": guest.vmid, "node": guest.node, "type": "qemu"}
    for name, pool in call.cluster.pools.items():
        if guest.vmid in pool.vms:
            item["pool"] = name
    if not call.cluster.timing.is_listed(call.now - guest.created, cloning=guest.lock == "clone"):
        item["status"] = "unknown"
        return {**item, **({"lock": guest.lock} if guest.lock else {})}
    status = brief_status(call.cluster, guest)
    for name in ("pid", "serial"):
        status.pop(name, None)
    status["maxcpu"] = status.pop("cpus")
    return {**item, "template": 0, **status}


def storage_resources(call: Call) -> list[dict[str, Any]]:
    """The storages that the sender may see, once per node."""
    found = []
    for storage in call.cluster.storages.values():
        if not call.may(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True):
            continue
        for node in call.cluster.nodes.values():
            if not storage.is_on(node.name):
                continue
            item: dict[str, Any] = {"id": f"storage/{node.name}/{storage.name}", "node": node.name, "type": "storage"}
            item |= {"storage": storage.name, "plugintype": storage.kind, "content": ",".join(storage.content)}
            item |= {"shared": int(storage.shared), "status": "available" if node.online else "unknown"}
            if node.online:
                item |= {"disk": storage.used(node.name), "maxdisk": storage.total}
            found.append(item)
    return found


@route("GET", "/cluster/status")
def status(call: Call) -> list[dict[str, Any]]:
    """Quorum, and which nodes are there."""
    nodes = list(call.cluster.nodes.values())
    found: list[dict[str, Any]] = []
    if len(nodes) > 1:
        online = sum(node.online for node in nodes)
        cluster: dict[str, Any] = {"id": "cluster", "type": "cluster", "name": call.cluster.name, "version": len(nodes)}
        found.append({**cluster, "nodes": len(nodes), "quorate": int(online * 2 > len(nodes))})
    for number, node in enumerate(nodes):
        item: dict[str, Any] = {
            "id": f"node/{node.name}",
            "type": "node",
            "name": node.name,
            "ip": node.ip,
            "level": "",
        }
        item |= {"local": int(number == 0), "online": int(node.online), "nodeid": node.number if len(nodes) > 1 else 0}
        found.append(item)
    return found


@route("GET", "/cluster/tasks")
def tasks(call: Call) -> list[dict[str, Any]]:
    """The newest tasks of all nodes."""
    found = []
    for task in reversed(call.cluster.tasks.all()[-25:]):
        if not call.owns(task) and not call.may(f"/nodes/{task.node}", "Sys.Audit"):
            continue
        item = task.facts()
        item.pop("pstart")
        if not task.running:
            item.pop("pid")
            item |= {"endtime": int(task.ended or 0), "status": task.exit_status}
        found.append({**item, "saved": "0" if task.running else "1"})
    return found
