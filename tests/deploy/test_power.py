"""Start VM, and Verify running + Email."""

import pytest

from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step


def stopped_behind_our_back(rig: Installation) -> None:
    """The guest switches itself off right after each start."""
    rig.cluster.timing.durations["qmstart"] = 0.1

    def stop(request: object, answer: object) -> None:
        rig.cluster.catch_up()
        for guest in rig.cluster.guests.values():
            guest.run = None

    rig.witnesses.append(stop)


@pytest.mark.req("DEP-35")
def test_the_vm_is_started_once(install: Install) -> None:
    rig = install()
    service = rig.deploy()
    vmid = rig.record(service).vm_id
    assert [call.path for call in rig.calls("POST", "/status/start")] == [f"/nodes/pve1/qemu/{vmid}/status/start"]
    assert rig.status(int(vmid)) == "running"


@pytest.mark.req("DEP-35", "ENG-06")
def test_a_start_whose_answer_was_lost_is_not_repeated_on_a_running_vm(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/status/start", "cut-after")
    service = rig.order()
    rig.tick()
    rig.clock.advance(60)
    rig.run()
    assert rig.states()[service] == "ready"
    assert [task.exit_status for task in rig.cluster.tasks.all() if task.type == "qmstart"] == ["OK"]


@pytest.mark.req("DEP-35", "DEP-39")
def test_a_vm_that_cannot_be_started_waits_with_the_reason(install: Install) -> None:
    rig = install()
    rig.fault(kind="task-fails", task_type="qmstart", exit_status="start failed: QEMU exited with code 1")
    service = rig.order()
    line = failed_step(rig.tick())
    assert "VM failed to start (status: stopped): start failed: QEMU exited with code 1. Will retry." in line
    assert line.endswith("(set_cloudinit -> set_cloudinit)")
    rig.run()
    assert rig.states()[service] == "ready"


@pytest.mark.req("DEP-36")
def test_a_vm_that_does_not_keep_running_is_started_again_after_five_ticks(install: Install) -> None:
    rig = install()
    service = rig.order()
    stopped_behind_our_back(rig)
    lines = []
    for _ in range(20):
        lines.append(failed_step(rig.tick()))
        if "did not run within 5 ticks" in lines[-1]:
            break
        rig.clock.advance(60)
    assert "VM 100 did not run within 5 ticks and was started again. Will retry." in lines[-1]
    waits = [line for line in lines if line.endswith("(starting -> starting)") and "VM failed to start" in line]
    assert len(waits) in (0, 5)
    assert rig.mails_of(service).count("puqProxmoxKVM VM is ready") == 0

    rig.witnesses.pop()
    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.mails_of(service).count("puqProxmoxKVM VM is ready") == 1
