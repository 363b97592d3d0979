"""Starting the VM, and making sure that it runs."""

from collections.abc import Callable

from statemachines.context import Context
from statemachines.errors import NeedsAttention, Temporary
from statemachines.outcome import Done, Outcome, Wait
from statemachines.ports import Mail
from statemachines.steps import mail, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid

RUNNING = "running"


def start(ctx: Context) -> Outcome:
    """Start the VM once and wait until Proxmox has done so."""
    ended = tasks.poll(ctx, f"start of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    if remote_status(ctx) == RUNNING:
        return Done()
    if ended and not ended.ok:
        raise _did_not_start(ctx, ended.text)
    return _start(ctx)


def verify_deployed(ctx: Context) -> Outcome:
    """The new VM runs: tell the client how to reach it."""
    return verify_running(ctx, mail.vm_is_ready)


def verify_changed(ctx: Context) -> Outcome:
    """The changed VM runs again: tell the client."""
    return verify_running(ctx, mail.package_is_changed)


def verify_running(ctx: Context, mails: Callable[[Context], tuple[Mail, ...]]) -> Outcome:
    """Done, with the mails, once the VM runs. If it does not within some ticks, start it again and count anew [C-50]."""
    if remote_status(ctx) == RUNNING:
        return Done(mails=mails(ctx))
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


def _did_not_start(ctx: Context, reason: str) -> Temporary:
    detail = f": {reason}" if reason else ""
    return Temporary(f"VM failed to start (status: {remote_status(ctx)}){detail}. Will retry.")
