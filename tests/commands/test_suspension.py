"""Suspended means stopped, whatever else happens; unsuspended means running again."""

from collections.abc import Callable

import pytest

from bridge.models.companion import VmWork
from tests.chaos.gate import Moment
from tests.commands.conftest import Desk, Open


def suspended(rig: Desk, **options: int) -> int:
    service = rig.deploy(**options)
    assert rig.house.suspension.suspend(service) == "success"
    rig.run()
    return service


@pytest.mark.req("ADM-13")
def test_suspend_shuts_the_vm_down(desk: Open) -> None:
    rig = desk()
    service = suspended(rig)
    assert rig.power(service) == "stopped"
    assert [task.type for task in rig.cluster.tasks.all()].count("qmshutdown") == 1
    assert rig.states()[service] == "ready"
    assert rig.is_at_rest(service)
    assert rig.log(service)["action"] == "SuspendAccount"


def test_suspend_answers_without_a_call(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.sent.clear()
    assert rig.house.suspension.suspend(service) == "success"
    assert rig.sent == []


def test_a_guest_that_ignores_the_shutdown_is_stopped(desk: Open) -> None:
    rig = desk()
    rig.cluster.timing.durations["qmshutdown"] = 100_000.0
    service = suspended(rig)
    assert rig.power(service) == "stopped"
    assert rig.is_at_rest(service)


@pytest.mark.req("ADM-14")
def test_unsuspend_starts_the_vm(desk: Open) -> None:
    rig = desk()
    service = suspended(rig)
    assert rig.house.suspension.unsuspend(service) == "success"
    rig.run()
    assert rig.power(service) == "running"
    assert rig.work(service).suspended == 0
    assert rig.is_at_rest(service)


@pytest.mark.parametrize("before", [True, False])
def test_a_suspended_vm_does_not_start_with_its_node(desk: Open, before: bool) -> None:
    rig = desk()
    service = rig.deploy()
    if before:
        rig.cluster.guests[100].config["onboot"] = "1"
    rig.house.suspension.suspend(service)
    rig.run()
    assert str(rig.config(service).get("onboot", "0")) == "0"
    rig.house.suspension.unsuspend(service)
    rig.run()
    assert str(rig.config(service).get("onboot", "0")) == str(int(before))


@pytest.mark.parametrize("command", ["VMStart", "VMStop", "VMReboot", "VMReset", "VMShutdown"])
def test_nobody_switches_a_suspended_vm(desk: Open, command: str) -> None:
    rig = desk()
    service = suspended(rig)
    assert rig.press(service, command).endswith(f"is not possible: service {service} is suspended")
    assert rig.power(service) == "stopped"


def test_a_suspended_vm_that_somebody_started_is_stopped_again(desk: Open) -> None:
    rig = desk()
    service = suspended(rig)
    guest = rig.cluster.guests[100]
    rig.house.hypervisors.for_server(rig.shop.server_id).start(guest.node, 100)
    rig.clock.advance(10)
    assert rig.power(service) == "running"
    rig.clock.advance(60)
    assert rig.house.suspension.enforce() == 1
    rig.run()
    assert rig.power(service) == "stopped"
    assert rig.house.suspension.enforce() == 0


def test_looking_after_suspended_vms_costs_one_request_per_server(desk: Open) -> None:
    rig = desk()
    services = [suspended(rig) for _ in range(3)]
    rig.sent.clear()
    assert rig.house.suspension.enforce() == 0
    assert [call.path for call in rig.sent] == ["/cluster/resources"]
    assert {rig.power(service) for service in services} == {"stopped"}


def test_looking_after_no_suspended_vm_costs_nothing(desk: Open) -> None:
    rig = desk()
    rig.deploy()
    rig.sent.clear()
    assert rig.house.suspension.enforce() == 0
    assert rig.sent == []


def test_a_server_that_does_not_answer_is_asked_again_later(desk: Open) -> None:
    rig = desk()
    service = suspended(rig)
    rig.house.hypervisors.for_server(rig.shop.server_id).start(rig.node(service), 100)
    rig.clock.advance(10)
    rig.fault("GET .*/cluster/resources", status=595)
    assert rig.house.suspension.enforce() == 0
    assert rig.house.suspension.enforce() == 1
    rig.run()
    assert rig.power(service) == "stopped"


def test_a_deployment_that_ends_while_suspended_leaves_the_vm_stopped_and_tells_the_client(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    rig.house.suspension.suspend(service)
    rig.run()
    rig.house.suspension.enforce()
    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.power(service) == "stopped"
    assert rig.calls("POST", "/status/start") == []
    assert rig.mails_of(service).count("puqProxmoxKVM VM is ready") == 1
    rig.house.suspension.unsuspend(service)
    rig.run()
    assert rig.power(service) == "running"


def test_a_suspension_in_the_middle_of_a_run_is_seen_before_the_start(desk: Open) -> None:
    rig = desk()
    service = rig.order()

    def suspend_at_cloudinit(request: object, answer: object) -> None:
        if rig.states()[service] == "set_cloudinit" and not rig.work(service).suspended:
            rig.house.suspension.suspend(service)

    rig.witnesses.append(suspend_at_cloudinit)
    rig.run()
    rig.house.suspension.enforce()
    rig.run()
    assert rig.work(service).suspended == 1
    assert rig.power(service) == "stopped"
    assert rig.states()[service] == "ready"


def test_unsuspending_during_a_pipeline_takes_effect_at_its_end(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    rig.house.suspension.suspend(service)
    rig.tick()
    rig.house.suspension.unsuspend(service)
    rig.run()
    rig.house.suspension.enforce()
    rig.run()
    assert rig.power(service) == "running"
    assert rig.work(service).suspended == 0
    assert rig.is_at_rest(service)


def test_unsuspending_a_service_that_is_not_suspended_changes_nothing(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.press(service, "VMStop")
    assert rig.house.suspension.unsuspend(service) == "success"
    rig.run()
    assert rig.power(service) == "stopped"


def test_a_service_that_has_no_vm_can_be_suspended_and_unsuspended(desk: Open) -> None:
    rig = desk()
    service = rig.shop.order("my-server")
    assert rig.house.suspension.suspend(service) == "success"
    assert rig.house.suspension.enforce() == 0
    assert rig.house.suspension.unsuspend(service) == "success"


def suspend(rig: Desk, service: int) -> None:
    rig.house.suspension.suspend(service)


def suspend_and_unsuspend(rig: Desk, service: int) -> None:
    rig.house.suspension.suspend(service)
    rig.run()
    rig.house.suspension.unsuspend(service)


@pytest.mark.req("ENG-30", "ENG-31", "ENG-32")
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(("ask", "power", "column"), [(suspend, "stopped", 1), (suspend_and_unsuspend, "running", 0)])
def test_dying_at_any_call_never_loses_a_suspension(
    desk: Open, moment: Moment, ask: Callable[[Desk, int], None], power: str, column: int
) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config["onboot"] = "1"
    index = 0
    while True:
        ask(rig, service)
        gate = rig.run(die_at=index, moment=moment)
        where = f"{moment}, call {index}: {gate.struck}"
        assert rig.power(service) == power, where
        assert str(rig.config(service)["onboot"]) == str(1 - column), where
        assert rig.work(service).suspended == column, where
        assert rig.is_at_rest(service), where
        if not gate.struck:
            break
        rig.house.suspension.unsuspend(service)
        rig.run()
        index += 1
    assert index > 3
    assert VmWork.select().count() == 1
