"""The log of a VM as the VM Log dialog shows it."""

import json
from typing import Any

import pytest

from bridge.lifecycle.records import RecordRefused
from bridge.lifecycle.rules import Operation
from bridge.lifecycle.vm_log import VmLogs
from bridge.models.module import VmInfo
from tests.commands.conftest import Desk, Open

SHOWN_OF_A_STEP = {"n", "step", "result", "from", "to", "time", "duration", "ok", "skipped"}


def log_of(service: int) -> dict[str, Any]:
    return VmLogs().show(service)


def changed(rig: Desk, service: int) -> None:
    """A package change that had only memory to change."""
    rig.set_product(ram="3")
    assert rig.house.requests.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.run()


def test_the_log_tells_the_status_the_last_run_and_the_runs_before(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    changed(rig, service)
    log = log_of(service)
    assert (log["service"], log["status"], log["failed"]) == (service, "ready", None)
    assert [run["action"] for run in log["history"]] == ["change_package", "deploy"]
    assert log["last"] == log["history"][0]
    deploy = log["history"][1]
    assert (deploy["from"], deploy["to"], deploy["result"]) == ("creation", "ready", "success")
    assert deploy["started"] < deploy["finished"]


def test_every_step_has_label_transition_result_duration_and_time(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    steps = log_of(service)["last"]["steps"]
    assert {frozenset(step) for step in steps} == {frozenset(SHOWN_OF_A_STEP)}
    clone = steps[1]
    assert (clone["n"], clone["step"], clone["from"], clone["to"]) == (2, "Clone VM", "set_ip", "clone")
    assert (clone["result"], clone["ok"], clone["skipped"]) == ("success", True, False)
    assert clone["duration"] > 3
    assert clone["time"] == rig.log(service)["steps"][1]["time"]


def test_skipped_steps_are_told_apart_and_take_no_time(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    changed(rig, service)
    steps = log_of(service)["last"]["steps"]
    skipped = [step for step in steps if step["skipped"]]
    assert "Configure network (skip — no change)" in [step["step"] for step in skipped]
    assert all(step["duration"] < 0.1 and step["ok"] for step in skipped)
    assert "Set CPU & RAM" not in [step["step"] for step in skipped]


def test_a_run_that_paused_is_told_by_action_and_message(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.fault(kind="task-fails", task_type="qmstart", exit_status="no such bridge")
    assert rig.house.requests.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.tick()
    log = log_of(service)
    message = "VM failed to start (status: stopped): no such bridge. Will retry."
    assert log["status"] == "cp_firewall"
    assert log["failed"] == {"action": "change_package", "message": message}
    assert (log["last"]["result"], log["last"]["error"]) == ("waiting", message)
    assert (log["last"]["steps"][-1]["ok"], log["last"]["steps"][-1]["result"]) == (False, message)
    rig.tick()
    assert log_of(service)["failed"] is None


def test_a_failed_termination_is_told_by_action_and_message(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.fault("DELETE .*/qemu/100$", status=500, text="zfs error: cannot destroy the volume")
    assert rig.house.requests.ask(service, Operation.TERMINATE) == "success"
    rig.run()
    failed = log_of(service)["failed"]
    assert failed["action"] == "terminate"
    assert "cannot destroy the volume" in failed["message"]


def test_a_run_at_work_has_not_failed(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.timing.durations["qmshutdown"] = 60.0
    seen: list[dict[str, Any]] = []

    def remember(request: object, answer: object) -> None:
        if rig.states()[service] == "cp_update_ip":
            seen.append(log_of(service))

    rig.witnesses.append(remember)
    changed(rig, service)
    assert seen
    assert {(log["last"]["result"], log["last"]["finished"], log["failed"]) for log in seen} == {("waiting", "", None)}


def test_fifty_runs_are_told(desk: Open) -> None:
    rig = desk(os_template="none")
    service = rig.order()
    for _ in range(53):
        rig.tick()
        rig.clock.advance(60)
    started = [run["started"] for run in log_of(service)["history"]]
    assert len(started) == 50
    assert started == sorted(started, reverse=True)


@pytest.mark.parametrize("order", [1, -1])
def test_runs_of_the_old_module_come_behind_ours(desk: Open, order: int) -> None:
    rig = desk()
    service = rig.deploy()
    runs = [
        {"started": "2026-04-10 03:20:52", "result": "success", "from": "clone", "to": "ready"},
        {"started": "2026-04-11 09:00:00", "result": "waiting", "steps": [{"step": "Clone VM", "duration": 5.1}]},
    ]
    VmInfo.update(vm_deploy_log=json.dumps(runs[::order])).execute()
    history = log_of(service)["history"]
    assert [run["action"] for run in history] == ["deploy"] * 3
    assert [run["started"] for run in history[1:]] == ["2026-04-11 09:00:00", "2026-04-10 03:20:52"]
    assert history[1]["steps"][0]["duration"] == 5.1
    assert history[2]["steps"] == []


@pytest.mark.parametrize("text", [None, "", "{broken", "[]", '"x"', '{"runs": 3}', '{"action": "deploy", "steps": 7}'])
def test_what_somebody_else_has_left_in_the_columns_is_no_error(desk: Open, text: str | None) -> None:
    rig = desk()
    service = rig.order()
    VmInfo.update(vm_last_action_log=text, vm_deploy_log=text).execute()
    assert log_of(service)["status"] == "creation"
    assert len(log_of(service)["history"]) == (1 if text and "deploy" in text else 0)


def test_redeploying_begins_a_new_log(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    VmInfo.update(vm_deploy_log='[{"started": "2026-04-10 03:20:52"}]').execute()
    assert rig.house.requests.ask(service, Operation.REDEPLOY) == "success"
    assert log_of(service)["history"] == []


def test_a_service_without_a_record_is_refused(desk: Open) -> None:
    rig = desk()
    service = rig.shop.order("my-server")
    with pytest.raises(RecordRefused, match=f"service {service} has no VM record"):
        log_of(service)
