"""Restoring a backup over the VM. Which one is in the intent, from the request on: `{"restore_backup": {"volid": …}}`.

A restore may take the mark off our VM: the backup may be older than the mark. From the moment on that it is written down
(`once`), the VM under our VMID is ours, whatever it carries, and the mark is put back before anything else is done.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import Busy, Kind, NeedsAttention, StepError
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.steps import (
    activity,
    backup,
    cloudinit,
    mail,
    once,
    power,
    removal,
    repackage,
    slots,
    snapshots,
    tasks,
)
from statemachines.steps.look import node_of, own_config, reserved_vmid
from statemachines.steps.optional import optional

ASKED = "restore_backup"  # the key of the intent that holds what was asked for: the `volid` of a backup …
TASK = "task"  # … or the UPID of a restore that is under way already, started by the old module
SHOWN = "restore_task"
QMRESTORE = "qmrestore"
TRIES = 2  # of a restore whose end nobody knows: it may be done again, but not for ever


class NotRestored(StepError):
    """The restore has failed; what is left of the VM is for Proxmox to say."""

    kind = Kind.PERMANENT


def patient(step: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """A step whose error ends the job, so that trouble which time may heal is waited for instead."""

    @wraps(step)
    def waiting(ctx: Context) -> Outcome:
        try:
            return step(ctx)
        except Exception as error:
            if errors.is_busy(error):
                raise
            if once.ends_it(ctx, error):
                ctx.store.release(ctx.vm)
                raise
            return Wait(str(error), again_in=once.RETRY)

    return waiting


@patient
def stop(ctx: Context) -> Outcome:
    """See that the backup can be restored, and only then shut the VM down; a VM that is gone need not be."""
    if TASK in _asked(ctx):
        return Done(changed=False, intent=_kept(ctx))
    if "checked" not in ctx.vm.intent:
        _check(ctx)
    if not removal.exists(ctx):
        return Done(intent=_kept(ctx))
    outcome = repackage.stop(ctx)
    return Done(changed=outcome.changed, intent=_kept(ctx)) if isinstance(outcome, Done) else outcome


@patient
def delete_snapshots(ctx: Context) -> Outcome:
    """Delete all snapshots of the VM, the newest first: Proxmox would drop them from its records and may leave their data."""
    if TASK in _asked(ctx):
        return Done(changed=False, intent=_kept(ctx))
    ended = tasks.poll(ctx, f"a snapshot of VM {ctx.vm.vm_id} is still being removed")
    if isinstance(ended, Wait):
        return ended
    if ended and not ended.ok and not ended.unknown:
        raise NotRestored(f"a snapshot of VM {ctx.vm.vm_id} could not be removed: {ended.text}")
    if not removal.exists(ctx):
        return Done(changed=False, intent=_kept(ctx))
    own_config(ctx)
    node, vmid, present = node_of(ctx), reserved_vmid(ctx), snapshots.listed(ctx)
    snapshots.keep_count(ctx, len(present))
    if not present:
        return Done(changed=ended is not None, intent=_kept(ctx))
    name = present[-1].name
    what = f"snapshot {name} of VM {vmid} is being removed"
    return tasks.launch(ctx, lambda: ctx.hypervisor.delete_snapshot(node, vmid, name), what) or Wait(what)


@patient
def restore(ctx: Context) -> Outcome:
    """Restore the backup over the stopped VM, wait for the task, and put our mark back. Raises NotRestored."""
    if busy := slots.queued_in_background(ctx):
        return busy
    what = f"restore of VM {ctx.vm.vm_id} is still running"
    ended = tasks.poll(ctx, what, SHOWN)
    if isinstance(ended, Wait):
        return ended
    if not once.is_written_down(ctx):
        return _take_over(ctx, what) if TASK in _asked(ctx) else _begin(ctx, what)
    if ended is None:
        return once.look_for(ctx, QMRESTORE, f"restore of VM {ctx.vm.vm_id}", SHOWN)
    _claim(ctx)
    if ended.unknown and int(ctx.vm.intent.get("tries", 0)) < TRIES:
        once.forget(ctx)
        return Wait(f"nobody knows how the restore of VM {ctx.vm.vm_id} ended; it is done again", again_in=0.0)
    ctx.store.release(ctx.vm)
    if not ended.ok:
        raise NotRestored(f"VM {ctx.vm.vm_id} could not be restored: {ended.text or 'nobody knows how its task ended'}")
    return Done()


def set_cloudinit(ctx: Context) -> Outcome:
    """Addresses, names and credentials as they are now: a restart must not bring those of the backup back."""
    if own_config(ctx).cloudinit_drive() is None:
        return Skip("no cloud-init drive")
    return cloudinit.set_cloudinit(ctx)


def verify(ctx: Context) -> Outcome:
    """The restored VM runs: tell the client."""
    return power.verify_running(ctx, lambda: (*mail.backup_is_restored(ctx), activity.backup_is_restored(ctx)))


def _check(ctx: Context) -> None:
    """That the backup is there and this service's, and where its disks can go. Raises NeedsAttention."""
    volid = str(_asked(ctx)["volid"])
    if removal.exists(ctx):
        own_config(ctx)
    elif ctx.vm.node is None:
        raise NeedsAttention(f"it is not known on which node VM {ctx.vm.vm_id} was")
    if volid not in {each.volid for each in backup.existing(ctx, backup.storage_of(ctx))}:
        raise NeedsAttention(f"backup {volid} of service {ctx.vm.service_id} does not exist")
    archived = optional(
        ctx, "archived_config", lambda: ctx.hypervisor.archived_config(node_of(ctx), volid), default=None
    )
    if archived is not None and ctx.mark.is_foreign(archived):
        raise NeedsAttention(f"backup {volid} holds the VM of another service than {ctx.vm.service_id}")
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "checked": True, "storage": _new_home(ctx, archived)})


def _new_home(ctx: Context, archived: Any | None) -> str | None:
    """The storage that takes all disks, where one of those that they came from is not there any more. None = each where it was.

    Proxmox would find out when the old disks are gone already.
    """
    disks = [] if archived is None else archived.disks()
    present = {each.name for each in ctx.hypervisor.storages(node_of(ctx)) if each.holds_disks}
    if all(disk.storage in present for disk in disks):
        return None
    now = ctx.hypervisor.config(node_of(ctx), reserved_vmid(ctx))
    system = now.system_disk() if now is not None else None
    home = ctx.package.system_disk.storage or (system.storage if system else None)
    if home not in present:
        raise NeedsAttention(f"no storage of node {ctx.vm.node} takes the disks of the backup")
    return home


def _begin(ctx: Context, what: str) -> Outcome:
    node, vmid, there = node_of(ctx), reserved_vmid(ctx), removal.exists(ctx)
    if there:
        own_config(ctx)
        if removal.status(ctx) == power.RUNNING:  # somebody has started it meanwhile
            return tasks.launch(ctx, lambda: ctx.hypervisor.stop(node, vmid), what) or Wait(what)
    volid, storage = str(_asked(ctx)["volid"]), ctx.vm.intent.get("storage")
    if busy := slots.take_in_background(ctx, "restores", node, ctx.tuning.heavy_per_storage):
        return busy
    once.write_down(ctx, QMRESTORE, tries=int(ctx.vm.intent.get("tries", 0)) + 1)
    return once.begin(ctx, lambda: ctx.hypervisor.restore(node, vmid, volid, storage), what, SHOWN)


def _take_over(ctx: Context, what: str) -> Outcome:
    """Wait for the restore that the old module has started. It is done once, whatever becomes of it."""
    upid = str(_asked(ctx)[TASK])
    ctx.store.note(ctx.vm, node=upid.split(":")[1])
    once.follow(ctx, upid, SHOWN, tries=TRIES)
    return Wait(what, again_in=0.0)


def _claim(ctx: Context) -> None:
    """Put our mark on what the restore has left under our VMID; raises Busy while it is locked, NeedsAttention when it is
    marked as another service's.
    """
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    config = ctx.hypervisor.config(node, vmid)
    if config is None or ctx.mark.is_ours(config):
        return
    if config.lock:
        raise Busy(f"VM {vmid} is locked ({config.lock})")
    if ctx.mark.is_foreign(config):
        raise NeedsAttention(f"VM {vmid} carries the mark of another service after its restore and is not touched")
    if ctx.vm.unmarked:
        ctx.store.adopt_vmid(ctx.vm)
    description = f"{config.description}\n{ctx.mark.description}".strip()
    ctx.hypervisor.configure(node, vmid, {"description": description}, digest=config.digest)


def _asked(ctx: Context) -> dict[str, Any]:
    return dict(ctx.vm.intent[ASKED])


def _kept(ctx: Context) -> dict[str, Any]:
    """What the next step needs to know."""
    return {key: ctx.vm.intent[key] for key in (ASKED, "storage") if key in ctx.vm.intent}
