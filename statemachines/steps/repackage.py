"""The parts of a package change that deploy has no need of: fewer addresses, a running VM to stop, a disk to delete."""

from collections.abc import Sequence
from typing import Any

from statemachines.context import Context
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.package import LIVE
from statemachines.ports import Address
from statemachines.steps import cloudinit, disks, dns, firewall, network, power, snapshots, tasks
from statemachines.steps.differences import differences
from statemachines.steps.look import node_of, own_config, reserved_vmid

NO_RESTART = "no restart needed"
RESTARTING = "restarting"  # in the intent: something is pending, the VM is being stopped for it
RESTARTED = "restarted"  # in the intent: the VM was seen stopped and is to be started
SHUTDOWN_SECONDS = 120.0  # a guest that has not powered off by then is stopped


def update_addresses(ctx: Context) -> Outcome:
    """Add the addresses that the new package has more; the anti-spoofing set takes the new ones before the guest does.

    Addresses that are too many are given back later, by `set_firewall`, when the VM uses them no more.
    """
    own_config(ctx)
    ctx.addresses.allocate(ctx.vm, ctx.package.network, ctx.naming.fqdn(ctx.vm.name))
    firewall.widen(ctx)
    surplus = split(ctx.addresses.held(ctx.vm), ctx.package.network)[0]
    return dns.refresh(ctx, gone=[address.ip for address in surplus])


def stop_if_needed(ctx: Context) -> Outcome:
    """Stop the VM, unless the product wants changes live and there is none that needs a restart."""
    if ctx.package.change_mode == LIVE and "stopping_since" not in ctx.vm.intent and not ctx.vm.task:
        kept = split(ctx.addresses.held(ctx.vm), ctx.package.network)[1]
        if not any(difference.restart for difference in differences(ctx, own_config(ctx), kept)):
            return Skip(NO_RESTART)
    return stop(ctx)


def start_if_stopped(ctx: Context) -> Outcome:
    """Start the VM. One that was left running is looked at once more: what it could not take live gets its restart now."""
    if ctx.package.change_mode == LIVE and not ctx.vm.intent.get(RESTARTED):
        if ctx.vm.intent.get(RESTARTING):
            outcome = stop(ctx)
            if isinstance(outcome, Wait):
                return outcome
        elif power.remote_status(ctx) == power.RUNNING:
            if not ctx.hypervisor.pending(node_of(ctx), reserved_vmid(ctx)):
                return Skip(NO_RESTART)
            ctx.store.note(ctx.vm, intent={**ctx.vm.intent, RESTARTING: True})
            return Wait(f"VM {ctx.vm.vm_id} has changes that need a restart", again_in=0.0)
        ctx.store.note(ctx.vm, intent={RESTARTED: True})
    return power.start(ctx)


def stop(ctx: Context) -> Outcome:
    """Shut the VM down; stop it when it has not obeyed in time."""
    ended = tasks.poll(ctx, f"VM {ctx.vm.vm_id} is still shutting down")
    since = ctx.vm.intent.get("stopping_since")
    overdue = since is not None and ctx.clock.now() - since >= SHUTDOWN_SECONDS
    if isinstance(ended, Wait) and not overdue:
        return ended
    if power.remote_status(ctx) != power.RUNNING:
        return Done()
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    what = f"VM {vmid} is still shutting down"
    if since is None:
        ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "stopping_since": ctx.clock.now()})
        return tasks.launch(ctx, lambda: ctx.hypervisor.shutdown(node, vmid), what) or Wait(what)
    if not overdue and not isinstance(ended, tasks.Ended):
        return Wait(what)
    return tasks.launch(ctx, lambda: ctx.hypervisor.stop(node, vmid), what) or Wait(what)


def additional_disk(ctx: Context) -> Outcome:
    """Create the additional disk, or delete it when an assigned option says 0 [C-17]; a product default of 0 never does."""
    spec = ctx.package.additional_disk
    if spec.size_gb or not spec.from_option:
        return disks.create_additional(ctx)
    return _delete_disk(ctx)


def _delete_disk(ctx: Context) -> Outcome:
    """Snapshots first (Proxmox detaches no disk that a snapshot uses), then detach, then purge the volume."""
    ended = tasks.poll(ctx, f"removal of the additional disk of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    config = own_config(ctx)
    disk = config.additional_disk()
    doomed = ctx.vm.intent.get("doomed_volume")
    if disk is None and doomed is None:
        return Done(changed=False)
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    if disk is not None:
        return _detach(ctx, config, disk)
    left = [key for key, volume in config.unused_volumes().items() if volume.partition(",")[0] == doomed]
    if left:
        ctx.hypervisor.configure(node, vmid, {}, delete=left, digest=config.digest)
        return Wait(f"volume {doomed} is being removed", again_in=0.0)
    ctx.journal.record("additional_disk_deleted", f"VM {vmid} on node {node}", f"volume {doomed} was deleted")
    return Done(label="Delete additional disk")


def _detach(ctx: Context, config: Any, disk: Any) -> Outcome:
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    present = snapshots.listed(ctx)
    snapshots.keep_count(ctx, len(present))
    if present:
        name = present[-1].name
        what = f"snapshot {name} of VM {vmid} is being removed"
        return tasks.launch(ctx, lambda: ctx.hypervisor.delete_snapshot(node, vmid, name), what) or Wait(what)
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "doomed_volume": disk.volume})
    ctx.hypervisor.configure(node, vmid, {}, delete=[disk.interface], digest=config.digest)
    return Wait(f"volume {disk.volume} is being removed", again_in=0.0)


def set_network(ctx: Context) -> Outcome:
    """The card as in deploy, and the addresses that stay for the guest's next boot."""
    outcome = network.set_network(ctx)
    readdressed = cloudinit.set_addresses(ctx, split(ctx.addresses.held(ctx.vm), ctx.package.network)[1])
    return Done(changed=True) if readdressed and isinstance(outcome, Done) else outcome


def set_firewall(ctx: Context) -> Outcome:
    """Narrow the anti-spoofing set to the addresses that stay; only then give the surplus back to the pool."""
    surplus, kept = split(ctx.addresses.held(ctx.vm), ctx.package.network)
    outcome = firewall.apply(ctx, kept)
    if not surplus:
        return outcome
    dns.recheck_given_up(ctx, [address.ip for address in surplus])
    ctx.addresses.release(ctx.vm.service_id, keep=kept)
    return Done()


def split(held: Sequence[Address], network: Any) -> tuple[list[Address], list[Address]]:
    """Addresses beyond the package's counts, and those that stay: the first ones of each family."""
    surplus: list[Address] = []
    kept: list[Address] = []
    for family, wanted in ((4, network.wanted_ipv4), (6, network.wanted_ipv6)):
        mine = [address for address in held if address.family == family]
        kept += mine[:wanted]
        surplus += mine[wanted:]
    return surplus, kept
