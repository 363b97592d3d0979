"""Where only ticks run (`kvm-bridge cron`, `php cron.php`), a tick is what makes suspended VMs follow."""

import logging

import pytest

from bridge.cron import Cron, Wanted
from bridge.tasks import PROCESS
from tests.chaos.virtual_worker import VirtualWorker
from tests.commands.conftest import Desk, Open


def suspended(rig: Desk, service: int) -> None:
    """The service is suspended, and a tick has done it."""
    rig.house.suspension.suspend(service)
    rig.tick()
    assert rig.power(service) == "stopped"
    rig.clock.advance(60)


def started_by_hand(rig: Desk, service: int) -> None:
    """Somebody starts the VM at Proxmox."""
    vmid = int(rig.record(service).vm_id)
    rig.house.hypervisors.for_server(rig.shop.server_id).start(rig.node(service), vmid)
    rig.clock.advance(10)
    assert rig.power(service) == "running"
    rig.sent.clear()


def without_stamps(lines: list[str]) -> list[str]:
    """The lines of a run without their local times and durations."""
    return [line[20:].partition(" (")[0] for line in lines]


@pytest.mark.req("ADM-13", "CRN-53")
def test_a_tick_stops_a_suspended_vm_that_somebody_started(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    suspended(rig, service)
    started_by_hand(rig, service)
    printed = rig.tick()
    assert rig.power(service) == "stopped"
    assert rig.is_at_rest(service)
    assert f"--- SuspendAccount: service={service} vm=100 status=ready ---" in printed


@pytest.mark.req("ADM-14", "CRN-53")
def test_a_tick_starts_a_vm_that_was_unsuspended_while_a_pipeline_was_at_work(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    rig.house.suspension.suspend(service)
    rig.house.suspension.unsuspend(service)
    rig.tick()
    assert rig.states()[service] == "ready"
    rig.unplug(service)
    rig.clock.advance(60)
    rig.tick()
    assert rig.power(service) == "running"
    assert rig.work(service).suspended == 0


@pytest.mark.req("CRN-53")
def test_a_tick_over_suspended_vms_that_are_down_prints_what_an_idle_tick_prints(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(60)
    idle = rig.tick(tasks=(PROCESS,))
    suspended(rig, service)
    printed = rig.tick(tasks=(PROCESS,))
    assert without_stamps(printed) == without_stamps(idle)
    assert len(printed) == 4


def test_a_tick_asks_proxmox_nothing_while_nothing_is_suspended(desk: Open) -> None:
    rig = desk()
    rig.deploy()
    rig.sent.clear()
    rig.tick(tasks=(PROCESS,))
    assert rig.sent == []


def test_a_server_that_does_not_answer_keeps_no_other_vm_from_its_tick(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    suspended(rig, service)
    rig.fault("GET .*/cluster/resources", status=595)
    ordered = rig.order()
    printed = rig.tick()
    assert rig.states()[ordered] == "ready"
    assert [line for line in printed if "595" in line or "looked at" in line] == []


def test_a_task_that_is_skipped_looks_at_no_vm(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    suspended(rig, service)
    rig.tick()
    rig.clock.advance(5)
    started_by_hand(rig, service)
    rig.tick(force=False)
    assert rig.sent == []


def test_a_bug_in_looking_at_suspended_vms_does_not_stop_the_tick(desk: Open, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("our bug")

    rig = desk()
    service, house = rig.order(), rig.house
    worker = VirtualWorker(house.claims, house.runs, rig.clock)
    printed: list[str] = []
    with caplog.at_level(logging.ERROR):
        cron = Cron(house.claims, worker, house.settings, rig.clock, before={"suspended VMs": broken})  # type: ignore[arg-type]
        assert cron.run(Wanted(force=True), printed.append)
    assert rig.states()[service] == "ready"
    assert "our bug" in caplog.text
    assert "our bug" not in "\n".join(printed)
