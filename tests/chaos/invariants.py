"""What must hold after any crash, whatever pipeline ran: architecture, section 5. Written once, used by all pipelines."""

from collections import Counter
from typing import Any

from bridge.models.companion import AddressReservation, OutboxMessage, Slot, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.proxmox import Mark
from statemachines.states import READY
from tests.chaos.observed import INSTALL, Observed

READY_MAIL = "puqProxmoxKVM VM is ready"
WELCOME_MAIL = "puqProxmoxVKM Welcome Email"


def all_hold(rig: Observed, services: list[int], addresses: dict[int, tuple[int, int]]) -> None:
    """Every invariant of a finished deployment. `addresses`: service -> number of IPv4 and IPv6 addresses wanted."""
    everything_is_at_rest(rig, services)
    one_vm_per_service(rig, services)
    no_volume_is_stray(rig)
    addresses_fit(rig, addresses)
    each_mail_left_once(rig, services)


def everything_is_at_rest(rig: Observed, services: list[int]) -> None:
    """Right final state; no lease, task, slot or message is left over."""
    assert rig.states() == dict.fromkeys(services, READY), "\n".join(rig.lines[-30:])
    for work in VmWork.select():
        left = (work.due_at, work.lease_owner, work.task_upid, work.intent, work.attention_cause)
        assert left == (None,) * 5, f"service {work.service_id}: {left}"
    assert Slot.select().count() == 0
    assert {message.state for message in OutboxMessage.select()} == {"sent"}


def one_vm_per_service(rig: Observed, services: list[int]) -> None:
    """The cluster holds exactly one running VM for each service, under the VMID in its record, with our mark."""
    guests = {guest["vmid"]: guest for guest in rig.guests() if not guest.get("template")}
    records = {row.service_id: row.vm_id for row in VmInfo.select()}
    assert sorted(guests) == sorted(records[service] for service in services)
    assert len(set(records.values())) == len(records)
    for service, vmid in records.items():
        assert guests[vmid]["status"] == "running"
        assert Mark.read(rig.vm_config(vmid)["description"]) == Mark(INSTALL, service)
    reserved = {
        row.vmid: row.service_id for row in VmidReservation.select().where(VmidReservation.service_id.is_null(False))
    }
    assert reserved == {vmid: service for service, vmid in records.items()}


def no_volume_is_stray(rig: Observed) -> None:
    """Every disk image on the storages belongs to the configuration of a living VM."""
    used = {
        value.partition(",")[0] for guest in rig.guests() for value in map(str, rig.vm_config(guest["vmid"]).values())
    }
    used_names = {volume.rpartition("/")[2].rpartition(":")[2] for volume in used}
    for volume in rig.volumes():
        assert volume.rpartition("/")[2].rpartition(":")[2] in used_names, f"stray volume {volume}"


def addresses_fit(rig: Observed, wanted: dict[int, tuple[int, int]]) -> None:
    """As many addresses as the package has, none twice, none leaked, the same ones in WHMCS and in the book."""
    book: dict[int, list[str]] = {}
    for row in AddressReservation.select().order_by(AddressReservation.family, AddressReservation.position):
        book.setdefault(row.service_id, []).append(row.address)
    everything = [address for addresses in book.values() for address in addresses]
    assert not [address for address, times in Counter(everything).items() if times > 1]
    assert set(book) == {service for service, counts in wanted.items() if sum(counts)}
    for service, (ipv4, ipv6) in wanted.items():
        row = Service.get_by_id(service)
        shown = f"{row.dedicatedip or ''} {row.assignedips or ''}".split()
        held = book.get(service, [])
        assert sorted(shown) == sorted(held)
        assert (sum("." in address for address in held), sum(":" in address for address in held)) == (ipv4, ipv6)


def each_mail_left_once(rig: Observed, services: list[int]) -> None:
    """Welcome, then ready, once each."""
    for service in services:
        sent = [mail.template for mail in rig.whmcs.mails if mail.service_id == service]
        assert sent == [WELCOME_MAIL, READY_MAIL]


def vm_fits_package(rig: Observed, service: int) -> dict[str, Any]:
    """The VM of the rig's standard product is what the client bought; returns its configuration."""
    vmid = VmInfo.get_by_id(service).vm_id
    config = rig.vm_config(vmid)
    assert (int(config["cores"]), int(config["sockets"]), int(config["memory"])) == (2, 1, 2048)
    disks = {
        key: value
        for key, value in config.items()
        if key.rstrip("0123456789") in ("scsi", "virtio") and "cloudinit" not in str(value)
    }
    sizes = sorted(part for value in disks.values() for part in str(value).split(",") if part.startswith("size="))
    assert sizes == ["size=10G", "size=20G"], disks
    assert "mbps_rd=100" in " ".join(disks.values())
    assert "mbps_rd=50" in " ".join(disks.values())
    assert "bridge=vmbr0" in config["net0"]
    assert "firewall=1" in config["net0"]
    assert "rate=12" in config["net0"]
    assert config["ciuser"] == Service.get_by_id(service).username
    return config
