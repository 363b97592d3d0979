"""The log of a VM's runs in `vm_last_action_log`."""

import pytest

from tests.deploy.conftest import Install


@pytest.mark.req("DEP-46", "DEP-07", "DEP-08", "DEP-10")
def test_a_run_is_stored_with_its_steps_times_and_states(install: Install) -> None:
    rig = install()
    service = rig.order()
    began = rig.clock.stamp(rig.clock.now())
    rig.tick()
    log = rig.log(service)
    assert (log["action"], log["result"], log["from"], log["to"], log["error"]) == (
        "deploy",
        "success",
        "creation",
        "ready",
        "",
    )
    assert log["started"] == began
    assert log["finished"] > began
    walked = [step["from"] for step in log["steps"]] + [log["steps"][-1]["to"]]
    assert walked == [
        "creation",
        "set_ip",
        "clone",
        "set_dns",
        "migrated",
        "set_cpu_ram",
        "set_system_disk_size",
        "set_system_disk_bandwidth",
        "set_created_additional_disk",
        "set_additional_disk_size",
        "set_additional_disk_bandwidth",
        "set_network",
        "set_firewall",
        "set_cloudinit",
        "starting",
        "ready",
    ]
    assert [step["n"] for step in log["steps"]] == list(range(1, 16))
    assert log["steps"][1]["duration"] > 3


@pytest.mark.req("DEP-46", "DEP-40")
def test_the_last_fifty_of_fifty_five_runs_are_kept(install: Install) -> None:
    rig = install(os_template="none")
    service = rig.order()
    stamps = []
    for _ in range(55):
        stamps.append(rig.clock.stamp(rig.clock.now()))
        rig.tick()
        rig.clock.advance(60)
    runs = rig.log(service)["runs"]
    assert [run["started"] for run in runs] == stamps[:4:-1]


@pytest.mark.req("DEP-47")
def test_a_paused_run_is_waiting_and_says_why(install: Install) -> None:
    rig = install()
    rig.fault("PUT .*/resize", "stale-lock", vmid=100, lock="backup")
    service = rig.order()
    rig.tick()
    log = rig.log(service)
    assert log["result"] == "waiting"
    assert log["error"] == "VM 100 is locked (backup)"
    assert log["from"] == "creation"
    assert log["to"] == rig.states()[service] != "ready"
    assert log["steps"][-1]["result"] == "VM 100 is locked (backup)"
