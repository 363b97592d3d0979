"""Backup tasks that nobody of ours waits for: those that the old module had started when its work became ours.

They are known by the documented columns: a UPID in one of them without any work recorded for the VM. A backup is looked after
until it ends; after a restore the VM becomes what the client has bought, as after one of ours.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from peewee import Field

from bridge.database import retry_lost_connection
from bridge.lifecycle.backup_list import BackupList
from bridge.lifecycle.requests import SUCCESS, Requests
from bridge.lifecycle.rules import Operation
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.runs import load
from bridge.tasks import Result, Watch
from bridge.vm_context import Shop, VmContext
from providers.proxmox.upid import Upid
from statemachines import states
from statemachines.errors import Kind, kind_of


@dataclass(frozen=True)
class LeftBackups:
    """The duty of nowBackupStatus. Implements `bridge.tasks.Duty`."""

    shop: Callable[[], Shop]
    shelves: BackupList

    def work(self, watch: Watch) -> Result:
        """Forget tasks that have ended, and count the backups anew."""
        result = Result()
        for service_id, upid in _tasks(VmInfo.vm_backup_now_utid, watch, result):
            try:
                self._look(service_id, upid, result)
            except Exception as error:
                if kind_of(error) is Kind.BUG:
                    raise
                result.error(service_id, str(error))
        return result

    def _look(self, service_id: int, upid: str, result: Result) -> None:
        found = load(service_id)
        if found is None:
            return
        task = VmContext(*found, self.shop()).hypervisor.task(upid)
        if task.running:
            result.skipped(service_id, "backup is still running")
            return
        count = self.shelves.look(service_id).count
        _forget(VmInfo.vm_backup_now_utid, service_id, upid)
        if task.ok:
            result.success(service_id, f"backup made, {count} in all")
        else:
            result.error(service_id, f"backup failed: {task.exitstatus or 'nobody knows how its task ended'}")


@dataclass(frozen=True)
class LeftRestores:
    """The duty of restoreBackupStatus. Implements `bridge.tasks.Duty`."""

    requests: Requests

    def work(self, watch: Watch) -> Result:
        """Have the restore followed by our own pipeline, which waits for the task."""
        result = Result()
        for service_id, upid in _tasks(VmInfo.vm_backup_restore_utid, watch, result):
            answer = self.requests.ask(service_id, Operation.RESTORE_BACKUP, task=upid)
            if answer != SUCCESS:
                result.skipped(service_id, answer)
        return result


def _tasks(column: Field, watch: Watch, result: Result) -> Iterator[tuple[int, str]]:
    """Those in `column` that nobody of ours waits for; what is no UPID is forgotten, and told."""
    for service_id, upid in _left(column):
        watch.alive()
        if _is_task(upid):
            yield service_id, upid
        else:
            _forget(column, service_id, upid)
            result.error(service_id, f"there is no task {upid!r}")


@retry_lost_connection
def _left(column: Field) -> list[tuple[int, str]]:
    """Services whose record shows a task in `column`, while nothing of ours is at work on the VM.

    Only the index on `column` may lead into the table: by `vm_status` a database finds every idle service.
    """
    rows = VmInfo.select(VmInfo.service_id, column, VmInfo.vm_status).where(column > "").tuples()
    found = cast(Iterable[tuple[int, str, str | None]], rows)
    shown = {service: upid for service, upid, status in found if status == states.READY}
    at_work = VmWork.intent.is_null(False) | VmWork.job_state.is_null(False)
    ours = VmWork.select(VmWork.service_id).where(VmWork.service_id.in_(list(shown)) & at_work)
    busy = {row.service_id for row in ours} if shown else set()
    return sorted((service, upid) for service, upid in shown.items() if service not in busy)


@retry_lost_connection
def _forget(column: Field, service_id: int, upid: str) -> None:
    """Empty the column, if it still shows that task."""
    VmInfo.update({column: None}).where((VmInfo.service_id == service_id) & (column == upid)).execute()


def _is_task(upid: str) -> bool:
    try:
        Upid.parse(upid)
    except ValueError:
        return False
    return True
