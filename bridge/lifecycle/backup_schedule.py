"""The task scheduleBackup: finds the VMs whose scheduled backup is due, and has it made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from bridge.action_log import read
from bridge.clock import SystemClock
from bridge.database import retry_lost_connection
from bridge.lifecycle import week as weeks
from bridge.lifecycle.client_backups import new_backup
from bridge.lifecycle.errands import Errands
from bridge.lifecycle.week import Week, WhyNot
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.product_settings import effective_package
from bridge.tasks import Result, Watch
from statemachines import states
from statemachines.commands import SCHEDULED_BACKUP
from statemachines.run import FAILED

BATCH = 500  # services that are read at a time
AGAIN = 3600.0  # seconds until a scheduled backup that failed is tried again on the same day


@dataclass(frozen=True)
class ScheduledBackups:
    """Implements `bridge.tasks.Duty`. What is recorded here is carried out, and told, by the VMs that the task drives."""

    errands: Errands
    clock: SystemClock

    def work(self, watch: Watch) -> Result:
        """One line for each VM that has today in its schedule and gets no backup now; none for the others."""
        result = Result()
        now = self.clock.local(self.clock.now())
        for row in _scheduled():
            watch.alive()
            self._consider(row, now, result, watch)
        return result

    def _consider(self, row: VmInfo, now: datetime, result: Result, watch: Watch) -> None:
        week, done = Week.read(row.vm_backup_schedule), _last_done(row.service_id)
        day = weeks.due(week, now, done)
        if day is None:
            why = weeks.why_not(week, now, done)
            if why is WhyNot.DONE:
                result.skipped(row.service_id, f"{why}, last:{done}")
            elif why is WhyNot.NOT_YET:
                result.skipped(row.service_id, f"{why}, at:{week.at(now.date()):%H:%M}")
            return
        obstacle = _obstacle(row) or self._failed_lately(row)
        obstacle = obstacle or self.errands.give(row.service_id, SCHEDULED_BACKUP, self._facts(day), watch)
        if obstacle:
            result.skipped(row.service_id, obstacle)

    def _facts(self, day: date) -> dict[str, object]:
        return new_backup(day.isoformat(), "", self.clock.now())

    def _failed_lately(self, row: VmInfo) -> str:
        """Whether the same backup was tried and failed less than AGAIN ago: what failed then would mostly fail now."""
        since = self.clock.stamp(self.clock.now() - AGAIN)
        for run in read(row.vm_last_action_log).get("runs", []):
            if isinstance(run, dict) and (run.get("action"), run.get("result")) == (SCHEDULED_BACKUP, FAILED):
                return f"failed, next try an hour after {run['finished']}" if str(run.get("finished")) > since else ""
        return ""


@retry_lost_connection
def _batch(after: int) -> list[VmInfo]:
    scheduled = VmInfo.vm_backup_schedule.is_null(False) & VmInfo.vm_backup_schedule.not_in(["", "{}", "[]"])
    rows = VmInfo.select(VmInfo.service_id, VmInfo.vm_backup_schedule, VmInfo.vm_last_action_log).where(
        (VmInfo.service_id > after) & scheduled & (VmInfo.vm_status == states.READY)
    )
    return list(rows.order_by(VmInfo.service_id).limit(BATCH))


def _scheduled() -> Iterator[VmInfo]:
    """The records of ready VMs with a schedule, by service ID."""
    last = 0
    while batch := _batch(last):
        yield from batch
        last = int(batch[-1].service_id)


@retry_lost_connection
def _last_done(service_id: int) -> date | None:
    work = VmWork.select(VmWork.backup_day).where(VmWork.service_id == service_id).get_or_none()
    try:
        return date.fromisoformat((work.backup_day if work else None) or "")
    except ValueError:
        return None


@retry_lost_connection
def _obstacle(row: VmInfo) -> str:
    """Why the service gets no backup, as far as WHMCS knows; empty when it does."""
    service = Service.select(Service.domainstatus).where(Service.id == row.service_id).get_or_none()
    if service is None or service.domainstatus != "Active":
        return f"the service is {(service.domainstatus if service else '') or 'unknown'}"
    return "" if effective_package(row.service_id)[0].backups else "the package has no backups"
