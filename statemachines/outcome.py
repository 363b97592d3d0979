"""What a step answers. Raising an exception (see `errors`) is the fourth answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from statemachines.ports import Notice


@dataclass(frozen=True)
class Done:
    """The milestone is reached. `changed` False = the world already was as wanted; `label` replaces the step's own.

    `mails` are recorded in the same transaction as the new state; `facts` go into the run's log, `intent` is what the next
    step finds written down (both JSON types).
    """

    changed: bool = True
    mails: tuple[Notice, ...] = ()
    label: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    intent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Skip:
    """The step does not apply here; `reason` is printed behind the label as ` (skip — reason)`."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """Something outside is at work; look again later. Not an error.

    `reason` is what the admin reads should the tick's patience end; `queued` True = our own limit holds the VM back, so
    the time does not count; `again_in` seconds, None = let the engine choose a growing interval.
    """

    reason: str
    queued: bool = False
    again_in: float | None = None


Outcome = Done | Skip | Wait
