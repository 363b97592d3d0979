"""Leases on a real database: one holder at a time, renewed, taken over from the dead."""

import os
import subprocess
import threading

import pytest

from bridge import claims as module
from bridge.claims import Claims, new_owner
from bridge.database import Database, close_connection
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from statemachines.states import DEPLOY_STATES
from tests.chaos.clock import VirtualClock
from tests.factories import make_vm

pytestmark = pytest.mark.usefixtures("database")


def claims(clock: VirtualClock, owner: str = "host/boot/1/100/me") -> Claims:
    return Claims(owner, frozenset(DEPLOY_STATES), clock)


def due(count: int) -> list[int]:
    return [make_vm(due_at=float(number)).service_id for number in range(count)]


@pytest.mark.req("ENG-11")
def test_two_workers_never_hold_the_same_vm(database: Database) -> None:
    services, clock = due(60), VirtualClock()
    taken: list[list[int]] = []
    gate = threading.Barrier(6)

    def work(number: int) -> None:
        mine = claims(clock, f"host/boot/1/{number}/x")
        gate.wait()
        while batch := mine.take(3):
            taken.append(batch)
        close_connection()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(service for batch in taken for service in batch) == sorted(services)


def test_the_longest_due_is_taken_first_and_what_is_not_due_is_left() -> None:
    clock = VirtualClock()
    late, early = make_vm(due_at=clock.now() - 5).service_id, make_vm(due_at=clock.now() - 50).service_id
    make_vm(due_at=clock.now() + 60)
    make_vm(due_at=None)
    assert claims(clock).take(10) == [early, late]


def test_a_tick_asked_for_by_hand_takes_a_paused_vm_before_its_time_but_only_once() -> None:
    clock = VirtualClock()
    service = make_vm(due_at=clock.now() + 60).service_id
    mine = claims(clock)
    assert mine.take(10) == []
    assert mine.take(10, impatient=True) == [service]
    mine.give_back(service)
    assert mine.take(10, skip={service}, impatient=True) == []


@pytest.mark.req("ENG-13", "ENG-14")
def test_a_lease_runs_out_unless_it_is_renewed() -> None:
    clock = VirtualClock()
    [service] = due(1)
    first, second = claims(clock, "a/b/c/1/x"), claims(clock, "a/b/c/2/y")
    assert first.take(1) == [service]
    clock.advance(first.lease - 1)
    first.renew([service])
    clock.advance(first.lease - 1)
    assert second.take(1) == []
    clock.advance(2)
    assert second.take(1) == [service]


@pytest.mark.req("ENG-12")
def test_whoever_lost_a_lease_can_neither_renew_nor_end_it() -> None:
    clock = VirtualClock()
    [service] = due(1)
    first, second = claims(clock, "a/b/c/1/x"), claims(clock, "a/b/c/2/y")
    first.take(1)
    clock.advance(first.lease + 1)
    second.take(1)
    until = VmWork.get_by_id(service).lease_until
    clock.advance(1)
    first.renew([service])
    first.give_back(service)
    first.postpone(service)
    work = VmWork.get_by_id(service)
    assert (work.lease_owner, work.lease_until) == ("a/b/c/2/y", until)


@pytest.mark.req("ENG-13")
def test_the_lease_of_a_dead_process_of_this_machine_is_freed_at_once() -> None:
    clock = VirtualClock()
    child = subprocess.Popen(["true"])
    child.wait()
    dead = "/".join([module._place(), str(child.pid), "dead"])
    alive, elsewhere = new_owner(), f"otherhost/boot/1/{child.pid}/x"
    for owner, service in zip((dead, alive, elsewhere), due(3), strict=True):
        VmWork.update(lease_owner=owner, lease_until=clock.now() + 30).where(VmWork.service_id == service).execute()
    assert claims(clock).bury() == 1
    left = {row.lease_owner for row in VmWork.select()}
    assert left == {None, alive, elsewhere}


def test_an_owner_names_this_very_process() -> None:
    assert new_owner().split("/")[-2] == str(os.getpid())
    assert new_owner() != new_owner()


def test_a_row_the_old_module_left_at_a_working_state_is_taken_up() -> None:
    clock = VirtualClock()
    VmInfo.create(service_id=7001, vm_status="set_ip")
    VmInfo.create(service_id=7002, vm_status="ready")
    make_vm(state="remove", due_at=None)
    mine = claims(clock)
    assert mine.sweep() == 1
    assert mine.take(10) == [7001]
    assert mine.sweep() == 0


def test_whether_anything_is_due_is_answered_without_taking_it() -> None:
    clock = VirtualClock()
    mine = claims(clock)
    assert not mine.any_due()
    [service] = due(1)
    assert mine.any_due()
    assert mine.take(1) == [service]
    assert not mine.any_due()


def test_a_vm_that_needs_nothing_is_not_due_any_more() -> None:
    clock = VirtualClock()
    [service] = due(1)
    mine = claims(clock)
    mine.take(1)
    mine.settle(service)
    assert VmWork.get_by_id(service).due_at is None
    assert mine.take(1) == []


def test_a_vm_that_broke_its_run_rests_before_the_next_try() -> None:
    clock = VirtualClock()
    [service] = due(1)
    mine = claims(clock)
    mine.take(1)
    mine.postpone(service, 60)
    assert mine.take(1) == []
    clock.advance(61)
    assert mine.take(1) == [service]


@pytest.mark.req("ENG-11")
def test_one_service_is_taken_by_one_of_many_who_want_it_at_the_same_time() -> None:
    [service], clock = due(1), VirtualClock()
    taken: list[bool] = []
    gate = threading.Barrier(6)

    def want(number: int) -> None:
        mine = claims(clock, f"host/boot/1/{number}/x")
        gate.wait()
        taken.append(mine.take_one(service))
        close_connection()

    threads = [threading.Thread(target=want, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True]


@pytest.mark.parametrize("due_at", [None, 0.0, 2e9])
def test_a_service_can_be_taken_for_a_command_whether_it_is_due_or_not(due_at: float | None) -> None:
    clock = VirtualClock()
    service = make_vm(due_at=due_at).service_id
    mine = claims(clock)
    assert mine.take_one(service)
    work = VmWork.get_by_id(service)
    assert (work.lease_owner, work.due_at) == (mine.owner, due_at)
    assert not mine.take_one(service), "another thread of the same process"


def test_a_service_of_the_old_module_gets_its_work_row_when_it_is_taken() -> None:
    VmInfo.create(service_id=7001, vm_status="ready")
    mine = claims(VirtualClock())
    assert mine.take_one(7001)
    assert VmWork.get_by_id(7001).lease_owner == mine.owner


@pytest.mark.req("ENG-12", "ENG-13")
def test_a_service_is_taken_for_a_command_only_when_nobody_holds_it_any_more() -> None:
    clock = VirtualClock()
    [service] = due(1)
    first, second = claims(clock, "a/b/c/1/x"), claims(clock, "a/b/c/2/y")
    assert first.take(1) == [service]
    assert not second.take_one(service)
    clock.advance(first.lease + 1)
    assert second.take_one(service)
    first.give_back(service)
    assert VmWork.get_by_id(service).lease_owner == second.owner
    second.give_back(service)
    assert first.take_one(service)
