"""Operations on a living VM, each with what it finds, what is asked for, and what must hold in the end, whatever happened."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation, OutboxMessage, PendingRecord, Slot, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.sandbox.proxmox.timing import Timing
from statemachines.states import READY, REMOVE
from statemachines.steps.mail import UPGRADE
from statemachines.steps.terminate import SUCCEEDED
from tests.chaos import invariants
from tests.chaos.invariants import READY_MAIL
from tests.lifecycle.living import Facts, Living

BRISK = 10.0  # tasks end sooner, so that a run has few calls that only ask whether one has ended

Prepare = Callable[[Living, int], None]
Holds = Callable[[Living, int, Facts], None]


@dataclass(frozen=True)
class Scenario:
    """`prepare` is done to the ready VM before `operation` is asked for with `facts`; `holds` checks the end."""

    name: str
    operation: Operation
    prepare: Prepare
    holds: Holds
    template: int | None = None

    def begin(self, rig: Living) -> tuple[int, Facts]:
        """A VM that is ready, the client's data on its disks, and the operation asked for; the VM as it was."""
        rig.cluster.timing = Timing(speed=BRISK)
        service = rig.living()
        rig.write_data(service)
        self.prepare(rig, service)
        before = rig.facts(service)
        rig.forget()
        facts = {"template": self.template} if self.template else {}
        assert rig.ask(service, self.operation, **facts) == "success"
        return service, before


def nothing(rig: Living, service: int) -> None:
    """The VM is left as it is."""


def upgrade(rig: Living, service: int) -> None:
    """More of everything, fewer IPv4 and more IPv6 addresses."""
    rig.set_product(cpu="4", ram="4", sys_size="30", sys_mbps_rd="200", add_size="20", add_mbps_rd="80")
    rig.set_product(net_bandwidth="25", ipv4_count="1", ipv6_count="3", fw_policy_in="DROP")


def without_additional_disk(rig: Living, service: int) -> None:
    """The client gives the additional disk up; two snapshots still need it."""
    rig.snapshot(service, "monday")
    rig.snapshot(service, "tuesday")
    rig.choose(service, "Additional Disk", "0|no disk")


def upgraded(rig: Living, service: int, before: Facts) -> None:
    """The VM is what the new package says, on the same disks."""
    living(rig, service, (1, 3), [UPGRADE])
    after, config = rig.facts(service), rig.config(service)
    assert (after.vmid, after.name, after.mac, after.domain) == (before.vmid, before.name, before.mac, before.domain)
    assert (after.volumes, rig.data_on(service)) == (before.volumes, set(before.volumes))
    assert (int(config["cores"]), int(config["memory"])) == (4, 4096)
    system, additional = rig.disk(service), rig.disk(service, "scsi1")
    assert (system["size"], system["mbps_rd"], system["iops_wr"]) == ("30G", "200", "500")
    assert (additional["size"], additional["mbps_rd"]) == ("20G", "80")
    assert rig.card(service)["rate"] == "25"
    assert rig.firewall(service, "options")["policy_in"] == "DROP"
    addresses_reach_everything(rig, service)


def disk_removed(rig: Living, service: int, before: Facts) -> None:
    """The additional disk is gone with its volume and the snapshots; everything else is as it was."""
    living(rig, service, (2, 1), [UPGRADE])
    assert rig.snapshots(service) == []
    assert rig.facts(service).volumes == {"scsi0": before.volumes["scsi0"]}
    assert rig.data_on(service) == {"scsi0"}
    assert sum("additional_disk_deleted" in row for row in rig.module_log()) >= 1


def reinstalled(rig: Living, service: int, before: Facts) -> None:
    """A fresh VM under the old identity, with a new password."""
    living(rig, service, (2, 1), [READY_MAIL])
    after = rig.facts(service)
    assert (after.vmid, after.name, after.mac) == (before.vmid, before.name, before.mac)
    assert (after.addresses, after.domain) == (before.addresses, before.domain)
    assert after.password != before.password
    assert rig.guest_has_password(service)
    assert rig.data_on(service) == set()
    assert f"virtio={before.mac}" in rig.config(service)["net0"]
    invariants.vm_fits_package(rig, service)
    addresses_reach_everything(rig, service)


def redeployed(rig: Living, service: int, before: Facts) -> None:
    """A fresh VM; the old one is gone, and no trace of its data."""
    living(rig, service, (2, 1), [READY_MAIL])
    assert rig.data_on(service) == set()
    invariants.vm_fits_package(rig, service)
    addresses_reach_everything(rig, service)


def names_written(rig: Living, service: int, before: Facts) -> None:
    """Nothing but the records was touched."""
    living(rig, service, (2, 1), [])
    assert rig.facts(service) == before
    addresses_reach_everything(rig, service)


def terminated(rig: Living, service: int, before: Facts) -> None:
    """Nothing is left, and no mail was sent."""
    gone(rig, service)
    assert rig.mails_of(service) == []


def gone(rig: Living, service: int) -> None:
    """Nothing is left of the VM, on the cluster and in WHMCS, and the client reads so once."""
    assert rig.states() == {service: REMOVE}, "\n".join(rig.lines[-30:])
    at_rest(rig)
    assert [guest["vmid"] for guest in rig.guests() if not guest["template"]] == []
    invariants.no_volume_is_stray(rig)
    assert VmidReservation.select().where(VmidReservation.service_id == service).count() == 0
    assert AddressReservation.select().count() == 0
    row, record = Service.get_by_id(service), VmInfo.get_by_id(service)
    assert (row.dedicatedip, row.assignedips, row.domain) == ("", "", "")
    identity = (record.vm_id, record.vm_name, record.vm_net0_mac, record.vm_rev_dns, record.vm_backup_schedule)
    assert identity == (None,) * 5
    assert [text for text in rig.activity() if "terminat" in text] == [SUCCEEDED]
    assert (rig.names.forward, rig.names.pointers) == ({}, 0)
    assert PendingRecord.select().count() == 0


def living(rig: Living, service: int, counts: tuple[int, int], mails: list[str]) -> None:
    """What holds for every VM that is ready again: `counts` of IPv4 and IPv6 addresses, `mails` that were sent since."""
    assert rig.states() == {service: READY}, "\n".join(rig.lines[-30:])
    at_rest(rig)
    invariants.one_vm_per_service(rig, [service])
    invariants.no_volume_is_stray(rig)
    invariants.addresses_fit(rig, {service: counts})
    assert rig.mails_of(service) == mails


def at_rest(rig: Living) -> None:
    """No lease, task, slot or message is left over, and nothing waits for a person."""
    for work in VmWork.select():
        left = (work.due_at, work.task_upid, work.intent, work.attention_cause, work.pending_action)
        assert left == (None,) * 5, f"service {work.service_id}: {left}"
        assert work.lease_owner is None
    assert Slot.select().count() == 0
    assert {message.state for message in OutboxMessage.select()} == {"sent"}


def addresses_reach_everything(rig: Living, service: int) -> None:
    """Anti-spoofing set, cloud-init, reverse names and WHMCS tell the same addresses."""
    held = rig.addresses(service)
    allowed = rig.firewall(service, "ipset/ipfilter-net0")
    assert len(allowed) == len(held)
    assert f"ip={held[0]}/" in rig.config(service)["ipconfig0"]
    assert set(json.loads(VmInfo.get_by_id(service).vm_rev_dns or "{}")) == set(held)
    records_fit(rig, service)


def records_fit(rig: Living, service: int) -> None:
    """The DNS has the primary addresses under the VM's name, a reverse name for every address, and nothing else."""
    held, domain = rig.addresses(service), rig.facts(service).domain
    firsts = [next((ip for ip in held if mark in ip), None) for mark in ".:"]
    assert rig.names.forward == {domain: [ip for ip in firsts if ip]}
    assert rig.names.reverse(held) == dict.fromkeys(held, domain)
    assert rig.names.pointers == len(held)
    assert PendingRecord.select().count() == 0


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("change package", Operation.CHANGE_PACKAGE, upgrade, upgraded),
        Scenario("give up the additional disk", Operation.CHANGE_PACKAGE, without_additional_disk, disk_removed),
        Scenario("reinstall", Operation.REINSTALL, nothing, reinstalled, template=9000),
        Scenario("terminate", Operation.TERMINATE, nothing, terminated),
        Scenario("set DNS records", Operation.SET_DNS_RECORDS, nothing, names_written),
        Scenario("redeploy", Operation.REDEPLOY, nothing, redeployed),
    )
}
