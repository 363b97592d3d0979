"""`/v1/client/<page or command>`: what clients see of their VM, and what they may do with it."""

from flask import Blueprint, Response

from bridge.web.envelope import Call, ServiceParams
from bridge.web.functions import Table, answer
from bridge.web.interfaces import Refusal

blueprint = Blueprint("client", __name__, url_prefix="/v1/client")


def owner(call: Call) -> None:
    """A client sees his own services only; admins may look at all."""
    call.service_id()
    if call.actor.type == "client" and call.actor.id == call.read(ServiceParams).userid:
        return
    if call.actor.type != "admin" or call.actor.id is None:
        raise Refusal("Access Denied")


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
    "status": None,
    "start": None,
    "stop": None,
    "console": None,
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One page or command of the client area."""
    return answer(FUNCTIONS, name, owner)
