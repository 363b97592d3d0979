"""What one node is: its state, its interfaces, the machine types of its QEMU."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import InvalidParameters
from bridge.sandbox.proxmox.routes.nodes import bridge_facts, node_load, version_of
from bridge.sandbox.proxmox.routing import route

_NODE = {"node": {"type": "string", "format": "pve-node"}}
_AUDIT = {"check": ["perm", "/nodes/{node}", ["Sys.Audit"]]}
_INTERFACE = {"permissions": _AUDIT, "parameters": {**_NODE, "iface": {"type": "string", "format": "pve-iface"}}}
_MACHINES = {"permissions": {"user": "all"}, "parameters": _NODE}

_KERNELS = {"7": "5.15.158-2-pve", "8": "6.8.12-9-pve", "9": "6.14.8-2-pve"}

# The machine versions of QEMU since the oldest that is still offered.
_MACHINE_VERSIONS = [
    *(f"2.{minor}" for minor in range(4, 13)),
    *("3.0", "3.1", "4.0", "4.1", "4.2"),
    *(f"{major}.{minor}" for major in (5, 6, 7, 8, 9, 10) for minor in range(3)),
]


@route("GET", "/nodes/{node}/status")
def node_status(call: Call) -> dict[str, Any]:
    """Processors, memory, disk and kernel of a node."""
    node, load, release = call.node, node_load(call, call.node), _KERNELS[call.cluster.version[0]]
    build = "#1 SMP PREEMPT_DYNAMIC PMX"
    used, memory = node.used_disk, load["mem"]
    status: dict[str, Any] = {
        "cpu": load["cpu"],
        "cpuinfo": _processor(node.cpus),
        "idle": 0,
        "ksm": {"shared": 0},
        "kversion": f"Linux {release} {build}",
        "loadavg": ["0.12", "0.10", "0.09"],
        "memory": {"free": node.memory - memory, "total": node.memory, "used": memory},
        "pveversion": "pve-manager/{version}/{repoid}".format(**version_of(call)),
        "rootfs": {"avail": node.disk - used, "free": node.disk - used, "total": node.disk, "used": used},
        "swap": {"free": 0, "total": 0, "used": 0},
        "uptime": load["uptime"],
        "wait": 0,
    }
    if call.cluster.version.startswith("7"):
        return status
    kernel = {"machine": "x86_64", "release": release, "sysname": "Linux", "version": build}
    if call.cluster.version.startswith("9"):
        status["memory"]["available"] = node.memory - memory
    return {**status, "boot-info": {"mode": "legacy-bios"}, "current-kernel": kernel}


def _processor(cpus: int) -> dict[str, Any]:
    flags = "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht"
    facts = {"cores": cpus, "cpus": cpus, "sockets": 1, "mhz": "2596.128", "model": "AMD EPYC"}
    return {**facts, "flags": flags, "hvm": "", "user_hz": 100}


@route("GET", "/nodes/{node}/network/{iface}", _INTERFACE)
def read_interface(call: Call) -> dict[str, Any]:
    """One interface of a node."""
    for number, bridge in enumerate(call.node.bridges):
        if bridge.name == call.values["iface"]:
            return {key: value for key, value in bridge_facts(bridge, number).items() if key != "iface"}
    raise InvalidParameters({"iface": "interface does not exist"})


@route("GET", "/nodes/{node}/capabilities/qemu/machines", _MACHINES)
def list_machines(call: Call) -> list[dict[str, Any]]:
    """The machine types that VMs can have, the newest first."""
    newest = _numbers(call.node.qemu)[:2]
    versions = [version for version in reversed(_MACHINE_VERSIONS) if _numbers(version) <= newest]
    kinds = (("pc-q35", "q35"), ("pc-i440fx", "i440fx"))
    return [{"id": f"{name}-{v}", "type": kind, "version": v} for name, kind in kinds for v in versions]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
