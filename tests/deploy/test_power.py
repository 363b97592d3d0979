"""Start VM, and Verify running + Email."""

import pytest
import requests

from tests.chaos.invariants import READY_MAIL
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step


def dies_when_seen_running(rig: Installation, request: requests.PreparedRequest) -> None:
    """The guest switches itself off as soon as somebody has seen it running."""
    if str(request.path_url).endswith("/status/current"):
        for guest in rig.cluster.guests.values():
            guest.run = None


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


@pytest.mark.req("DEP-36", "ENG-19", "EML-06")
def test_a_vm_that_does_not_keep_running_is_started_again_after_five_ticks(install: Install) -> None:
    rig = install()
    service = rig.order()
    rig.witnesses.append(lambda request, answer: dies_when_seen_running(rig, request))
    lines = [failed_step(rig.tick()) for _ in range(6)]
    assert all("VM failed to start (status: stopped). Will retry. (starting -> starting)" in line for line in lines[:5])
    assert "VM 100 did not run within 5 ticks and was started again. Will retry. (starting" in lines[5]
    assert len(rig.calls("POST", "/status/start")) == 2
    assert rig.mails_of(service).count(READY_MAIL) == 0

    rig.witnesses.pop()
    rig.clock.advance(60)
    rig.tick()
    assert rig.states()[service] == "ready"
    assert len(rig.calls("POST", "/status/start")) == 2
    assert rig.mails_of(service).count(READY_MAIL) == 1
