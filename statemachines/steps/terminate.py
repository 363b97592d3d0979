"""Terminating a service: the VM is stopped and destroyed, its traces are removed, and only then its record is cleared.

Five phases in one state, as documented. Everything but DELETE is best effort. What was begun is kept in the intent, so
that a restart goes on in the middle of a waiting window instead of beginning a new one.
"""

from statemachines import errors
from statemachines.context import Context
from statemachines.outcome import Done, Outcome, Wait
from statemachines.ports import Activity
from statemachines.steps import dns, removal, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid

POLL = 5.0  # seconds between two looks at a guest that is shutting down
HEARTBEAT = 15.0
GRACEFUL = 120.0
FORCED = 60.0
UNREACHABLE = 60.0  # seconds without an answer until the VM is left to an admin
SUCCEEDED = "Service terminated successfully"
FAILED = "Service termination FAILED — admin attention required. Error: {reason}"


def terminate(ctx: Context) -> Outcome:
    """All phases; Done when Proxmox knows the VM no more and the record is cleared."""
    if not ctx.vm.intent.get("destroying"):
        waiting = _prepare(ctx)
        if waiting:
            return waiting
    outcome = _destroy(ctx)
    if isinstance(outcome, Wait):
        return outcome
    if ctx.vm.vm_id is not None:
        ctx.say("VM deleted")
    ctx.addresses.release(ctx.vm.service_id)
    ctx.store.clear(ctx.vm)
    return Done(mails=(Activity(SUCCEEDED, _key(ctx)),))


def _prepare(ctx: Context) -> Outcome | None:
    """What comes before DELETE; None when it is done."""
    vmid = ctx.vm.vm_id
    if not ctx.vm.intent.get("cleaning"):
        if vmid is not None:
            _abort_backup(ctx)
            waiting = _stop(ctx)
            if waiting:
                return waiting
            _remove_backups(ctx)
        ctx.say("deleting DNS records")
        ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "cleaning": True})
    if at_work := dns.remove_records(ctx):
        return at_work
    if vmid is not None:
        ctx.say(f"DELETE VM vmid={vmid} node={ctx.vm.node or '-'} purge=1")
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "destroying": True})
    return None


def _destroy(ctx: Context) -> Outcome:
    """Only Proxmox's refusal to delete fails the attempt. Lost answers are followed by another look, for a while."""
    try:
        return removal.destroy(ctx)
    except removal.NotDestroyed:
        raise
    except Exception as error:
        if errors.is_busy(error) or errors.kind_of(error) is not errors.Kind.RETRYABLE:
            raise
        since = float(ctx.vm.intent.setdefault("unreachable_since", ctx.clock.now()))
        if ctx.clock.now() - since >= UNREACHABLE:
            raise
        ctx.store.note(ctx.vm, intent=ctx.vm.intent)
        return Wait(str(error), again_in=POLL)


def failed(ctx: Context, reason: str) -> tuple[Activity, ...]:
    """The one entry in the client's activity log about this attempt."""
    ctx.say(f"DELETE failed: {reason}")
    return (Activity(FAILED.format(reason=reason.rstrip(".")), _key(ctx)),)


def _abort_backup(ctx: Context) -> None:
    """A backup that is being made goes with the VM; it may take hours, and keeps the VM locked. A restore is waited for: cut
    off, it would leave a lock that only root can remove.
    """
    upid = ctx.vm.backup_task
    if upid is not None:
        _try(ctx, "abort_backup", lambda: ctx.hypervisor.abort_task(upid))
        ctx.store.note(ctx.vm, backup_task=None)


def _stop(ctx: Context) -> Outcome | None:
    """Ask the guest to power off, then pull the plug; None when it is down or both windows are over."""
    intent = ctx.vm.intent
    status = _remote_status(ctx)
    if "stopping_since" not in intent:
        ctx.say(f"remote status: {status}, vmid: {ctx.vm.vm_id}")
        if status != removal.RUNNING:
            return None
        _try(ctx, "shutdown", lambda: ctx.hypervisor.shutdown(node_of(ctx), reserved_vmid(ctx)))
        ctx.say("stop request sent")
        ctx.store.note(ctx.vm, intent={**intent, "stopping_since": ctx.clock.now(), "told": 0.0, "forced": False})
        return Wait(f"VM {ctx.vm.vm_id} is shutting down", again_in=POLL)
    waited = ctx.clock.now() - float(intent["stopping_since"])
    if status != removal.RUNNING:
        ctx.say(f"stopped after ~{_rounded(waited)}s")
        return None
    return _go_on_waiting(ctx, waited, status)


def _go_on_waiting(ctx: Context, waited: float, status: str) -> Outcome | None:
    intent, forced = ctx.vm.intent, bool(ctx.vm.intent.get("forced"))
    window = FORCED if forced else GRACEFUL
    if waited >= window:
        if forced:
            ctx.say("still running, proceeding to DELETE")
            return None
        _try(ctx, "stop", lambda: ctx.hypervisor.stop(node_of(ctx), reserved_vmid(ctx)))
        ctx.say("force-stop sent")
        ctx.store.note(ctx.vm, intent={**intent, "stopping_since": ctx.clock.now(), "told": 0.0, "forced": True})
    elif waited - float(intent.get("told", 0.0)) >= HEARTBEAT:
        told = waited // HEARTBEAT * HEARTBEAT
        ctx.say(f"still running, waited {told:.0f}s / {window:.0f}s, status: {status}")
        ctx.store.note(ctx.vm, intent={**intent, "told": told})
    return Wait(f"VM {ctx.vm.vm_id} is shutting down", again_in=POLL)


def _remote_status(ctx: Context) -> str:
    """What Proxmox says of the VM, or why it cannot say; a clone or another task that still runs is waited for."""
    try:
        ended = tasks.poll(ctx, "a task of the VM is still running")
        if isinstance(ended, Wait):
            raise errors.Busy(ended.reason)
        if not removal.exists(ctx):
            return "absent"
        own_config(ctx)
        return removal.status(ctx)
    except Exception as error:
        if errors.is_busy(error) or errors.kind_of(error) is errors.Kind.BUG:
            raise
        return "unknown"


def _remove_backups(ctx: Context) -> None:
    ctx.say("removing backups")
    try:
        ctx.hypervisor.delete_backups(reserved_vmid(ctx), ctx.vm.since)
    except Exception as error:
        if errors.kind_of(error) is errors.Kind.BUG:
            raise
        ctx.journal.record("terminate_backups", f"VM {ctx.vm.vm_id}", str(error))
        ctx.say(f"backup error: {error}")
        return
    ctx.say("backups removed")


def _try(ctx: Context, action: str, call: object) -> None:
    try:
        call()  # type: ignore[operator]
    except Exception as error:
        if errors.kind_of(error) is errors.Kind.BUG:
            raise
        ctx.journal.record(f"terminate_{action}", f"VM {ctx.vm.vm_id}", str(error))


def _rounded(seconds: float) -> int:
    """Waiting happens in whole looks."""
    return int(round(seconds / POLL) * POLL)


def _key(ctx: Context) -> str:
    """Each attempt has one entry: an attempt is told by the moment it was asked for."""
    return f"terminate:{ctx.vm.service_id}:{ctx.vm.generation}"
