"""The cron tasks as a table. Names as on the settings page and in the output; aliases as on the Scheduled Tasks page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One task: identifier, label, command-line alias, default interval in minutes."""

    name: str
    label: str
    alias: str
    default_interval: int


PROCESS = Task("processVirtualMachines", "Process Virtual Machines", "process_vms", 1)

TASKS: tuple[Task, ...] = (PROCESS,)


def find(name: str) -> Task | None:
    """The task of this identifier or alias."""
    return next((task for task in TASKS if name in (task.name, task.alias)), None)
