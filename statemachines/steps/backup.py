"""Making a backup of the VM and removing one.

What is asked for is in the intent: `id`, `purpose` and `text` of its notes, or the `volid` to be removed; `asked_at` is when.
"""

from collections.abc import Callable
from typing import Any

from statemachines import backups, errors
from statemachines.context import Context
from statemachines.engine import SUMMARY
from statemachines.errors import Kind, NeedsAttention, StepError
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.steps import once, slots, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid

MANUAL = "manual"  # the purpose of a backup that was asked for; any other is the date of a scheduled one
SHOWN = "backup_task"
VZDUMP = "vzdump"
AT_ONCE = 1  # on a node, which makes one after the other: a VM that waits there is not locked, and holds a task
GIVE_UP = 3600.0  # seconds that a backup may take to begin
ALREADY_DONE = "already done today"


class NotMade(StepError):
    """There is no new backup; the message says why."""

    kind = Kind.PERMANENT


class NotRemoved(StepError):
    """The backup is still there; the message says why."""

    kind = Kind.PERMANENT
    who = "Proxmox admin"


class NoRoom(StepError):
    """All backups that the client has bought exist already."""

    kind = Kind.PERMANENT
    who = "client"


def patient(what: str, step: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """The step that waits for what time may heal: an hour at most until it has begun something (`asked_at` of the intent),
    from then on for as long as it takes. `what` is what could not begin.
    """

    def waiting(ctx: Context) -> Outcome:
        try:
            return step(ctx)
        except Exception as error:
            if once.ends_it(ctx, error):
                ctx.store.release(ctx.vm)
                raise
            return _wait(ctx, error, what)

    return waiting


def _remove(ctx: Context) -> Outcome:
    ended = tasks.poll(ctx, "the removal of the backup is still running")
    if isinstance(ended, Wait):
        return ended
    own_config(ctx)
    volid = str(ctx.vm.intent["volid"])
    present = existing(ctx, storage_of(ctx))
    if volid not in {backup.volid for backup in present}:
        count(ctx, present)
        return Done(changed=ended is not None)
    if volid not in {backup.volid for backup in backups.removable(present, ctx.vm, ctx.mark)}:
        raise NeedsAttention(f"backup {volid} is protected, or was not made for service {ctx.vm.service_id}")
    if ended and not ended.ok and not ended.unknown:
        raise NotRemoved(f"backup {volid} could not be removed: {ended.text}")
    return _delete(ctx, volid)


def storage_of(ctx: Context) -> str:
    """The product's storage for backups, seen to be there and to take backups now. Raises NeedsAttention, StepError."""
    name, node = ctx.package.backup_storage, node_of(ctx)
    if name is None:
        raise NeedsAttention(f"the product of service {ctx.vm.service_id} has no backups storage")
    found = next((storage for storage in ctx.hypervisor.storages(node) if storage.name == name), None)
    if found is None or not found.enabled:
        raise NeedsAttention(f"backups storage {name} does not exist on node {node}, or is disabled there")
    if "backup" not in found.content:
        raise NeedsAttention(f"storage {name} on node {node} does not take backups")
    if not found.active:
        raise StepError(f"backups storage {name} is not active on node {node}", who="Proxmox admin")
    return name


def existing(ctx: Context, storage: str) -> list[Any]:
    """The backups of the VM on `storage` that the service may know of, the oldest first."""
    found = ctx.hypervisor.backups(node_of(ctx), storage, reserved_vmid(ctx), ctx.vm.since)
    return backups.listed(found, ctx.mark)


def count(ctx: Context, present: list[Any], **changes: Any) -> None:
    """Write down how many backups the service has, with `changes` of the VM's record."""
    ctx.store.note(ctx.vm, backups=len(backups.own(present, ctx.vm, ctx.mark)), **changes)


def _make(ctx: Context) -> Outcome:
    if busy := slots.queued_in_background(ctx):
        return busy
    upid = ctx.vm.task
    ended = tasks.poll(ctx, f"backup of VM {ctx.vm.vm_id} is still running", SHOWN)
    if isinstance(ended, Wait):
        return ended
    if not once.is_written_down(ctx):
        return _prepare(ctx, ended)
    present = existing(ctx, storage_of(ctx))
    if backups.by_id(present, ctx.mark, str(ctx.vm.intent["id"])):
        return _made(ctx, present)
    if upid and ended:
        raise NotMade(f"the backup of VM {ctx.vm.vm_id} failed: {_reason(ctx, upid, ended)}")
    return once.look_for(ctx, VZDUMP, f"backup of VM {ctx.vm.vm_id}", SHOWN)


def _reason(ctx: Context, upid: str, ended: tasks.Ended) -> str:
    """Why there is no backup. The end of the task says no more than "job errors"; its log has the line that tells."""
    if ended.ok:
        return "its task ended well, and yet there is no backup with our note"
    told = [line for line in ctx.hypervisor.task_log(upid, last=tasks.LOG_LINES) if line.startswith("ERROR: ")]
    return told[0] if told else ended.text or "nobody knows how its task ended"


def _prepare(ctx: Context, removed: tasks.Ended | None) -> Outcome:
    """Everything that may stand in the way is looked at before an old backup is touched."""
    own_config(ctx)
    node, vmid, purpose = node_of(ctx), reserved_vmid(ctx), str(ctx.vm.intent["purpose"])
    storage = storage_of(ctx)
    present = existing(ctx, storage)
    if purpose != MANUAL and backups.of_day(
        present, ctx.vm, ctx.mark, purpose, lambda made: ctx.clock.stamp(made)[:10]
    ):
        count(ctx, present, backup_day=purpose)
        return Skip(ALREADY_DONE)
    doomed = backups.surplus(present, ctx.vm, ctx.mark, ctx.package.backups)
    if doomed is None or (doomed and purpose == MANUAL):
        raise NoRoom(f"service {ctx.vm.service_id} has all the {ctx.package.backups} backups of its package")
    if any(task.running for task in ctx.hypervisor.find_tasks(node, type=VZDUMP, vmid=vmid)):
        raise errors.Busy(f"another backup of VM {vmid} is under way")
    if busy := slots.take_in_background(ctx, "backups", node, AT_ONCE):
        return busy
    if doomed:
        return _remove_oldest(ctx, doomed[0].volid, removed)
    once.write_down(ctx, VZDUMP)
    return once.begin(ctx, lambda: _start(ctx, storage), f"backup of VM {vmid} is still running", SHOWN)


def _start(ctx: Context, storage: str) -> str:
    intent = ctx.vm.intent
    return ctx.hypervisor.backup(
        node_of(ctx),
        reserved_vmid(ctx),
        storage,
        text=str(intent.get("text", "")),
        mark=ctx.mark,
        purpose=str(intent["purpose"]),
        id=str(intent["id"]),
    )


def _remove_oldest(ctx: Context, volid: str, removed: tasks.Ended | None) -> Outcome:
    if removed and not removed.ok and not removed.unknown:
        raise NotMade(f"the oldest backup {volid} could not be removed: {removed.text}")
    ctx.journal.record("backup_rotation", f"service {ctx.vm.service_id}", f"{volid} is removed to make room")
    return _delete(ctx, volid)


def _delete(ctx: Context, volid: str) -> Outcome:
    what, node = f"backup {volid} is being removed", node_of(ctx)
    return tasks.launch(ctx, lambda: ctx.hypervisor.delete_backup(node, volid), what) or Wait(what)


def _made(ctx: Context, present: list[Any]) -> Outcome:
    purpose = str(ctx.vm.intent["purpose"])
    count(ctx, present, **({} if purpose == MANUAL else {"backup_day": purpose}))
    ctx.store.release(ctx.vm)
    return Done(facts={SUMMARY: f"backup made, {ctx.vm.backups} of {ctx.package.backups}"})


def _wait(ctx: Context, error: Exception, what: str) -> Outcome:
    if not once.at_work(ctx) and ctx.clock.now() - float(ctx.vm.intent["asked_at"]) >= GIVE_UP:
        ctx.store.release(ctx.vm)
        raise NotMade(f"{what} of VM {ctx.vm.vm_id} could not begin within an hour: {error}") from error
    return Wait(str(error), again_in=once.RETRY)


make = patient("the backup", _make)
"""Make the backup that the intent describes, removing the oldest first when a scheduled one finds no room.

Raises NotMade, NoRoom, NeedsAttention.
"""

remove = patient("the removal of a backup", _remove)
"""Remove the backup `volid` of the intent; one that is gone already is fine. Raises NeedsAttention, NotRemoved."""
