"""Every reason for which a client may not do something with his VM, and that he reads nothing of the inside."""

from collections.abc import Callable

import pytest

from bridge.lifecycle import admission as sentences
from bridge.lifecycle.rules import Operation
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Server, Service
from statemachines import states
from tests.commands.browser import Browser
from tests.commands.conftest import Desk, Open
from tests.factories import make_client

ACTIONS: dict[str, dict[str, str]] = {
    "start": {},
    "stop": {},
    "reboot": {},
    "reset": {},
    "reinstall_start": {"template": "9000", "confirmation": "REINSTALL"},
    "reset_password_start": {},
    "iso_mount": {"file": "memtest.iso"},
    "iso_unmount": {},
    "firewall_policies_save": {"policy_in": "DROP", "policy_out": "DROP"},
    "firewall_rule_add": {"direction": "IN", "action": "ACCEPT"},
    "firewall_rule_delete": {"position": "0"},
    "firewall_rule_move": {"position": "1", "to": "0"},
}
READING = ("status", "templates", "information", "charts_data", "iso_list", "firewall_read")


def refused(rig: Desk, service: int, action: str, sentence: str) -> None:
    """The action is refused with this sentence, whatever it needs, and nothing is done."""
    before = rig.states(), VmWork.get_by_id(service).intent, Service.get_by_id(service).password
    rig.sent.clear()
    assert Browser(rig).press(service, action, **ACTIONS[action]) == sentence
    assert rig.writes() == []
    assert (rig.states(), VmWork.get_by_id(service).intent, Service.get_by_id(service).password) == before


@pytest.mark.req("PRM-02", "PRM-03", "PRM-09", "PRM-10", "PRM-18")
@pytest.mark.parametrize(
    ("permission", "action"),
    [
        ("client_start", "start"),
        ("client_stop", "stop"),
        ("client_reinstall", "reinstall_start"),
        ("client_reset_password", "reset_password_start"),
        ("client_iso", "iso_mount"),
        ("client_iso", "iso_unmount"),
        ("client_firewall", "firewall_policies_save"),
        ("client_firewall", "firewall_rule_add"),
        ("client_firewall", "firewall_rule_delete"),
        ("client_firewall", "firewall_rule_move"),
    ],
)
def test_what_the_product_does_not_permit_is_denied(desk: Open, permission: str, action: str) -> None:
    rig = desk(**{permission: "off"})
    refused(rig, rig.deploy(), action, "Access Denied")


@pytest.mark.req("CLI-27")
@pytest.mark.parametrize("action", ["reboot", "reset"])
@pytest.mark.parametrize("permission", ["client_start", "client_stop"])
def test_who_may_not_start_or_stop_may_not_restart(desk: Open, action: str, permission: str) -> None:
    rig = desk(**{permission: "off"})
    refused(rig, rig.deploy(), action, "Access Denied")


@pytest.mark.req("PRM-09", "PRM-10", "PRM-16", "PRM-18")
@pytest.mark.parametrize(
    ("permission", "name"),
    [
        ("client_reinstall", "templates"),
        ("client_charts", "charts_data"),
        ("client_iso", "iso_list"),
        ("client_firewall", "firewall_read"),
    ],
)
def test_what_the_product_does_not_permit_is_not_even_told(desk: Open, permission: str, name: str) -> None:
    rig = desk(**{permission: "off"})
    service = rig.deploy()
    rig.sent.clear()
    assert Browser(rig).read(service, name) == "Access Denied"
    assert rig.sent == []


def test_a_permission_that_is_stored_as_nonsense_permits_nothing(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.set_product(client_stop="perhaps")
    refused(rig, service, "stop", "Access Denied")


@pytest.mark.req("PRM-15")
@pytest.mark.parametrize("name", [*READING, *ACTIONS])
def test_the_vm_of_another_client_is_denied(desk: Open, name: str) -> None:
    """Also when whoever passes the call on believes that it is his."""
    rig = desk()
    service, stranger = rig.deploy(), make_client(firstname="Eve").id
    rig.sent.clear()
    assert Browser(rig, stranger).press(service, name, **ACTIONS.get(name, {})) == "Access Denied"
    assert rig.sent == []
    assert rig.states()[service] == "ready"


def suspend(rig: Desk, service: int) -> None:
    rig.house.suspension.suspend(service)
    rig.run()


def suspended_in_whmcs(rig: Desk, service: int) -> None:
    Service.update(domainstatus="Suspended").where(Service.id == service).execute()


def cancelled(rig: Desk, service: int) -> None:
    Service.update(domainstatus="Cancelled").where(Service.id == service).execute()


def locked(rig: Desk, service: int) -> None:
    rig.cluster.guests[100].config["lock"] = "backup"


def at_state(state: str) -> Callable[[Desk, int], None]:
    def put(rig: Desk, service: int) -> None:
        VmInfo.update(vm_status=state).where(VmInfo.service_id == service).execute()

    return put


def command_at_work(rig: Desk, service: int) -> None:
    rig.cluster.timing.durations["qmshutdown"] = 100_000.0
    rig.press(service, "VMShutdown")


def held(rig: Desk, service: int) -> None:
    """Another process has the VM's lease."""
    VmWork.update(lease_owner="host/boot/1/1/x", lease_until=rig.clock.now() + 600).execute()


REASONS: dict[str, tuple[Callable[[Desk, int], None], str]] = {
    "suspended": (suspend, "This service is suspended."),
    "suspended in WHMCS": (suspended_in_whmcs, "This service is suspended."),
    "cancelled": (cancelled, "This service is not active."),
    "locked": (locked, sentences.BUSY),
    "being set up": (at_state(states.SET_NETWORK), "The virtual machine is being set up."),
    "being changed": (at_state(states.CP_CPU_RAM), "The virtual machine is being changed."),
    "being reinstalled": (at_state(states.REINSTALL), "The virtual machine is being reinstalled."),
    "DNS records": (at_state(states.SET_DNS_RECORDS), sentences.BUSY),
    "terminated": (at_state(states.TERMINATE), "This service is not active."),
    "not terminated": (at_state(states.ERROR_TERMINATE), "This service is not active."),
    "removed": (at_state(states.REMOVE), "This service is not active."),
    "a command is at work": (command_at_work, sentences.BUSY),
}


@pytest.mark.req("CP-45", "RIN-06", "RPW-10", "CLI-28")
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_done_to_a_vm_that_is_not_free(desk: Open, action: str, reason: str) -> None:
    rig = desk()
    service = rig.deploy()
    prepare, sentence = REASONS[reason]
    prepare(rig, service)
    refused(rig, service, action, sentence)


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"reinstall_start"}))
def test_a_vm_in_another_hand_is_busy(desk: Open, action: str) -> None:
    rig = desk()
    service = rig.deploy()
    held(rig, service)
    before = Service.get_by_id(service).password
    assert Browser(rig).press(service, action, **ACTIONS[action]) == sentences.BUSY
    assert Service.get_by_id(service).password == before


@pytest.mark.req("CLI-17", "CLI-28")
@pytest.mark.parametrize("name", sorted({*READING, *ACTIONS} - {"templates"}))
def test_a_server_that_does_not_answer_is_told_without_its_name(desk: Open, name: str) -> None:
    rig = desk()
    service = rig.deploy()
    browser = Browser(rig)
    rig.fault("/qemu/100|/cluster/resources", status=595, times=0)
    assert browser.press(service, name, **ACTIONS.get(name, {})) == "Something went wrong"
    assert rig.states()[service] == "ready"


@pytest.mark.req("CLI-17")
@pytest.mark.parametrize("name", sorted({*READING, *ACTIONS} - {"templates", "reinstall_start"}))
def test_a_vm_that_is_gone_went_wrong(desk: Open, name: str) -> None:
    rig = desk()
    service = rig.deploy()
    browser = Browser(rig)
    del rig.cluster.guests[100]
    assert browser.press(service, name, **ACTIONS.get(name, {})) == "Something went wrong"


@pytest.mark.req("CP-45")
@pytest.mark.parametrize("reason", [reason for reason in REASONS if "terminated" not in reason])
def test_the_status_tells_what_keeps_the_vm_busy_and_lets_nothing_be_pressed(desk: Open, reason: str) -> None:
    rig = desk()
    service = rig.deploy()
    prepare, sentence = REASONS[reason]
    prepare(rig, service)
    status = Browser(rig).read(service, "status")
    if reason == "cancelled":
        assert status == sentence
        return
    assert status["busy"] == sentence
    assert not any(status["may"].values())


def test_a_server_entry_without_credentials_lets_nobody_reinstall(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    Server.update(username="").execute()
    answer = Browser(rig).press(service, "reinstall_start", **ACTIONS["reinstall_start"])
    assert (answer, rig.states()[service]) == ("Something went wrong", "ready")


@pytest.mark.req("TRM-03")
def test_with_the_request_for_termination_the_client_loses_access(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    browser = Browser(rig)
    assert rig.house.requests.ask(service, Operation.TERMINATE) == "success"
    assert browser.press(service, "start") == "This service is not active."
    Service.update(domainstatus="Terminated").where(Service.id == service).execute()
    assert browser.read(service, "status") == "This service is not active."


@pytest.mark.req("CLI-28")
@pytest.mark.parametrize("name", ["iso_list", "firewall_read", "charts_data"])
@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (states.CLONE, "The virtual machine is being set up."),
        (states.REINSTALL, "The virtual machine is being reinstalled."),
        (states.TERMINATE, "This service is not active."),
        (states.REMOVE, "This service is not active."),
    ],
)
def test_the_pages_of_a_vm_that_is_not_there_say_what_is_at_work(
    desk: Open, name: str, state: str, sentence: str
) -> None:
    rig = desk()
    service = rig.deploy()
    at_state(state)(rig, service)
    del rig.cluster.guests[100]
    assert Browser(rig).read(service, name) == sentence
