"""Forward and reverse records of the VM. A provider's failure never stops the VM: what failed is tried again by itself."""

from collections.abc import Callable, Collection, Sequence

from statemachines import errors
from statemachines.context import Context
from statemachines.outcome import Done, Outcome, Wait
from statemachines.ports import DnsResult, HostNames, Ip

NOTHING = HostNames()
AT_WORK = Wait("DNS providers are at work")
AGAIN = 5.0  # seconds
RECHECK = 30.0  # seconds from before an address is given back to a moment when it has been
DELETED = "deleted"  # in the intent: the old records are gone, the new ones are still to be written


def set_records(ctx: Context) -> Outcome:
    """Delete and create all records of the VM in every matching zone [C-11]."""
    return _unless_away(ctx, refresh)


def refresh(ctx: Context, gone: Collection[Ip] = ()) -> Outcome:
    """As `set_records`; of the addresses in `gone`, and of a host name that the VM had before, nothing is left [C-22]."""
    before, fqdn = ctx.service.domain, host_name(ctx)
    ips = ctx.addresses.ips(ctx.vm.service_id)
    old = HostNames(_names(fqdn, before), tuple(ips))
    wanted = _wanted(ctx, [ip for ip in ips if ip not in gone], before, fqdn)
    result = ctx.dns.sync(ctx.vm.service_id, old, wanted, ctx.say)
    if result is None:
        return AT_WORK
    _settle(ctx, before, fqdn)
    ctx.dns.confirm()
    return Done(facts=_facts(result))


def delete_records(ctx: Context) -> Outcome:
    """The first half of "Set DNS records": delete all records of the VM. It has its new host name from then on."""
    before, fqdn = ctx.service.domain, host_name(ctx)
    result = _remove(ctx, _names(fqdn, before))
    if result is None:
        return AT_WORK
    _settle(ctx, before, fqdn)
    return Done(facts=_facts(result, "dns_deleted"), intent={DELETED: True})


def create_records(ctx: Context) -> Outcome:
    """The second half: create them anew."""
    return _unless_away(ctx, _create)


def _create(ctx: Context) -> Outcome:
    fqdn = ctx.service.domain
    wanted = _wanted(ctx, ctx.addresses.ips(ctx.vm.service_id), fqdn, fqdn)
    result = ctx.dns.sync(ctx.vm.service_id, NOTHING, wanted, ctx.say)
    if result is None:
        return AT_WORK
    ctx.dns.confirm()
    return Done(facts=_facts(result))


def remove_records(ctx: Context) -> Wait | None:
    """Delete all records of the VM; None when that is done, or cannot be done: that goes to the module log and stops nothing."""
    try:
        return AT_WORK if _remove(ctx, _last_names(ctx)) is None else None
    except Exception as error:
        if errors.kind_of(error) is errors.Kind.BUG:
            raise
        if errors.kind_of(error) is errors.Kind.RETRYABLE:
            return _away(error)
        ctx.journal.record("remove_dns", f"service {ctx.vm.service_id}", str(error))
        return None


def recheck_given_up(ctx: Context, ips: Sequence[Ip]) -> None:
    """These addresses are about to be given back: whoever wrote their records until now, none may be left then."""
    names = HostNames(_names(ctx.service.domain), tuple(ips))
    ctx.dns.recheck(ctx.vm.service_id, names, RECHECK)


def host_name(ctx: Context) -> str:
    """The VM's FQDN by the product; where the product has no main domain, the one that WHMCS shows."""
    if ctx.service.domain and not (ctx.vm.name and ctx.naming.search_domain()):
        return ctx.service.domain
    return ctx.naming.fqdn(ctx.vm.name)


def _last_names(ctx: Context) -> tuple[str, ...]:
    """Every host name that may have records of ours: the one that WHMCS shows, and the one by the product, in case the VM was
    about to get it. A service that never had a VM may still show what the client has typed in the order, and that is not ours.
    """
    domain = ctx.service.domain
    if ctx.vm.vm_id is None:
        return _names(domain if ctx.vm.name and domain.startswith(f"{ctx.vm.name}.") else "")
    try:
        return _names(domain, host_name(ctx))
    except Exception as error:
        if errors.kind_of(error) is not errors.Kind.PERMANENT:
            raise
        return _names(domain)


def _unless_away(ctx: Context, step: Callable[[Context], Outcome]) -> Outcome:
    """Providers raise nothing here. What may pass by itself is a database that is away, and no reason to go on without records."""
    try:
        return step(ctx)
    except Exception as error:
        if errors.kind_of(error) is not errors.Kind.RETRYABLE:
            raise
        return _away(error)


def _away(error: Exception) -> Wait:
    return Wait(str(error), again_in=AGAIN)


def _wanted(ctx: Context, ips: Sequence[Ip], before: str, fqdn: str) -> HostNames:
    """Reverse names that were the former host name become the new one."""
    names = ctx.addresses.names(ctx.vm.service_id)  # anew: the client may have chosen one since the run began
    reverse = {ip: fqdn if name == before else name for ip, name in names.items()}
    return HostNames((fqdn,), tuple(ips), reverse)


def _settle(ctx: Context, before: str, fqdn: str) -> None:
    """Only now that the records of the former name are gone may it be forgotten."""
    if before == fqdn:
        return
    ctx.addresses.rename(ctx.vm.service_id, before, fqdn)
    ctx.service.set_domain(fqdn)


def _remove(ctx: Context, fqdns: tuple[str, ...]) -> DnsResult | None:
    ips = tuple(ctx.addresses.ips(ctx.vm.service_id))
    return ctx.dns.sync(ctx.vm.service_id, HostNames(fqdns, ips), NOTHING, ctx.say)


def _names(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _facts(result: DnsResult, name: str = "dns") -> dict[str, object]:
    return {
        name: {
            "forward_ok": result.forward_ok,
            "forward_err": result.forward_err,
            "rev_ok": result.rev_ok,
            "rev_err": result.rev_err,
            "messages": list(result.messages),
        }
    }
