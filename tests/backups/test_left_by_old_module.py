"""What the old module has left: its backups, its tasks, and a VM that carries no mark yet."""

import pytest

from bridge.lifecycle.backup_list import BackupList
from bridge.models.companion import VmidReservation, VmWork
from bridge.models.module import VmInfo
from statemachines.errors import NeedsAttention
from tests.backups.conftest import Open
from tests.backups.keeper import RESTORED_MAIL, Held, Keeper
from tests.backups.past import backup_of_the_past
from tests.lifecycle.scenarios import living

HOUR = 3600.0


def of_the_old_module(rig: Keeper, notes: tuple[str, ...] = ("test",)) -> int:
    """A VM as the old module leaves it: no mark, no rows of ours, its backups with nothing but the client's notes."""
    service = rig.living()
    rig.made(service)
    for index, text in enumerate(notes):
        rig.clock.advance(60)
        rig.by_somebody_else(service, notes=text, age=float(index))
    rig.cluster.storages["backup"].on("pve1").pop(rig.kept()[0].name)
    config = rig.cluster.guests[100].config
    config.pop("description")
    config.pop("tags")
    VmidReservation.delete().execute()
    VmWork.delete().execute()
    VmInfo.update(vm_backups=len(notes)).execute()
    return service


@pytest.mark.req("BAK-37")
def test_its_backups_are_the_clients_and_can_be_removed(keeper: Open) -> None:
    rig = keeper()
    service = of_the_old_module(rig, ("test", "", "before update"))
    shelf = rig.shelf(service)
    assert (shelf.count, [each.removable for each in shelf.backups]) == (3, [True] * 3)
    oldest = shelf.backups[-1]
    assert rig.remove(service, oldest.volid).done
    assert rig.has_mark(service)
    assert [each.volid for each in rig.shelf(service).backups] == [each.volid for each in shelf.backups[:-1]]
    assert rig.shelf(service).count == 2


@pytest.mark.req("BAK-36", "BAK-37")
def test_after_the_vm_became_ours_what_carries_no_mark_is_somebody_elses(keeper: Open) -> None:
    rig = keeper()
    service = of_the_old_module(rig)
    rig.clock.advance(60)
    made = rig.made(service, "ours")
    rig.clock.advance(60)
    rig.by_somebody_else(service, notes="later")
    shelf = rig.shelf(service)
    assert [(each.text, each.own) for each in shelf.backups] == [("later", False), ("ours", True), ("test", True)]
    assert made.own


@pytest.mark.req("BAK-36")
def test_what_a_job_of_the_cluster_made_is_not_the_clients(keeper: Open) -> None:
    rig = keeper()
    service = of_the_old_module(rig, ())
    name = rig.record(service).vm_name
    rig.clock.advance(60)
    rig.cluster.guests[100].config["description"] = ""
    rig.house.direct.run(service, "VMSetFirewall")
    rig.made(service, "ours")
    job = rig.by_somebody_else(service, notes=str(name), age=HOUR)
    found = next(each for each in rig.shelf(service).backups if each.volid.endswith(job.name))
    assert (found.own, found.removable) == (False, False)


@pytest.mark.req("BAK-37")
def test_its_oldest_backup_makes_room_for_a_scheduled_one(keeper: Open) -> None:
    rig = keeper(backups="2")
    service = of_the_old_module(rig, ("older", "newer"))
    assert rig.plan(service, "2026-04-11") == ""
    rig.run()
    assert [note.text or note.purpose for note in rig.notes()] == ["newer", "2026-04-11"]


@pytest.mark.req("BAK-25")
def test_the_day_that_it_has_done_is_not_done_again(keeper: Open) -> None:
    rig = keeper()
    service = of_the_old_module(rig)
    assert rig.plan(service, "2026-04-10") == ""
    rig.run()
    assert [note.text for note in rig.notes()] == ["test"]
    assert rig.work(service).backup_day == "2026-04-10"


@pytest.mark.req("BAK-20", "BAK-37")
def test_its_backup_is_restored_and_the_vm_is_ours_then(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    volume = backup_of_the_past(rig, service)
    volume.notes = "test"
    rig.cluster.guests[100].config.pop("description")
    rig.cluster.guests[100].config.pop("tags")
    VmidReservation.delete().execute()
    VmWork.delete().execute()
    rig.forget()
    assert rig.ask_restore(service, f"backup:{volume.name}") == "success"
    rig.run()
    living(rig, service, (2, 1), [RESTORED_MAIL])
    assert rig.has_mark(service)


@pytest.mark.req("BAK-32")
def test_a_stranger_under_its_vmid_has_no_backups_for_us(keeper: Open) -> None:
    rig = keeper()
    service = of_the_old_module(rig)
    rig.cluster.guests[100].config["name"] = "somebody-else"
    with pytest.raises(NeedsAttention, match="does not carry the mark"):
        BackupList(lambda: rig.house.runs.shop).look(service)


@pytest.mark.req("BAK-33", "BAK-40")
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_backup_that_it_has_started_is_followed_to_its_end(keeper: Open, ends: str) -> None:
    rig = keeper()
    service = of_the_old_module(rig)
    rig.clock.advance(60)
    rig.cluster.timing.durations["vzdump"] = 600.0
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    upid = proxmox._api.post("back up", f"nodes/{rig.node(service)}/vzdump", {"vmid": 100, "storage": "backup"})
    VmInfo.update(vm_backup_now_utid=upid).execute()
    assert rig.told(rig.tick(), service) == ["[skipped] backup is still running"]
    assert rig.record(service).vm_backup_now_utid == upid
    if ends == "badly":
        proxmox.abort_task(upid)
    rig.clock.advance(700)
    [line] = rig.told(rig.tick(), service)
    assert line.startswith("[success] backup made, 2 in all" if ends == "well" else "[error] backup failed: ")
    row = rig.record(service)
    assert (row.vm_backup_now_utid, row.vm_backups) == (None, 2 if ends == "well" else 1)
    assert rig.told(rig.tick(), service) == []


@pytest.mark.req("BAK-40")
def test_what_is_no_task_is_told_once_and_forgotten(keeper: Open) -> None:
    rig = keeper()
    service = of_the_old_module(rig)
    VmInfo.update(vm_backup_now_utid="rubbish", vm_backup_restore_utid="more").execute()
    assert rig.told(rig.tick(), service) == ["[error] there is no task 'more'", "[error] there is no task 'rubbish'"]
    assert rig.told(rig.tick(), service) == []


def test_what_is_ours_is_left_to_whoever_works_on_it(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.cluster.timing.durations["vzdump"] = 600.0
    rig.backup_now(service)
    upid = rig.record(service).vm_backup_now_utid
    assert rig.house.duties["nowBackupStatus"].work(Held()).details == []
    assert rig.record(service).vm_backup_now_utid == upid
