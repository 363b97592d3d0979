"""What the API tells about a VM's state: the fields of lists, of status/current and of /cluster/resources."""

from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.drives import boot_disk_size, drives_of
from bridge.sandbox.proxmox.guest import NET_KEY, Config, Guest
from bridge.sandbox.proxmox.property_string import split_properties
from bridge.sandbox.proxmox.sizes import MIB

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

_BLOCK_COUNTERS = [
    "failed_flush_operations",
    "failed_rd_operations",
    "failed_unmap_operations",
    "failed_wr_operations",
    "flush_operations",
    "flush_total_time_ns",
    "invalid_flush_operations",
    "invalid_rd_operations",
    "invalid_unmap_operations",
    "invalid_wr_operations",
    "rd_bytes",
    "rd_merged",
    "rd_operations",
    "rd_total_time_ns",
    "unmap_bytes",
    "unmap_merged",
    "unmap_operations",
    "unmap_total_time_ns",
    "wr_bytes",
    "wr_highest_offset",
    "wr_merged",
    "wr_operations",
    "wr_total_time_ns",
]

_PRESSURES = [f"pressure{what}{how}" for what in ("cpu", "io", "memory") for how in ("some", "full")]

_SUPPORT = {
    "backup-max-workers": True,
    "pbs-dirty-bitmap": True,
    "pbs-dirty-bitmap-migration": True,
    "pbs-dirty-bitmap-savevm": True,
    "pbs-masterkey": True,
    "query-bitmap-info": True,
}


def memory_bytes(config: Config) -> int:
    """The VM's memory."""
    return int(str(config.get("memory", 512)).rpartition("=")[2]) * MIB


def cpu_count(config: Config) -> int:
    """Virtual CPUs."""
    return int(config.get("vcpus") or int(config.get("sockets", 1)) * int(config.get("cores", 1)))


def agent_enabled(config: Config) -> bool:
    """Whether the guest agent is switched on."""
    return split_properties(str(config.get("agent", "")), "enabled").get("enabled") == "1"


def uptime(cluster: "Cluster", guest: Guest) -> int:
    """Seconds since the VM was started."""
    return int(cluster.simulation.now - guest.run.started_at) if guest.run else 0


def brief_status(cluster: "Cluster", guest: Guest) -> dict[str, Any]:
    """One VM in the list of a node."""
    config, running = guest.config, guest.run is not None
    netin, netout = guest.run.flow.counters(cluster.simulation.now) if guest.run else (0, 0)
    status: dict[str, Any] = {
        "vmid": guest.vmid,
        "name": str(config.get("name") or f"VM {guest.vmid}"),
        "status": "running" if running else "stopped",
        "cpu": 0,
        "cpus": _shown_cpus(config, cluster.nodes[guest.node].cpus),
        "disk": 0,
        "maxdisk": boot_disk_size(cluster, guest),
        "mem": memory_bytes(config) // 42 if running else 0,
        "maxmem": memory_bytes(config),
        "diskread": 0,
        "diskwrite": 0,
        "netin": netin,
        "netout": netout,
        "uptime": uptime(cluster, guest),
    }
    if guest.run:
        status["pid"] = guest.run.pid
    if cluster.version.startswith("9"):
        status["memhost"] = status["mem"]
        status |= dict.fromkeys(_PRESSURES, 0)
    if config.get("balloon"):
        status |= {"balloon_min": int(config["balloon"]) * MIB, "shares": int(config.get("shares", 1000))}
    if guest.is_template:
        status["template"] = 1
    if any(key.startswith("serial") for key in config):
        status["serial"] = 1
    status |= {key: config[key] for key in ("tags", "lock") if config.get(key)}
    return status


def _shown_cpus(config: Config, there: int) -> int:
    return int(config.get("vcpus") or min(int(config.get("sockets", 1)) * int(config.get("cores", 1)), there))


def full_status(cluster: "Cluster", guest: Guest) -> dict[str, Any]:
    """status/current, without the state of HA."""
    status = brief_status(cluster, guest)
    status["qmpstatus"] = qmp_status(guest)
    if guest.run:
        status |= _running_status(cluster, guest, status)
    return status


def qmp_status(guest: Guest) -> str:
    """What QEMU says it is doing."""
    if guest.run is None:
        return "stopped"
    return "paused" if guest.run.paused else "running"


def current_status(cluster: "Cluster", guest: Guest) -> dict[str, Any]:
    """The answer of status/current."""
    config = guest.config
    status = {**full_status(cluster, guest), "ha": {"managed": int(guest.vmid in cluster.ha_services)}}
    if agent_enabled(config):
        status["agent"] = 1
    if "vga" in config:
        vga = split_properties(str(config["vga"]), "type")
        if vga.get("type", "std").startswith("qxl"):
            status["spice"] = 1
        if not vga.get("type", "std").startswith("serial"):
            status["clipboard"] = vga.get("clipboard")
    return status


def _running_status(cluster: "Cluster", guest: Guest, status: dict[str, Any]) -> dict[str, Any]:
    config, memory, node = guest.config, memory_bytes(guest.config), cluster.nodes[guest.node]
    cards = [key.removeprefix("net") for key in sorted(config) if NET_KEY.fullmatch(key)]
    traffic = {key: status[key] for key in ("netin", "netout")}
    return {
        "balloon": memory,
        "ballooninfo": {"actual": memory, "max_mem": memory},
        "blockstat": {drive.key: _block_statistics() for drive in drives_of(config) if drive.file != "none"},
        "nics": {f"tap{guest.vmid}i{number}": dict(traffic) for number in cards},
        "proxmox-support": {**_SUPPORT, "pbs-library-version": node.pbs_library},
        "running-machine": node.machine,
        "running-qemu": node.qemu,
    }


def _block_statistics() -> dict[str, Any]:
    return {
        "account_failed": True,
        "account_invalid": True,
        "timed_stats": [],
        **dict.fromkeys(_BLOCK_COUNTERS, 0),
    }
