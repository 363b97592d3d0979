"""removeOldSnapshots: old snapshots go, scheduled ones are taken, and what the task prints of it."""

from datetime import datetime, timedelta

import pytest

from bridge.lifecycle import snapshot_plans
from bridge.lifecycle.rules import Operation
from bridge.models.companion import SnapshotSchedule, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.tasks import PROCESS, SNAPSHOTS
from bridge.web.callers import Actor
from bridge.web_role import WebServices
from tests.deploy.test_output import masked
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living

DAY = 86_400.0
TASK = "removeOldSnapshots"
EVERY_DAY = {str(day): "07:00" for day in range(7)}


def counted(rig: Living, service: int, name: str) -> None:
    """A snapshot that the record knows of, as after one that the client has taken."""
    rig.snapshot(service, name)
    VmInfo.update(vm_snapshots=VmInfo.vm_snapshots + 1).where(VmInfo.service_id == service).execute()
    rig.clock.advance(5)


def told(lines: list[str]) -> list[str]:
    """What the task says: its summary, and the lines of services."""
    text = masked(lines).splitlines()
    begin = next(n for n, line in enumerate(text) if f"[{TASK}] Done" in line)
    end = next(n for n, line in enumerate(text[begin + 1 :], begin + 1) if "sid:" not in line)
    return [text[begin].partition("— ")[2], *(line.partition("sid:")[2] for line in text[begin + 1 : end])]


def tick(rig: Living) -> list[str]:
    return told(rig.tick(tasks=(PROCESS, SNAPSHOTS)))


def schedule(rig: Living, service: int, days: dict[str, str]) -> None:
    """The client saves a weekly schedule."""
    client = Actor("client", int(Service.get_by_id(service).userid))
    WebServices(rig.house).snapshots.save_schedule(service, client, days)


def pass_days(rig: Living, days: int, hour: int = 7) -> None:
    """Time goes on, to a minute past that hour; every tick of an hour is done."""
    end = rig.clock.local(rig.clock.now()).replace(hour=hour, minute=1) + timedelta(days=days)
    while rig.clock.local(rig.clock.now()) < end:
        rig.clock.advance(3600)
        rig.tick()


def scheduled(rig: Living, service: int) -> list[str]:
    return [name for name in rig.snapshots(service) if name.startswith("auto")]


@pytest.mark.req("SNP-13")
def test_snapshots_older_than_the_lifetime_go_and_younger_ones_stay(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="2 days")
    service = rig.living()
    for name in ("monday", "tuesday"):
        counted(rig, service, name)
    rig.clock.advance(1.5 * DAY)
    counted(rig, service, "wednesday")
    assert tick(rig) == ["processed: 1, errors: 0"]
    assert rig.snapshots(service) == ["monday", "tuesday", "wednesday"]
    rig.clock.advance(0.5 * DAY)
    assert tick(rig) == ["processed: 1, errors: 0", f"{service} [success] removed: monday, tuesday"]
    assert rig.snapshots(service) == ["wednesday"]
    assert rig.record(service).vm_snapshots == 1


@pytest.mark.req("SNP-15")
def test_with_don_t_remove_nothing_goes(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="Don't remove")
    service = rig.living()
    counted(rig, service, "monday")
    rig.clock.advance(400 * DAY)
    rig.sent.clear()
    assert tick(rig) == ["processed: 0, errors: 0"]
    assert (rig.snapshots(service), rig.sent) == (["monday"], [])


@pytest.mark.req("SNP-14")
def test_only_vms_with_snapshots_are_processed_and_asked_for(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    having, other = rig.living(), rig.living()
    counted(rig, having, "monday")
    rig.sent.clear()
    assert tick(rig) == ["processed: 1, errors: 0"]
    assert [call.path for call in rig.sent] == [f"/nodes/{rig.node(having)}/qemu/{rig.record(having).vm_id}/snapshot"]
    assert rig.record(other).vm_snapshots == 0


@pytest.mark.req("SNP-24")
def test_the_number_in_the_record_is_set_right(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    service, gone = rig.living(), rig.living()
    counted(rig, service, "monday")
    rig.snapshot(service, "tuesday")
    VmInfo.update(vm_snapshots=5).where(VmInfo.service_id == gone).execute()
    assert tick(rig) == ["processed: 2, errors: 0"]
    assert (rig.record(service).vm_snapshots, rig.record(gone).vm_snapshots) == (2, 0)
    assert tick(rig) == ["processed: 1, errors: 0"]


def test_a_vm_that_was_moved_by_hand_keeps_its_number_and_loses_its_old_snapshots(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    service = rig.living()
    counted(rig, service, "monday")
    rig.cluster.guests[100].node = "pve3"
    assert tick(rig) == ["processed: 1, errors: 0"]
    assert rig.record(service).vm_snapshots == 1
    rig.clock.advance(DAY)
    assert tick(rig)[1:] == [f"{service} [success] removed: monday"]


def test_a_busy_vm_is_left_alone_and_its_turn_comes_again(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    service = rig.living()
    counted(rig, service, "monday")
    rig.clock.advance(DAY)
    VmWork.update(lease_owner="host/boot/1/1/x", lease_until=rig.clock.now() + 600).execute()
    (summary, line) = tick(rig)
    assert (summary, line.startswith(f"{service} [skipped] ")) == ("processed: 0, errors: 0", True)
    rig.clock.advance(601)
    assert tick(rig)[1:] == [f"{service} [success] removed: monday"]


def test_a_vm_that_proxmox_holds_waits_without_a_complaint(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    service = rig.living()
    counted(rig, service, "monday")
    rig.clock.advance(DAY)
    rig.cluster.guests[100].config["lock"] = "backup"
    assert tick(rig) == ["processed: 0, errors: 0", f"{service} [skipped] VM 100 is locked (backup)"]
    assert rig.work(service).attention_cause is None
    del rig.cluster.guests[100].config["lock"]
    assert tick(rig)[1:] == [f"{service} [success] removed: monday"]


def test_a_removal_that_fails_is_an_error_and_is_tried_again(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    service = rig.living()
    counted(rig, service, "monday")
    rig.clock.advance(DAY)
    rig.fault(kind="task-fails", task_type="qmdelsnapshot", exit_status="rbd: image is busy")
    assert tick(rig) == [
        "processed: 1, errors: 1",
        f"{service} [error] Could not remove snapshot monday of VM 100: rbd: image is busy",
    ]
    assert tick(rig)[1:] == [f"{service} [success] removed: monday"]


def test_a_node_that_does_not_answer_is_asked_once_and_holds_nobody_else_up(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="1 day")
    first, second, third = (rig.living() for _ in range(3))
    for service, node in ((first, "pve2"), (second, "pve2"), (third, "pve3")):
        rig.cluster.guests[int(rig.record(service).vm_id)].node = node
        VmWork.update(node=node).where(VmWork.service_id == service).execute()
        counted(rig, service, "monday")
    rig.clock.advance(DAY)
    fault = rig.fault("/nodes/pve2/", status=595, times=0)
    rig.sent.clear()
    summary, refused, left, removed = tick(rig)
    assert summary == "processed: 2, errors: 1"
    assert refused.startswith(f"{first} [error] Could not list the snapshots of VM 100 on node pve2: 595 ")
    assert left == f"{second} [skipped] node pve2 did not answer"
    assert removed == f"{third} [success] removed: monday"
    assert sum("/nodes/pve2/" in call.path for call in rig.sent) == 1
    assert fault.times == 0


@pytest.mark.req("SNP-25")
def test_scheduled_snapshots_are_taken_once_a_day_and_the_oldest_makes_room(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="Don't remove")
    service = rig.living()
    counted(rig, service, "monday")
    schedule(rig, service, EVERY_DAY)
    pass_days(rig, 0)
    (first,) = scheduled(rig, service)
    pass_days(rig, 1)
    assert len(scheduled(rig, service)) == 2
    pass_days(rig, 1)
    assert len(scheduled(rig, service)) == 2
    assert first not in rig.snapshots(service)
    assert "monday" in rig.snapshots(service)
    assert rig.record(service).vm_snapshots == 3
    taken = [call for call in rig.calls("POST", "/snapshot") if call.params["snapname"].startswith("auto")]
    assert len(taken) == 3
    days = [rig.clock.local(int(config["snaptime"])).date() for config in rig.cluster.guests[100].snapshots.values()]
    assert len(set(days[1:])) == 2
    assert not rig.cluster.guests[100].snapshots[rig.snapshots(service)[-1]].get("vmstate")


@pytest.mark.req("SNP-25")
def test_the_client_s_own_never_make_room(install: Install) -> None:
    rig = install(snapshots="2", snapshot_lifetime="Don't remove")
    service = rig.living()
    for name in ("monday", "tuesday"):
        counted(rig, service, name)
    schedule(rig, service, EVERY_DAY)
    rig.clock.time = rig.clock.local(rig.clock.now()).replace(hour=7, minute=1).timestamp() + DAY
    rig.sent.clear()
    assert tick(rig) == ["processed: 0, errors: 0", f"{service} [skipped] the limit is reached"]
    assert tick(rig) == ["processed: 0, errors: 0"]
    assert rig.snapshots(service) == ["monday", "tuesday"]
    assert rig.writes() == []


@pytest.mark.req("SNP-25")
def test_what_only_looks_like_a_scheduled_one_never_makes_room(install: Install) -> None:
    """Its name is not enough: staff can choose any. Nor is our mark in what the client has typed."""
    rig = install(snapshots="2", snapshot_lifetime="Don't remove")
    service = rig.living()
    mark = str(rig.config(service)["description"])
    counted(rig, service, "auto20260101-070000")
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    proxmox.take_snapshot(rig.node(service), 100, "s20260101-080000", description=f"Scheduled snapshot\n{mark}")
    rig.clock.advance(10)
    schedule(rig, service, EVERY_DAY)
    rig.clock.time = rig.clock.local(rig.clock.now()).replace(hour=7, minute=1).timestamp() + DAY
    assert tick(rig)[1:] == [f"{service} [skipped] the limit is reached"]
    assert len(rig.snapshots(service)) == 2


@pytest.mark.req("SNP-25")
def test_nothing_is_removed_for_a_snapshot_that_cannot_be_taken(install: Install) -> None:
    rig = install(snapshots="1", snapshot_lifetime="Don't remove")
    service = rig.living()
    schedule(rig, service, EVERY_DAY)
    pass_days(rig, 1)
    (kept,) = rig.snapshots(service)
    rig.cluster.storages["ceph-vm"].kind = "lvm"
    pass_days(rig, 1)
    assert rig.snapshots(service) == [kept]


@pytest.mark.req("SNP-25")
def test_only_the_chosen_days_count_and_a_time_that_is_over_waits_for_its_next_week(install: Install) -> None:
    rig = install(snapshots="3", snapshot_lifetime="Don't remove")
    service = rig.living()
    rig.clock.time = rig.clock.local(rig.clock.now()).replace(hour=12, minute=0).timestamp()
    now = rig.clock.local(rig.clock.now())
    schedule(rig, service, {str(now.isoweekday() % 7): "07:00"})
    pass_days(rig, 6)
    assert rig.snapshots(service) == []
    pass_days(rig, 1)
    (name,) = rig.snapshots(service)
    day = datetime.strptime(name.removeprefix("auto")[:8], "%Y%m%d").date()
    assert day == now.date() + timedelta(days=7)


@pytest.mark.req("SNP-25")
@pytest.mark.parametrize("status", ["Suspended", "Cancelled"])
def test_a_service_that_is_not_active_gets_no_scheduled_snapshots(install: Install, status: str) -> None:
    rig = install(snapshots="3", snapshot_lifetime="Don't remove")
    service = rig.living()
    schedule(rig, service, EVERY_DAY)
    Service.update(domainstatus=status).where(Service.id == service).execute()
    rig.clock.time = rig.clock.local(rig.clock.now()).replace(hour=7, minute=1).timestamp() + DAY
    assert tick(rig)[1:] == [f"{service} [skipped] the service is {status}"]
    assert tick(rig)[1:] == []
    assert rig.snapshots(service) == []


@pytest.mark.req("SNP-26")
def test_without_a_quota_nothing_is_scheduled(install: Install) -> None:
    rig = install(snapshots="1", snapshot_lifetime="Don't remove")
    service = rig.living()
    schedule(rig, service, EVERY_DAY)
    rig.set_product(snapshots="0")
    rig.clock.time = rig.clock.local(rig.clock.now()).replace(hour=7, minute=1).timestamp() + DAY
    assert tick(rig)[1:] == [f"{service} [skipped] the package has no snapshots"]
    assert rig.snapshots(service) == []


def test_a_schedule_ends_with_its_vm(install: Install) -> None:
    rig = install(snapshots="1")
    service = rig.living()
    schedule(rig, service, EVERY_DAY)
    rig.ask_and_run(service, Operation.TERMINATE)
    assert SnapshotSchedule.select().count() == 0


@pytest.mark.req("SNP-25")
def test_a_day_counts_as_served_only_together_with_its_snapshot(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies between the two writes: neither is there, and the next run does both."""
    rig = install(snapshots="3")
    service = rig.living()
    schedule(rig, service, EVERY_DAY)
    rig.clock.time = rig.clock.local(rig.clock.now()).replace(hour=7, minute=1).timestamp() + DAY
    with monkeypatch.context() as broken:
        broken.setattr(snapshot_plans, "served", lambda service_id, day: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rig.tick()
    assert VmWork.get_by_id(service).intent is None
    assert tick(rig)[0] == "processed: 1, errors: 0"
    assert len(scheduled(rig, service)) == 1
