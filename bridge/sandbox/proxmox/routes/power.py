"""Starting, stopping and pausing VMs."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError, no_config_found
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.machine import (
    obeys_power_button,
    start_machine,
    state_storage,
    stop_machine,
    suspend_to_disk,
)
from bridge.sandbox.proxmox.routes.config import check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS
from bridge.sandbox.proxmox.vm_status import current_status

STATUS = "/nodes/{node}/qemu/{vmid}/status"

Steps = Generator[Step, None, None]


@route("GET", STATUS)
def actions(call: Call) -> list[dict[str, str]]:
    """What can be asked for."""
    return [{"subdir": name} for name in ("current", "start", "stop", "reset", "shutdown", "suspend", "reboot")]


@route("GET", STATUS + "/current")
def current(call: Call) -> dict[str, Any]:
    """The VM's state."""
    return current_status(call.cluster, call.guest())


@route("POST", STATUS + "/start")
def start(call: Call) -> str:
    """Start a VM; one that runs already makes the task fail."""
    call.root_only("stateuri", "skiplock", "migratedfrom", "migration_type", "migration_network", "targetstorage")

    def work(task: Task) -> Steps:
        call.guest()
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest = call.guest()
        if guest.is_template:
            raise ApiError("you can't start a vm if it's a template")
        if guest.run and guest.lock == "backup":
            # A backup runs on the same QEMU process: this only lets a paused guest go on.
            guest.run.paused = False
            return
        check_lock(guest, skip=call.flag("skiplock"), allow="suspended")
        yield from start_machine(call.cluster, task, guest)

    return call.start_task("qmstart", work)


@route("POST", STATUS + "/stop")
def stop(call: Call) -> str:
    """Switch a VM off; with `overrule-shutdown` a waiting shutdown is ended first."""
    call.root_only("skiplock", "keepActive", "migratedfrom")

    def work(task: Task) -> Steps:
        guest = _found(call)
        if call.flag("overrule-shutdown"):
            yield from _overrule(call, task)
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        if guest.run:
            check_lock(guest, skip=call.flag("skiplock"))
            yield Sleep(call.cluster.timing.of("qmstop"))
            stop_machine(call.cluster, guest)

    return call.start_task("qmstop", work)


@route("POST", STATUS + "/shutdown")
def shutdown(call: Call) -> str:
    """Press the power button and wait; with `forceStop` switch off when the guest does not obey in time."""
    call.root_only("skiplock", "keepActive")
    if _is_paused(call) and not call.flag("forceStop"):
        raise ApiError("VM is paused - cannot shutdown")

    def work(task: Task) -> Steps:
        _found(call)
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest = _found(call)
        if guest.run:
            check_lock(guest, skip=call.flag("skiplock"))
            yield from _press_power_button(call, task, guest, force=call.flag("forceStop"))

    return call.start_task("qmshutdown", work)


@route("POST", STATUS + "/reboot")
def reboot(call: Call) -> str:
    """Shut down and start again, which also applies what is pending."""
    if _is_paused(call):
        raise ApiError("VM is paused - cannot shutdown")
    _running(call)

    def work(task: Task) -> Steps:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest = _found(call)
        check_lock(guest)
        if guest.run is None:
            return
        yield from _press_power_button(call, task, guest, force=False)
        # The VM's own watcher starts it again, after the task has ended.
        call.cluster.simulation.spawn(_start_again(call, guest))

    return call.start_task("qmreboot", work)


def _start_again(call: Call, guest: Guest) -> Steps:
    yield Sleep(1.0 / call.cluster.timing.speed)
    yield hold_config(guest.vmid, CONFIG_LOCK_SECONDS)
    silent = Task(guest.node, 0, 0, "qmstart", str(guest.vmid), str(call.who), call.now)
    yield from start_machine(call.cluster, silent, guest)


@route("POST", STATUS + "/reset")
def reset(call: Call) -> str:
    """Press the reset button."""
    call.root_only("skiplock")
    guest = _running(call)

    def work(task: Task) -> Steps:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        check_lock(guest, skip=call.flag("skiplock"))

    return call.start_task("qmreset", work)


@route("POST", STATUS + "/suspend")
def suspend(call: Call) -> str:
    """Pause a VM, or with `todisk` write its memory away and switch it off."""
    call.root_only("skiplock")
    guest = _running(call)
    if call.flag("todisk"):
        call.require(f"/vms/{call.vmid}", "VM.Config.Disk")
        storage = call.get("statestorage") or state_storage(guest)
        call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
        return call.start_task("qmsuspend", lambda task: suspend_to_disk(call.cluster, task, guest, storage))
    return call.start_task("qmpause", lambda task: _set_paused(call, guest, paused=True))


@route("POST", STATUS + "/resume")
def resume(call: Call) -> str:
    """Let a paused VM go on."""
    call.root_only("skiplock", "nocheck")
    guest = call.guest()
    if guest.lock == "suspended":
        return call.start_task("qmresume", lambda task: start_machine(call.cluster, task, guest))
    _running(call)
    return call.start_task("qmresume", lambda task: _set_paused(call, guest, paused=False))


def _set_paused(call: Call, guest: Guest, *, paused: bool) -> Steps:
    yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    if guest.run and guest.run.paused != paused:
        check_lock(guest, skip=call.flag("skiplock"), allow="backup")
        guest.run.paused = paused


def _is_paused(call: Call) -> bool:
    guest = call.cluster.guest_on(call.node.name, call.vmid)
    return bool(guest and guest.run and guest.run.paused)


def _found(call: Call) -> Guest:
    guest = call.cluster.guest_on(call.node.name, call.vmid)
    if guest is None:
        raise no_config_found(call.node.name, call.vmid)
    return guest


def _running(call: Call) -> Guest:
    guest = _found(call)
    if guest.run is None:
        raise ApiError(f"VM {guest.vmid} not running")
    return guest


def _overrule(call: Call, task: Task) -> Steps:
    waiting = [
        other
        for other in call.cluster.tasks.all()
        if other.running and other.type == "qmshutdown" and other.id == str(call.vmid)
    ]
    for other in waiting:
        call.cluster.tasks.stop(other)
    if waiting:
        task.say(f"overruled qmshutdown tasks: {', '.join(other.upid for other in waiting)}")
    yield Sleep(0.0)


def _press_power_button(call: Call, task: Task, guest: Guest, *, force: bool) -> Steps:
    """Wait for the guest to obey, `timeout` seconds (60 unless given). Raises ApiError when it does not."""
    patience = float(call.get("timeout", 60))
    needed = call.cluster.timing.of("qmshutdown")
    if obeys_power_button(call.cluster, guest) and needed <= patience:
        yield Sleep(needed)
    else:
        yield Sleep(patience)
        if not force:
            raise ApiError("VM quit/powerdown failed - got timeout")
        task.say("VM still running - terminating now with SIGTERM")
        yield Sleep(call.cluster.timing.of("qmstop"))
    stop_machine(call.cluster, guest)
