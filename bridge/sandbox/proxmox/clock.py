"""Where the stand-in cluster takes its time from."""

import time
from typing import Protocol


class Clock(Protocol):
    """Time, passed in. A clock that also has `advance(seconds)` is moved forward by the in-process adapter."""

    def now(self) -> float:
        """Epoch seconds."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()


class VirtualClock:
    """Time that only moves when told to, so that a deploy of minutes takes milliseconds."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Epoch seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; negative values are ignored, time does not run backwards."""
        self._now += max(seconds, 0.0)
