"""Reading and changing a VM's configuration."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.config_update import Change, change_config, check_balloon, read_change
from bridge.sandbox.proxmox.config_values import masked, typed
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest import Config, Guest
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS

CONFIG = "/nodes/{node}/qemu/{vmid}/config"


@route("GET", CONFIG)
def read_config(call: Call) -> Config:
    """The configuration with pending changes applied, or with `current` the active one."""
    guest = call.guest()
    name = call.get("snapshot")
    if name is not None:
        if name not in guest.snapshots:
            raise ApiError(f"snapshot '{name}' does not exist")
        config = dict(guest.snapshots[name])
    else:
        config = dict(guest.config) if call.flag("current") else guest.effective()
    return typed(call.cluster.schema, {**masked(config), "digest": guest.digest})


@route("GET", "/nodes/{node}/qemu/{vmid}/pending")
def read_pending(call: Call) -> list[dict[str, Any]]:
    """Every option with its value and what is to become of it."""
    guest = call.guest()
    current = typed(call.cluster.schema, masked(guest.config))
    pending = typed(call.cluster.schema, masked(guest.pending))
    items: list[dict[str, Any]] = []
    for key in sorted({*current, "digest"}):
        item: dict[str, Any] = {"key": key, "value": current.get(key, guest.digest)}
        if key in pending:
            item["pending"] = pending[key]
        elif key in guest.pending_delete:
            item["delete"] = 1
        items.append(item)
    items += [{"key": key, "pending": pending[key]} for key in sorted(set(pending) - set(current))]
    return items


@route("PUT", CONFIG)
def put_config(call: Call) -> Generator[Step, None, None]:
    """Change options at once; waits for the VM's file lock."""
    change = read_change(call)
    call.guest()
    yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    change_config(call, _checked_guest(call, change), change)


@route("POST", CONFIG)
def post_config(call: Call) -> Generator[Step, None, str | None]:
    """Change options in a task; lock, digest and VM are checked before there is one.

    A task that ends well within `background_delay` seconds is not named; one that fails within them is an error.
    """
    change = read_change(call)
    call.guest()
    yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    guest, delay = _checked_guest(call, change), float(call.get("background_delay", 0))

    def work(task: Task) -> Generator[Step, None, None]:
        task.say(f"update VM {guest.vmid}: {change.said}")
        yield Sleep(call.cluster.timing.of("qmconfig"))
        if not delay:
            yield hold_config(guest.vmid, CONFIG_LOCK_SECONDS)
        change_config(call, guest, change)

    upid, end = call.start_task("qmconfig", work), call.now + delay
    task = call.cluster.tasks.find(upid)
    while task and task.running and call.now < end:
        yield Sleep(0.1)
    if not task or task.running or not delay:
        return upid
    if task.exit_status != "OK":
        raise ApiError(f"failed to update VM {guest.vmid}: {task.exit_status}")
    return None


def _checked_guest(call: Call, change: Change) -> Guest:
    guest = call.guest()
    check_digest(call, guest)
    check_lock(guest, skip=call.flag("skiplock"))
    check_balloon(guest, change.values)
    return guest


def check_digest(call: Call, guest: Guest) -> None:
    """Raises ApiError when the caller read another version of the configuration."""
    digest = call.get("digest")
    if digest and digest != guest.digest:
        raise ApiError("checksum mismatch (file change by other user?)")


def check_lock(guest: Guest, *, skip: bool = False, allow: str = "") -> None:
    """Raises ApiError when the configuration carries a lock other than `allow`."""
    if guest.lock and not skip and guest.lock != allow:
        raise ApiError(f"VM is locked ({guest.lock})")
