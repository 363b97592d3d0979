"""Graph data: seventy samples of each timeframe."""

from collections.abc import Callable
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.routes.nodes import node_load
from bridge.sandbox.proxmox.routes.storage import STORAGE
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.vm_status import brief_status

_STEPS = {"hour": 60, "day": 30 * 60, "week": 3 * 3600, "month": 12 * 3600, "year": 7 * 86400}
_SAMPLES = 70

_FRAME = {
    "node": {"type": "string", "format": "pve-node"},
    "timeframe": {"type": "string", "enum": list(_STEPS)},
    "cf": {"type": "string", "enum": ["AVERAGE", "MAX"], "optional": 1},
}
_NODE = {"permissions": {"check": ["perm", "/nodes/{node}", ["Sys.Audit"]]}, "parameters": _FRAME}
_STORAGE = {
    "permissions": {
        "check": ["perm", "/storage/{storage}", ["Datastore.Audit", "Datastore.AllocateSpace"], "any", 1],
    },
    "parameters": {**_FRAME, "storage": {"type": "string", "format": "pve-storage-id"}},
}

_OF_A_VM = ("cpu", "disk", "diskread", "diskwrite", "maxdisk", "maxmem", "mem")
Sample = dict[str, Any]


@route("GET", "/nodes/{node}/qemu/{vmid}/rrddata")
def vm_samples(call: Call) -> list[Sample]:
    """Load of a VM; it has samples while it is stopped, too."""
    guest = call.cluster.guest_on(call.node.name, call.vmid)
    if guest is None:
        folder = "pve-vm-9.0" if call.cluster.version.startswith("9") else "pve2-vm"
        path = f"/var/lib/rrdcached/db/{folder}/{call.vmid}"
        socket = "rrdcached@unix:/var/run/rrdcached.sock"
        raise ApiError(f"RRD error: {socket}: rrd_fetch_r failed: opening '{path}': No such file or directory")

    def sample(begin: int, end: int) -> Sample:
        status = brief_status(call.cluster, guest)
        pressures = [f"pressure{what}{how}" for what in ("cpu", "io", "memory") for how in ("some", "full")]
        more = ["memhost", *pressures] if call.cluster.version.startswith("9") else []
        rates = call.cluster.traffic.average(call.vmid, begin, min(end, int(call.now)))
        network = dict(zip(("netin", "netout"), rates, strict=True)) if rates else {}
        facts = {key: status[key] for key in _OF_A_VM}
        return {**facts, **network, "maxcpu": status["cpus"], **dict.fromkeys(more, 0)}

    return _samples(call, call.cluster.traffic.since(call.vmid, guest.created), sample)


@route("GET", "/nodes/{node}/rrddata", _NODE)
def node_samples(call: Call) -> list[Sample]:
    """Load of a node."""

    def sample(begin: int, end: int) -> Sample:
        load = node_load(call, call.node)
        facts = {"cpu": load["cpu"], "maxcpu": load["maxcpu"], "iowait": 0, "loadavg": 0.1, "netin": 0, "netout": 0}
        facts |= {"memtotal": load["maxmem"], "memused": load["mem"], "swaptotal": 0, "swapused": 0}
        return {**facts, "roottotal": load["maxdisk"], "rootused": load["disk"]}

    return _samples(call, call.node.booted_at, sample)


@route("GET", STORAGE + "/{storage}/rrddata", _STORAGE)
def storage_samples(call: Call) -> list[Sample]:
    """Space of a storage."""
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    return _samples(
        call, call.node.booted_at, lambda begin, end: {"total": storage.total, "used": storage.used(call.node.name)}
    )


def _samples(call: Call, since: float, sample: Callable[[int, int], Sample]) -> list[Sample]:
    """The last samples, each with the time at which it begins (PVE::RRD: the start that RRDs::fetch gives); those of before
    `since` have only their time, and so have long ones that are not over yet.
    """
    step = _STEPS[str(call.values["timeframe"])]
    last = int(call.now) // step * step
    found = []
    for time in range(last - (_SAMPLES - 1) * step, last + 1, step):
        over = time + step <= call.now or step == _STEPS["hour"]
        found.append({"time": time, **(sample(time, time + step) if over and time + step > since else {})})
    return found
