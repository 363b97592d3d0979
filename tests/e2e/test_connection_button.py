"""WHMCS's Test Connection button, through PHP and the daemon, against Proxmox over HTTPS."""

from typing import Any

import pytest

from bridge.models.whmcs import Server
from bridge.sandbox.proxmox.access import User
from tests.chaos.processes import Installation
from tests.services import free_port

ACCOUNT, PASSWORD = "admin@pve", "the-password-of-the-account"


def form(installation: Installation, **typed: Any) -> dict[str, Any]:
    """The server form as an admin fills it in for the demo cluster."""
    token, _, secret = installation.cluster.demo_token.partition("=")
    filled = {
        "serverhostname": "127.0.0.1",
        "serverip": "",
        "serverport": installation.proxmox.port,
        "serverusername": token,
        "serverpassword": secret,
        "serversecure": True,
    }
    return {**filled, **typed}


def press_test_connection(installation: Installation, **typed: Any) -> tuple[bool, str]:
    answer = installation.call_module("TestConnection", form(installation, **typed))
    return answer["success"], answer["error"]


@pytest.mark.req("SRV-02", "SRV-06", "SRV-10")
def test_a_good_token_on_a_port_of_its_own_succeeds(running: Installation) -> None:
    assert press_test_connection(running) == (True, "")


@pytest.mark.req("SRV-06")
def test_whmcs_fills_in_proxmox_s_port(running: Installation) -> None:
    assert running.php.call("puqProxmoxKVM_MetaData").result["DefaultSSLPort"] == "8006"


@pytest.mark.req("SRV-07")
def test_a_closed_port_is_named(running: Installation) -> None:
    port = free_port()
    success, error = press_test_connection(running, serverport=port)
    assert not success
    assert f"127.0.0.1:{port}" in error
    assert "refused" in error


@pytest.mark.req("SRV-08")
@pytest.mark.parametrize("saved", [False, True], ids=["typed", "saved"])
def test_a_wrong_secret_gets_proxmox_s_answer_and_is_not_repeated(running: Installation, saved: bool) -> None:
    server = {"serverid": running.shop.server_id} if saved else {}
    success, error = press_test_connection(running, serverpassword="not-the-secret", **server)
    assert not success
    assert "401" in error
    assert "invalid token value" in error
    assert "not-the-secret" not in error


@pytest.mark.req("SRV-09")
def test_a_token_without_rights_is_told_which_it_lacks(running: Installation) -> None:
    access = running.cluster.access
    access.add_token("auditor@pve", "look", secret="only-for-looking")
    access.grant("auditor@pve", "PVEAuditor", "/")
    success, error = press_test_connection(
        running, serverusername="auditor@pve!look", serverpassword="only-for-looking"
    )
    assert not success
    assert "VM.Clone" in error
    assert "Datastore.AllocateSpace on /storage" in error


@pytest.mark.req("SRV-03", "MIG-15")
def test_a_user_name_without_token_logs_in_with_the_password(running: Installation) -> None:
    with_account(running)
    seen = len(running.calls)
    assert press_test_connection(running, serverusername=ACCOUNT, serverpassword=PASSWORD) == (True, "")
    assert ("POST", "/access/ticket") in [(call.method, call.path) for call in running.calls[seen:]]
    success, error = press_test_connection(running, serverusername=ACCOUNT, serverpassword="another")
    assert not success
    assert "401" in error
    assert "another" not in error


@pytest.mark.req("SRV-03", "SRV-04", "SRV-05", "MIG-15")
def test_a_deploy_with_password_login_keeps_its_ticket_in_the_access_hash(installation: Installation) -> None:
    with_account(installation)
    Server.update(username=ACCOUNT, password=installation.whmcs.passwords.encrypt(PASSWORD)).execute()
    installation.start("serve")
    service = installation.order()
    installation.wait_until_ready([service])
    ticket, _, csrf = Server.get().accesshash.partition("|")
    assert ticket.startswith(f"PVE:{ACCOUNT}:")
    assert installation.cluster.access.tickets[ticket] == (ACCOUNT, csrf)
    assert sum(call.path == "/access/ticket" for call in installation.calls) == 1
    assert not [line for line in installation.lines if PASSWORD in line or ticket in line]


def with_account(installation: Installation) -> None:
    installation.cluster.access.users[ACCOUNT] = User(password=PASSWORD)
    installation.cluster.access.grant(ACCOUNT, "KvmBridge", "/")
