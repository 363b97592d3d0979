"""The VM as pages look at it: for clients, who read nothing of the inside, and for staff, who read the cause."""

from collections.abc import Callable
from typing import TypeVar

from bridge.lifecycle import admission
from bridge.lifecycle.rules import Situation
from bridge.lifecycle.sight import Sight, look
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Refusal
from statemachines.errors import Kind, kind_of

T = TypeVar("T")


def seen_by_staff(service_id: int, shop: Shop, read: Callable[[VmContext, Sight], T]) -> T:
    """What `read` makes of the VM, as in `seen`. Raises Refusal with a line for staff."""
    found = load(service_id)
    if found is None:
        raise Refusal(f"service {service_id} has no VM")
    ctx = VmContext(*found, shop)
    return told_to_staff(lambda: read(ctx, look(ctx)))


def told_to_staff(work: Callable[[], T]) -> T:
    """Do `work`; what goes wrong outside becomes a Refusal that names it."""
    try:
        return work()
    except Refusal:
        raise
    except Exception as error:
        if kind_of(error) is Kind.BUG:
            raise
        raise Refusal(str(error)) from error


def seen(service_id: int, action: str, shop: Shop, read: Callable[[VmContext, Sight], T]) -> T:
    """What `read` makes of the VM, which is looked at first: it is ours, and the context knows its node.

    Raises Refusal: what is at work when there is no VM to be looked at yet or any more, else the general sentence.
    """
    found = load(service_id)
    if found is None:
        raise Refusal(admission.SOMETHING_WRONG)
    ctx = VmContext(*found, shop)
    try:
        return admission.calmly(service_id, action, lambda: read(ctx, look(ctx)))
    except Refusal as refusal:
        here = admission.situation_of(service_id)
        if here is Situation.READY or str(refusal) != admission.SOMETHING_WRONG:
            raise
        raise Refusal(admission.AT_WORK[here]) from refusal
