"""Restoring a backup: what is checked before anything is touched, what becomes of the VM, and what a failure leaves."""

import pytest

from bridge.lifecycle.backup_list import restore_failed
from bridge.lifecycle.direct import Why
from bridge.lifecycle.rules import Operation
from bridge.models.companion import Slot, VmWork
from bridge.models.module import VmInfo
from tests.backups.conftest import Open
from tests.backups.keeper import PBS, RESTORED_MAIL, Keeper
from tests.backups.past import OLD_ADDRESS, backup_of_the_past
from tests.chaos import invariants
from tests.lifecycle.living import is_power
from tests.lifecycle.scenarios import at_rest, living

OTHER_COMMANDS = ("VMStart", "VMStop", "VMReboot", "ChangePassword", "BackupNow", "RemoveBackup")


def restored(rig: Keeper, service: int, volid: str) -> None:
    """The backup is restored, however long that takes."""
    rig.forget()
    assert rig.ask_restore(service, volid) == "success"
    rig.run()


def failed_restore(rig: Keeper, service: int) -> str:
    """A restore whose task fails; the backup's volume id."""
    volid = rig.made(service).volid
    rig.fault(kind="task-fails", task_type="qmrestore", exit_status="no space left on the storage")
    restored(rig, service, volid)
    return volid


@pytest.mark.req("BAK-12", "BAK-14", "BAK-15", "BAK-17", "BAK-18", "BAK-19", "BAK-20", "EML-08")
@pytest.mark.parametrize("version", ["7.4", "8.4", "9.2"])
def test_the_vm_becomes_what_it_was_with_what_was_bought_since(keeper: Open, version: str) -> None:
    rig = keeper(version)
    service = rig.living()
    before = rig.facts(service)
    volume = backup_of_the_past(rig, service)
    restored(rig, service, f"backup:{volume.name}")
    living(rig, service, (2, 1), [RESTORED_MAIL])
    invariants.vm_fits_package(rig, service)
    system, additional = rig.disk(service), rig.disk(service, "scsi1")
    assert (system["size"], system["mbps_rd"], system["iops_wr"]) == ("20G", "100", "500")
    assert (additional["size"], additional["mbps_rd"]) == ("10G", "50")
    assert f"virtio={before.mac}" in rig.config(service)["net0"]
    assert (rig.card(service)["bridge"], rig.card(service)["rate"]) == ("vmbr0", "12")
    powered = [call.path.rpartition("/")[2] for call in rig.sent if is_power(call)]
    assert powered == ["shutdown", "start"]
    assert rig.running(service)


@pytest.mark.req("BAK-31")
def test_from_a_backup_server_as_well(keeper: Open) -> None:
    rig = keeper(backup_storage="pbs|pbs")
    rig.cluster.storages["pbs"] = PBS
    PBS.volumes.clear()
    service = rig.living()
    volid = rig.made(service).volid
    assert volid.startswith("pbs:backup/vm/100/")
    rig.write_data(service)
    restored(rig, service, volid)
    living(rig, service, (2, 1), [RESTORED_MAIL])
    assert rig.data_on(service) == set()


@pytest.mark.req("BAK-11")
def test_all_snapshots_are_gone(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    for name in ("monday", "tuesday"):
        rig.snapshot(service, name)
    restored(rig, service, volid)
    assert rig.snapshots(service) == []
    assert [call.path.rpartition("/")[2] for call in rig.sent if call.method == "DELETE"] == ["tuesday", "monday"]


@pytest.mark.req("BAK-13", "BAK-34")
def test_a_long_restore_shows_its_task_and_the_cron_task_brings_it_to_its_end(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.cluster.timing.durations["qmrestore"] = 7200.0
    rig.forget()
    rig.ask_restore(service, volid)
    assert rig.told(rig.tick(), service) == ["[skipped] restore of VM 100 is still running"]
    upid = rig.record(service).vm_backup_restore_utid
    assert ":qmrestore:100:" in upid
    row = rig.work(service)
    assert (rig.state(service), row.job_state, row.queue) == ("ready", "rb_snapshots_removed", "restoreBackupStatus")
    assert row.attention_cause is None
    rig.clock.advance(7200)
    assert rig.told(rig.tick(), service) == ["[success] restore_backup"]
    assert rig.record(service).vm_backup_restore_utid is None
    assert rig.log(service)["action"] == "restore_backup"
    living(rig, service, (2, 1), [RESTORED_MAIL])


@pytest.mark.req("BAK-16")
def test_a_disk_that_is_larger_than_the_package_says_stays(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volume = backup_of_the_past(rig, service, size=50)
    restored(rig, service, f"backup:{volume.name}")
    assert (rig.disk(service)["size"], rig.state(service)) == ("50G", "ready")
    assert any("system_disk_shrink_rejected" in row for row in rig.module_log())
    assert "Resize system disk (skip — shrink not allowed by Proxmox)" in str(rig.log(service))


def test_an_additional_disk_that_the_package_has_no_more_is_kept(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.choose(service, "Additional Disk", "0|none")
    restored(rig, service, volid)
    assert rig.disk(service, "scsi1")["size"] == "10G"


@pytest.mark.req("BAK-19")
def test_addresses_of_the_past_do_not_come_back(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volume = backup_of_the_past(rig, service)
    restored(rig, service, f"backup:{volume.name}")
    allowed = {entry["cidr"] for entry in rig.firewall(service, "ipset/ipfilter-net0")}
    assert OLD_ADDRESS not in allowed
    assert len(allowed) == 3
    assert rig.firewall(service, "options")["policy_in"] == "ACCEPT"
    assert OLD_ADDRESS not in str(rig.config(service))
    assert rig.config(service)["name"] == rig.record(service).vm_name
    assert rig.guest_has_password(service)


@pytest.mark.req("EML-08", "BAK-20")
def test_the_client_is_told_once_for_each_restore(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    restored(rig, service, volid)
    assert rig.mails_of(service) == [RESTORED_MAIL]
    assert rig.activity()[-1] == f"Virtual machine restored from a backup successfully - Service ID: {service}"
    restored(rig, service, volid)
    assert rig.mails_of(service) == [RESTORED_MAIL]


@pytest.mark.req("BAK-22")
@pytest.mark.parametrize("name", OTHER_COMMANDS)
def test_meanwhile_no_command_is_taken(keeper: Open, name: str) -> None:
    rig = keeper()
    service = rig.living()
    rig.ask_restore(service, rig.made(service).volid)
    rig.sent.clear()
    answer = rig.house.direct.run(service, name, {"volid": "x"})
    assert (answer.begun, rig.writes()) == (False, [])
    assert "being restored from a backup" in answer.text
    assert answer.why is Why.BUSY


@pytest.mark.req("BAK-22")
@pytest.mark.parametrize("operation", [Operation.REINSTALL, Operation.RESTORE_BACKUP, Operation.SET_DNS_RECORDS])
def test_meanwhile_nothing_else_begins(keeper: Open, operation: Operation) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.ask_restore(service, volid)
    assert "is not possible: the VM" in rig.ask(service, operation, volid=volid)
    assert rig.work(service).job_state == "restore_backup"


@pytest.mark.req("BAK-22")
def test_a_package_change_is_remembered_and_applied_afterwards(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.ask_restore(service, rig.made(service).volid)
    rig.set_product(cpu="4", ram="3")
    assert rig.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.run()
    assert (rig.state(service), int(rig.config(service)["cores"])) == ("ready", 4)
    assert rig.log(service)["action"] == "change_package"
    at_rest(rig)


def test_a_termination_wins_over_a_restore(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.cluster.timing.durations["qmrestore"] = 600.0
    rig.ask_restore(service, volid)
    rig.tick()
    rig.ask_and_run(service, Operation.TERMINATE)
    assert (rig.state(service), rig.exists(100), rig.mails_of(service).count(RESTORED_MAIL)) == ("remove", False, 0)
    row = rig.record(service)
    assert (row.vm_backup_restore_utid, rig.work(service).job_state) == (None, None)
    assert Slot.select().count() == 0


def test_a_suspended_vm_stays_down(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.ask_restore(service, rig.made(service).volid)
    rig.house.suspension.suspend(service)
    rig.run()
    assert (rig.state(service), rig.running(service)) == ("ready", False)
    assert (rig.work(service).job_state, rig.work(service).suspended) == (None, 1)


@pytest.mark.req("BAK-21", "BAK-38")
def test_after_a_failure_the_vm_is_at_rest_and_the_log_says_why(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    failed_restore(rig, service)
    log = rig.log(service)
    assert (log["action"], log["result"]) == ("restore_backup", "error")
    assert log["error"] == "VM 100 could not be restored: no space left on the storage"
    assert (rig.state(service), rig.mails_of(service)) == ("ready", [])
    assert restore_failed(service)
    row, work = rig.record(service), rig.work(service)
    assert (row.vm_backup_restore_utid, work.job_state, work.intent, work.due_at) == (None,) * 4
    assert Slot.select().count() == 0


@pytest.mark.req("BAK-21", "BAK-38")
def test_after_a_failure_the_restore_can_be_tried_again(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = failed_restore(rig, service)
    restored(rig, service, volid)
    living(rig, service, (2, 1), [RESTORED_MAIL])
    assert not restore_failed(service)


@pytest.mark.req("BAK-21", "BAK-38")
@pytest.mark.parametrize("left", ["the VM", "an empty configuration", "nothing"])
def test_whatever_a_failure_has_left_the_vm_can_be_restored_or_reinstalled(keeper: Open, left: str) -> None:
    rig = keeper()
    for ask in ("restore", "reinstall"):
        service = rig.living()
        vmid = int(rig.record(service).vm_id)
        volid = failed_restore(rig, service)
        guest = rig.cluster.guests[vmid]
        if left != "the VM":
            proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
            rig.clock.advance(30)
            upid = proxmox.destroy(rig.node(service), vmid)
            rig.clock.advance(30)
            assert proxmox.task(str(upid)).ok
        if left == "an empty configuration":
            # As the mark is put back on whatever the failed task has left.
            guest.config.clear()
            guest.config["description"] = f"kvm-bridge install=c0ffee00 service={service}"
            rig.cluster.guests[vmid] = guest
        if ask == "restore":
            restored(rig, service, volid)
            assert rig.mails_of(service) == [RESTORED_MAIL]
        else:
            assert rig.ask(service, Operation.REINSTALL, template=9000) == "success"
            rig.run()
        assert (rig.state(service), rig.running(service), rig.has_mark(service)) == ("ready", True, True)
        assert int(rig.record(service).vm_id) == vmid


@pytest.mark.req("BAK-38")
def test_a_vm_that_lost_its_mark_in_a_failed_restore_gets_it_back(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.cluster.timing.durations["qmrestore"] = 600.0
    rig.ask_restore(service, volid)
    rig.tick()
    rig.house.hypervisors.for_server(rig.shop.server_id).abort_task(rig.record(service).vm_backup_restore_utid or "")
    rig.cluster.guests[100].config = {"memory": "512"}
    rig.run()
    assert restore_failed(service)
    assert rig.has_mark(service)


@pytest.mark.req("BAK-39")
def test_a_package_change_does_not_begin_on_what_a_failed_restore_has_left(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.fault(kind="task-fails", task_type="qmrestore", exit_status="no space left on the storage")
    rig.ask_restore(service, volid)
    rig.set_product(cpu="4")
    rig.ask(service, Operation.CHANGE_PACKAGE)
    rig.run()
    assert (rig.state(service), rig.work(service).pending_action) == ("ready", "change_package")
    restored(rig, service, volid)
    assert (int(rig.config(service)["cores"]), rig.work(service).pending_action) == (4, None)
    at_rest(rig)


@pytest.mark.req("BAK-32")
@pytest.mark.parametrize("trouble", ["gone", "another VM's", "another storage's", "no backup", "storage away"])
def test_nothing_is_touched_before_the_backup_is_seen_to_be_there(keeper: Open, trouble: str) -> None:
    rig = keeper()
    service, other = rig.living(), rig.living()
    volid, theirs = rig.made(service).volid, rig.made(other).volid
    wanted = {
        "gone": volid.replace("-100-2026", "-100-2025"),
        "another VM's": theirs,
        "another storage's": volid.replace("backup:", "local:"),
        "no backup": "ceph-vm:vm-100-disk-0",
    }.get(trouble, volid)
    if trouble == "storage away":
        rig.cluster.storages["backup"].enabled = False
    rig.snapshot(service, "monday")
    rig.write_data(service)
    restored(rig, service, wanted)
    assert (rig.running(service), rig.snapshots(service), rig.data_on(service)) == (
        True,
        ["monday"],
        {"scsi0", "scsi1"},
    )
    assert rig.writes() == []
    assert restore_failed(service)


@pytest.mark.req("BAK-32")
def test_a_backup_that_holds_another_services_vm_is_not_restored(keeper: Open) -> None:
    """Its VMID was another's before, and its notes are gone."""
    rig = keeper()
    service = rig.living()
    volume = backup_of_the_past(rig, service, description="kvm-bridge install=c0ffee00 service=77")
    restored(rig, service, f"backup:{volume.name}")
    assert rig.log(service)["error"] == f"backup backup:{volume.name} holds the VM of another service than {service}"
    assert rig.writes() == []


def test_disks_go_to_the_products_storage_when_theirs_is_gone(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volume = backup_of_the_past(rig, service, scsi0="gone:vm-100-disk-0,size=5G")
    restored(rig, service, f"backup:{volume.name}")
    assert rig.disk(service)["file"].startswith("ceph-vm:")
    assert rig.state(service) == "ready"
    assert rig.calls("POST", "/nodes/pve1/qemu")[0].params["storage"] == "ceph-vm"


@pytest.mark.req("BAK-20")
def test_a_restore_whose_end_nobody_knows_is_done_once_more(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.fault(kind="task-fails", task_type="qmrestore", exit_status="unexpected status")
    restored(rig, service, volid)
    living(rig, service, (2, 1), [RESTORED_MAIL])
    assert rig.tasks("qmrestore") == 2


def test_a_cluster_that_is_away_for_an_hour_is_waited_for(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volid = rig.made(service).volid
    rig.cluster.timing.durations["qmrestore"] = 600.0
    rig.ask_restore(service, volid)
    rig.tick()
    away = rig.fault(match="/", kind="status", times=0, status=595)
    for _ in range(5):
        rig.clock.advance(600)
        rig.tick()
        assert (rig.state(service), rig.work(service).job_state) == ("ready", "rb_snapshots_removed")
    rig.cluster.faults._planned.remove(away)
    rig.whmcs.mails.clear()
    rig.run()
    living(rig, service, (2, 1), [RESTORED_MAIL])
    assert rig.tasks("qmrestore") == 1


@pytest.mark.req("BAK-40")
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_restore_of_the_old_module_is_followed_and_the_package_applied(keeper: Open, ends: str) -> None:
    rig = keeper()
    service = rig.living()
    volume = backup_of_the_past(rig, service)
    rig.power(service, "stop")
    rig.forget()
    rig.cluster.timing.durations["qmrestore"] = 300.0
    if ends == "badly":
        rig.fault(kind="task-fails", task_type="qmrestore", exit_status="pipe broken")
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    upid = proxmox.restore(rig.node(service), 100, f"backup:{volume.name}")
    VmInfo.update(vm_backup_restore_utid=upid).execute()
    VmWork.update(node=None).execute()
    rig.tick()
    if ends == "well":
        assert rig.work(service).job_state == "rb_snapshots_removed"
        assert rig.record(service).vm_backup_restore_utid == upid
    rig.run()
    assert rig.tasks("qmrestore") == 1
    if ends == "well":
        living(rig, service, (2, 1), [RESTORED_MAIL])
        invariants.vm_fits_package(rig, service)
    else:
        assert restore_failed(service)
    assert rig.record(service).vm_backup_restore_utid is None
    rig.tick()
    assert rig.work(service).job_state is None
