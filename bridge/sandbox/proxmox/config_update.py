"""Changes a VM's configuration, as PUT and POST config do (PVE::API2::Qemu, update_vm_api)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.config_apply import apply_pending, clean_pending
from bridge.sandbox.proxmox.config_drives import check_storages, checked_drive, realise_drive, require_drive_rights
from bridge.sandbox.proxmox.config_rights import require_config_rights
from bridge.sandbox.proxmox.config_values import CONFIG_PATH, normal_tags, reread
from bridge.sandbox.proxmox.drives import Drive, add_unused, boot_order, delete_unused
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, UNUSED_KEY, Config, Guest
from bridge.sandbox.proxmox.net import check_bridges, parse_net, print_net
from bridge.sandbox.proxmox.passwords import crypt_password
from bridge.sandbox.proxmox.schema_values import parameter_schema
from bridge.sandbox.proxmox.ssh_keys import check_ssh_keys

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call

# Parameters of the call that are no options of the VM.
NO_OPTIONS = frozenset(
    {"delete", "revert", "digest", "force", "skiplock", "background_delay", "import-working-storage"}
)


@dataclass
class Change:
    """What a caller wants changed. `force`: volumes of deleted drives go too. `said`: as the task's log shows it."""

    values: Config = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    revert: list[str] = field(default_factory=list)
    force: bool = False
    said: str = ""


def read_change(call: "Call") -> Change:
    """The wanted change, checked as far as that is possible without the VM. Raises ApiError."""
    values = {k: v for k, v in call.options.items() if k not in NO_OPTIONS}
    call.root_only("skiplock")
    if "sshkeys" in values:
        check_ssh_keys(str(values["sshkeys"]))
    # A JSON null counts as an option here, although it changes nothing.
    if not call.given - NO_OPTIONS and not call.get("delete") and not call.get("revert"):
        raise ApiError("no options specified")
    if "cdrom" in values:
        values["ide2"] = f"{values.pop('cdrom')},media=cdrom"
    change = Change(force=call.flag("force"), said=_said(call))
    change.revert = _option_names(call, "revert", values)
    change.delete = _option_names(call, "delete", values)
    clash = next((name for name in change.delete if name in change.revert), None)
    if clash:
        raise InvalidParameters({"revert": f"you can't use '-delete {clash}' and -revert {clash}' at the same time"})
    change.values = prepared(call, values)
    require_config_rights(call, change.delete, {}, call.vmid)
    require_config_rights(call, values, values, call.vmid)
    check_storages(call, change.values, call.vmid)
    check_bridges(call, change.values)
    return change


def prepared(call: "Call", values: Config) -> Config:
    """Values in the form in which they are stored. Raises ApiError and InvalidParameters."""
    done: Config = {}
    for key, value in values.items():
        if DISK_KEY.fullmatch(key):
            value = checked_drive(call, key, str(value))
        elif NET_KEY.fullmatch(key):
            card = parse_net(str(value))
            value = print_net({"macaddr": call.cluster.random_mac(), **card})
        elif key == "tags":
            value = normal_tags(str(value))
        elif key == "vmgenid" and value == "1":
            value = call.cluster.random_uuid()
        done[key] = value
    return done


def change_config(call: "Call", guest: Guest, change: Change) -> None:
    """Apply a change to a VM. Raises ApiError; what came before the failing option stays done."""
    guest.unreadable = ""
    values, delete = dict(change.values), list(change.delete)
    for key in change.revert:
        if key in guest.config:
            values[key] = guest.config[key]
        elif key in guest.pending:
            delete.append(key)
    order = boot_order(guest.config)
    before = list(order)
    for key in delete:
        _delete(call, guest, key, order, force=change.force)
    for key in sorted(values):
        _set(call, guest, key, values[key], order)
    if order != before and "boot" not in values and "boot" not in delete:
        guest.pending["boot"] = f"order={';'.join(order)}" if order else " "
    _check_boot(guest, change)
    clean_pending(guest)
    apply_pending(call.cluster, guest, selected={*values, *delete, "boot"})


def check_balloon(guest: Guest, values: Config) -> None:
    """Raises ApiError when the balloon's target is more than the memory."""
    effective = {**guest.effective(), **values}
    memory = int(str(effective.get("memory", 512)).rpartition("=")[2])
    if ("memory" in values or "balloon" in values) and int(effective.get("balloon", 0)) > memory:
        raise ApiError("balloon value too large (must be smaller than assigned memory)")


def _said(call: "Call") -> str:
    shown = {k: "<hidden>" if k == "cipassword" else v for k, v in call.options.items()}
    return " ".join(f"-{key} {shown[key]}" for key in sorted(shown) if key not in ("digest", "background_delay"))


def _option_names(call: "Call", parameter: str, values: Config) -> list[str]:
    entry = call.cluster.schema.entry("PUT", CONFIG_PATH) or {}
    names = []
    for name in split_list(str(call.get(parameter, ""))):
        name = "ide2" if name == "cdrom" else name
        if name in values:
            raise InvalidParameters({"delete": f"you can't use '-{name}' and -{parameter} {name}' at the same time"})
        if parameter_schema(entry["parameters"], name) is None or name in NO_OPTIONS:
            raise InvalidParameters({parameter: f"unknown option '{name}'"})
        names.append(name)
    return names


def _delete(call: "Call", guest: Guest, key: str, order: list[str], *, force: bool) -> None:
    value = guest.config.get(key, guest.pending.get(key))
    if value is None:
        return
    if UNUSED_KEY.fullmatch(key):
        delete_unused(call.cluster, guest, key)
        return
    if DISK_KEY.fullmatch(key):
        if guest.config.get("protection"):
            raise ApiError(f"can't remove drive '{key}' - protection mode enabled")
        require_drive_rights(call, Drive.parse(key, str(value)), guest.vmid)
    elif NET_KEY.fullmatch(key) and key in guest.config:
        check_bridges(call, {key: guest.config[key]})
    was_pending = guest.pending.pop(key, None) is not None
    if was_pending and DISK_KEY.fullmatch(key):
        add_unused(guest.config, Drive.parse(key, str(value)).file)
    if key in order:
        order.remove(key)
    guest.delete_later(key, force=force)


def _set(call: "Call", guest: Guest, key: str, value: Any, order: list[str]) -> None:
    if NET_KEY.fullmatch(key) and key in guest.config:
        check_bridges(call, {key: guest.config[key]})
    if key == "cipassword":
        windows = str(guest.config.get("ostype", "")).startswith("w")
        guest.config[key] = value if windows else crypt_password(str(value))
        return
    if DISK_KEY.fullmatch(key):
        value = _set_drive(call, guest, Drive.parse(key, str(value)), order)
    else:
        value = reread(call.cluster.schema, key, value)
    guest.keep(key)
    if value is not None:
        guest.pending[key] = value
    elif key != "description":
        guest.unreadable = f"{key}: "
    elif key in guest.config:
        guest.pending.pop(key, None)
        guest.delete_later(key)


def _set_drive(call: "Call", guest: Guest, drive: Drive, order: list[str]) -> str:
    old = [Drive.parse(drive.key, str(part[drive.key])) for part in (guest.config, guest.pending) if drive.key in part]
    for each in (*old[:1], drive):
        require_drive_rights(call, each, guest.vmid)
    if drive.key in guest.pending and old[-1].has_volume and not old[-1].is_cdrom:
        add_unused(guest.config, old[-1].file)
    drive = realise_drive(call, guest, drive)
    if drive.is_cdrom and order and drive.key not in order:
        order.append(drive.key)
    return str(drive)


def _check_boot(guest: Guest, change: Change) -> None:
    if "boot" not in change.values:
        return
    for device in boot_order(change.values):
        if device in change.delete or device not in guest.effective():
            guest.pending.pop("boot", None)
            raise ApiError(f"invalid bootorder: device '{device}' does not exist'")
