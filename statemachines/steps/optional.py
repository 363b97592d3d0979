"""Questions and precautions that a deployment can do without when the token may not ask them."""

from collections.abc import Callable
from typing import TypeVar

from statemachines.context import Context
from statemachines.errors import Kind, kind_of

T = TypeVar("T")


def optional(ctx: Context, action: str, call: Callable[[], T], default: T) -> T:
    """What `call` returns, or `default` when Proxmox refuses it for good (a missing right, an unknown call).

    The refusal goes to the module log. Errors that time may heal are raised: they say nothing about the question.
    """
    try:
        return call()
    except Exception as error:
        if kind_of(error) is not Kind.PERMANENT:
            raise
        ctx.journal.record(action, f"service {ctx.vm.service_id}", f"{error}; going on without it")
        return default
