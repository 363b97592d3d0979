"""Snapshots: taken within the package's limit, removed by whoever asks for it or by their age.

A snapshot's name is written down before it is asked for, so that one whose answer was lost is known again and never taken
twice. Those of the weekly schedule are told by their name and by our mark in their description; no client can choose either.
"""

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from statemachines.context import Context
from statemachines.engine import SUMMARY
from statemachines.errors import Kind, NeedsAttention, StepError
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.steps import removal, tasks, traces
from statemachines.steps.look import node_of, own_config, reserved_vmid
from statemachines.steps.snapshot_rules import expired, in_the_way, obstacle

NAME = "snapshot"  # the key of the intent, and of a run's facts, that names the snapshot
DESCRIPTION = "description"
WITH_RAM = "with_ram"
REMOVING = "removing"
REMOVED = "removed"
SCHEDULED = "Scheduled snapshot"


class SnapshotFailed(StepError):
    """Proxmox did not do it, and trying again by ourselves would be of no use."""

    kind = Kind.PERMANENT


@traces.patient
def take(ctx: Context) -> Outcome:
    """Take a snapshot, with the memory of a running VM unless the intent says otherwise. Skipped when there is an obstacle.

    Raises SnapshotFailed. The run's facts name the snapshot that was taken.
    """
    intent = ctx.vm.intent
    return _take(ctx, "s", str(intent.get(DESCRIPTION, "")), bool(intent.get(WITH_RAM, True)), lambda present: [])


@traces.tireless
def take_scheduled(ctx: Context) -> Outcome:
    """Take a snapshot of the disks; the oldest scheduled ones make room first, if the new one can be taken then.

    One that the client took is never removed, and nothing is when that would not be enough. Raises SnapshotFailed.
    """
    if ctx.vm.suspended:
        return Skip("suspended")
    description = f"{SCHEDULED}\n{ctx.mark.description}"
    return _take(ctx, "auto", description, False, lambda present: in_the_way(ctx, present))


@traces.patient
def remove(ctx: Context) -> Outcome:
    """Remove the snapshot that the intent names. Raises SnapshotFailed."""
    ended = tasks.poll(ctx, _at_work(ctx))
    if isinstance(ended, Wait):
        return ended
    own_config(ctx)
    present = listed(ctx)
    if waiting := _remove(ctx, wanted(ctx), present, ended):
        return waiting
    keep_count(ctx, len(present))
    return Done()


@traces.tireless
def remove_expired(ctx: Context) -> Outcome:
    """Remove all snapshots that are older than the product lets them become, one after the other. Raises SnapshotFailed."""
    ended = tasks.poll(ctx, _at_work(ctx))
    if isinstance(ended, Wait):
        return ended
    own_config(ctx)
    present = listed(ctx)
    begun = [snapshot for snapshot in present if snapshot.name == ctx.vm.intent.get(REMOVING)]
    for snapshot in begun or expired(present, ctx.package.snapshot_lifetime, ctx.clock.now()):
        if waiting := _remove(ctx, snapshot.name, present, ended):
            return waiting
    keep_count(ctx, len(present))
    removed = list(ctx.vm.intent.get(REMOVED, []))
    if not removed:
        return Skip("none is old enough")
    return Done(facts={REMOVED: removed, SUMMARY: f"removed: {', '.join(removed)}"})


def listed(ctx: Context) -> list[Any]:
    """The VM's snapshots, the oldest first."""
    return ctx.hypervisor.snapshots(node_of(ctx), reserved_vmid(ctx))


def keep_count(ctx: Context, number: int) -> None:
    """Write down how many snapshots the VM has."""
    if ctx.vm.snapshots != number:
        ctx.store.note(ctx.vm, snapshots=number)


def wanted(ctx: Context) -> str:
    """The name of the snapshot that the command is about."""
    name = str(ctx.vm.intent.get(NAME, ""))
    if not name:
        raise NeedsAttention(f"no snapshot of VM {ctx.vm.vm_id} is named")
    return name


def _take(
    ctx: Context, prefix: str, description: str, with_ram: bool, crowding: Callable[[Sequence[Any]], list[str]]
) -> Outcome:
    """Take a snapshot after those are removed that `crowding` names, unless there is still an obstacle without them."""
    what = _at_work(ctx)
    ended = tasks.poll(ctx, what)
    if isinstance(ended, Wait):
        return ended
    config, present = own_config(ctx), listed(ctx)
    node, vmid, name = node_of(ctx), reserved_vmid(ctx), str(ctx.vm.intent.get(NAME, ""))
    with_ram = with_ram and removal.status(ctx) == removal.RUNNING
    if name:
        if any(found.name == name and found.complete for found in present):
            keep_count(ctx, len(present))
            return Done(facts={NAME: name, SUMMARY: f"snapshot {name} taken"})
        if ended and not ended.unknown:
            keep_count(ctx, len(present))
        if waiting := _unless_failed(ctx, "qmsnapshot", f"take a snapshot of VM {vmid}", ended):
            return waiting
    else:
        going = crowding(present)
        if reason := obstacle(ctx, config, len(present) - len(going), with_ram):
            keep_count(ctx, len(present))
            return Skip(reason)
        for each in going:
            if waiting := _remove(ctx, each, present, ended):
                return waiting
        name = _new_name(ctx, prefix, present)

    def start() -> str:
        return ctx.hypervisor.take_snapshot(node, vmid, name, description=description, with_ram=with_ram)

    # Counted beforehand: should somebody take the VM away from us now, removeOldSnapshots will look at it all the same.
    keep_count(ctx, len(present) + 1)
    return traces.begin(ctx, "qmsnapshot", start, what, **{NAME: name})


def _remove(ctx: Context, name: str, present: Sequence[Any], ended: tasks.Ended | None) -> Wait | None:
    """Have a snapshot removed; None when it is not there (any more). `ended` = a task of this command that has just ended."""
    if not any(found.name == name for found in present):
        return None
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    begun = ctx.vm.intent.get(REMOVING) == name
    doing = f"remove snapshot {name} of VM {vmid}"
    if begun and (waiting := _unless_failed(ctx, "qmdelsnapshot", doing, ended)):
        return waiting
    removed = [*(each for each in ctx.vm.intent.get(REMOVED, []) if each != name), name]

    def start() -> str:
        return ctx.hypervisor.delete_snapshot(node, vmid, name)

    return traces.begin(ctx, "qmdelsnapshot", start, _at_work(ctx), **{REMOVING: name, REMOVED: removed})


def _unless_failed(ctx: Context, kind: str, doing: str, ended: tasks.Ended | None) -> Wait | None:
    """What was asked for and is not done: the task that is at it, None when there was none or nobody knows how it ended.

    Raises SnapshotFailed when it has failed.
    """
    if ended is None:
        return traces.recover(ctx, kind, _at_work(ctx))
    if not ended.unknown:
        raise SnapshotFailed(f"Could not {doing}: {ended.text}")
    return None


def _new_name(ctx: Context, prefix: str, present: Sequence[Any]) -> str:
    """A name that no snapshot of the VM has: the prefix and the local time."""
    stamp = re.sub(r"\D", "", ctx.clock.stamp(ctx.clock.now()))
    name = f"{prefix}{stamp[:8]}-{stamp[8:]}"
    taken = {found.name for found in present}
    others = (f"{name}-{number}" for number in count(2))
    return name if name not in taken else next(each for each in others if each not in taken)


def _at_work(ctx: Context) -> str:
    return f"a snapshot task of VM {ctx.vm.vm_id} is still running"
