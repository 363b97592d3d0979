"""How a task stands: running, done, done with warnings, failed, or nobody knows."""

import pytest
import responses

from providers.errors import Locked, Unavailable
from providers.proxmox import Proxmox
from providers.proxmox.tasks import TaskStatus

from .conftest import API, Calls

UPID = "UPID:pve2:00007FA0:000A4880:6B033CD2:qmclone:9000:bridge@pve!whmcs:"
PATH = f"{API}/nodes/pve2/tasks/UPID%3Apve2%3A00007FA0%3A000A4880%3A6B033CD2%3Aqmclone%3A9000%3Abridge%40pve%21whmcs%3A"


@pytest.mark.parametrize(
    ("answer", "running", "ok", "warnings", "unknown"),
    [
        ({"status": "running"}, True, False, False, False),
        ({"status": "stopped", "exitstatus": "OK"}, False, True, False, False),
        ({"status": "stopped", "exitstatus": "WARNINGS: 2"}, False, True, True, False),
        ({"status": "stopped", "exitstatus": "VM is locked (backup)"}, False, False, False, False),
        ({"status": "stopped", "exitstatus": "job errors"}, False, False, False, False),
        ({"status": "stopped", "exitstatus": "OK, but not really"}, False, False, False, False),
        ({"status": "stopped"}, False, False, False, True),
        ({"status": "stopped", "exitstatus": "unexpected status"}, False, False, False, True),
        ({"status": "stopped", "exitstatus": "unable to read tail (got 0 bytes)"}, False, False, False, True),
    ],
)
def test_a_task_is_judged_by_its_exit_status(
    net: responses.RequestsMock,
    proxmox: Proxmox,
    answer: dict[str, str],
    running: bool,
    ok: bool,
    warnings: bool,
    unknown: bool,
) -> None:
    net.get(f"{PATH}/status", json={"data": answer})
    found = proxmox.task(UPID)
    assert (found.running, found.ok, found.warnings, found.unknown) == (running, ok, warnings, unknown)


def test_a_task_is_asked_on_its_own_node(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    net.get(f"{PATH}/status", json={"data": {"status": "running"}})
    proxmox.task(UPID)
    assert sent.lines[0].startswith("GET /nodes/pve2/tasks/")


def test_a_forgotten_task_is_unknown_and_not_failed(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    body = {"data": None, "errors": {"upid": "no such task"}, "message": "Parameter verification failed.\n"}
    net.get(f"{PATH}/status", status=400, json=body)
    found = proxmox.task(UPID)
    assert (found.unknown, found.running, found.ok, found.failure("clone")) == (True, False, False, None)


def test_a_task_on_an_unreachable_node_has_not_failed(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.get(f"{PATH}/status", status=595, body="")
    with pytest.raises(Unavailable):
        proxmox.task(UPID)


def test_a_failed_task_knows_its_error() -> None:
    failed = TaskStatus.of(UPID, running=False, exitstatus="VM is locked (backup)").failure("start VM 100")
    assert isinstance(failed, Locked)
    assert str(failed) == "Could not start VM 100: VM is locked (backup)"


@pytest.mark.parametrize("exitstatus", ["OK", "WARNINGS: 1"])
def test_a_task_that_went_well_has_no_error(exitstatus: str) -> None:
    assert TaskStatus.of(UPID, running=False, exitstatus=exitstatus).failure("start VM 100") is None


def test_the_last_lines_of_a_log_are_given_oldest_first(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    rows = [{"n": n, "t": f"line {n}"} for n in range(1, 31)]
    net.get(f"{PATH}/log", json={"data": rows})
    assert proxmox.task_log(UPID, last=3) == ["line 28", "line 29", "line 30"]


@pytest.mark.parametrize(
    "data", [{"n": 1, "t": "unable to open file - No such file or directory"}, [{"n": 1, "t": "no content"}], []]
)
def test_a_missing_log_is_empty(net: responses.RequestsMock, proxmox: Proxmox, data: object) -> None:
    net.get(f"{PATH}/log", json={"data": data})
    assert proxmox.task_log(UPID) == []


def test_tasks_are_found_by_type_and_vmid(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    rows = [
        {"upid": UPID, "type": "qmclone", "starttime": 3},
        {"upid": UPID, "type": "qmclone", "starttime": 2, "endtime": 3, "status": "VM is locked (backup)"},
        {"upid": UPID, "type": "qmclone", "starttime": 1, "endtime": 2, "status": "OK"},
    ]
    net.get(f"{API}/nodes/pve2/tasks", json={"data": rows})
    found = proxmox.find_tasks("pve2", type="qmclone", vmid=9000, since=1.9)
    assert [(task.running, task.ok) for task in found] == [(True, False), (False, False), (False, True)]
    path, _, query = sent.lines[0].partition("?")
    assert path == "GET /nodes/pve2/tasks"
    assert set(query.split("&")) == {"source=all", "limit=200", "typefilter=qmclone", "vmid=9000", "since=1"}


def test_aborting_a_forgotten_task_is_harmless(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.delete(PATH, status=400, json={"data": None, "errors": {"upid": "no such task"}})
    proxmox.abort_task(UPID)
    assert len(net.calls) == 1


def test_what_is_no_upid_is_not_asked_for(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    with pytest.raises(ValueError, match="not a UPID"):
        proxmox.task("../../access/users")
