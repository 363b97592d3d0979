"""What separates a VM from its package, found by the same comparisons as the steps make, and what of it a running VM can take.

Sources: PVE::QemuServer, vmconfig_hotplug_pending and its helpers for disks, cards, memory and CPUs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statemachines.context import Context
from statemachines.package import DiskSpec
from statemachines.ports import Address
from statemachines.steps import cloudinit, compute, disks, firewall, network
from statemachines.steps.look import node_of, reserved_vmid

DEFAULT_HOTPLUG = "network,disk,usb"
FIREWALL = "firewall"
NEEDS_NO_PLUG = frozenset({"tags"})


@dataclass(frozen=True)
class Difference:
    """One thing that a package change sets: `key` as Proxmox calls it, its value `now` and `then`.

    `restart` True = a running VM takes it only with a stop and a start.
    """

    key: str
    now: str
    then: str
    restart: bool = False


@dataclass(frozen=True)
class Refusal:
    """Something that the package says and that is not done."""

    what: str
    now: str
    wanted: str
    reason: str


def differences(ctx: Context, config: Any, kept: Sequence[Address]) -> list[Difference]:
    """All that the steps between stop and start would change, `kept` being the addresses that stay."""
    return [
        *_compute(ctx, config),
        *_disk(config.system_disk(), ctx.package.system_disk),
        *_additional_disk(ctx, config),
        *_network(ctx, config),
        *_addresses(ctx, config, kept),
        *_left_pending(ctx),
    ]


def firewall_differences(ctx: Context) -> list[Difference]:
    """Firewall options that would change; the node applies them to a running VM."""
    if ctx.package.network.any_dhcp:
        return []
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    present = ctx.hypervisor.firewall_options(node, vmid)
    missing = firewall.missing_options(ctx, node, vmid)
    return [Difference(f"{FIREWALL}.{key}", str(present.get(key, "")), str(then)) for key, then in missing.items()]


def refusals(ctx: Context, config: Any) -> list[Refusal]:
    """Disks that are larger than the package says: they stay as they are."""
    found = []
    pairs = ((config.system_disk(), ctx.package.system_disk), (config.additional_disk(), ctx.package.additional_disk))
    for disk, spec in pairs:
        if disk is not None and spec.size_gb and disks.growth(disk, spec.size_gb) < 0:
            size, wanted = f"{disk.size_gb:g} GB", f"{spec.size_gb} GB"
            found.append(Refusal(f"{disk.interface} size", size, wanted, disks.NO_SHRINK))
    return found


def _compute(ctx: Context, config: Any) -> list[Difference]:
    return [
        Difference(key, config.text(key), str(value), _needs_restart(config, key, value))
        for key, value in compute.changes(ctx, config).items()
    ]


def _needs_restart(config: Any, key: str, value: str | int) -> bool:
    """Memory is plugged in with hotplug and NUMA on; cores never: only `vcpus` below cores x sockets are hot-plugged."""
    if key == "memory":
        return not ("memory" in _hotplug(config) and config.text("numa") == "1" and int(value) > config.memory)
    return key not in NEEDS_NO_PLUG


def _disk(disk: Any, spec: DiskSpec) -> list[Difference]:
    """Growing a disk and throttling it are taken live."""
    found = []
    if disk is None:
        return []
    if spec.size_gb and disks.growth(disk, spec.size_gb) > 0:
        found.append(Difference(f"{disk.interface} size", f"{disk.size_gb:g} GB", f"{spec.size_gb} GB"))
    if not disks.leaves_limits(spec) and disks.with_limits(disk, spec) != disk:
        found.append(Difference(f"{disk.interface} limits", _limits(disk), _limits(disks.with_limits(disk, spec))))
    return found


def _limits(disk: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in disk.limits.pairs()) or "unlimited"


def _additional_disk(ctx: Context, config: Any) -> list[Difference]:
    spec, disk = ctx.package.additional_disk, config.additional_disk()
    if spec.size_gb and disk is not None:
        return _disk(disk, spec)
    if spec.size_gb:
        storage = spec.storage or config.system_disk().storage
        new = config.new_disk(storage, spec.size_gb)
        plugged = "disk" in _hotplug(config) and new.interface.startswith(("scsi", "virtio"))
        return [Difference(new.interface, "none", f"{spec.size_gb} GB on {storage}", not plugged)]
    if disk is not None and spec.from_option:
        return [Difference(disk.interface, str(disk.volume), "deleted, with all snapshots of the VM", True)]
    return []


def _network(ctx: Context, config: Any) -> list[Difference]:
    """The card. Another model or MAC address is another device; everything else the host changes."""
    before = config.net_or_new(0)
    after = network.wanted_card(ctx, before)
    if str(after) == config.text("net0"):
        return []
    other = (before.model, before.mac) != (after.model, after.mac) or not config.text("net0")
    return [Difference("net0", config.text("net0"), str(after), other)]


def _addresses(ctx: Context, config: Any, kept: Sequence[Address]) -> list[Difference]:
    """The guest reads its addresses at boot."""
    changes, gone = cloudinit.address_changes(ctx, config, kept)
    return [
        *(Difference(key, config.text(key), str(value), True) for key, value in changes.items()),
        *(Difference(key, config.text(key), "none", True) for key in gone),
    ]


def _left_pending(ctx: Context) -> list[Difference]:
    """What somebody has changed already and waits for a restart."""
    waiting = ctx.hypervisor.pending(node_of(ctx), reserved_vmid(ctx))
    return [
        Difference(f"{key} (pending)", "", "removed" if value is None else value, True)
        for key, value in waiting.items()
    ]


def _hotplug(config: Any) -> set[str]:
    text = config.text("hotplug", "1")
    return set((DEFAULT_HOTPLUG if text == "1" else text).split(","))
