"""The hooks: cheap filters first, the daemon's answer handed on, and no page ever disturbed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.shim.broken_daemons import Received, broken_daemon, remembers
from tests.integration.shim.whmcs import ADMIN, CLIENT, HOOKS_FILE, Browser, Call, Whmcs
from tests.services import free_port

HOOKS = {
    "AfterCronJob",
    "AdminProductConfigFieldsSave",
    "ServiceDelete",
    "ProductDelete",
    "ServerEdit",
    "ServerDelete",
    "ClientAreaPageUpgrade",
    "ClientAreaFooterOutput",
    "ShoppingCartValidateUpgrade",
    "ClientAreaPrimarySidebar",
}
PRODUCT_PAGE = Browser(session={"uid": 7}, get={"action": "productdetails", "id": "5"}, defines=["CLIENTAREA"])
UPGRADE = {"id": 5, "type": "configoptions", "configoptions": [{"id": 1, "options": [{"id": 9, "nameonly": "40 GB"}]}]}


@pytest.fixture
def requests() -> list[Received]:
    return []


@pytest.fixture
def answer() -> dict[str, Any]:
    """What the daemon of `watched` answers, below the key `result`; a test sets it before its first call."""
    return {"result": None}


@pytest.fixture
def watched(php: str, tmp_path: Path, requests: list[Received], answer: dict[str, Any]) -> Iterator[Whmcs]:
    def behave(connection: Any, request: Received, over: Any) -> None:
        remembers(requests, answer["result"])(connection, request, over)

    with broken_daemon(behave) as url:
        yield Whmcs(php, tmp_path, url)


def test_the_hooks_of_the_contract_are_registered(watched: Whmcs) -> None:
    assert set(watched.run([], load=[HOOKS_FILE]).hooks) == HOOKS


def test_loading_the_hooks_costs_one_file(watched: Whmcs) -> None:
    report = watched.run([], load=[HOOKS_FILE])
    assert set(report.included) == {"call.php", "whmcs.php", "hooks.php"}


IRRELEVANT = [
    ("AdminProductConfigFieldsSave", [{"pid": 3}]),
    ("AdminProductConfigFieldsSave", [{}]),
    ("ServiceDelete", [{}]),
    ("ServiceDelete", [{"serviceid": "none"}]),
    ("ServerDelete", [None]),
    ("ClientAreaPageUpgrade", [{"id": 5, "type": "package"}]),
    ("ClientAreaPageUpgrade", [None]),
    ("ClientAreaFooterOutput", [{"filename": "index"}]),
    ("ClientAreaFooterOutput", [{"filename": "clientarea", "type": "configoptions"}]),
    ("ClientAreaFooterOutput", [{"filename": "upgrade", "type": "package"}]),
    ("ClientAreaFooterOutput", [{}]),
    ("ShoppingCartValidateUpgrade", [{}]),
    ("ClientAreaPrimarySidebar", [None]),
]


def test_pages_that_are_not_ours_load_no_class_and_make_no_call(watched: Whmcs, requests: list[Received]) -> None:
    calls = [Call(hook=hook, arguments=arguments) for hook, arguments in IRRELEVANT]
    report = watched.run([*calls, Call(hook="ClientAreaPrimarySidebar", menu=True)], CLIENT, load=[HOOKS_FILE])
    assert report.silent, report
    assert len(report.results) == len(IRRELEVANT) + 1
    assert "load.php" not in report.included
    assert requests == []


@pytest.mark.parametrize(
    ("hook", "key"),
    [
        ("ServiceDelete", "serviceid"),
        ("ProductDelete", "pid"),
        ("ServerEdit", "serverid"),
        ("ServerDelete", "serverid"),
    ],
)
def test_a_deletion_is_told(watched: Whmcs, requests: list[Received], hook: str, key: str) -> None:
    report = watched.hook(hook, {key: "5", "userid": 7})
    assert report.silent, report
    [request] = requests
    assert request.line == f"POST /v1/hook/{hook} HTTP/1.1"
    assert request.params == {key: 5}


def test_a_saved_product_s_panel_is_forwarded(watched: Whmcs, requests: list[Received]) -> None:
    posted = {"puq_proxmox_kvm": {"cpu": "2", "mail": {"ready": "None"}}, "packageconfigoption": ["licence"]}
    report = watched.hook("AdminProductConfigFieldsSave", {"pid": "3"}, browser=Browser({"adminid": 1}, post=posted))
    assert report.silent, report
    [request] = requests
    assert request.params == {"pid": 3, "fields": {"cpu": "2", "mail": {"ready": "None"}}}


def test_the_upgrade_page_gets_the_daemon_s_variables(
    watched: Whmcs, requests: list[Received], answer: dict[str, Any]
) -> None:
    answer["result"] = {"errormessage": "A disk cannot shrink."}
    report = watched.hook("ClientAreaPageUpgrade", UPGRADE | {"clientsdetails": {"email": "x"}}, browser=CLIENT)
    assert report.silent, report
    assert report.result == {"errormessage": "A disk cannot shrink."}
    [request] = requests
    assert (request.params["id"], request.params["type"]) == (5, "configoptions")
    assert request.params["options"] == UPGRADE["configoptions"]
    assert "clientsdetails" not in request.params


@pytest.mark.parametrize(
    ("variables", "get"),
    [
        ({"filename": "upgrade", "type": "configoptions", "id": 5}, {}),
        ({"filename": "upgrade"}, {"type": "configoptions"}),
        ({"filename": "clientarea"}, {"action": "upgrade", "type": "configoptions"}),
    ],
)
def test_the_upgrade_page_gets_the_daemon_s_script(
    watched: Whmcs, answer: dict[str, Any], variables: dict[str, Any], get: dict[str, str]
) -> None:
    answer["result"] = "<script>1</script>"
    report = watched.hook("ClientAreaFooterOutput", variables, browser=Browser({"uid": 7}, get=get))
    assert report.silent, report
    assert report.result == "<script>1</script>"


def test_reasons_against_an_upgrade_are_handed_on(watched: Whmcs, answer: dict[str, Any]) -> None:
    answer["result"] = ["The disk would shrink.", 5, None]
    assert watched.hook("ShoppingCartValidateUpgrade", {"id": 5, "pid": 4}).result == ["The disk would shrink."]


def test_panels_are_added_to_the_sidebar_of_a_product(
    watched: Whmcs, requests: list[Received], answer: dict[str, Any]
) -> None:
    items = [
        {"name": "charts", "label": "Charts", "uri": "?page=charts", "order": 1, "class": "disabled"},
        {"label": "x"},
        5,
    ]
    answer["result"] = [
        {"name": "KVM", "label": "Virtual machine", "order": 5, "items": items},
        {"name": "Service Details Actions", "items": items},
        {"label": "nameless"},
        "nonsense",
    ]
    report = watched.hook("ClientAreaPrimarySidebar", browser=PRODUCT_PAGE, menu=True)
    assert report.silent, report
    charts = ["charts", {"label": "Charts", "uri": "?page=charts", "order": 1}, "disabled", []]
    assert report.result[3] == [
        ["Service Details Actions", [], "", []],
        ["KVM", {"label": "Virtual machine", "order": 5}, "", [charts]],
    ]
    [request] = requests
    assert request.params["serviceid"] == 5


@pytest.mark.req("PRT-10", "PRT-13")
def test_without_a_daemon_no_page_is_disturbed(php: str, tmp_path: Path) -> None:
    whmcs = Whmcs(php, tmp_path, f"http://127.0.0.1:{free_port()}")
    calls = [
        Call(hook="AfterCronJob"),
        Call(hook="ServiceDelete", arguments=[{"serviceid": 5}]),
        Call(hook="ClientAreaPageUpgrade", arguments=[UPGRADE]),
        Call(hook="ClientAreaFooterOutput", arguments=[{"filename": "upgrade", "type": "configoptions"}]),
        Call(hook="ShoppingCartValidateUpgrade", arguments=[{"id": 5, "pid": 4}]),
        Call(hook="ClientAreaPrimarySidebar", menu=True),
    ]
    report = whmcs.run(calls, PRODUCT_PAGE)
    assert report.silent, report
    assert report.results[:5] == [None, None, [], "", []]
    assert [entry[1] for entry in report.log] == [call.hook for call in calls]


def test_without_the_server_module_no_hook_is_registered(watched: Whmcs) -> None:
    watched.server_file("lib/load.php").unlink()
    report = watched.run([], ADMIN, load=[HOOKS_FILE])
    assert report.silent, report
    assert report.hooks == []


def test_the_end_of_whmcs_s_cron_wakes_the_daemon_and_prints_nothing(watched: Whmcs, requests: list[Received]) -> None:
    report = watched.hook("AfterCronJob", browser=Browser())
    assert report.silent, report
    assert [request.line for request in requests] == ["POST /v1/hook/AfterCronJob HTTP/1.1"]
