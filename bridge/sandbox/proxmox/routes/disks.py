"""Growing, moving and detaching disks."""

from collections.abc import Generator

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.clone_copy import copy_drive
from bridge.sandbox.proxmox.config_drives import require_images
from bridge.sandbox.proxmox.config_update import Change, change_config
from bridge.sandbox.proxmox.drives import Drive, add_unused, free_volume, storage_of
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.routes.config import check_digest, check_lock
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.sizes import parse_size, print_size
from bridge.sandbox.proxmox.storage import VolumeId
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS


@route("PUT", "/nodes/{node}/qemu/{vmid}/resize")
def resize(call: Call) -> str | Generator[Step, None, None]:
    """Grow a disk: in a task since qemu-server 8.0.2, at once before that."""
    call.root_only("skiplock")
    if call.cluster.version.startswith("7"):
        return _resize(call, None)
    return call.start_task("resize", lambda task: _resize(call, task))


def _resize(call: Call, task: Task | None) -> Generator[Step, None, None]:
    if call.cluster.guest_on(call.node.name, call.vmid):
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    yield Sleep(call.cluster.timing.of("resize"))
    guest = call.guest()
    check_digest(call, guest)
    check_lock(guest, skip=call.flag("skiplock"))
    key = str(call.values["disk"])
    if key not in guest.config:
        raise ApiError(f"disk '{key}' does not exist")
    drive = Drive.parse(key, str(guest.config[key]))
    if drive.is_cdrom:
        raise ApiError("you can't resize a cdrom")
    _grow(call, guest, drive, str(call.values["size"]), task)


def _grow(call: Call, guest: Guest, drive: Drive, wanted: str, task: Task | None) -> None:
    storage = storage_of(call.cluster, guest.node, drive)
    call.require(f"/storage/{storage.name}", "Datastore.AllocateSpace")
    volume = storage.on(guest.node).get(VolumeId.parse(drive.file).name)
    if volume is None:
        raise ApiError(f"volume '{drive.file}' does not exist")
    size = parse_size(wanted) + (volume.size if wanted.startswith("+") else 0)
    if size < volume.size:
        raise ApiError("shrinking disks is not supported")
    if size == volume.size:
        return
    volume.size = size
    options = {**drive.options, "size": print_size(size)}
    guest.config[drive.key] = str(Drive(drive.key, drive.file, options))
    # QEMU resizes the image of a running VM itself; qemu-img, which prints this line, is for stopped ones.
    if task and guest.run is None:
        task.say("Image resized.")


@route("PUT", "/nodes/{node}/qemu/{vmid}/unlink")
def unlink(call: Call) -> Generator[Step, None, None]:
    """Detach disks; with `force` their volumes are removed."""
    call.guest()
    yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
    guest = call.guest()
    check_lock(guest)
    change_config(call, guest, Change(delete=split_list(str(call.values["idlist"])), force=call.flag("force")))


@route("POST", "/nodes/{node}/qemu/{vmid}/move_disk")
def move_disk(call: Call) -> str:
    """Copy a disk to another storage; the old volume stays as unusedN unless `delete` is given."""
    call.guest()
    if "target-vmid" in call.given:
        raise ApiError("moving a disk to another VM is not part of this sandbox")
    _check_movable(call)
    call.require(f"/storage/{call.values['storage']}", "Datastore.AllocateSpace")

    def work(task: Task) -> Generator[Step, None, None]:
        yield hold_config(call.vmid, CONFIG_LOCK_SECONDS)
        guest, drive = _check_movable(call)
        made: list[str] = []
        seconds = call.cluster.timing.of("qmmove")
        moved = yield from copy_drive(call, task, guest, drive, made, full=True, seconds=seconds)
        guest.config[drive.key] = str(moved)
        if call.flag("delete"):
            free_volume(call.cluster, guest.node, drive.file)
        else:
            add_unused(guest.config, drive.file)

    return call.start_task("qmmove", work)


def _check_movable(call: Call) -> tuple[Guest, Drive]:
    guest, key = call.guest(), str(call.values["disk"])
    check_lock(guest)
    check_digest(call, guest)
    if key not in guest.config:
        raise ApiError(f"disk '{key}' does not exist")
    drive = Drive.parse(key, str(guest.config[key]))
    if drive.is_cdrom and not drive.is_cloudinit:
        raise ApiError("you can't move a cdrom")
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    volume = call.cluster.volume(guest.node, drive.file)
    same_format = call.get("format") in (None, volume.fmt if volume else "raw")
    if VolumeId.parse(drive.file).storage == storage.name and same_format:
        raise ApiError("you can't move to the same storage with same format")
    require_images(storage)
    if call.flag("delete") and volume and volume.snapshots:
        raise ApiError("you can't move a disk with snapshots and delete the source")
    return guest, drive
