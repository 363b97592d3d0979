"""What the addon's pages ask about VMs, answered by the whole daemon."""

import pytest

from bridge.models.module import VmInfo
from tests.commands.browser import ask
from tests.commands.conftest import Open

CLIENT = {"type": "client", "id": 1, "session": "a" * 64}


@pytest.mark.req("VMM-31", "VMM-12")
def test_redeploy_puts_the_vm_to_creation_and_makes_it_anew(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    before = rig.log(service)["id"]
    rig.sent.clear()
    assert ask(rig, "/v1/addon/redeploy", {"serviceid": service}) == "success"
    assert (rig.states()[service], rig.sent) == ("creation", [])
    rig.run()
    assert rig.states()[service] == "ready"
    assert [call.path for call in rig.sent if call.method == "DELETE" and call.path.endswith("/qemu/100")] != []
    assert before not in str(rig.log(service))


@pytest.mark.parametrize("state", ["terminate", "error_terminate"])
def test_what_is_being_terminated_is_not_redeployed(desk: Open, state: str) -> None:
    rig = desk()
    service = rig.deploy()
    VmInfo.update(vm_status=state).execute()
    answer = ask(rig, "/v1/addon/redeploy", {"serviceid": service})
    assert answer.startswith(f"redeploy is not possible: the VM of service {service} is ")
    assert rig.states()[service] == state


@pytest.mark.req("VMM-31")
def test_a_vm_that_waits_is_explained_logged_and_counted(desk: Open) -> None:
    rig = desk()
    ready = rig.deploy()
    rig.set_product(os_template="4711")
    service = rig.order()
    rig.tick()
    explained = ask(rig, "/v1/addon/explain", {"serviceid": service})
    assert (explained["waits_for"], explained["who_can_act"]) == ("Clone VM", "admin")
    log = ask(rig, "/v1/addon/log", {"serviceid": service})
    assert (log["status"], log["failed"]["action"]) == ("set_ip", "deploy")
    assert log["failed"]["message"] == explained["cause"]
    status = ask(rig, "/v1/addon/status", {})
    assert status["vms"] == {"ready": 1, "set_ip": 1}
    assert [trouble["service"] for trouble in status["troubles"]] == [service]
    assert ask(rig, "/v1/addon/log", {"serviceid": ready})["failed"] is None


@pytest.mark.req("VMM-31")
@pytest.mark.parametrize("name", ["redeploy", "explain", "log", "status"])
def test_nobody_but_an_admin_is_answered(desk: Open, name: str) -> None:
    rig = desk()
    service = rig.deploy()
    for actor in (CLIENT, {**CLIENT, "admin": 1}, {"type": "system"}):
        assert ask(rig, f"/v1/addon/{name}", {"serviceid": service}, actor) == "This page is for admins only."
    assert rig.states()[service] == "ready"


def test_a_service_that_nobody_knows_is_one_line(desk: Open) -> None:
    rig = desk()
    assert ask(rig, "/v1/addon/log", {"serviceid": 4711}) == "service 4711 has no VM record"
    assert ask(rig, "/v1/addon/explain", {"serviceid": 4711}).startswith("service 4711 does not exist in WHMCS")
