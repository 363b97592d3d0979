"""What the package and the storages say about a VM's snapshots: whether one can be taken, and which ones have to go.

Only looks; the steps and whoever tells clients beforehand ask here.
"""

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

from statemachines.context import Context
from statemachines.steps.look import node_of, reserved_vmid
from statemachines.steps.optional import optional

MIB = 1 << 20
_SCHEDULED_NAME = re.compile(r"auto\d{8}-\d{6}(-\d+)?")


class Obstacle(StrEnum):
    """Why no snapshot can be taken; the texts are for staff."""

    FULL = "the limit is reached"
    NOT_SUPPORTED = "a disk lies on a storage without snapshots"
    NO_ROOM = "there is too little room for the memory"


def obstacle(ctx: Context, config: Any, count: int, with_ram: bool) -> Obstacle | None:
    """Why no snapshot can be taken of the VM as it is, when it has `count` of them; None when nothing is in the way."""
    if count >= ctx.package.snapshots:
        return Obstacle.FULL
    if not supported(ctx):
        return Obstacle.NOT_SUPPORTED
    return Obstacle.NO_ROOM if with_ram and not _has_room(ctx, config) else None


def supported(ctx: Context) -> bool:
    """Whether all disks lie on storages that can take snapshots; taken for granted when the token may not ask."""
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    return optional(ctx, "snapshot_feature", lambda: ctx.hypervisor.has_feature(node, vmid, "snapshot"), default=True)


def expired(present: Sequence[Any], lifetime: int, now: float) -> list[Any]:
    """Those that have lived for `lifetime` seconds, the oldest first; 0 = they live for ever. A half-made one never expires."""
    return [found for found in present if lifetime and found.complete and found.time + lifetime <= now]


def is_scheduled(ctx: Context, snapshot: Any) -> bool:
    """Whether it is one of our weekly schedule, taken for this very service."""
    marked = ctx.mark.description in snapshot.description.splitlines()
    return marked and bool(_SCHEDULED_NAME.fullmatch(snapshot.name))


def in_the_way(ctx: Context, present: Sequence[Any]) -> list[str]:
    """The oldest scheduled snapshots, as many as must go before a new one has its place."""
    surplus = len(present) - ctx.package.snapshots + 1
    return [found.name for found in present if is_scheduled(ctx, found)][: max(0, surplus)]


def _has_room(ctx: Context, config: Any) -> bool:
    """Whether the storage that takes the memory has room for it; taken for granted when the token may not look."""
    node = node_of(ctx)
    storages: list[Any] = optional(ctx, "state_storage", lambda: ctx.hypervisor.storages(node), default=[])
    name = _state_storage(config, {storage.name for storage in storages if storage.shared})
    room = next((storage.avail for storage in storages if storage.name == name), None)
    return room is None or room >= (2 * config.memory + 500) * MIB  # what PVE::QemuConfig allocates


def _state_storage(config: Any, shared: Collection[str]) -> str:
    """The storage that Proxmox chooses for the memory (PVE::QemuServer, find_vmstate_storage): a shared one before a local one."""
    named = str(config.text("vmstatestorage"))
    used = [str(disk.storage) for disk in config.disks()]
    return named or next((name for name in used if name in shared), used[0] if used else "local")
