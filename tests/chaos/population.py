"""Many VMs that are ready, as deploys of some days ago have left them; made at once, where two hundred deploys take minutes."""

from typing import Any

from bridge.models.companion import VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.sandbox.proxmox import Cluster
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.storage import Volume, image_name
from providers.proxmox import Mark
from tests.chaos.observed import INSTALL
from tests.chaos.processes import Installation

FIRST = 2000
STORAGE = "ceph-vm"
GIB = 1 << 30
AGE = 10 * 86_400.0  # seconds that the VMIDs have been ours


def populate(installation: Installation, count: int) -> list[int]:
    """So many services whose stopped VMs fit their records; returns the services."""
    nodes = sorted(installation.cluster.nodes)
    services = [installation.shop.order(f"living-{number}") for number in range(count)]
    now = installation.cluster.clock.now()
    for number, service in enumerate(services):
        vmid, node = FIRST + number, nodes[number % len(nodes)]
        name = f"vm-{service}"
        with installation.cluster.mutex:
            _guest(installation.cluster, vmid, node, name, Mark(INSTALL, service), now - AGE)
        VmInfo.create(service_id=service, vm_id=vmid, vm_name=name, vm_status="ready")
        server = installation.shop.server_id
        VmWork.create(service_id=service, server_id=server, node=node, created_at=now - AGE)
        VmidReservation.create(cluster=f"server:{server}", vmid=vmid, service_id=service, reserved_at=now - AGE)
        Service.update(domain=f"{name}.example.com", domainstatus="Active").where(Service.id == service).execute()
    return services


def _guest(cluster: Cluster, vmid: int, node: str, name: str, mark: Mark, created: float) -> None:
    storage = cluster.storage(STORAGE, node)
    disk = image_name(storage, vmid, f"vm-{vmid}-disk-0", "raw")
    storage.on(node)[disk] = Volume(disk, "images", "raw", 3 * GIB, vmid, used=GIB, created=int(created))
    config: dict[str, Any] = {
        "name": name,
        "description": mark.description,
        "tags": mark.tag,
        "cores": 2,
        "sockets": 1,
        "memory": "2048",
        "net0": f"virtio={cluster.random_mac()},bridge=vmbr0",
        "scsi0": f"{STORAGE}:{disk},size=3G",
        "boot": "order=scsi0",
    }
    cluster.guests[vmid] = Guest(vmid, node, config, created=created)
