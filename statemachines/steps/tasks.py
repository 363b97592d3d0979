"""Waiting for a Proxmox task whose UPID is stored, across turns, ticks and restarts."""

from collections.abc import Callable
from dataclasses import dataclass

from statemachines.context import Context
from statemachines.outcome import Wait

LOG_LINES = 10_000  # of a task's log, read when it ended with warnings
TAIL = 10


@dataclass(frozen=True)
class Ended:
    """The task is over. `unknown` = its node no longer knows it: look at the object instead of believing either way."""

    ok: bool
    unknown: bool
    text: str


def launch(ctx: Context, start: Callable[[], str | None], what: str, shown: str = "") -> Wait | None:
    """Start a task and store its UPID before anything waits for it. None = it was done at once, without a task.

    `shown` is a further field of the VM that shows the UPID while the task runs.
    """
    upid = start()
    if upid is None:
        return None
    follow(ctx, upid, shown)
    return Wait(what)


def follow(ctx: Context, upid: str, shown: str = "") -> None:
    """Store the UPID of a task that runs already."""
    ctx.store.note(ctx.vm, task=upid, **({shown: upid} if shown else {}))


def poll(ctx: Context, what: str, shown: str = "") -> Wait | Ended | None:
    """How the stored task stands: Wait while it runs, Ended once (the UPID is then forgotten), None when there is none.

    Warnings of a finished task go to the module log; they are no failure.
    """
    upid = ctx.vm.task
    if not upid:
        return None
    status = ctx.hypervisor.task(upid)
    if status.running:
        return Wait(what)
    if status.warnings:
        ctx.journal.record("task_warnings", upid, "\n".join(_warnings(ctx, upid)))
    ctx.store.note(ctx.vm, task=None, **({shown: None} if shown else {}))
    return Ended(ok=status.ok, unknown=status.unknown, text=status.exitstatus or "")


def _warnings(ctx: Context, upid: str) -> list[str]:
    """What the task warned of. The lines may be far from the log's end: copying a disk prints its progress after them."""
    lines = ctx.hypervisor.task_log(upid, last=LOG_LINES)
    return [line for line in lines if line.startswith("WARN")] or lines[-TAIL:]
