"""Rolling a VM back to a snapshot: Proxmox does it, once; then the VM is made to fit its package and its service again.

A rollback brings the configuration of that day back, too: cores, disks, card, addresses, name. What the client has bought
since, and the addresses that he holds by now, are written anew. What a running VM cannot take waits for its next restart.
"""

from collections.abc import Callable, Sequence
from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import Kind, StepError
from statemachines.outcome import Done, Outcome, Wait
from statemachines.steps import compute, disks, power, removal, repackage, suspension, tasks, traces
from statemachines.steps.look import node_of, own_config, reserved_vmid
from statemachines.steps.snapshots import NAME, SnapshotFailed, keep_count, listed, wanted

RAN = "ran"  # the keys of the intent: whether the VM ran before
DISK = "disk"  # interface and value of its additional disk before, empty for none
ROLLED_BACK = "rolled_back"
FITTED = "fitted"  # how many of FITTING are done
FAILED = "failed"  # why Proxmox has not rolled it back
RESTART_NEEDED = "restart_needed"  # the fact that something waits for the next restart


@traces.patient
def roll_back(ctx: Context) -> Outcome:
    """Roll the VM back to the snapshot that the intent names. It runs afterwards if it ran before, or if the snapshot has its
    memory; a suspended VM is stopped. Raises SnapshotFailed, but starts a VM again that Proxmox has stopped in vain.
    """
    if not ctx.vm.intent.get(ROLLED_BACK) and (waiting := _roll_back(ctx)):
        return waiting
    if waiting := _fit(ctx) or _power(ctx):
        return waiting
    if reason := ctx.vm.intent.get(FAILED):
        raise SnapshotFailed(f"Could not roll VM {ctx.vm.vm_id} back to snapshot {wanted(ctx)}: {reason}")
    keep_count(ctx, len(listed(ctx)))
    pending = bool(ctx.hypervisor.pending(node_of(ctx), reserved_vmid(ctx)))
    return Done(facts={NAME: wanted(ctx), RESTART_NEEDED: pending})


def _roll_back(ctx: Context) -> Wait | None:
    """The rollback itself; None once its task has ended. What is written in the intent tells how."""
    name, what = wanted(ctx), f"the rollback of VM {ctx.vm.vm_id} is still running"
    ended = tasks.poll(ctx, what)
    if isinstance(ended, Wait):
        return ended
    if ended:
        failed = "" if ended.ok else ended.text or "nobody knows how its task ended"
        ctx.store.note(ctx.vm, intent={**ctx.vm.intent, ROLLED_BACK: True, FAILED: failed})
        return None
    config = own_config(ctx)
    if traces.ASKED in ctx.vm.intent and (waiting := traces.recover(ctx, "qmrollback", what)):
        return waiting
    if not any(found.name == name and found.complete for found in listed(ctx)):
        raise SnapshotFailed(f"snapshot {name} of VM {ctx.vm.vm_id} does not exist")
    node, vmid, disk = node_of(ctx), reserved_vmid(ctx), config.additional_disk()
    before = {RAN: removal.status(ctx) == removal.RUNNING, DISK: [disk.interface, str(disk)] if disk else []}
    facts = {key: ctx.vm.intent.get(key, value) for key, value in before.items()}
    return traces.begin(ctx, "qmrollback", lambda: ctx.hypervisor.roll_back(node, vmid, name), what, **facts)


def _fit(ctx: Context) -> Wait | None:
    """Bring the VM up to its package, one thing after the other; None when nothing is left to do.

    What the VM cannot take is told in the module log and stops nothing: the client has what he asked for.
    """
    for number in range(int(ctx.vm.intent.get(FITTED, 0)), len(FITTING)):
        try:
            outcome = FITTING[number](ctx)
        except Exception as error:
            if not _is_refusal(error):
                raise
            ctx.journal.record("rollback_package", f"VM {ctx.vm.vm_id}", str(error))
            ctx.store.release(ctx.vm)
            outcome = Done()
        if isinstance(outcome, Wait):
            return outcome
        ctx.store.note(ctx.vm, intent={**ctx.vm.intent, FITTED: number + 1})
    return None


def _is_refusal(error: Exception) -> bool:
    """Whether the error is the last word: a step of ours said so, or Proxmox did. Everything else is tried again."""
    if errors.is_busy(error) or errors.kind_of(error) is Kind.BUG:
        return False
    return isinstance(error, StepError) or errors.kind_of(error) is not Kind.RETRYABLE


def _power(ctx: Context) -> Wait | None:
    """Have the VM run or not; None when it is as it should be."""
    if ctx.vm.suspended:
        outcome = suspension.suspend(ctx)
    elif ctx.vm.intent.get(RAN):
        outcome = power.start(ctx)
    else:
        return None
    return outcome if isinstance(outcome, Wait) else None


def _attach_disk(ctx: Context) -> Outcome:
    """A disk that the snapshot does not know is unused now: it is attached again, with what is on it."""
    config, disk = own_config(ctx), ctx.vm.intent.get(DISK)
    unused = {volume.partition(",")[0] for volume in config.unused_volumes().values()}
    if not disk or config.additional_disk() is not None or disk[1].partition(",")[0] not in unused:
        return Done(changed=False)
    ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), {disk[0]: disk[1]}, digest=config.digest)
    return Done()


def _name(ctx: Context) -> Outcome:
    """The VM's name as its record has it."""
    config = own_config(ctx)
    if ctx.vm.name and config.name != ctx.vm.name:
        ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), {"name": ctx.vm.name}, digest=config.digest)
    return Done()


FITTING: Sequence[Callable[[Context], Any]] = (
    _attach_disk,
    _name,
    compute.set_cpu_ram,
    disks.resize_system,
    disks.limit_system,
    disks.create_additional,
    disks.resize_additional,
    disks.limit_additional,
    repackage.set_network,
)
