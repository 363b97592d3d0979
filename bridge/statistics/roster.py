"""Which services have a VM whose traffic counts, and whether a VM of the cluster's list is theirs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from peewee import JOIN

from bridge.database import retry_lost_connection
from bridge.models.companion import VmidReservation
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.proxmox import Mark, Proxmox
from providers.proxmox.inventory import Guest
from statemachines.states import REMOVE


@dataclass(frozen=True)
class Owner:
    """A service with its VM as our records know it. `since` epoch seconds from when on the VMID is the service's, 0 = not known."""

    service_id: int
    server_id: int
    vmid: int | None
    name: str
    since: float


@retry_lost_connection
def owners() -> list[Owner]:
    """All services that have or are to have a VM, by number. Two queries, however many there are."""
    columns = (VmInfo.service_id, VmInfo.vm_id, VmInfo.vm_name, VmInfo.vm_status, Service.server)
    query = VmInfo.select(*columns).join(Service, JOIN.INNER, on=(Service.id == VmInfo.service_id)).tuples()
    rows = cast(Iterable[tuple[int, int | None, str | None, str | None, int | None]], query)
    since = _since()
    return sorted(
        (
            Owner(service, server or 0, vmid, name or "", since.get((service, vmid), 0.0))
            for service, vmid, name, status, server in rows
            if status != REMOVE
        ),
        key=lambda owner: owner.service_id,
    )


def _since() -> dict[tuple[int | None, int | None], float]:
    held = VmidReservation.select(VmidReservation.service_id, VmidReservation.vmid, VmidReservation.reserved_at)
    return {
        (row.service_id, row.vmid): row.reserved_at for row in held.where(VmidReservation.service_id.is_null(False))
    }


def is_of(owner: Owner, guest: Guest, install_id: str, proxmox: Proxmox) -> bool:
    """Whether the VM with the owner's VMID is the owner's: by our mark among its tags, or by its name.

    Only a VM that has neither is asked for its description. Raises what the cluster raises then.
    """
    if guest.template or guest.type != "qemu":
        return False
    mark = Mark(install_id, owner.service_id)
    tagged = Mark.read_tags(guest.tags)
    if tagged is not None or (owner.name and guest.name == owner.name):
        return tagged in (None, mark)
    config = proxmox.config(guest.node, guest.vmid)
    return config is not None and mark.is_ours(config)
