"""Which backups a retention rule would remove."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.property_string import split_properties
from bridge.sandbox.proxmox.routes.storage import STORAGE
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.storage import Volume
from bridge.sandbox.proxmox.volume_rights import check_access

_PREVIEW = {
    "permissions": {
        "check": ["perm", "/storage/{storage}", ["Datastore.Audit", "Datastore.AllocateSpace"], "any", 1],
    },
    "parameters": {
        "node": {"type": "string", "format": "pve-node"},
        "storage": {"type": "string", "format": "pve-storage-id"},
        "prune-backups": {"type": "string", "optional": 1},
        "type": {"type": "string", "enum": ["qemu", "lxc"], "optional": 1},
        "vmid": {"type": "integer", "format": "pve-vmid", "optional": 1},
    },
}


@route("GET", STORAGE + "/{storage}/prunebackups", _PREVIEW)
def preview(call: Call) -> list[dict[str, Any]]:
    """The backups with what a rule of `keep-last` would do to them; any other rule keeps them all."""
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    rule = split_properties(str(call.get("prune-backups", storage.settings.get("prune-backups", "keep-all=1"))))
    backups = [volume for volume in storage.on(call.node.name).values() if volume.content == "backup"]
    if "vmid" in call.given:
        backups = [volume for volume in backups if volume.vmid == call.values["vmid"]]
    found, kept = [], dict.fromkeys({volume.vmid for volume in backups}, 0)
    for volume in sorted(backups, key=lambda backup: -backup.created):
        check_access(call, storage, volume)
        mark = _mark(volume, rule, kept[volume.vmid])
        kept[volume.vmid] += mark == "keep"
        facts = {"volid": f"{storage.name}:{volume.name}", "ctime": volume.created, "vmid": volume.vmid}
        found.append({**facts, "type": "qemu", "mark": mark})
    return found


def _mark(volume: Volume, rule: dict[str, str], kept: int) -> str:
    if volume.protected:
        return "protected"
    return "remove" if "keep-last" in rule and kept >= int(rule["keep-last"]) else "keep"
