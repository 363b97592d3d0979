"""Forward and reverse records of the VM."""

from collections.abc import Sequence

from statemachines import errors
from statemachines.context import Context
from statemachines.outcome import Done, Outcome
from statemachines.ports import Address


def set_records(ctx: Context) -> Outcome:
    """Delete and create all records of the VM in every matching zone [C-11]; a provider's failure never stops the VM."""
    return refresh(ctx, ctx.addresses.held(ctx.vm))


def refresh(ctx: Context, addresses: Sequence[Address], gone: Sequence[Address] = ()) -> Done:
    """As `set_records`, for `addresses`; of those in `gone` nothing is left [C-22]."""
    result = ctx.dns.refresh(ctx.naming.fqdn(ctx.vm.name), addresses, ctx.vm.rev_dns, ctx.say, gone)
    facts = {
        "forward_ok": result.forward_ok,
        "forward_err": result.forward_err,
        "rev_ok": result.rev_ok,
        "rev_err": result.rev_err,
        "messages": list(result.messages),
    }
    return Done(facts={"dns": facts})


def remove_records(ctx: Context) -> None:
    """Delete all records of the VM; what stands in the way goes to the module log and stops nothing."""
    try:
        ctx.dns.remove(ctx.service.domain, ctx.addresses.held(ctx.vm), ctx.vm.rev_dns, ctx.say)
    except Exception as error:
        if errors.kind_of(error) is errors.Kind.BUG:
            raise
        ctx.journal.record("remove_dns", f"service {ctx.vm.service_id}", str(error))
