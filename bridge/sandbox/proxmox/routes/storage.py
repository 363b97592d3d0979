"""Storages and what is on them."""

import re
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.sizes import parse_size
from bridge.sandbox.proxmox.storage import Storage, Volume
from bridge.sandbox.proxmox.volume_rights import check_access

STORAGE = "/nodes/{node}/storage"

_ALLOCATE = {
    "permissions": {"check": ["perm", "/storage/{storage}", ["Datastore.AllocateSpace"]]},
    "parameters": {
        "node": {"type": "string", "format": "pve-node"},
        "storage": {"type": "string", "format": "pve-storage-id"},
        "vmid": {"type": "integer", "format": "pve-vmid"},
        "filename": {"type": "string"},
        "size": {"type": "string", "pattern": r"\d+[MG]?"},
        "format": {"type": "string", "enum": ["raw", "qcow2", "subvol", "vmdk"], "optional": 1},
    },
}


@route("GET", STORAGE)
def list_storages(call: Call) -> list[dict[str, Any]]:
    """The node's storages that the sender may see."""
    found = []
    for storage in call.cluster.storages.values():
        path = f"/storage/{storage.name}"
        if not storage.is_on(call.node.name) or not call.may(
            path, "Datastore.Audit", "Datastore.AllocateSpace", any_of=True
        ):
            continue
        wanted = [name for name in re.split(r"[,;\s]+", str(call.get("content", ""))) if name]
        if wanted and not set(wanted) & set(storage.content):
            continue
        if "storage" in call.given and call.values["storage"] != storage.name:
            continue
        if call.flag("enabled") and not storage.enabled:
            continue
        status = storage_status(call, storage)
        found.append({**status, "storage": storage.name, "used_fraction": status["used"] / status["total"]})
    return found


@route("GET", STORAGE + "/{storage}/status")
def read_status(call: Call) -> dict[str, Any]:
    """Space and state of one storage."""
    storage = call.cluster.storages.get(str(call.values["storage"]))
    if storage is None or not storage.is_on(call.node.name):
        raise InvalidParameters({"storage": "No such storage."})
    return storage_status(call, storage)


def storage_status(call: Call, storage: Storage) -> dict[str, Any]:
    """Space and state of a storage as seen from the call's node."""
    used = storage.used(call.node.name)
    return {
        "type": storage.kind,
        "content": ",".join(storage.content),
        "active": int(storage.active),
        "enabled": int(storage.enabled),
        "shared": int(storage.shared),
        "total": storage.total,
        "used": used,
        "avail": storage.total - used,
    }


@route("GET", STORAGE + "/{storage}/content")
def list_content(call: Call) -> list[dict[str, Any]]:
    """The volumes of one storage that the sender may see."""
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    found = []
    for volume in storage.on(call.node.name).values():
        if call.get("content") not in (None, volume.content):
            continue
        if "vmid" in call.given and volume.vmid != call.values["vmid"]:
            continue
        try:
            check_access(call, storage, volume)
        except ApiError:
            continue
        found.append(_content_item(storage, volume))
    return found


def _content_item(storage: Storage, volume: Volume) -> dict[str, Any]:
    item: dict[str, Any] = {"volid": f"{storage.name}:{volume.name}", "content": volume.content, "format": volume.fmt}
    item |= {"size": volume.size, "ctime": volume.created}
    if volume.vmid is not None:
        item["vmid"] = volume.vmid
    if volume.content == "backup":
        notes = {"notes": volume.notes.splitlines()[0]} if volume.notes else {}
        return {**item, "subtype": "qemu", **notes, **({"protected": 1} if volume.protected else {})}
    if volume.content == "images" and storage.holds_files:
        item |= {"used": volume.used, "parent": f"../{volume.base}" if volume.base else None}
    elif volume.base:
        item["parent"] = volume.base
    return item


@route("POST", STORAGE + "/{storage}/content", _ALLOCATE)
def allocate(call: Call) -> str:
    """Make an empty image under a name."""
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    short = str(call.values["filename"])
    found = re.fullmatch(r"(vm|base)-(\d+)-\S+?(?:\.(raw|qcow2|vmdk))?", short)
    if not found or int(found[2]) != call.values["vmid"]:
        raise ApiError(f"illegal name '{short}' - should be 'vm-{call.values['vmid']}-*'")
    name = f"{call.values['vmid']}/{short}" if storage.holds_files else short
    volumes = storage.on(call.node.name)
    if name in volumes:
        raise ApiError(f"disk image '{storage.path}/images/{name}' already exists")
    size = parse_size(str(call.values["size"])) * (1 if str(call.values["size"])[-1] in "MG" else 1024)
    fmt = str(call.get("format") or found[3] or "raw")
    volumes[name] = Volume(name, "images", fmt, size, int(call.values["vmid"]), used=4096, created=int(call.now))
    return f"{storage.name}:{name}"
