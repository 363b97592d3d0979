"""Forward and reverse records of the VM."""

from statemachines.context import Context
from statemachines.outcome import Done, Outcome


def set_records(ctx: Context) -> Outcome:
    """Delete and create all records of the VM in every matching zone [C-11]; a provider's failure never stops the VM."""
    fqdn = ctx.naming.fqdn(ctx.vm.name)
    result = ctx.dns.refresh(fqdn, ctx.addresses.held(ctx.vm), ctx.vm.rev_dns, ctx.say)
    facts = {
        "forward_ok": result.forward_ok,
        "forward_err": result.forward_err,
        "rev_ok": result.rev_ok,
        "rev_err": result.rev_err,
        "messages": list(result.messages),
    }
    return Done(facts={"dns": facts})
