"""Logging in, and what one may do."""

from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.routing import route

_WORLD = {"permissions": {"user": "world"}}
_LOGIN = {
    **_WORLD,
    "parameters": {
        "username": {"type": "string", "maxLength": 64},
        "password": {"type": "string"},
        "realm": {"type": "string", "optional": 1},
        "otp": {"type": "string", "optional": 1},
        "new-format": {"type": "boolean", "optional": 1},
        "tfa-challenge": {"type": "string", "optional": 1},
    },
}


@route("GET", "/access/ticket", {**_WORLD, "parameters": {}})
def no_ticket(call: Call) -> None:
    """Nothing; the method is there for formatters."""


@route("POST", "/access/ticket", _LOGIN)
def log_in(call: Call) -> dict[str, Any]:
    """A ticket for user and password."""
    user = str(call.values["username"])
    ticket, csrf = call.cluster.access.issue_ticket(user, str(call.values["password"]), call.now)
    return {"username": user, "ticket": ticket, "CSRFPreventionToken": csrf, "clustername": call.cluster.name}


@route("GET", "/access/permissions")
def permissions(call: Call) -> dict[str, dict[str, int]]:
    """The sender's own privileges by path."""
    roots = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
    paths = [str(call.values["path"])] if "path" in call.given else roots
    found = {path: call.cluster.access.rights(call.who, path) for path in paths}
    return {path: dict.fromkeys(sorted(rights), 1) for path, rights in found.items() if rights}
