"""Start, stop, shut down, reboot and reset, as buttons that answer."""

import pytest

from tests.commands.conftest import Open


@pytest.mark.req("ADM-03")
def test_start_and_stop_answer_when_it_is_done(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.press(service, "VMStop") == "success"
    assert rig.power(service) == "stopped"
    assert rig.press(service, "VMStart") == "success"
    assert rig.power(service) == "running"
    assert rig.is_at_rest(service)


@pytest.mark.parametrize(("command", "before"), [("VMStart", "running"), ("VMStop", "stopped")])
def test_what_is_so_already_needs_no_call(desk: Open, command: str, before: str) -> None:
    rig = desk()
    service = rig.deploy()
    if before == "stopped":
        rig.press(service, "VMStop")
    rig.sent.clear()
    assert rig.press(service, command) == "success"
    assert rig.writes() == []
    assert rig.power(service) == before


def test_reboot_restarts_the_vm(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(3600)
    rig.press(service, "VMReboot")
    rig.run()
    assert [task.type for task in rig.cluster.tasks.all()].count("qmreboot") == 1
    rig.clock.advance(30)
    assert rig.power(service) == "running"
    assert rig.is_at_rest(service)


def test_reset_presses_the_button_once(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.press(service, "VMReset") == "success"
    assert [task.type for task in rig.cluster.tasks.all()].count("qmreset") == 1


@pytest.mark.parametrize(("command", "label"), [("VMReboot", "Reboot"), ("VMReset", "Reset")])
def test_a_stopped_vm_is_not_restarted(desk: Open, command: str, label: str) -> None:
    rig = desk()
    service = rig.deploy()
    rig.press(service, "VMStop")
    rig.sent.clear()
    assert rig.press(service, command) == f"{label} is possible on a running VM only: VM 100 is stopped"
    assert rig.writes() == []


def test_a_shutdown_that_takes_long_goes_on_by_itself(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.timing.durations["qmshutdown"] = 20.0
    answer = rig.press(service, "VMShutdown")
    task = rig.work(service).task_upid
    assert answer == f"Shut down of VM 100 is still running; it goes on by itself (task {task})"
    assert rig.power(service) == "running"
    rig.run()
    assert rig.power(service) == "stopped"
    assert rig.is_at_rest(service)
    assert rig.log(service)["action"] == "VMShutdown"
    assert rig.log(service)["result"] == "success"


def test_a_guest_that_ignores_the_shutdown_is_stopped(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.timing.durations["qmshutdown"] = 100_000.0
    rig.press(service, "VMShutdown")
    rig.run()
    assert rig.power(service) == "stopped"
    assert rig.is_at_rest(service)


def test_a_failed_start_says_why_and_is_not_repeated(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.press(service, "VMStop")
    rig.fault(kind="task-fails", task_type="qmstart", exit_status="start failed: QEMU exited with code 1")
    assert rig.press(service, "VMStart") == (
        "VM failed to start (status: stopped): start failed: QEMU exited with code 1."
    )
    rig.run()
    assert rig.power(service) == "stopped"
    assert rig.is_at_rest(service)
    assert (rig.log(service)["action"], rig.log(service)["result"]) == ("VMStart", "error")


def test_a_locked_vm_is_left_alone_with_the_reason(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config["lock"] = "backup"
    rig.sent.clear()
    assert rig.press(service, "VMStop") == "Stop is not possible now: VM 100 is locked (backup)"
    assert rig.writes() == []
    assert rig.is_at_rest(service)


def test_a_vm_whose_node_does_not_answer_is_not_touched(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.fault("GET .*/config", status=595)
    answer = rig.press(service, "VMStop")
    assert answer.startswith("Stop is not possible now: ")
    assert rig.power(service) == "running"
    assert rig.is_at_rest(service)


def test_a_command_waits_its_turn_behind_another(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.timing.durations["qmshutdown"] = 20.0
    rig.press(service, "VMShutdown")
    assert (
        rig.press(service, "VMReset") == "Reset is not possible now: Shut down is still at work on the VM of service 1"
    )
    rig.run()
    assert [task.type for task in rig.cluster.tasks.all()].count("qmreset") == 0


def test_a_command_is_refused_while_a_pipeline_is_at_work(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    assert rig.press(service, "VMStart") == (
        "Start is not possible: the VM of service 1 is deploying (status creation)"
    )
    rig.run()
    assert rig.states()[service] == "ready"


def test_a_service_without_a_vm_has_nothing_to_start(desk: Open) -> None:
    rig = desk()
    service = rig.shop.order("my-server")
    assert rig.press(service, "VMStart") == "Start is not possible: service 1 has no VM"
