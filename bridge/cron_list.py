"""What `--list` prints: one line per task, the values of the Cron settings page."""

from bridge.clock import SystemClock
from bridge.settings import Settings
from bridge.task_book import TaskBook
from bridge.tasks import TASKS, Task


def task_list(settings: Settings, book: TaskBook, clock: SystemClock) -> list[str]:
    """The lines, headline included."""
    return ["PUQ Proxmox KVM - Tasks", "", *(_line(task, settings, book, clock) for task in TASKS)]


def _line(task: Task, settings: Settings, book: TaskBook, clock: SystemClock) -> str:
    interval, last = settings.cron_interval(task.name), settings.cron_last_run(task.name)
    badge = "LOCKED" if book.is_held(task.name) else "ACTIVE" if interval else "DISABLED"
    when = "never" if last is None else clock.stamp(last)
    return f"  {task.name:<24} interval: {f'{interval}m':<5} last: {when:<21} {badge}"
