"""`/v1/addon/<function>`: the functions of the addon module."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from bridge.lifecycle.explain import UnknownService
from bridge.lifecycle.records import RecordRefused
from bridge.lifecycle.rules import Operation
from bridge.web import addon_dns, addon_pools, client_pages
from bridge.web.callers import Refusal
from bridge.web.envelope import Call, Id, Map
from bridge.web.functions import Table, answer, everybody
from bridge.web.interfaces import Services

T = TypeVar("T")

blueprint = Blueprint("addon", __name__, url_prefix="/v1/addon")


class UpgradeParams(BaseModel):
    """What WHMCS passes to the addon's upgrade function: the version that was stored before."""

    version: Annotated[str, Field(max_length=64)] = ""


def activate(services: Services, call: Call) -> dict[str, str]:
    """Create or update what the product needs."""
    return {"status": "success", "description": services.installation.activate()}


def deactivate(services: Services, call: Call) -> dict[str, str]:
    """Stop; the data are kept unless the settings ask for the opposite."""
    return {"status": "success", "description": services.installation.deactivate()}


def upgrade(services: Services, call: Call) -> None:
    """A new version of the module was put in place."""
    services.installation.upgrade(call.read(UpgradeParams).version)


class EditParams(BaseModel):
    """Columns of a record as text."""

    columns: Annotated[Map, Field(max_length=32)]


class ResetParams(BaseModel):
    """The status to go to."""

    status: Annotated[str, Field(max_length=64)]


class AdoptParams(BaseModel):
    """The VM to be the service's."""

    vmid: Id


def record(services: Services, call: Call) -> dict[str, Any]:
    """All documented columns of the VM's record."""
    return _unless_refused(lambda: services.records.show(call.service_id()))


def record_edit(services: Services, call: Call) -> list[str]:
    """Change columns; the names of those that differ now."""
    columns = {name: str(value) for name, value in call.read(EditParams).columns.items()}
    return _unless_refused(lambda: services.records.edit(call.service_id(), columns))


def record_reset(services: Services, call: Call) -> str:
    """Put the VM to another status; the one before."""
    return _unless_refused(lambda: services.records.reset(call.service_id(), call.read(ResetParams).status))


def record_delete(services: Services, call: Call) -> None:
    """Remove the record."""
    _unless_refused(lambda: services.records.delete(call.service_id()))


def adopt(services: Services, call: Call) -> str:
    """Make an existing VM the service's."""
    return services.adoption.adopt(call.service_id(), call.read(AdoptParams).vmid)


def redeploy(services: Services, call: Call) -> str:
    """Remove the VM and carry out the order as if it were new; the pipeline does it."""
    return services.requests.ask(call.service_id(), Operation.REDEPLOY)


def explain(services: Services, call: Call) -> dict[str, Any]:
    """What the VM waits for, why, since when, and who can act."""
    return _unless_refused(lambda: services.explanations.service(call.service_id()))


def status(services: Services, call: Call) -> dict[str, Any]:
    """The installation: VMs by status, those at work, those that need somebody."""
    return services.explanations.status()


def log(services: Services, call: Call) -> dict[str, Any]:
    """The VM Log dialog: current status, last run, history."""
    return _unless_refused(lambda: services.logs.show(call.service_id()))


def _unless_refused(work: Callable[[], T]) -> T:
    try:
        return work()
    except (RecordRefused, UnknownService) as error:
        raise Refusal(str(error)) from error


def admins(call: Call) -> None:
    """The addon's pages are for admins who are logged in."""
    if call.actor.type != "admin" or call.actor.id is None:
        raise Refusal("This page is for admins only.")


RECORD = frozenset({"record", "record_edit", "record_reset", "record_delete", "adopt"})
VM = frozenset({"redeploy", "explain", "log"})
PAGES = (
    frozenset({"output", "sidebar", "api", "status"})
    | RECORD
    | VM
    | frozenset(addon_pools.FUNCTIONS)
    | frozenset(addon_dns.FUNCTIONS)
    | frozenset(client_pages.STAFF_FUNCTIONS)
)

FUNCTIONS: Table = {
    "activate": activate,
    "deactivate": deactivate,
    "upgrade": upgrade,
    "output": None,
    "sidebar": None,
    "api": None,
    "record": record,
    "record_edit": record_edit,
    "record_reset": record_reset,
    "record_delete": record_delete,
    "adopt": adopt,
    "redeploy": redeploy,
    "explain": explain,
    "log": log,
    "status": status,
    **addon_pools.FUNCTIONS,
    **addon_dns.FUNCTIONS,
    **client_pages.STAFF_FUNCTIONS,
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One function of the addon module."""
    return answer(FUNCTIONS, name, admins if name in PAGES else everybody)
