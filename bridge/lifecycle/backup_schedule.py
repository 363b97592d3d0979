"""The task scheduleBackup: finds the VMs whose scheduled backup is due, and has it made."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN

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
from bridge.tasks import SCHEDULE, Result, Watch
from statemachines import states
from statemachines.commands import SCHEDULED_BACKUP
from statemachines.run import FAILED

AGAIN = 3600.0  # seconds until a scheduled backup that failed is tried again on the same day
IN_HAND = 4  # VMs of one node that have theirs at work at the same time: the node makes one after the other


Places = Counter[tuple[int | None, str | None]]  # VMs by server and node


@dataclass(frozen=True)
class Scheduled:
    """A ready VM with a schedule. `done` is the last date whose backup was made, `place` its server and node."""

    service_id: int
    week: Week
    done: date | None
    place: tuple[int | None, str | None]


@dataclass(frozen=True)
class ScheduledBackups:
    """Implements `bridge.tasks.Duty`. What is recorded here is carried out, and told, by the VMs that the task drives."""

    errands: Errands
    clock: SystemClock

    def work(self, watch: Watch) -> Result:
        """One line for each VM that has today in its schedule and gets no backup now; none for the others."""
        result, at_work = Result(), _at_work()
        now = self.clock.local(self.clock.now())
        for vm in _scheduled():
            watch.alive()
            day = weeks.due(vm.week, now, vm.done)
            if day is None:
                _tell_why(vm, now, result)
            elif obstacle := self._begin(vm, day, at_work, watch, result):
                result.skipped(vm.service_id, obstacle)
        return result

    def _begin(self, vm: Scheduled, day: date, at_work: Places, watch: Watch, result: Result) -> str:
        """Have the backup made; empty when that is so, else why not now."""
        if obstacle := _obstacle(vm.service_id) or self._failed_lately(vm.service_id):
            return obstacle
        if at_work[vm.place] >= IN_HAND:
            result.more = True
            return f"waits for others on node {vm.place[1]}"
        facts = new_backup(day.isoformat(), "", self.clock.now())
        refused = self.errands.give(vm.service_id, SCHEDULED_BACKUP, facts, watch)
        at_work[vm.place] += not refused
        result.more |= bool(refused)
        return refused

    @retry_lost_connection
    def _failed_lately(self, service_id: int) -> str:
        """Whether the same backup was tried and failed less than AGAIN ago: what failed then would mostly fail now."""
        since = self.clock.stamp(self.clock.now() - AGAIN)
        for run in read(VmInfo.get_by_id(service_id).vm_last_action_log).get("runs", []):
            if isinstance(run, dict) and (run.get("action"), run.get("result")) == (SCHEDULED_BACKUP, FAILED):
                return f"failed, next try an hour after {run['finished']}" if str(run.get("finished")) > since else ""
        return ""


def _tell_why(vm: Scheduled, now: datetime, result: Result) -> None:
    why = weeks.why_not(vm.week, now, vm.done)
    if why is WhyNot.DONE:
        result.skipped(vm.service_id, f"{why}, last:{vm.done}")
    elif why is WhyNot.NOT_YET:
        result.skipped(vm.service_id, f"{why}, at:{vm.week.at(now.date()):%H:%M}")


@retry_lost_connection
def _scheduled() -> list[Scheduled]:
    """The ready VMs with a schedule, by service ID.

    Only the index on the schedules may lead into the table: by `vm_status` a database finds every idle service.
    """
    columns = (VmInfo.service_id, VmInfo.vm_status, VmInfo.vm_backup_schedule)
    rows: Any = (
        VmInfo.select(*columns, VmWork.backup_day, VmWork.server_id, VmWork.node)
        .join(VmWork, JOIN.LEFT_OUTER, on=(VmWork.service_id == VmInfo.service_id))
        .where(VmInfo.vm_backup_schedule > "")
        .tuples()
    )
    return [
        Scheduled(service, Week.read(text), _date(day), (server, node))
        for service, status, text, day, server, node in sorted(rows, key=lambda row: int(row[0]))
        if status == states.READY
    ]


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@retry_lost_connection
def _at_work() -> Places:
    """How many scheduled backups are at work, by server and node."""
    rows: Any = (
        VmWork.select(VmWork.server_id, VmWork.node)
        .where((VmWork.due_at > 0) & (VmWork.queue == SCHEDULE.name))
        .tuples()
    )
    return Counter(rows)


@retry_lost_connection
def _obstacle(service_id: int) -> str:
    """Why the service gets no backup, as far as WHMCS knows; empty when it does."""
    service = Service.select(Service.domainstatus).where(Service.id == service_id).get_or_none()
    if service is None or service.domainstatus != "Active":
        return f"the service is {(service.domainstatus if service else '') or 'unknown'}"
    return "" if effective_package(service_id)[0].backups else "the package has no backups"
