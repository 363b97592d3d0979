"""Whatever a guest does and whenever somebody collects: what is billed is what the guest truly sent, up to a stated bound."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.database import close_connection
from bridge.statistics.counting import DAY
from tests.statistics.conftest import HOUR, Meter

FASTEST = 2_000_000  # bytes a second
# Each life takes a second, so a failing one is told as it is.
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])

LOST_HOURLY = 180.0  # seconds of traffic for each end of a process: samples of a minute at both edges, the list's lag
LOST_LATE = 2 * 1800.0 + LOST_HOURLY  # the same with samples of half an hour
UPDATE = 10.0  # seconds that an RRD average may be too long after an end: what it could not see it takes for the rest
PER_LOOK = 0.1  # seconds of traffic between an answer and the moment that it is held to be of

rates = st.tuples(st.just("rates"), st.integers(0, FASTEST), st.integers(0, FASTEST))
burst = st.tuples(st.just("burst"), st.integers(0, 10**11), st.integers(0, 10**11))
again = st.tuples(st.just("collect"), st.integers(1, 3))
minutes = st.floats(1.0, 55.0)
harmless = st.lists(st.tuples(st.one_of(rates, burst, again), minutes), min_size=3, max_size=12)
event = st.sampled_from([("stop",), ("start",), ("restart",), ("live migration",), ("reset",)])
eventful = st.lists(st.tuples(st.one_of(rates, again, event, event), minutes), min_size=3, max_size=12)


@dataclass
class Life:
    """A service, its guest, and how often a process of the guest has ended."""

    shop: Meter
    service: int
    ends: int = 0
    collections: int = 0
    pauses: list[float] = field(default_factory=list)

    def runs(self) -> bool:
        """Whether the guest runs."""
        return self.shop.cluster.guests[self.shop.vmid(self.service)].run is not None

    def do(self, what: tuple[object, ...]) -> None:
        """One thing that happens."""
        match what:
            case ("rates", int(netin), int(netout)):
                self.shop.rates(self.service, netin, netout)
            case ("burst", int(netin), int(netout)):
                self.shop.send(self.service, netin, netout)
            case ("collect", int(times)):
                for _ in range(times):
                    self.collect()
            case ("start",) if not self.runs():
                self.shop.power(self.service, "start")
            case ("stop",) if self.runs():
                self.end("stop")
            case ("restart",) if self.runs():
                self.end("stop")
                self.shop.power(self.service, "start")
            case ("live migration",) if self.runs():
                self.ends += 1
                self.shop.migrate(self.service, online=True)
            case ("reset",) if self.runs():
                self.shop.power(self.service, "reset")

    def end(self, how: str) -> None:
        """The process ends."""
        self.ends += 1
        self.shop.power(self.service, how)

    def collect(self) -> None:
        """The task comes by; it is the clock that says whether there is something to do."""
        self.collections += 1
        assert self.shop.collect().errors == 0

    def check(self, lost: float) -> None:
        """What is billed is at most the truth, and at least the truth without `lost` seconds for each end."""
        until = self.shop.state(self.service).sampled_at
        billed, truth = self.shop.billed(self.service), self.shop.truth(self.service, end=until)
        for counted, true in zip(billed, truth, strict=True):
            slack = PER_LOOK * FASTEST + 2
            assert counted <= true + self.ends * UPDATE * FASTEST + slack
            assert counted >= true - self.ends * lost * FASTEST - slack


@contextmanager
def life() -> Iterator[Life]:
    """A VM that was made an hour ago and is known."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Meter(Path(folder))
        service = shop.deploy()
        shop.rates(service, 1000, 1000)
        shop.clock.advance(HOUR)
        shop.collect()
        yield Life(shop, service)
        close_connection()


@pytest.mark.req("MET-09", "MET-10")
@given(story=harmless, pauses=st.lists(st.floats(0.0, 40.0), min_size=12, max_size=12))
@settings(QUIET, max_examples=8)
def test_of_a_process_that_goes_on_nothing_is_lost_however_long_nobody_collects(
    story: list[tuple[tuple[object, ...], float]], pauses: list[float]
) -> None:
    with life() as guest:
        for (what, wait), hours in zip(story, pauses, strict=False):
            guest.do(what)
            guest.shop.clock.advance(60 * wait + hours * HOUR)
        guest.shop.clock.advance(HOUR)
        guest.collect()
        guest.check(0.0)


@pytest.mark.req("MET-09")
@given(story=eventful)
@settings(QUIET, max_examples=14)
def test_with_a_collector_that_comes_by_hourly_little_is_lost_at_each_end_of_a_process(
    story: list[tuple[tuple[object, ...], float]],
) -> None:
    with life() as guest:
        shop = guest.shop
        due = shop.clock.now() + HOUR
        for what, wait in [*story, (("start",), 60.0), (("collect", 1), 61.0)]:
            guest.do(what)
            until = shop.clock.now() + 60 * wait
            while due <= until:
                shop.clock.advance(max(0.0, due - shop.clock.now()))
                guest.collect()
                due += HOUR
            shop.clock.advance(max(0.0, until - shop.clock.now()))
        guest.check(LOST_LATE if stayed_stopped(story) else LOST_HOURLY)


def stayed_stopped(story: list[tuple[tuple[object, ...], float]]) -> bool:
    """Whether the VM may have been stopped at two collections: then the finest samples are gone when it is looked after."""
    return any(what == ("stop",) for what, _ in story)


@pytest.mark.req("MET-09")
@given(story=eventful, pauses=st.lists(st.floats(0.0, 4.0), min_size=12, max_size=12))
@settings(QUIET, max_examples=10)
def test_after_pauses_of_the_collector_at_most_an_hour_is_lost_at_each_end(
    story: list[tuple[tuple[object, ...], float]], pauses: list[float]
) -> None:
    with life() as guest:
        began = guest.shop.clock.now()
        for (what, wait), hours in zip(story, pauses, strict=False):
            guest.do(what)
            if guest.shop.clock.now() - began < DAY:
                guest.shop.clock.advance(60 * wait + hours * HOUR)
        if not guest.runs():
            guest.shop.power(guest.service, "start")
        guest.shop.clock.advance(HOUR)
        guest.collect()
        guest.check(LOST_LATE)
