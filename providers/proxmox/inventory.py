"""What there is in the cluster: nodes, guests, storages, bridges, VMIDs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.errors import Conflict
from providers.proxmox.calls import Calls
from providers.proxmox.vmconfig import split_tags


@dataclass(frozen=True)
class NodeInfo:
    """One node; bytes, `cpu` as a share of 0 to 1. Numbers are 0 for a node that is offline or hidden by rights."""

    name: str
    online: bool
    mem_free: int
    mem_total: int
    cpu: float
    cpu_count: int
    uptime: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read one row of `GET /nodes`."""
        total = int(row.get("maxmem") or 0)
        return cls(
            name=str(row["node"]),
            online=row.get("status") == "online",
            mem_free=max(0, total - int(row.get("mem") or 0)),
            mem_total=total,
            cpu=float(row.get("cpu") or 0),
            cpu_count=int(row.get("maxcpu") or 0),
            uptime=int(row.get("uptime") or 0),
        )


@dataclass(frozen=True)
class Guest:
    """One VM or container, as the cluster's list shows it.

    The list lags: straight after a clone `name` is empty and `status` "unknown". `type` is "qemu" or "lxc",
    `maxmem` the memory it may use, in bytes. `uptime` seconds since its QEMU process began, 0 = it does not run; `netin` and
    `netout` bytes that its network cards have counted in that process; all three None while no node has reported it.
    """

    vmid: int
    node: str
    name: str
    status: str
    template: bool
    lock: str | None
    tags: frozenset[str]
    type: str
    maxmem: int = 0
    uptime: int | None = None
    netin: int | None = None
    netout: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read one row of `GET /cluster/resources?type=vm`."""
        return cls(
            vmid=int(row["vmid"]),
            node=str(row["node"]),
            name=str(row.get("name") or ""),
            status=str(row.get("status") or "unknown"),
            template=bool(int(row.get("template") or 0)),
            lock=str(row["lock"]) if row.get("lock") else None,
            tags=split_tags(str(row.get("tags") or "")),
            type=str(row.get("type") or "qemu"),
            maxmem=int(row.get("maxmem") or 0),
            uptime=_count(row, "uptime"),
            netin=_count(row, "netin"),
            netout=_count(row, "netout"),
        )


@dataclass(frozen=True)
class StorageInfo:
    """One storage on one node; bytes. `shared` is only a label that the admin gave it."""

    name: str
    node: str
    type: str
    content: frozenset[str]
    shared: bool
    enabled: bool
    active: bool
    avail: int
    total: int

    @property
    def holds_disks(self) -> bool:
        """Whether VM disks can be put there now."""
        return "images" in self.content and self.enabled and self.active


class Inventory(Calls):
    """Questions about the whole cluster; one request each, however many guests there are."""

    def nodes(self) -> list[NodeInfo]:
        """All nodes with their load."""
        return [NodeInfo.of(row) for row in self._api.get("list the nodes", "nodes")]

    def guests(self) -> list[Guest]:
        """All VMs and containers that the credentials may see, templates included."""
        rows = self._api.get("list the guests", "cluster/resources", type="vm")
        return [Guest.of(row) for row in rows]

    def locate(self, vmid: int) -> Guest | None:
        """The guest with this VMID, wherever it is; None when the cluster's list has none.

        During a migration it may be on neither node for a moment: None is no proof of absence then.
        """
        return next((guest for guest in self.guests() if guest.vmid == vmid), None)

    def storages(self, node: str | None = None) -> list[StorageInfo]:
        """Storages of `node`, asked there; without a node those of all nodes, from the cluster's list (cheaper, lags)."""
        if node is None:
            rows = self._api.get("list the storages", "cluster/resources", type="storage")
            return [_storage_of_cluster(row) for row in rows]
        rows = self._api.get(f"list the storages of node {node}", f"{self._node(node)}/storage", heavy=True)
        return [_storage_of_node(node, row) for row in rows]

    def bridges(self, node: str) -> list[str]:
        """Names of the bridges of `node` that the credentials may use, SDN vnets included."""
        rows = self._api.get(f"list the bridges of node {node}", f"{self._node(node)}/network", type="any_bridge")
        return sorted(str(row["iface"]) for row in rows)

    def used_vmids(self) -> set[int]:
        """VMIDs of all guests that the credentials may see. Others may exist: ask `vmid_is_free` before using one."""
        return {guest.vmid for guest in self.guests()}

    def vmid_is_free(self, vmid: int) -> bool:
        """Whether nobody uses the VMID right now, seen or unseen. Nothing is reserved by asking."""
        try:
            self._api.get(f"check VMID {vmid}", "cluster/nextid", vmid=vmid)
        except Conflict:
            return False
        return True


def _count(row: Mapping[str, Any], key: str) -> int | None:
    return None if row.get(key) is None else int(row[key])


def _content(row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(row.get("content") or "").split(",")) - {""}


def _storage_of_cluster(row: Mapping[str, Any]) -> StorageInfo:
    total = int(row.get("maxdisk") or 0)
    return StorageInfo(
        name=str(row["storage"]),
        node=str(row["node"]),
        type=str(row.get("plugintype") or ""),
        content=_content(row),
        shared=bool(int(row.get("shared") or 0)),
        enabled=True,
        active=row.get("status") == "available",
        avail=max(0, total - int(row.get("disk") or 0)),
        total=total,
    )


def _storage_of_node(node: str, row: Mapping[str, Any]) -> StorageInfo:
    return StorageInfo(
        name=str(row["storage"]),
        node=node,
        type=str(row.get("type") or ""),
        content=_content(row),
        shared=bool(int(row.get("shared") or 0)),
        enabled=bool(int(row.get("enabled", 1) or 0)),
        active=bool(int(row.get("active") or 0)),
        avail=int(row.get("avail") or 0),
        total=int(row.get("total") or 0),
    )
