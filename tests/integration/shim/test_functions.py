"""Every function of both modules, called by real PHP, answered by the real web application."""

import json
from typing import Any

import pytest

from bridge.web.callers import Actor
from tests.daemon import RecordingServices
from tests.integration.shim.whmcs import ADMIN, CLIENT, NOBODY, Browser, Call, Whmcs, service_params

pytestmark = pytest.mark.usefixtures("daemon")

LATER = "is not available yet in this version of KVM Bridge"
ACTIONS = {
    "SuspendAccount": "suspend",
    "UnsuspendAccount": "unsuspend",
    "TerminateAccount": "terminate",
    "ChangePackage": "change_package",
    "ChangePassword": "change password",
    "VMReinstall": "reinstall",
    "VMSetDNSRecords": "set_dns_records",
    **{
        name: name
        for name in (
            "VMStart", "VMStop", "VMSetDedicatedIp", "VMClone", "VMSetCpuRam", "VMSetSystemDiskSize",
            "VMSetSystemDiskBandwidth", "VMSetCreatedAdditionalDisk", "VMSetAdditionalDiskSize",
            "VMSetAdditionalDiskBandwidth", "VMSetNetwork", "VMSetFirewall", "VMSetCloudinit", "VMRemove",
        )
    },
}  # fmt: skip
"""What the daemon is asked for when WHMCS calls the function of this name."""


def test_create_account_orders_a_vm(whmcs: Whmcs, services: RecordingServices) -> None:
    report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params(), model=True)
    assert report.silent, report
    assert report.result == "success"
    assert [(service, actor.type, actor.id) for service, actor in services.orders.created] == [(5, "admin", 1)]


def test_the_daemons_words_reach_the_admin(whmcs: Whmcs, services: RecordingServices) -> None:
    services.orders.reply = "Service 5: product 3 has\nno template <b>ü</b>"
    report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.silent, report
    assert report.result == "Service 5: product 3 has no template b ü /b"


@pytest.mark.req("PRT-15")
def test_every_action_asks_the_daemon_for_its_operation(whmcs: Whmcs, services: RecordingServices) -> None:
    report = whmcs.run([Call(f"puqProxmoxKVM_{name}", [service_params()], model=True) for name in ACTIONS])
    assert report.silent, report
    assert report.results == ["success"] * len(ACTIONS)
    assert services.lifecycle.asked == [(what, 5) for what in ACTIONS.values()]


@pytest.mark.req("CP-02")
@pytest.mark.parametrize("browser", [CLIENT, ADMIN, NOBODY], ids=["upgrade order", "button of staff", "cron or API"])
def test_a_package_change_is_asked_for_whoever_starts_it(
    whmcs: Whmcs, services: RecordingServices, browser: Browser
) -> None:
    report = whmcs.call("puqProxmoxKVM_ChangePackage", service_params(), browser=browser)
    assert (report.silent, report.result) == (True, "success")
    assert services.lifecycle.asked == [("change_package", 5)]


@pytest.mark.parametrize(
    ("browser", "actor"),
    [
        (ADMIN, ("admin", 1, 1)),
        (CLIENT, ("client", 7, None)),
        (NOBODY, ("system", None, None)),
        (Browser(session={"uid": 7, "adminid": 1}, defines=["CLIENTAREA"]), ("client", 7, 1)),
        (Browser(session={"uid": 7, "adminid": "1"}, defines=["ADMINAREA"]), ("admin", 1, 1)),
        (Browser(session={"adminid": 1}), ("admin", 1, 1)),
        (Browser(session={"uid": "nonsense", "adminid": -1}), ("system", None, None)),
    ],
)
def test_the_daemon_learns_who_asks(
    whmcs: Whmcs, services: RecordingServices, browser: Browser, actor: tuple[Any, ...]
) -> None:
    assert whmcs.call("puqProxmoxKVM_CreateAccount", service_params(), browser=browser).silent
    assert services.orders.created == [(5, Actor(*actor))]


def test_the_connection_test_carries_what_is_typed(whmcs: Whmcs, services: RecordingServices) -> None:
    services.connections.reply = (False, "pve1.example.com refused\nthe token")
    report = whmcs.call("puqProxmoxKVM_TestConnection", service_params(serverid=0))
    assert report.silent, report
    assert report.result == {"success": False, "error": "pve1.example.com refused the token"}
    [server] = services.connections.tested
    assert (server.hostname, server.port, server.username) == ("pve1.example.com", 8006, "root@pam!whmcs")
    assert server.password == "server-password"


def test_a_connection_that_works_is_reported_in_whmcs_s_form(whmcs: Whmcs) -> None:
    assert whmcs.call("puqProxmoxKVM_TestConnection", service_params()).result == {"success": True, "error": ""}


@pytest.mark.req("SRV-01")
def test_metadata_and_buttons_need_no_daemon(whmcs: Whmcs, services: RecordingServices) -> None:
    names = ["MetaData", "ConfigOptions", "AdminCustomButtonArray", "ClientAreaCustomButtonArray"]
    report = whmcs.run([Call(f"puqProxmoxKVM_{name}") for name in [*names, "ClientAreaAllowedFunctions"]])
    assert report.silent, report
    assert report.results[0]["DisplayName"] == "PUQ Proxmox KVM"
    assert report.results[0]["RequiresServer"] is True
    assert report.results[4] == {"ClientApi": "ClientApi"}
    assert services.opened == 0


@pytest.mark.req("CFG-04")
def test_the_licence_key_is_the_first_and_only_stock_field(whmcs: Whmcs) -> None:
    options = whmcs.call("puqProxmoxKVM_ConfigOptions", {}).result
    assert [field["FriendlyName"] for field in options.values()] == ["License key"]
    assert next(iter(options.values()))["Type"] == "text"
    assert 'id="puq-proxmox-kvm-settings"' in next(iter(options.values()))["Description"]


@pytest.mark.req("ADM-02")
def test_the_module_commands_are_those_of_the_manual_in_their_order(whmcs: Whmcs) -> None:
    buttons = whmcs.call("puqProxmoxKVM_AdminCustomButtonArray", service_params()).result
    assert list(buttons) == [
        "Start", "Stop", "**Reinstall", "VMSetDedicatedIp ->", "VMClone ->", "**Set CPU RAM ->",
        "*Set System Disk Size ->", "*Set System Disk Bandwidth ->", "*Set Created Additional Disk ->",
        "*Set Additional Disk Size ->", "*Set Additional Disk Bandwidth ->", "*Set Network ->", "*Set Firewall ->",
        "**SetCloudinit", "**VMRemove", "Set DNS records",
    ]  # fmt: skip


def test_every_button_has_its_function(whmcs: Whmcs) -> None:
    buttons = whmcs.call("puqProxmoxKVM_AdminCustomButtonArray").result
    exists = whmcs.run([Call("function_exists", [f"puqProxmoxKVM_{name}"]) for name in buttons.values()])
    assert exists.results == [True] * len(buttons)


@pytest.mark.req("SRV-21")
@pytest.mark.parametrize(
    ("server", "link"),
    [
        ({"serverhostname": "pve1.example.com", "serverport": "8006"}, "https://pve1.example.com:8006/"),
        ({"serverhostname": "", "serverip": "192.0.2.1", "serverport": 443}, "https://192.0.2.1:443/"),
        ({"serverip": "2001:db8::1"}, "https://[2001:db8::1]:8006/"),
    ],
)
def test_the_server_list_links_to_proxmox(whmcs: Whmcs, server: dict[str, Any], link: str) -> None:
    report = whmcs.call("puqProxmoxKVM_AdminLink", server)
    assert report.silent, report
    assert f'href="{link}"' in report.result
    assert ">Login to Proxmox</a>" in report.result


@pytest.mark.parametrize("host", ['"><script>', "pve/../..", "", "a b", None, ["x"]])
def test_a_server_without_a_usable_name_gets_no_link(whmcs: Whmcs, host: object) -> None:
    report = whmcs.call("puqProxmoxKVM_AdminLink", {"serverhostname": host})
    assert report.silent, report
    assert report.result == ""


def test_the_service_page_says_what_is_missing(whmcs: Whmcs) -> None:
    report = whmcs.call("puqProxmoxKVM_AdminServicesTabFields", service_params(), model=True)
    assert report.silent, report
    assert list(report.result) == ["KVM Bridge"]
    assert f"AdminServicesTabFields {LATER}" in report.result["KVM Bridge"]


def test_saving_the_service_page_returns_nothing(whmcs: Whmcs) -> None:
    browser = Browser(session={"adminid": 1}, post={"modulefields": {"0": "x"}, "other": "y"}, defines=["ADMINAREA"])
    report = whmcs.call("puqProxmoxKVM_AdminServicesTabFieldsSave", service_params(), browser=browser)
    assert report.silent, report
    assert report.result is None


@pytest.mark.parametrize(
    ("page", "asked"), [("", "overview"), ("firewall", "firewall"), ("../../admin", "overview"), (["x"], "overview")]
)
def test_the_client_area_asks_for_the_page_of_the_request(whmcs: Whmcs, page: object, asked: str) -> None:
    browser = Browser(session={"uid": 7}, get={"page": page}, defines=["CLIENTAREA"])
    report = whmcs.call("puqProxmoxKVM_ClientArea", service_params(), browser=browser, model=True)
    assert report.silent, report
    assert f"{asked} {LATER}" in report.result


def test_data_of_the_client_area_are_json_and_nothing_else(whmcs: Whmcs) -> None:
    browser = Browser(session={"uid": 7}, post={"command": "charts"}, defines=["CLIENTAREA"])
    report = whmcs.call("puqProxmoxKVM_ClientApi", service_params(), browser=browser)
    assert json.loads(report.printed) == {"error": f"charts {LATER}"}
    assert not report.ended
    assert (report.problems, report.thrown, report.fatal) == ([], [], "")


@pytest.mark.req("CLI-26")
def test_a_button_of_the_client_area_works_with_the_token_of_its_page(
    whmcs: Whmcs, services: RecordingServices
) -> None:
    def ask(method: str, **fields: str) -> Any:
        browser = Browser({"uid": 7}, {}, fields, {"REQUEST_METHOD": method}, ["CLIENTAREA"])
        calls = [Call("session_id", ["the-session"]), Call("puqProxmoxKVM_ClientApi", [service_params()])]
        return json.loads(whmcs.run(calls, browser).printed)

    token = ask("GET", command="status")["result"]["form_token"]
    assert ask("POST", command="stop", form_token=token) == {"result": {"done": True}}
    assert ask("POST", command="stop") == {"error": "This page has expired. Please reload it."}
    assert ask("GET", command="stop", form_token=token) == {"error": "This page has expired. Please reload it."}
    assert [what for what, _, _ in services.clients.asked] == ["status", "stop"]


@pytest.mark.parametrize("command", ["", "../overview", "START", ["start"]])
def test_a_command_that_is_none_does_not_leave_this_host(
    whmcs: Whmcs, services: RecordingServices, command: object
) -> None:
    browser = Browser(session={"uid": 7}, post={"command": command}, defines=["CLIENTAREA"])
    report = whmcs.call("puqProxmoxKVM_ClientApi", service_params(), browser=browser)
    assert json.loads(report.printed) == {"error": "The request names no command."}
    assert services.opened == 0


@pytest.mark.req("MET-01", "MET-02")
def test_two_monthly_metrics_in_gigabytes_are_offered(whmcs: Whmcs, services: RecordingServices) -> None:
    report = whmcs.call("puqProxmoxKVM_MetricProvider", {}, then=["metrics"])
    assert report.silent, report
    assert {name: metric["displayName"] for name, metric in report.result.items()} == {
        "bandwidth_usage_in": "Bandwidth Usage In",
        "bandwidth_usage_out": "Bandwidth Usage Out",
    }
    assert {metric["type"] for metric in report.result.values()} == {"month"}
    assert {metric["units"] for metric in report.result.values()} == {"WHMCS\\UsageBilling\\Metrics\\Units\\GigaBytes"}
    assert services.opened == 0


@pytest.mark.parametrize(("method", "arguments"), [("usage", []), ("tenantUsage", ["vm.example.com"])])
def test_usage_that_is_not_known_yet_is_empty(
    whmcs: Whmcs, services: RecordingServices, method: str, arguments: list[str]
) -> None:
    report = whmcs.call("puqProxmoxKVM_MetricProvider", {"serverid": 2}, then=[method], then_arguments=arguments)
    assert report.silent, report
    assert report.result == []
    assert services.usage.asked == [(2, arguments[0] if arguments else None)]


@pytest.mark.req("INS-14", "INS-16")
def test_the_addon_introduces_itself(whmcs: Whmcs) -> None:
    config = whmcs.call("puq_proxmox_kvm_config").result
    assert config["name"] == "PUQ Proxmox KVM"
    assert config["description"] == "IP Pool and DNS Zone management for puqProxmoxKVM server module"
    assert config["fields"]["license_key"]["FriendlyName"] == "License key"


def test_the_addon_is_activated_upgraded_and_deactivated_by_the_daemon(
    whmcs: Whmcs, services: RecordingServices
) -> None:
    names = [("activate", []), ("upgrade", [{"version": "3.3"}]), ("deactivate", [])]
    report = whmcs.run([Call(f"puq_proxmox_kvm_{name}", arguments) for name, arguments in names])
    assert report.silent, report
    assert report.results == [
        {"status": "success", "description": "The tables are in place."},
        None,
        {"status": "success", "description": "All data were kept."},
    ]
    assert services.installation.calls == ["activate", "upgrade from 3.3", "deactivate"]


def test_the_addon_prints_its_page(whmcs: Whmcs) -> None:
    report = whmcs.call("puq_proxmox_kvm_output", {"modulelink": "addonmodules.php?module=x", "version": "0"})
    assert (report.result, report.problems, report.thrown) == (None, [], [])
    assert report.printed == f'<div class="errorbox">output {LATER}</div>'


@pytest.mark.parametrize(
    ("get", "printed"),
    [
        ({"ajax": "1"}, json.dumps({"error": f"api {LATER}"}, separators=(",", ":"))),
        ({"fragment": "1"}, f'<div class="errorbox">output {LATER}</div>'),
    ],
)
def test_parts_of_the_addon_s_pages_come_alone(whmcs: Whmcs, get: dict[str, str], printed: str) -> None:
    browser = Browser(session={"adminid": 1}, get=get, defines=["ADMINAREA"])
    report = whmcs.call("puq_proxmox_kvm_output", {}, browser=browser)
    assert (report.printed, report.ended, report.problems) == (printed, False, [])


def test_the_sidebar_of_the_addon_is_empty_when_there_is_none(whmcs: Whmcs) -> None:
    report = whmcs.call("puq_proxmox_kvm_sidebar", {})
    assert report.silent, report
    assert report.result == ""


@pytest.mark.parametrize("nonsense", [None, "text", 5, [], {"serviceid": None}, {"serviceid": ["x"]}])
def test_parameters_that_are_none_are_survived(whmcs: Whmcs, nonsense: object) -> None:
    names = [
        *list(ACTIONS)[:3],
        "CreateAccount",
        "TestConnection",
        "AdminServicesTabFields",
        "AdminLink",
        "ClientArea",
    ]
    report = whmcs.run([Call(f"puqProxmoxKVM_{name}", [nonsense]) for name in names])
    assert report.silent, report
    assert "serviceid" in report.results[3]
