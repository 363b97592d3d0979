"""Starting a task that must not be started twice: a second backup would be one too many, a second restore undoes what came after.

Before the call it is written down when it is made and which tasks of its kind there are. So a task whose UPID was lost is found
among those of the node, and a call that never arrived is made again.
"""

from collections.abc import Callable
from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import Kind, StepError
from statemachines.outcome import Outcome, Wait
from statemachines.steps import tasks
from statemachines.steps.look import node_of, reserved_vmid

ARRIVED = 30.0  # seconds after which a call without an answer has had its effect, or never will
RETRY = 5.0  # seconds until a cluster that gave no answer is asked again
RECENT = 3600.0  # seconds by which clocks of ours and of a node may differ

_BEGUN, _KNOWN = "begun_at", "known"  # keys of the intent


def is_written_down(ctx: Context) -> bool:
    """Whether the task may have been started."""
    return _BEGUN in ctx.vm.intent


def at_work(ctx: Context) -> bool:
    """Whether a task is waited for, or may have been started."""
    return ctx.vm.task is not None or is_written_down(ctx)


def write_down(ctx: Context, type: str, **facts: Any) -> None:
    """To be called before the task is started, with further `facts` of the intent."""
    now = ctx.clock.now()
    found = ctx.hypervisor.find_tasks(node_of(ctx), type=type, vmid=reserved_vmid(ctx), since=now - 2 * RECENT)
    known = {_BEGUN: now, _KNOWN: [task.upid for task in found]}
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, **known, **facts})


def follow(ctx: Context, upid: str, shown: str, **facts: Any) -> None:
    """A task that somebody else has started takes the place of ours."""
    begun = {_BEGUN: ctx.clock.now(), _KNOWN: []}
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, **begun, **facts})
    tasks.follow(ctx, upid, shown)


def begin(ctx: Context, start: Callable[[], str], what: str, shown: str) -> Outcome:
    """Start the task that was written down. Whether a call without an answer has started it, is looked for later."""
    try:
        return tasks.launch(ctx, start, what, shown) or Wait(what)
    except Exception as error:
        if errors.outcome_unknown(error):
            return Wait(str(error), again_in=RETRY)
        forget(ctx)
        raise


def look_for(ctx: Context, type: str, what: str, shown: str) -> Outcome:
    """No UPID and no result: the answer was lost, or the process died around the call. `what` names the work and its VM."""
    since = float(ctx.vm.intent[_BEGUN])
    found = ctx.hypervisor.find_tasks(node_of(ctx), type=type, vmid=reserved_vmid(ctx), since=since - RECENT)
    ours = next((task for task in found if task.upid not in ctx.vm.intent[_KNOWN]), None)
    if ours is not None:
        tasks.follow(ctx, ours.upid, shown)
        return Wait(f"{what} is still running")
    if ctx.clock.now() - since < ARRIVED:
        return Wait(f"{what} is still running", again_in=RETRY)
    forget(ctx)
    return Wait(f"{what} was not started", again_in=0.0)


def forget(ctx: Context) -> None:
    """Nothing was started after all."""
    ctx.store.note(ctx.vm, intent={key: ctx.vm.intent[key] for key in ctx.vm.intent if key not in (_BEGUN, _KNOWN)})


def ends_it(ctx: Context, error: Exception) -> bool:
    """Whether nothing is to be waited for any more. What Proxmox refuses while a task runs says nothing about the task."""
    kind = errors.kind_of(error)
    return kind is Kind.BUG or (kind is Kind.PERMANENT and (isinstance(error, StepError) or not at_work(ctx)))
