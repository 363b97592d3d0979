"""The cron tasks as a table, and what a task is to whoever runs it.

Names as on the settings page and in the output; aliases as on the Scheduled Tasks page [C-02, C-03].
"""

from dataclasses import dataclass, field
from typing import Protocol

from bridge.settings import CRON_INTERVALS


@dataclass(frozen=True)
class Task:
    """One task: identifier, label, command-line alias."""

    name: str
    label: str
    alias: str

    @property
    def default_interval(self) -> int:
        """Minutes between two runs while nobody has set anything else."""
        return CRON_INTERVALS[self.name]


PROCESS = Task("processVirtualMachines", "Process Virtual Machines", "process_vms")
SNAPSHOTS = Task("removeOldSnapshots", "Remove Old Snapshots", "remove_snapshots")
RESTORES = Task("restoreBackupStatus", "Restore Backup Status", "restore_backup")
BACKUPS = Task("nowBackupStatus", "Now Backup Status", "backup_status")
SCHEDULE = Task("scheduleBackup", "Schedule Backup", "schedule_backup")
STATISTICS = Task("collectingStatistics", "Collecting Statistics", "collect_statistics")

TASKS: tuple[Task, ...] = (PROCESS, SNAPSHOTS, RESTORES, BACKUPS, SCHEDULE, STATISTICS)


def find(name: str) -> Task | None:
    """The task of this identifier or alias."""
    return next((task for task in TASKS if name in (task.name, task.alias)), None)


@dataclass(frozen=True)
class Detail:
    """What a task did with one service, for the line below its summary; `text` is all that follows `sid:<id> `."""

    service_id: int
    text: str


@dataclass
class Result:
    """What one run of a task came to: `processed` services were worked on, `errors` of them ended with one.

    `more` True = some services have to wait, for others or for what is at work on them: the task is to come by again soon, whatever its interval.
    """

    processed: int = 0
    errors: int = 0
    details: list[Detail] = field(default_factory=list)
    more: bool = False

    def success(self, service_id: int, text: str) -> None:
        """The task did what it is for."""
        self.processed += 1
        self.details.append(Detail(service_id, f"[success] {text}"))

    def skipped(self, service_id: int, text: str) -> None:
        """There was nothing to do for the service; it does not count as processed."""
        self.details.append(Detail(service_id, f"[skipped] {text}"))

    def error(self, service_id: int, text: str) -> None:
        """It went wrong; `text` is one line for the admin."""
        self.processed += 1
        self.errors += 1
        self.details.append(Detail(service_id, f"[error] {text}"))


class Watch(Protocol):
    """The lock of a task while it runs, in the hands of whoever does the work.

    A process that was stopped for longer than the lock lasts finds it taken over: `alive` and `prove` raise
    `statemachines.errors.LeaseLost` then, and the work must end without writing anything more.
    """

    def alive(self) -> None:
        """Renew the lock if it is time. To be called between services; cheap."""
        ...

    def prove(self) -> None:
        """Inside a transaction, before its writes: lock the row that says the task is ours until the transaction ends."""
        ...


class Duty(Protocol):
    """What a task does when its time has come."""

    def work(self, watch: Watch) -> Result:
        """One run over all services that it concerns. May run twice. Raises LeaseLost, and what the database raises."""
        ...
