"""`/v1/module/<Function>`: the functions of the server module."""

from typing import Any

from flask import Blueprint, Response

from bridge.lifecycle.rules import Operation
from bridge.web.envelope import Call, ServerParams
from bridge.web.functions import Function, Table, answer
from bridge.web.interfaces import Services

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


FUNCTIONS: Table = {
    "CreateAccount": create_account,
    "TestConnection": test_connection,
    "SuspendAccount": None,
    "UnsuspendAccount": None,
    "TerminateAccount": asks_for(Operation.TERMINATE),
    "ChangePackage": asks_for(Operation.CHANGE_PACKAGE),
    "ChangePassword": None,
    "AdminServicesTabFields": None,
    "AdminServicesTabFieldsSave": None,
    "MetricUsage": None,
    "DnsRecords": None,
    "VMStart": None,
    "VMStop": None,
    "VMReinstall": None,
    "VMSetDedicatedIp": None,
    "VMClone": None,
    "VMSetCpuRam": None,
    "VMSetSystemDiskSize": None,
    "VMSetSystemDiskBandwidth": None,
    "VMSetCreatedAdditionalDisk": None,
    "VMSetAdditionalDiskSize": None,
    "VMSetAdditionalDiskBandwidth": None,
    "VMSetNetwork": None,
    "VMSetFirewall": None,
    "VMSetCloudinit": None,
    "VMRemove": None,
    "VMSetDNSRecords": asks_for(Operation.SET_DNS_RECORDS),
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One function of the server module."""
    return answer(FUNCTIONS, name)
