"""Changes a VM's configuration, as PUT and POST config do (PVE::API2::Qemu, update_vm_api)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.config_apply import apply_pending, clean_pending
from bridge.sandbox.proxmox.config_rights import require_config_rights
from bridge.sandbox.proxmox.config_values import CONFIG_PATH, normal_tags, reread
from bridge.sandbox.proxmox.drives import Drive, boot_order, cloudinit_volume, free_volume, new_volume, sized
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, UNUSED_KEY, Config, Guest
from bridge.sandbox.proxmox.net import check_bridges, parse_net, print_net
from bridge.sandbox.proxmox.passwords import crypt_password
from bridge.sandbox.proxmox.schema_values import parameter_schema
from bridge.sandbox.proxmox.ssh_keys import check_ssh_keys
from bridge.sandbox.proxmox.storage import VolumeId, check_volume_name

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call

# Parameters of the call that are no options of the VM.
_NO_OPTIONS = frozenset(
    {"delete", "revert", "digest", "force", "skiplock", "background_delay", "import-working-storage"}
)


@dataclass
class Change:
    """What a caller wants changed. `said`: the options as the task's log shows them."""

    values: Config = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    revert: list[str] = field(default_factory=list)
    said: str = ""


def read_change(call: "Call") -> Change:
    """The wanted change, checked as far as that is possible without the VM. Raises ApiError."""
    options = call.options
    values = {k: v for k, v in options.items() if k not in _NO_OPTIONS}
    shown = {k: "<hidden>" if k == "cipassword" else v for k, v in values.items()}
    change = Change(values, said=" ".join(f"-{key} {shown[key]}" for key in sorted(shown)))
    change.delete = _option_names(call, "delete", values)
    change.revert = _option_names(call, "revert", values)
    # A JSON null counts as an option here, although it changes nothing.
    if not call.given - _NO_OPTIONS and not change.delete and not change.revert:
        raise ApiError("no options specified")
    if call.flag("skiplock") and str(call.who) != "root@pam":
        raise InvalidParameters({"skiplock": "Only root may use this option."})
    change.values = prepared(call, values)
    require_config_rights(call, [*change.delete, *change.revert, *values], values, call.vmid)
    check_storages(call, change.values)
    check_bridges(call, change.values)
    return change


def prepared(call: "Call", values: Config) -> Config:
    """Values in the form in which they are stored. Raises ApiError and InvalidParameters."""
    done: Config = {}
    for key, value in values.items():
        if DISK_KEY.fullmatch(key):
            value = str(Drive.parse(key, str(value)))
        elif NET_KEY.fullmatch(key):
            card = parse_net(str(value))
            value = print_net({"macaddr": call.cluster.random_mac(), **card})
        elif key == "tags":
            value = normal_tags(str(value))
        elif key == "cipassword":
            value = crypt_password(str(value))
        elif key == "sshkeys":
            check_ssh_keys(str(value))
        elif key == "vmgenid" and value == "1":
            value = call.cluster.random_uuid()
        done[key] = value
    return done


def check_storages(call: "Call", values: Config) -> None:
    """Whether the storages of new and attached volumes exist and the sender may use them. Raises ApiError."""
    for key in sorted(k for k in values if DISK_KEY.fullmatch(k)):
        drive = Drive.parse(key, str(values[key]))
        if drive.file.startswith("/"):
            raise InvalidParameters({key: f"unable to associate path '{drive.file}' to any storage"})
        if not drive.has_volume:
            continue
        parsed = VolumeId.parse(drive.file)
        storage = call.cluster.storage(parsed.storage, call.node.name)
        if drive.wish or parsed.name == "cloudinit":
            call.require(f"/storage/{storage.name}", "Datastore.AllocateSpace")
        else:
            check_volume_name(storage, parsed.name)


def change_config(call: "Call", guest: Guest, change: Change) -> None:
    """Apply a change to a VM. Raises ApiError; what came before the failing option stays done."""
    guest.unreadable = ""
    order = boot_order(guest.effective())
    before = list(order)
    for key in change.revert:
        guest.pending.pop(key, None)
        guest.pending_delete = [k for k in guest.pending_delete if k != key]
    for key in change.delete:
        _delete(call, guest, key, order)
    for key in sorted(change.values):
        _set(call, guest, key, change.values[key], order)
    if order != before and "boot" not in change.values and "boot" not in change.delete:
        guest.pending["boot"] = f"order={';'.join(order)}" if order else " "
    _check_boot(guest, change)
    clean_pending(guest)
    apply_pending(call.cluster, guest)


def check_balloon(guest: Guest, values: Config) -> None:
    """Raises ApiError when the balloon's target is more than the memory."""
    effective = {**guest.effective(), **values}
    if ("memory" in values or "balloon" in values) and int(effective.get("balloon", 0)) > int(
        effective.get("memory", 512)
    ):
        raise ApiError("balloon value too large (must be smaller than assigned memory)")


def _option_names(call: "Call", parameter: str, values: Config) -> list[str]:
    entry = call.cluster.schema.entry("PUT", CONFIG_PATH) or {}
    names = []
    for name in split_list(str(call.get(parameter, ""))):
        name = "ide2" if name == "cdrom" else name
        if name in values:
            raise InvalidParameters({parameter: f"you can't use '-{name}' and -{parameter} {name}' at the same time"})
        if parameter_schema(entry["parameters"], name) is None or name in _NO_OPTIONS:
            raise InvalidParameters({parameter: f"unknown option '{name}'"})
        names.append(name)
    return names


def _delete(call: "Call", guest: Guest, key: str, order: list[str]) -> None:
    if key not in guest.config and key not in guest.pending:
        return
    if DISK_KEY.fullmatch(key) and guest.config.get("protection"):
        raise ApiError(f"can't remove drive '{key}' - protection mode enabled")
    was_pending = guest.pending.pop(key, None) is not None
    if not was_pending and key in order:
        order.remove(key)
    if NET_KEY.fullmatch(key) and key in guest.config:
        check_bridges(call, {key: guest.config[key]})
    if UNUSED_KEY.fullmatch(key):
        if key in guest.config:
            free_volume(call.cluster, guest.node, str(guest.config[key]))
            del guest.config[key]
    elif key not in guest.pending_delete:
        guest.pending_delete.append(key)


def _set(call: "Call", guest: Guest, key: str, value: Any, order: list[str]) -> None:
    if NET_KEY.fullmatch(key) and key in guest.config:
        check_bridges(call, {key: guest.config[key]})
    if DISK_KEY.fullmatch(key):
        drive = realise_drive(call, guest, Drive.parse(key, str(value)))
        if drive.is_cdrom and order and key not in order and key not in guest.config:
            order.append(key)
        value = str(drive)
    else:
        value = reread(call.cluster.schema, key, value)
    guest.pending_delete = [k for k in guest.pending_delete if k != key]
    if value is not None:
        guest.pending[key] = value
    elif key != "description":
        guest.unreadable = f"{key}: "
    elif key in guest.config:
        guest.pending.pop(key, None)
        guest.pending_delete.append(key)


def _check_boot(guest: Guest, change: Change) -> None:
    if "boot" not in change.values:
        return
    for device in boot_order(change.values):
        if device in change.delete or device not in guest.effective():
            guest.pending.pop("boot", None)
            raise ApiError(f"invalid bootorder: device '{device}' does not exist'")


def realise_drive(call: "Call", guest: Guest, drive: Drive) -> Drive:
    """The drive with a real volume: allocated when it asks for a new one, looked up otherwise. Raises ApiError."""
    cluster, node = call.cluster, guest.node
    if not drive.has_volume:
        return drive
    parsed = VolumeId.parse(drive.file)
    storage = cluster.storage(parsed.storage, node)
    fmt = drive.options.get("format", "")
    options = {k: v for k, v in drive.options.items() if k not in ("format", "import-from")}
    if parsed.name == "cloudinit":
        other = next((d for d in _cloudinit_drives(guest) if d.key != drive.key), None)
        if other:
            raise ApiError(f"{drive.key} - cloud-init drive is already attached at '{other.key}'")
        volid = cloudinit_volume(cluster, storage, node, guest.vmid)
        return Drive(drive.key, str(volid), {**options, "media": "cdrom"})
    if drive.wish:
        volid, volume = new_volume(cluster, storage, node, guest.vmid, drive.wish[1], fmt)
        return sized(Drive(drive.key, str(volid), options), volume)
    found = storage.on(node).get(parsed.name)
    if found is None:
        raise ApiError(f"volume '{drive.file}' does not exist")
    return sized(Drive(drive.key, drive.file, options), found)


def _cloudinit_drives(guest: Guest) -> list[Drive]:
    config = guest.effective()
    drives = [Drive.parse(k, str(v)) for k, v in config.items() if DISK_KEY.fullmatch(k)]
    return [drive for drive in drives if drive.is_cloudinit]
