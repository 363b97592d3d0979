"""Starting and stopping the VM, and making sure that it runs."""

from collections.abc import Callable

from statemachines.context import Context
from statemachines.errors import NeedsAttention, StepError, Temporary
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.ports import Notice
from statemachines.steps import activity, mail, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid

RUNNING = "running"
SUSPENDED = "suspended"


class DidNotObey(StepError):
    """The guest or Proxmox did not do what was asked for; the VM is as it was."""


def start(ctx: Context) -> Outcome:
    """Start the VM once and wait until Proxmox has done so. A suspended one stays down."""
    ended = tasks.poll(ctx, f"start of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    if ctx.vm.suspended:
        return Skip(SUSPENDED)
    if remote_status(ctx) == RUNNING or (ended and ended.ok):
        return Done()  # one that has died again is left to the step that verifies, which counts its ticks
    if ended:
        raise _did_not_start(ctx, ended.text)
    return _start(ctx)


def pull_plug(ctx: Context) -> Outcome:
    """Power the VM off at once."""
    ended = tasks.poll(ctx, f"stop of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    if remote_status(ctx) != RUNNING:
        return Done(changed=ended is not None)
    if ended and not ended.ok:
        raise DidNotObey(f"VM {ctx.vm.vm_id} could not be stopped: {ended.text}")
    node, vmid, what = node_of(ctx), reserved_vmid(ctx), f"stop of VM {ctx.vm.vm_id} is still running"
    return tasks.launch(ctx, lambda: ctx.hypervisor.stop(node, vmid), what) or Wait(what)


def reboot(ctx: Context) -> Outcome:
    """Shut the VM down and start it again, which applies what waits for a restart. Raises DidNotObey.

    A restart whose UPID was lost is found among the node's tasks instead of being asked for again.
    """
    what = f"restart of VM {ctx.vm.vm_id} is still running"
    ended = tasks.poll(ctx, what)
    if isinstance(ended, Wait):
        return ended
    if ended:
        return _obeyed(ctx, "restart", ended)
    own_config(ctx)
    node, vmid, since = node_of(ctx), reserved_vmid(ctx), ctx.vm.intent.get("rebooting_since")
    if since is not None:
        found = ctx.hypervisor.find_tasks(node, type="qmreboot", vmid=vmid, since=since)
        if found:
            return tasks.launch(ctx, lambda: str(found[0].upid), what) or Wait(what)
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "rebooting_since": ctx.clock.now()})
    return tasks.launch(ctx, lambda: ctx.hypervisor.reboot(node, vmid), what) or Wait(what)


def reset(ctx: Context) -> Outcome:
    """Press the VM's reset button. Raises DidNotObey."""
    what = f"reset of VM {ctx.vm.vm_id} is still running"
    ended = tasks.poll(ctx, what)
    if isinstance(ended, Wait):
        return ended
    if ended:
        return _obeyed(ctx, "reset", ended)
    own_config(ctx)
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    return tasks.launch(ctx, lambda: ctx.hypervisor.reset(node, vmid), what) or Wait(what)


def verify_deployed(ctx: Context) -> Outcome:
    """The new VM runs: tell the client how to reach it."""
    return verify_running(ctx, lambda: (*mail.vm_is_ready(ctx), activity.deployed(ctx)))


def verify_changed(ctx: Context) -> Outcome:
    """The changed VM runs again: tell the client."""
    return verify_running(ctx, lambda: (*mail.package_is_changed(ctx), activity.package_is_changed(ctx)))


def verify_running(ctx: Context, notices: Callable[[], tuple[Notice, ...]]) -> Outcome:
    """Done, with the notices, once the VM runs. If it does not within some ticks, start it again and count anew [C-50].

    A suspended VM is not waited for: it has been left stopped.
    """
    if ctx.vm.suspended or remote_status(ctx) == RUNNING:
        return Done(mails=notices())
    if ctx.vm.ticks >= ctx.tuning.start_wait_ticks:
        ctx.store.note(ctx.vm, ticks=0)
        _start(ctx)
        raise Temporary(
            f"VM {ctx.vm.vm_id} did not run within {ctx.tuning.start_wait_ticks} ticks and was started again. Will retry."
        )
    return Wait(str(_did_not_start(ctx, "")))


def remote_status(ctx: Context) -> str:
    """`running`, `stopped` … of our VM as Proxmox sees it. Raises as `own_config`."""
    own_config(ctx)
    status = ctx.hypervisor.status(node_of(ctx), reserved_vmid(ctx))
    if status is None:
        raise NeedsAttention(f"VM {ctx.vm.vm_id} of service {ctx.vm.service_id} does not exist")
    return str(status.status)


def _start(ctx: Context) -> Outcome:
    vmid, node = reserved_vmid(ctx), node_of(ctx)
    what = f"start of VM {vmid} is still running"
    return tasks.launch(ctx, lambda: ctx.hypervisor.start(node, vmid), what) or Done()


def _obeyed(ctx: Context, action: str, ended: tasks.Ended) -> Outcome:
    if ended.ok or ended.unknown:
        return Done()
    raise DidNotObey(f"{action} of VM {ctx.vm.vm_id} failed: {ended.text}")


def _did_not_start(ctx: Context, reason: str) -> Temporary:
    detail = f": {reason}" if reason else ""
    return Temporary(f"VM failed to start (status: {remote_status(ctx)}){detail}. Will retry.")
