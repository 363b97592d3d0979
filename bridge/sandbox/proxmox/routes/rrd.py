"""Graph data: seventy samples of each timeframe up to Proxmox VE 8, finer ones since 9 (PVE::RRD, create_rrd_data)."""

from collections.abc import Callable
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.routes.nodes import node_load
from bridge.sandbox.proxmox.routes.storage import STORAGE
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.sizes import MIB
from bridge.sandbox.proxmox.vm_status import brief_status

# Timeframe -> seconds from sample to sample, and how many samples.
_FRAMES = {
    "hour": (60, 70),
    "day": (30 * 60, 70),
    "week": (3 * 3600, 70),
    "month": (12 * 3600, 70),
    "year": (7 * 86400, 70),
}
_FRAMES_OF_9 = {
    "hour": (60, 60),
    "day": (60, 1440),
    "week": (30 * 60, 336),
    "month": (30 * 60, 1440),
    "year": (6 * 3600, 1440),
}

_FRAME = {
    "node": {"type": "string", "format": "pve-node"},
    "timeframe": {"type": "string", "enum": list(_FRAMES)},
    "cf": {"type": "string", "enum": ["AVERAGE", "MAX"], "optional": 1},
}
_NODE = {"permissions": {"check": ["perm", "/nodes/{node}", ["Sys.Audit"]]}, "parameters": _FRAME}
_STORAGE = {
    "permissions": {
        "check": ["perm", "/storage/{storage}", ["Datastore.Audit", "Datastore.AllocateSpace"], "any", 1],
    },
    "parameters": {**_FRAME, "storage": {"type": "string", "format": "pve-storage-id"}},
}

# What is measured whether a VM runs or not; of one that is down pvestatd knows nothing else.
_ALWAYS = ("disk", "maxdisk", "maxmem")
_PRESSURES = [f"pressure{what}{how}" for what in ("cpu", "io", "memory") for how in ("some", "full")]
Sample = dict[str, Any]


@route("GET", "/nodes/{node}/qemu/{vmid}/rrddata")
def vm_samples(call: Call) -> list[Sample]:
    """Load of a VM; while it is stopped its samples tell its size only."""
    guest = call.cluster.guest_on(call.node.name, call.vmid)
    if guest is None:
        folder = "pve-vm-9.0" if call.cluster.version.startswith("9") else "pve2-vm"
        path = f"/var/lib/rrdcached/db/{folder}/{call.vmid}"
        socket = "rrdcached@unix:/var/run/rrdcached.sock"
        raise ApiError(f"RRD error: {socket}: rrd_fetch_r failed: opening '{path}': No such file or directory")

    def sample(start: int, end: int) -> Sample:
        status = brief_status(call.cluster, guest)
        size: Sample = {**{key: status[key] for key in _ALWAYS}, "maxcpu": status["cpus"]}
        if not call.cluster.traffic.flowed(call.vmid, start, end):
            return size
        rates = call.cluster.traffic.average(call.vmid, start, min(end, int(call.now)))
        network = dict(zip(("netin", "netout"), rates, strict=True)) if rates else {}
        mem = status["maxmem"] // 42
        load = {"cpu": 0.02, "mem": mem, "diskread": 0, "diskwrite": 0, **network}
        more = {"memhost": mem + 64 * MIB, **dict.fromkeys(_PRESSURES, 0)} if _is_9(call) else {}
        return {**size, **load, **more}

    return _samples(call, call.cluster.traffic.since(call.vmid, guest.created), sample)


@route("GET", "/nodes/{node}/rrddata", _NODE)
def node_samples(call: Call) -> list[Sample]:
    """Load of a node."""

    def sample(start: int, end: int) -> Sample:
        load = node_load(call, call.node)
        facts = {"cpu": load["cpu"], "maxcpu": load["maxcpu"], "iowait": 0, "loadavg": 0.1, "netin": 0, "netout": 0}
        facts |= {"memtotal": load["maxmem"], "memused": load["mem"], "swaptotal": 0, "swapused": 0}
        return {**facts, "roottotal": load["maxdisk"], "rootused": load["disk"]}

    return _samples(call, call.node.booted_at, sample)


@route("GET", STORAGE + "/{storage}/rrddata", _STORAGE)
def storage_samples(call: Call) -> list[Sample]:
    """Space of a storage."""
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    space = {"total": storage.total, "used": storage.used(call.node.name)}
    return _samples(call, call.node.booted_at, lambda start, end: space)


def _samples(call: Call, since: float, sample: Callable[[int, int], Sample]) -> list[Sample]:
    """The last samples, each with the time at which it begins (PVE::RRD: the start that RRDs::fetch gives); those of before
    `since` have only their time, and so have long ones that are not over yet.

    Proxmox VE 9 leaves such a last one out.
    """
    step, count = (_FRAMES_OF_9 if _is_9(call) else _FRAMES)[str(call.values["timeframe"])]
    last = int(call.now) // step * step
    found = []
    for time in range(last - (count - 1) * step, last + 1, step):
        over = time + step <= call.now or step == _FRAMES["hour"][0]
        found.append({"time": time, **(sample(time, time + step) if over and time + step > since else {})})
    return found[:-1] if _is_9(call) and len(found[-1]) == 1 else found


def _is_9(call: Call) -> bool:
    return call.cluster.version.startswith("9")
