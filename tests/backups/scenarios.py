"""Backups and restores, each with what it finds, what is asked for, and what must hold in the end, whatever happened."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.lifecycle.backup_list import restore_failed
from bridge.models.companion import VmWork
from bridge.sandbox.proxmox.timing import Timing
from statemachines.commands import REMOVE_BACKUP
from tests.backups.keeper import RESTORED_MAIL, Keeper
from tests.backups.past import OLD_ADDRESS, backup_of_the_past
from tests.chaos import invariants
from tests.lifecycle.living import Facts
from tests.lifecycle.scenarios import BRISK, addresses_reach_everything, at_rest, living

DAY = "2026-04-10"


@dataclass(frozen=True)
class Scenario:
    """`begin` asks for it on a ready VM and returns the names of the backups there were; `holds` checks the end."""

    begin: Callable[[Keeper, int], list[str]]
    holds: Callable[[Keeper, int, Facts, list[str]], None]

    def start(self, rig: Keeper) -> tuple[int, Facts, list[str]]:
        """The VM, what it is, and the backups that it has."""
        rig.cluster.timing = Timing(speed=BRISK)
        service = rig.living()
        rig.write_data(service)
        before = rig.facts(service)
        names = self.begin(rig, service)
        rig.forget()
        return service, before, names


def _names(rig: Keeper) -> list[str]:
    return [volume.name for volume in rig.kept()]


def one_more(rig: Keeper, service: int) -> list[str]:
    """Somebody has asked for a second backup; his process is gone."""
    rig.made(service, "first")
    names = _names(rig)
    assert rig.plan(service, "manual") == ""
    return names


def a_full_shelf(rig: Keeper, service: int) -> list[str]:
    """The scheduled backup is due, and all that were bought exist: the oldest is protected by nobody, another one by an admin."""
    for text in ("oldest", "protected", "newest"):
        rig.made(service, text)
    rig.kept()[1].protected = True
    names = _names(rig)
    assert rig.plan(service, DAY) == ""
    return names


def the_past_is_wanted(rig: Keeper, service: int) -> list[str]:
    """A running VM with snapshots is to become what it was before we came."""
    volume = backup_of_the_past(rig, service)
    rig.snapshot(service, "monday")
    rig.snapshot(service, "tuesday")
    assert rig.ask_restore(service, f"backup:{volume.name}") == "success"
    return _names(rig)


def made_once(rig: Keeper, service: int, before: Facts, names: list[str]) -> None:
    """One more backup, the VM untouched."""
    living(rig, service, (2, 1), [])
    assert rig.facts(service) == before
    assert _names(rig)[: len(names)] == names
    assert [note.purpose for note in rig.notes()] == ["manual", "manual"]
    recorded(rig, service, 2)
    assert rig.tasks("vzdump") == 2


def rotated_once(rig: Keeper, service: int, before: Facts, names: list[str]) -> None:
    """The oldest has made room for the new one; nothing else is gone, and there are never more than were bought."""
    living(rig, service, (2, 1), [])
    assert rig.facts(service) == before
    assert _names(rig)[:2] == names[1:]
    assert [note.purpose for note in rig.notes()] == ["manual", "manual", DAY]
    recorded(rig, service, 3)
    assert VmWork.get_by_id(service).backup_day == DAY
    assert rig.tasks("vzdump") == 4


def restored_once(rig: Keeper, service: int, before: Facts, names: list[str]) -> None:
    """The disk is that of the backup; everything else is what the client has bought and holds today."""
    living(rig, service, (2, 1), [RESTORED_MAIL])
    after, config = rig.facts(service), rig.config(service)
    assert (after.vmid, after.name, after.mac) == (before.vmid, before.name, before.mac)
    assert (after.addresses, after.domain, after.password) == (before.addresses, before.domain, before.password)
    assert rig.data_on(service) == set()
    assert rig.snapshots(service) == []
    invariants.vm_fits_package(rig, service)
    assert (config["name"], rig.has_mark(service)) == (before.name, True)
    assert rig.guest_has_password(service)
    assert rig.firewall(service, "options")["policy_in"] == "ACCEPT"
    assert OLD_ADDRESS not in str(rig.firewall(service, "ipset/ipfilter-net0")) + str(config)
    addresses_reach_everything(rig, service)
    assert _names(rig) == names
    recorded(rig, service, 1)
    assert rig.tasks("qmrestore") == 1


def recorded(rig: Keeper, service: int, count: int) -> None:
    """The documented record counts the backups and shows no task any more."""
    row = rig.record(service)
    assert (row.vm_backups, row.vm_backup_now_utid, row.vm_backup_restore_utid) == (count, None, None)
    assert rig.work(service).job_state is None


def unwanted(rig: Keeper, service: int) -> list[str]:
    """A backup is to be removed; his process who asked for it is gone."""
    for text in ("kept", "unwanted"):
        rig.made(service, text)
    names = _names(rig)
    assert (
        rig.house.errands.give(service, REMOVE_BACKUP, {"volid": f"backup:{names[1]}", "asked_at": rig.clock.now()})
        == ""
    )
    return names[:1]


def the_restore_will_fail(rig: Keeper, service: int) -> list[str]:
    """The task of the restore fails, and leaves an empty configuration."""
    rig.made(service, "good")
    names = _names(rig)
    rig.snapshot(service, "monday")
    rig.fault(kind="task-fails", task_type="qmrestore", exit_status="no space left on the storage")
    assert rig.ask_restore(service, f"backup:{names[0]}") == "success"
    return names


def removed_once(rig: Keeper, service: int, before: Facts, names: list[str]) -> None:
    """It is gone, the others are not."""
    living(rig, service, (2, 1), [])
    assert rig.facts(service) == before
    assert _names(rig) == names
    recorded(rig, service, 1)


def failed_and_at_rest(rig: Keeper, service: int, before: Facts, names: list[str]) -> None:
    """Nothing is left over but the VM, its backup and the reason; and another restore succeeds."""
    at_rest(rig)
    assert restore_failed(service)
    assert (rig.state(service), rig.has_mark(service), rig.mails_of(service)) == ("ready", True, [])
    assert _names(rig) == names
    recorded(rig, service, 1)
    assert rig.tasks("qmrestore") == 1
    assert rig.ask_restore(service, f"backup:{names[0]}") == "success"
    rig.run()
    living(rig, service, (2, 1), [RESTORED_MAIL])


SCENARIOS = {
    "manual backup": Scenario(one_more, made_once),
    "scheduled backup with rotation": Scenario(a_full_shelf, rotated_once),
    "removal": Scenario(unwanted, removed_once),
    "restore": Scenario(the_past_is_wanted, restored_once),
    "restore that fails": Scenario(the_restore_will_fail, failed_and_at_rest),
}
