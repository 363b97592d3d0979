"""The scheduler's pulse is beaten by the loop that gives out work, also in the middle of a long stretch of it."""

from collections.abc import Callable

import pytest

from bridge.observation.pulse import Pulse
from bridge.scheduler import Scheduler
from tests.chaos.clock import VirtualClock


class Claims:
    """Something is always due."""

    def any_due(self) -> bool:
        return True


class LongStretch:
    """Ten minutes of work, in whose rounds it is asked for more every 20 seconds, or not at all."""

    def __init__(self, clock: VirtualClock, pulse: Pulse, asks: bool) -> None:
        self.clock, self.pulse, self.asks = clock, pulse, asks
        self.seen: list[bool] = []

    def flow(self, emit: object, accepting: Callable[[], bool]) -> None:
        for _ in range(30):
            self.clock.advance(20.0)
            self.seen.append(self.pulse.alive)
            if self.asks:
                assert accepting()


@pytest.mark.req("OBS-02")
@pytest.mark.parametrize(("asks", "alive"), [(True, [True] * 30), (False, [True] + [False] * 29)])
def test_work_that_goes_on_is_a_sign_of_life_and_work_that_hangs_is_none(asks: bool, alive: list[bool]) -> None:
    clock = VirtualClock()
    pulse = Pulse(clock.now)
    cron = LongStretch(clock, pulse, asks)
    Scheduler(cron, Claims(), [], print, pulse)._look()  # type: ignore[arg-type]
    assert cron.seen == alive
