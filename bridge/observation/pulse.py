"""The scheduler's sign of life: felt where work is given out, and written down for the other processes."""

import time
from collections.abc import Callable

TELL_SECONDS = 10  # how often it is written down
STILL_SECONDS = 30.0  # without a beat for so long, the process runs and its work does not


class Pulse:
    """Beaten by the loop that gives out work. `now` gives seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last: float | None = None

    def beat(self) -> None:
        """The loop has come by. Costs nothing."""
        self._last = self._now()

    @property
    def alive(self) -> bool:
        """Whether the loop came by a moment ago."""
        return self._last is not None and self._now() - self._last < STILL_SECONDS
