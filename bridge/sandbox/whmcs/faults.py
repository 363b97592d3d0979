"""Faults on demand: what a shop's API does on a bad day."""

import threading
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong. "Before" and "after" mean the effect of the call."""

    DOWN = "down"  # nobody listens
    CUT_BEFORE = "cut before"  # the connection ends, nothing was done
    CUT_AFTER = "cut after"  # it was done, the answer is lost
    SLOW = "slow"  # it is done, and the answer comes too late
    NONSENSE = "nonsense"  # a page instead of JSON, nothing was done
    NONSENSE_AFTER = "nonsense after"  # a page instead of JSON, and it was done
    NOISE = "noise"  # PHP warnings before a good answer
    MAILER = "mailer"  # SendEmail only: the mail server refuses


@dataclass
class _Planned:
    kind: FaultKind
    action: str
    times: int


class Faults:
    """Planned faults, each for an action ("" = any) and a number of calls; the one planned first comes first."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self.delay = 60.0  # seconds that a SLOW answer takes

    def plan(self, kind: FaultKind, action: str = "", times: int = 1) -> None:
        """Make the next `times` calls of `action` fail."""
        with self._lock:
            self._planned.append(_Planned(kind, action, times))

    def take(self, action: str) -> FaultKind | None:
        """The fault that this call meets, used up by it."""
        with self._lock:
            met = self._met(action)
            if met is None:
                return None
            met.times -= 1
            return met.kind

    def next_is(self, kind: FaultKind, action: str) -> bool:
        """Whether the next call of `action` would meet a fault of this kind."""
        with self._lock:
            met = self._met(action)
        return met is not None and met.kind is kind

    def clear(self) -> None:
        """All is well again."""
        with self._lock:
            self._planned.clear()

    def _met(self, action: str) -> _Planned | None:
        return next((one for one in self._planned if one.times > 0 and one.action in ("", action)), None)
