"""What clients do with the backups of their VM: list, make, remove, restore, and plan them. `admission` is the gate in front."""

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.clock import SystemClock
from bridge.database import retry_lost_connection
from bridge.lifecycle import admission
from bridge.lifecycle.backup_list import BackupList, Listed, Shelf, restore_failed
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.requests import SUCCESS, Requests, command_in
from bridge.lifecycle.rules import Operation, Situation
from bridge.lifecycle.week import BadWeek, Week
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.web.callers import Actor, Refusal
from statemachines.commands import BACKUP_NOW, REMOVE_BACKUP, SCHEDULED_BACKUP
from statemachines.steps.backup import MANUAL

Facts = dict[str, Any]

ACTION = "backups"  # as `admission` calls it
FULL = "All backups of your package are in use. Remove one first."
UNKNOWN = "This backup does not exist."
NOT_YOURS = "This backup cannot be removed."
UNDER_WAY = {BACKUP_NOW: "backup", SCHEDULED_BACKUP: "backup", REMOVE_BACKUP: "removal"}


@dataclass(frozen=True)
class ClientBackups:
    """Implements `bridge.web.backup_interfaces.Backups`. Every refusal is a `Refusal` with a sentence for the client."""

    direct: Direct
    requests: Requests
    shelves: BackupList
    clock: SystemClock
    entropy: Callable[[], random.Random] = random.SystemRandom

    def show(self, service_id: int, actor: Actor) -> Facts:
        """Everything the page shows. While a restore is under way the backups are not looked at, and none is listed."""
        service = admission.look_in(service_id, actor, ACTION)
        restoring = admission.situation_of(service_id) is Situation.RESTORING
        shelf = Shelf((), admission.quota(service_id, ACTION), "") if restoring else self._shelf(service_id)
        failed = restore_failed(service_id)
        return {
            "quota": shelf.quota,
            "count": _recorded(service_id) if restoring else shelf.count,
            "backups": [self._shown(each) for each in shelf.backups],
            "schedule": _schedule(service_id),
            "under_way": "restore"
            if restoring
            else _under_way(service_id) or ("backup" if shelf.lock == "backup" else ""),
            "busy": admission.hindrance(service) or (admission.BUSY if shelf.lock else ""),
            "restore_failed": failed,
            "may_reinstall": failed and "reinstall" in admission.permitted(service),
        }

    def now(self, service_id: int, actor: Actor, text: str) -> Facts:
        """Back the VM up, with the client's note. It goes on by itself."""
        admission.enter(service_id, actor, ACTION)
        shelf = self._shelf(service_id)
        if shelf.count >= shelf.quota:
            raise Refusal(FULL)
        facts = new_backup(MANUAL, text, self.clock.now())
        return admission.told(service_id, "backup", self.direct.run(service_id, BACKUP_NOW, facts))

    def remove(self, service_id: int, actor: Actor, id: str) -> Facts:
        """Remove a backup for good."""
        admission.enter(service_id, actor, ACTION)
        backup = self._find(self._shelf(service_id), id)
        if not backup.removable:
            raise Refusal(NOT_YOURS)
        answer = self.direct.run(service_id, REMOVE_BACKUP, {"volid": backup.volid, "asked_at": self.clock.now()})
        return admission.told(service_id, "backup removal", answer)

    def restore(self, service_id: int, actor: Actor, id: str) -> Facts:
        """Make the VM what it was. It goes on by itself; what has changed since is lost, and so are all snapshots."""
        admission.enter(service_id, actor, ACTION)
        shelf = self._shelf(service_id)
        backup = self._find(shelf, id)
        if shelf.lock:
            raise admission.refusal(service_id, "restore", admission.BUSY, f"the VM is locked ({shelf.lock})")
        answer = self.requests.ask(service_id, Operation.RESTORE_BACKUP, volid=backup.volid)
        if answer != SUCCESS:
            raise admission.refusal(service_id, "restore", admission.BUSY, answer)
        return {"done": False}

    def save_schedule(self, service_id: int, actor: Actor, days: Mapping[str, str]) -> Facts:
        """Plan backups: the enabled days with their times, an empty time for a random one. The VM may be busy meanwhile."""
        service = admission.look_in(service_id, actor, ACTION)
        if service.domainstatus != "Active":
            raise Refusal(admission.IS_SUSPENDED)
        try:
            week = Week.typed(days, self.entropy())
        except BadWeek as error:
            raise Refusal(f"The schedule was not saved: {error}.") from error
        if not _store_schedule(service_id, week):
            raise Refusal(admission.SOMETHING_WRONG)
        return {"schedule": _schedule(service_id)}

    def _shelf(self, service_id: int) -> Shelf:
        return admission.calmly(service_id, ACTION, lambda: self.shelves.look(service_id))

    @staticmethod
    def _find(shelf: Shelf, id: str) -> Listed:
        found = shelf.find(id)
        if found is None:
            raise Refusal(UNKNOWN)
        return found

    def _shown(self, backup: Listed) -> Facts:
        return {
            "id": backup.id,
            "date": f"{self.clock.local(backup.made):%d-%m-%Y %H:%M:%S}",
            "note": backup.text,
            "size": size_text(backup.size),
            "own": backup.own,
            "removable": backup.removable,
        }


def new_backup(purpose: str, text: str, now: float) -> Facts:
    """The facts of a backup that is to be made: `statemachines.steps.backup` says what they are."""
    return {"id": secrets.token_hex(4), "purpose": purpose, "text": text, "asked_at": now}


def size_text(size: int) -> str:
    """A size as the page has it: `300 GiB`, `1.5 TiB`, `36.2 KiB`."""
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.2f}".rstrip("0").rstrip(".") + f" {unit}"


@retry_lost_connection
def _recorded(service_id: int) -> int:
    """How many backups there were at the last look."""
    return int(VmInfo.get_by_id(service_id).vm_backups or 0)


@retry_lost_connection
def _schedule(service_id: int) -> dict[str, str]:
    row = VmInfo.get_or_none(VmInfo.service_id == service_id)
    week = Week.read(row.vm_backup_schedule if row else None)
    return {str(day): f"{at:%H:%M}" for day, at in sorted(week.times.items())}


@retry_lost_connection
def _store_schedule(service_id: int, week: Week) -> bool:
    """Whether the service has a record that keeps it."""
    mine = VmInfo.service_id == service_id
    VmInfo.update(vm_backup_schedule=week.as_json()).where(mine).execute()
    return VmInfo.select().where(mine).exists()


@retry_lost_connection
def _under_way(service_id: int) -> str:
    """What of this page is at work on the VM, empty when nothing is."""
    work = VmWork.get_or_none(VmWork.service_id == service_id)
    return UNDER_WAY.get(command_in(work.intent), "") if work else ""
