"""The frame around a cron run: its first and last line, and the lines around each task."""

from bridge.console import Console
from bridge.worker import Tally
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

    def running(self, task: str, interval: int, last: str) -> float:
        """A task begins; `interval` minutes, `last` time of day or `never`. Returns when, for `done`."""
        self._line(f" [{task}] Running (interval: {interval}m, last: {last})")
        return self._clock.now()

    def done(self, task: str, began: float, tally: Tally) -> None:
        """A task is over: its counts, and one line for each VM."""
        took = seconds(self._clock.now() - began)
        self._line(f" [{task}] Done ({took}s) — processed: {tally.processed}, errors: {tally.errors}")
        for report in tally.reports:
            self._line(f"   sid:{report.service_id} action:{report.action} {report.text}")

    def skipped(self, task: str, interval: int, last: str) -> None:
        """The task's interval is not over yet."""
        self._line(f" [{task}] Skipped (interval: {interval}m, last: {last})")

    def disabled(self, task: str) -> None:
        """The task's interval is 0."""
        self._line(f" [{task}] Disabled (interval: 0m)")

    def failed(self, task: str, message: str) -> None:
        """The task itself could not be done."""
        self._line(f" [{task}] Error: {message}")

    def _line(self, text: str) -> None:
        self._console.line(self._clock.stamp(self._clock.now()) + text)
