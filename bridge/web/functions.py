"""Tables of functions: what WHMCS may call, and who answers it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from flask import Response, current_app, jsonify

from bridge.web.callers import Refusal
from bridge.web.envelope import Call, current_call
from bridge.web.interfaces import Services

Function: TypeAlias = Callable[[Services, Call], Any]
Admission: TypeAlias = Callable[[Call], None]
Table: TypeAlias = Mapping[str, Function | None]
"""Name -> who answers. None: the protocol knows the function, this version does not serve it yet."""


def everybody(call: Call) -> None:
    """WHMCS itself decides who may make the call."""


class UnknownFunction(Exception):
    """The protocol has no function of this name."""


def services() -> Services:
    """What the application was made with."""
    return cast(Services, current_app.extensions["kvm-bridge"])


def answer(table: Table, name: str, admit: Admission = everybody) -> tuple[Response, int]:
    """Call the function of this name with the current request; its return value is the `result` of the answer.

    `admit` looks at the call first and raises Refusal when whoever makes it may not.
    """
    if name not in table:
        raise UnknownFunction(f"The protocol has no function {name[:64]!r} here.")
    function = table[name]
    call = current_call()
    try:
        admit(call)
        if function is None:
            return jsonify(error=f"{name} is not available yet in this version of KVM Bridge"), 501
        return jsonify(result=function(services(), call)), 200
    except Refusal as refusal:
        return jsonify(error=str(refusal)), 200
