"""Pools and their members."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.permissions import require_modify
from bridge.sandbox.proxmox.pool import Pool
from bridge.sandbox.proxmox.routes.cluster import storage_resources, vm_resource
from bridge.sandbox.proxmox.routing import route

_POOLID = {"type": "string", "format": "pve-poolid"}
_TEXT = {"type": "string", "optional": 1}
_FLAG = {"type": "boolean", "optional": 1}
_KIND = {"type": "string", "enum": ["qemu", "lxc", "storage"], "optional": 1}
_LIST = {
    "permissions": {"user": "all"},
    "parameters": {"poolid": {**_POOLID, "optional": 1}, "type": {**_KIND, "requires": "poolid"}},
}
_ALLOCATE = {"check": ["perm", "/pool/{poolid}", ["Pool.Allocate"]]}
_READ = {
    "permissions": {"check": ["perm", "/pool/{poolid}", ["Pool.Audit"]]},
    "parameters": {"poolid": _POOLID, "type": _KIND},
}
_CREATE = {"permissions": _ALLOCATE, "parameters": {"poolid": _POOLID, "comment": _TEXT}}
_UPDATE = {
    "permissions": _ALLOCATE,
    "parameters": {
        "poolid": _POOLID,
        "comment": _TEXT,
        "vms": {"type": "string", "format": "pve-vmid-list", "optional": 1},
        "storage": {"type": "string", "format": "pve-storage-id-list", "optional": 1},
        "allow-move": _FLAG,
        "delete": _FLAG,
    },
}
_DELETE = {"permissions": _ALLOCATE, "parameters": {"poolid": _POOLID}}


@route("GET", "/pools", _LIST)
def list_pools(call: Call) -> list[dict[str, Any]]:
    """The pools that the sender may see, or with `poolid` one with its members."""
    if "poolid" in call.given:
        return [{**_described(call), "poolid": call.values["poolid"]}]
    found = sorted(call.cluster.pools.items())
    return [{"poolid": name, **_comment(pool)} for name, pool in found if call.may(f"/pool/{name}", "Pool.Audit")]


@route("GET", "/pools/{poolid}", _READ)
def read_pool(call: Call) -> dict[str, Any]:
    """One pool with its members."""
    return _described(call)


@route("POST", "/pools", _CREATE)
def create_pool(call: Call) -> None:
    """Make an empty pool."""
    pools, name = call.cluster.pools, str(call.values["poolid"])
    parent, slash, leaf = name.rpartition("/")
    if name in pools:
        raise ApiError(f"create pool failed: pool '{name}' already exists")
    if slash and parent not in pools:
        raise ApiError(f"create pool failed: parent '{parent}' of pool '{name}' does not exist")
    if not leaf[:1].isalpha():
        raise ApiError("create pool failed: pool name must start with a letter")
    pools[name] = Pool(call.get("comment") or None)


@route("PUT", "/pools/{poolid}", _UPDATE)
def update_pool(call: Call) -> None:
    """Add members, or with `delete` take them away."""
    pool = _pool(call, "update pools failed: ")
    vms = {int(vmid) for vmid in split_list(str(call.get("vms", "")))}
    storages = set(split_list(str(call.get("storage", ""))))
    for path in [*(f"/vms/{vmid}" for vmid in sorted(vms)), *(f"/storage/{name}" for name in sorted(storages))]:
        require_modify(call.cluster.access, call.who, path)
    _check_members(call, pool, vms, storages)
    if "comment" in call.given:
        pool.comment = str(call.values["comment"])
    if call.flag("delete"):
        pool.vms -= vms
        pool.storages -= storages
        return
    for other in call.cluster.pools.values():
        other.vms -= vms
    pool.vms |= vms
    pool.storages |= storages


@route("DELETE", "/pools/{poolid}", _DELETE)
def delete_pool(call: Call) -> None:
    """Remove an empty pool."""
    name, pool = str(call.values["poolid"]), _pool(call, "delete pool failed: ")
    for member in (
        *(f"pool '{other}'" for other in sorted(call.cluster.pools) if other.startswith(f"{name}/")),
        *(f"VM {vmid}" for vmid in sorted(pool.vms) if vmid in call.cluster.guests),
        *(f"storage '{storage}'" for storage in sorted(pool.storages)),
    ):
        raise ApiError(f"delete pool failed: pool '{name}' is not empty (contains {member})")
    del call.cluster.pools[name]
    call.cluster.access.forget(f"/pool/{name}")


def _pool(call: Call, doing: str = "") -> Pool:
    name = str(call.values["poolid"])
    if name not in call.cluster.pools:
        raise ApiError(f"{doing}pool '{name}' does not exist")
    return call.cluster.pools[name]


def _check_members(call: Call, pool: Pool, vms: set[int], storages: set[str]) -> None:
    """Raises ApiError when a member to remove is none, or one to add is in this or (a VM) in another pool."""
    removes = call.flag("delete")
    wrong = "is not a pool member" if removes else "is already a pool member"
    for vmid in sorted(vms):
        if (vmid in pool.vms) != removes:
            raise ApiError(f"update pools failed: VM {vmid} {wrong}")
        for name, other in call.cluster.pools.items():
            if vmid in other.vms and not removes:
                if not call.flag("allow-move"):
                    text = f"VM {vmid} belongs already to pool '{name}' and 'allow-move' is not set"
                    raise ApiError(f"update pools failed: {text}")
                call.require(f"/pool/{name}", "Pool.Allocate")
    for storage in sorted(storages):
        if (storage in pool.storages) != removes:
            raise ApiError(f"update pools failed: Storage '{storage}' {wrong}")


def _described(call: Call) -> dict[str, Any]:
    pool, kind = _pool(call), call.get("type")
    guests = [call.cluster.guests[vmid] for vmid in sorted(pool.vms) if vmid in call.cluster.guests]
    members = [vm_resource(call, guest) for guest in guests if kind in (None, "qemu")]
    if kind in (None, "storage"):
        seen = {item["storage"]: item for item in reversed(storage_resources(call))}
        members += [seen[name] for name in sorted(pool.storages) if name in seen]
    return {"members": members, **_comment(pool)}


def _comment(pool: Pool) -> dict[str, str]:
    return {} if pool.comment is None else {"comment": pool.comment}
