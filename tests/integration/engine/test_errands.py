"""Errands: a cron task's commands, which never stand in the way of anybody else's."""

import json
from typing import Any

import pytest

from bridge.claims import Claims
from bridge.lifecycle.errands import Errands
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.task_book import Begun, TaskBook
from statemachines.errors import LeaseLost
from tests.chaos.clock import VirtualClock
from tests.factories import make_service

pytestmark = pytest.mark.usefixtures("database")

ME = "host/boot/1/100/me"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def make_vm(status: str = "ready", **columns: Any) -> int:
    service = int(make_service().id)
    VmInfo.create(service_id=service, vm_status=status, vm_id=100 + service)
    VmWork.create(service_id=service, **columns)
    return service


def test_an_errand_is_recorded_and_due_at_once(clock: VirtualClock) -> None:
    service = make_vm()
    assert Errands(clock).give(service, "VMSetFirewall", {"why": "test"}) == ""
    work = VmWork.get_by_id(service)
    assert json.loads(work.intent or "") == {"why": "test", "command": "VMSetFirewall"}
    assert Claims(ME, ["ready"], clock).take_with_tasks(5) == [(service, "processVirtualMachines")]


def test_a_vm_of_the_old_module_without_a_work_row_takes_one(clock: VirtualClock) -> None:
    service = int(make_service().id)
    VmInfo.create(service_id=service, vm_status="ready", vm_id=100)
    assert Errands(clock).give(service, "VMSetFirewall") == ""


@pytest.mark.parametrize(
    "columns",
    [
        {"intent": json.dumps({"command": "VMStop"})},
        {"due_at": 1.0},
        {"job_state": "restore_backup"},
        {"lease_owner": "other/1/x", "lease_until": 9e9},
    ],
    ids=["a command", "due", "a restore", "leased"],
)
def test_a_vm_that_something_is_at_work_on_takes_no_errand(clock: VirtualClock, columns: dict[str, Any]) -> None:
    service = make_vm(**columns)
    before = VmWork.get_by_id(service).intent
    assert Errands(clock).give(service, "VMSetFirewall") != ""
    assert VmWork.get_by_id(service).intent == before


@pytest.mark.parametrize("status", ["creation", "terminate", "remove", "reinstall"])
def test_a_vm_at_another_state_takes_no_errand(clock: VirtualClock, status: str) -> None:
    service = make_vm(status)
    assert status in Errands(clock).give(service, "VMSetFirewall")


def test_a_suspended_vm_takes_what_suspended_ones_may(clock: VirtualClock) -> None:
    service = make_vm(suspended=1)
    assert Errands(clock).give(service, "VMStart") == f"service {service} is suspended"
    assert Errands(clock).give(service, "VMSetFirewall") == ""


def test_a_task_that_was_lost_gives_no_errands(clock: VirtualClock) -> None:
    service, book = make_vm(), TaskBook(clock, lambda: 600.0)
    lost = book.begin("removeOldSnapshots", None)
    assert isinstance(lost, Begun)
    book.begin("removeOldSnapshots", None, alone=False)
    with pytest.raises(LeaseLost):
        Errands(clock).give(service, "VMSetFirewall", watch=lost)
    assert VmWork.get_by_id(service).intent is None


def test_a_task_takes_only_the_vms_that_it_drives(clock: VirtualClock) -> None:
    mine, other = make_vm(due_at=1.0, queue="scheduleBackup"), make_vm(due_at=1.0)
    claims = Claims(ME, ["ready"], clock)
    assert claims.take(5, task="restoreBackupStatus") == []
    assert claims.take(5, task="scheduleBackup") == [mine]
    assert claims.take(5, task="processVirtualMachines") == [other]
