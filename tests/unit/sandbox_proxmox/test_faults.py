"""Faults on demand, and the adapter through which clients meet them."""

from collections.abc import Iterator

import pytest
import requests

from bridge.sandbox.proxmox import Fault
from bridge.sandbox.proxmox.adapter import InProcessAdapter
from tests.unit.sandbox_proxmox.api import Api

BASE = "https://pve1:8006/api2/json"
CLONE = BASE + "/nodes/pve1/qemu/9000/clone"


@pytest.fixture
def session(api: Api) -> Iterator[requests.Session]:
    """A client in process."""
    with requests.Session() as client:
        client.mount("https://", InProcessAdapter(api.cluster))
        client.headers["Authorization"] = f"PVEAPIToken={api.token}"
        yield client


@pytest.mark.req("SBX-07")
@pytest.mark.parametrize(("status", "text"), [(500, ""), (503, ""), (595, "No route to host"), (596, "Broken pipe")])
def test_a_status_comes_in_place_of_the_effect(api: Api, session: requests.Session, status: int, text: str) -> None:
    api.cluster.faults.add(Fault(match="POST .*/clone", status=status))
    answer = session.post(CLONE, data={"newid": 100})
    assert answer.status_code == status
    assert text in answer.reason
    assert session.post(CLONE, data={"newid": 100}).status_code == 200


@pytest.mark.req("SBX-07")
@pytest.mark.parametrize(("kind", "happened"), [("cut-before", False), ("cut-after", True)])
def test_a_connection_breaks_before_or_after_the_effect(
    api: Api, session: requests.Session, kind: str, happened: bool
) -> None:
    api.cluster.faults.add(Fault(match="POST .*/clone", kind=kind))
    with pytest.raises(requests.ConnectionError):
        session.post(CLONE, data={"newid": 100})
    api.clock.advance(10.0)
    api.cluster.catch_up()
    assert (100 in api.cluster.guests) is happened


@pytest.mark.req("SBX-07")
def test_a_slow_answer_is_given_up_by_an_impatient_client_although_it_takes_effect(
    api: Api, session: requests.Session
) -> None:
    api.cluster.faults.add(Fault(match="PUT .*/config", kind="slow", seconds=20.0))
    began = api.clock.now()
    with pytest.raises(requests.ReadTimeout):
        session.put(BASE + "/nodes/pve1/qemu/9000/config", data={"cores": 3}, timeout=5)
    assert api.clock.now() - began == pytest.approx(5.0, abs=0.1)
    assert api.get("/nodes/pve1/qemu/9000/config")["cores"] == 3


@pytest.mark.req("SBX-07")
def test_a_task_fails_with_the_wanted_status_and_does_nothing(api: Api) -> None:
    api.cluster.faults.add(Fault(kind="task-fails", task_type="qmclone", exit_status="out of luck"))
    assert api.end_of(api.clone(100)) == "out of luck"
    assert 100 not in api.cluster.guests
    assert api.end_of(api.clone(100)) == "OK"


@pytest.mark.req("SBX-07")
def test_a_task_with_warnings_does_its_work(api: Api) -> None:
    api.cluster.faults.add(Fault(kind="task-warnings", task_type="qmclone", text="EFI certificates are old"))
    upid = api.clone(100)
    assert api.end_of(upid) == "WARNINGS: 1"
    assert "WARN: EFI certificates are old" in api.log(upid)
    assert 100 in api.cluster.guests


@pytest.mark.req("SBX-07")
def test_a_stale_lock_stays_until_somebody_with_the_right_to_removes_it(api: Api) -> None:
    vm = api.vm(100)
    api.cluster.faults.add(Fault(match="GET .*/qemu/100/config", kind="stale-lock", vmid=100, lock="backup"))
    assert api.get(vm + "/config")["lock"] == "backup"
    api.clock.advance(3600.0)
    assert api.call("PUT", vm + "/config", cores=2).reason == "VM is locked (backup)"


def test_a_busy_node_starts_no_worker_and_nothing_is_done(api: Api) -> None:
    api.cluster.faults.add(Fault(match="POST .*/clone", kind="no-worker"))
    reply = api.call("POST", "/nodes/pve1/qemu/9000/clone", newid=100)
    assert (reply.status, reply.reason) == (500, "got no worker upid - start worker failed")
    api.clock.advance(10.0)
    assert api.get("/cluster/nextid") == "100"


def test_a_fault_comes_as_often_as_wanted_and_not_before_its_turn(api: Api) -> None:
    api.cluster.faults.add(Fault(match="GET /version", status=503, times=2, after=1))
    assert [api.call("GET", "/version").status for _ in range(5)] == [200, 503, 503, 200, 200]


def test_a_random_schedule_is_the_same_for_the_same_seed() -> None:
    def statuses(seed: int) -> list[int]:
        api = Api()
        api.cluster.faults.at_random(seed, share=0.3, kinds=("status",))
        return [api.call("GET", "/nodes/pve1/qemu").status for _ in range(40)]

    assert statuses(1) == statuses(1)
    assert statuses(1) != statuses(2)
    assert {200} < set(statuses(1))


@pytest.mark.parametrize("wrong", [{"kind": "earthquake"}, {"colour": "red"}, {"match": "("}])
def test_a_fault_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Exception, match=r"no fault of kind|a fault has no|unterminated|missing \)"):
        Fault.from_json(wrong)


def test_a_hook_before_a_request_keeps_it_from_the_cluster(api: Api) -> None:
    class Stop(Exception):
        pass

    def stop(request: requests.PreparedRequest) -> None:
        raise Stop

    with requests.Session() as client:
        client.mount("https://", InProcessAdapter(api.cluster, before=stop))
        with pytest.raises(Stop):
            client.post(CLONE, data={"newid": 100}, headers={"Authorization": f"PVEAPIToken={api.token}"})
    assert api.cluster.tasks.all() == []


def test_a_hook_after_a_request_sees_the_answer_that_the_caller_never_gets(api: Api) -> None:
    class Stop(Exception):
        pass

    seen = []

    def stop(request: requests.PreparedRequest, answer: object) -> None:
        seen.append((request.method, answer))
        raise Stop

    with requests.Session() as client:
        client.mount("https://", InProcessAdapter(api.cluster, after=stop))
        with pytest.raises(Stop):
            client.post(CLONE, data={"newid": 100}, headers={"Authorization": f"PVEAPIToken={api.token}"})
    assert [task.type for task in api.cluster.tasks.all()] == ["qmclone"]
    assert seen[0][0] == "POST"


def test_a_refused_login_takes_three_seconds(api: Api) -> None:
    api.token = "bridge@pve!demo=wrong"
    reply = api.call("GET", "/version")
    assert (reply.status, reply.reason) == (401, "invalid token value!")
    assert reply.seconds == pytest.approx(3.0)


def test_secrets_are_not_shown(api: Api) -> None:
    secret = api.token.partition("=")[2]
    assert secret not in f"{api.cluster} {api.cluster.access.users}"
