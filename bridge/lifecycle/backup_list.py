"""The backups of a service as they are now: looked at without a lease."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.action_log import read
from bridge.database import retry_lost_connection
from bridge.lifecycle.sight import look
from bridge.models.module import VmInfo
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from bridge.vm_state import state_of
from statemachines import backups, states
from statemachines.errors import NeedsAttention
from statemachines.restore_backup import RESTORE_BACKUP
from statemachines.run import FAILED
from statemachines.steps import backup


@dataclass(frozen=True)
class Listed:
    """One backup. `id` names it to the client, who learns neither storage nor VMID; `made` epoch seconds, `size` bytes.

    `own` False = somebody else made it: it does not count, and is not the client's to remove. `removable` False of an own one
    = it is protected in Proxmox.
    """

    id: str
    volid: str
    made: int
    size: int
    text: str
    own: bool
    removable: bool


@dataclass(frozen=True)
class Shelf:
    """All backups that the service may know of, the newest first; `lock` is what holds the VM in Proxmox, if anything."""

    backups: tuple[Listed, ...]
    quota: int
    lock: str

    @property
    def count(self) -> int:
        """How many count against the quota."""
        return sum(each.own for each in self.backups)

    def find(self, id: str) -> Listed | None:
        """The backup that the client calls so, None when the service has none of that name."""
        return next((each for each in self.backups if each.id == id), None)


@dataclass(frozen=True)
class BackupList:
    """Looks at backups."""

    shop: Callable[[], Shop]

    def look(self, service_id: int) -> Shelf:
        """The service's backups, seen to be those of its own VM. Raises NeedsAttention, and what the cluster raises.

        After a restore that failed there may be no VM any more; its backups are there all the same.
        """
        found = load(service_id)
        if found is None:
            raise NeedsAttention(f"service {service_id} has no VM")
        ctx = VmContext(*found, self.shop())
        lock = _gone(ctx) if restore_failed(service_id) and not ctx.vm.unmarked else look(ctx).lock
        present = backup.existing(ctx, backup.storage_of(ctx))
        own = {each.volid for each in backups.own(present, ctx.vm, ctx.mark)}
        removable = {each.volid for each in backups.removable(present, ctx.vm, ctx.mark)}
        rows = [_listed(each, each.volid in own, each.volid in removable) for each in reversed(present)]
        _keep_count(service_id, len(own))
        return Shelf(tuple(rows), ctx.package.backups, lock)


@retry_lost_connection
def restore_failed(service_id: int) -> bool:
    """Whether the last thing done to the VM is a restore that failed: then it may be tried again, or the VM reinstalled."""
    if state_of(service_id) != states.READY:
        return False
    log = read(VmInfo.get_by_id(service_id).vm_last_action_log)
    return (log.get("action"), log.get("result")) == (RESTORE_BACKUP.action, FAILED)


def _gone(ctx: VmContext) -> str:
    """The lock of the VM whose restore failed, if there still is one. Raises NeedsAttention as `look` does, if there is."""
    vm = ctx.vm
    if (
        vm.node
        and vm.vm_id
        and ctx.hypervisor.config(vm.node, vm.vm_id) is None
        and not ctx.hypervisor.locate(vm.vm_id)
    ):
        return ""
    return look(ctx).lock


def _listed(each: Any, own: bool, removable: bool) -> Listed:
    name = hashlib.sha256(each.volid.encode()).hexdigest()[:16]
    return Listed(name, each.volid, each.made, each.size, each.note.text, own, removable)


@retry_lost_connection
def _keep_count(service_id: int, count: int) -> None:
    """Somebody may have removed backups at Proxmox: the documented counter follows what was seen."""
    differs = VmInfo.vm_backups.is_null() | (VmInfo.vm_backups != count)
    VmInfo.update(vm_backups=count).where((VmInfo.service_id == service_id) & differs).execute()
