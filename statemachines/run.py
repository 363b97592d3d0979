"""One run of a pipeline on one VM: its log, and the lines it prints."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

SUCCESS = "success"
WAITING = "waiting"
FAILED = "error"


class Board(Protocol):
    """Where a run writes; lines of one run stay together."""

    def line(self, text: str) -> None:
        """Print one line at once (or hold it until this run's turn to print comes)."""
        ...


@dataclass(frozen=True)
class StepRecord:
    """What is kept of one executed step. `time` is local, `duration` seconds."""

    number: int
    label: str
    result: str
    before: str
    after: str
    time: str
    duration: float

    @property
    def failed(self) -> bool:
        """Whether the step did not reach its state."""
        return self.result != SUCCESS

    def as_line(self) -> str:
        """The console line; widths count characters."""
        marker = "!" if self.failed else "+"
        return (
            f"  [{marker}] {self.number:2d}. {self.label:<35} {self.result} "
            f"({self.before} -> {self.after}) [{self.duration:.2f}s]"
        )

    def as_json(self) -> dict[str, Any]:
        """The form kept in `vm_last_action_log`."""
        return {
            "n": self.number,
            "step": self.label,
            "result": self.result,
            "from": self.before,
            "to": self.after,
            "time": self.time,
            "duration": round(self.duration, 2),
        }


@dataclass
class RunLog:
    """The log of one run, kept with every change of state. `id` tells it from every other run; times are local stamps."""

    id: str
    action: str
    started: str
    before: str
    steps: list[StepRecord] = field(default_factory=list)
    result: str = WAITING
    error: str = ""
    finished: str = ""
    after: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The form kept in `vm_last_action_log`; absent parts are left out."""
        log: dict[str, Any] = {
            "id": self.id,
            "action": self.action,
            "result": self.result,
            "started": self.started,
            "finished": self.finished,
            "from": self.before,
            "to": self.after or self.before,
            "error": self.error,
            "steps": [step.as_json() for step in self.steps],
        }
        if self.error:
            log["last_error_action"] = self.action
            log["last_error_message"] = self.error
        return log | self.facts


@dataclass(frozen=True)
class Report:
    """How a run ended, for the summary below `Done`.

    `text` is what follows `action:<action> `, `summary` the same in a few words for the tasks that name no action; `task` is the
    cron task that the run belongs to. `resting` True = it goes on by itself, and counts neither as done nor as failed;
    `skipped` True = there was nothing to do, `summary` says why.
    """

    service_id: int
    action: str
    ok: bool
    text: str
    summary: str = ""
    task: str = ""
    resting: bool = False
    skipped: bool = False


class Stopwatch:
    """Seconds since the current step began in this run; time spent in our own queues does not count as patience."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.began = now()
        self._queued = 0.0
        self._queued_since: float | None = None

    def restart(self) -> None:
        """A new step begins."""
        self.began = self._now()
        self._queued = 0.0
        self._queued_since = None

    def queue(self) -> None:
        """From now on our own limit holds the VM back."""
        if self._queued_since is None:
            self._queued_since = self._now()

    def unqueue(self) -> None:
        """The limit let it through."""
        if self._queued_since is not None:
            self._queued += self._now() - self._queued_since
            self._queued_since = None

    @property
    def elapsed(self) -> float:
        """Seconds since the step began, queueing included."""
        return self._now() - self.began

    @property
    def waited(self) -> float:
        """Seconds that count against the step's patience."""
        return self.elapsed - self._queued
