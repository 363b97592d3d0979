"""`/v1/client/<page or command>`: what clients see of their VM, and what they may do with it."""

from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from bridge.web import client_backups, client_pages, client_snapshots, forms
from bridge.web.callers import Refusal
from bridge.web.envelope import Call, Id, Line, Map, ServiceParams
from bridge.web.functions import Function, Table, answer
from bridge.web.interfaces import Services

blueprint = Blueprint("client", __name__, url_prefix="/v1/client")


class ReinstallFields(BaseModel):
    """The form of the Reinstall page."""

    template: Id
    confirmation: Line = ""


class ReverseNamesFields(BaseModel):
    """The form of the Reverse DNS page: host names by address."""

    names: Annotated[Map, Field(max_length=1024)]


def owner(call: Call) -> None:
    """A client sees his own services only; admins may look at all."""
    call.service_id()
    if call.actor.type == "client" and call.actor.id == call.read(ServiceParams).userid:
        return
    if call.actor.type != "admin" or call.actor.id is None:
        raise Refusal("Access Denied")


def status(services: Services, call: Call) -> dict[str, Any]:
    """What the overview shows and lets press, and the token that its buttons have to send."""
    return {**services.clients.status(call.service_id(), call.actor), forms.TOKEN_FIELD: forms.token(call)}


def power(action: str) -> Function:
    """A power button."""

    def press(services: Services, call: Call) -> dict[str, Any]:
        forms.posted(call, forms.NoFields)
        return services.clients.power(call.service_id(), call.actor, action)

    return press


def templates(services: Services, call: Call) -> list[dict[str, Any]]:
    """The operating systems of the Reinstall page."""
    return services.clients.templates(call.service_id(), call.actor)


def reinstall_start(services: Services, call: Call) -> dict[str, Any]:
    """The form of the Reinstall page was sent."""
    fields = forms.posted(call, ReinstallFields)
    return services.clients.reinstall(call.service_id(), call.actor, fields.template, fields.confirmation)


def reset_password_start(services: Services, call: Call) -> dict[str, Any]:
    """The button of the Reset password page was pressed."""
    forms.posted(call, forms.NoFields)
    return services.clients.reset_password(call.service_id(), call.actor)


def reverse_names(services: Services, call: Call) -> dict[str, Any]:
    """The addresses of the Reverse DNS page, and the token that its form has to send."""
    names = services.clients.reverse_names(call.service_id(), call.actor)
    return {"names": names, forms.TOKEN_FIELD: forms.token(call)}


def reverse_names_save(services: Services, call: Call) -> dict[str, Any]:
    """The form of the Reverse DNS page was sent."""
    fields = forms.posted(call, ReverseNamesFields)
    names = {ip: str(name) for ip, name in fields.names.items()}
    return services.clients.set_reverse_names(call.service_id(), call.actor, names)


FUNCTIONS: Table = {
    "overview": None,
    "charts": None,
    "reinstall": None,
    "snapshots": None,
    "backups": None,
    "reset_password": None,
    "rev_dns": None,
    "iso": None,
    "firewall": None,
    "console": None,
    "status": status,
    "start": power("start"),
    "stop": power("stop"),
    "reboot": power("reboot"),
    "reset": power("reset"),
    "templates": templates,
    "reinstall_start": reinstall_start,
    "reset_password_start": reset_password_start,
    "reverse_names": reverse_names,
    "reverse_names_save": reverse_names_save,
    **client_backups.FUNCTIONS,
    **client_snapshots.FUNCTIONS,
    **client_pages.FUNCTIONS,
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One page or command of the client area."""
    return answer(FUNCTIONS, name, owner)
