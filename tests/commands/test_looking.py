"""Looking at a VM before anybody has taken it: wherever it is, and without writing anything."""

from collections.abc import Callable

import pytest

from bridge.lifecycle.plan import Planner
from bridge.lifecycle.reinstall import Reinstallation
from bridge.models.companion import VmidReservation, VmWork
from bridge.models.whmcs import Service
from statemachines.commands import Power
from tests.commands.conftest import Desk, Open


def moved(rig: Desk, service: int) -> None:
    """Somebody has migrated the VM to another node."""
    rig.cluster.guests[100].node = "pve2"


def of_the_old_module(rig: Desk, service: int) -> None:
    """The VM was made by the module that was here before: it has no mark, and its VMID no reservation."""
    rig.cluster.guests[100].config |= {"description": "", "tags": ""}
    VmidReservation.delete().execute()
    VmWork.delete().execute()


PREPARATIONS = [moved, of_the_old_module]


@pytest.mark.parametrize("prepare", PREPARATIONS)
def test_looking_writes_nothing(desk: Open, prepare: Callable[[Desk, int], None]) -> None:
    rig = desk()
    service = rig.deploy()
    prepare(rig, service)
    before = list(VmWork.select().dicts()), list(VmidReservation.select().dicts())
    rig.sent.clear()
    stopped_only = rig.house.direct.look(service, "Reinstall", Power.STOPPED)
    assert stopped_only == "Reinstall is possible on a stopped VM only: VM 100 is running"
    assert rig.house.direct.look(service, "Reinstall", Power.ANY) == ""
    assert Planner(rig.house.runs.shop).plan(service).vmid == 100
    assert rig.writes() == []
    assert (list(VmWork.select().dicts()), list(VmidReservation.select().dicts())) == before


@pytest.mark.parametrize("prepare", PREPARATIONS)
def test_a_new_password_reaches_a_vm_that_has_to_be_found_or_marked_first(
    desk: Open, prepare: Callable[[Desk, int], None]
) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(600)
    prepare(rig, service)
    assert rig.house.passwords.change(service, "typed-in-whmcs") == "success"
    rig.run()
    assert rig.whmcs.passwords.decrypt(Service.get_by_id(service).password) == "typed-in-whmcs"
    assert rig.is_at_rest(service)


def test_a_lock_of_a_vm_that_was_moved_is_seen(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    moved(rig, service)
    rig.cluster.guests[100].config["lock"] = "backup"
    answer = Reinstallation(rig.house.requests, rig.house.runs.shop).ask(service)
    assert answer == f"reinstall is not possible: the VM of service {service} is locked (backup)"


def test_a_stranger_under_our_vmid_is_no_vm_of_ours(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config |= {"description": "kvm-bridge install=0a1b2c3d service=9", "tags": ""}
    refusal = rig.house.direct.look(service, "Reinstall", Power.ANY)
    assert refusal == f"Reinstall is not possible now: VM 100 does not carry the mark of service {service}"
