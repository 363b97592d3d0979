"""Tables of functions: what WHMCS may call, and who answers it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from flask import Response, current_app, jsonify

from bridge.web.envelope import Call, current_call
from bridge.web.interfaces import Refusal, Services

Function: TypeAlias = Callable[[Services, Call], Any]
Table: TypeAlias = Mapping[str, Function | None]
"""Name -> who answers. None: the protocol knows the function, this version does not serve it yet."""


class UnknownFunction(Exception):
    """The protocol has no function of this name."""


def services() -> Services:
    """What the application was made with."""
    return cast(Services, current_app.extensions["kvm-bridge"])


def answer(table: Table, name: str) -> tuple[Response, int]:
    """Call the function of this name with the current request; its return value is the `result` of the answer."""
    if name not in table:
        raise UnknownFunction(f"The protocol has no function {name[:64]!r} here.")
    function = table[name]
    if function is None:
        return jsonify(error=f"{name} is not available yet in this version of KVM Bridge"), 501
    call = current_call()
    try:
        return jsonify(result=function(services(), call)), 200
    except Refusal as refusal:
        return jsonify(error=str(refusal)), 200


def staff_only(call: Call) -> None:
    """Refuse whoever is not an admin at an admin page."""
    if call.actor.type != "admin" or call.actor.id is None:
        raise Refusal("Only admins may do this.")
