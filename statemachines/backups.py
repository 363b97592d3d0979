"""Which backups of a VM are the service's own, and which of them go when there is no room for another one. Pure.

A backup that we made carries our mark. The old module's carry none: what lies on the storage of a VM that it made, and was
there before the VM became ours, counts as made by it, as it did then. Everything else was made by somebody else: a job of the
cluster, an admin. It may be restored, and nothing more.
"""

from collections.abc import Callable, Sequence
from typing import Any

from statemachines.context import Mark
from statemachines.ports import Vm


def listed(backups: Sequence[Any], mark: Mark) -> list[Any]:
    """Those that the service may know of: all but the ones that carry the mark of another service or installation."""
    return [backup for backup in backups if backup.note.mark is None or mark.made(backup.note)]


def own(backups: Sequence[Any], vm: Vm, mark: Mark) -> list[Any]:
    """Those that count: made for this service, by us or by the old module. In the order given."""
    return [backup for backup in backups if mark.made(backup.note) or _by_old_module(backup, vm)]


def removable(backups: Sequence[Any], vm: Vm, mark: Mark) -> list[Any]:
    """Those of `own` that nobody has protected in Proxmox."""
    return [backup for backup in own(backups, vm, mark) if not backup.protected]


def surplus(backups: Sequence[Any], vm: Vm, mark: Mark, quota: int) -> list[Any] | None:
    """What has to go, the oldest first, so that one more backup fits into `quota`; `backups` are the oldest first.

    None = it cannot be made to fit: there is no quota, or too many are protected.
    """
    excess = len(own(backups, vm, mark)) + 1 - quota
    if excess <= 0:
        return []
    doomed = removable(backups, vm, mark)[:excess]
    return doomed if quota > 0 and len(doomed) == excess else None


def of_day(backups: Sequence[Any], vm: Vm, mark: Mark, day: str, date_of: Callable[[float], str]) -> Any | None:
    """The scheduled backup of a date (`YYYY-MM-DD`), None when there is none.

    `date_of` tells the local date of epoch seconds: the old module did not write down what a backup was for, so each one that
    it made on that date is the one.
    """
    for backup in own(backups, vm, mark):
        if (backup.note.purpose if backup.note.mark else date_of(backup.made)) == day:
            return backup
    return None


def by_id(backups: Sequence[Any], mark: Mark, id: str) -> Any | None:
    """The backup that we made under this id, None when there is none."""
    return next((backup for backup in backups if mark.made(backup.note) and backup.note.id == id), None)


def _by_old_module(backup: Any, vm: Vm) -> bool:
    """Whether the old module may have made it. A job of the cluster leaves the VM's name as note, by its default template."""
    if backup.note.mark is not None or not vm.inherited:
        return False
    before = vm.unmarked or (vm.adopted_at is not None and backup.made < vm.adopted_at)
    return before and backup.note.text != vm.name
