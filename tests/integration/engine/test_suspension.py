"""What a suspension writes and finds, on SQLite and on MariaDB; the clusters are stand-ins that only list their guests."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.database import Database
from bridge.lifecycle.suspension import LIFTED, NOT, SUSPENDED, Suspension
from bridge.models.base import proxy
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.errors import Unavailable
from tests.chaos.clock import VirtualClock
from tests.factories import make_server, make_service, make_vm

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class _Guest:
    vmid: int
    status: str = "running"


@dataclass
class _Clusters:
    """Stands in for `Hypervisors` and for its clients: every server runs the VMs `running`."""

    running: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    meet: threading.Barrier | None = None
    down: int = 0

    def for_server(self, server_id: int) -> "_Clusters":
        self.asked.append(server_id)
        if server_id == self.down:
            raise Unavailable(f"server {server_id} was not reached")
        return self

    def guests(self) -> list[_Guest]:
        if self.meet is not None:
            self.meet.wait()
        return [_Guest(vmid) for vmid in self.running]


def suspension(clusters: _Clusters | None = None) -> Suspension:
    return Suspension(VirtualClock(), lambda: clusters or _Clusters())  # type: ignore[arg-type, return-value]


def ready(vmid: int = 100, server: int | None = None, **work: Any) -> int:
    """A service whose VM is ready and that nobody works on."""
    service = make_service(**({"server": server} if server else {}))
    make_vm(service, state="ready", due_at=None, vm_id=vmid)
    VmWork.update(**{"suspended": NOT, **work}).where(VmWork.service_id == service.id).execute()
    return int(service.id)


def recorded(service: int) -> str:
    """The command that the VM is due for; empty when there is none."""
    work = VmWork.get_by_id(service)
    return str(json.loads(work.intent)["command"]) if work.due_at and work.intent else ""


def test_suspending_and_unsuspending_a_ready_vm_records_the_commands() -> None:
    service = ready()
    assert suspension().suspend(service) == "success"
    assert (VmWork.get_by_id(service).suspended, recorded(service)) == (SUSPENDED, "SuspendAccount")
    VmWork.update(due_at=None, intent=None).execute()
    assert suspension().unsuspend(service) == "success"
    assert (VmWork.get_by_id(service).suspended, recorded(service)) == (LIFTED, "UnsuspendAccount")


def test_suspending_twice_is_suspending_once() -> None:
    service = ready()
    assert [suspension().suspend(service) for _ in range(2)] == ["success"] * 2
    assert VmWork.select().where(VmWork.suspended == SUSPENDED).count() == 1
    assert recorded(service) == "SuspendAccount"


def test_a_service_without_a_work_row_is_suspended_all_the_same() -> None:
    service = make_service()
    VmInfo.create(service_id=service.id, vm_id=100, vm_status="ready")
    suspension().suspend(service.id)
    assert recorded(service.id) == "SuspendAccount"


def test_a_run_that_began_before_the_suspension_can_write_no_more() -> None:
    service = ready(generation=7)
    suspension().suspend(service)
    assert VmWork.get_by_id(service).generation == 8


def test_a_suspended_vm_that_runs_and_one_that_was_unsuspended_are_made_to_follow() -> None:
    runs, down, lifted = ready(101, suspended=SUSPENDED), ready(102, suspended=SUSPENDED), ready(103, suspended=LIFTED)
    assert suspension(_Clusters(running=[101, 103])).enforce() == 2
    assert [recorded(service) for service in (runs, down, lifted)] == ["SuspendAccount", "", "UnsuspendAccount"]


@pytest.mark.parametrize(
    "at_work", [{"due_at": 5.0}, {"intent": '{"command": "VMStart"}'}, {"due_at": 5.0, "intent": '{"x": 1}'}]
)
def test_a_vm_that_something_is_at_work_on_is_left_to_it(at_work: dict[str, Any]) -> None:
    service = ready(suspended=SUSPENDED, **at_work)
    before = VmWork.get_by_id(service).__data__
    assert suspension(_Clusters(running=[100])).enforce() == 0
    assert VmWork.get_by_id(service).__data__ == before


def test_a_pipeline_at_work_is_left_alone() -> None:
    service = ready(suspended=SUSPENDED)
    VmInfo.update(vm_status="cp_stop").execute()
    assert suspension(_Clusters(running=[100])).enforce() == 0
    assert recorded(service) == ""


def test_all_servers_are_looked_at_at_the_same_time() -> None:
    servers = [make_server(name=f"pve{number}").id for number in range(3)]
    services = [ready(100, server, suspended=SUSPENDED) for server in servers]
    clusters = _Clusters(running=[100], meet=threading.Barrier(3, timeout=10))
    assert suspension(clusters).enforce() == 3
    assert sorted(clusters.asked) == servers
    assert {recorded(service) for service in services} == {"SuspendAccount"}


def test_a_server_that_is_down_keeps_no_other_from_being_looked_at() -> None:
    down, up = make_server(name="down").id, make_server(name="up").id
    there, here = ready(100, down, suspended=SUSPENDED), ready(100, up, suspended=SUSPENDED)
    assert suspension(_Clusters(running=[100], down=down)).enforce() == 1
    assert (recorded(there), recorded(here)) == ("", "SuspendAccount")


def plan_of_the_look(database: Database, statements: list[tuple[str, Any]]) -> list[str]:
    """How the database goes about the one statement, table by table: `table: index`."""
    [(sql, params)] = statements
    if database.dialect == "sqlite":
        rows = database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        return [str(row[3]) for row in rows]
    return [f"{row[2]}: {row[5]}" for row in database.execute_sql(f"EXPLAIN {sql}", params).fetchall()]


@pytest.mark.req("CRN-53", "ENG-26")
def test_looking_for_suspended_vms_is_one_statement_that_reads_no_idle_service(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = range(1000, 3000)
    with proxy.obj.atomic():
        for start in numbers[::500]:
            part = range(start, start + 500)
            Service.insert_many([{"id": n, "userid": 1, "packageid": 1, "server": 1} for n in part]).execute()
            VmInfo.insert_many([{"service_id": n, "vm_id": n, "vm_status": "ready"} for n in part]).execute()
            VmWork.insert_many([{"service_id": n, "server_id": 1, "suspended": NOT} for n in part]).execute()
    ready(50, suspended=LIFTED)
    if database.dialect == "mysql":
        database.execute_sql("ANALYZE TABLE tblhosting, puqProxmoxKVM_vm_info, kvm_bridge_vm")
    seen: list[tuple[str, Any]] = []
    send = database.execute_sql

    def witness(sql: str, params: Any = None, *others: Any) -> Any:
        seen.append((sql, params))
        return send(sql, params, *others)

    with monkeypatch.context() as patch:
        patch.setattr(database, "execute_sql", witness)
        assert len(suspension()._at_rest()) == 1
    plan = plan_of_the_look(database, seen)
    assert len(plan) == 3
    assert "suspended" in plan[0], plan
    assert all("PRIMARY" in step for step in plan[1:]), plan
