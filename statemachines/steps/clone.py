"""Cloning the template: exactly one VM per service, whatever is cut, killed or answered twice."""

from collections.abc import Iterable
from typing import Any

from statemachines import errors
from statemachines.context import Context
from statemachines.errors import NeedsAttention, Temporary
from statemachines.outcome import Done, Outcome, Wait
from statemachines.steps import slots, tasks
from statemachines.steps.look import node_of, reserved_vmid
from statemachines.steps.optional import optional


def clone_template(ctx: Context) -> Outcome:
    """Clone the template to the reserved VMID on the template's node [C-51].

    Looks first: a VM under our VMID with our mark is adopted, a stranger's is left alone and another VMID taken, one that
    is still being cloned is waited for.
    """
    if busy := slots.queued(ctx):
        return busy
    ended = tasks.poll(ctx, f"clone of VM {ctx.vm.vm_id} is still running")
    if isinstance(ended, Wait):
        return ended
    template = _template(ctx)
    here = _find(ctx, template.node)
    if here is None:
        if ended and not ended.ok and not ended.unknown:
            ctx.store.release(ctx.vm)
            raise Temporary(f"Could not clone template {template.vmid} to VM {ctx.vm.vm_id}: {ended.text}. Will retry.")
        return _start(ctx, template)
    return _judge(ctx, template, here)


def _template(ctx: Context) -> Any:
    """The guest that the package's template VMID names. Raises NeedsAttention when it is missing or no template."""
    vmid = ctx.vm.template or ctx.package.template
    if vmid is None:
        raise NeedsAttention(f"no OS template is configured for service {ctx.vm.service_id}")
    guest = ctx.hypervisor.locate(vmid)
    if guest is None:
        raise NeedsAttention(f"template {vmid} does not exist on server {ctx.server_name}")
    if not guest.template:
        raise NeedsAttention(f"VM {vmid} on server {ctx.server_name} is not a template")
    return guest


def _find(ctx: Context, template_node: str) -> Any | None:
    """The configuration under our VMID: on the template's node (the cluster's list lags behind), else where it is listed."""
    vmid = reserved_vmid(ctx)
    config = ctx.hypervisor.config(template_node, vmid)
    if config is not None:
        if ctx.vm.node != template_node:
            ctx.store.note(ctx.vm, node=template_node)
        return config
    guest = ctx.hypervisor.locate(vmid)
    if guest is None or guest.node == template_node:
        return None
    ctx.store.note(ctx.vm, node=guest.node)
    return ctx.hypervisor.config(guest.node, vmid)


def _judge(ctx: Context, template: Any, config: Any) -> Outcome:
    """Decide about the VM that is there already."""
    if config.lock:
        # Until its first disk is copied a clone has neither name nor description: in flight, not foreign.
        return _wait_for_lock(ctx, template, config)
    if ctx.mark.is_ours(config):
        return _finish(ctx, config)
    return _take_another_vmid(ctx, "it carries no mark of ours")


def _take_another_vmid(ctx: Context, reason: str) -> Outcome:
    """Leave the reserved VMID alone for good and go on with the next one."""
    vmid = reserved_vmid(ctx)
    ctx.journal.record("vmid_given_up", f"VM {vmid} on server {ctx.server_name}", reason)
    ctx.store.give_up_vmid(ctx.vm)
    ctx.store.reserve_vmid(ctx.vm, ctx.package.first_vm_id, ctx.hypervisor.used_vmids())
    return Wait(f"VMID {vmid} is not usable: {reason}", again_in=0.0)


def _wait_for_lock(ctx: Context, template: Any, config: Any) -> Outcome:
    vmid, node = reserved_vmid(ctx), node_of(ctx)
    if config.lock in ("clone", "create") and not _is_being_cloned(ctx, template):
        now = ctx.hypervisor.config(node, vmid)
        if now is not None and now.lock == config.lock:
            # No token may remove the lock that a crashed node leaves behind: "Only root may use this option."
            raise NeedsAttention(
                f"VM {vmid} on node {node} was left locked ({config.lock}) by an interrupted clone; {_by_hand(vmid, node)}",
                who="Proxmox admin",
            )
    return Wait(f"VM {vmid} is locked ({config.lock})")


def _by_hand(vmid: int, node: str) -> str:
    return f"as root on {node}: qm unlock {vmid} && qm destroy {vmid} --purge"


def _is_being_cloned(ctx: Context, template: Any) -> bool:
    """Whether the template's node runs a clone of it: such a task is filed under the template's VMID."""
    tasks_of_template = ctx.hypervisor.find_tasks(template.node, type="qmclone", vmid=template.vmid)
    return any(task.running for task in tasks_of_template)


def _start(ctx: Context, template: Any) -> Outcome:
    vmid = reserved_vmid(ctx)
    if vmid == template.vmid:
        raise NeedsAttention(f"VMID {vmid} reserved for service {ctx.vm.service_id} is its own template")
    full = ctx.package.full_clone
    _check_feature(ctx, template, full)
    storage = _storage(ctx, template.node) if full else None
    if busy := slots.take(ctx, [template.node], [storage or "template's"] if full else []):
        return busy
    # An earlier VM with this VMID may have left its rules behind.
    optional(ctx, "clear_firewall", lambda: ctx.hypervisor.clear_firewall(template.node, vmid), default=None)
    ctx.store.note(ctx.vm, node=template.node)
    try:
        return tasks.launch(
            ctx,
            lambda: ctx.hypervisor.clone(
                template.node,
                template.vmid,
                vmid,
                name=ctx.vm.name,
                description=ctx.mark.description,
                full=full,
                storage=storage,
            ),
            f"clone of VM {vmid} is still running",
        ) or Wait(f"clone of VM {vmid} was accepted", again_in=0.0)
    except Exception as error:
        if errors.kind_of(error) is errors.Kind.CONFLICT:
            return Wait(f"VMID {vmid} exists already", again_in=0.0)
        if errors.left_stub(error):
            return _take_another_vmid(ctx, f"a busy node left a locked stub; {_by_hand(vmid, template.node)}")
        raise


def _check_feature(ctx: Context, template: Any, full: bool) -> None:
    if full:
        return
    if not optional(
        ctx, "clone_feature", lambda: ctx.hypervisor.has_feature(template.node, template.vmid, "clone"), default=True
    ):
        raise NeedsAttention(
            f"template {template.vmid} on node {template.node} lies on a storage without linked clones; "
            "choose Full Clone for the product"
        )


def _storage(ctx: Context, node: str) -> str | None:
    """The configured storage if the template's node has it; otherwise the migration maps to it [C-51].

    Raises NeedsAttention when no node has it: the VM would end on the template's storage, and nobody would know why.
    """
    wanted = ctx.package.system_disk.storage
    if wanted is None:
        return None
    if wanted in _with_images(ctx.hypervisor.storages(node)):
        return wanted
    everywhere = ctx.hypervisor.storages()
    if wanted not in _with_images(everywhere):
        known = any(storage.name == wanted for storage in everywhere)
        reason = "does not take disk images" if known else "does not exist"
        raise NeedsAttention(f"storage {wanted} {reason} on server {ctx.server_name}")
    return None


def _with_images(storages: Iterable[Any]) -> set[str]:
    """The names of those that take disk images."""
    return {storage.name for storage in storages if "images" in storage.content}


def _finish(ctx: Context, config: Any) -> Outcome:
    """The clone is complete and ours: learn its MAC, give the slots back."""
    ctx.store.release(ctx.vm)
    net = config.net(0)
    if net is not None and net.mac and not ctx.vm.mac:
        ctx.store.note(ctx.vm, mac=net.mac)
    return Done()
