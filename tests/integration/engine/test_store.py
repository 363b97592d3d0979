"""The record store on a real database: one transaction per change, for the lease holder only, unique by key."""

import json
from typing import Any

import pytest

from bridge.models.companion import OutboxMessage, Slot, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.outbox import Outbox
from bridge.store import REST, RecordStore
from bridge.vm_state import state_of
from statemachines.errors import LeaseLost, NeedsAttention
from statemachines.ports import Mail, Vm
from statemachines.states import RESTORE_BACKUP
from tests.chaos.clock import VirtualClock
from tests.factories import make_service

pytestmark = pytest.mark.usefixtures("database")

ME, OTHER = "host/boot/1/100/me", "host/boot/1/200/other"


def make_vm(store_owner: str = ME, status: str = "creation", **columns: Any) -> Vm:
    service = make_service()
    VmInfo.create(service_id=service.id, vm_status=status, **columns)
    VmWork.create(service_id=service.id, lease_owner=store_owner, lease_until=9e9, due_at=1.0)
    return Vm(service.id, service.userid or 1, 1, status, vm_id=columns.get("vm_id"))


def make_store(owner: str = ME) -> RecordStore:
    clock = VirtualClock()
    return RecordStore(owner, Outbox(clock), clock)


def run_log(number: int = 1, **parts: Any) -> dict[str, Any]:
    return {"id": f"run{number}", "action": "deploy", "result": "waiting", "steps": [], **parts}


def row(vm: Vm) -> VmInfo:
    return VmInfo.get_by_id(vm.service_id)


@pytest.mark.req("ENG-10", "DEP-46")
def test_state_log_and_mail_move_together() -> None:
    vm = make_vm(status="starting")
    make_store().advance(
        vm, "ready", run_log(result="success"), [Mail("puqProxmoxKVM VM is ready", "key", {"vm_id": "2005"})]
    )

    assert row(vm).vm_status == vm.status == "ready"
    assert json.loads(row(vm).vm_last_action_log or "")["result"] == "success"
    assert OutboxMessage.get().dedupe_key == "key"
    assert VmWork.get_by_id(vm.service_id).due_at is None


@pytest.mark.req("ENG-10")
def test_a_mail_that_cannot_be_recorded_keeps_the_state_back() -> None:
    vm = make_vm(status="starting")
    with pytest.raises(AttributeError):
        make_store().advance(vm, "ready", run_log(), [None])  # type: ignore[list-item]
    assert row(vm).vm_status == "starting"
    assert row(vm).vm_last_action_log is None


@pytest.mark.req("ENG-11", "ENG-12")
@pytest.mark.parametrize(
    "write",
    [
        lambda store, vm: store.note(vm, node="pve1"),
        lambda store, vm: store.advance(vm, "set_ip", run_log()),
        lambda store, vm: store.keep(vm, run_log(), cause="x", who=""),
        lambda store, vm: store.reserve_vmid(vm, 100, set()),
        lambda store, vm: store.give_up_vmid(vm),
        lambda store, vm: store.acquire(vm, {"node:pve1": 1}),
    ],
    ids=["note", "advance", "keep", "reserve_vmid", "give_up_vmid", "acquire"],
)
def test_a_writer_without_the_lease_is_refused_and_leaves_no_trace(write: Any) -> None:
    vm = make_vm(store_owner=OTHER)
    with pytest.raises(LeaseLost):
        write(make_store(ME), vm)
    assert (row(vm).vm_status, row(vm).vm_id, row(vm).vm_last_action_log) == ("creation", None, None)
    assert VmidReservation.select().count() == Slot.select().count() == 0
    assert VmWork.get_by_id(vm.service_id).node is None


@pytest.mark.req("ENG-12")
def test_a_state_that_somebody_changed_meanwhile_is_not_overwritten() -> None:
    vm = make_vm()
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == vm.service_id).execute()
    with pytest.raises(LeaseLost):
        make_store().advance(vm, "set_ip", run_log())
    assert row(vm).vm_status == "terminate"


def test_an_advance_repeated_after_a_lost_answer_finds_its_work_done() -> None:
    vm = make_vm()
    make_store().advance(vm, "set_ip", run_log(), [Mail("puqProxmoxKVM VM is ready", "once")])
    vm.status = "creation"
    make_store().advance(vm, "set_ip", run_log(), [Mail("puqProxmoxKVM VM is ready", "once")])
    assert row(vm).vm_status == "set_ip"
    assert OutboxMessage.select().count() == 1
    assert len(json.loads(row(vm).vm_last_action_log or "")["runs"]) == 1


@pytest.mark.req("DEP-46")
def test_the_last_fifty_runs_are_kept_the_newest_first() -> None:
    vm, store = make_vm(), make_store()
    for number in range(55):
        store.keep(vm, run_log(number), cause="no free IPv4 address", who="admin")
    log = json.loads(row(vm).vm_last_action_log or "")
    assert [run["id"] for run in log["runs"]] == [f"run{number}" for number in range(54, 4, -1)]
    assert log["id"] == "run54"


@pytest.mark.req("DEP-40", "ENG-19", "ENG-21")
def test_a_pause_says_since_when_why_and_who_and_plans_the_next_try() -> None:
    vm, store = make_vm(), make_store()
    store.keep(vm, run_log(1), cause="no free IPv4 address", who="admin")
    first = VmWork.get_by_id(vm.service_id)
    for number in range(2, 101):
        store.keep(vm, run_log(number), cause="no free IPv4 address", who="admin")
    work = VmWork.get_by_id(vm.service_id)
    assert (work.attention_cause, work.attention_who) == ("no free IPv4 address", "admin")
    assert work.attention_since == first.attention_since
    assert work.attempts == vm.ticks == 100
    assert work.due_at == work.next_try_at


def told() -> list[str]:
    """What the activity log will say, and that no client reads it."""
    rows = list(OutboxMessage.select().order_by(OutboxMessage.id))
    assert {(row.kind, row.client_id) for row in rows} <= {("activity", 0)}
    return [json.loads(row.payload)["description"] for row in rows]


@pytest.mark.req("LOG-05", "LOG-09")
def test_trouble_that_somebody_has_to_act_on_is_told_once_for_as_long_as_it_lasts() -> None:
    vm, store = make_vm(), make_store()
    run = run_log(steps=[{"step": "Allocate IP"}])
    store.keep(vm, run, cause="node pve1 does not answer", who="")
    assert told() == []
    for cause in ("no free IPv4 address", "no free IPv4 address", "no free IPv6 address"):
        store.keep(vm, run, cause=cause, who="admin")
    line = "Virtual machine needs attention (admin): deploy, Allocate IP: no free IPv4 address - Service ID:"
    assert told() == [f"{line} {vm.service_id}"]


@pytest.mark.req("LOG-05")
def test_trouble_that_comes_again_later_is_told_again() -> None:
    clock = VirtualClock()
    vm, store = make_vm(), RecordStore(ME, Outbox(clock), clock)
    for state in ("set_ip", "clone"):
        store.keep(vm, run_log(), cause="no space on storage local", who="admin")
        store.advance(vm, state, run_log())
        clock.advance(1.0)
    assert [line.partition(" - ")[0] for line in told()] == [
        "Virtual machine needs attention (admin): deploy: no space on storage local"
    ] * 2


@pytest.mark.req("LOG-05")
def test_trouble_is_told_only_if_it_is_written_down() -> None:
    vm = make_vm()
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == vm.service_id).execute()
    with pytest.raises(LeaseLost):
        make_store().keep(vm, run_log(), cause="x", who="admin")
    assert told() == []


@pytest.mark.req("CFG-26", "CFG-27", "ENG-01", "ENG-09")
def test_a_vmid_is_the_lowest_that_neither_cluster_nor_any_row_holds() -> None:
    make_vm(vm_id=2002, status="ready")
    vm = make_vm()
    assert make_store().reserve_vmid(vm, 2000, {2000, 2001}) == 2003
    assert (row(vm).vm_id, VmidReservation.get().vmid) == (2003, 2003)


def test_a_reserved_vmid_is_kept() -> None:
    vm, store = make_vm(), make_store()
    first = store.reserve_vmid(vm, 2000, set())
    assert store.reserve_vmid(vm, 3000, set()) == first


@pytest.mark.req("ENG-04")
def test_a_vmid_given_up_to_a_stranger_is_not_taken_again() -> None:
    vm, store = make_vm(), make_store()
    store.reserve_vmid(vm, 2000, set())
    store.give_up_vmid(vm)
    assert vm.vm_id is None
    assert store.reserve_vmid(vm, 2000, set()) == 2001


def test_no_vmid_left_is_said_in_one_line() -> None:
    vm = make_vm()
    with pytest.raises(NeedsAttention, match="no VMID from 999999999"):
        make_store().reserve_vmid(vm, 999_999_999, {999_999_999})


@pytest.mark.req("ENG-28")
def test_a_scope_takes_as_many_as_its_limit_and_names_itself_when_full() -> None:
    store, vms = make_store(), [make_vm() for _ in range(3)]
    limits = {"node:pve1": 2}
    assert [store.acquire(vm, limits) for vm in vms] == [None, None, "node:pve1"]
    assert store.acquire(vms[0], limits) is None
    store.release(vms[0])
    assert store.acquire(vms[2], limits) is None


@pytest.mark.req("ENG-28")
def test_all_scopes_are_taken_or_none() -> None:
    store, first, second = make_store(), make_vm(), make_vm()
    store.acquire(first, {"storage:ceph": 1})
    assert store.acquire(second, {"node:pve1": 1, "storage:ceph": 1}) == "storage:ceph"
    assert Slot.select().where(Slot.service_id == second.service_id).count() == 0


def test_what_another_program_wrote_into_the_log_column_is_no_obstacle() -> None:
    vm = make_vm(vm_last_action_log="<not json>")
    make_store().advance(vm, "set_ip", run_log())
    assert json.loads(row(vm).vm_last_action_log or "")["id"] == "run1"


def test_the_log_does_not_grow_without_bounds() -> None:
    vm, store = make_vm(), make_store()
    for number in range(50):
        store.keep(vm, run_log(number, error="x" * 30_000), cause="x", who="")
    assert len((row(vm).vm_last_action_log or "").encode()) <= 250_000


def test_states_that_the_documented_column_does_not_know_are_kept_beside_it() -> None:
    """The old module would not know what to do with them: it reads `ready`."""
    vm = make_vm(status="ready")
    VmWork.update(job_state=RESTORE_BACKUP, queue="restoreBackupStatus").where(
        VmWork.service_id == vm.service_id
    ).execute()
    vm.status = RESTORE_BACKUP
    store = make_store()
    assert state_of(vm.service_id) == RESTORE_BACKUP
    store.advance(vm, RESTORE_BACKUP, run_log())
    work = VmWork.get_by_id(vm.service_id)
    assert (row(vm).vm_status, work.job_state, work.queue) == ("ready", RESTORE_BACKUP, "restoreBackupStatus")
    assert work.due_at is not None
    store.keep(vm, run_log(2), cause="no answer", who="")
    assert row(vm).vm_status == "ready"
    store.advance(vm, "ready", run_log(3))
    work = VmWork.get_by_id(vm.service_id)
    assert (state_of(vm.service_id), work.job_state, work.queue, work.due_at) == ("ready", None, None, None)


def test_a_vm_that_rests_is_looked_at_again_and_nobody_is_told() -> None:
    vm = make_vm(status="ready")
    store = make_store()
    store.rest(vm)
    work = VmWork.get_by_id(vm.service_id)
    assert (work.attention_cause, work.attempts, row(vm).vm_last_action_log) == (None, 0, None)
    assert work.due_at == VirtualClock().now() + REST
    VmWork.update(lease_owner=OTHER).where(VmWork.service_id == vm.service_id).execute()
    with pytest.raises(LeaseLost):
        store.rest(vm)
