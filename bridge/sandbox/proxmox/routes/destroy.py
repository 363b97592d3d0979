"""Destroying VMs."""

import re
from collections.abc import Generator

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import drives_of, free_volume, has_children, referenced
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.storage import VolumeId
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS


@route("DELETE", "/nodes/{node}/qemu/{vmid}")
def destroy(call: Call) -> str:
    """Remove a stopped VM with its volumes, and with `purge` also from pools and jobs."""
    call.root_only("skiplock")
    _check(call, call.guest())

    def work(task: Task) -> Generator[Step, None, None]:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest = call.guest()
        _check(call, guest)
        check_lock(guest, skip=call.flag("skiplock"), allow="suspended")
        _check_no_children(call, guest)
        yield Sleep(call.cluster.timing.of("qmdestroy"))
        _remove(call, task, guest)

    return call.start_task("qmdestroy", work)


def _check(call: Call, guest: Guest) -> None:
    if guest.config.get("protection"):
        raise ApiError(f"can't remove VM {guest.vmid} - protection mode enabled")
    if guest.vmid in call.cluster.ha_services and not call.flag("purge"):
        raise ApiError(f"unable to remove VM {guest.vmid} - used in HA resources and purge parameter not set.")
    if guest.run:
        raise ApiError(f"VM {guest.vmid} is running - destroy failed")


def _check_no_children(call: Call, guest: Guest) -> None:
    for drive in drives_of(guest.config):
        if not drive.has_volume:
            continue
        parsed = VolumeId.parse(drive.file)
        storage = call.cluster.storages.get(parsed.storage)
        if storage and has_children(storage, guest.node, parsed.name):
            raise ApiError(f"base volume '{drive.file}' is still in use by linked cloned")


def _remove(call: Call, task: Task, guest: Guest) -> None:
    cluster = call.cluster
    for volid in sorted(referenced(guest.config) | _states(guest)):
        volume = cluster.volume(guest.node, volid)
        if volume is not None and volume.vmid == guest.vmid:
            volume.snapshots.clear()
            free_volume(cluster, guest.node, volid)
    if call.flag("destroy-unreferenced-disks"):
        _remove_unreferenced(call, guest)
    del cluster.guests[guest.vmid]
    cluster.firewalls.pop(guest.vmid, None)
    if call.flag("purge"):
        task.say(f"purging VM {guest.vmid} from related configurations..")
        cluster.ha_services.discard(guest.vmid)
    for pool in cluster.pools.values():
        pool.vms.discard(guest.vmid)
    cluster.access.forget(f"/vms/{guest.vmid}")


def _states(guest: Guest) -> set[str]:
    configs = [guest.config, *guest.snapshots.values()]
    return {str(config["vmstate"]) for config in configs if config.get("vmstate")}


def _remove_unreferenced(call: Call, guest: Guest) -> None:
    own = re.compile(rf"(?:^|/)(?:vm|base)-{guest.vmid}-")
    for storage in call.cluster.storages.values():
        if "images" in storage.content and storage.is_on(guest.node):
            volumes = storage.on(guest.node)
            for name in [n for n, volume in volumes.items() if volume.vmid == guest.vmid and own.search(n)]:
                del volumes[name]
