"""What clients press and read, through the protocol: power, status, reinstallation, a new password."""

from typing import Any

import pytest

from bridge.lifecycle import admission as sentences
from bridge.models.whmcs import Product, Service
from bridge.sandbox.proxmox.layouts import NO_AGENT
from tests.commands.browser import Browser
from tests.commands.conftest import Open
from tests.factories import make_option


@pytest.mark.req("CLI-03")
def test_start_powers_the_vm_on(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.unplug(service)
    assert set(Browser(rig).press(service, "start")) == {"done"}
    rig.run()
    assert rig.power(service) == "running"
    assert rig.is_at_rest(service)


@pytest.mark.req("CLI-04")
def test_stop_asks_the_guest_to_shut_down(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert set(Browser(rig).press(service, "stop")) == {"done"}
    rig.run()
    assert rig.power(service) == "stopped"
    assert [call.path.rpartition("/")[2] for call in rig.sent if "/status/" in call.path and call.method == "POST"] == [
        "start",
        "shutdown",
    ]


@pytest.mark.req("CLI-04")
def test_a_guest_that_ignores_the_stop_is_stopped_while_the_page_asks_for_its_status(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.timing.durations["qmshutdown"] = 100_000.0
    browser = Browser(rig)
    assert browser.press(service, "stop") == {"done": False}
    status = browser.read(service, "status")
    assert (status["power"], status["busy"]) == ("running", sentences.BUSY)
    rig.run()
    assert browser.read(service, "status")["power"] == "stopped"
    assert rig.is_at_rest(service)


@pytest.mark.req("CLI-27")
@pytest.mark.parametrize(("action", "task"), [("reboot", "qmreboot"), ("reset", "qmreset")])
def test_a_running_vm_can_be_restarted(desk: Open, action: str, task: str) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(3600)
    assert set(Browser(rig).press(service, action)) == {"done"}
    rig.run()
    rig.clock.advance(30)
    assert rig.power(service) == "running"
    assert [found.type for found in rig.cluster.tasks.all()].count(task) == 1


@pytest.mark.req("CLI-27")
@pytest.mark.parametrize("action", ["reboot", "reset"])
def test_a_stopped_vm_cannot_be_restarted(desk: Open, action: str) -> None:
    rig = desk()
    service = rig.deploy()
    rig.unplug(service)
    rig.sent.clear()
    assert Browser(rig).press(service, action) == "The virtual machine is not running."
    assert rig.writes() == []


def test_what_is_done_at_once_says_so(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    browser = Browser(rig)
    assert browser.press(service, "start") == {"done": True}
    rig.unplug(service)
    assert browser.press(service, "stop") == {"done": True}


@pytest.mark.req("TPL-11")
def test_a_vm_whose_template_has_no_agent_is_looked_at_stopped_and_started_like_any_other(desk: Open) -> None:
    rig = desk()
    del rig.cluster.guests[9000].config["agent"]
    for volume in rig.cluster.storages["ceph-vm"].on("pve1").values():
        volume.system = NO_AGENT
    service = rig.deploy()
    browser = Browser(rig)
    for action, power in (("stop", "stopped"), ("start", "running")):
        assert set(browser.press(service, action)) == {"done"}
        rig.run()
        assert browser.read(service, "status")["power"] == power


@pytest.mark.req("CLI-28")
def test_a_vm_that_does_not_start_is_told_without_its_cause(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.unplug(service)
    rig.fault(kind="task-fails", task_type="qmstart", exit_status="no such bridge vmbr7")
    assert Browser(rig).press(service, "start") == "Something went wrong"
    assert "no such bridge vmbr7" in rig.log(service)["error"]


@pytest.mark.req("RIN-05", "RIN-07", "RIN-14")
def test_a_running_vm_is_reinstalled_from_the_template_that_was_chosen(desk: Open) -> None:
    rig = desk(sys_storage="auto (from template)")
    service = rig.deploy()
    make_option(Product.get_by_id(rig.shop.product_id), "Operating System", ["9000|Debian 12", "9001|Debian local"])
    browser = Browser(rig)
    offered = {template["vmid"] for template in browser.read(service, "templates")}
    assert {9000, 9001} <= offered
    answer = browser.press(service, "reinstall_start", template="9001", confirmation="REINSTALL")
    assert (answer, rig.states()[service]) == ({"done": False}, "reinstall")
    rig.sent.clear()
    rig.run()
    order = [call.path.rpartition("/")[2] for call in rig.sent if call.method in ("POST", "DELETE")]
    assert order[:3] == ["stop", "100", "clone"]
    assert rig.calls("POST", "/clone")[0].path == "/nodes/pve2/qemu/9001/clone"
    assert rig.states()[service] == "ready"


@pytest.mark.parametrize("typed", ["reinstall", "Reinstall", "REINSTALL ", "", "yes"])
def test_another_word_than_reinstall_does_nothing(desk: Open, typed: str) -> None:
    rig = desk()
    service = rig.deploy()
    answer = Browser(rig).press(service, "reinstall_start", template="9000", confirmation=typed)
    assert answer == "Type the word REINSTALL in capital letters to confirm."
    assert rig.states()[service] == "ready"


@pytest.mark.req("RIN-03")
@pytest.mark.parametrize("template", ["9001", "100", "9999"])
def test_a_template_that_is_not_offered_is_refused(desk: Open, template: str) -> None:
    rig = desk()
    service = rig.deploy()
    option = make_option(Product.get_by_id(rig.shop.product_id), "Operating System", ["9000|Debian 12"])
    assert option.id
    answer = Browser(rig).press(service, "reinstall_start", template=template, confirmation="REINSTALL")
    assert answer == "This operating system is not available."
    assert rig.states()[service] == "ready"


def test_a_vm_that_is_gone_can_be_reinstalled(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    browser = Browser(rig)
    del rig.cluster.guests[100]
    fields = {"template": "9000", "confirmation": "REINSTALL"}
    assert browser.press(service, "reinstall_start", **fields) == {"done": False}
    rig.run()
    assert rig.power(service) == "running"


@pytest.mark.req("RPW-07")
def test_a_new_password_is_mailed_and_not_answered(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(600)
    before = Service.get_by_id(service).password
    answer = Browser(rig).press(service, "reset_password_start")
    assert answer == {"done": True, "applies": "now"}
    rig.run()
    after = Service.get_by_id(service).password
    assert after != before
    assert rig.mails_of(service).count("puqProxmoxKVM Reset password") == 1


def test_the_status_tells_power_load_and_what_may_be_pressed(desk: Open) -> None:
    rig = desk(client_reinstall="off")
    service = rig.deploy()
    rig.clock.advance(125)
    status: dict[str, Any] = Browser(rig).read(service, "status")
    assert (status["power"], status["busy"]) == ("running", "")
    assert status["uptime"] >= 125
    assert (status["cpus"], status["maxmem"]) == (2, 2 << 30)
    buttons = {
        name: status["may"][name] for name in ("start", "stop", "reboot", "reset", "reset_password", "reinstall")
    }
    assert [name for name, possible in buttons.items() if not possible] == ["reinstall"]
