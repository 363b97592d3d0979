"""What leaves the WHMCS host: the few values that the daemon needs, and nothing that it must not get."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.shim.broken_daemons import Received, broken_daemon, remembers
from tests.integration.shim.whmcs import ADMIN, SECRETS, Browser, Whmcs, service_params


@pytest.fixture
def requests() -> list[Received]:
    return []


@pytest.fixture
def watched(php: str, tmp_path: Path, requests: list[Received]) -> Iterator[Whmcs]:
    """A WHMCS whose daemon keeps every request."""
    with broken_daemon(remembers(requests)) as url:
        yield Whmcs(php, tmp_path, url)


def sent(requests: list[Received]) -> Received:
    [request] = requests
    return request


def test_a_call_goes_to_the_path_of_its_function(watched: Whmcs, requests: list[Received]) -> None:
    watched.call("puqProxmoxKVM_SuspendAccount", service_params(suspendreason="Überfällig"))
    assert sent(requests).line == "POST /v1/module/SuspendAccount HTTP/1.1"
    assert sent(requests).params["suspendreason"] == "Überfällig"


def test_the_parameters_are_the_plain_ones(watched: Whmcs, requests: list[Received]) -> None:
    assert watched.call("puqProxmoxKVM_CreateAccount", service_params(), model=True).silent
    params = sent(requests).params
    assert params["serviceid"] == 5
    assert params["addonId"] == 0
    assert params["configoptions"] == {"CPU Cores": "2", "RAM": 4}
    assert params["customfields"] == {"ssh key": "ssh-ed25519 AAAA klucz@zażółć"}
    assert params["clientsdetails"] == {
        "id": 7,
        "userid": 7,
        "firstname": "Zoë",
        "lastname": "O'Brien",
        "email": "zoe@example.com",
        "language": "polish",
    }


@pytest.mark.req("PRT-17")
def test_passwords_hashes_settings_and_objects_stay_here(watched: Whmcs, requests: list[Received]) -> None:
    watched.call("puqProxmoxKVM_CreateAccount", service_params(), model=True)
    body = sent(requests).body.decode()
    assert not [secret for secret in SECRETS if secret in body]
    assert not [word for word in ("configoption1", "model", "Hidden Street", "555-0100", "pays late") if word in body]


def test_only_a_change_of_password_carries_the_new_one(watched: Whmcs, requests: list[Received]) -> None:
    watched.call("puqProxmoxKVM_ChangePassword", service_params(password='new "pässword" & <more>'))
    assert sent(requests).params["password"] == 'new "pässword" & <more>'
    assert b"server-password" not in sent(requests).body


@pytest.mark.req("PRT-09")
def test_actor_and_language_are_part_of_the_signed_body(watched: Whmcs, requests: list[Received]) -> None:
    watched.call("puqProxmoxKVM_CreateAccount", service_params(), browser=ADMIN)
    body = json.loads(sent(requests).body)
    assert body["actor"] == {"type": "admin", "id": 1, "admin": 1, "session": ""}
    assert body["language"] == "german"


@pytest.mark.parametrize("options", [[], {"0": "x"}, {"0": "x", "1": "y"}, {"CPU|Label": "2"}])
def test_options_are_sent_as_a_map_whatever_their_names(watched: Whmcs, requests: list[Received], options: Any) -> None:
    watched.call("puqProxmoxKVM_CreateAccount", service_params(configoptions=options, customfields=options))
    assert sent(requests).params["configoptions"] == (options or {})
    assert sent(requests).params["customfields"] == (options or {})


def test_text_that_is_no_utf8_does_not_stop_an_order(watched: Whmcs, requests: list[Received]) -> None:
    report = watched.run_php(
        "$p = ['serviceid' => 5, 'domain' => \"caf\\xe9.example\"]; return puqProxmoxKVM_CreateAccount($p);"
    )
    assert report.silent, report
    assert sent(requests).params["domain"] == "caf\ufffd.example"


def test_values_that_are_no_plain_ones_are_dropped(watched: Whmcs, requests: list[Received]) -> None:
    nested = {"a": {"b": "c"}, "d": None, "e": "f"}
    watched.call("puqProxmoxKVM_CreateAccount", service_params(configoptions=nested, domain=["x"], userid=None))
    params = sent(requests).params
    assert params["configoptions"] == {"e": "f"}
    assert "domain" not in params
    assert "userid" not in params


def test_a_page_gets_the_request_without_whmcs_s_token(watched: Whmcs, requests: list[Received]) -> None:
    browser = Browser(
        session={"uid": 7},
        get={"page": "firewall", "id": "5", "token": "csrf"},
        post={"rule": {"action": "DROP", "ports": ["22", "80"]}, "token": "csrf"},
        server={"REQUEST_METHOD": "POST"},
        defines=["CLIENTAREA"],
    )
    watched.call("puqProxmoxKVM_ClientArea", service_params(), browser=browser)
    assert sent(requests).line == "POST /v1/client/firewall HTTP/1.1"
    assert sent(requests).params["request"] == {
        "method": "POST",
        "query": {"page": "firewall", "id": "5"},
        "fields": {"rule": {"action": "DROP", "ports": ["22", "80"]}},
    }


def test_a_form_that_is_nested_too_deeply_is_cut(watched: Whmcs, requests: list[Received]) -> None:
    deep: Any = "x"
    for _ in range(50):
        deep = {"k": deep}
    watched.call("puq_proxmox_kvm_output", {}, browser=Browser(session={"adminid": 1}, post={"deep": deep}))
    assert sent(requests).body.count(b'"k"') < 6


def test_the_session_is_known_by_a_fingerprint_only(watched: Whmcs, requests: list[Received]) -> None:
    report = watched.run_php(
        "session_id('session-id-of-the-browser'); session_start(['use_cookies' => 0, 'save_path' => sys_get_temp_dir()]);"
        "return puqProxmoxKVM_CreateAccount(['serviceid' => 5]);"
    )
    assert report.result == "success"
    assert len(json.loads(sent(requests).body)["actor"]["session"]) == 64
    assert b"session-id-of-the-browser" not in sent(requests).body
