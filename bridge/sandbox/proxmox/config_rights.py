"""Which right each option of a VM's configuration needs (PVE::API2::Qemu, check_vm_modify_config_perm)."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, UNUSED_KEY, Config

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call

CLOUDINIT = frozenset(
    ["cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "nameserver", "searchdomain", "sshkeys"]
)
_NEEDED = {
    "VM.Config.CPU": "cores cpu cpulimit cpuunits numa smp sockets vcpus",
    "VM.Config.Memory": "balloon hugepages keephugepages memory shares allow-ksm",
    "VM.Config.HWType": "acpi hotplug kvm machine scsihw smbios1 tablet vga watchdog audio0 vmgenid rng0",
    "VM.Config.Options": """agent autostart bios description keyboard localtime migrate_downtime migrate_speed name
        onboot ostype protection reboot startdate startup tdf template tags""",
    "VM.PowerMgmt": "freeze",
    "VM.Config.Disk": "boot bootdisk vmstatestorage",
}
_RIGHT = {option: right for right, options in _NEEDED.items() for option in options.split()}


def require_config_rights(call: "Call", options: Iterable[str], values: Config, vmid: int) -> None:
    """Raises Refused, or ApiError for options that only root@pam itself may set, never a token.

    `values`: those that are to be set, as far as they decide about the right.
    """
    if str(call.who) == "root@pam":
        return
    path = f"/vms/{vmid}"
    for option in sorted(options):
        if DISK_KEY.fullmatch(option) or UNUSED_KEY.fullmatch(option) or option == "tags":
            # Drives are checked where their value is known, tags by the rights on the VM's tags.
            continue
        if option == "startup":
            call.require("/", "Sys.Modify")
        if option in CLOUDINIT or re.fullmatch(r"ipconfig\d+", option):
            call.require(path, "VM.Config.Cloudinit", "VM.Config.Network", any_of=True)
        else:
            call.require(path, _needed(option, str(values.get(option, ""))))


def _needed(option: str, value: str) -> str:
    if option in _RIGHT:
        return _RIGHT[option]
    if re.fullmatch(r"numa\d+", option):
        return "VM.Config.CPU"
    if NET_KEY.fullmatch(option):
        return "VM.Config.Network"
    if re.fullmatch(r"(?:serial|usb|hostpci)\d+", option) and not _is_real_device(option, value):
        return "VM.Config.HWType"
    if re.match(r"(?:serial|usb)\d", option):
        raise ApiError(f"only root can set '{option}' config for real devices")
    if option.startswith("hostpci"):
        raise ApiError(f"only root can set '{option}' config for non-mapped devices")
    raise ApiError(f"only root can set '{option}' config")


def _is_real_device(option: str, value: str) -> bool:
    """Whether a device of the host is passed through, rather than a socket, a SPICE channel or a mapped device."""
    if option.startswith("serial"):
        return value not in ("", "socket")
    return bool(value) and "mapping=" not in value and not value.removeprefix("host=").lower().startswith("spice")
