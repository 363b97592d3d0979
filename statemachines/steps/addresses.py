"""Reserving what a VM needs before it exists: name, VMID, credentials, addresses."""

from statemachines.context import Context
from statemachines.errors import Temporary
from statemachines.outcome import Done, Outcome

VMID_TRIES = 20


def allocate(ctx: Context) -> Outcome:
    """Fix the VM's name, VMID, credentials and addresses, each written down before anything uses it.

    Every part keeps what is there already, so a second run, or a reset to `creation`, changes nothing that the client has.
    """
    _name_once(ctx)
    _reserve_vmid(ctx)
    _store_credentials(ctx)
    fqdn = ctx.naming.fqdn(ctx.vm.name)
    if ctx.service.domain != fqdn:
        ctx.service.set_domain(fqdn)
    ctx.addresses.allocate(ctx.vm, ctx.package.network, fqdn)
    return Done()


def _name_once(ctx: Context) -> None:
    """Expand the name rule at the first provisioning only; the random user name is chosen along with it."""
    if not ctx.vm.name:
        intent = {**ctx.vm.intent, "username": ctx.naming.username()}
        ctx.store.note(ctx.vm, name=ctx.naming.vm_name(), intent=intent)


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
