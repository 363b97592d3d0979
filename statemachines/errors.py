"""What can go wrong in a step, seen from the engine.

Implementations of the interfaces in `ports` raise their own exceptions; what the engine and the steps need to know of one
is its `kind`. An exception without a `kind` is a bug of ours and is treated as such.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What an error means for the VM. The state never moves on an error, whatever its kind."""

    RETRYABLE = "retryable"  # may pass by itself: network, 5xx, lock, timeout
    PERMANENT = "permanent"  # a person must act; still retried each tick, and marked "needs attention"
    NOT_FOUND = "not_found"  # the object is absent; most steps treat that as an answer
    CONFLICT = "conflict"  # somebody else holds what we wanted: VMID, address, configuration digest
    BUG = "bug"  # ours: loud, with traceback, never mistaken for network trouble


class StepError(Exception):
    """A step found out by itself that it cannot go on. The message is the line the admin reads.

    `who` names the person who can help ("admin", "Proxmox admin"); empty when time may heal it.
    """

    kind = Kind.RETRYABLE
    who = ""

    def __init__(self, message: str, who: str | None = None) -> None:
        super().__init__(message)
        if who is not None:
            self.who = who


class Temporary(StepError):
    """It may work next time; the message ends with ". Will retry." by the product's convention."""


class NeedsAttention(StepError):
    """A person has to change something first: no free address, template missing, VM not ours."""

    kind = Kind.PERMANENT
    who = "admin"


class LeaseLost(BaseException):
    """Another worker holds the VM now. Not an error of the VM: whoever sees it drops the work without writing."""


def kind_of(error: BaseException) -> Kind:
    """The kind an exception declares, or BUG when it declares none."""
    declared = getattr(error, "kind", None)
    try:
        return Kind(declared) if declared is not None else Kind.BUG
    except ValueError:
        return Kind.BUG


def outcome_unknown(error: BaseException) -> bool:
    """Whether the call may have had its effect although it failed (lost answer, timeout after a write)."""
    return bool(getattr(error, "outcome_unknown", False))


def left_stub(error: BaseException) -> bool:
    """Whether a refused clone left a locked, empty VM under its VMID, which only root can remove."""
    return bool(getattr(error, "stub_left", False))


def who_can_act(error: BaseException) -> str:
    """Whom the error asks to act; empty when time may heal it."""
    return str(getattr(error, "who", "") or "")


class Busy(StepError):
    """Something holds the VM (a Proxmox lock, another editor). The engine waits for it as for a task."""

    busy = True


def is_busy(error: BaseException) -> bool:
    """Whether the error only says that something else is at work on the object right now."""
    return bool(getattr(error, "busy", False))
