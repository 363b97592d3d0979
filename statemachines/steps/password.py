"""Bringing a new password, which WHMCS has already stored, into the guest."""

from statemachines.context import Context
from statemachines.errors import Kind, kind_of
from statemachines.outcome import Done, Outcome, Wait
from statemachines.ports import Notice
from statemachines.steps import activity, cloudinit, mail, power
from statemachines.steps.look import node_of, own_config, reserved_vmid

NOW = "now"
AFTER_RESTART = "now, the VM was restarted"
AT_NEXT_START = "when the VM is started again"
AT_NEXT_BOOT = "after the next restart of the VM"

_WAY = "way"  # the key of the intent that tells how the password is brought in, once that is decided


def apply(ctx: Context) -> Outcome:
    """Rewrite cloud-init, and have the password applied: by the guest agent, else by a restart, or by a start [C-26].

    Whether the guest obeys its cloud-init is not known to anybody outside of it. The facts of the run tell when the
    password applies (`password_applies`).
    """
    way = ctx.vm.intent.get(_WAY)
    if way is None:
        return _decide(ctx)
    return _start(ctx) if way == "start" else _restart(ctx)


def _decide(ctx: Context) -> Outcome:
    cloudinit.set_password(ctx)
    if power.remote_status(ctx) == power.RUNNING:
        if _through_agent(ctx):
            return _done(ctx, NOW)
        return _go(ctx, "restart")
    return _done(ctx, AT_NEXT_START) if ctx.vm.suspended else _go(ctx, "start")


def _go(ctx: Context, way: str) -> Outcome:
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, _WAY: way})
    return Wait(f"VM {ctx.vm.vm_id} is being {way}ed", again_in=0.0)


def _through_agent(ctx: Context) -> bool:
    """Whether the guest agent has set the password. Without an answer of it there is still the restart."""
    user = ctx.service.username or own_config(ctx).text("ciuser")
    if not user:
        return False
    try:
        ctx.hypervisor.agent_set_password(node_of(ctx), reserved_vmid(ctx), user, ctx.service.password())
    except Exception as error:
        if kind_of(error) is Kind.BUG:
            raise
        ctx.journal.record("reset_password_agent", f"VM {ctx.vm.vm_id}", str(error))
        return False
    return True


def _start(ctx: Context) -> Outcome:
    outcome = power.start(ctx)
    if isinstance(outcome, Wait):
        return outcome
    return _done(ctx, AT_NEXT_START if ctx.vm.suspended else NOW)


def _restart(ctx: Context) -> Outcome:
    if not ctx.vm.task and power.remote_status(ctx) != power.RUNNING:
        return _go(ctx, "start")
    try:
        outcome = power.reboot(ctx)
    except power.DidNotObey as error:
        ctx.journal.record("reset_password_restart", f"VM {ctx.vm.vm_id}", str(error))
        return _done(ctx, AT_NEXT_BOOT)
    return outcome if isinstance(outcome, Wait) else _done(ctx, AFTER_RESTART)


def _done(ctx: Context, applies: str) -> Outcome:
    notices: tuple[Notice, ...] = (*mail.password_is_reset(ctx), activity.password_is_reset(ctx))
    return Done(mails=notices, facts={"password_applies": applies})
