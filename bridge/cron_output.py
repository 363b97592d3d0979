"""The frame around a cron run: its first and last line, and the lines around each task."""

from bridge.console import Console
from bridge.tasks import Result
from statemachines.ports import Clock


def seconds(value: float) -> str:
    """A task's duration: one decimal, no trailing zero: 57.5, 0, 0.1."""
    return f"{round(value, 1):g}"


class CronOutput:
    """Prints the frame; each line is stamped with the local time."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock

    def start(self) -> float:
        """The run begins; returns when, for `end`."""
        self._line(" PUQ Proxmox KVM Cron Start")
        return self._clock.now()

    def end(self, began: float) -> None:
        """The run is over."""
        self._line(f" PUQ Proxmox KVM Cron End ({seconds(self._clock.now() - began)}s total)")

    def running(self, task: str, interval: int, last: float | None) -> float:
        """A task begins; `interval` minutes, `last` when it was begun before. Returns when, for `done`."""
        self._line(f" [{task}] Running (interval: {interval}m, last: {self._time_of_day(last)})")
        return self._clock.now()

    def done(self, task: str, began: float, result: Result, at_most: int | None = None) -> None:
        """A task is over: its counts, and one line for each service; `at_most` so many lines of those without an error."""
        took = seconds(self._clock.now() - began)
        self._line(f" [{task}] Done ({took}s) — processed: {result.processed}, errors: {result.errors}")
        left = len(result.details) if at_most is None else at_most
        hidden = 0
        for detail in result.details:
            if detail.text.startswith("[error]") or left > 0:
                self._line(f"   sid:{detail.service_id} {detail.text}")
                left -= 1
            else:
                hidden += 1
        if hidden:
            self._line(f"   and {hidden} more")

    def skipped(self, task: str, interval: int, last: float) -> None:
        """The task's interval is not over yet."""
        self._line(f" [{task}] Skipped (interval: {interval}m, last: {self._time_of_day(last)})")

    def locked(self, task: str, pid: str, held: float) -> None:
        """Another run has the task, for `held` seconds."""
        self._line(f" [{task}] Locked (pid {pid}, {held:.0f}s) — skipped")

    def disabled(self, task: str) -> None:
        """The task's interval is 0."""
        self._line(f" [{task}] Disabled (interval: 0m)")

    def failed(self, task: str, message: str) -> None:
        """The task itself could not be done."""
        self._line(f" [{task}] Error: {message}")

    def _time_of_day(self, epoch: float | None) -> str:
        return "never" if epoch is None else self._clock.stamp(epoch)[11:]

    def _line(self, text: str) -> None:
        self._console.line(self._clock.stamp(self._clock.now()) + text)
