"""A tick: what `kvm-bridge cron`, `php cron.php` and the scheduler run. Takes every VM that waits for work as far as it goes."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bridge.claims import Claims
from bridge.clock import SystemClock
from bridge.console import Console, Emit
from bridge.cron_output import CronOutput
from bridge.database import DatabaseUnavailable
from bridge.settings import Settings
from bridge.tasks import PROCESS, TASKS, Task
from bridge.worker import IN_FLIGHT, Worker

log = logging.getLogger(__name__)

Chores = Mapping[str, Callable[[], object]]
NOTHING: Chores = {}
GRACE = 5.0  # seconds a crontab may be early and still not miss a minute


@dataclass(frozen=True)
class Wanted:
    """What a run was asked for: `tasks` None = all; `force` = whatever the intervals say; `clear_locks` = that, and no task."""

    tasks: tuple[Task, ...] | None = None
    force: bool = False
    clear_locks: bool = False


class Cron:
    """Runs tasks and prints the frame around them. One object per process that does work.

    `before` and `after` are chores by name, done by a tick before and after its work; they print nothing. The scheduler, which
    comes by many times a second, does them at a pace of its own.
    """

    def __init__(
        self,
        claims: Claims,
        worker: Worker,
        settings: Settings,
        clock: SystemClock,
        before: Chores = NOTHING,
        after: Chores = NOTHING,
    ) -> None:
        self._claims = claims
        self._worker = worker
        self._settings = settings
        self._clock = clock
        self._before = before
        self._after = after

    def run(self, wanted: Wanted, emit: Emit, accepting: Callable[[], bool] = lambda: True) -> bool:
        """One run over the tasks; whether all of them could be done. A VM that pauses does not make its task fail, and a
        task that fails does not keep the next ones from being done.

        Every VM that waits for work is taken once, also those whose next try is still ahead.
        """
        if wanted.clear_locks:
            emit(f"stale locks cleared: {self._claims.bury()}")
            return True
        console = Console(emit)
        output = CronOutput(console, self._clock)
        began = output.start()
        done = [self._run_task(task, wanted, console, output, accepting) for task in wanted.tasks or TASKS]
        output.end(began)
        return all(done)

    def flow(self, emit: Emit, accepting: Callable[[], bool]) -> None:
        """Work for as long as VMs are due, new orders included; then the frame closes. For the scheduler.

        Prints nothing when another scheduler was quicker and there is nothing left to take.
        """
        ahead = self._claims.take(IN_FLIGHT)
        if not ahead:
            return
        console = Console(emit)
        output = CronOutput(console, self._clock)
        began = output.start()
        self._process(console, output, lambda limit: _first(ahead) or self._claims.take(limit), accepting)
        output.end(began)

    def sweep(self) -> int:
        """Plan work for VMs that nobody planned and free the leases of dead processes; returns how many were planned."""
        self._claims.bury()
        return self._claims.sweep()

    def _run_task(
        self, task: Task, wanted: Wanted, console: Console, output: CronOutput, accepting: Callable[[], bool]
    ) -> bool:
        interval, last = self._settings.cron_interval(task.name), self._settings.cron_last_run(task.name)
        explicit = wanted.force or wanted.tasks is not None
        if interval == 0 and not explicit:
            output.disabled(task.name)
            return True
        if not explicit and last is not None and self._clock.now() - last < interval * 60 - GRACE:
            output.skipped(task.name, interval, self._time_of_day(last))
            return True
        try:
            self.sweep()
            _do(self._before)
            seen: set[int] = set()
            self._process(console, output, lambda limit: self._take_once(limit, seen), accepting)
            _do(self._after)
        except DatabaseUnavailable as error:
            output.failed(task.name, str(error))
            return False
        except Exception as error:
            log.exception("%s broke off", task.name)
            output.failed(task.name, f"internal error, {type(error).__name__} (traceback in the log of KVM Bridge)")
            return False
        return True

    def _process(
        self,
        console: Console,
        output: CronOutput,
        take: Callable[[int], Iterable[int]],
        accepting: Callable[[], bool],
    ) -> None:
        task, interval = PROCESS, self._settings.cron_interval(PROCESS.name)
        began = output.running(task.name, interval, self._time_of_day(self._settings.cron_last_run(task.name)))
        self._settings.set_cron_last_run(task.name, began)
        tally = self._worker.work(console, take, accepting)
        output.done(task.name, began, tally)

    def _take_once(self, limit: int, seen: set[int]) -> list[int]:
        taken = self._claims.take(limit, skip=seen, impatient=True)
        seen.update(taken)
        return taken

    def _time_of_day(self, epoch: float | None) -> str:
        return "never" if epoch is None else self._clock.stamp(epoch)[11:]


def _do(chores: Chores) -> None:
    """A bug in one of them keeps nothing else from being done."""
    for name, do in chores.items():
        try:
            do()
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("%s: the tick goes on without", name)


def _first(ahead: list[int]) -> list[int]:
    """What was taken ahead, once."""
    taken = list(ahead)
    ahead.clear()
    return taken
