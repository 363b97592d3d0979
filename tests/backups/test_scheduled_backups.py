"""The task scheduleBackup: who gets a backup, when, and what it tells; ticks as crontab runs them."""

from datetime import UTC, datetime

import pytest

from bridge.lifecycle.backup_schedule import IN_HAND
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from tests.backups.conftest import Open
from tests.backups.keeper import Held, Keeper
from tests.lifecycle.scenarios import at_rest

FRIDAY = datetime(2026, 4, 10, 4, 0, tzinfo=UTC).timestamp()  # 04:00
HOUR, DAY = 3600.0, 86400.0


def scheduled(rig: Keeper, schedule: str = '{"5": "03:00"}') -> int:
    """A VM with this schedule; it is Friday, 04:00."""
    service = rig.living()
    VmInfo.update(vm_backup_schedule=schedule).where(VmInfo.service_id == service).execute()
    rig.clock.advance(FRIDAY - rig.clock.now())
    return service


@pytest.mark.req("BAK-23", "BAK-24", "BAK-27")
def test_a_backup_whose_time_has_come_is_made_and_told(keeper: Open) -> None:
    rig = keeper()
    service = scheduled(rig)
    assert rig.told(rig.tick(), service) == ["[success] backup made, 1 of 3"]
    assert [note.purpose for note in rig.notes()] == ["2026-04-10"]
    assert (rig.log(service)["action"], rig.log(service)["result"]) == ("ScheduleBackup", "success")
    assert rig.record(service).vm_backups == 1
    at_rest(rig)


@pytest.mark.req("BAK-25", "BAK-28")
def test_the_day_that_is_done_is_told_and_done_no_more(keeper: Open) -> None:
    rig = keeper()
    service = scheduled(rig)
    rig.tick()
    for _ in range(5):
        rig.clock.advance(HOUR)
        assert rig.told(rig.tick(), service) == ["[skipped] already_done_today, last:2026-04-10"]
    assert len(rig.kept()) == 1
    rig.clock.advance(7 * DAY)
    rig.tick()
    assert [note.purpose for note in rig.notes()] == ["2026-04-10", "2026-04-17"]


@pytest.mark.req("BAK-23", "BAK-29")
@pytest.mark.parametrize("schedule", ["", "{}", "[]", '{"4": "03:00", "6": "03:00"}', "rubbish"])
def test_a_vm_that_has_not_today_in_its_schedule_has_no_line(keeper: Open, schedule: str) -> None:
    rig = keeper()
    service = scheduled(rig, schedule)
    assert rig.told(rig.tick(), service) == []
    assert rig.kept() == []


@pytest.mark.req("BAK-24")
def test_before_its_time_nothing_happens(keeper: Open) -> None:
    rig = keeper()
    service = scheduled(rig, '{"5": "04:01"}')
    assert rig.told(rig.tick(), service) == ["[skipped] not_yet, at:04:01"]
    assert rig.kept() == []
    rig.clock.advance(60)
    assert rig.told(rig.tick(), service) == ["[success] backup made, 1 of 3"]


@pytest.mark.req("BAK-26")
def test_a_full_shelf_loses_its_oldest(keeper: Open) -> None:
    rig = keeper(backups="2")
    service = scheduled(rig)
    for text in ("oldest", "newer"):
        rig.made(service, text)
    assert rig.told(rig.tick(), service) == ["[success] backup made, 2 of 2"]
    assert [(note.text, note.purpose) for note in rig.notes()] == [("newer", "manual"), ("", "2026-04-10")]
    assert any("backup_rotation" in row for row in rig.module_log())


@pytest.mark.req("BAK-26")
def test_after_a_downgrade_all_that_is_too_many_goes(keeper: Open) -> None:
    rig = keeper(backups="3")
    service = scheduled(rig)
    for text in ("one", "two", "three"):
        rig.made(service, text)
    rig.set_product(backups="2")
    rig.tick()
    assert [note.text for note in rig.notes()] == ["three", ""]


@pytest.mark.req("BAK-36", "BAK-41")
def test_what_others_made_and_what_is_protected_is_never_rotated(keeper: Open) -> None:
    rig = keeper(backups="1")
    service = scheduled(rig)
    rig.made(service, "protected")
    rig.kept()[0].protected = True
    job = rig.by_somebody_else(service, notes="nightly", age=HOUR)
    [line] = rig.told(rig.tick(), service)
    assert line == f"[error] service {service} has all the 1 backups of its package"
    assert rig.kept()[0].name == job.name
    assert len(rig.kept()) == 2
    rig.kept()[1].protected = False
    rig.clock.advance(2 * HOUR)
    rig.tick()
    assert [note.text for note in rig.notes()] == ["nightly", ""]


@pytest.mark.req("BAK-41")
@pytest.mark.parametrize("trouble", ["storage away", "storage disabled", "locked", "another backup"])
def test_the_oldest_stays_while_a_new_one_cannot_be_made(keeper: Open, trouble: str) -> None:
    rig = keeper(backups="1")
    service = scheduled(rig)
    rig.made(service, "the only one")
    storage, vm = rig.cluster.storages["backup"], rig.cluster.guests[100]
    if trouble == "storage away":
        storage.active = False
    elif trouble == "storage disabled":
        storage.enabled = False
    elif trouble == "locked":
        vm.config["lock"] = "snapshot"
    else:
        rig.cluster.timing.durations["vzdump"] = 2 * HOUR
        proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
        proxmox._api.post("back up", f"nodes/{rig.node(service)}/vzdump", {"vmid": 100, "storage": "local"})
    rig.tick()
    rig.clock.advance(60)
    rig.tick()
    assert [note.text for note in rig.notes()] == ["the only one"]
    assert (rig.record(service).vm_status, rig.tasks("imgdel")) == ("ready", 0)


@pytest.mark.req("BAK-41")
def test_one_that_failed_is_tried_again_after_an_hour(keeper: Open) -> None:
    rig = keeper()
    service = scheduled(rig)
    rig.fault(kind="task-fails", task_type="vzdump", exit_status="job errors")
    assert rig.told(rig.tick(), service) == ["[error] the backup of VM 100 failed: job errors"]
    rig.clock.advance(1800)
    [line] = rig.told(rig.tick(), service)
    assert line.startswith("[skipped] failed, next try an hour after 2026-04-10 04:00:")
    rig.clock.advance(1800)
    assert rig.told(rig.tick(), service) == ["[success] backup made, 1 of 3"]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("Suspended", "[skipped] the service is Suspended"),
        ("Cancelled", "[skipped] the service is Cancelled"),
    ],
)
def test_a_service_that_is_not_active_gets_none(keeper: Open, status: str, line: str) -> None:
    rig = keeper()
    service = scheduled(rig)
    Service.update(domainstatus=status).where(Service.id == service).execute()
    assert rig.told(rig.tick(), service) == [line]
    assert rig.kept() == []


@pytest.mark.req("BAK-42")
def test_a_package_without_backups_gets_none(keeper: Open) -> None:
    rig = keeper(backups="0")
    service = scheduled(rig)
    assert rig.told(rig.tick(), service) == ["[skipped] the package has no backups"]


def test_a_busy_vm_gets_its_backup_later_on_the_same_day(keeper: Open) -> None:
    rig = keeper()
    service = scheduled(rig)
    VmWork.update(intent='{"command": "VMStop"}').where(VmWork.service_id == service).execute()
    [line] = rig.told(rig.tick(), service)
    assert line == f"[skipped] Stop is still at work on the VM of service {service}"
    VmWork.update(intent=None).where(VmWork.service_id == service).execute()
    rig.clock.advance(300)
    assert rig.told(rig.tick(), service) == ["[success] backup made, 1 of 3"]


@pytest.mark.req("BAK-25")
def test_a_day_that_the_records_have_forgotten_is_known_from_the_backups(keeper: Open) -> None:
    rig = keeper()
    service = scheduled(rig)
    rig.tick()
    VmWork.update(backup_day=None).where(VmWork.service_id == service).execute()
    rig.clock.advance(300)
    rig.tick()
    assert (len(rig.kept()), rig.work(service).backup_day) == (1, "2026-04-10")


def test_the_last_hour_of_the_day_is_not_forgotten_when_the_tick_comes_after_midnight(keeper: Open) -> None:
    rig = keeper()
    scheduled(rig, '{"5": "23:50"}')
    rig.clock.advance(19 * HOUR + 2700)
    assert rig.told(rig.tick(), 1) == ["[skipped] not_yet, at:23:50"]
    rig.clock.advance(1200)  # Saturday, 00:05
    assert rig.told(rig.tick(), 1) == ["[success] backup made, 1 of 3"]
    assert [note.purpose for note in rig.notes()] == ["2026-04-10"]


@pytest.mark.req("BAK-28")
def test_many_vms_get_theirs_in_ticks_that_end(keeper: Open) -> None:
    rig = keeper(node="pve1")
    services = [scheduled(rig) for _ in range(3)]
    rig.cluster.timing.durations["vzdump"] = 20 * 60.0
    for _ in range(60):
        began = rig.clock.now()
        rig.tick()
        assert rig.clock.now() - began < 300
        rig.clock.advance(120)
    assert [rig.record(service).vm_backups for service in services] == [1, 1, 1]
    at_rest(rig)


def test_a_node_has_a_few_in_hand_and_the_others_wait_without_a_worker(keeper: Open) -> None:
    rig = keeper(node="pve1", ipv4_count="1", ipv6_count="0")
    services = [scheduled(rig) for _ in range(IN_HAND + 2)]
    rig.cluster.timing.durations["vzdump"] = 600.0
    lines = {detail.service_id: detail.text for detail in rig.house.duties["scheduleBackup"].work(Held()).details}
    assert lines == dict.fromkeys(services[IN_HAND:], "[skipped] waits for others on node pve1")
    rig.run()
    assert [rig.record(service).vm_backups for service in services] == [1] * IN_HAND + [0, 0]
    rig.tick()
    rig.run()
    assert [rig.record(service).vm_backups for service in services] == [1] * len(services)
