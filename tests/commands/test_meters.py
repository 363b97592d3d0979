"""What a process counts while it works: steps and calls to Proxmox."""

import pytest

from statemachines.deploy import DEPLOY
from tests.commands.conftest import Desk, Open


def value(desk: Desk, name: str, **labels: str) -> float:
    return desk.house.meters.registry.get_sample_value(f"kvm_bridge_{name}", labels) or 0.0


@pytest.mark.req("OBS-06")
def test_every_step_of_a_deployment_is_counted_once_with_its_seconds(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    durations = {step["step"].partition(" (skip")[0]: step["duration"] for step in rig.log(service)["steps"]}
    for step in DEPLOY.steps:
        ended = value(rig, "steps_total", step=step.name, outcome="done")
        ended += value(rig, "steps_total", step=step.name, outcome="skipped")
        assert (step.name, ended) == (step.name, 1.0)
        assert value(rig, "step_duration_seconds_count", step=step.name) == 1.0
        total = value(rig, "step_duration_seconds_sum", step=step.name)
        assert total == pytest.approx(durations[step.label], abs=0.01), step.name


@pytest.mark.req("OBS-06")
def test_a_step_that_pauses_and_one_that_is_skipped_are_told_apart(desk: Open) -> None:
    rig = desk(main_domain="", os_template="4711")
    rig.order()
    rig.tick()
    assert value(rig, "steps_total", step="VMClone", outcome="paused") == 1.0
    assert value(rig, "steps_total", step="VMClone", outcome="done") == 0.0


@pytest.mark.req("OBS-06")
def test_commands_that_somebody_waits_for_are_steps_too(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.press(service, "VMStop") == "success"
    assert value(rig, "steps_total", step="VMStop", outcome="done") == 1.0


@pytest.mark.req("OBS-07")
def test_calls_to_proxmox_are_counted_by_server_method_and_how_they_ended(desk: Open) -> None:
    rig = desk()
    service = rig.order()
    rig.fault("POST .*/clone$", status=500, times=1)
    rig.run()
    assert rig.states()[service] == "ready"
    server = str(rig.shop.server_id)
    counted = {
        (dict(sample.labels)["method"], dict(sample.labels)["outcome"]): sample.value
        for family in rig.house.meters.registry.collect()
        for sample in family.samples
        if sample.name == "kvm_bridge_proxmox_calls_total" and sample.labels["server"] == server
    }
    assert counted["POST", "retryable"] >= 1.0
    for method in ("GET", "POST", "PUT"):
        sent = len([call for call in rig.sent if call.method == method])
        assert sum(n for (name, _), n in counted.items() if name == method) == sent, method
