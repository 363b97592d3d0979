"""Single volumes of a storage: reading, describing, removing, uploading."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import free_volume
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.routes.storage import STORAGE
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.storage import Storage, Volume, VolumeId, check_volume_name, named_owner
from bridge.sandbox.proxmox.tasks import Task
from bridge.sandbox.proxmox.volume_rights import check_access, require_removal

VOLUME = STORAGE + "/{storage}/content/{volume}"

_NODE = {"type": "string", "format": "pve-node"}
_STORAGE = {"type": "string", "format": "pve-storage-id"}
_DESCRIBE = {
    "permissions": {"user": "all"},
    "parameters": {
        "node": _NODE,
        "storage": {**_STORAGE, "optional": 1},
        "volume": {"type": "string"},
        "notes": {"type": "string", "optional": 1},
        "protected": {"type": "boolean", "optional": 1},
    },
}
_UPLOAD = {
    "permissions": {"check": ["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]]},
    "parameters": {
        "node": _NODE,
        "storage": _STORAGE,
        "content": {"type": "string", "format": "pve-storage-content", "enum": ["iso", "vztmpl", "import"]},
        "filename": {"type": "string", "maxLength": 255},
        "tmpfilename-size": {"type": "integer", "optional": 1},
    },
}


@route("GET", VOLUME)
def read_volume(call: Call) -> dict[str, Any]:
    """Path, size and format of a volume, and what is said about a backup."""
    storage, volid, volume = _volume(call)
    if volume is None:
        raise ApiError(f"volume_size_info on '{volid}' failed")
    check_access(call, storage, volume)
    facts: dict[str, Any] = {"path": storage.file_name(volume), "size": volume.size, "used": volume.used}
    if volume.content != "backup":
        return {**facts, "format": volume.fmt}
    return {**facts, "format": "raw", "notes": volume.notes, "protected": int(volume.protected)}


@route("PUT", VOLUME, _DESCRIBE)
def describe_volume(call: Call) -> None:
    """Set notes and protection of a backup; notes of one that is gone are accepted."""
    storage, volid, volume = _volume(call)
    content, vmid = named_owner(volid.name)
    check_access(call, storage, volume or Volume(volid.name, content, "raw", 0, vmid))
    if content != "backup":
        raise ApiError(
            f"attribute '{'notes' if 'notes' in call.given else 'protected'}' is not supported for storage type"
        )
    if volume is None:
        return
    volume.notes = str(call.get("notes", volume.notes))
    volume.protected = bool(call.get("protected", volume.protected))


@route("DELETE", VOLUME)
def delete_volume(call: Call) -> str:
    """Remove a volume; one that is gone already is no error."""
    storage, volid, _ = _volume(call)
    content, vmid = named_owner(volid.name)
    require_removal(call, storage, content=content, vmid=vmid)

    def work(task: Task) -> Generator[Step, None, None]:
        yield Sleep(call.cluster.timing.of("imgdel"))
        volume = storage.on(call.node.name).get(volid.name)
        if volume is None and storage.holds_files:
            path = storage.file_name(Volume(volid.name, content, "raw", 0, vmid))
            task.say(f"disk image '{path}' does not exist")
        if volume and volume.protected:
            raise ApiError(f"cannot remove protected volume '{volid.name}' on '{storage.name}'")
        free_volume(call.cluster, call.node.name, str(volid))
        task.say(f"Removed volume '{volid}'")

    return call.start_task("imgdel", work, f"{vmid}@{storage.name}" if vmid else storage.name)


@route("POST", STORAGE + "/{storage}/upload", _UPLOAD)
def upload(call: Call) -> str:
    """Put a file onto a storage."""
    storage = call.cluster.storage(str(call.values["storage"]), call.node.name)
    content, short = str(call.values["content"]), str(call.values["filename"]).rpartition("/")[2]
    if content not in storage.content:
        raise ApiError(f"storage '{storage.name}' does not support '{content}' content")
    name = f"{content}/{short}"
    try:
        check_volume_name(storage, name)
    except ApiError:
        raise InvalidParameters({"filename": "wrong file extension"}) from None
    size = int(call.get("tmpfilename-size", 0))
    volume = Volume(name, content, short.rpartition(".")[2].lower(), size, used=size, created=int(call.now))

    def work(task: Task) -> Generator[Step, None, None]:
        yield Sleep(call.cluster.timing.of("imgcopy"))
        storage.on(call.node.name)[name] = volume
        target = storage.file_name(volume)
        task.say(f"starting file import from: /var/tmp/pveupload-{call.cluster.random_uuid().replace('-', '')}")
        task.say(f"target node: {call.node.name}", f"target file: {target}", f"file size is: {size}")
        task.say(f"command: cp -- /var/tmp/pveupload /{target}", "finished file import successfully")

    return call.start_task("imgcopy", work, "")


def _volume(call: Call) -> tuple[Storage, VolumeId, Volume | None]:
    """The storage, the id and (if it is there) the volume that the path names, with or without its storage."""
    text, expected = str(call.values["volume"]), call.get("storage")
    if ":" in text:
        volid = VolumeId.parse(text)
        if expected and volid.storage != expected:
            raise ApiError(f"storage ID missmatch ({volid.storage} != {expected})")
    else:
        volid = VolumeId(str(expected), text)
    storage = call.cluster.storage(volid.storage, call.node.name)
    check_volume_name(storage, volid.name)
    return storage, volid, storage.on(call.node.name).get(volid.name)
