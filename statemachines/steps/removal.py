"""Getting a VM off the cluster: stopped, destroyed with its disks, and seen to be gone."""

from dataclasses import replace
from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import Kind, NeedsAttention, StepError
from statemachines.outcome import Done, Outcome, Wait
from statemachines.steps import activity, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid

RUNNING = "running"


class NotDestroyed(StepError):
    """Proxmox refused to destroy the VM, or its task failed: the VM is still there."""

    def __init__(self, message: str, kind: Kind = Kind.RETRYABLE, who: str = "") -> None:
        super().__init__(message, who)
        self.kind = kind


def remove_old_vm(ctx: Context) -> Outcome:
    """Reinstallation: remove the VM, keep VMID, name, MAC, addresses and backups, and choose a new password."""
    outcome = destroy(ctx)
    if not isinstance(outcome, Done):
        return outcome
    if not ctx.vm.intent.get("new_password"):
        ctx.service.set_credentials(ctx.service.username, ctx.naming.password())
        ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "new_password": True})
    return replace(outcome, mails=(activity.reinstalling(ctx),))


def destroy(ctx: Context) -> Outcome:
    """Stop the service's VM at once and destroy it with all its disks; Done when Proxmox knows it no more.

    A VM that is not ours is refused. One that is being cloned or is locked otherwise is waited for.
    """
    ended = tasks.poll(ctx, f"removal of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    if ctx.vm.vm_id is None or not exists(ctx):
        return _gone(ctx)
    own_config(ctx)
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    what = f"removal of VM {vmid} is still running"
    if status(ctx) == RUNNING:
        return tasks.launch(ctx, lambda: ctx.hypervisor.stop(node, vmid), what) or Wait(what, again_in=0.0)
    if starting := _underway(ctx, "qmstart"):
        return tasks.launch(ctx, lambda: starting, what) or Wait(what)
    if ended and not ended.ok and not ended.unknown:
        raise NotDestroyed(f"Could not remove VM {vmid} from node {node}: {ended.text}. Will retry.")
    try:
        return tasks.launch(ctx, lambda: ctx.hypervisor.destroy(node, vmid), what) or Wait(what, again_in=0.0)
    except Exception as error:
        if errors.kind_of(error) is Kind.BUG or errors.is_busy(error):
            raise
        if errors.kind_of(error) is Kind.CONFLICT:
            return Wait(str(error))  # started again at this very moment
        return _after_error(ctx, error, what)


def _after_error(ctx: Context, error: Exception, what: str) -> Outcome:
    """The answer to DELETE was an error or was lost: believe what there is. Raises NotDestroyed when nothing has begun."""
    if destroying := _underway(ctx, "qmdestroy"):
        return tasks.launch(ctx, lambda: destroying, what) or Wait(what)
    if not exists(ctx):
        return _gone(ctx)
    raise NotDestroyed(str(error), errors.kind_of(error), errors.who_can_act(error)) from error


def _gone(ctx: Context) -> Outcome:
    """Its snapshots have gone with it."""
    ctx.store.release(ctx.vm)
    if ctx.vm.snapshots:
        ctx.store.note(ctx.vm, snapshots=0)
    return Done()


def _underway(ctx: Context, type: str) -> str | None:
    """The UPID of a running task that was asked for without being written down, by a run before this one or just now."""
    found = ctx.hypervisor.find_tasks(node_of(ctx), type=type, vmid=reserved_vmid(ctx))
    return next((str(task.upid) for task in found if task.running), None)


def exists(ctx: Context) -> bool:
    """Whether Proxmox has a VM under our VMID, on the node where it was last seen or on any other."""
    vmid = reserved_vmid(ctx)
    if ctx.vm.node and ctx.hypervisor.config(ctx.vm.node, vmid) is not None:
        return True
    guest: Any = ctx.hypervisor.locate(vmid)
    if guest is None or ctx.hypervisor.config(guest.node, vmid) is None:
        return False
    ctx.store.note(ctx.vm, node=guest.node)
    return True


def status(ctx: Context) -> str:
    """`running`, `stopped` … of the VM under our VMID."""
    found = ctx.hypervisor.status(node_of(ctx), reserved_vmid(ctx))
    if found is None:
        raise NeedsAttention(f"VM {ctx.vm.vm_id} of service {ctx.vm.service_id} does not exist")
    return str(found.status)
