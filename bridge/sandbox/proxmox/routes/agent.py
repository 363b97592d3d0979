"""The guest agent: what a booted guest tells about itself."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest import NET_KEY, Guest
from bridge.sandbox.proxmox.net import parse_net
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.timing import AGENT_TIMEOUT_SECONDS
from bridge.sandbox.proxmox.vm_status import agent_enabled

AGENT = "/nodes/{node}/qemu/{vmid}/agent"

Answering = Generator[Step, None, Any]

_COMMANDS = [
    "exec",
    "exec-status",
    "file-read",
    "file-write",
    "fsfreeze-freeze",
    "fsfreeze-status",
    "fsfreeze-thaw",
    "fstrim",
    "get-fsinfo",
    "get-host-name",
    "get-memory-block-info",
    "get-memory-blocks",
    "get-osinfo",
    "get-time",
    "get-timezone",
    "get-users",
    "get-vcpus",
    "info",
    "network-get-interfaces",
    "ping",
    "set-user-password",
    "shutdown",
    "suspend-disk",
    "suspend-hybrid",
    "suspend-ram",
]


@route("GET", AGENT)
def commands(call: Call) -> list[dict[str, str]]:
    """The commands there are."""
    return [{"name": name} for name in _COMMANDS]


def answering(call: Call) -> Generator[Step, None, Guest]:
    """The VM, when its agent answers. Raises ApiError otherwise, after the usual wait."""
    guest = call.guest()
    if not agent_enabled(guest.config):
        raise ApiError("No QEMU guest agent configured")
    if guest.run is None:
        raise ApiError(f"VM {guest.vmid} is not running")
    ready = guest.run.ready_at
    if ready is None or ready > call.now or guest.run.paused:
        yield Sleep(AGENT_TIMEOUT_SECONDS / call.cluster.timing.speed)
        raise ApiError("QEMU guest agent is not running")
    return guest


@route("POST", AGENT + "/ping")
def ping(call: Call) -> Answering:
    """Whether the agent answers."""
    yield from answering(call)
    return {"result": {}}


@route("GET", AGENT + "/network-get-interfaces")
def interfaces(call: Call) -> Answering:
    """The guest's cards with their addresses, as cloud-init set them up at the last start."""
    guest = yield from answering(call)
    assert guest.run is not None
    found = [_interface("lo", "00:00:00:00:00:00", ["127.0.0.1/8", "::1/128"])]
    for number, key in enumerate(sorted(k for k in guest.run.config if NET_KEY.fullmatch(k))):
        mac = parse_net(str(guest.run.config[key]))["macaddr"].lower()
        addresses = [*guest.run.addresses.get(mac, "").split(), _link_local(mac)]
        found.append(_interface(f"eth{number}", mac, addresses))
    return {"result": found}


def _interface(name: str, mac: str, addresses: list[str]) -> dict[str, Any]:
    shown = []
    for text in addresses:
        address, _, prefix = text.partition("/")
        kind = "ipv6" if ":" in address else "ipv4"
        shown.append({"ip-address": address, "ip-address-type": kind, "prefix": int(prefix)})
    counters = [f"{way}-{what}" for way in ("rx", "tx") for what in ("bytes", "dropped", "errs", "packets")]
    statistics = dict.fromkeys(counters, 0)
    return {"name": name, "hardware-address": mac, "ip-addresses": shown, "statistics": statistics}


def _link_local(mac: str) -> str:
    part = [int(byte, 16) for byte in mac.split(":")]
    part[0] ^= 2
    groups = [part[0] << 8 | part[1], part[2] << 8 | 0xFF, 0xFE << 8 | part[3], part[4] << 8 | part[5]]
    return "fe80::" + ":".join(f"{group:x}" for group in groups) + "/64"


@route("GET", AGENT + "/get-host-name")
def host_name(call: Call) -> Answering:
    """The guest's host name."""
    guest = yield from answering(call)
    name = str(guest.config.get("name") or f"VM{guest.vmid}")
    return {"result": {"host-name": name.partition(".")[0]}}


@route("GET", AGENT + "/get-time")
def guest_time(call: Call) -> Answering:
    """The guest's clock in nanoseconds."""
    yield from answering(call)
    return {"result": int(call.now * 1e9)}


@route("GET", AGENT + "/get-osinfo")
def os_info(call: Call) -> Answering:
    """The guest's operating system."""
    yield from answering(call)
    facts = {"id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 12 (bookworm)"}
    facts |= {"version-id": "12", "machine": "x86_64", "kernel-release": "6.1.0-28-amd64"}
    return {"result": {**facts, "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1"}}


@route("POST", AGENT + "/set-user-password")
def set_password(call: Call) -> Answering:
    """Set a password inside the guest."""
    yield from answering(call)
    return {"result": {}}
