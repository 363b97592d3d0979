"""A daemon that is down, slow, or talks nonsense: one clear line each, in WHMCS's convention, and never a secret."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import SECRET
from tests.integration.shim.broken_daemons import (
    Behaviour,
    answers,
    broken_daemon,
    drips,
    never_stops,
    says,
    says_nothing,
    signs,
    signs_another_body,
    signs_json,
)
from tests.integration.shim.whmcs import ADMIN, CLIENT, SECRETS, Browser, Call, Report, Whmcs, service_params
from tests.services import free_port

UNREACHABLE = "KVM Bridge cannot be reached: is its service running?"
SLOW = "KVM Bridge did not answer within 1 seconds."
STRANGER = "Something other than KVM Bridge answered at its address."
OTHER_SECRET = 'The answer of KVM Bridge is not signed with our secret: run "kvm-bridge install-shim" again.'
NONSENSE = "KVM Bridge gave an answer that cannot be understood."
TOO_LARGE = "KVM Bridge gave an answer that is too large."
BROKE = "The connection to KVM Bridge broke"
FOR_CLIENTS = "Something went wrong. Please try again later or contact our support."

BROKEN: dict[str, tuple[Behaviour, str]] = {
    "silent": (says_nothing, SLOW),
    "one byte at a time": (drips, SLOW),
    "an HTML page": (answers(b"<html><b>It works!</b></html>"), STRANGER),
    "an empty answer": (answers(b""), STRANGER),
    "success without a signature": (answers(b'{"result":"success"}'), STRANGER),
    "an HTML error page": (answers(b"<h1>502 Bad Gateway</h1>", status=502), STRANGER),
    "a redirect": (answers(b"", status=302, headers="Location: http://127.0.0.1:1/\r\n"), STRANGER),
    "a hang-up": (says(b""), BROKE),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), BROKE),
    "an answer cut short": (says(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"res'), BROKE),
    "an endless answer": (never_stops, TOO_LARGE),
    "another secret": (signs(b'{"result":"success"}', secret=SECRET[::-1]), OTHER_SECRET),
    "a refusal under another secret": (signs(b'{"error":"x"}', status=401, secret=SECRET[::-1]), OTHER_SECRET),
    "the answer to another request": (signs(b'{"result":"success"}', nonce="n" * 32), OTHER_SECRET),
    "a changed body": (signs_another_body, OTHER_SECRET),
    "signed, but no JSON": (signs(b"<html>"), NONSENSE),
    "signed, but empty": (signs(b""), NONSENSE),
    "signed, but bad UTF-8": (signs(b'{"result":"\xff"}'), NONSENSE),
    "signed, but no result": (signs_json({"answer": "success"}), NONSENSE),
    "signed, but a list": (signs_json(["result", "success"]), NONSENSE),
    "signed, but a text": (signs_json("success"), NONSENSE),
    "signed, but null": (signs_json(None), NONSENSE),
    "signed, but too deep": (signs(b'{"result":' + b"[" * 100 + b"]" * 100 + b"}"), NONSENSE),
    "signed, an error that is no text": (signs_json({"error": {"text": "no"}}), NONSENSE),
}  # fmt: skip

ACTIONS = [
    "CreateAccount", "SuspendAccount", "UnsuspendAccount", "TerminateAccount", "ChangePackage", "ChangePassword",
    "VMStart", "VMStop", "VMReinstall", "VMSetDedicatedIp", "VMClone", "VMSetCpuRam", "VMSetSystemDiskSize",
    "VMSetSystemDiskBandwidth", "VMSetCreatedAdditionalDisk", "VMSetAdditionalDiskSize", "VMSetAdditionalDiskBandwidth",
    "VMSetNetwork", "VMSetFirewall", "VMSetCloudinit", "VMRemove", "VMSetDNSRecords",
]  # fmt: skip
OTHERS = [
    Call("puqProxmoxKVM_TestConnection", [service_params()]),
    Call("puqProxmoxKVM_AdminServicesTabFields", [service_params()]),
    Call("puqProxmoxKVM_AdminServicesTabFieldsSave", [service_params()]),
    Call("puqProxmoxKVM_ClientArea", [service_params()]),
    Call("puqProxmoxKVM_MetricProvider", [{"serverid": 2}], then=["usage"]),
    Call("puq_proxmox_kvm_activate"),
    Call("puq_proxmox_kvm_deactivate"),
    Call("puq_proxmox_kvm_upgrade", [{"version": "3.3"}]),
    Call("puq_proxmox_kvm_sidebar", [{}]),
]


def results_of_others(line: str) -> list[Any]:
    """What the functions of `OTHERS` return when all that can be said is `line`."""
    escaped = line.replace('"', "&quot;")
    return [
        {"success": False, "error": line},
        {"KVM Bridge": f'<span class="text-danger">{escaped}</span>'},
        None,
        f'<div class="alert alert-danger">{FOR_CLIENTS}</div>',
        [],
        {"status": "error", "description": line},
        {"status": "error", "description": line},
        None,
        "",
    ]


def assert_no_secret(report: Report) -> None:
    told = json.dumps([report.results, report.log, report.printed, report.stderr, report.problems])
    assert not [secret for secret in SECRETS if secret in told]


@pytest.fixture
def unreachable(php: str, tmp_path: Path) -> Whmcs:
    return Whmcs(php, tmp_path, f"http://127.0.0.1:{free_port()}")


@pytest.mark.req("PRT-10", "PRT-13", "PRT-17")
def test_with_no_daemon_every_action_says_so(unreachable: Whmcs) -> None:
    report = unreachable.run([Call(f"puqProxmoxKVM_{name}", [service_params()], model=True) for name in ACTIONS])
    assert report.silent, report
    assert report.results == [UNREACHABLE] * len(ACTIONS)
    assert_no_secret(report)


@pytest.mark.req("PRT-10", "PRT-13")
def test_with_no_daemon_the_other_functions_keep_their_form(unreachable: Whmcs) -> None:
    report = unreachable.run(OTHERS)
    assert report.silent, report
    assert report.results == results_of_others(UNREACHABLE)


def test_what_failed_and_why_is_in_the_module_log(unreachable: Whmcs) -> None:
    report = unreachable.call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.log == [["puqProxmoxKVM", "CreateAccount", "service 5", UNREACHABLE, ""]]


def test_a_client_is_told_no_detail(unreachable: Whmcs) -> None:
    report = unreachable.call("puqProxmoxKVM_ChangePassword", service_params(), browser=CLIENT)
    assert report.result == FOR_CLIENTS
    assert UNREACHABLE in report.log[0]


def test_the_client_s_data_say_that_something_is_wrong(unreachable: Whmcs) -> None:
    browser = Browser(session={"uid": 7}, post={"command": "start"}, defines=["CLIENTAREA"])
    report = unreachable.call("puqProxmoxKVM_ClientApi", service_params(), browser=browser)
    assert json.loads(report.printed) == {"error": FOR_CLIENTS}


def test_the_addon_s_page_says_what_is_wrong(unreachable: Whmcs) -> None:
    assert unreachable.call("puq_proxmox_kvm_output", {}).printed == f'<div class="errorbox">{UNREACHABLE}</div>'


@pytest.mark.req("PRT-07", "PRT-11", "PRT-12", "PRT-13", "PRT-17")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_daemon_gives_one_clear_line(php: str, tmp_path: Path, name: str) -> None:
    behaviour, line = BROKEN[name]
    with broken_daemon(behaviour) as url:
        whmcs = Whmcs(php, tmp_path, url)
        report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params(), model=True)
    assert report.silent, report
    assert report.result.startswith(line)
    assert "\n" not in report.result
    assert_no_secret(report)


@pytest.mark.req("PRT-12", "PRT-13")
@pytest.mark.parametrize("result", [5, True, None, "", [], {"x": 1}, [["deep"]], "text"])
def test_a_result_of_the_wrong_kind_keeps_the_form_of_each_function(php: str, tmp_path: Path, result: object) -> None:
    with broken_daemon(signs_json({"result": result})) as url:
        report = Whmcs(php, tmp_path, url).run([Call("puqProxmoxKVM_CreateAccount", [service_params()]), *OTHERS])
    assert report.silent, report
    action, test, fields, saved, page, usage, activated, deactivated, upgraded, sidebar = report.results
    assert action == ("text" if result == "text" else NONSENSE)
    assert test == {"success": False, "error": NONSENSE}
    assert isinstance(fields, dict | list)
    assert (saved, upgraded) == (None, None)
    assert isinstance(page, str)
    assert isinstance(sidebar, str)
    assert isinstance(usage, dict | list)
    assert activated == deactivated == {"status": "error", "description": NONSENSE}


@pytest.mark.req("PRT-11")
def test_a_slow_daemon_does_not_hold_up_a_hook_longer_than_its_own_timeout(php: str, tmp_path: Path) -> None:
    with broken_daemon(says_nothing) as url:
        whmcs = Whmcs(php, tmp_path, url, timeout=50)
        report = whmcs.hook("ServiceDelete", {"serviceid": 5})
    assert report.silent, report
    assert report.log[0][3] == SLOW


CONFIGS = {
    "missing": (None, 'KVM Bridge is not configured: run "kvm-bridge install-shim" on this WHMCS.'),
    "empty": ("<?php\n", 'The configuration of KVM Bridge is damaged: run "kvm-bridge install-shim" again.'),
    "no array": (
        "<?php return 'x';",
        'The configuration of KVM Bridge is damaged: run "kvm-bridge install-shim" again.',
    ),
    "no secret": (
        "<?php return ['url' => 'http://127.0.0.1:1'];",
        "The configuration of KVM Bridge holds no usable secret.",
    ),
    "no url": (
        f"<?php return ['secret' => '{SECRET}'];",
        "The configuration of KVM Bridge holds no usable address of the daemon.",
    ),
    "a file": (
        f"<?php return ['secret' => '{SECRET}', 'url' => 'file:///etc/passwd'];",
        "The configuration of KVM Bridge holds no usable address of the daemon.",
    ),
    "no PHP": ("<?php return [;", "The KVM Bridge module failed (ParseError)."),
    "an exception": (f"<?php throw new Exception('{SECRET}');", "The KVM Bridge module failed (Exception)."),
}


@pytest.mark.req("PRT-13", "PRT-17")
@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_that_is_none_is_called_so(unreachable: Whmcs, name: str) -> None:
    content, line = CONFIGS[name]
    file = unreachable.server_file("config.php")
    file.unlink()
    if content is not None:
        file.write_text(content)
    report = unreachable.run([Call("puqProxmoxKVM_CreateAccount", [service_params()]), *OTHERS])
    assert report.silent, report
    assert report.results == [line, *results_of_others(line)]
    assert_no_secret(report)


@pytest.mark.req("INS-04")
def test_a_php_without_curl_is_called_so(unreachable: Whmcs) -> None:
    hidden = ["-d", "disable_functions=curl_init"]
    report = unreachable.run([Call("puqProxmoxKVM_CreateAccount", [service_params()])], ADMIN, options=hidden)
    assert report.silent, report
    assert report.result == "The PHP extension curl is missing; KVM Bridge needs it."


def test_a_proxy_of_the_environment_is_not_used(whmcs: Whmcs, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert whmcs.call("puqProxmoxKVM_CreateAccount", service_params()).result == "success"


def test_parameters_that_are_too_large_are_not_sent(unreachable: Whmcs) -> None:
    huge = service_params(customfields={"notes": "x" * 2_000_000})
    report = unreachable.call("puqProxmoxKVM_CreateAccount", huge)
    assert report.silent, report
    assert report.result == "The parameters of this call are too large for KVM Bridge."


def test_no_line_names_an_address(unreachable: Whmcs) -> None:
    report = unreachable.run([Call("puqProxmoxKVM_CreateAccount", [service_params()]), *OTHERS])
    assert not re.search(r"127\.0\.0\.1|http:|/modules/", json.dumps(report.results))
