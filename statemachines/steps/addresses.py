"""Reserving what a VM needs before it exists: name, VMID, credentials, addresses."""

from statemachines.context import Context
from statemachines.errors import Temporary
from statemachines.outcome import Done, Outcome, Wait
from statemachines.steps import dns, removal

VMID_TRIES = 20
REDEPLOY = "redeploy"  # in the intent: asked for, the old VM is still to be removed


def allocate(ctx: Context) -> Outcome:
    """Fix the VM's name, VMID, credentials and addresses, each written down before anything uses it.

    Every part keeps what is there already, so a second run, or a reset to `creation`, changes nothing that the client has;
    but a redeployment first does away with all of it.
    """
    if ctx.vm.intent.get(REDEPLOY):
        outcome = _begin_anew(ctx)
        if isinstance(outcome, Wait):
            return outcome
    _name_once(ctx)
    fqdn = ctx.naming.fqdn(ctx.vm.name)
    if ctx.service.domain != fqdn and not _is_former_name(ctx):
        ctx.service.set_domain(fqdn)
    _reserve_vmid(ctx)
    _store_credentials(ctx)
    ctx.addresses.allocate(ctx.vm, ctx.package.network, fqdn)
    return Done()


def _begin_anew(ctx: Context) -> Outcome:
    """The old VM, its addresses and its identity are given up, in this order: no address is free while a VM may use it."""
    outcome = removal.destroy(ctx)
    if isinstance(outcome, Wait):
        return outcome
    if at_work := dns.remove_records(ctx):
        return at_work
    ctx.addresses.release(ctx.vm.service_id)
    ctx.store.clear(ctx.vm)
    ctx.service.set_domain("")  # also what this run has read of it before
    ctx.store.note(ctx.vm, intent={key: value for key, value in ctx.vm.intent.items() if key != REDEPLOY})
    return outcome


def _name_once(ctx: Context) -> None:
    """Expand the name rule at the first provisioning only; the random user name is chosen along with it."""
    if not ctx.vm.name:
        intent = {**ctx.vm.intent, "username": ctx.naming.username()}
        ctx.store.note(ctx.vm, name=ctx.naming.vm_name(), intent=intent)


def _is_former_name(ctx: Context) -> bool:
    """Whether WHMCS shows a host name that the VM had under another main domain: it may go with its records only.

    As long as there is no VMID, it shows what the client has typed.
    """
    return ctx.vm.vm_id is not None and ctx.service.domain.startswith(f"{ctx.vm.name}.")


def _reserve_vmid(ctx: Context) -> None:
    """Reserve a VMID that neither our rows nor the cluster hold. `nextid` reserves nothing: our unique row does."""
    if ctx.vm.vm_id is not None:
        return
    used = ctx.hypervisor.used_vmids()
    for _ in range(VMID_TRIES):
        vmid = ctx.store.reserve_vmid(ctx.vm, ctx.package.first_vm_id, used)
        if ctx.hypervisor.vmid_is_free(vmid):
            return
        ctx.store.give_up_vmid(ctx.vm)  # a guest that the token may not see, or one made this moment
    raise Temporary(f"{VMID_TRIES} VMIDs from {ctx.package.first_vm_id} on were taken while we asked. Will retry.")


def _store_credentials(ctx: Context) -> None:
    """Give the service its user name, and a password when WHMCS has generated none."""
    username = ctx.vm.intent.get("username") or ctx.service.username or ctx.naming.username()
    password = None if ctx.service.password() else ctx.naming.password()
    if password is not None or ctx.service.username != username:
        ctx.service.set_credentials(username, password)
