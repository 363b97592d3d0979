"""A suspended VM is down and stays down; an unsuspended one runs again."""

from statemachines.context import Context
from statemachines.outcome import Done, Outcome, Skip
from statemachines.steps import power, repackage
from statemachines.steps.look import node_of, own_config, reserved_vmid


def suspend(ctx: Context) -> Outcome:
    """Keep the VM from starting with its node, then shut it down; stop it when it has not obeyed in time."""
    if not ctx.vm.suspended:
        return Skip("not suspended any more")
    config = own_config(ctx)
    if config.text("onboot") == "1":
        ctx.store.note(ctx.vm, onboot=True)
        ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), {"onboot": 0}, digest=config.digest)
    return repackage.stop(ctx)


def unsuspend(ctx: Context) -> Outcome:
    """Start the VM, and let it start with its node again if it did before."""
    if ctx.vm.suspended:
        return Skip("suspended again")
    if ctx.vm.onboot:
        config = own_config(ctx)
        ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), {"onboot": 1}, digest=config.digest)
        ctx.store.note(ctx.vm, onboot=False)
    outcome = power.start(ctx)
    if isinstance(outcome, Done):
        ctx.store.note(ctx.vm, suspended=False)
    return outcome
