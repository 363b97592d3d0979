"""Cloning a VM or template, and turning a VM into a template."""

from collections.abc import Generator
from copy import deepcopy
from dataclasses import replace

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.clone_copy import copy_drive
from bridge.sandbox.proxmox.clone_plan import Plan, check_clone, make_plan
from bridge.sandbox.proxmox.drives import Drive, free_volume, storage_of
from bridge.sandbox.proxmox.failures import ApiError, Interrupted
from bridge.sandbox.proxmox.firewall import Firewall
from bridge.sandbox.proxmox.guest import Guest, disk_keys
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import LockTimeout, Sleep, Step
from bridge.sandbox.proxmox.storage import VolumeId
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CLONE_LOCK_SECONDS, CONFIG_LOCK_SECONDS


@route("POST", "/nodes/{node}/qemu/{vmid}/clone")
def clone_vm(call: Call) -> str:
    """Copy a VM. The task carries the source's VMID; the new VM is a locked stub until its disks are there."""
    source = call.cluster.guest_on(call.node.name, call.vmid)
    full = bool(call.get("full", source is not None and not source.is_template))
    running = check_clone(call, full_copy=full).run is not None

    def work(task: Task) -> Generator[Step, None, None]:
        # A running source is locked against others, a stopped one is shared by several clones at a time.
        yield hold_config(call.vmid, CLONE_LOCK_SECONDS, shared=not running)
        yield hold_config(int(call.values["newid"]), CLONE_LOCK_SECONDS)
        checked = check_clone(call, full_copy=full)
        yield from _clone(call, task, checked, make_plan(call, checked, full_copy=full))

    return call.start_task("qmclone", work)


def _clone(call: Call, task: Task, source: Guest, plan: Plan) -> Generator[Step, None, None]:
    cluster = call.cluster
    copy = Guest(int(call.values["newid"]), source.node, {"lock": "clone"}, created=call.now)
    cluster.guests[copy.vmid] = copy
    # The source's firewall file replaces whatever lay there for the new VMID.
    cluster.firewalls[copy.vmid] = deepcopy(cluster.firewalls.get(source.vmid, Firewall()))
    made: list[str] = []
    seconds = cluster.timing.of("qmclone")
    try:
        # The stub without a name is visible until the first disk has been copied.
        yield Sleep(0.1 * seconds)
        for number, drive in enumerate(plan.drives, 1):
            share = 0.0 if drive.is_cloudinit else 0.9 * seconds / _real_disks(plan)
            copied = yield from copy_drive(call, task, copy, drive, made, full=plan.full[drive.key], seconds=share)
            copy.config = {**plan.config, **_so_far(copy), drive.key: str(copied), "lock": "clone"}
            if number == len(plan.drives):
                break
    except (ApiError, LockTimeout, Interrupted) as error:
        yield from _undo(call, copy, made)
        reason = str(error) if not isinstance(error, Interrupted) else "interrupted by signal"
        raise ApiError(f"clone failed: {reason}") from error
    copy.config = {**plan.config, **_so_far(copy)}
    if source.pending:
        # Printed by Perl's `warn`, which does not count as a warning of the task.
        task.say(f"found pending changes for '{','.join(sorted(source.pending))}', discarding for clone")
    copy.node = plan.target
    if call.get("pool"):
        cluster.pools[call.values["pool"]].vms.add(copy.vmid)


def _so_far(copy: Guest) -> dict[str, str]:
    return {key: str(copy.config[key]) for key in disk_keys(copy.config)}


def _real_disks(plan: Plan) -> int:
    return max(sum(1 for drive in plan.drives if not drive.is_cloudinit), 1)


def _undo(call: Call, copy: Guest, made: list[str]) -> Generator[Step, None, None]:
    yield Sleep(1.0 / call.cluster.timing.speed)
    for volid in made:
        free_volume(call.cluster, copy.node, volid)
    call.cluster.firewalls.pop(copy.vmid, None)
    call.cluster.guests.pop(copy.vmid, None)


@route("POST", "/nodes/{node}/qemu/{vmid}/template")
def make_template(call: Call) -> str:
    """Turn a stopped VM into a template; refused at once where it cannot be."""
    _check_convertible(call)

    def work(task: Task) -> Generator[Step, None, None]:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest = _check_convertible(call)
        yield Sleep(call.cluster.timing.of("qmtemplate"))
        guest.config["template"] = 1
        for key in disk_keys(guest.config):
            drive = Drive.parse(key, str(guest.config[key]))
            if drive.has_volume and not drive.is_cdrom:
                guest.config[key] = str(_as_base(call, guest, drive))

    return call.start_task("qmtemplate", work)


def _check_convertible(call: Call) -> Guest:
    guest = call.guest()
    check_lock(guest)
    if guest.snapshots:
        raise ApiError("unable to create template, because VM contains snapshots")
    if guest.is_template and not call.get("disk"):
        raise ApiError("you can't convert a template to a template")
    if guest.run:
        raise ApiError("you can't convert a VM to template if VM is running")
    return guest


def _as_base(call: Call, guest: Guest, drive: Drive) -> Drive:
    storage = storage_of(call.cluster, guest.node, drive)
    volumes = storage.on(guest.node)
    old = VolumeId.parse(drive.file).name
    folder, slash, short = old.rpartition("/")
    new = folder + slash + short.replace("vm-", "base-", 1)
    volumes[new] = replace(volumes.pop(old), name=new)
    return replace(drive, file=f"{storage.name}:{new}")
