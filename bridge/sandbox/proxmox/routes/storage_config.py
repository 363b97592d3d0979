"""The datacenter's storages as they are configured."""

import hashlib
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.storage import Storage

_LIST = {
    "permissions": {"user": "all"},
    "parameters": {"type": {"type": "string", "optional": 1}},
}
_READ = {
    "permissions": {"check": ["perm", "/storage/{storage}", ["Datastore.Allocate"]]},
    "parameters": {"storage": {"type": "string", "format": "pve-storage-id"}},
}


@route("GET", "/storage", _LIST)
def list_storages(call: Call) -> list[dict[str, Any]]:
    """The storages that the sender may see."""
    rights = ("Datastore.Audit", "Datastore.AllocateSpace")
    return [
        {**_facts(storage), "digest": _digest(call)}
        for storage in call.cluster.storages.values()
        if call.may(f"/storage/{storage.name}", *rights, any_of=True) and call.get("type") in (None, storage.kind)
    ]


@route("GET", "/storage/{storage}", _READ)
def read_storage(call: Call) -> dict[str, Any]:
    """One storage."""
    storage = call.cluster.storages.get(str(call.values["storage"]))
    if storage is None:
        raise ApiError(f"storage '{call.values['storage']}' does not exist")
    return {**_facts(storage), "digest": _digest(call)}


def _facts(storage: Storage) -> dict[str, Any]:
    facts: dict[str, Any] = {"storage": storage.name, "type": storage.kind, "content": ",".join(storage.content)}
    if storage.path:
        facts["path"] = storage.path
    if storage.nodes:
        facts["nodes"] = ",".join(storage.nodes)
    if storage.shared and storage.kind == "dir":
        facts["shared"] = 1
    return {**facts, **({} if storage.enabled else {"disable": 1}), **storage.settings}


def _digest(call: Call) -> str:
    """SHA-1 of the whole of storage.cfg."""
    lines = [repr(sorted(_facts(storage).items())) for storage in call.cluster.storages.values()]
    return hashlib.sha1("\n".join(lines).encode()).hexdigest()
