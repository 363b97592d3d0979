"""Manual backups: made once, counted, limited by what was bought, and the VM is left alone meanwhile."""

import json

import pytest

from bridge.lifecycle.direct import Why
from bridge.lifecycle.rules import Operation
from bridge.models.companion import Slot, VmWork
from bridge.models.module import VmInfo
from tests.backups.conftest import Open
from tests.backups.keeper import PBS, Keeper
from tests.lifecycle.scenarios import at_rest

HOURS = 3600.0


def slow(rig: Keeper, seconds: float = 2 * HOURS) -> None:
    """Backups take their time from now on."""
    rig.cluster.timing.durations["vzdump"] = seconds


@pytest.mark.req("BAK-06", "BAK-31")
@pytest.mark.parametrize("version", ["7.4", "8.4", "9.2"])
@pytest.mark.parametrize("storage", ["backup", "pbs"])
def test_a_backup_goes_to_the_products_storage_with_the_clients_note(keeper: Open, version: str, storage: str) -> None:
    rig = keeper(version, backup_storage=f"{storage}|any")
    rig.cluster.storages["pbs"] = PBS
    PBS.volumes.clear()
    service = rig.living()
    made = rig.made(service, "before the update")
    assert (made.text, made.own, made.removable) == ("before the update", True, True)
    assert [volume.vmid for volume in rig.kept(storage)] == [100]
    assert rig.running(service)
    at_rest(rig)
    assert rig.log(service)["action"] == "BackupNow"


@pytest.mark.req("BAK-06", "BAK-33")
def test_a_long_backup_shows_its_task_until_it_has_ended(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    slow(rig)
    answer = rig.backup_now(service)
    assert (answer.begun, answer.done, answer.why) == (True, False, Why.GOES_ON)
    upid = rig.record(service).vm_backup_now_utid
    assert upid.startswith("UPID:pve1:")
    assert ":vzdump:100:" in upid
    assert VmWork.get_by_id(service).queue == "nowBackupStatus"
    printed = rig.tick()
    assert "[skipped] backup of VM 100 is still running" in rig.told(printed, service)
    assert rig.record(service).vm_backup_now_utid == upid
    assert (VmWork.get_by_id(service).attention_cause, rig.record(service).vm_backups) == (None, 0)
    rig.clock.advance(2 * HOURS)
    printed = rig.tick()
    assert rig.told(printed, service) == ["[success] backup made, 1 of 3"]
    row = rig.record(service)
    assert (row.vm_backup_now_utid, row.vm_backups) == (None, 1)
    at_rest(rig)


@pytest.mark.req("BAK-33")
def test_a_backup_that_fails_is_recorded_with_its_reason_and_forgotten(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.cluster.guests[100].config["scsi0"] = "gone:vm-100-disk-0,size=20G"
    rig.fault(kind="task-fails", task_type="vzdump", exit_status="job errors")
    rig.backup_now(service)
    rig.run()
    log, row = rig.log(service), rig.record(service)
    assert (log["action"], log["result"]) == ("BackupNow", "error")
    assert log["error"] == "the backup of VM 100 failed: job errors"
    assert (row.vm_status, row.vm_backup_now_utid, row.vm_backups) == ("ready", None, 0)
    at_rest(rig)


@pytest.mark.req("BAK-07")
def test_what_was_bought_is_the_limit(keeper: Open) -> None:
    rig = keeper(backups="2")
    service = rig.living()
    for text in ("one", "two"):
        rig.made(service, text)
    answer = rig.backup_now(service, "three")
    assert answer.text == f"service {service} has all the 2 backups of its package"
    rig.run()
    assert [note.text for note in rig.notes()] == ["one", "two"]
    at_rest(rig)


@pytest.mark.req("BAK-07")
def test_of_two_at_once_one_is_made(keeper: Open) -> None:
    rig = keeper(backups="1")
    service = rig.living()
    slow(rig, 60.0)
    assert rig.backup_now(service, "first").begun
    second = rig.backup_now(service, "second")
    assert (second.begun, second.why) == (False, Why.BUSY)
    rig.run()
    assert [note.text for note in rig.notes()] == ["first"]


@pytest.mark.req("BAK-07")
def test_without_backups_in_the_package_none_is_made(keeper: Open) -> None:
    rig = keeper(backups="0")
    service = rig.living()
    rig.backup_now(service)
    rig.run()
    assert (rig.kept(), rig.tasks("vzdump")) == ([], 0)


@pytest.mark.req("BAK-41")
@pytest.mark.parametrize("trouble", ["no storage set", "no such storage", "takes no backups", "disabled"])
def test_without_a_place_for_it_nothing_is_begun(keeper: Open, trouble: str) -> None:
    settings = {"no storage set": "none", "no such storage": "elsewhere|dir", "takes no backups": "ceph-vm|rbd"}
    rig = keeper(backup_storage=settings.get(trouble, "backup|nfs"))
    if trouble == "disabled":
        rig.cluster.storages["backup"].enabled = False
    service = rig.living()
    answer = rig.backup_now(service)
    assert (answer.done, answer.why) == (False, Why.FAILED)
    assert "storage" in answer.text
    assert rig.tasks("vzdump") == 0
    at_rest(rig)


def test_a_backup_that_cannot_begin_within_an_hour_is_given_up(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.cluster.storages["backup"].active = False
    assert not rig.backup_now(service).done
    began = rig.clock.now()
    rig.run()
    assert 3590 <= rig.clock.now() - began < 3700
    assert rig.log(service)["error"].endswith("within an hour: backups storage backup is not active on node pve1")
    at_rest(rig)


def test_one_backup_at_a_time_on_a_node_and_clones_do_not_wait_for_it(keeper: Open) -> None:
    rig = keeper(node="pve1")
    first, second = rig.living(), rig.living()
    slow(rig, 600.0)
    assert [rig.backup_now(service).why for service in (first, second)] == [Why.GOES_ON, Why.GOES_ON]
    assert [bool(rig.record(service).vm_backup_now_utid) for service in (first, second)] == [True, False]
    assert [slot.service_id for slot in Slot.select()] == [first]
    began = rig.clock.now()
    rig.order()
    rig.tick()
    assert rig.clock.now() - began < 300
    rig.run()
    assert [rig.record(service).vm_backups for service in (first, second)] == [1, 1]
    at_rest(rig)


@pytest.mark.req("BAK-22")
@pytest.mark.parametrize("name", ["VMStart", "VMStop", "VMReboot", "ChangePassword", "RemoveBackup"])
def test_meanwhile_no_other_command_is_taken(keeper: Open, name: str) -> None:
    rig = keeper()
    service = rig.living()
    slow(rig)
    rig.backup_now(service)
    rig.sent.clear()
    answer = rig.house.direct.run(service, name, {"volid": "backup:x"})
    assert (answer.begun, answer.why) == (False, Why.BUSY)
    assert rig.writes() == []


@pytest.mark.req("BAK-22")
@pytest.mark.parametrize("operation", [Operation.REINSTALL, Operation.RESTORE_BACKUP])
def test_meanwhile_the_vm_is_neither_reinstalled_nor_restored(keeper: Open, operation: Operation) -> None:
    rig = keeper()
    service = rig.living()
    slow(rig)
    rig.backup_now(service)
    what = operation.replace("_", " ")
    assert rig.ask(service, operation, volid="backup:x") == (
        f"{what} is not possible: Backup now is at work on the VM of service {service}"
    )
    assert rig.state(service) == "ready"


@pytest.mark.req("BAK-22", "BAK-39")
def test_a_package_change_waits_for_the_backup_and_is_then_applied(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    slow(rig, 600.0)
    rig.backup_now(service)
    rig.set_product(cpu="4")
    assert rig.ask(service, Operation.CHANGE_PACKAGE) == "success"
    assert (rig.state(service), rig.work(service).pending_action) == ("ready", "change_package")
    rig.run()
    assert (rig.state(service), int(rig.config(service)["cores"])) == ("ready", 4)
    assert len(rig.kept()) == 1
    at_rest(rig)


@pytest.mark.req("BAK-39")
def test_a_termination_ends_the_backup_and_takes_the_vm(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    slow(rig)
    rig.backup_now(service)
    began = rig.clock.now()
    rig.ask_and_run(service, Operation.TERMINATE)
    assert rig.clock.now() - began < 600
    assert (rig.state(service), rig.exists(100), rig.kept()) == ("remove", False, [])
    row = rig.record(service)
    assert (row.vm_backup_now_utid, row.vm_backups) == (None, 0)
    assert Slot.select().count() == 0


@pytest.mark.req("BAK-09", "BAK-32")
def test_a_backup_is_removed_and_makes_room(keeper: Open) -> None:
    rig = keeper(backups="1")
    service = rig.living()
    made = rig.made(service)
    assert not rig.backup_now(service).done
    assert rig.remove(service, made.volid).done
    assert (rig.kept(), rig.record(service).vm_backups) == ([], 0)
    assert rig.made(service, "again").text == "again"
    at_rest(rig)


@pytest.mark.req("BAK-32", "BAK-36")
def test_what_is_not_the_services_own_is_not_removed(keeper: Open) -> None:
    rig = keeper()
    service, other = rig.living(), rig.living()
    rig.made(service)
    theirs = rig.made(other).volid
    job = rig.by_somebody_else(service)
    rig.kept()[0].protected = True
    protected = f"backup:{rig.kept()[0].name}"
    for volid in (f"backup:{job.name}", protected):
        answer = rig.remove(service, volid)
        assert answer.text == f"backup {volid} is protected, or was not made for service {service}"
    assert rig.remove(service, theirs).done  # it is none of this VM's, so there is nothing to be removed
    assert len(rig.kept()) == 3
    assert rig.record(other).vm_backups == 1


def test_the_same_is_true_when_the_daemon_is_another_one_by_then(keeper: Open) -> None:
    """What is known of a backup under way is in the database: its command, its task, and what it is for."""
    rig = keeper()
    service = rig.living()
    slow(rig)
    rig.backup_now(service, "kept in mind")
    intent = json.loads(VmWork.get_by_id(service).intent or "")
    assert (intent["command"], intent["purpose"], intent["text"]) == ("BackupNow", "manual", "kept in mind")
    VmWork.update(lease_owner=None, lease_until=None).execute()
    rig.start_daemon()
    rig.clock.advance(2 * HOURS)
    rig.run()
    assert [note.text for note in rig.notes()] == ["kept in mind"]
    assert VmInfo.get_by_id(service).vm_backups == 1
