"""Calls to Proxmox in WHMCS's module log: what changes something and what fails, and everything while the log is switched on."""

import json

import pytest

from bridge.models.whmcs import Configuration, ModuleLogEntry, Server, Service
from bridge.sandbox.proxmox.access import User
from tests.deploy.conftest import Install


def logged() -> list[str]:
    """The actions of the rows about calls."""
    actions = [row.action for row in ModuleLogEntry.select().order_by(ModuleLogEntry.id)]
    return [action for action in actions if action.partition(" ")[0] in ("GET", "POST", "PUT", "DELETE")]


def switch_on(value: str = "on") -> None:
    """An admin clicks on Enable Debug Logging."""
    Configuration.create(setting="ModuleDebugMode", value=value)


@pytest.mark.req("LOG-01")
def test_all_calls_of_a_deployment_are_logged_while_whmcs_s_module_log_is_switched_on(install: Install) -> None:
    rig = install()
    switch_on()
    service = rig.deploy()
    assert logged() == [f"{call.method} {call.path}" for call in rig.sent]
    assert {row.module for row in ModuleLogEntry.select()} == {"puqProxmoxKVM"}
    password = rig.whmcs.passwords.decrypt(Service.get_by_id(service).password)
    assert not [row for row in rig.module_log() if password in row or rig.cluster.demo_token.partition("=")[2] in row]


@pytest.mark.parametrize("value", [None, "", "0"])
def test_otherwise_only_those_that_change_something_are(install: Install, value: str | None) -> None:
    rig = install()
    if value is not None:
        switch_on(value)
    rig.deploy()
    assert logged() == rig.writes()
    assert 10 < len(logged()) < len(rig.sent) / 2


@pytest.mark.req("LOG-01")
def test_a_row_has_the_request_and_the_answer_or_the_line_of_the_failure(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/clone", status=500, text="disk on fire")
    rig.order()
    rig.run()
    sent = rig.calls("POST", "/clone")
    rows = [row for row in ModuleLogEntry.select() if row.action == "POST /nodes/pve1/qemu/9000/clone"]
    requests = [{key: str(value) for key, value in json.loads(row.request).items()} for row in rows]
    assert requests == [call.params for call in sent]
    assert [row.response for row in rows] == [
        "Could not clone template 9000 to VM 100 on node pve1: disk on fire",
        sent[1].data,
    ]


def test_a_look_that_fails_is_told_once_in_ten_minutes(install: Install) -> None:
    rig = install()
    rig.order()
    rig.fault("GET .*/100/config", status=595, times=0)
    for _ in range(3):
        rig.tick()
        rig.clock.advance(60)
    assert len([call for call in rig.sent if call.status == 595]) == 3
    assert [action for action in logged() if action.startswith("GET")] == ["GET /nodes/pve1/qemu/100/config"]
    rig.clock.advance(600)
    rig.tick()
    assert len([action for action in logged() if action.startswith("GET")]) == 2


def test_that_a_vm_is_not_there_is_an_answer_and_no_failure(install: Install) -> None:
    rig = install()
    rig.deploy()
    assert [call for call in rig.sent if call.method == "GET" and call.status == 500]
    assert not [action for action in logged() if action.startswith("GET")]


def test_with_our_own_setting_off_nothing_is_logged(install: Install) -> None:
    rig = install()
    rig.house.settings.change({"module_log": "off"})
    switch_on()
    rig.deploy()
    assert logged() == []


def test_the_switch_is_looked_up_once_in_five_seconds(install: Install) -> None:
    rig = install()
    rig.deploy()
    queries: list[str] = []
    rig.house.database.query_hooks.append(lambda event: queries.append(event.sql))
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    rig.clock.advance(60)
    for _ in range(20):
        proxmox.version()
    assert len([sql for sql in queries if "tblconfiguration" in sql]) == 1
    switch_on()
    rig.clock.advance(5)
    proxmox.version()
    assert logged()[-1] == "GET /version"


def test_a_login_is_logged_without_password_and_ticket(install: Install) -> None:
    rig = install()
    account, password = "admin@pve", "the-password-of-the-account"
    rig.cluster.access.users[account] = User(password=password)
    rig.cluster.access.grant(account, "KvmBridge", "/")
    Server.update(username=account, password=rig.whmcs.passwords.encrypt(password)).execute()
    rig.deploy()
    rows = [row for row in rig.module_log() if row.startswith("POST /access/ticket")]
    ticket, _, csrf = Server.get().accesshash.partition("|")
    assert rows
    assert all(account in row for row in rows)
    assert not [secret for secret in (password, ticket, csrf) if secret in "\n".join(rig.module_log())]
