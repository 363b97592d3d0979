"""A pipeline as a table: which step leads from which state to which, and what the engine may do around it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from statemachines.context import Context
from statemachines.outcome import Outcome
from statemachines.output import Style
from statemachines.ports import Notice, Vm

STOP = "stop"  # on failure: keep the state, say why, try again next tick
CARRY_ON = "carry on"  # on failure: write the error to the module log and go on as if it had worked
# Any other value of the column is a state of rest: on failure the VM goes there, and an admin decides.

PROCESS = "processVirtualMachines"  # the cron task that drives whatever names no other; names as in the manual

SECONDS = 1.0
MINUTES = 60.0


@dataclass(frozen=True)
class Step:
    """One row. The columns, in order:

    when      the state at which the step is due
    label     what the console and the log call it
    do        the step function
    then      the state it leads to
    name      the function's name in the module's documentation (Module Commands use it)
    patience  seconds (or a function of the context) that one tick waits for it before it pauses
    failure   STOP, CARRY_ON, or the state of rest that stands for the failure
    on_failure  what is told, and to whom, when the VM goes to that state
    background  True = it may take hours: when the tick's patience is over, the VM is left to its task without a complaint
    """

    when: str
    label: str
    do: Callable[[Context], Outcome]
    then: str
    name: str
    patience: float | Callable[[Context], float] = 60 * SECONDS
    failure: str = STOP
    on_failure: Callable[[Context, str], tuple[Notice, ...]] | None = None
    background: bool = False

    def patience_for(self, ctx: Context) -> float:
        """Seconds one tick waits for this step of this VM."""
        return self.patience(ctx) if callable(self.patience) else self.patience


class Plan(Protocol):
    """What the engine walks a VM through; see `Machine` for the fields."""

    @property
    def action(self) -> str: ...
    @property
    def style(self) -> Style: ...
    @property
    def final(self) -> str: ...
    @property
    def tells_unchanged(self) -> bool: ...
    @property
    def task(self) -> str: ...

    def due(self, vm: Vm) -> Step | None:
        """The step to be done next; None when nothing is left to do."""
        ...


class BadTable(ValueError):
    """A pipeline table contradicts itself; found when it is built, that is, at import."""


@dataclass(frozen=True)
class Machine:
    """A pipeline: `action` is its name in logs, `style` how it prints, `final` the state at its end.

    `tells_unchanged` True = a step that found everything as wanted is printed as skipped. `entries` are states besides the
    first at which the pipeline may be entered. `opening` is a step before the first that leaves the VM's state as it is; it
    has been done when the intent holds `opened`. `task` is the cron task whose runs drive it. Raises BadTable when a state has two steps, leads nowhere or is never reached.
    """

    action: str
    style: Style
    final: str
    steps: Sequence[Step]
    tells_unchanged: bool = False
    entries: frozenset[str] = frozenset()
    opening: Step | None = None
    opened: str = ""
    task: str = PROCESS

    def __post_init__(self) -> None:
        starts = [step.when for step in self.steps]
        ends = [step.then for step in self.steps]
        if len(set(starts)) != len(starts):
            raise BadTable(f"{self.action}: a state has two steps")
        if lost := set(ends) - set(starts) - {self.final}:
            raise BadTable(f"{self.action}: no step goes on from {sorted(lost)}")
        if unreached := set(starts[1:]) - set(ends) - self.entries:
            raise BadTable(f"{self.action}: nothing leads to {sorted(unreached)}")
        if self.final in starts or self.final not in ends:
            raise BadTable(f"{self.action}: {self.final} is not its end")
        if too_long := [name for name in [*starts, self.final] if len(name) > 64]:
            raise BadTable(f"{self.action}: state names do not fit their column: {too_long}")

    @cached_property
    def _by_state(self) -> dict[str, Step]:
        return {step.when: step for step in self.steps}

    @property
    def states(self) -> frozenset[str]:
        """All states at which this pipeline has something to do."""
        return frozenset(self._by_state)

    def step_at(self, state: str) -> Step | None:
        """The step that is due at `state`, None when the pipeline has nothing to do there."""
        return self._by_state.get(state)

    def due(self, vm: Vm) -> Step | None:
        """The step to be done next on `vm`."""
        if self.opening and vm.status == self.opening.when and not vm.intent.get(self.opened):
            return self.opening
        return self.step_at(vm.status)
