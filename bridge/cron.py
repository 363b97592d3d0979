"""Runs of the cron tasks: what `kvm-bridge cron`, `php cron.php`, WHMCS's hook and the scheduler do when a task's time has come.

A task plans (its duty, under the task's lock) and works (the VMs that it drives, each under its own lease). So two runs never
plan the same, and the VMs are shared by everybody who works.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.claims import Claims
from bridge.clock import SystemClock
from bridge.console import Console, Emit
from bridge.cron_list import task_list
from bridge.cron_output import CronOutput
from bridge.database import DatabaseUnavailable
from bridge.flow import Flow
from bridge.settings import Settings
from bridge.task_book import Begun, Held, NotYet, TaskBook
from bridge.tasks import PROCESS, TASKS, Duty, Result, Task
from bridge.worker import Worker
from statemachines.errors import LeaseLost

log = logging.getLogger(__name__)

Accepting = Callable[[], bool]
Chores = Mapping[str, Callable[[], object]]
Duties = Mapping[str, Duty]
NOTHING: Chores = {}
NO_DUTIES: Duties = {}
TOLD = 50  # lines of one task in the scheduler's output, which nobody may be reading; errors are told in any case


def always() -> bool:
    """Nobody wants the run to stop."""
    return True


@dataclass(frozen=True)
class Wanted:
    """What a run was asked for.

    `tasks` None = all; `force` = whatever the intervals say; `clear_locks` = that, and no task; `listing` = the list of tasks;
    `no_lock` = also when another run has a task.
    """

    tasks: tuple[Task, ...] | None = None
    force: bool = False
    clear_locks: bool = False
    listing: bool = False
    no_lock: bool = False


class Cron:
    """Runs tasks and prints the frame around them. One object per process that does work.

    `duties` are what tasks plan, by task; `before` and `after` are chores by name, done by a tick before and after the VMs;
    they print nothing. The scheduler, which comes by many times a second, does those at a pace of its own.
    """

    def __init__(
        self,
        claims: Claims,
        worker: Worker,
        settings: Settings,
        clock: SystemClock,
        duties: Duties = NO_DUTIES,
        before: Chores = NOTHING,
        after: Chores = NOTHING,
    ) -> None:
        self._claims = claims
        self._worker = worker
        self._settings = settings
        self._clock = clock
        self._duties = duties
        self._before = before
        self._after = after
        self.book = TaskBook(clock, lambda: float(settings.cron_lock_timeout))

    def run(self, wanted: Wanted, emit: Emit, accepting: Accepting = always) -> bool:
        """One run over the tasks; whether all of them could be done. A VM that pauses does not make its task fail, and a
        task that fails does not keep the next ones from being done.

        Every VM that waits for work is taken once, also those whose next try is still ahead.
        """
        if wanted.clear_locks:
            emit(f"stale locks cleared: {self._claims.bury() + self.book.bury()}")
            return True
        if wanted.listing:
            for line in task_list(self._settings, self.book, self._clock):
                emit(line)
            return True
        console = Console(emit)
        output = CronOutput(console, self._clock)
        began = output.start()
        done = [self._run_task(task, wanted, console, output, accepting) for task in wanted.tasks or TASKS]
        output.end(began)
        return all(done)

    def flow(self, emit: Emit, accepting: Accepting) -> None:
        """Work for as long as VMs are due, new orders included; then the frame closes. For the scheduler."""
        Flow(self._claims, self._worker, self._settings, self._clock, self.book).run(emit, accepting)

    def tend(self, task: Task, emit: Emit) -> None:
        """Plan what `task` has to plan, if its interval is over. For the scheduler, whose flow then does the work.

        The frame is printed when there is something to tell: a service that was worked on, or an error.
        """
        interval, duty = self._settings.cron_interval(task.name), self._duties.get(task.name)
        if duty is None or interval == 0 or not self.book.is_due(task.name, interval):
            return
        begun = self.book.begin(task.name, interval)
        if not isinstance(begun, Begun):
            return
        lines: list[str] = []
        output = CronOutput(Console(lines.append), self._clock)
        began = output.start()
        told = Result()

        def plan() -> None:
            nonlocal told
            since = output.running(task.name, interval, begun.last)
            try:
                told = duty.work(begun)
            finally:
                self.book.release(begun)
            output.done(task.name, since, told, at_most=TOLD)
            self.book.note(task.name, told)

        done = self._guarded(task, output, plan)
        output.end(began)
        if told.processed or not done:
            for line in lines:
                emit(line)

    def sweep(self) -> int:
        """Plan work for VMs that nobody planned and free the leases of dead processes; returns how many were planned."""
        self._claims.bury()
        return self._claims.sweep()

    def _run_task(self, task: Task, wanted: Wanted, console: Console, output: CronOutput, accepting: Accepting) -> bool:
        interval = self._settings.cron_interval(task.name)
        explicit = wanted.force or wanted.tasks is not None
        if interval == 0 and not explicit:
            output.disabled(task.name)
            return True

        def take_and_do() -> None:
            begun = self.book.begin(task.name, None if explicit else interval, alone=not wanted.no_lock)
            if isinstance(begun, NotYet):
                output.skipped(task.name, interval, begun.last)
            elif isinstance(begun, Held):
                output.locked(task.name, begun.pid, begun.seconds)
            else:
                self._carry_out(task, begun, interval, console, output, accepting)

        return self._guarded(task, output, take_and_do)

    def _carry_out(
        self, task: Task, begun: Begun, interval: int, console: Console, output: CronOutput, accepting: Accepting
    ) -> None:
        """Plan under the lock, then work on the VMs that the task drives."""
        result, seen = Result(), set[int]()
        try:
            if task is PROCESS:
                self.sweep()
                _do(self._before)
            since = output.running(task.name, interval, begun.last)
            if duty := self._duties.get(task.name):
                result = duty.work(begun)
        finally:
            self.book.release(begun)
        self._worker.work(console, lambda limit: self._take_once(limit, seen, task), accepting).add_to(result)
        if task is PROCESS:
            _do(self._after)
        output.done(task.name, since, result)
        self.book.note(task.name, result)

    def _guarded(self, task: Task, output: CronOutput, work: Callable[[], None]) -> bool:
        """Whether `work` could be done; what broke it off is told in the task's line and keeps nothing else from being done."""
        try:
            work()
        except DatabaseUnavailable as error:
            output.failed(task.name, str(error))
            return False
        except LeaseLost as error:
            output.failed(task.name, str(error))
            return False  # how the task stands is for whoever has it now to say
        except Exception as error:
            log.exception("%s broke off", task.name)
            output.failed(task.name, f"internal error, {type(error).__name__} (traceback in the log of KVM Bridge)")
        else:
            return True
        self.book.note(task.name, Result(), ok=False)
        return False

    def _take_once(self, limit: int, seen: set[int], task: Task) -> list[int]:
        taken = self._claims.take(limit, skip=seen, impatient=True, task=task.name)
        seen.update(taken)
        return taken


def _do(chores: Chores) -> None:
    """A bug in one of them keeps nothing else from being done."""
    for name, do in chores.items():
        try:
            do()
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("%s: the tick goes on without", name)
