"""Logging in, and what one may do."""

from typing import Any

from bridge.sandbox.proxmox.access import Identity
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

# Paths that are shown whether or not anything was granted there.
_SHOWN = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")


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
    """The privileges of the sender, or of another when the sender may look at rights, by path."""
    who = call.who
    if "userid" in call.given:
        who = Identity.parse(str(call.values["userid"]))
        if str(call.who) not in (str(who), who.user):
            call.require("/access", "Sys.Audit")
    access = call.cluster.access
    paths = [str(call.values["path"])] if "path" in call.given else sorted({*_SHOWN, *access.paths()})
    found = {path: access.privileges(who, path) for path in paths}
    return {path: dict(sorted(privileges.items())) for path, privileges in found.items() if privileges}
