"""Moving the fresh clone from the template's node to where it belongs."""

from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import Busy
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.steps import iso, slots, tasks
from statemachines.steps.look import node_of, own_config, reserved_vmid
from statemachines.steps.target import choose_target, storage_after

SAME_NODE = "same node"
DISABLED = "migration disabled"
NO_TARGET = "no suitable node"
NEEDS_FULL_CLONE = "Full Clone is needed to leave the template's node"
FAILED = "migration failed, the VM stays"


def to_target_node(ctx: Context) -> Outcome:
    """Migrate the stopped VM to the target node, its disks mapped to the target's storage.

    Where nothing suits, or the migration fails, the VM stays on its node and the deployment goes on there.
    """
    if busy := slots.queued(ctx):
        return busy
    ended = tasks.poll(ctx, f"migration of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    if ended is not None or ctx.vm.intent.get("target"):
        return _look_where_it_is(ctx, ended)
    if not ctx.tuning.migration_enabled:
        return Skip(DISABLED)
    config = own_config(ctx)
    target = choose_target(ctx, config)
    if target is None:
        return Skip(NO_TARGET)
    if target == node_of(ctx):
        return Skip(SAME_NODE)
    if _bound_to_base(ctx, config):
        return Skip(NEEDS_FULL_CLONE)
    return _start(ctx, config, target)


def _start(ctx: Context, config: Any, target: str) -> Outcome:
    source, vmid = node_of(ctx), reserved_vmid(ctx)
    if busy := slots.take(ctx, [source, target]):
        return busy
    iso.eject_local(ctx, config)
    ctx.store.note(ctx.vm, intent={**ctx.vm.intent, "target": target})
    storage = storage_after(ctx, config)
    what = f"migration of VM {vmid} is still running"
    try:
        return tasks.launch(
            ctx, lambda: ctx.hypervisor.migrate(source, vmid, target, targetstorage=storage), what
        ) or Wait(what, again_in=0.0)
    except Exception as error:
        if errors.outcome_unknown(error) or errors.is_busy(error) or errors.kind_of(error) is errors.Kind.BUG:
            raise
        return _stay(ctx, str(error))


def _look_where_it_is(ctx: Context, ended: tasks.Ended | None) -> Outcome:
    """A migration was asked for: believe where the VM is, not what the task said."""
    vmid, target = reserved_vmid(ctx), ctx.vm.intent.get("target")
    guest = ctx.hypervisor.locate(vmid)
    if guest is None:
        raise Busy(f"VM {vmid} is between two nodes")
    if guest.node != ctx.vm.node:
        ctx.store.note(ctx.vm, node=guest.node)
    own_config(ctx)
    if node_of(ctx) == target:
        ctx.store.release(ctx.vm)
        return Done()
    if ended is not None and not ended.unknown:
        return _stay(ctx, ended.text)
    ctx.store.note(ctx.vm, intent={key: value for key, value in ctx.vm.intent.items() if key != "target"})
    return Wait(f"migration of VM {vmid} to {target} was not started", again_in=0.0)


def _stay(ctx: Context, reason: str) -> Outcome:
    ctx.journal.record(
        "migrate_failed", f"VM {ctx.vm.vm_id} from {ctx.vm.node} to {ctx.vm.intent.get('target')}", reason
    )
    ctx.store.release(ctx.vm)
    return Skip(FAILED)


def _bound_to_base(ctx: Context, config: Any) -> bool:
    """Whether a disk is a linked clone on storage that only its node has: Proxmox refuses to move it off its base."""
    shared = {storage.name for storage in ctx.hypervisor.storages(node_of(ctx)) if storage.shared}
    return any("/" in disk.volume and "base-" in disk.volume and disk.storage not in shared for disk in config.disks())
