"""Who may see and remove a volume: rights on the storage, and on the VM that it belongs to."""

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.storage import Storage, Volume

_SHARED_KINDS = ("iso", "vztmpl", "import")


def check_access(call: Call, storage: Storage, volume: Volume) -> None:
    """Raises ApiError (Refused, mostly) unless the sender may see a volume."""
    path = f"/storage/{storage.name}"
    if call.may(path, "Datastore.Allocate"):
        return
    if volume.content in _SHARED_KINDS:
        call.require(path, "Datastore.AllocateSpace", "Datastore.Audit", any_of=True)
    elif volume.content == "backup" and volume.vmid:
        call.require(path, "Datastore.AllocateSpace")
        call.require(f"/vms/{volume.vmid}", "VM.Backup")
    elif volume.content in ("images", "rootdir") and volume.vmid:
        call.require(path, "Datastore.Audit")
        call.require(f"/vms/{volume.vmid}", "VM.Config.Disk")
    else:
        raise ApiError(f"missing privileges to access {storage.name}:{volume.name}")


def require_removal(call: Call, storage: Storage, *, content: str, vmid: int | None) -> None:
    """Raises Refused unless the sender may remove a volume of that kind."""
    path = f"/storage/{storage.name}"
    if content == "backup" and vmid:
        call.require(path, "Datastore.AllocateSpace")
        call.require(f"/vms/{vmid}", "VM.Backup")
    else:
        call.require(path, "Datastore.Allocate")
