"""The firewall options of a VM; the file is there with or without the VM."""

import hashlib
import json
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.routing import route

OPTIONS = "/nodes/{node}/qemu/{vmid}/firewall/options"


def firewall_of(call: Call) -> dict[str, Any]:
    """The VM's firewall file: `options`, `rules`, `ipset`, `aliases`."""
    empty: dict[str, Any] = {"options": {}, "rules": [], "ipset": {}, "aliases": {}}
    return call.cluster.firewalls.setdefault(call.vmid, empty)


@route("GET", OPTIONS)
def read_options(call: Call) -> dict[str, Any]:
    """What was set, never the defaults."""
    options = firewall_of(call)["options"]
    digest = hashlib.sha1(json.dumps(options, sort_keys=True).encode()).hexdigest()
    return {**options, "digest": digest}


@route("PUT", OPTIONS)
def set_options(call: Call) -> None:
    """Set and delete options."""
    options = firewall_of(call)["options"]
    for name in split_list(str(call.get("delete", ""))):
        options.pop(name, None)
    options |= {k: v for k, v in call.options.items() if k not in ("delete", "digest")}
