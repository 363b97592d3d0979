"""`/v1/module/<Function>`: the functions of the server module."""

import logging
from typing import Any

from flask import Blueprint, Response

from bridge.dns.listing import ListRefused
from bridge.lifecycle.rules import Operation
from bridge.web.callers import Refusal
from bridge.web.envelope import Call, CallerParams, MetricParams, PasswordParams, ServerParams
from bridge.web.functions import Function, Table, answer
from bridge.web.interfaces import Services
from statemachines.commands import Power
from statemachines.errors import Kind, kind_of

log = logging.getLogger(__name__)

blueprint = Blueprint("module", __name__, url_prefix="/v1/module")


def create_account(services: Services, call: Call) -> str:
    """Record the order; everything else happens outside of the request."""
    return services.orders.create(call.service_id(), call.actor)


def test_connection(services: Services, call: Call) -> dict[str, Any]:
    """The test button of WHMCS's server form."""
    success, error = services.connections.test(call.read(ServerParams).details())
    return {"success": success, "error": error}


def asks_for(operation: Operation) -> Function:
    """A function that records a request; the pipeline does the rest."""

    def ask(services: Services, call: Call) -> str:
        return services.requests.ask(call.service_id(), operation)

    return ask


def change_plan(services: Services, call: Call) -> dict[str, Any]:
    """What ChangePackage would do now; nothing is written."""
    try:
        return services.plans.plan(call.service_id()).as_json()
    except Exception as error:
        if kind_of(error) is Kind.BUG:
            raise
        raise Refusal(str(error)) from error


def command(name: str) -> Function:
    """A module command: one step, run while its caller waits."""

    def run(services: Services, call: Call) -> str:
        return services.commands.run(call.service_id(), name).text

    return run


def suspend_account(services: Services, call: Call) -> str:
    """The VM is stopped and stays so."""
    return services.suspension.suspend(call.service_id())


def unsuspend_account(services: Services, call: Call) -> str:
    """The VM runs again."""
    return services.suspension.unsuspend(call.service_id())


def change_password(services: Services, call: Call) -> str:
    """The password that was typed in WHMCS becomes the guest's."""
    return services.passwords.change(call.service_id(), call.read(PasswordParams).password)


def reinstall(services: Services, call: Call) -> str:
    """The button of staff, which leaves it to them to stop the VM [C-30]."""
    service_id = call.service_id()
    refusal = services.commands.look(service_id, "Reinstall", Power.STOPPED)
    return refusal or services.requests.ask(service_id, Operation.REINSTALL)


def dns_records(services: Services, call: Call) -> list[dict[str, str]] | None:
    """The list of the old dns.php; None for callers whom the settings do not name."""
    try:
        return services.dns_list.read(call.read(CallerParams).remote_address)
    except ListRefused as error:
        log.warning("dns.php: %s", error)
        return None


def metric_usage(services: Services, call: Call) -> dict[str, Any]:
    """What WHMCS's usage billing asks for."""
    asked = call.read(MetricParams)
    return services.usage.of_month(asked.serverid, asked.tenant)


FUNCTIONS: Table = {
    "CreateAccount": create_account,
    "TestConnection": test_connection,
    "SuspendAccount": suspend_account,
    "UnsuspendAccount": unsuspend_account,
    "TerminateAccount": asks_for(Operation.TERMINATE),
    "ChangePackage": asks_for(Operation.CHANGE_PACKAGE),
    "ChangePlan": change_plan,
    "ChangePassword": change_password,
    "AdminServicesTabFields": None,
    "AdminServicesTabFieldsSave": None,
    "MetricUsage": metric_usage,
    "DnsRecords": dns_records,
    "VMStart": command("VMStart"),
    "VMStop": command("VMStop"),
    "VMReinstall": reinstall,
    "VMSetDedicatedIp": command("VMSetDedicatedIp"),
    "VMClone": command("VMClone"),
    "VMSetCpuRam": command("VMSetCpuRam"),
    "VMSetSystemDiskSize": command("VMSetSystemDiskSize"),
    "VMSetSystemDiskBandwidth": command("VMSetSystemDiskBandwidth"),
    "VMSetCreatedAdditionalDisk": command("VMSetCreatedAdditionalDisk"),
    "VMSetAdditionalDiskSize": command("VMSetAdditionalDiskSize"),
    "VMSetAdditionalDiskBandwidth": command("VMSetAdditionalDiskBandwidth"),
    "VMSetNetwork": command("VMSetNetwork"),
    "VMSetFirewall": command("VMSetFirewall"),
    "VMSetCloudinit": command("VMSetCloudinit"),
    "VMRemove": command("VMRemove"),
    "VMSetDNSRecords": asks_for(Operation.SET_DNS_RECORDS),
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One function of the server module."""
    return answer(FUNCTIONS, name)
