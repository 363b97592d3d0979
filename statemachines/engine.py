"""The engine: walks one VM through one pipeline, step by step, as far as it goes without waiting.

It numbers, times, prints and stores; it knows no step by name, and no database: it writes through the `Store`.
"""

import logging
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from statemachines import errors
from statemachines.context import Context
from statemachines.machine import CARRY_ON, STOP, Plan, Step
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.run import FAILED, SUCCESS, WAITING, Board, Report, RunLog, StepRecord, Stopwatch

log = logging.getLogger(__name__)

FIRST_LOOK = 0.25  # seconds until a waiting VM is looked at again, at first
LONGEST_LOOK = 3.0  # and at the longest
SUMMARY = "summary"  # the fact of a step that says in a few words what was done
GROWTH = 0.15  # a look after 15 % more time: a task is noticed at most that much late


@dataclass(frozen=True)
class Later:
    """The VM waits; give it another turn at `at` (epoch seconds)."""

    at: float


@dataclass(frozen=True)
class Ended:
    """The run is over: the pipeline is complete, or it paused."""

    report: Report


Turn = Later | Ended

DONE, SKIPPED, PAUSED, FAILED_FOR_GOOD = "done", "skipped", "paused", "failed"

StepObserver = Callable[[str, str, float], None]
"""Gets the name of a step, how it ended (one of the four words above), and the seconds since it began; must not raise."""


def nobody(step: str, outcome: str, seconds: float) -> None:
    """Nobody counts steps."""


class Run:
    """One run: `start` prints the header, `turn` is called until it answers Ended, `close` in any case.

    A turn raises what the store raises (LeaseLost, database trouble): then nothing more may be written for this VM.
    """

    def __init__(self, machine: Plan, ctx: Context, board: Board, observe: StepObserver = nobody) -> None:
        self._observe = observe
        self.machine = machine
        self.ctx = ctx
        self.board = board
        self.patient = False  # True = what works in the background is waited for, however long it takes
        self.log = RunLog(uuid.uuid4().hex[:12], machine.action, self._stamp(), ctx.vm.status)
        self._skipped: list[str] = []  # why steps were
        self._watch = Stopwatch(ctx.clock.now)
        self._began = ctx.clock.now()
        ctx.say = self._say

    def start(self) -> None:
        """Print the header."""
        self._print(self.machine.style.header(self.ctx.vm, self._stamp()))

    def turn(self) -> Turn:
        """Execute steps until one has to wait, fails, or none is left."""
        while step := self.machine.due(self.ctx.vm):
            outcome = self._attempt(step)
            if isinstance(outcome, Wait):
                if outcome.queued:
                    self._watch.queue()
                elif self._watch.waited >= step.patience_for(self.ctx) and not (step.background and self.patient):
                    return self._rest(outcome.reason) if step.background else self._pause(step, outcome.reason)
                return Later(self.ctx.clock.now() + self._next_look(outcome))
            if isinstance(outcome, Exception):
                if step.failure == STOP:
                    return self._pause(step, _line(outcome), outcome)
                return self._fail(step, outcome)
            self._advance(step, outcome)
        return self._complete()

    def close(self) -> None:
        """No turn will follow, whether the run has ended, was let go or has lost its VM. May run twice."""
        self.ctx.close()

    def _attempt(self, step: Step) -> Outcome | Exception:
        """Run the step's function; an error becomes a value, a busy VM a Wait."""
        self._watch.unqueue()
        try:
            return step.do(self.ctx)
        except errors.LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - the engine is where every error of a step is judged
            if errors.is_busy(error):
                return Wait(_line(error))
            if errors.kind_of(error) is errors.Kind.BUG:
                self._report_bug(step, error)
            if step.failure == CARRY_ON:
                self.ctx.journal.record(step.name, f"service {self.ctx.vm.service_id}", _line(error))
                return Done()
            return error

    def _advance(self, step: Step, outcome: Done | Skip) -> None:
        """Move the state, its log and its mails in one write, then print the line."""
        label = self._label(step, outcome)
        record = self._record(label, SUCCESS, step.when, step.then)
        if step.then == self.machine.final:
            self._close(SUCCESS, step.then)
        if isinstance(outcome, Skip):
            self._skipped.append(outcome.reason)
        done = outcome if isinstance(outcome, Done) else Done()
        self.log.facts.update(done.facts)
        self.ctx.store.advance(self.ctx.vm, step.then, self.log.as_json(), done.mails, done.intent)
        self._print(self.machine.style.step(record))
        self._observe(step.name, SKIPPED if isinstance(outcome, Skip) else DONE, record.duration)
        self._watch.restart()

    def _label(self, step: Step, outcome: Done | Skip) -> str:
        """The step's label, or the one that the outcome brings, and why it was skipped."""
        if isinstance(outcome, Skip):
            return f"{step.label} (skip — {outcome.reason})"
        if self.machine.tells_unchanged and not outcome.changed:
            return f"{step.label} (skip — no change)"
        return outcome.label or step.label

    def _fail(self, step: Step, error: Exception) -> Ended:
        """Go to the state that stands for this failure; nobody tries again until an admin says so."""
        vm, message = self.ctx.vm, _line(error)
        record = self._record(step.label, message, step.when, step.failure)
        self.log.error = message
        self._close(FAILED, step.failure)
        notices = step.on_failure(self.ctx, message) if step.on_failure else ()
        self.ctx.store.advance(vm, step.failure, self.log.as_json(), notices)
        self._print(self.machine.style.step(record))
        self._observe(step.name, FAILED_FOR_GOOD, record.duration)
        self._print(self.machine.style.complete(vm, self._stamp(), self._seconds()))
        text = f"{message} ({step.when} -> {step.failure}) [{record.duration:.2f}s]"
        return self._ended(text, message, ok=False)

    def _pause(self, step: Step, message: str, error: Exception | None = None) -> Ended:
        """Keep the state, say why; the next tick goes on from here."""
        vm = self.ctx.vm
        record = self._record(step.label, message, step.when, step.when)
        self.log.error = message
        self._close(WAITING, step.when)
        attention = _attention(error)
        self.ctx.store.keep(vm, self.log.as_json(), cause=message, who=attention)
        self._print(self.machine.style.step(record))
        self._observe(step.name, PAUSED, record.duration)
        self._print(self.machine.style.paused(vm, self._stamp()))
        text = f"{message} ({step.when} -> {step.then}) [{record.duration:.2f}s]"
        return self._ended(text, message, ok=False)

    def _rest(self, reason: str) -> Ended:
        """Leave a VM whose work goes on outside to a later tick; nothing of it is an error."""
        self.ctx.store.rest(self.ctx.vm)
        self._print(self.machine.style.paused(self.ctx.vm, self._stamp()))
        return self._ended(reason, reason, ok=True, resting=True)

    def _complete(self) -> Ended:
        self._print(self.machine.style.complete(self.ctx.vm, self._stamp(), self._seconds()))
        skipped = len(self._skipped) == len(self.log.steps) > 0
        summary = ", ".join(self._skipped) if skipped else str(self.log.facts.get(SUMMARY, self.machine.action))
        return self._ended("result:success", summary, ok=True, skipped=skipped)

    def _ended(self, text: str, summary: str, *, ok: bool, resting: bool = False, skipped: bool = False) -> Ended:
        machine = self.machine
        return Ended(Report(self.ctx.vm.service_id, machine.action, ok, text, summary, machine.task, resting, skipped))

    def _record(self, label: str, result: str, before: str, after: str) -> StepRecord:
        record = StepRecord(len(self.log.steps) + 1, label, result, before, after, self._stamp(), self._watch.elapsed)
        self.log.steps.append(record)
        return record

    def _close(self, result: str, state: str) -> None:
        self.log.result, self.log.after, self.log.finished = result, state, self._stamp()

    def _next_look(self, wait: Wait) -> float:
        if wait.again_in is not None:
            return wait.again_in
        return min(LONGEST_LOOK, max(FIRST_LOOK, GROWTH * self._watch.elapsed))

    def _report_bug(self, step: Step, error: Exception) -> None:
        log.error("bug in step %s of service %s", step.name, self.ctx.vm.service_id, exc_info=error)
        self.ctx.journal.record(
            step.name, f"service {self.ctx.vm.service_id}", "".join(traceback.format_exception(error))
        )

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self.board.line(line)

    def _say(self, text: str) -> None:
        self.board.line(self.machine.style.detail(self.ctx.vm, self._stamp(), text))

    def _seconds(self) -> float:
        return self.ctx.clock.now() - self._began

    def _stamp(self) -> str:
        return self.ctx.clock.stamp(self.ctx.clock.now())


def _line(error: Exception) -> str:
    """One line for the admin. A bug of ours says so and names its type; its traceback is in the module log."""
    text = " ".join(str(error).split()) or type(error).__name__
    if errors.kind_of(error) is errors.Kind.BUG:
        return f"internal error, {type(error).__name__}: {text} (traceback in the module log)"
    return text


def _attention(error: Exception | None) -> str:
    """Who has to act: empty when time may heal it."""
    if error is None:
        return ""
    kind = errors.kind_of(error)
    if kind is errors.Kind.BUG:
        return "KVM Bridge developers"
    return errors.who_can_act(error) or ("admin" if kind is errors.Kind.PERMANENT else "")
