"""The cron tasks as a table. Names as on the settings page and in the output; aliases as on the Scheduled Tasks page."""

from dataclasses import dataclass

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

TASKS: tuple[Task, ...] = (PROCESS,)


def find(name: str) -> Task | None:
    """The task of this identifier or alias."""
    return next((task for task in TASKS if name in (task.name, task.alias)), None)
