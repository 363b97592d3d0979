"""Rolling back: what Proxmox restores, and what is then made to fit the package and the service again."""

from collections.abc import Callable

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.companion import Slot
from bridge.runs import load
from bridge.sandbox.proxmox.storage import Volume
from bridge.vm_context import VmContext
from statemachines.steps.look import own_config
from tests.commands.browser import Browser
from tests.commands.conftest import Desk, Open
from tests.commands.test_snapshots import by_hand, on_proxmox, take
from tests.deploy.installation import Installation

ROOM = {"snapshots": "3"}


def roll_back(rig: Desk, service: int, name: str) -> None:
    """The client presses Rollback and waits until it is done."""
    answer = Browser(rig).press(service, "snapshot_rollback", name=name)
    assert isinstance(answer, dict), answer
    rig.run()
    assert rig.is_at_rest(service), rig.log(service)


def change_package(rig: Desk, service: int, **settings: str) -> None:
    rig.set_product(**settings)
    assert rig.house.requests.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.run()


def rollbacks(rig: Desk) -> int:
    """How many times Proxmox rolled the VM back."""
    return sum(task.type == "qmrollback" for task in rig.cluster.tasks.all())


def volume_of(rig: Installation, service: int, key: str) -> Volume:
    """A disk's volume on its storage."""
    storage, _, name = rig.disk(service, key)["file"].partition(":")
    (found,) = [place[name] for place in rig.cluster.storages[storage].volumes.values() if name in place]
    return found


@pytest.mark.req("SNP-22")
def test_after_a_rollback_the_vm_fits_the_package_that_it_has_by_now(desk: Open) -> None:
    rig = desk(**ROOM, ipv4_count="1")
    service = rig.deploy()
    name = take(rig, service, ram="0")
    mac, old_ip = rig.record(service).vm_net0_mac, rig.cloudinit(service)["ip"]
    change_package(rig, service, cpu="4", ram="4", sys_size="30", sys_mbps_rd="200", add_size="20", net_bandwidth="25")
    roll_back(rig, service, name)
    config = rig.config(service)
    assert (int(config["cores"]), int(config["memory"])) == (4, 4096)
    assert (rig.disk(service)["size"], rig.disk(service)["mbps_rd"]) == ("30G", "200")
    assert rig.disk(service, "scsi1")["size"] == "20G"
    assert (rig.card(service)["rate"], rig.card(service)["virtio"]) == ("25", mac)
    assert rig.cloudinit(service)["ip"] == old_ip
    assert rig.power(service) == "running"


@pytest.mark.req("SNP-22")
def test_the_addresses_that_the_service_holds_by_now_are_those_of_the_vm(desk: Open) -> None:
    rig = desk(**ROOM, ipv6_count="0")
    service = rig.deploy()
    name = take(rig, service, ram="0")
    assert "ip6" not in rig.cloudinit(service)
    change_package(rig, service, ipv6_count="1")
    new = rig.cloudinit(service)
    assert "ip6" in new
    roll_back(rig, service, name)
    assert rig.cloudinit(service) == new


@pytest.mark.req("SNP-09", "SNP-22")
@pytest.mark.parametrize(
    ("running", "ram", "afterwards"),
    [(True, "1", "running"), (True, "0", "running"), (False, "1", "running"), (False, "0", "stopped")],
)
def test_a_vm_runs_if_it_ran_before_or_if_the_snapshot_has_its_memory(
    desk: Open, running: bool, ram: str, afterwards: str
) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram=ram)
    if not running:
        rig.unplug(service)
    roll_back(rig, service, name)
    assert rig.power(service) == afterwards


@pytest.mark.req("SNP-22")
@pytest.mark.parametrize(("ram", "waits"), [("1", True), ("0", False)])
def test_what_a_running_vm_cannot_take_is_told_and_waits_for_its_restart(desk: Open, ram: str, waits: bool) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram=ram)
    change_package(rig, service, cpu="4")
    for task in rig.cluster.timing.durations:
        rig.cluster.timing.durations[task] = 0.1
    answer = Browser(rig).press(service, "snapshot_rollback", name=name)
    assert answer == {"done": True, "restart": waits}
    assert bool(rig.cluster.guests[100].pending) is waits


@pytest.mark.req("SNP-22")
def test_a_disk_that_the_snapshot_does_not_know_comes_back_with_what_is_on_it(desk: Open) -> None:
    rig = desk(**ROOM, add_size="0")
    service = rig.deploy()
    name = take(rig, service, ram="0")
    change_package(rig, service, add_size="10", add_mbps_rd="50")
    volume_of(rig, service, "scsi1").notes = "the client's data"
    before = rig.config(service)["scsi1"]
    roll_back(rig, service, name)
    assert rig.config(service)["scsi1"] == before
    assert volume_of(rig, service, "scsi1").notes == "the client's data"
    assert not [key for key in rig.config(service) if key.startswith("unused")]


@pytest.mark.req("SNP-22")
def test_a_snapshot_from_before_the_vm_was_ours_leaves_it_ours(desk: Open) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    marked = {key: rig.config(service)[key] for key in ("description", "tags", "name")}
    rig.cluster.guests[100].config |= {"description": "", "tags": "", "name": "of-old"}
    by_hand(rig, "monday")
    rig.cluster.guests[100].config |= marked
    roll_back(rig, service, "monday")
    found = load(service)
    assert found is not None
    ctx = VmContext(*found, rig.house.runs.shop)
    assert ctx.mark.is_ours(own_config(ctx))
    assert {key: rig.config(service)[key] for key in marked} == marked


@pytest.mark.req("SNP-22")
@pytest.mark.parametrize("ram", ["0", "1"])
def test_a_vm_that_is_suspended_meanwhile_ends_stopped(desk: Open, ram: str) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram=ram)
    rig.cluster.timing.durations["qmrollback"] = 60.0
    assert Browser(rig).press(service, "snapshot_rollback", name=name)["done"] is False
    rig.house.suspension.suspend(service)
    rig.run()
    assert (rig.power(service), rollbacks(rig)) == ("stopped", 1)
    assert rig.is_at_rest(service)


@pytest.mark.req("SNP-22")
def test_a_vm_that_was_stopped_for_a_rollback_in_vain_runs_again(desk: Open) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram="0")
    rig.cluster.timing.durations["qmrollback"] = 60.0
    assert Browser(rig).press(service, "snapshot_rollback", name=name)["done"] is False
    assert rig.power(service) == "stopped"
    upid = str(rig.work(service).task_upid)
    rig.house.hypervisors.for_server(rig.shop.server_id).abort_task(upid)
    rig.run()
    assert rig.power(service) == "running"
    assert f"Could not roll VM 100 back to snapshot {name}" in rig.log(service)["error"]
    assert (rollbacks(rig), rig.is_at_rest(service)) == (1, True)


def lose(kind: str) -> Callable[[Desk, str], None]:
    def plan(rig: Desk, match: str) -> None:
        rig.fault(match, kind=kind, **({"status": 596} if kind == "status" else {}))

    return plan


@pytest.mark.req("SNP-18")
@pytest.mark.parametrize("kind", ["cut-after", "cut-before", "status"])
def test_a_rollback_whose_answer_was_lost_is_done_once(desk: Open, kind: str) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram="0")
    rig.cluster.guests[100].config["cores"] = 7
    lose(kind)(rig, "POST .*/rollback")
    answer = Browser(rig).press(service, "snapshot_rollback", name=name)
    assert isinstance(answer, dict), answer
    rig.run()
    assert (rollbacks(rig), rig.config(service)["cores"], rig.power(service)) == (1, 2, "running")
    assert rig.is_at_rest(service)


@pytest.mark.req("SNP-18")
@pytest.mark.parametrize("kind", ["cut-after", "cut-before", "status"])
def test_a_snapshot_whose_answer_was_lost_is_taken_once_and_removed_once(desk: Open, kind: str) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    lose(kind)(rig, "POST .*/snapshot$")
    assert isinstance(Browser(rig).press(service, "snapshot_take", ram="0"), dict)
    rig.run()
    (name,) = on_proxmox(rig)
    by_hand(rig, "monday")
    lose(kind)(rig, "DELETE .*/snapshot/")
    assert isinstance(Browser(rig).press(service, "snapshot_remove", name=name), dict)
    rig.run()
    assert (list(on_proxmox(rig)), rig.is_at_rest(service)) == (["monday"], True)
    types = [task.type for task in rig.cluster.tasks.all()]
    assert (types.count("qmsnapshot"), types.count("qmdelsnapshot")) == (2, 1)


@pytest.mark.req("SNP-18")
def test_a_node_that_is_away_for_a_while_does_not_end_what_was_begun(desk: Open) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram="0")
    rig.cluster.guests[100].config["cores"] = 7
    rig.fault("GET .*/tasks/.*/status", status=595, times=12)
    assert Browser(rig).press(service, "snapshot_rollback", name=name)["done"] is False
    rig.run()
    assert (rollbacks(rig), rig.config(service)["cores"], rig.power(service)) == (1, 2, "running")


def test_what_the_vm_cannot_take_any_more_is_told_and_stops_nothing(desk: Open) -> None:
    rig = desk(**ROOM)
    service = rig.deploy()
    name = take(rig, service, ram="0")
    change_package(rig, service, sys_size="30")
    rig.fault(kind="task-fails", task_type="resize", exit_status="Can't resize an image which has snapshots", times=0)
    roll_back(rig, service, name)
    assert (rig.disk(service)["size"], rig.power(service)) == ("20G", "running")
    assert any("rollback_package" in row and "which has snapshots" in row for row in rig.module_log())


def test_a_disk_that_cannot_be_made_keeps_no_place_from_other_vms(desk: Open) -> None:
    rig = desk(**ROOM, add_size="0")
    service = rig.deploy()
    name = take(rig, service, ram="0")
    rig.set_product(add_size="10")
    rig.fault("PUT .*/qemu/100/config$", status=500, text="storage 'ceph-vm' is not available on node 'pve1'")
    roll_back(rig, service, name)
    assert any("rollback_package" in row and "is not available" in row for row in rig.module_log())
    assert Slot.select().count() == 0
    assert rig.power(service) == "running"
