"""No secret is in anything that anybody can read: answers, output, logs, the run log, the module log."""

import json

import pytest

from bridge.models.module import VmInfo
from bridge.models.whmcs import ModuleLogEntry, Server
from tests.chaos.processes import Installation, wait_until
from tests.integration.shim.whmcs import Call

WRONG_SECRET = "6f0c1a52-not-the-secret-of-the-token"


def everything_said(installation: Installation) -> str:
    """Output of all processes, and all logs that are kept in the database."""
    rows = [f"{row.action} {row.request} {row.response}" for row in ModuleLogEntry.select()]
    runs = [row.vm_last_action_log or "" for row in VmInfo.select()]
    return "\n".join([*installation.lines, *rows, *runs])


@pytest.mark.req("PRT-17", "DAT-08")
def test_no_secret_is_in_any_output_of_a_whole_deploy(installation: Installation) -> None:
    for role in ("web", "scheduler"):
        installation.start("--verbose", role)
    service = installation.shop.order("my-server")
    parameters = installation.whmcs.module_parameters(service)
    report = installation.php.run([Call("puqProxmoxKVM_CreateAccount", [parameters])])
    assert report.result == "success"
    installation.wait_until_ready([service])
    ready = next(mail for mail in installation.whmcs.mails if "ready" in mail.template)
    assert parameters["password"] in ready.body, "the guest's password is known to this test"
    said = everything_said(installation) + json.dumps(report.log) + report.printed + report.stderr
    for secret in [*installation.secrets, parameters["password"], parameters["serverpassword"]]:
        assert secret not in said


@pytest.mark.req("OPS-12", "PRT-17")
def test_a_failure_reads_alike_on_the_console_in_the_logs_and_through_php(installation: Installation) -> None:
    installation.start("web")
    service = installation.order()
    Server.update(password=installation.whmcs.passwords.encrypt(WRONG_SECRET)).execute()
    installation.command("cron")
    cause = "401 the credentials are refused (invalid token value!)"
    wait_until(
        lambda: cause in (VmInfo.get_by_id(service).vm_last_action_log or ""), 30, lambda: installation.lines[-1]
    )
    assert len([line for line in installation.lines if line.startswith("  [!]") and cause in line]) == 1
    parameters = installation.whmcs.module_parameters(service)
    answer = installation.call_module("TestConnection", parameters)
    assert cause in answer["error"]
    said = everything_said(installation) + answer["error"]
    for secret in [*installation.secrets, WRONG_SECRET]:
        assert secret not in said
    assert "Traceback" not in said
