"""Finding again what was asked for when its answer was lost: whether Proxmox began a task, and which one it is.

A task is told from earlier ones of its kind by what was the newest of them before it was asked for, not by a time: the clocks
of a node and of this machine may differ.
"""

from collections.abc import Callable
from functools import wraps
from itertools import takewhile
from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import Kind
from statemachines.outcome import Outcome, Wait
from statemachines.steps import tasks
from statemachines.steps.look import node_of, reserved_vmid

ASKED = "asked"  # the key of the intent that tells when the task was asked for, epoch seconds
NEWEST = "newest"  # the UPID of the newest task of its kind before that, empty for none
GRACE = 15.0  # seconds in which a request whose answer was lost may still begin its task

StepFunction = Callable[[Context], Outcome]


def begin(ctx: Context, kind: str, start: Callable[[], str], what: str, **facts: Any) -> Wait:
    """Write down what is about to be asked for, `facts` with it, then ask for a task of this `kind` (qmsnapshot …).

    An answer that was lost is no error: `recover` looks for the task.
    """
    earlier = _listed(ctx, kind)
    written = {**facts, ASKED: ctx.clock.now(), NEWEST: earlier[0] if earlier else ""}
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, **written})
    try:
        return tasks.launch(ctx, start, what) or Wait(what)
    except Exception as error:
        if not errors.outcome_unknown(error):
            raise
        return Wait(str(error))


def recover(ctx: Context, kind: str, what: str) -> Wait | None:
    """The task that `begin` has asked for, taken up wherever it stands. None = it was never begun and may be asked for again."""
    newest = ctx.vm.intent.get(NEWEST, "")
    begun = list(takewhile(lambda upid: upid != newest, _listed(ctx, kind)))
    if begun:
        return tasks.launch(ctx, lambda: begun[-1], what)
    waited = ctx.clock.now() - float(ctx.vm.intent.get(ASKED, 0.0))
    return Wait(what, again_in=GRACE - waited) if waited < GRACE else None


def patient(step: StepFunction) -> StepFunction:
    """The step, for which an error that time may heal is a reason to look again once it has begun: it ends by its task alone."""
    return _looking_again(step, lambda ctx: ASKED in ctx.vm.intent)


def tireless(step: StepFunction) -> StepFunction:
    """The step, for which such an error is a reason to look again from the start: nobody is there who could ask once more."""
    return _looking_again(step, lambda ctx: True)


def _looking_again(step: StepFunction, applies: Callable[[Context], bool]) -> StepFunction:
    @wraps(step)
    def look(ctx: Context) -> Outcome:
        try:
            return step(ctx)
        except Exception as error:
            if not applies(ctx) or errors.is_busy(error) or errors.kind_of(error) is not Kind.RETRYABLE:
                raise
            return Wait(str(error))

    return look


def _listed(ctx: Context, kind: str) -> list[str]:
    """UPIDs of the VM's tasks of this kind, the newest first."""
    return [str(task.upid) for task in ctx.hypervisor.find_tasks(node_of(ctx), type=kind, vmid=reserved_vmid(ctx))]
