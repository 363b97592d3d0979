"""What a VM's firewall file says in general, and the firewall options of datacenter and node."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.dispatch import Total
from bridge.sandbox.proxmox.failures import InvalidParameters
from bridge.sandbox.proxmox.firewall import Firewall, assert_unmodified, options_digest
from bridge.sandbox.proxmox.firewall_names import MACROS
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.routing import route

FIREWALL = "/nodes/{node}/qemu/{vmid}/firewall"
DATACENTER = "/cluster/firewall"

# Since this long ago a datacenter whose firewall was switched on for a trial (`enable` above 1) is unprotected again.
_TRIAL_SECONDS = 60

_NODE_OPTIONS = {
    "permissions": {"check": ["perm", "/nodes/{node}", ["Sys.Audit"]]},
    "parameters": {"node": {"type": "string", "format": "pve-node"}},
}


def firewall_of(call: Call) -> Firewall:
    """The VM's firewall file, also when there is no such VM."""
    return call.cluster.firewalls.setdefault(call.vmid, Firewall())


@route("GET", FIREWALL)
def index(call: Call) -> list[dict[str, str]]:
    """What there is below a VM's firewall."""
    return [{"name": name} for name in ("rules", "aliases", "ipset", "refs", "options")]


@route("GET", FIREWALL + "/options")
def read_options(call: Call) -> dict[str, Any]:
    """What was set, never the defaults."""
    options = firewall_of(call).options
    return {**options, "digest": options_digest(options)}


@route("PUT", FIREWALL + "/options")
def set_options(call: Call) -> None:
    """Set and delete options."""
    _change_options(call, FIREWALL, firewall_of(call).options)


@route("GET", FIREWALL + "/log")
def read_log(call: Call) -> Total:
    """The VM's lines of the firewall's log: there is none, as on a node that never logged a packet."""
    if "since" in call.given or "until" in call.given:
        return Total([], 0)
    return Total({"n": 1, "t": "unable to open file - No such file or directory"}, 1)


@route("GET", DATACENTER + "/options")
def read_datacenter_options(call: Call) -> dict[str, Any]:
    """The datacenter's options that were set."""
    options = dict(call.cluster.firewall_options)
    if options.get("enable", 0) > 1 and call.now - options["enable"] > _TRIAL_SECONDS:
        options["enable"] = 0
    return {**options, "digest": options_digest(options)}


@route("PUT", DATACENTER + "/options")
def set_datacenter_options(call: Call) -> None:
    """Set and delete options of the datacenter."""
    if call.get("enable", 0) > 1:
        call.values["enable"] = int(call.now)
    _change_options(call, DATACENTER, call.cluster.firewall_options)


@route("GET", DATACENTER + "/macros", {"permissions": {"user": "all"}, "parameters": {}})
def list_macros(call: Call) -> list[dict[str, str]]:
    """The macros that rules may use."""
    return [{"macro": name, "descr": f"{name} traffic"} for name in MACROS]


@route("GET", "/nodes/{node}/firewall/options", _NODE_OPTIONS)
def read_node_options(call: Call) -> dict[str, Any]:
    """The node's own options: never set here."""
    return {"digest": options_digest({})}


def _change_options(call: Call, base: str, options: dict[str, Any]) -> None:
    """Delete, then set; nothing is changed when a name to delete is unknown."""
    assert_unmodified(options_digest(options), call.get("digest"))
    entry = call.cluster.schema.entry("PUT", base + "/options") or {}
    known = set(entry["parameters"]) - {"node", "vmid", "delete", "digest"}
    doomed = split_list(str(call.get("delete", "")))
    for name in doomed:
        if name not in known:
            raise InvalidParameters({"delete": f"no such option '{name}'"})
    for name in doomed:
        options.pop(name, None)
    options |= {name: value for name, value in call.options.items() if name in known}
