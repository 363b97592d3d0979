"""What a clone is going to be: checked before the task exists, and once more inside it (PVE::API2::Qemu, clone_vm)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.config_drives import require_images
from bridge.sandbox.proxmox.config_values import reread
from bridge.sandbox.proxmox.drives import Drive, drives_of, storage_of
from bridge.sandbox.proxmox.failures import ApiError, Refused, no_config_found
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, UNUSED_KEY, Config, Guest
from bridge.sandbox.proxmox.net import check_bridges, parse_net, print_net
from bridge.sandbox.proxmox.property_string import join_properties, split_properties
from bridge.sandbox.proxmox.storage import Storage, VolumeId

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call

_NOT_COPIED = frozenset({"snapshots", "parent", "snaptime", "vmstate", "snapstate", "template", "lock", "running"})


@dataclass
class Plan:
    """The new VM's configuration without its disks, and the drives to copy (`full` per key)."""

    config: Config
    drives: list[Drive]
    full: dict[str, bool]
    target: str


def check_clone(call: "Call", *, full_copy: bool) -> Guest:
    """Everything that a clone may be refused for; returns the source. Raises ApiError or Refused."""
    cluster, node = call.cluster, call.node.name
    source = cluster.guest_on(node, call.vmid)
    if source is None:
        raise no_config_found(node, call.vmid)
    pool, target, storage = call.get("pool"), call.get("target"), call.get("storage")
    if pool is not None and pool not in cluster.pools:
        raise Refused(f"Permission check failed (pool '{pool}' does not exist)")
    if target is not None and target not in cluster.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    target = None if target == node else target
    if storage is not None:
        _check_target_storage(call, storage, target)
    if source.lock:
        raise ApiError(f"VM is locked ({source.lock})")
    snapshot = call.get("snapname")
    if snapshot is not None and snapshot not in source.snapshots:
        raise ApiError(f"snapshot '{snapshot}' does not exist")
    for name in ("storage", "format"):
        if call.get(name) is not None and not full_copy:
            raise ApiError(f"parameter '{name}' not allowed for linked clones")
    config = source.snapshots[snapshot] if snapshot else source.config
    shared = _check_storages(call, config, storage)
    check_bridges(call, config)
    if target and not shared:
        raise ApiError(f"can't clone VM to node '{target}' (VM uses local storage)")
    if int(call.values["newid"]) in cluster.guests:
        raise ApiError(f"unable to create VM {call.values['newid']}: config file already exists")
    for drive in _copied_drives(config):
        if not full_copy and not drive.is_cloudinit:
            _check_linkable(call, node, drive)
    return source


def make_plan(call: "Call", source: Guest, *, full_copy: bool) -> Plan:
    """The clone's configuration: new MACs and UUIDs, no template flag, no unused disks, nothing pending."""
    snapshot = call.get("snapname")
    old = source.snapshots[snapshot] if snapshot else source.config
    drives = _copied_drives(old)
    copied = {drive.key for drive in drives}
    config: Config = {}
    for key, value in old.items():
        if key in _NOT_COPIED or key in copied or UNUSED_KEY.fullmatch(key):
            continue
        if NET_KEY.fullmatch(key):
            value = print_net({**parse_net(str(value)), "macaddr": call.cluster.random_mac()})
        config[key] = value
    smbios = split_properties(str(config.get("smbios1", "")))
    config["smbios1"] = join_properties({**smbios, "uuid": call.cluster.random_uuid()})
    if "vmgenid" in config:
        config["vmgenid"] = call.cluster.random_uuid()
    config["name"] = call.get("name") or f"Copy-of-VM-{old.get('name', source.vmid)}"
    description = reread(call.cluster.schema, "description", call.get("description", ""))
    if description:
        config["description"] = description
    full = {drive.key: full_copy or drive.is_cloudinit for drive in drives}
    return Plan(config, drives, full, call.get("target") or source.node)


def _copied_drives(config: Config) -> list[Drive]:
    """Drives whose volume is copied; a CD-ROM is only named again."""
    return [d for d in drives_of(config) if d.has_volume and (d.is_cloudinit or not d.is_cdrom)]


def _check_target_storage(call: "Call", name: str, target: str | None) -> None:
    storage = call.cluster.storage(name, call.node.name)
    require_images(storage)
    if target:
        call.cluster.storage(name, target)
        if not storage.shared:
            raise ApiError(f"can't clone to non-shared storage '{name}'")


def _check_storages(call: "Call", config: Config, wanted: str | None) -> bool:
    """Whether the VM uses shared storages only; the sender must be allowed to allocate on all of them."""
    shared = True
    for key in sorted(k for k in config if DISK_KEY.fullmatch(k)):
        drive = Drive.parse(key, str(config[key]))
        if not drive.has_volume:
            continue
        storage = storage_of(call.cluster, call.node.name, drive)
        shared = shared and storage.shared
        if drive.is_cdrom and not drive.is_cloudinit:
            continue
        call.require(f"/storage/{wanted or storage.name}", "Datastore.AllocateSpace")
    return shared


def _check_linkable(call: "Call", node: str, drive: Drive) -> None:
    """Raises ApiError for a drive that has neither become a base nor, where the storage can do that, a snapshot."""
    storage: Storage = storage_of(call.cluster, node, drive)
    name = VolumeId.parse(drive.file).name
    snapshot = call.get("snapname")
    if name.rpartition("/")[2].startswith("base-") or (snapshot and storage.kind in ("rbd", "lvmthin")):
        return
    of = " a snapshot of" if snapshot else ""
    raise ApiError(f"Linked clone feature is not supported for{of} '{drive.file}' ({drive.key})")
