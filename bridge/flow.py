"""The scheduler's flow of work: VMs of all cron tasks together, for as long as any is due.

What a task drives is told between that task's two lines: `Running` when its first VM is taken, `Done` when the flow ends.
"""

from collections.abc import Callable

from bridge.claims import Claims
from bridge.clock import SystemClock
from bridge.console import Console, Emit
from bridge.cron_output import CronOutput
from bridge.settings import Settings
from bridge.task_book import TaskBook
from bridge.tasks import PROCESS, TASKS, Result
from bridge.worker import Tally, Worker


class Flow:
    """One flow; an object per use."""

    def __init__(self, claims: Claims, worker: Worker, settings: Settings, clock: SystemClock, book: TaskBook) -> None:
        self._claims = claims
        self._worker = worker
        self._settings = settings
        self._clock = clock
        self._book = book
        self._began: dict[str, float] = {}

    def run(self, emit: Emit, accepting: Callable[[], bool]) -> None:
        """Work while VMs are due. Prints nothing when another scheduler was quicker and there is nothing left to take."""
        ahead = self._claims.take_with_tasks(self._worker.batch)
        if not ahead:
            return
        console = Console(emit)
        output = CronOutput(console, self._clock)
        began = output.start()

        def take(limit: int) -> list[int]:
            taken = ahead or self._claims.take_with_tasks(limit)
            services = [service_id for service_id, _ in taken]
            for task in dict.fromkeys(task for _, task in taken):
                self._tell_begun(task, console)
            ahead.clear()
            return services

        tally = self._worker.work(console, take, accepting, patient=True)
        self._tell_done(output, tally)
        output.end(began)

    def _tell_begun(self, task: str, console: Console) -> None:
        """The task's first line, in its turn among the blocks of VMs."""
        if task in self._began:
            return
        last = self._book.touch(task) if task == PROCESS.name else self._settings.cron_last_run(task)
        block = console.block()
        held = CronOutput(Console(block.line), self._clock)
        self._began[task] = held.running(task, self._settings.cron_interval(task), last)
        block.close()

    def _tell_done(self, output: CronOutput, tally: Tally) -> None:
        for name in [task.name for task in TASKS if task.name in self._began]:
            result = Result()
            tally.add_to(result, name)
            output.done(name, self._began[name], result)
            self._book.note(name, result)
