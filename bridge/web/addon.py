"""`/v1/addon/<function>`: the functions of the addon module."""

from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from bridge.web.envelope import Call
from bridge.web.functions import Table, answer, everybody
from bridge.web.interfaces import Refusal, Services

blueprint = Blueprint("addon", __name__, url_prefix="/v1/addon")


class UpgradeParams(BaseModel):
    """What WHMCS passes to the addon's upgrade function: the version that was stored before."""

    version: Annotated[str, Field(max_length=64)] = ""


def activate(services: Services, call: Call) -> dict[str, str]:
    """Create or update what the product needs."""
    return {"status": "success", "description": services.installation.activate()}


def deactivate(services: Services, call: Call) -> dict[str, str]:
    """Stop, keep the data."""
    return {"status": "success", "description": services.installation.deactivate()}


def upgrade(services: Services, call: Call) -> None:
    """A new version of the module was put in place."""
    services.installation.upgrade(call.read(UpgradeParams).version)


def admins(call: Call) -> None:
    """The addon's pages are for admins who are logged in."""
    if call.actor.type != "admin" or call.actor.id is None:
        raise Refusal("This page is for admins only.")


PAGES = frozenset({"output", "sidebar", "api"})

FUNCTIONS: Table = {
    "activate": activate,
    "deactivate": deactivate,
    "upgrade": upgrade,
    "output": None,
    "sidebar": None,
    "api": None,
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One function of the addon module."""
    return answer(FUNCTIONS, name, admins if name in PAGES else everybody)
