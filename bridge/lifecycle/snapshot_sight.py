"""Looking at a VM's snapshots without a lease. The number in its record is set right on the way; nothing else is written."""

from dataclasses import dataclass
from typing import Any

from peewee import fn

from bridge.database import retry_lost_connection
from bridge.lifecycle.sight import look
from bridge.models.module import VmInfo
from bridge.vm_context import VmContext
from statemachines.steps.snapshot_rules import Obstacle, obstacle
from statemachines.steps.snapshots import listed


@dataclass(frozen=True)
class SnapshotSight:
    """A VM as it was looked at: its context, configuration and snapshots, whether it runs, and whether Proxmox holds it."""

    ctx: VmContext
    config: Any
    present: list[Any]
    running: bool
    locked: bool

    def obstacle(self, with_ram: bool) -> Obstacle | None:
        """Why no snapshot can be taken of it; None when nothing is in the way. Asks the cluster."""
        return obstacle(self.ctx, self.config, len(self.present), with_ram and self.running)


def look_at(ctx: VmContext) -> SnapshotSight:
    """The VM now. Raises what `sight.look` raises."""
    seen = look(ctx)
    present = listed(ctx)
    set_count(ctx.vm.service_id, ctx.vm.snapshots, len(present))
    return SnapshotSight(ctx, seen.config, present, seen.status.running, bool(seen.lock))


@retry_lost_connection
def set_count(service_id: int, before: int, now: int) -> None:
    """Set the number right that was read before the look; a command that has written its own meanwhile knows better."""
    if before != now:
        as_read = fn.COALESCE(VmInfo.vm_snapshots, 0) == before
        VmInfo.update(vm_snapshots=now).where((VmInfo.service_id == service_id) & as_read).execute()
