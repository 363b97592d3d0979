"""Reading, editing, resetting and deleting a VM's record, and giving a service an existing VM."""

import json

import pytest

from bridge.lifecycle.records import COLUMNS, JSON_COLUMNS, RESET_TARGETS, RecordRefused
from bridge.models.companion import VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.proxmox import Mark
from statemachines import states
from tests.chaos.observed import INSTALL
from tests.commands.conftest import Desk, Open

OTHERS = sorted((set(states.DEPLOY_STATES) | {states.REINSTALL, "cp_stop", "nonsense", ""}) - set(RESET_TARGETS))


@pytest.mark.req("VMM-23")
def test_the_record_shows_the_documented_columns_of_its_row(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    record = rig.house.records.show(service)
    row = rig.record(service)
    assert list(record) == ["service_id", *COLUMNS]
    assert (record["vm_id"], record["vm_status"], record["vm_name"]) == (100, "ready", row.vm_name)
    assert json.loads(record["vm_last_action_log"]) == json.loads(row.vm_last_action_log or "")
    assert "\n" in record["vm_last_action_log"]


@pytest.mark.req("VMM-22")
def test_all_columns_but_the_service_can_be_edited(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.house.records.edit(service, {"vm_net0_mac": "BC:24:11:7F:40:9B", "vm_snapshots": "3"}) == [
        "vm_net0_mac",
        "vm_snapshots",
    ]
    row = rig.record(service)
    assert (row.vm_net0_mac, row.vm_snapshots) == ("BC:24:11:7F:40:9B", 3)
    with pytest.raises(RecordRefused, match="service_id cannot be edited"):
        rig.house.records.edit(service, {"service_id": "7"})


@pytest.mark.req("VMM-25")
@pytest.mark.parametrize("column", sorted(JSON_COLUMNS))
@pytest.mark.parametrize("text", ["{broken", '"text"', "3"])
def test_broken_json_is_refused(desk: Open, column: str, text: str) -> None:
    rig = desk()
    service = rig.order()
    with pytest.raises(RecordRefused, match=f"^{column} "):
        rig.house.records.edit(service, {column: text})


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("vm_id", "99"),
        ("vm_id", "-5"),
        ("vm_id", "abc"),
        ("vm_status", "running"),
        ("vm_net0_mac", "BC:24"),
        ("vm_name", "-name-"),
        ("vm_snapshots", "-1"),
        ("vm_backup_now_utid", "not a task"),
        ("vm_color", "red"),
    ],
)
def test_one_wrong_value_changes_nothing(desk: Open, column: str, text: str) -> None:
    rig = desk()
    service = rig.order()
    before = rig.house.records.show(service)
    with pytest.raises(RecordRefused, match=column):
        rig.house.records.edit(service, {"vm_backups": "4", column: text})
    assert rig.house.records.show(service) == before


def test_the_vmid_of_another_service_is_refused(desk: Open) -> None:
    rig = desk()
    first, second = rig.deploy(), rig.deploy()
    with pytest.raises(RecordRefused, match=f"VM 100 belongs to service {first}"):
        rig.house.records.edit(second, {"vm_id": "100"})


def test_an_edit_stops_a_run_that_knew_the_record_as_it_was(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    edited = []

    def edit_once(request: object, answer: object) -> None:
        if rig.states()[service] == "set_cpu_ram" and not edited:
            edited.append(rig.work(service).generation)
            rig.house.records.edit(service, {"vm_backups": "2"})

    rig.witnesses.append(edit_once)
    rig.run()
    assert rig.work(service).generation == edited[0] + 1
    assert rig.states()[service] == "ready"
    assert rig.record(service).vm_backups == 2


@pytest.mark.req("VMM-14")
@pytest.mark.parametrize("status", RESET_TARGETS)
def test_a_ready_vm_can_be_reset_to_every_documented_status(desk: Open, status: str) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.house.records.reset(service, status) == "ready"
    assert rig.states()[service] == status
    rig.run()
    assert rig.states()[service] == ("remove" if status in ("terminate", "remove") else "ready")
    assert rig.is_at_rest(service)


@pytest.mark.req("VMM-15")
@pytest.mark.parametrize("status", OTHERS)
def test_no_other_status_can_be_chosen(desk: Open, status: str) -> None:
    rig = desk()
    service = rig.order()
    with pytest.raises(RecordRefused, match="cannot be chosen"):
        rig.house.records.reset(service, status)
    assert rig.states()[service] == "creation"


@pytest.mark.req("VMM-16")
def test_reset_to_remove_leaves_proxmox_alone(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.sent.clear()
    rig.house.records.reset(service, "remove")
    rig.run()
    assert rig.sent == []
    assert rig.power(service) == "running"


@pytest.mark.parametrize("status", ["ready", "set_ip", "change_package", "set_dns_records"])
def test_a_status_that_needs_a_vm_is_refused_without_one(desk: Open, status: str) -> None:
    rig = desk()
    service = rig.order()
    with pytest.raises(RecordRefused, match="has no VMID"):
        rig.house.records.reset(service, status)


def test_a_vm_that_is_being_deleted_does_not_become_ready(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    VmInfo.update(vm_status="terminate").execute()
    VmWork.update(intent='{"destroying": true}').execute()
    with pytest.raises(RecordRefused, match="VM 100 is being deleted"):
        rig.house.records.reset(service, "ready")


@pytest.mark.req("VMM-26")
@pytest.mark.parametrize("status", ["remove", "error_terminate"])
def test_the_record_of_a_vm_that_is_gone_can_be_deleted(desk: Open, status: str) -> None:
    rig = desk()
    service = rig.deploy()
    VmInfo.update(vm_status=status).execute()
    before = Service.get_by_id(service).__data__
    rig.sent.clear()
    rig.house.records.delete(service)
    assert rig.states() == {}
    assert rig.sent == []
    assert Service.get_by_id(service).__data__ == before
    assert [(row.vmid, row.service_id) for row in VmidReservation.select()] == [(100, None)]


@pytest.mark.req("VMM-26")
@pytest.mark.parametrize("status", ["ready", "creation", "terminate"])
def test_no_other_record_can_be_deleted(desk: Open, status: str) -> None:
    rig = desk()
    service = rig.order()
    VmInfo.update(vm_status=status).execute()
    with pytest.raises(RecordRefused, match="error_terminate and remove only"):
        rig.house.records.delete(service)
    assert rig.states() == {service: status}


def made_by_hand(rig: Desk, vmid: int = 500) -> int:
    """A VM that somebody made at Proxmox, without any mark."""
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    template = proxmox.locate(9000)
    assert template is not None
    proxmox.clone(template.node, 9000, vmid, name="by-hand", description="web server", full=True)
    rig.clock.advance(600)
    rig.cluster.catch_up()
    return vmid


@pytest.mark.req("ADM-16")
def test_an_existing_vm_becomes_the_service_s(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    vmid = made_by_hand(rig)
    assert rig.house.adoption.adopt(service, vmid) == "success"
    assert (rig.record(service).vm_id, rig.record(service).vm_name) == (vmid, "by-hand")
    description = rig.vm_config(vmid)["description"]
    assert Mark.read(description) == Mark(INSTALL, service)
    assert "web server" in description
    reserved = {row.vmid: row.service_id for row in VmidReservation.select()}
    assert reserved == {100: None, vmid: service}
    assert rig.press(service, "VMStart") == "success"
    assert rig.power(service) == "running"


def test_a_service_without_a_record_can_be_given_a_vm(desk: Open) -> None:
    rig = desk()
    service = rig.shop.order("my-server")
    assert rig.house.adoption.adopt(service, made_by_hand(rig)) == "success"
    assert rig.states() == {service: "ready"}


@pytest.mark.req("ADM-16")
def test_a_vm_of_another_service_is_refused(desk: Open) -> None:
    rig = desk()
    first, second = rig.deploy(), rig.deploy()
    before = rig.house.records.show(second)
    rig.sent.clear()
    assert rig.house.adoption.adopt(second, 100) == "VM 100 carries the mark of another service"
    rig.cluster.guests[100].config |= {"description": "", "tags": ""}
    assert rig.house.adoption.adopt(second, 100) == f"VM 100 belongs to service {first}"
    assert rig.house.records.show(second) == before
    assert rig.writes() == []


@pytest.mark.parametrize(
    ("vmid", "answer"),
    [
        (9000, "VM 9000 is a template"),
        (777, "VM 777 does not exist on server"),
        (99, "99 is no VMID; they go from 100 to 999999999"),
    ],
)
def test_what_is_no_vm_is_refused(desk: Open, vmid: int, answer: str) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.house.adoption.adopt(service, vmid).startswith(answer)
    assert rig.record(service).vm_id == 100


def test_a_vm_is_not_set_while_a_pipeline_is_at_work(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    answer = rig.house.adoption.adopt(service, made_by_hand(rig))
    assert answer == f"VM 500 cannot be set now: the VM of service {service} is deploying (status creation)"
