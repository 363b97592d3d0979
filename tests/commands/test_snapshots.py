"""What clients do with snapshots, through the protocol, and what is then on the cluster."""

import re
from pathlib import Path
from typing import Any

import pytest

from bridge.lifecycle import admission as sentences
from bridge.lifecycle import client_snapshots
from bridge.lifecycle.rules import Operation
from bridge.models.companion import SnapshotSchedule, VmWork
from bridge.models.whmcs import Service
from tests.chaos.test_deploy_crash_matrix import folder_for
from tests.commands.browser import Browser
from tests.commands.conftest import Desk, Open
from tests.factories import make_client

DAY = 86_400
ACTIONS: dict[str, dict[str, str]] = {
    "snapshot_take": {},
    "snapshot_rollback": {"name": "monday"},
    "snapshot_remove": {"name": "monday"},
    "snapshot_schedule_save": {},
}


def on_proxmox(rig: Desk) -> dict[str, dict[str, Any]]:
    """The VM's snapshots as they are stored, by name."""
    rig.cluster.catch_up()
    found: dict[str, dict[str, Any]] = rig.cluster.guests[100].snapshots
    return found


def by_hand(rig: Desk, name: str, **params: str | int) -> None:
    """Staff takes a snapshot on the cluster."""
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    upid = proxmox._api.post(
        "take", f"nodes/{rig.cluster.guests[100].node}/qemu/100/snapshot", {"snapname": name, **params}
    )
    while proxmox.task(upid).running:
        rig.clock.advance(0.5)
    assert proxmox.task(upid).ok
    rig.clock.advance(1)


def take(rig: Desk, service: int, **fields: str) -> str:
    """The client takes a snapshot; its name, once it is there."""
    answer = Browser(rig).press(service, "snapshot_take", **fields)
    assert isinstance(answer, dict), answer
    rig.run()
    rig.clock.advance(5)
    return max(on_proxmox(rig), key=lambda name: int(on_proxmox(rig)[name]["snaptime"]))


def names(rig: Desk, service: int) -> list[str]:
    """The names in the list that the client reads."""
    return [row["name"] for row in Browser(rig).read(service, "snapshots_list")["snapshots"]]


@pytest.mark.req("SNP-01", "SNP-09", "SNP-10", "SNP-18")
def test_a_client_takes_a_snapshot_rolls_back_to_it_and_removes_it(desk: Open) -> None:
    rig = desk(snapshots="2")
    service, browser = rig.deploy(), Browser(rig)
    answer = browser.press(service, "snapshot_take", description="before the update")
    name = answer["name"]
    assert (answer["done"], list(on_proxmox(rig))) == (True, [name])
    assert names(rig, service) == [name]
    rig.cluster.guests[100].config["cores"] = 7
    assert browser.press(service, "snapshot_rollback", name=name)["done"] in (True, False)
    rig.run()
    assert rig.config(service)["cores"] == 2
    assert rig.power(service) == "running"
    assert browser.press(service, "snapshot_remove", name=name) == {"done": True}
    assert (on_proxmox(rig), names(rig, service)) == ({}, [])
    assert browser.read(service, "snapshots_list")["count"] == 0
    assert rig.is_at_rest(service)


@pytest.mark.req("SNP-04")
def test_the_description_is_stored_on_proxmox(desk: Open) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    name = take(rig, service, description="  before the\n update ü ")
    assert on_proxmox(rig)[name]["description"] == "before the update ü"
    assert Browser(rig).read(service, "snapshots_list")["snapshots"][0]["description"] == "before the update ü"


@pytest.mark.req("SNP-06", "SNP-19")
@pytest.mark.parametrize(
    ("running", "fields", "with_ram"),
    [(True, {}, True), (True, {"ram": "1"}, True), (True, {"ram": "0"}, False), (False, {}, False)],
)
def test_the_memory_of_a_running_vm_is_kept_unless_the_client_does_not_want_it(
    desk: Open, running: bool, fields: dict[str, str], with_ram: bool
) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    if not running:
        rig.unplug(service)
    rig.sent.clear()
    name = take(rig, service, **fields)
    (call,) = rig.calls("POST", "/snapshot")
    assert call.params.get("vmstate", "0") == str(int(with_ram))
    (row,) = Browser(rig).read(service, "snapshots_list")["snapshots"]
    assert (row["name"], row["with_ram"]) == (name, with_ram)


@pytest.mark.req("SNP-03", "SNP-17")
def test_the_third_of_two_is_refused_and_the_present_is_none_of_them(desk: Open) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    for count in (1, 2):
        take(rig, service)
        page = Browser(rig).read(service, "snapshots_list")
        assert (page["count"], page["max"], page["possible"]) == (count, 2, count < 2)
    assert page["why"] == client_snapshots.FULL
    rig.sent.clear()
    assert Browser(rig).press(service, "snapshot_take") == client_snapshots.FULL
    assert rig.writes() == []
    assert len(on_proxmox(rig)) == 2


@pytest.mark.req("SNP-26")
@pytest.mark.parametrize("name", ["snapshots_list", *ACTIONS])
def test_without_a_quota_everything_is_denied(desk: Open, name: str) -> None:
    rig = desk(snapshots="0")
    service = rig.deploy()
    by_hand(rig, "monday")
    rig.sent.clear()
    assert Browser(rig).press(service, name, **ACTIONS.get(name, {})) == "Access Denied"
    assert rig.sent == []
    assert Browser(rig).read(service, "status")["may"]["snapshots"] is False


@pytest.mark.parametrize("name", ["snapshots_list", *ACTIONS])
def test_the_snapshots_of_another_client_are_denied(desk: Open, name: str) -> None:
    rig = desk(snapshots="2")
    service, stranger = rig.deploy(), make_client(firstname="Eve").id
    by_hand(rig, "monday")
    rig.sent.clear()
    assert Browser(rig, stranger).press(service, name, **ACTIONS.get(name, {})) == "Access Denied"
    assert rig.sent == []


@pytest.mark.req("SNP-11")
@pytest.mark.parametrize("name", ["snapshot_take", "snapshot_rollback", "snapshot_remove"])
def test_nothing_is_done_while_proxmox_holds_the_vm(desk: Open, name: str) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    by_hand(rig, "monday")
    rig.cluster.guests[100].config["lock"] = "backup"
    rig.sent.clear()
    assert Browser(rig).press(service, name, **ACTIONS[name]) == sentences.BUSY
    assert (rig.writes(), list(on_proxmox(rig))) == ([], ["monday"])
    page = Browser(rig).read(service, "snapshots_list")
    assert (page["busy"], page["possible"], page["why"]) == (sentences.BUSY, False, sentences.BUSY)
    assert [row["name"] for row in page["snapshots"]] == ["monday"]


def suspended(rig: Desk, service: int) -> None:
    rig.house.suspension.suspend(service)
    rig.run()


def suspended_in_whmcs(rig: Desk, service: int) -> None:
    Service.update(domainstatus="Suspended").where(Service.id == service).execute()


def held(rig: Desk, service: int) -> None:
    VmWork.update(lease_owner="host/boot/1/1/x", lease_until=rig.clock.now() + 600).execute()


@pytest.mark.parametrize("name", ["snapshot_take", "snapshot_rollback", "snapshot_remove"])
@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (suspended, sentences.IS_SUSPENDED),
        (suspended_in_whmcs, sentences.IS_SUSPENDED),
        (held, sentences.BUSY),
    ],
)
def test_nothing_is_done_to_a_vm_that_is_suspended_or_in_other_hands(
    desk: Open, name: str, prepare: Any, sentence: str
) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    by_hand(rig, "monday")
    prepare(rig, service)
    rig.sent.clear()
    assert Browser(rig).press(service, name, **ACTIONS[name]) == sentence
    assert rig.writes() == []


@pytest.mark.req("SNP-16", "SNP-17", "SNP-20")
def test_the_list_is_newest_first_with_names_times_and_remaining_lifetimes(desk: Open) -> None:
    rig = desk(snapshots="3", snapshot_lifetime="1 day")
    service = rig.deploy()
    first = take(rig, service, description="one")
    rig.clock.advance(3600)
    second = take(rig, service, description="two")
    page = Browser(rig).read(service, "snapshots_list")
    assert [(row["name"], row["description"]) for row in page["snapshots"]] == [(second, "two"), (first, "one")]
    for row in page["snapshots"]:
        taken_at = on_proxmox(rig)[row["name"]]["snaptime"]
        local = rig.clock.local(taken_at)
        assert row["time"] == local.strftime("%d-%m-%Y %H:%M:%S")
        left = int(taken_at + DAY - rig.clock.now())
        hours, rest = divmod(left, 3600)
        assert row["remaining"] == f"0 days {hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
        assert row["remaining_seconds"] == left
    assert page["count"] == 2


@pytest.mark.req("SNP-20")
@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 days 00:00:00"), (86_394, "0 days 23:59:54"), (10 * DAY, "10 days 00:00:00")]
)
def test_a_lifetime_is_days_and_a_time(seconds: int, text: str) -> None:
    assert client_snapshots.remaining(seconds) == text


@pytest.mark.req("SNP-20")
def test_snapshots_that_are_kept_have_no_remaining_lifetime(desk: Open) -> None:
    rig = desk(snapshots="3", snapshot_lifetime="Don't remove")
    service = rig.deploy()
    take(rig, service)
    (row,) = Browser(rig).read(service, "snapshots_list")["snapshots"]
    assert (row["remaining"], row["remaining_seconds"]) == (None, None)


@pytest.mark.req("SNP-20")
def test_a_snapshot_that_should_be_gone_already_has_nothing_left(desk: Open) -> None:
    rig = desk(snapshots="3", snapshot_lifetime="1 day")
    service = rig.deploy()
    take(rig, service)
    rig.clock.advance(3 * DAY)
    (row,) = Browser(rig).read(service, "snapshots_list")["snapshots"]
    assert row["remaining"] == "0 days 00:00:00"


@pytest.mark.req("SNP-21")
def test_a_storage_without_snapshots_is_told_before_anything_is_tried(desk: Open) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    rig.cluster.storages["ceph-vm"].kind = "lvm"
    page = Browser(rig).read(service, "snapshots_list")
    assert (page["possible"], page["why"]) == (False, client_snapshots.NOT_SUPPORTED)
    rig.sent.clear()
    assert Browser(rig).press(service, "snapshot_take") == client_snapshots.NOT_SUPPORTED
    assert rig.writes() == []


@pytest.mark.req("SNP-21")
def test_too_little_room_for_the_memory_leaves_snapshots_without(desk: Open) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    storage = rig.cluster.storages["ceph-vm"]
    storage.total = storage.used("pve1") + (4 << 30)
    page = Browser(rig).read(service, "snapshots_list")
    assert (page["possible"], page["ram"], page["why"]) == (True, False, "")
    assert Browser(rig).press(service, "snapshot_take") == client_snapshots.NO_ROOM
    assert on_proxmox(rig) == {}
    take(rig, service, ram="0")
    assert len(on_proxmox(rig)) == 1


def test_the_list_offers_the_memory_of_a_running_vm_only(desk: Open) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    assert Browser(rig).read(service, "snapshots_list")["ram"] is True
    rig.unplug(service)
    assert Browser(rig).read(service, "snapshots_list")["ram"] is False


def test_a_snapshot_of_that_name_does_not_exist(desk: Open) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    by_hand(rig, "monday")
    for action in ("snapshot_rollback", "snapshot_remove"):
        for name in ("friday", "current", "../config", ""):
            rig.sent.clear()
            assert Browser(rig).press(service, action, name=name) == client_snapshots.GONE
            assert rig.writes() == []


@pytest.mark.req("SNP-18")
def test_a_snapshot_that_takes_long_is_taken_while_the_page_waits_for_it(desk: Open) -> None:
    rig = desk(snapshots="2")
    service, browser = rig.deploy(), Browser(rig)
    rig.cluster.timing.durations["qmsnapshot"] = 120.0
    assert browser.press(service, "snapshot_take") == {"done": False, "name": ""}
    page = browser.read(service, "snapshots_list")
    assert (page["busy"], page["snapshots"], page["count"]) == (sentences.BUSY, [], 1)
    assert browser.press(service, "snapshot_take") == sentences.BUSY
    rig.run()
    assert len(names(rig, service)) == 1
    assert rig.is_at_rest(service)


@pytest.mark.req("SNP-23")
def test_two_requests_for_the_last_place_take_one_snapshot(tmp_path: Path) -> None:
    """The second one comes in the middle of the first, at every call that the first one makes."""
    for index in range(60):
        rig = Desk(folder_for(tmp_path, str(index)), {"snapshots": "1"})
        service = rig.deploy()
        struck = interrupt(rig, service, index)
        answers = [Browser(rig).press(service, "snapshot_take"), *struck]
        rig.run()
        assert len(on_proxmox(rig)) == rig.record(service).vm_snapshots == 1, index
        if not struck:
            break
        refused = [answer for answer in answers if answer in (client_snapshots.FULL, sentences.BUSY)]
        assert len(refused) == 1, (index, answers)
    assert index > 5


def interrupt(rig: Desk, service: int, index: int) -> list[Any]:
    """Have the client press the button once more at the call with this index; the list gets the answer then."""
    plain, struck, begun = rig.gate.before, list[Any](), len(rig.gate.calls)

    def hook(request: Any) -> None:
        plain(request)
        if len(rig.gate.calls) - 1 - begun == index and not struck:
            struck.append("")
            struck[0] = Browser(rig).press(service, "snapshot_take")

    rig.gate.before = hook  # type: ignore[method-assign]
    rig.start_daemon()
    return struck


@pytest.mark.parametrize("task", ["qmsnapshot", "qmdelsnapshot", "qmrollback"])
def test_what_proxmox_fails_to_do_is_told_without_its_cause(desk: Open, task: str) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    by_hand(rig, "monday")
    name = {"qmsnapshot": "snapshot_take", "qmdelsnapshot": "snapshot_remove", "qmrollback": "snapshot_rollback"}[task]
    rig.fault(kind="task-fails", task_type=task, exit_status="rbd error: pool 7 is full")
    assert Browser(rig).press(service, name, **ACTIONS[name]) == "Something went wrong"
    assert "rbd error: pool 7 is full" in rig.log(service)["error"]
    assert rig.is_at_rest(service)
    assert list(on_proxmox(rig)) == ["monday"]


@pytest.mark.parametrize("name", ["snapshots_list", "snapshot_take", "snapshot_rollback", "snapshot_remove"])
def test_a_server_that_does_not_answer_is_told_without_its_name(desk: Open, name: str) -> None:
    rig = desk(snapshots="2")
    service = rig.deploy()
    rig.fault("/qemu/100|/cluster/resources", status=595, times=0)
    assert Browser(rig).press(service, name, **ACTIONS.get(name, {})) == "Something went wrong"


@pytest.mark.req("SNP-24")
def test_the_record_counts_what_there_is(desk: Open) -> None:
    rig = desk(snapshots="3")
    service = rig.deploy()
    assert rig.record(service).vm_snapshots == 0
    name = take(rig, service)
    assert rig.record(service).vm_snapshots == 1
    by_hand(rig, "monday")
    assert rig.record(service).vm_snapshots == 1
    names(rig, service)
    assert rig.record(service).vm_snapshots == 2
    rig.clock.advance(10)
    Browser(rig).press(service, "snapshot_rollback", name=name)
    rig.run()
    assert rig.record(service).vm_snapshots == 2
    Browser(rig).press(service, "snapshot_remove", name=name)
    rig.run()
    assert rig.record(service).vm_snapshots == 1
    answer = Browser(rig).press(service, "reinstall_start", template="9000", confirmation="REINSTALL")
    assert answer == {"done": False}
    rig.run()
    assert (rig.record(service).vm_snapshots, on_proxmox(rig)) == (0, {})


@pytest.mark.req("SNP-24")
@pytest.mark.parametrize("operation", [Operation.CHANGE_PACKAGE, Operation.TERMINATE])
def test_what_was_asked_for_in_the_middle_of_a_snapshot_waits_for_its_end_and_loses_no_count(
    desk: Open, operation: Operation
) -> None:
    rig = desk(snapshots="3")
    service = rig.deploy()
    rig.cluster.timing.durations["qmsnapshot"] = 60.0
    assert Browser(rig).press(service, "snapshot_take")["done"] is False
    assert rig.house.requests.ask(service, operation) == "success"
    rig.run()
    if operation is Operation.TERMINATE:
        assert (100 in rig.cluster.guests, rig.record(service).vm_snapshots) == (False, 0)
    else:
        assert (len(on_proxmox(rig)), rig.record(service).vm_snapshots) == (1, 1)
        assert (rig.states()[service], rig.power(service)) == ("ready", "running")


def test_a_snapshot_that_failed_is_not_counted(desk: Open) -> None:
    rig = desk(snapshots="3")
    service = rig.deploy()
    rig.fault(kind="task-fails", task_type="qmsnapshot", exit_status="rbd error")
    Browser(rig).press(service, "snapshot_take")
    assert (on_proxmox(rig), rig.record(service).vm_snapshots) == ({}, 0)


@pytest.mark.req("SNP-25")
def test_a_weekly_schedule_is_saved_read_and_ended(desk: Open) -> None:
    rig = desk(snapshots="3")
    service, browser = rig.deploy(), Browser(rig)
    assert browser.read(service, "snapshots_list")["schedule"] == {}
    days = {"0": "07:00", "6": "23:59"}
    assert browser.press(service, "snapshot_schedule_save", days=days) == {"schedule": days}
    assert browser.read(service, "snapshots_list")["schedule"] == days
    assert browser.press(service, "snapshot_schedule_save", days={}) == {"schedule": {}}
    assert browser.read(service, "snapshots_list")["schedule"] == {}
    assert SnapshotSchedule.select().count() == 0


@pytest.mark.req("SNP-25")
def test_a_day_without_a_time_gets_one(desk: Open) -> None:
    rig = desk(snapshots="3")
    service = rig.deploy()
    answer = Browser(rig).press(service, "snapshot_schedule_save", days={"3": ""})
    assert list(answer["schedule"]) == ["3"]
    assert re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", answer["schedule"]["3"])


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ({"7": "07:00"}, "Days are numbers from 0 (Sunday) to 6 (Saturday)."),
        ({"1": "25:00"}, "The time of Monday is not of the form HH:MM."),
    ],
)
def test_a_schedule_that_makes_no_sense_changes_nothing(desk: Open, days: dict[str, str], sentence: str) -> None:
    rig = desk(snapshots="3")
    service, browser = rig.deploy(), Browser(rig)
    browser.press(service, "snapshot_schedule_save", days={"0": "07:00"})
    assert browser.press(service, "snapshot_schedule_save", days=days) == sentence
    assert browser.read(service, "snapshots_list")["schedule"] == {"0": "07:00"}


def test_a_scheduled_snapshot_is_told_from_the_client_s_and_shows_no_mark(desk: Open) -> None:
    rig = desk(snapshots="3")
    service = rig.deploy()
    assert rig.house.errands.give(service, "TakeScheduledSnapshot") == ""
    rig.run()
    take(rig, service, description="mine")
    mine, ours = Browser(rig).read(service, "snapshots_list")["snapshots"]
    assert (mine["scheduled"], mine["description"]) == (False, "mine")
    assert (ours["scheduled"], ours["description"], ours["with_ram"]) == (True, "Scheduled snapshot", False)
