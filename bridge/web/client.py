"""`/v1/client/<page or command>`: what clients see of their VM, and what they may do with it."""

from flask import Blueprint, Response

from bridge.web.functions import Table, answer

blueprint = Blueprint("client", __name__, url_prefix="/v1/client")

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
    return answer(FUNCTIONS, name)
