"""The cloud-init settings, and what is made from them."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.cloudinit_data import meta_data, network_data, user_data
from bridge.sandbox.proxmox.config_rights import CLOUDINIT
from bridge.sandbox.proxmox.config_values import masked
from bridge.sandbox.proxmox.machine import make_cloudinit_image
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Step
from bridge.sandbox.proxmox.tasks import hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS

CLOUDINIT_PATH = "/nodes/{node}/qemu/{vmid}/cloudinit"


@route("GET", CLOUDINIT_PATH)
def settings(call: Call) -> list[dict[str, Any]]:
    """The settings, and how the image in the drive differs from them. Addresses are listed only while they differ."""
    guest = call.guest()
    config, section = masked(guest.config), masked(guest.cloudinit)
    added = [name for name in str(section.pop("added", "")).split(",") if name]
    items: list[dict[str, Any]] = [{"key": key, "pending": config.get(key)} for key in added]
    for key in sorted(CLOUDINIT & set(config) - set(added)):
        if key in section:
            items.append({"key": key, "value": section[key], "pending": config[key]})
        else:
            items.append({"key": key, "value": config[key]})
    return items + [{"key": key, "delete": 1} for key in sorted(section) if not config.get(key)]


@route("PUT", CLOUDINIT_PATH)
def regenerate(call: Call) -> Generator[Step, None, None]:
    """Write the image anew. Without a cloud-init drive nothing happens."""
    call.guest()
    yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    guest = call.guest()
    check_lock(guest)
    make_cloudinit_image(call.cluster, guest)


@route("GET", CLOUDINIT_PATH + "/dump")
def dump(call: Call) -> str:
    """The document of that `type` as it would be written now."""
    config = call.guest().config
    if call.get("type") == "network":
        return network_data(config)
    return user_data(config, call.vmid) if call.get("type") == "user" else meta_data(config, call.vmid)
